use std::io::Read;

use opus_packet::{OpusHead, OpusTags, Packet, PacketSource, Timeline};

use crate::raw::{
    Error, Finding, FindingKind, Options, RawPacket,
    finding::Findings,
    ledger::{Filler, Ledger},
    reader::no_tags,
    window::{MAX_PACKET_LEN, Window, wide},
};

/// Reads what `opus_demo` of libopus writes, in bounded memory: for each packet its
/// length and the final range of the encoder, both 4 bytes and big-endian, then the
/// packet. The final range is passed over.
///
/// A length of 0 is a lost packet. In its place, and in that of an invalid packet, comes
/// one that asks for concealment and lasts as long as the packet before.
#[derive(Debug)]
pub struct OpusDemoReader<R> {
    window: Window<R>,
    head: OpusHead,
    tags: OpusTags,
    findings: Findings,
    ledger: Ledger,
    /// The last one that was read, and its duration.
    packet: Vec<u8>,
    duration: u32,
    filler: Filler,
    has_ended: bool,
    timeline: Option<Timeline>,
}

impl<R: Read> OpusDemoReader<R> {
    /// Reads a recording as `head` describes it: nothing in the stream does. There is no
    /// need to wrap `inner` in a `BufReader`.
    pub fn new(inner: R, head: OpusHead) -> Result<Self, Error> {
        Self::with_options(inner, head, Options::default())
    }

    /// Like [`new`](Self::new).
    pub fn with_options(inner: R, head: OpusHead, options: Options) -> Result<Self, Error> {
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
            duration: 0,
            filler: Filler::default(),
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

    /// The next packet; `None` at the end of the stream.
    pub fn next_raw_packet(&mut self) -> Result<Option<RawPacket<'_>>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        // Unless a packet is found, this was the last call that reads.
        self.has_ended = true;
        while !self.filler.has_more() {
            match self.read_entry()? {
                Entry::Packet { offset } => return Ok(Some(self.give(offset))),
                Entry::Lost { offset, is_inferred } => self.lose(offset, is_inferred)?,
                Entry::End => {
                    let offset = self.window.offset();
                    self.timeline = self.ledger.finish(&self.head, offset, &mut self.findings)?;
                    return Ok(None);
                }
            }
        }
        self.has_ended = false;
        let packet = self.filler.next_packet();
        Ok(packet.map(|Packet { data, duration }| {
            let position = self.ledger.lose(duration);
            RawPacket { data, duration, position, offset: None }
        }))
    }

    fn give(&mut self, offset: u64) -> RawPacket<'_> {
        self.has_ended = false;
        let position = self.ledger.read(self.duration);
        let (data, duration) = (self.packet.as_slice(), self.duration);
        RawPacket { data, duration, position, offset: Some(offset) }
    }

    /// Reads the next entry; its packet, if it has a valid one, becomes `self.packet`.
    fn read_entry(&mut self) -> Result<Entry, Error> {
        let at = self.window.offset();
        let header_fits = self.window.fill(HEADER_LEN)?;
        let Some(&[a, b, c, d, ..]) =
            self.window.unread().first_chunk::<HEADER_LEN>().filter(|_| header_fits)
        else {
            return self.end_inside();
        };
        let claimed = u32::from_be_bytes([a, b, c, d]);
        let length = usize::try_from(claimed).unwrap_or(usize::MAX);
        if length > MAX_PACKET_LEN {
            let limit = u32::try_from(MAX_PACKET_LEN).unwrap_or(u32::MAX);
            return Err(Error::NotOpusDemo { offset: at, length: claimed, limit });
        }
        if !self.window.fill(HEADER_LEN + length)? {
            return self.end_inside();
        }
        let offset = at.saturating_add(wide(HEADER_LEN));
        let data = self.window.unread().get(HEADER_LEN..HEADER_LEN + length).unwrap_or_default();
        let entry = match self.head.packet_duration(data) {
            Ok(duration) => {
                self.packet.clear();
                self.packet.extend_from_slice(data);
                self.duration = duration;
                Entry::Packet { offset }
            }
            Err(_) if length == 0 => Entry::Lost { offset: at, is_inferred: false },
            Err(reason) => {
                self.findings.report(offset, FindingKind::Packet { length, reason })?;
                Entry::Lost { offset: at, is_inferred: true }
            }
        };
        self.window.consume(HEADER_LEN + length);
        Ok(entry)
    }

    fn end_inside(&mut self) -> Result<Entry, Error> {
        let left = self.window.unread().len();
        if left > 0 {
            let truncated = FindingKind::Truncated { bytes: wide(left) };
            self.findings.report(self.window.offset(), truncated)?;
            self.window.consume(left);
        }
        Ok(Entry::End)
    }

    fn lose(&mut self, offset: u64, is_inferred: bool) -> Result<(), Error> {
        if self.duration == 0 {
            return self.findings.report(offset, FindingKind::LostAtStart);
        }
        let (position, samples) = (self.ledger.position(), u64::from(self.duration));
        self.ledger.check_loss(offset, samples)?;
        self.findings.report(offset, FindingKind::Gap { position, samples, is_inferred })?;
        self.filler = Filler::new(&self.packet, &self.head, samples);
        Ok(())
    }
}

/// What `opus_demo` writes for a packet.
enum Entry {
    Packet { offset: u64 },
    Lost { offset: u64, is_inferred: bool },
    End,
}

impl<R: Read> PacketSource for OpusDemoReader<R> {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let packet = self.next_raw_packet()?;
        Ok(packet.map(|RawPacket { data, duration, .. }| Packet { data, duration }))
    }
}

/// The length, and the final range of the encoder.
const HEADER_LEN: usize = 8;
