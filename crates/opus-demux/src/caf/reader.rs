use std::io::{Read, Seek};

use opus_packet::LocatedPacket;

use crate::{
    Error,
    caf::{
        Finding, FindingKind,
        chunks::{Chunk, Chunks},
        description::Description,
        error::Reason,
        finding::Findings,
        info::read_tags,
        packet_table::{PacketTable, TableEntry, TableItem},
    },
    input::{Seekable, Window},
    stream::{Stream, reader_api},
};

/// How to read: by default tolerantly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the first violation is an error. Otherwise it becomes a [`Finding`], and reading
    /// continues.
    pub strict: bool,
}

impl Options {
    /// Sets whether the first violation is an error.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict }
    }
}

/// Reads the packets of a CAF file in constant memory, together with its packet table.
///
/// [`head`](Self::head) is the OpusHead of the file or one made from its other fields: see the
/// [module](crate::caf).
#[derive(Debug)]
pub struct CafOpusReader<R> {
    input: Seekable<R>,
    description: Description,
    table: PacketTable,
    /// The data that was not read yet.
    data: Chunk,
    window: Window,
    has_reported_duration: bool,
    stream: Stream<FindingKind>,
}

reader_api!(CafOpusReader<R: Read + Seek>);

impl<R: Read + Seek> CafOpusReader<R> {
    /// Reads all chunks except the packets. `inner` needs no `BufReader`.
    ///
    /// # Errors
    ///
    /// The file is not CAF, holds no Opus, lacks a chunk, or `inner` failed.
    pub fn new(inner: R) -> Result<Self, Error> {
        Self::with_options(inner, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new). A strict reader also returns the first violation.
    pub fn with_options(inner: R, options: Options) -> Result<Self, Error> {
        let mut input = Seekable::new(inner)?;
        let mut findings = Findings::new(options.strict);
        let chunks = Chunks::read(&mut input, &mut findings)?;
        let description = Description::read(&mut input, &chunks)?;
        let data = data(&input, &chunks)?;
        let table = PacketTable::read(&mut input, &chunks, data.len(), &description)?;
        let head = description.head(&mut input, chunks.cookie, &table.header, &mut findings)?;
        let tags = read_tags(&mut input, chunks.info)?;
        Ok(Self {
            input,
            description,
            table,
            data,
            window: Window::new(DATA_AHEAD),
            has_reported_duration: false,
            stream: Stream::new(head, tags, findings),
        })
    }

    /// The next packet and where it lies; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// Reading failed, or more audio is lost than a recording can lack. A strict reader also
    /// returns the first violation.
    pub fn next_located(&mut self) -> Result<Option<LocatedPacket<'_>>, Error> {
        if !self.stream.begin() {
            return Ok(None);
        }
        while !self.stream.is_concealing() {
            let (at, entry) = (self.data.start, self.next_entry()?);
            let Some(entry) = entry else {
                self.finish()?;
                return Ok(None);
            };
            self.data.start = at.saturating_add(entry.bytes);
            if self.take(at, entry)? {
                return Ok(Some(self.stream.located().at(at)));
            }
        }
        Ok(self.stream.concealed())
    }

    /// The next packet of the table, if it lies within the data.
    fn next_entry(&mut self) -> Result<Option<TableEntry>, Error> {
        let item = self.table.next(&mut self.input)?;
        let (returned, count) = (self.table.returned(), self.table.count);
        match item {
            TableItem::End => Ok(None),
            TableItem::CutOff => {
                let kind = FindingKind::TableEnds { packet: returned, count };
                self.stream.report(self.table.header.offset, kind)?;
                Ok(None)
            }
            TableItem::Entry(entry) if entry.bytes > self.data.len() => {
                let kind = FindingKind::Truncated { packet: returned.saturating_sub(1), count };
                self.stream.report(self.data.start, kind)?;
                self.data.start = self.data.end;
                Ok(None)
            }
            TableItem::Entry(entry) => Ok(Some(entry)),
        }
    }

    /// Makes the packet at `at` the current one. Returns false if it is dropped.
    fn take(&mut self, at: u64, entry: TableEntry) -> Result<bool, Error> {
        let TableEntry { bytes: length, frames } = entry;
        if self.stream.allows(at, length)? {
            let (len, end) = (usize::try_from(length).unwrap_or_default(), self.data.end.max(at));
            let data = self.window.get(&mut self.input, at, len, end)?;
            if self.stream.keep(at, data)? {
                self.check_duration(at, frames)?;
                return Ok(true);
            }
        }
        self.lose(at, frames)?;
        Ok(false)
    }

    /// A CAF file states durations but no times, so a wrong duration does not indicate a loss.
    fn check_duration(&mut self, at: u64, frames: u64) -> Result<(), Error> {
        let (toc, table) = (self.stream.duration(), self.description.samples(frames));
        if table.abs_diff(u64::from(toc)) <= 1 || self.has_reported_duration {
            return Ok(());
        }
        self.has_reported_duration = true;
        self.stream.report(at, FindingKind::Duration { toc, table })
    }

    /// Conceals a dropped packet, so that the audio after it does not shift.
    fn lose(&mut self, offset: u64, frames: u64) -> Result<(), Error> {
        let by_table = self.description.samples(frames);
        let is_inferred = !(120..=5760).contains(&by_table);
        let samples =
            if is_inferred { u64::from(self.stream.duration()) } else { by_table - by_table % 120 };
        if samples == 0 {
            return Ok(());
        }
        self.stream.lose(offset, samples, is_inferred)
    }

    fn finish(&mut self) -> Result<(), Error> {
        let (offset, bytes) = (self.data.start, self.data.len());
        if bytes > 0 {
            self.stream.report(offset, FindingKind::DataLeft { bytes })?;
        }
        let header = self.table.header;
        let (priming, remainder) = (u64::try_from(header.priming), u64::try_from(header.remainder));
        let found = self.stream.ledger.position().get();
        if let (Ok(valid), Ok(priming), Ok(remainder)) =
            (u64::try_from(header.valid_frames), priming, remainder)
        {
            let frames = valid.saturating_add(priming).saturating_add(remainder);
            let table = self.description.samples(frames);
            if table.abs_diff(found) > 1 && frames > 0 {
                self.stream.report(header.offset, FindingKind::Total { found, table })?;
            }
        }
        if remainder.is_err() {
            let kind = FindingKind::InvalidRemainder { frames: header.remainder };
            self.stream.report(header.offset, kind)?;
        }
        self.stream.finish(offset, self.description.samples(remainder.unwrap_or(0)))
    }
}

/// The audio data without the edit count at the start of its chunk.
fn data<R: Read + Seek>(input: &Seekable<R>, chunks: &Chunks) -> Result<Chunk, Error> {
    let missing = || Error::at(input.len(), Reason::NoChunk { name: "data" });
    let Chunk { start, end } = chunks.data.ok_or_else(missing)?;
    Ok(Chunk { start: start.saturating_add(4).min(end), end })
}

/// Bytes read at a time.
const DATA_AHEAD: usize = 64 * 1024;
