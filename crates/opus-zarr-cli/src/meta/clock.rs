//! Corrections of the clocks of recordings.

use std::{env, fmt};

use opus_zarr::{
    Correction, InvalidCorrection, KnownTime, Recording, Start, Zone, store::is_control,
};
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    output::{Line, Messages, Output},
    path::PathField,
    place::{InStore, RecordingPlace},
    text::{Drift, one_line},
};

#[derive(clap::Args)]
#[command(next_help_heading = "Clock")]
pub(super) struct ClockArgs {
    /// Set when the recording began, such as 2026-05-12T22:15:00+02:00; `recorded` undoes every
    /// correction
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Read the recorder's clock in this time zone, such as `Europe/Zurich` or `+02:00`; with --start
    /// and --drift, the zone of their times
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    tz: Option<Zone>,
    /// Add to the start, if the clock was slow, or subtract from it: `+1h`, `-12.5s`
    #[arg(long, value_name = "TIME", value_parser = shift, allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["start", "tz", "drift"])]
    shift: Option<Correction>,
    /// Correct offset and drift from two readings of the recorder's clock and their true times:
    /// `READING=TIME, READING=TIME`
    #[arg(long, value_name = "POINTS", conflicts_with = "start")]
    drift: Option<String>,
    /// Who corrects the clock [default: your login name]
    #[arg(long, value_name = "NAME", value_parser = author)]
    author: Option<String>,
}

impl ClockArgs {
    /// The correction that is asked for, if any.
    pub(super) fn correction(&self) -> Result<Option<Correction>, Failure> {
        let zone = self.tz.as_ref();
        let invalid = |error: opus_zarr::InvalidTime| Failure::usage(error.to_string());
        Ok(Some(match (self.start.as_deref(), &self.drift, &self.shift, zone) {
            (Some("recorded"), _, _, None) => Correction::Recorded,
            (Some("recorded"), _, _, Some(_)) => {
                return Err(Failure::usage("--start recorded restores the recorded zone too")
                    .with_hint("give --tz in a second command"));
            }
            (Some(time), ..) => Correction::Start(KnownTime::parse(time, zone).map_err(invalid)?),
            (_, Some(points), ..) => Correction::parse_drift(points, zone).map_err(invalid)?,
            (.., Some(shift), _) => shift.clone(),
            (.., Some(zone)) => Correction::Zone(zone.clone()),
            (None, None, None, None) if self.author.is_none() => return Ok(None),
            (None, None, None, None) => {
                return Err(Failure::usage("--author is for corrections of the clock"));
            }
        }))
    }

    /// Who corrects: by default the user of the environment.
    pub(super) fn author(&self) -> String {
        let login = || {
            let names = ["LOGNAME", "USER", "USERNAME"].into_iter().filter_map(env::var_os);
            let names = names.map(|name| one_line(&name.to_string_lossy()));
            names.map(|name| name.chars().take(50).collect()).find(|name: &String| !name.is_empty())
        };
        self.author.clone().or_else(login).unwrap_or_else(|| "unknown".to_owned())
    }
}

fn shift(text: &str) -> Result<Correction, String> {
    Correction::parse_shift(text).map_err(|error| error.to_string())
}

fn author(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("expected a name"),
        text if text.len() > 200 => Err("expected at most 200 bytes"),
        text if text.contains(is_control) => Err("expected a name without control characters"),
        text => Ok(text.to_owned()),
    }
}

