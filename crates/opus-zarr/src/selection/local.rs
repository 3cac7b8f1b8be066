//! Ranges of the time of day as people write them: local times, dates, with or without a zone.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, Offset},
};
use recorder_metadata::Zone;

use super::{
    InvalidSelection, Part, Selection,
    span::{End, Length, Position, Span},
};

/// A range of the time of day, parsed from text, which may need a date and a time zone to mean
/// certain times.
///
/// A range is `START..END`, `START..+LENGTH`, `START..` (to the end) or `..END` (from the
/// beginning). Either end is one of these:
///
/// | form | means |
/// |---|---|
/// | `2026-05-12T20:15:00Z`, `2026-05-12T22:15+02:00` | this instant |
/// | `2026-05-12T03:00[Europe/Zurich]` | this local time |
/// | `2026-05-12T03:00` | this local time in the zone of the other end, or in the one that is given |
/// | `03:00`, `03:00:30.5` | this local time on the date that is given. The end is on the date of the start, or on the next one if it would be earlier |
/// | `2026-05-12` | the whole local day, also on its own |
///
/// A local time that occurs twice, when clocks are set back, means the first one. One that never
/// occurs, when they are set forward, is read with the offset from before. Both are
/// [findings](LocalTimeFinding), as for the [start of a recording](crate::Start).
///
/// ```
/// use opus_zarr::LocalSelection;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let night: LocalSelection = "22:00..04:00".parse()?;
/// let (selection, findings) =
///     night.resolve(Some("2026-05-12".parse()?), Some(&"Europe/Zurich".parse()?))?;
/// assert_eq!(selection.to_string(), "2026-05-12T20:00:00Z..2026-05-13T02:00:00Z");
/// assert!(findings.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSelection(Span<Moment, Length>);

/// Why a [`LocalSelection`] means no certain time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum UnresolvedTime {
    #[error("time \"{time}\" lacks a date")]
    NoDate { time: String },
    #[error(
        "time \"{time}\" lacks a time zone: append Z for UTC, an offset such as +02:00, or a zone such as [Europe/Zurich]"
    )]
    NoZone { time: String },
    #[error("a date is given, but \"{selection}\" states its own")]
    DateStated { selection: String },
    #[error("time \"{time}\" lies beyond the times that can be stated")]
    OutOfRange { time: String },
}

/// A local time that is not exactly one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum LocalTimeFinding {
    #[error(
        "local time {clock} occurs twice (clocks set back); used the first, at UTC offset {used}"
    )]
    Twice { clock: DateTime, used: Offset },
    #[error(
        "local time {clock} does not exist (clocks set forward); used the earlier UTC offset, {used}"
    )]
    Never { clock: DateTime, used: Offset },
}

/// Either end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moment {
    text: String,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Instant(Timestamp),
    Local(DateTime, Option<Zone>),
    Day(Date),
    Time(Time),
}

impl LocalSelection {
    /// Finds the times that are meant, on a date and in a time zone where the text states none.
    ///
    /// # Errors
    ///
    /// A date or a time zone is missing, or a date is given to no purpose.
    pub fn resolve(
        &self,
        on: Option<Date>,
        zone: Option<&Zone>,
    ) -> Result<(Selection, Vec<LocalTimeFinding>), UnresolvedTime> {
        let Span { text, start, end } = &self.0;
        let end_moment = match end {
            Some(End::At(moment)) => Some(moment),
            _ => None,
        };
        let zone = self.zone().or(zone);
        let first = start.as_ref().or(end_moment);
        if on.is_some() && !first.is_some_and(|moment| matches!(moment.form, Form::Time(_))) {
            return Err(UnresolvedTime::DateStated { selection: text.clone() });
        }
        let mut clock = LocalClock { zone, findings: Vec::new() };
        let from = start.as_ref().map(|start| clock.start(start, on)).transpose()?;
        let to = match (start, end) {
            (_, None) => None,
            (_, Some(End::After(length))) => Some(End::After(*length)),
            (start, Some(End::At(end))) => {
                let start = start.as_ref().zip(from);
                Some(End::At(clock.end(end, start, on)?))
            }
        };
        let span = Span { text: stated(from, to), start: from, end: to };
        Ok((Selection(Part::Utc(span)), clock.findings))
    }
}

