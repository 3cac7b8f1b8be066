//! Corrections of a recorder's clock, after the import.

mod drift;
mod known_time;

use std::fmt;

use jiff::{SignedDuration, Timestamp, civil::DateTime};
use opus_zarr_store::{Certainty, ClockChange, ClockCorrection, Start};
use recorder_metadata::{ClockReading, Zone};

pub use self::known_time::{InvalidTime, KnownTime};
use crate::{Error, InvalidSelection, Recording, error::Reason, parse_duration};

/// A correction of when a recording began.
///
/// `Display` writes what the recording keeps about it, such as `shift +1h`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Correction {
    /// The first sample that plays was recorded at this time.
    Start(KnownTime),
    /// The recorder's clock, which does not state its offset from UTC, showed the time of this zone.
    Zone(Zone),
    /// The recorder's clock was behind by this much, or ahead if it is negative.
    Shift(SignedDuration),
    /// The recorder's clock showed these readings at these times. Both offset and drift follow from them,
    /// for every recording of that clock between them or near. A reading without an offset from UTC is
    /// compared with the recorded time of the recorder's clock, one with an offset with the recorded
    /// instant.
    Drift([(ClockReading, KnownTime); 2]),
    /// Everything is as the import found it.
    Recorded,
}

/// When a recording began according to a correction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CorrectedClock {
    /// When it began; none if that is unknown.
    pub start: Option<Start>,
    /// The drift of the recorder's clock: see [`ClockCorrection::drift_ppt`].
    pub drift_ppt: i64,
}

/// Why a correction cannot be applied to a recording. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidCorrection {
    #[error("its start time is unknown, so there is nothing to correct")]
    StartUnknown,
    #[error("its start {found:?} cannot be read")]
    StartUnreadable { found: String },
    #[error("its start {utc} states its offset from UTC, so no zone can be assumed")]
    ZoneStated { utc: String },
    #[error(
        "the instant of its recorded start is unknown, so the reading {reading} cannot be compared with it; give the reading without an offset"
    )]
    InstantUnknown { reading: String },
    #[error(
        "the second reading {second} is not later than the first, {first}, by the recorder's clock"
    )]
    ReadingsNotInOrder { first: String, second: String },
    #[error("the second time {second} is not later than the first, {first}")]
    TimesNotInOrder { first: Timestamp, second: Timestamp },
    #[error(
        "the recorder's clock counted {} between the readings, but {} passed between the times; that is more than 10 percent of drift",
        Signed(*recorder), Signed(*passed)
    )]
    TooMuchDrift { recorder: SignedDuration, passed: SignedDuration },
    #[error("the start would be outside of the years -9999 to 9999")]
    OutOfRange,
}

impl Correction {
    /// Parses two readings of the recorder's clock and their times: `READING=TIME, READING=TIME`. A
    /// time has one of the forms of [`KnownTime::parse`].
    ///
    /// ```
    /// use opus_zarr::Correction;
    ///
    /// let points = "2026-05-01T12:00:00=2026-05-01T10:03:20Z, 2026-06-01T12:00:00=2026-06-01T10:04:00Z";
    /// assert_eq!(Correction::parse_drift(points, None)?.to_string(), format!("drift {points}"));
    /// # Ok::<(), opus_zarr::InvalidTime>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text has another form, or a time lacks a zone.
    pub fn parse_drift(text: &str, zone: Option<&Zone>) -> Result<Self, InvalidTime> {
        drift::parse(text, zone).map(Self::Drift)
    }

    /// Parses a length of time like [`parse_duration`], with or without a sign.
    ///
    /// ```
    /// use opus_zarr::Correction;
    ///
    /// assert_eq!(Correction::parse_shift("-1h30m")?.to_string(), "shift -1h30m");
    /// assert_eq!(Correction::parse_shift("12.5")?.to_string(), "shift +12.5s");
    /// # Ok::<(), opus_zarr::InvalidSelection>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text is not a length of time.
    pub fn parse_shift(text: &str) -> Result<Self, InvalidSelection> {
        let is_sign = |found: char| matches!(found, '+' | '-' | '\u{2212}');
        let is_negative = text.starts_with(is_sign) && !text.starts_with('+');
        let length = parse_duration(text.strip_prefix(is_sign).unwrap_or(text))?;
        // Longer than all years is refused where it is added.
        let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
        Ok(Self::Shift(if is_negative { -length } else { length }))
    }

    fn correct(
        &self,
        recorded: Option<&Start>,
        present: CorrectedClock,
    ) -> Result<CorrectedClock, InvalidCorrection> {
        let CorrectedClock { start, drift_ppt } = present;
        let known = || start.clone().ok_or(InvalidCorrection::StartUnknown);
        let start = match self {
            Self::Start(time) => time.start(),
            Self::Zone(zone) => in_zone(recorded, &known()?, zone)?,
            Self::Shift(shift) => shifted(known()?, *shift)?,
            Self::Drift(points) => {
                let recorded = recorded.ok_or(InvalidCorrection::StartUnknown)?;
                let (start, drift_ppt) = drift::correct(recorded, points)?;
                return Ok(CorrectedClock { start: Some(start), drift_ppt });
            }
            Self::Recorded => {
                return Ok(CorrectedClock { start: recorded.cloned(), drift_ppt: 0 });
            }
        };
        Ok(CorrectedClock { start: Some(start), drift_ppt })
    }
}

