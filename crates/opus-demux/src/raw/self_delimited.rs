use std::io::Read;

use opus_packet::{
    InvalidPacket, OpusHead, OpusTags, Packet, PacketSource, Timeline, split_self_delimited,
};

use crate::raw::{
    Error, Finding, FindingKind, Options, RawPacket,
    finding::Findings,
    ledger::Ledger,
    reader::no_tags,
    window::{MAX_PACKET_LEN, Window, wide},
};

/// Reads packets in self-delimited framing, one after the other
/// (RFC 6716 appendix B), in bounded memory.
#[derive(Debug)]
pub struct SelfDelimitedReader<R> {
    window: Window<R>,
    head: OpusHead,
    tags: OpusTags,
    findings: Findings,
    ledger: Ledger,
    /// In ordinary framing.
    packet: Vec<u8>,
    has_ended: bool,
    timeline: Option<Timeline>,
}

impl<R: Read> SelfDelimitedReader<R> {
    /// Reads a recording as `head` describes it: nothing in the stream does. There is no
    /// need to wrap `inner` in a `BufReader`.
    pub fn new(inner: R, head: OpusHead) -> Result<Self, Error> {
        Self::with_options(inner, head, Options::default())
    }

    /// Like [`new`](Self::new).
    pub fn with_options(inner: R, head: OpusHead, options: Options) -> Result<Self, Error> {
        let streams = head.mapping().streams().get();
        if streams != 1 {
            return Err(Error::Streams { streams });
        }
        let mut window = Window::new(inner);
        if !window.fill(1)? {
            return Err(Error::Empty);
        }
        Ok(Self {
            window,
            head,
            tags: no_tags(),
            findings: Findings::new(options.strict),
            ledger: Ledger::default(),
            packet: Vec::new(),
            has_ended: false,
            timeline: None,
        })
    }

    /// The head that the caller gave.
    pub fn head(&self) -> &OpusHead {
        &self.head
    }

    /// Empty: a raw stream has no comments.
    pub fn tags(&self) -> &OpusTags {
        &self.tags
    }

    /// Which samples play; known once all packets have been read.
    pub fn timeline(&self) -> Option<Timeline> {
        self.timeline
    }

    /// Takes out what was found since the last call: the first 1,000, and how many more.
    pub fn findings(&mut self) -> impl Iterator<Item = Finding> {
        self.findings.drain()
    }

    /// The next packet in ordinary framing; `None` at the end of the stream.
    pub fn next_raw_packet(&mut self) -> Result<Option<RawPacket<'_>>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        // Unless a packet is found, this was the last call that reads.
        self.has_ended = true;
        let Some((len, duration)) = self.find_packet()? else {
            let offset = self.window.offset();
            self.timeline = self.ledger.finish(&self.head, offset, &mut self.findings)?;
            return Ok(None);
        };
        self.has_ended = false;
        self.window.consume(len);
        let position = self.ledger.read(duration);
        Ok(Some(RawPacket { data: &self.packet, duration, position, offset: None }))
    }

    /// Puts the packet that is next in ordinary framing; gives its length in the stream
    /// and its duration.
    fn find_packet(&mut self) -> Result<Option<(usize, u32)>, Error> {
        loop {
            let unread = self.window.unread();
            let (length, offset) = (unread.len(), self.window.offset());
            let reason = match split_self_delimited(unread) {
                Ok((packet, _)) if packet.as_bytes().len() <= MAX_SELF_DELIMITED_LEN => {
                    self.packet.clear();
                    packet.write_ordinary(&mut self.packet);
                    return Ok(Some((packet.as_bytes().len(), packet.duration())));
                }
                Ok(_) => return Err(too_long(offset)),
                Err(reason) => reason,
            };
            if !may_be_cut_off(reason) {
                return Err(Error::Packet { offset, reason });
            }
            if length > MAX_SELF_DELIMITED_LEN {
                return Err(too_long(offset));
            }
            if !self.window.more()? {
                return self.end_inside(length);
            }
        }
    }

    fn end_inside(&mut self, length: usize) -> Result<Option<(usize, u32)>, Error> {
        if length > 0 {
            let truncated = FindingKind::Truncated { bytes: wide(length) };
            self.findings.report(self.window.offset(), truncated)?;
            self.window.consume(length);
        }
        Ok(None)
    }
}

impl<R: Read> PacketSource for SelfDelimitedReader<R> {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let packet = self.next_raw_packet()?;
        Ok(packet.map(|RawPacket { data, duration, .. }| Packet { data, duration }))
    }
}

fn too_long(offset: u64) -> Error {
    Error::PacketTooLong { offset, limit: MAX_SELF_DELIMITED_LEN }
}

/// Whether more bytes could make a packet of what is none so far.
fn may_be_cut_off(reason: InvalidPacket) -> bool {
    matches!(
        reason,
        InvalidPacket::Empty
            | InvalidPacket::NoFrameLength
            | InvalidPacket::NoFrameCount
            | InvalidPacket::FrameBeyondEnd { .. }
            | InvalidPacket::PaddingBeyondEnd { .. }
    )
}

/// With the one more length, of at most two bytes.
const MAX_SELF_DELIMITED_LEN: usize = MAX_PACKET_LEN + 2;