impl LocalSelection {
    /// The time zone that the text names, as in `[Europe/Zurich]`.
    pub fn zone(&self) -> Option<&Zone> {
        let Span { start, end, .. } = &self.0;
        let end = match end {
            Some(End::At(moment)) => Some(moment),
            _ => None,
        };
        [start.as_ref(), end].into_iter().flatten().find_map(Moment::zone)
    }
}

impl FromStr for LocalSelection {
    type Err = InvalidSelection;

    fn from_str(text: &str) -> Result<Self, InvalidSelection> {
        let day = text.trim().parse::<Date>().ok().filter(|_| !text.contains(['.', ':', 'T']));
        let Some(day) = day else { return text.parse().map(Self) };
        let text = text.trim().to_owned();
        let moment = Moment { text: text.clone(), form: Form::Day(day) };
        Ok(Self(Span { text, start: Some(moment.clone()), end: Some(End::At(moment)) }))
    }
}

/// Writes the text that was parsed.
impl fmt::Display for LocalSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.text)
    }
}

impl Position for Moment {
    fn parse(text: &str) -> Result<Self, InvalidSelection> {
        let form = Form::parse(text).ok_or_else(|| {
            let expected = "expected a form such as 2026-05-12T20:15:00Z, 2026-05-12T03:00, 2026-05-12 or 03:00";
            InvalidSelection(format!("invalid time {text:?}, {expected}"))
        })?;
        Ok(Self { text: text.to_owned(), form })
    }
}

impl Form {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(instant) = text.parse() {
            return Some(Self::Instant(instant));
        }
        if let Some((clock, zone)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            let zone = Some(zone.parse().ok()?);
            return Some(Self::Local(clock_of(clock)?, zone));
        }
        match (text.contains(':'), text.contains('-')) {
            (false, true) => text.parse().ok().map(Self::Day),
            (true, true) => clock_of(text).map(|clock| Self::Local(clock, None)),
            _ => text.parse().ok().filter(|_| text.contains(':')).map(Self::Time),
        }
    }
}

/// A date and a time without an offset.
fn clock_of(text: &str) -> Option<DateTime> {
    // A date alone is midnight to the parser, and an offset is ignored.
    let has_offset = text.parse::<Timestamp>().is_ok();
    text.parse().ok().filter(|_| text.contains(':') && !has_offset)
}

impl Moment {
    fn zone(&self) -> Option<&Zone> {
        match &self.form {
            Form::Local(_, zone) => zone.as_ref(),
            _ => None,
        }
    }
}

struct LocalClock<'a> {
    zone: Option<&'a Zone>,
    findings: Vec<LocalTimeFinding>,
}

