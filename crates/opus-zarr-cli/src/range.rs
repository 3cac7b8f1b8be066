//! The options that select a part of a recording.

use std::ops::Range;

use opus_zarr::{Recording, Selection};

use crate::failure::Failure;

/// Which part of a recording [default: all of it]
#[derive(clap::Args)]
#[group(multiple = false)]
pub(crate) struct RangeArgs {
    /// Samples per channel at 48 kHz: 48000..96000, 48_000..+1024, 48000.. (to the end), ..96000
    #[arg(long, value_name = "A..B", allow_hyphen_values = true)]
    #[arg(value_parser = Selection::parse_samples)]
    samples: Option<Selection>,
    /// Time since the recording began: 12.5..30, 1:02:03.250..+750ms, 1h30m.. (to the end), ..90m
    #[arg(long, value_name = "T0..T1", allow_hyphen_values = true)]
    #[arg(value_parser = Selection::parse_time)]
    time: Option<Selection>,
    /// Time of day with time zone: 2026-05-12T20:15:00Z..+5s, 2026-05-12T22:15:00+02:00..
    #[arg(long, value_name = "T0..T1", allow_hyphen_values = true)]
    #[arg(value_parser = Selection::parse_utc)]
    utc: Option<Selection>,
}

impl RangeArgs {
    /// Returns the selected play samples.
    pub(crate) fn resolve(&self, recording: &Recording) -> Result<Range<u64>, Failure> {
        let selection = self.samples.as_ref().or(self.time.as_ref()).or(self.utc.as_ref());
        Ok(recording.select(selection.unwrap_or(&Selection::ALL))?)
    }
}