/// Refuses a correction that does not fit all recordings, before any is changed: given again, it would
/// correct those twice that it fits. Recordings that cannot be opened are left to their turn.
pub(super) fn refuse_unless_all_fit(
    correction: &Correction,
    recordings: &[Result<InStore, Failure>],
    output: &Output,
) -> Result<(), Failure> {
    if let (Correction::Start(_), [_, _, ..]) = (correction, recordings) {
        let message = format!("--start is for one recording, but {} are meant", recordings.len());
        return Err(Failure::usage(message).with_hint(
            "correct several by the same amount with --shift, or their drift with --drift",
        ));
    }
    let mut refused = Vec::new();
    for InStore { store, place } in recordings.iter().flatten() {
        let Ok(recording) = Recording::open(store, place.name.as_str()) else { continue };
        if let Err(error) = recording.corrected_clock(correction) {
            refused.push(advised(error));
        }
    }
    match (refused.pop(), recordings) {
        (None, _) => Ok(()),
        (Some(failure), [_]) => Err(failure),
        (Some(last), _) => {
            let count = refused.len() + 1;
            refused.iter().chain([&last]).take(TOLD).for_each(|it| output.messages().failure(it));
            let message = format!(
                "nothing was changed: the correction does not fit {count} of {} recordings",
                recordings.len()
            );
            Err(Failure::usage(message))
        }
    }
}

/// Says what to do about a correction that does not fit. Other errors stay as they are.
fn advised(error: opus_zarr::Error) -> Failure {
    let hint = match error.invalid_correction() {
        None => return error.into(),
        Some(InvalidCorrection::StartUnknown) => Some("set it with --start TIME"),
        Some(InvalidCorrection::ZoneStated { .. }) => {
            Some("use --shift if that offset is wrong, or --start if the time is")
        }
        Some(_) => None,
    };
    let hint = hint.map(str::to_owned);
    Failure { exit: Exit::Usage, hint, ..error.into() }
}

/// The line about a corrected clock.
#[derive(Serialize)]
pub(super) struct Corrected {
    #[serde(flatten)]
    recording: PathField,
    change: String,
    is_changed: bool,
    /// Whether nothing was changed, only shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Start>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Start>,
    drift_ppt: i64,
}

impl Corrected {
    /// Corrects a recording.
    pub(super) fn new(
        place: &RecordingPlace,
        recording: &mut Recording,
        correction: &Correction,
        author: &str,
        is_dry_run: bool,
    ) -> Result<Self, Failure> {
        let (before, drift) = (recording.info().start.clone(), recording.info().drift_ppt());
        let clock = recording.corrected_clock(correction).map_err(advised)?;
        let is_changed = match is_dry_run {
            true => (&clock.start, clock.drift_ppt) != (&before, drift),
            false => recording.correct_clock(correction, author).map_err(advised)?,
        };
        let now = recording.info();
        let (start, drift_ppt) = match is_dry_run {
            true => (clock.start, clock.drift_ppt),
            false => (now.start.clone(), now.drift_ppt()),
        };
        let (recording, change) = (place.field("recording"), correction.to_string());
        Ok(Self { recording, change, is_changed, is_dry_run, before, start, drift_ppt })
    }

    /// Warns of what is doubtful about the new start.
    pub(super) fn warn(&self, messages: &Messages) {
        for finding in self.start.iter().filter(|_| self.is_changed).flat_map(|it| &it.findings) {
            messages.warn(format!("{}: {finding}", self.recording));
        }
    }
}

impl Line for Corrected {
    const TYPE: &'static str = "clock";
}

impl fmt::Display for Corrected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, start) = (Moment(self.before.as_ref()), Moment(self.start.as_ref()));
        let Self { recording, .. } = self;
        match (self.is_changed, self.is_dry_run) {
            (false, _) => write!(f, "{recording}: start already {start}")?,
            (true, false) => write!(f, "{recording}: start now {start}, before: {before}")?,
            (true, true) => write!(f, "{recording}: start would be {start}, now: {before}")?,
        }
        if self.drift_ppt != 0 {
            write!(f, ", {}", Drift(self.drift_ppt))?;
        }
        Ok(())
    }
}

/// When a recording began, as short as possible.
struct Moment<'a>(Option<&'a Start>);

impl fmt::Display for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("unknown"),
            Some(Start { utc: Some(utc), .. }) => f.write_str(&one_line(utc)),
            Some(Start { local, .. }) => write!(f, "{} without time zone", one_line(local)),
        }
    }
}

/// How many recordings that a correction does not fit are named.
const TOLD: usize = 10;
