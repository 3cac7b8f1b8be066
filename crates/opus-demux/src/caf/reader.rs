use std::io::{Read, Seek};

use opus_packet::{CodedPos, OpusHead, OpusTags, Packet, PacketSource, Timeline};

use crate::caf::{
    Error, Finding, FindingKind,
    chunks::{Chunk, Chunks},
    description::Description,
    finding::Findings,
    info::read_tags,
    input::{Input, Window, wide},
    ledger::{Filler, Ledger},
    packet_table::{PacketTable, TableEntry, TableItem},
};

/// How to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the first violation is an error. If not, it is reported, and reading
    /// goes on.
    pub strict: bool,
}

/// A packet and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CafPacket<'a> {
    /// The packet.
    pub data: &'a [u8],
    /// Samples per channel at 48 kHz.
    pub duration: u32,
    /// Position of its first sample.
    pub position: CodedPos,
    /// Byte position in the file; none for a packet in place of a lost one.
    pub offset: Option<u64>,
}

/// Reads the packets of a CAF file in constant memory: the packet table is read as the
/// packets are.
#[derive(Debug)]
pub struct CafOpusReader<R> {
    input: Input<R>,
    findings: Findings,
    description: Description,
    head: OpusHead,
    tags: OpusTags,
    table: PacketTable,
    /// The data that is not read yet.
    data: Chunk,
    window: Window,
    ledger: Ledger,
    filler: Filler,
    /// The last valid packet, and its duration.
    before: Vec<u8>,
    duration: u32,
    has_told_duration: bool,
    has_ended: bool,
    timeline: Option<Timeline>,
}

impl<R: Read + Seek> CafOpusReader<R> {
    /// Reads all chunks but the packets. There is no need to wrap `inner` in a
    /// `BufReader`.
    pub fn new(inner: R) -> Result<Self, Error> {
        Self::with_options(inner, Options::default())
    }

    /// Like [`new`](Self::new).
    pub fn with_options(inner: R, options: Options) -> Result<Self, Error> {
        let mut input = Input::new(inner)?;
        let mut findings = Findings::new(options.strict);
        let chunks = Chunks::read(&mut input, &mut findings)?;
        let description = Description::read(&mut input, &chunks)?;
        let data = data(&input, &chunks)?;
        let table = PacketTable::read(&mut input, &chunks, data.len(), &description)?;
        let head = description.head(&mut input, chunks.cookie, &table.header, &mut findings)?;
        let tags = read_tags(&mut input, chunks.info)?;
        Ok(Self {
            input,
            findings,
            description,
            head,
            tags,
            table,
            data,
            window: Window::new(DATA_AHEAD),
            ledger: Ledger::default(),
            filler: Filler::default(),
            before: Vec::new(),
            duration: 0,
            has_told_duration: false,
            has_ended: false,
            timeline: None,
        })
    }

    /// The OpusHead of the file, or what stands for it: see the README.
    pub fn head(&self) -> &OpusHead {
        &self.head
    }

    /// The strings of the file as comments.
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