impl LocalClock<'_> {
    fn start(&mut self, moment: &Moment, on: Option<Date>) -> Result<Timestamp, UnresolvedTime> {
        match &moment.form {
            Form::Instant(time) => Ok(*time),
            Form::Local(clock, zone) => self.instant(moment, *clock, zone.as_ref()),
            Form::Day(day) => self.midnight(moment, *day),
            Form::Time(time) => {
                let no_date = || UnresolvedTime::NoDate { time: moment.text.clone() };
                self.instant(moment, on.ok_or_else(no_date)?.to_datetime(*time), None)
            }
        }
    }

    fn end(
        &mut self,
        moment: &Moment,
        start: Option<(&Moment, Timestamp)>,
        on: Option<Date>,
    ) -> Result<Timestamp, UnresolvedTime> {
        let beyond = |_| UnresolvedTime::OutOfRange { time: moment.text.clone() };
        match (&moment.form, start) {
            // The end of the day.
            (Form::Day(day), _) => self.midnight(moment, day.tomorrow().map_err(beyond)?),
            (Form::Time(time), Some((first, from))) => {
                let began = match &first.form {
                    Form::Local(clock, _) => *clock,
                    Form::Day(day) => day.to_datetime(Time::midnight()),
                    _ => self.zone(moment)?.time_zone().to_datetime(from),
                };
                let is_earlier = *time < began.time();
                let day = began.date();
                let day = if is_earlier { day.tomorrow().map_err(beyond)? } else { day };
                self.instant(moment, day.to_datetime(*time), None)
            }
            _ => self.start(moment, on),
        }
    }

    fn midnight(&mut self, moment: &Moment, day: Date) -> Result<Timestamp, UnresolvedTime> {
        // A day that lacks its midnight begins later, which is no reason for a finding.
        let known = self.findings.len();
        let instant = self.instant(moment, day.to_datetime(Time::midnight()), None);
        self.findings.truncate(known);
        instant
    }

    fn instant(
        &mut self,
        moment: &Moment,
        clock: DateTime,
        zone: Option<&Zone>,
    ) -> Result<Timestamp, UnresolvedTime> {
        let zone = zone.map_or_else(|| self.zone(moment), Ok)?;
        let offset = match zone.time_zone().to_ambiguous_timestamp(clock).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, .. } => {
                self.findings.push(LocalTimeFinding::Twice { clock, used: before });
                before
            }
            AmbiguousOffset::Gap { before, .. } => {
                self.findings.push(LocalTimeFinding::Never { clock, used: before });
                before
            }
        };
        let beyond = |_| UnresolvedTime::OutOfRange { time: moment.text.clone() };
        offset.to_timestamp(clock).map_err(beyond)
    }

    fn zone(&self, moment: &Moment) -> Result<&Zone, UnresolvedTime> {
        self.zone.ok_or_else(|| UnresolvedTime::NoZone { time: moment.text.clone() })
    }
}

