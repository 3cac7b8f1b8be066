use opus_packet::{CONCEALMENT_UNIT, CodedPos, Concealment, OpusHead, Packet, Timeline};

use crate::caf::{Error, FindingKind, finding::Findings};

/// Counts samples: those read, and those in place of lost ones.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ledger {
    read: u64,
    lost: u64,
}

impl Ledger {
    /// Position of the next sample.
    pub(crate) fn position(self) -> CodedPos {
        // Neither is near 2^63: each packet has taken bytes of the file, and what is
        // lost is limited by what was read.
        CodedPos::new(self.read.saturating_add(self.lost))
    }

    /// Takes in a packet; gives its position.
    pub(crate) fn read(&mut self, duration: u32) -> CodedPos {
        let position = self.position();
        self.read = self.read.saturating_add(u64::from(duration));
        position
    }

    /// Takes in a packet in place of a lost one.
    pub(crate) fn lose(&mut self, duration: u32) -> CodedPos {
        let position = self.position();
        self.lost = self.lost.saturating_add(u64::from(duration));
        position
    }

    /// An error if `samples` more lost ones would be more than a recording can lack.
    pub(crate) fn check_loss(self, offset: u64, samples: u64) -> Result<(), Error> {
        let (lost, read) = (self.lost.saturating_add(samples), self.read);
        if lost > read.saturating_add(MAX_LOST_BEYOND_READ) {
            return Err(Error::TooMuchLost { offset, lost, read });
        }
        Ok(())
    }

    /// What plays, now that all packets are read.
    pub(crate) fn finish(
        self,
        head: &OpusHead,
        end_trim: u64,
        offset: u64,
        findings: &mut Findings,
    ) -> Result<Option<Timeline>, Error> {
        let (pre_skip, coded) = (head.pre_skip(), self.position().get());
        if let Ok(timeline) = Timeline::new(pre_skip, coded, end_trim) {
            return Ok(Some(timeline));
        }
        findings.report(offset, FindingKind::Timeline { coded, pre_skip, end_trim })?;
        let skipped = u16::try_from(coded).map_or(pre_skip, |coded| coded.min(pre_skip));
        let end_trim = end_trim.min(coded.saturating_sub(u64::from(skipped)));
        Ok(Timeline::new(skipped, coded, end_trim).ok())
    }
}

/// Packets in place of lost ones, and how many samples they still have to fill.
#[derive(Debug, Default)]
pub(crate) struct Filler {
    concealment: Option<Concealment>,
    left: u64,
}

impl Filler {
    /// `samples` are lost after the packet `before`.
    pub(crate) fn new(before: &[u8], head: &OpusHead, samples: u64) -> Self {
        let streams = head.mapping().streams().get();
        Self { concealment: Some(Concealment::new(before, streams, samples)), left: samples }
    }

    pub(crate) fn has_more(&self) -> bool {
        self.left >= u64::from(CONCEALMENT_UNIT)
    }

    pub(crate) fn next_packet(&mut self) -> Option<Packet<'_>> {
        let packet = self.concealment.as_mut()?.next_packet()?;
        self.left = self.left.saturating_sub(u64::from(packet.duration));
        Some(packet)
    }
}

/// 24 hours.
const MAX_LOST_BEYOND_READ: u64 = 24 * 3600 * 48_000;
