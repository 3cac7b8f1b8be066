//! The sample table of a movie (ISO/IEC 14496-12 sections 8.6.1 and 8.7).

use std::io::{Read, Seek};

use crate::{
    Error,
    input::Seekable,
    mp4::{
        FindingKind,
        boxes::BoxAt,
        finding::Findings,
        samples::{Next, Sample, how_many_fit},
        table::{Sizes, Table},
        track::TrackBoxes,
    },
};

/// Reads the boxes "stsz", "stsc", "stco" and "stts" in parallel, a few bytes at a time.
#[derive(Debug)]
pub(crate) struct SampleTable {
    sizes: Sizes,
    /// Samples not returned yet.
    left: u64,
    /// Position of the box of sizes, for findings.
    offset: u64,
    chunks: Chunks,
    times: Times,
    /// Position of the next sample, and the rest of the current chunk.
    at: u64,
    left_in_chunk: u64,
    returned: u64,
}

impl SampleTable {
    pub(crate) fn new<R: Read + Seek>(
        boxes: &TrackBoxes,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let (sizes, left) = match &boxes.sizes {
            Some(sizes) => Sizes::read(sizes, input, findings)?,
            None => (Sizes::Words(Table::empty()), 0),
        };
        let offset = boxes.sizes.map_or(0, |sizes| sizes.start);
        let chunks = Chunks::new(boxes, input, findings)?;
        let table = table(boxes.times.as_ref(), 2, input, findings)?;
        let times = Times { table, left: 0, delta: 0, now: 0, has_ended: false };
        Ok(Self { sizes, left, offset, chunks, times, at: 0, left_in_chunk: 0, returned: 0 })
    }

    /// Time of the sample after the last.
    pub(crate) fn time(&self) -> u64 {
        self.times.now
    }

    pub(crate) fn next<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Next, Error> {
        while self.left > 0 && self.left_in_chunk == 0 {
            let Some((at, count)) = self.chunks.next(input, findings)? else {
                findings.report(self.offset, FindingKind::TableEnds { left: self.left })?;
                self.left = 0;
                break;
            };
            (self.at, self.left_in_chunk) = (at, u64::from(count).min(self.left));
        }
        if self.left == 0 {
            return Ok(Next::End);
        }
        let offset = self.at;
        // A small file can claim billions of them, so they are skipped together.
        if let Sizes::Same(size) = self.sizes
            && how_many_fit(offset, input.len(), size, 1) == 0
        {
            let count = self.left_in_chunk;
            self.advance(count, 0, input, findings)?;
            return Ok(Next::Outside { offset, count });
        }
        let Some(size) = self.sizes.next(input)? else {
            self.left = 0;
            return Ok(Next::End);
        };
        let (time, duration) = self.advance(1, u64::from(size), input, findings)?;
        if how_many_fit(offset, input.len(), size, 1) == 0 {
            return Ok(Next::Outside { offset, count: 1 });
        }
        let description = self.chunks.description;
        Ok(Next::Sample(Sample { offset, size, time, duration, description }))
    }

    /// Moves past `count` samples of `bytes` in total. Returns the time of the first and their
    /// total duration.
    fn advance<R: Read + Seek>(
        &mut self,
        count: u64,
        bytes: u64,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<(Option<u64>, u64), Error> {
        self.at = self.at.saturating_add(bytes);
        self.left = self.left.saturating_sub(count);
        self.left_in_chunk = self.left_in_chunk.saturating_sub(count);
        let had_ended = self.times.has_ended;
        let taken = self.times.take(count, input)?;
        if self.times.has_ended && !had_ended {
            findings.report(self.offset, FindingKind::TimesEnd { sample: self.returned })?;
        }
        self.returned = self.returned.saturating_add(count);
        Ok(taken)
    }
}

/// Returns the position and the number of samples of each chunk.
#[derive(Debug)]
struct Chunks {
    offsets: Table,
    is_long: bool,
    runs: Table,
    /// The next run of equal chunks: first chunk, samples in each, sample entry.
    upcoming: Option<(u32, u32, u32)>,
    per_chunk: u32,
    description: u32,
    /// Number of the current chunk, counted from 1.
    number: u32,
    offset: u64,
}

impl Chunks {
    fn new<R: Read + Seek>(
        boxes: &TrackBoxes,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let is_long = boxes.chunk_offsets.is_some_and(|offsets| offsets.is(b"co64"));
        let words = if is_long { 2 } else { 1 };
        let offsets = table(boxes.chunk_offsets.as_ref(), words, input, findings)?;
        let runs = table(boxes.chunks.as_ref(), 3, input, findings)?;
        let offset = boxes.chunks.map_or(0, |chunks| chunks.start);
        let mut chunks = Self {
            offsets,
            is_long,
            runs,
            upcoming: None,
            per_chunk: 0,
            description: 1,
            number: 0,
            offset,
        };
        chunks.read_run(input)?;
        Ok(chunks)
    }

    fn next<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Option<(u64, u32)>, Error> {
        let Some([high, low, ..]) = self.offsets.next(input)? else { return Ok(None) };
        self.number = self.number.saturating_add(1);
        while let Some((first, per_chunk, description)) = self.upcoming {
            if first > self.number {
                break;
            }
            if first < self.number {
                findings.report(self.offset, FindingKind::ChunkOrder { chunk: first })?;
            }
            (self.per_chunk, self.description) = (per_chunk, description);
            self.read_run(input)?;
        }
        let (high, low) = (u64::from(high), u64::from(low));
        let at = if self.is_long { high << 32 | low } else { high };
        Ok(Some((at, self.per_chunk)))
    }

    fn read_run<R: Read + Seek>(&mut self, input: &mut Seekable<R>) -> Result<(), Error> {
        let next = self.runs.next(input)?;
        self.upcoming =
            next.map(|[first, per_chunk, description, ..]| (first, per_chunk, description));
        Ok(())
    }
}

/// Returns the times of samples, from runs of equal durations.
#[derive(Debug)]
struct Times {
    table: Table,
    left: u64,
    delta: u64,
    now: u64,
    has_ended: bool,
}

impl Times {
    fn take<R: Read + Seek>(
        &mut self,
        mut count: u64,
        input: &mut Seekable<R>,
    ) -> Result<(Option<u64>, u64), Error> {
        let first = self.now;
        while count > 0 && !self.has_ended {
            if self.left == 0 {
                match self.table.next(input)? {
                    Some([run, delta, ..]) => {
                        (self.left, self.delta) = (u64::from(run), u64::from(delta));
                    }
                    None => self.has_ended = true,
                }
                continue;
            }
            let taken = count.min(self.left);
            (count, self.left) = (count - taken, self.left - taken);
            self.now = self.now.saturating_add(self.delta.saturating_mul(taken));
        }
        let time = if self.has_ended { None } else { Some(first) };
        Ok((time, self.now.saturating_sub(first)))
    }
}

/// A table after a version and a number of entries; empty if the box is missing.
fn table<R: Read + Seek>(
    parent: Option<&BoxAt>,
    words: usize,
    input: &mut Seekable<R>,
    findings: &mut Findings,
) -> Result<Table, Error> {
    match parent {
        Some(parent) => Table::counted(parent, 4, words, input, findings),
        None => Ok(Table::empty()),
    }
}