/// Writes a range of instants.
fn stated(start: Option<Timestamp>, end: Option<End<Timestamp, Length>>) -> String {
    let start = start.map_or_else(String::new, |start| start.to_string());
    let end = match end {
        None => String::new(),
        Some(End::At(end)) => end.to_string(),
        Some(End::After(Length(length))) => format!("+{}", super::clock(length)),
    };
    format!("{start}..{end}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resolved(text: &str, on: &str, zone: &str) -> Result<(String, usize), String> {
        let local: LocalSelection =
            text.parse().map_err(|error: InvalidSelection| error.to_string())?;
        assert_eq!(local.to_string(), text.trim());
        let (on, zone) = (on.parse().ok(), zone.parse::<Zone>().ok());
        let (selection, findings) =
            local.resolve(on, zone.as_ref()).map_err(|error| error.to_string())?;
        Ok((selection.to_string(), findings.len()))
    }

    #[test]
    fn times_of_every_form_are_resolved() {
        for (text, on, expected) in [
            ("03:00..04:00", "2026-05-12", "2026-05-12T01:00:00Z..2026-05-12T02:00:00Z"),
            ("22:00..04:00", "2026-05-12", "2026-05-12T20:00:00Z..2026-05-13T02:00:00Z"),
            ("00:30..+1h", "2026-05-12", "2026-05-11T22:30:00Z..+1:00:00"),
            ("03:00:30.5..", "2026-05-12", "2026-05-12T01:00:30.5Z.."),
            ("..04:00", "2026-05-12", "..2026-05-12T02:00:00Z"),
            ("2026-05-12", "", "2026-05-11T22:00:00Z..2026-05-12T22:00:00Z"),
            ("2026-05-12..2026-05-14", "", "2026-05-11T22:00:00Z..2026-05-14T22:00:00Z"),
            ("2026-05-12..", "", "2026-05-11T22:00:00Z.."),
            ("..2026-05-12", "", "..2026-05-12T22:00:00Z"),
            ("2026-05-12..06:00", "", "2026-05-11T22:00:00Z..2026-05-12T04:00:00Z"),
            ("2026-05-12T03:00..04:00", "", "2026-05-12T01:00:00Z..2026-05-12T02:00:00Z"),
            ("2026-05-12T23:00..01:00", "", "2026-05-12T21:00:00Z..2026-05-12T23:00:00Z"),
            (
                "2026-05-12 03:00..2026-05-13 03:00",
                "",
                "2026-05-12T01:00:00Z..2026-05-13T01:00:00Z",
            ),
            ("2026-05-12T03:00Z..06:00", "", "2026-05-12T03:00:00Z..2026-05-12T04:00:00Z"),
            ("2026-05-12T03:00[UTC]..04:00", "", "2026-05-12T03:00:00Z..2026-05-12T04:00:00Z"),
            ("2026-05-12T03:00[+05:30]..+1h", "", "2026-05-11T21:30:00Z..+1:00:00"),
            ("2026-05-12T20:15:00Z..+5s", "", "2026-05-12T20:15:00Z..+5s"),
            // A day of 25 hours, and one of 23.
            ("2026-10-25", "", "2026-10-24T22:00:00Z..2026-10-25T23:00:00Z"),
            ("2026-03-29", "", "2026-03-28T23:00:00Z..2026-03-29T22:00:00Z"),
        ] {
            assert_eq!(resolved(text, on, "Europe/Zurich"), Ok((expected.to_owned(), 0)), "{text}");
        }
        let named = "2026-05-12T03:00..2026-05-12T04:00[Asia/Tokyo]";
        let expected = "2026-05-11T18:00:00Z..2026-05-11T19:00:00Z".to_owned();
        assert_eq!(resolved(named, "", ""), Ok((expected, 0)));
        // Without midnight: clocks are set from 0:00 to 1:00.
        let expected = "2018-11-04T03:00:00Z..2018-11-05T02:00:00Z".to_owned();
        assert_eq!(resolved("2018-11-04", "", "America/Sao_Paulo"), Ok((expected, 0)));
    }

    #[test]
    fn times_that_are_not_exactly_one_are_findings() {
        for (text, on, expected, findings) in [
            ("02:30..03:30", "2026-10-25", "2026-10-25T00:30:00Z..2026-10-25T02:30:00Z", 1),
            ("02:30..03:30", "2026-03-29", "2026-03-29T01:30:00Z..2026-03-29T01:30:00Z", 1),
            ("02:30..02:45", "2026-10-25", "2026-10-25T00:30:00Z..2026-10-25T00:45:00Z", 2),
        ] {
            let expected = Ok((expected.to_owned(), findings));
            assert_eq!(resolved(text, on, "Europe/Zurich"), expected, "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, on, zone, message) in [
            ("03:00..04:00", "", "UTC", "time \"03:00\" lacks a date"),
            ("..04:00", "", "UTC", "time \"04:00\" lacks a date"),
            ("03:00..04:00", "2026-05-12", "", "time \"03:00\" lacks a time zone"),
            ("2026-05-12", "", "", "time \"2026-05-12\" lacks a time zone"),
            ("2026-05-12T03:00..", "", "", "lacks a time zone: append Z for UTC"),
            ("2026-05-12T03:00Z..04:00", "", "", "time \"04:00\" lacks a time zone"),
            ("2026-05-12..", "2026-05-12", "UTC", "a date is given, but \"2026-05-12..\" states"),
            ("..", "2026-05-12", "UTC", "a date is given"),
            ("9999-12-31", "", "UTC", "lies beyond"),
            ("3..4", "2026-05-12", "UTC", "invalid time \"4\""),
            ("25:00..26:00", "2026-05-12", "UTC", "invalid time \"26:00\""),
            ("03:00", "2026-05-12", "UTC", "invalid range \"03:00\""),
            ("2026-05-12T03:00", "", "UTC", "invalid range"),
            ("2026-05-12T03:00[Mars/Olympus]..", "", "UTC", "invalid time"),
            ("2026-05-12[UTC]..", "", "UTC", "invalid time"),
            ("20260512..", "", "UTC", "invalid time"),
            ("yesterday..", "", "UTC", "invalid time"),
            ("2026-05-12T03:00..-1h", "", "UTC", "invalid time"),
            ("", "", "UTC", "invalid range"),
        ] {
            let error = resolved(text, on, zone).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in prop_oneof!["\\PC{0,20}", "[0-9:.+TZ\\[\\]UC-]{0,30}"]) {
            if let Ok(local) = text.parse::<LocalSelection>() {
                let zone: Zone = "Europe/Zurich".parse().unwrap();
                let _ = local.resolve(None, Some(&zone));
                let _ = local.resolve("2026-10-25".parse().ok(), Some(&zone));
            }
        }
    }
}