    /// The next packet; `None` at the end of the file.
    pub fn next_caf_packet(&mut self) -> Result<Option<CafPacket<'_>>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        // Unless a packet is found, this was the last call that reads.
        self.has_ended = true;
        while !self.filler.has_more() {
            let (at, entry) = (self.data.start, self.next_entry()?);
            let Some(entry) = entry else {
                self.timeline = self.finish()?;
                return Ok(None);
            };
            self.data.start = at.saturating_add(entry.bytes);
            if self.take(at, entry)? {
                self.has_ended = false;
                let position = self.ledger.read(self.duration);
                let (data, duration) = (self.before.as_slice(), self.duration);
                return Ok(Some(CafPacket { data, duration, position, offset: Some(at) }));
            }
        }
        self.has_ended = false;
        let packet = self.filler.next_packet();
        Ok(packet.map(|Packet { data, duration }| {
            let position = self.ledger.lose(duration);
            CafPacket { data, duration, position, offset: None }
        }))
    }

    /// The next packet by the table, if it lies within the data.
    fn next_entry(&mut self) -> Result<Option<TableEntry>, Error> {
        let item = self.table.next(&mut self.input)?;
        let (given, count) = (self.table.given(), self.table.count);
        match item {
            TableItem::End => Ok(None),
            TableItem::CutOff => {
                let kind = FindingKind::TableEnds { packet: given, count };
                self.findings.report(self.table.header.offset, kind)?;
                Ok(None)
            }
            TableItem::Entry(entry) if entry.bytes > self.data.len() => {
                let kind = FindingKind::Truncated { packet: given.saturating_sub(1), count };
                self.findings.report(self.data.start, kind)?;
                self.data.start = self.data.end;
                Ok(None)
            }
            TableItem::Entry(entry) => Ok(Some(entry)),
        }
    }

    /// Makes the packet at `at` the current one; false if it is dropped.
    fn take(&mut self, at: u64, entry: TableEntry) -> Result<bool, Error> {
        let TableEntry { bytes: length, frames } = entry;
        let limit = max_packet_len(&self.head);
        let len = usize::try_from(length).ok().filter(|len| *len <= limit);
        let Some(len) = len else {
            let kind = FindingKind::PacketTooLong { length, limit: wide(limit) };
            self.findings.report(at, kind)?;
            self.lose(at, frames)?;
            return Ok(false);
        };
        let data = self.window.get(&mut self.input, at, len, self.data.end.max(at))?;
        match self.head.packet_duration(data) {
            Ok(duration) => {
                self.before.clear();
                self.before.extend_from_slice(data);
                self.duration = duration;
                self.check_duration(at, frames)?;
                Ok(true)
            }
            Err(reason) => {
                self.findings.report(at, FindingKind::Packet { length, reason })?;
                self.lose(at, frames)?;
                Ok(false)
            }
        }
    }

    /// The file has no clock, only durations: one that is not that of the packet is no
    /// sign of a loss.
    fn check_duration(&mut self, at: u64, frames: u64) -> Result<(), Error> {
        let (toc, table) = (self.duration, self.description.samples(frames));
        if table.abs_diff(u64::from(toc)) <= 1 || self.has_told_duration {
            return Ok(());
        }
        self.has_told_duration = true;
        self.findings.report(at, FindingKind::Duration { toc, table })
    }

    /// A dropped packet leaves its time, so that all after it stays where it belongs.
    fn lose(&mut self, offset: u64, frames: u64) -> Result<(), Error> {
        let by_table = self.description.samples(frames);
        let is_inferred = !(120..=5760).contains(&by_table);
        let samples =
            if is_inferred { u64::from(self.duration) } else { by_table - by_table % 120 };
        if samples == 0 {
            return Ok(());
        }
        self.ledger.check_loss(offset, samples)?;
        let position = self.ledger.position();
        self.findings.report(offset, FindingKind::Gap { position, samples, is_inferred })?;
        self.filler = Filler::new(&self.before, &self.head, samples);
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Timeline>, Error> {
        let (offset, bytes) = (self.data.start, self.data.len());
        if bytes > 0 {
            self.findings.report(offset, FindingKind::DataLeft { bytes })?;
        }
        let header = self.table.header;
        let (priming, remainder) = (u64::try_from(header.priming), u64::try_from(header.remainder));
        let found = self.ledger.position().get();
        if let (Ok(valid), Ok(priming), Ok(remainder)) =
            (u64::try_from(header.valid_frames), priming, remainder)
        {
            let frames = valid.saturating_add(priming).saturating_add(remainder);
            let table = self.description.samples(frames);
            if table.abs_diff(found) > 1 && frames > 0 {
                self.findings.report(header.offset, FindingKind::Total { found, table })?;
            }
        }
        let Ok(remainder) = remainder else {
            let kind = FindingKind::InvalidRemainder { frames: header.remainder };
            self.findings.report(header.offset, kind)?;
            return self.ledger.finish(&self.head, 0, offset, &mut self.findings);
        };
        let end_trim = self.description.samples(remainder);
        self.ledger.finish(&self.head, end_trim, offset, &mut self.findings)
    }
}

impl<R: Read + Seek> PacketSource for CafOpusReader<R> {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let packet = self.next_caf_packet()?;
        Ok(packet.map(|CafPacket { data, duration, .. }| Packet { data, duration }))
    }
}

/// The audio data, after the edit count that begins the chunk.
fn data<R: Read + Seek>(input: &Input<R>, chunks: &Chunks) -> Result<Chunk, Error> {
    let missing = Error::NoChunk { offset: input.len(), name: "data" };
    let Chunk { start, end } = chunks.data.ok_or(missing)?;
    Ok(Chunk { start: start.saturating_add(4).min(end), end })
}

/// More is no audio (RFC 7845 section 6).
fn max_packet_len(head: &OpusHead) -> usize {
    (7680 * usize::from(head.mapping().streams().get())).max(61_440)
}

/// Bytes read at once.
const DATA_AHEAD: usize = 64 * 1024;
