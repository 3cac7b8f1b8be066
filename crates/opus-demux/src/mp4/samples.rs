//! Where the packets lie, by the sample table of the movie and then by its fragments.

use std::io::{Read, Seek};

use crate::{
    Error,
    input::Seekable,
    mp4::{finding::Findings, fragments::Fragments, sample_table::SampleTable},
};

/// A packet as the tables describe it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) offset: u64,
    pub(crate) size: u32,
    /// In ticks of the media.
    pub(crate) time: Option<u64>,
    pub(crate) duration: u64,
    /// Number of its sample entry, counted from 1.
    pub(crate) description: u32,
}

/// The next item of the tables.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    Sample(Sample),
    /// Samples beyond the end of the file.
    Outside {
        offset: u64,
        count: u64,
    },
    /// Samples that the tables state to be empty.
    NoBytes {
        offset: u64,
        count: u64,
    },
    End,
}

/// Returns all samples of a track in decoding order.
#[derive(Debug)]
pub(crate) struct Samples {
    table: SampleTable,
    table_has_ended: bool,
    fragments: Fragments,
}

impl Samples {
    pub(crate) fn new(table: SampleTable, fragments: Fragments) -> Self {
        Self { table, table_has_ended: false, fragments }
    }

    pub(crate) fn next<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Next, Error> {
        if !self.table_has_ended {
            let next = self.table.next(input, findings)?;
            if !matches!(next, Next::End) {
                return Ok(next);
            }
            self.table_has_ended = true;
            self.fragments.begin_at(self.table.time());
        }
        self.fragments.next(input, findings)
    }
}

/// The number of `count` samples of `size` bytes each that fit between `offset` and `end`.
pub(crate) fn how_many_fit(offset: u64, end: u64, size: u32, count: u64) -> u64 {
    let fit = end.saturating_sub(offset).checked_div(u64::from(size));
    fit.unwrap_or(count).min(count)
}
