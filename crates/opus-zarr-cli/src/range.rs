//! The options that select a part of a recording, or of the time of day.

use std::ops::Range;

use jiff::{civil::Date, tz::Offset};
use opus_zarr::{LocalSelection, Recording, Selection, UnresolvedTime, Zone};

use crate::{failure::Failure, output::Messages};

/// Which part of a recording [default: all of it]
#[derive(clap::Args)]
pub(crate) struct RangeArgs {
    #[command(flatten)]
    part: Part,
    /// Date of a --utc range of local times, such as 2026-05-12
    #[arg(long, value_name = "DATE", requires = "utc")]
    on: Option<Date>,
    /// Time zone of local times and dates in --utc, such as `Europe/Zurich` or `+02:00`
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    tz: Option<Zone>,
}

#[derive(clap::Args)]
#[group(multiple = false)]
struct Part {
    /// Samples per channel at 48 kHz: 48000..96000, 48_000..+1024, 48000.. (to the end), ..96000
    #[arg(long, value_name = "A..B", allow_hyphen_values = true)]
    #[arg(value_parser = Selection::parse_samples)]
    samples: Option<Selection>,
    /// Time since the recording began: 12.5..30, 1:02:03.250..+750ms, 1h30m.. (to the end), ..90m
    #[arg(long, value_name = "T0..T1", allow_hyphen_values = true)]
    #[arg(value_parser = Selection::parse_time)]
    time: Option<Selection>,
    /// Time of day: 2026-05-12T20:15:00Z..+5s, 2026-05-12T03:00[Europe/Zurich]..04:00; with --tz
    /// also local times (03:00..04:00 with --on) and whole days (2026-05-12, 2026-05-12..2026-05-14)
    #[arg(long, value_name = "T0..T1", allow_hyphen_values = true)]
    utc: Option<LocalSelection>,
}

impl RangeArgs {
    /// Returns the selected play samples.
    pub(crate) fn resolve(
        &self,
        recording: &Recording,
        messages: &Messages,
    ) -> Result<Range<u64>, Failure> {
        let selected = recording.select(&self.selection(messages)?);
        selected.map_err(|error| self.failure(error))
    }

    /// Returns the selection. Warns of local times that are not exactly one time.
    pub(crate) fn selection(&self, messages: &Messages) -> Result<Selection, Failure> {
        let Some(utc) = &self.part.utc else {
            let selection = self.part.samples.as_ref().or(self.part.time.as_ref());
            return Ok(selection.unwrap_or(&Selection::ALL).clone());
        };
        let (selection, findings) = utc.resolve(self.on, self.tz.as_ref()).map_err(unresolved)?;
        findings.iter().for_each(|finding| messages.warn(finding.to_string()));
        Ok(selection)
    }

    /// The time zone of local times, by default UTC.
    pub(crate) fn zone(&self) -> Zone {
        let stated = self.part.utc.as_ref().and_then(LocalSelection::zone);
        stated.or(self.tz.as_ref()).cloned().unwrap_or_else(|| Offset::UTC.into())
    }

    /// Tells of times in the zone of the range, so that they can be used in another one.
    pub(crate) fn failure(&self, error: opus_zarr::Error) -> Failure {
        error.in_zone(&self.zone()).into()
    }

    /// Whether the time of day is selected.
    pub(crate) fn is_utc(&self) -> bool {
        self.part.utc.is_some()
    }
}

fn unresolved(error: UnresolvedTime) -> Failure {
    let hint = match error {
        UnresolvedTime::NoDate { .. } => Some("pass --on DATE"),
        UnresolvedTime::NoZone { .. } => Some("pass --tz ZONE, such as --tz Europe/Zurich"),
        UnresolvedTime::DateStated { .. } => Some("omit --on"),
        _ => None,
    };
    let failure = Failure::usage(error.to_string());
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
