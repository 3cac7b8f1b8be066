//! What readers keep about the stream that they read.

use std::mem;

use opus_packet::{
    Concealment, Findings, Gap, InvalidPacket, Ledger, LocatedPacket, OpusHead, OpusTags, Packet,
    Timeline, wide,
};

use crate::{AudioFinding, Error, audio::timeline};

/// The headers, findings and clock of a stream, and its current packet.
#[derive(Debug)]
pub(crate) struct Stream<K> {
    pub(crate) head: OpusHead,
    pub(crate) tags: OpusTags,
    pub(crate) findings: Findings<K>,
    pub(crate) ledger: Ledger,
    /// The last valid packet, and its duration.
    packet: Vec<u8>,
    duration: u32,
    concealment: Concealment,
    has_ended: bool,
    timeline: Option<Timeline>,
}

impl<K> Stream<K>
where
    K: opus_packet::FindingKind + From<AudioFinding>,
    Error: From<opus_packet::Finding<K>>,
{
    pub(crate) fn new(head: OpusHead, tags: OpusTags, findings: Findings<K>) -> Self {
        Self {
            head,
            tags,
            findings,
            ledger: Ledger::default(),
            packet: Vec::new(),
            duration: 0,
            concealment: Concealment::default(),
            has_ended: false,
            timeline: None,
        }
    }

    pub(crate) fn timeline(&self) -> Option<Timeline> {
        self.timeline
    }

    /// The duration of the last valid packet; 0 before the first.
    pub(crate) fn duration(&self) -> u32 {
        self.duration
    }

    /// Returns false if the stream has ended. Otherwise it has ended now, unless a packet
    /// follows: nothing is read after an error.
    pub(crate) fn begin(&mut self) -> bool {
        !mem::replace(&mut self.has_ended, true)
    }

    /// Reports a finding.
    pub(crate) fn report(&mut self, offset: u64, kind: impl Into<K>) -> Result<(), Error> {
        Ok(self.findings.report(offset, kind)?)
    }

    /// Keeps a packet. Returns false and reports it if it is invalid.
    pub(crate) fn keep(&mut self, offset: u64, data: &[u8]) -> Result<bool, Error> {
        match self.head.packet_duration(data) {
            Ok(duration) => {
                self.keep_valid(data, duration);
                Ok(true)
            }
            Err(reason) => {
                self.drop_invalid(offset, wide(data.len()), reason)?;
                Ok(false)
            }
        }
    }

    /// Keeps a packet that is known to be valid.
    pub(crate) fn keep_valid(&mut self, data: &[u8], duration: u32) {
        self.packet.clear();
        self.packet.extend_from_slice(data);
        self.duration = duration;
    }

    /// Reports an invalid packet.
    pub(crate) fn drop_invalid(
        &mut self,
        offset: u64,
        length: u64,
        reason: InvalidPacket,
    ) -> Result<(), Error> {
        self.report(offset, AudioFinding::InvalidPacket { length, reason })
    }

    /// Returns whether a packet may have `length` bytes. If not, reports it.
    pub(crate) fn allows(&mut self, offset: u64, length: u64) -> Result<bool, Error> {
        let limit = wide(self.head.max_packet_len());
        if length > limit {
            self.report(offset, AudioFinding::PacketTooLong { length, limit })?;
        }
        Ok(length <= limit)
    }

    /// Reports a gap and begins to conceal it after the last valid packet.
    pub(crate) fn lose(&mut self, offset: u64, samples: u64, inferred: bool) -> Result<(), Error> {
        self.ledger.check_loss(samples).map_err(|reason| Error::at(offset, reason))?;
        let gap = Gap::new(self.ledger.position(), samples).inferred(inferred);
        self.report(offset, AudioFinding::Gap(gap))?;
        let streams = self.head.mapping().streams().get();
        self.concealment = Concealment::new(&self.packet, streams, samples);
        Ok(())
    }

    /// Returns whether packets that conceal a gap come next.
    pub(crate) fn is_concealing(&self) -> bool {
        self.concealment.has_more()
    }

    /// The next packet that conceals a gap.
    pub(crate) fn concealed(&mut self) -> Option<LocatedPacket<'_>> {
        self.has_ended = false;
        let Packet { data, duration } = self.concealment.next_packet()?;
        let position = self.ledger.conceal(duration);
        Some(LocatedPacket::new(data, duration, position).concealing())
    }

    /// The packet that was kept, as the next one of the stream.
    pub(crate) fn located(&mut self) -> LocatedPacket<'_> {
        self.has_ended = false;
        let position = self.ledger.read(self.duration);
        LocatedPacket::new(&self.packet, self.duration, position)
    }

    /// Begins the stream here, with another head.
    pub(crate) fn restart(&mut self, head: OpusHead) {
        self.head = head;
        self.ledger = Ledger::default();
    }

    /// Ends the stream: no packets follow.
    pub(crate) fn finish(&mut self, offset: u64, end_trim: u64) -> Result<(), Error> {
        let lengths = (self.head.pre_skip(), self.ledger.position().get(), end_trim);
        self.timeline = timeline(lengths, offset, &mut self.findings)?;
        Ok(())
    }
}

/// Implements what all readers with a [`Stream`] have in common.
macro_rules! reader_api {
    ($reader:ident<R: $first:ident $(+ $more:ident)*>) => {
        impl<R: $first $(+ $more)*> $reader<R> {
            /// The identification header of the stream.
            pub fn head(&self) -> &opus_packet::OpusHead {
                &self.stream.head
            }

            /// The comments of the stream.
            pub fn tags(&self) -> &opus_packet::OpusTags {
                &self.stream.tags
            }

            /// Which samples play. Known once all packets have been read.
            pub fn timeline(&self) -> Option<opus_packet::Timeline> {
                self.stream.timeline()
            }

            /// Takes the findings since the last call. Beyond the first thousand, they are
            /// only counted.
            pub fn findings(&mut self) -> impl Iterator<Item = Finding> + use<'_, R> {
                self.stream.findings.drain()
            }
        }

        impl<R: $first $(+ $more)*> opus_packet::PacketSource for $reader<R> {
            type Error = crate::Error;

            fn next_packet(&mut self) -> Result<Option<opus_packet::Packet<'_>>, crate::Error> {
                Ok(self.next_located()?.map(Into::into))
            }
        }
    };
}
pub(crate) use reader_api;