impl Recording {
    /// Returns what a correction would make of the clock, without changing it.
    ///
    /// # Errors
    ///
    /// The correction does not fit the recording: see [`Error::invalid_correction`].
    pub fn corrected_clock(&self, correction: &Correction) -> Result<CorrectedClock, Error> {
        let info = self.info();
        let present = CorrectedClock { start: info.start.clone(), drift_ppt: info.drift_ppt() };
        correction.correct(info.recorded_start(), present).map_err(|source| self.refused(source))
    }

    fn refused(&self, source: InvalidCorrection) -> Error {
        Reason::Correction { recording: self.reader().name().clone(), source }.into()
    }

    /// Corrects when the recording began. The recorded start and every correction, with its author and
    /// the time, are kept. Returns whether anything changed: what already holds is not recorded again.
    ///
    /// ```no_run
    /// use opus_zarr::{Correction, Recording, Store};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
    /// recording.correct_clock(&Correction::parse_shift("+1h")?, "ann")?;
    /// recording.correct_clock(&Correction::Recorded, "ann")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The correction does not fit the recording, the author is too long or contains control
    /// characters, or the recording cannot be changed.
    pub fn correct_clock(&mut self, correction: &Correction, author: &str) -> Result<bool, Error> {
        let recording = self.reader().name().clone();
        let text = correction.to_string();
        let change = ClockChange::new(text, author, now());
        let change = change.map_err(opus_zarr_store::Error::from)?;
        let mut is_changed = false;
        self.reader_mut().edit_clock(|start, clock| {
            let recorded = clock.as_ref().map_or(start.as_ref(), |clock| clock.recorded.as_ref());
            let drift_ppt = clock.as_ref().map_or(0, |clock| clock.drift_ppt);
            let present = CorrectedClock { start: start.clone(), drift_ppt };
            let corrected = correction.correct(recorded, present.clone()).map_err(|source| {
                Error::from(Reason::Correction { recording: recording.clone(), source })
            })?;
            is_changed = corrected != present;
            if is_changed {
                let recorded = start.clone();
                let clock = clock.get_or_insert_with(|| ClockCorrection::new(recorded));
                clock.drift_ppt = corrected.drift_ppt;
                clock.add(change.clone());
                *start = corrected.start;
            }
            Ok::<(), Error>(())
        })?;
        Ok(is_changed)
    }
}

/// Reads the recorder's clock in a zone, and then shifts it as it was shifted before.
fn in_zone(
    recorded: Option<&Start>,
    present: &Start,
    zone: &Zone,
) -> Result<Start, InvalidCorrection> {
    if let (Certainty::Certain, Some(utc)) = (present.certainty, &present.utc) {
        return Err(InvalidCorrection::ZoneStated { utc: utc.clone() });
    }
    let recorded = recorded.unwrap_or(present);
    let (shown, shifted) = (clock_of(recorded)?, clock_of(present)?);
    let time = KnownTime::in_zone(shown, zone).ok_or(InvalidCorrection::OutOfRange)?;
    let mut start = time.start();
    start.source.clone_from(&present.source);
    self::shifted(start, shifted.duration_since(shown))
}

fn shifted(start: Start, shift: SignedDuration) -> Result<Start, InvalidCorrection> {
    let out_of_range = |_| InvalidCorrection::OutOfRange;
    let local = clock_of(&start)?.checked_add(shift).map_err(out_of_range)?;
    let utc = instant_of(&start)?.map(|utc| utc.checked_add(shift)).transpose();
    let utc = utc.map_err(out_of_range)?;
    let mut start = start.utc(utc.map(|utc| utc.to_string()));
    start.local = local.to_string();
    Ok(start)
}

/// The time that a start gives by the recorder's clock.
fn clock_of(start: &Start) -> Result<DateTime, InvalidCorrection> {
    let found = &start.local;
    found.parse().map_err(|_| InvalidCorrection::StartUnreadable { found: found.clone() })
}

fn instant_of(start: &Start) -> Result<Option<Timestamp>, InvalidCorrection> {
    let parse = |found: &String| {
        found.parse().map_err(|_| InvalidCorrection::StartUnreadable { found: found.clone() })
    };
    start.utc.as_ref().map(parse).transpose()
}

/// The present time, to the second.
fn now() -> String {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(time) => write!(f, "start {time}"),
            Self::Zone(zone) => write!(f, "tz {zone}"),
            Self::Shift(shift) => write!(f, "shift {}", Signed(*shift)),
            Self::Drift([first, second]) => {
                write!(f, "drift {}, {}", drift::Point(first), drift::Point(second))
            }
            Self::Recorded => f.write_str("start recorded"),
        }
    }
}

/// Writes a length of time with a sign, in a form that parses: `+1h30m`, `-12.5s`.
struct Signed(SignedDuration);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.unsigned_abs();
        f.write_str(if self.0.is_negative() { "-" } else { "+" })?;
        let seconds = length.as_secs();
        let parts = [("d", seconds / 86_400), ("h", seconds / 3600 % 24), ("m", seconds / 60 % 60)];
        for (unit, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
            write!(f, "{count}{unit}")?;
        }
        let fraction = format!(".{:09}", length.subsec_nanos());
        match (seconds % 60, fraction.trim_end_matches('0').trim_end_matches('.')) {
            (0, "") if seconds > 0 => Ok(()),
            (seconds, fraction) => write!(f, "{seconds}{fraction}s"),
        }
    }
}

#[cfg(test)]
mod tests;
