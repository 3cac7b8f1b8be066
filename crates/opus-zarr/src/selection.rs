//! A part of a recording, written the way people write it.

mod local;
mod span;

use std::{cmp::Ordering, fmt, ops::Range, str::FromStr, time::Duration};

use jiff::{SignedDuration, Timestamp};

pub use self::local::{LocalSelection, LocalTimeFinding, UnresolvedTime};
use self::span::{End, Length, Position, Span};
use crate::{Error, error::Reason, facts::Facts};

/// A part of any recording, parsed from text: samples, time since the start, or time of day.
///
/// Every form is a range `START..END`. Without `START` it begins where the recording does, and
/// without `END` it ends where the recording does. `START..+LENGTH` names a length instead of an
/// end.
///
/// | parsed with | counts | examples |
/// |---|---|---|
/// | [`parse_samples`](Self::parse_samples) | samples per channel at 48 kHz | `48000..96000`, `48_000..+1024`, `..96000` |
/// | [`parse_time`](Self::parse_time) | time since the recording began | `12.5..30`, `1:02:03.250..+750ms`, `1h30m..` |
/// | [`parse_utc`](Self::parse_utc) | time of day, with a time zone | `2026-05-12T20:15:00Z..+5s`, `2026-05-12T22:15:00+02:00..` |
///
/// [`FromStr`] accepts both forms of time. [`Recording::select`](crate::Recording::select) turns a
/// selection into samples.
///
/// ```
/// use opus_zarr::Selection;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let selection: Selection = "1:02:03.250..+10s".parse()?;
/// assert_eq!(selection.to_string(), "1:02:03.250..+10s");
/// let error = Selection::parse_samples("4x..").unwrap_err();
/// assert!(error.to_string().starts_with("invalid sample count \"4x\""));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(Part);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    All,
    Samples(Span<u64, u64>),
    Time(Span<Length, Length>),
    Utc(Span<Timestamp, Length>),
}

/// Why a text is not a [`Selection`], or not a length of time. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSelection(String);

impl Selection {
    /// The whole recording.
    pub const ALL: Self = Self(Part::All);

    /// Parses a range of samples per channel, at 48 kHz.
    pub fn parse_samples(text: &str) -> Result<Self, InvalidSelection> {
        text.parse().map(|span| Self(Part::Samples(span)))
    }

    /// Parses a range of time since the recording began.
    pub fn parse_time(text: &str) -> Result<Self, InvalidSelection> {
        text.parse().map(|span| Self(Part::Time(span)))
    }

    /// Parses a range of the time of day. Both ends need a time zone.
    pub fn parse_utc(text: &str) -> Result<Self, InvalidSelection> {
        text.parse().map(|span| Self(Part::Utc(span)))
    }

    /// The times that are meant, of a whole that lasts for some time. None if samples or time since
    /// the start are meant.
    pub(crate) fn times(&self, whole: &Range<Timestamp>) -> Option<Range<Timestamp>> {
        let span = match &self.0 {
            Part::All => return Some(whole.clone()),
            Part::Utc(span) => span,
            Part::Samples(_) | Part::Time(_) => return None,
        };
        let start = span.start.unwrap_or(whole.start);
        Some(match span.end {
            None => start..whole.end,
            Some(End::At(end)) => start..end,
            Some(End::After(length)) => start..later(start, length),
        })
    }
}

/// Parses a range of time: since the start, or of the day.
impl FromStr for Selection {
    type Err = InvalidSelection;

    fn from_str(text: &str) -> Result<Self, InvalidSelection> {
        let has_date = text.matches('-').count() > 1;
        if has_date { Self::parse_utc(text) } else { Self::parse_time(text) }
    }
}

/// Writes the text that was parsed; `..` for the whole recording.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match &self.0 {
            Part::All => "..",
            Part::Samples(span) => &span.text,
            Part::Time(span) => &span.text,
            Part::Utc(span) => &span.text,
        })
    }
}

/// Parses a length of time: `12.5` (seconds), `750ms`, `1h30m`, `1:02:03.250`.
///
/// ```
/// # use std::time::Duration;
/// assert_eq!(opus_zarr::parse_duration("1:02:03.250"), Ok(Duration::from_millis(3_723_250)));
/// assert_eq!(opus_zarr::parse_duration("750ms"), Ok(Duration::from_millis(750)));
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, InvalidSelection> {
    Length::parse(text).map(|Length(length)| length)
}

impl Facts<'_> {
    pub(crate) fn select(&self, selection: &Selection) -> Result<Range<u64>, Error> {
        let range = self.samples_of_part(&selection.0)?;
        if selection.0 != Part::All {
            self.check_selection(selection, &range)?;
        }
        Ok(range)
    }

    fn samples_of_part(&self, part: &Part) -> Result<Range<u64>, Error> {
        let length = self.info.play_length;
        Ok(match part {
            Part::All => 0..length,
            Part::Samples(span) => {
                let start = span.start.unwrap_or(0);
                start..match span.end {
                    None => length,
                    Some(End::At(end)) => end,
                    Some(End::After(count)) => start.saturating_add(count),
                }
            }
            Part::Time(span) => {
                let Length(start) = span.start.unwrap_or_default();
                match span.end {
                    None => self.samples_of(start..start).start..length,
                    Some(End::At(Length(end))) => self.samples_of(start..end),
                    Some(End::After(Length(length))) => {
                        self.samples_of(start..start.saturating_add(length))
                    }
                }
            }
            Part::Utc(span) => {
                // `samples_of_utc` refuses a recording whose start is unknown.
                let start = span.start.or_else(|| self.utc_of(0)).unwrap_or_default();
                match span.end {
                    None => self.samples_of_utc(start..start)?.start..length,
                    Some(End::At(end)) => self.samples_of_utc(start..end)?,
                    Some(End::After(length)) => self.samples_of_utc(start..later(start, length))?,
                }
            }
        })
    }

    fn check_selection(&self, selection: &Selection, range: &Range<u64>) -> Result<(), Error> {
        let recording = self.name.clone();
        let text = selection.to_string();
        let length = self.info.play_length;
        if range.start > length || range.end > length {
            if let Some(ended) = self.utc_of(length)
                && let Some(times) = selection.times(&(ended..ended))
                && let Part::Utc(_) = selection.0
            {
                let asked = if range.start > length { times.start } else { times.end };
                let (asked, ended) = (asked.into(), ended.into());
                return Err(Error::from(Reason::AfterEnd { recording, asked, ended }));
            }
            let end = match &selection.0 {
                Part::Time(_) => clock(self.time_of(length)),
                _ => format!("sample {length}"),
            };
            return Err(Error::from(Reason::BeyondEnd { recording, selection: text, end }));
        }
        match range.start.cmp(&range.end) {
            Ordering::Less => Ok(()),
            Ordering::Equal => {
                Err(Error::from(Reason::EmptySelection { recording, selection: text }))
            }
            Ordering::Greater => {
                Err(Error::from(Reason::ReversedSelection { recording, selection: text }))
            }
        }
    }
}

/// Adds a length to a time; no recording reaches beyond the last timestamp.
fn later(time: Timestamp, Length(length): Length) -> Timestamp {
    let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
    time.saturating_add(length).unwrap_or(Timestamp::MAX)
}

/// Writes a time to its last digit, so that parsing it gives the same sample.
fn clock(time: Duration) -> String {
    let (seconds, nanos) = (time.as_secs(), time.subsec_nanos());
    let fraction = format!(".{nanos:09}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}{fraction}s"),
        (0, _) => format!("{minutes}:{rest:02}{fraction}"),
        _ => format!("{hours}:{minutes:02}:{rest:02}{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{ImportOptions, Recording, Store, Ultrasound, import, unwatched};

    /// Half a second of silence from a file whose name holds the start.
    fn recording(rate: u32) -> (tempfile::TempDir, Recording) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("20260512_201500.wav");
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend([rate, 2 * rate].map(u32::to_le_bytes).concat());
        wav.extend(b"\x02\0\x10\0data");
        wav.extend(rate.to_le_bytes());
        wav.resize(wav.len() + usize::try_from(rate).unwrap(), 0);
        fs::write(&file, wav).unwrap();
        let zone = Some("UTC".parse().unwrap());
        let mut options = ImportOptions { zone, ..ImportOptions::default() };
        let store = Store::open_or_create(directory.path().join("store")).unwrap();
        options.transcode.ultrasound = Ultrasound::Keep;
        let imported = import(file, &store, "it", &options, unwatched).unwrap();
        (directory, imported.into_first())
    }

    type Parse = fn(&str) -> Result<Selection, InvalidSelection>;

    const SAMPLES: Parse = Selection::parse_samples;
    const TIME: Parse = Selection::parse_time;
    const UTC: Parse = Selection::parse_utc;

    fn samples(recording: &Recording, parse: Parse, text: &str) -> Result<Range<u64>, String> {
        let selection = parse(text).map_err(|error| error.to_string())?;
        recording.select(&selection).map_err(|error| error.to_string())
    }

    #[test]
    fn selections_become_samples() {
        let (_directory, it) = recording(48_000);
        assert_eq!(it.select(&Selection::ALL).unwrap(), 0..24_000);
        for (text, expected) in
            [("5..7", 5..7), ("5..", 5..24_000), ("..7", 0..7), ("5..+7", 5..12), ("..", 0..24_000)]
        {
            assert_eq!(samples(&it, SAMPLES, text), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("0.1..0.2", 4800..9600),
            ("100ms..+100ms", 4800..9600),
            ("0.4..", 19_200..24_000),
            ("..0.5", 0..24_000),
            ("0.00001..0.00003", 1..2),
        ] {
            assert_eq!(samples(&it, TIME, text), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("2026-05-12T20:15:00.1Z..2026-05-12T22:15:00.2+02:00", 4800..9600),
            ("2026-05-12T20:15:00Z..+1ms", 0..48),
            ("..2026-05-12T20:15:00.25Z", 0..12_000),
            ("2026-05-12T20:15:00.25Z..", 12_000..24_000),
        ] {
            assert_eq!(samples(&it, UTC, text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn ultrasound_counts_real_time() {
        let (_directory, it) = recording(250_000);
        assert_eq!(samples(&it, TIME, "0.1..0.2"), Ok(25_000..50_000));
        assert_eq!(samples(&it, UTC, "2026-05-12T20:15:00.1Z..+100ms"), Ok(25_000..50_000));
        assert_eq!(samples(&it, SAMPLES, "25000.."), Ok(25_000..125_000));
    }

    #[test]
    fn selections_outside_the_recording_are_refused() {
        let (_directory, it) = recording(48_000);
        let beyond = |text: &str, end| {
            Err(format!("recording \"it\": {text} reaches beyond the end at {end}"))
        };
        for text in ["0..24001", "24001..", "30000..40000", "5..+18446744073709551615"] {
            assert_eq!(samples(&it, SAMPLES, text), beyond(text, "sample 24000"));
        }
        for text in ["0..0.6", "1..", "0.4..+0.2", "18446744073709551615..+18446744073709551615"] {
            assert_eq!(samples(&it, TIME, text), beyond(text, "0.5s"));
        }
        for (text, asked) in [
            ("2026-05-12T20:15:00Z..+18446744073709551615", "9999-12-30T22:00:00.999999999Z"),
            ("2026-05-12T20:15:00Z..+600ms", "2026-05-12T20:15:00.6Z"),
            ("2026-05-12T20:16:00Z..", "2026-05-12T20:16:00Z"),
        ] {
            let ended = "recording \"it\" ended at 2026-05-12T20:15:00.5Z, before";
            assert_eq!(samples(&it, UTC, text), Err(format!("{ended} {asked}")));
        }
        let reversed = samples(&it, SAMPLES, "7..5").unwrap_err();
        assert_eq!(reversed, "recording \"it\": 7..5 ends before it starts");
        for text in ["5..5", "5..+0", "24000.."] {
            let expected = format!("recording \"it\": {text} selects no samples");
            assert_eq!(samples(&it, SAMPLES, text), Err(expected));
        }
        assert!(samples(&it, TIME, "0.00001..0.00002").unwrap_err().contains("no samples"));
        let early = samples(&it, UTC, "2026-05-12T20:14:59Z..+5s").unwrap_err();
        assert!(early.contains("began at 2026-05-12T20:15:00Z"), "{early}");
    }

    #[test]
    fn both_forms_of_time_are_told_apart() {
        let is_time = |text: &str| matches!(text.parse(), Ok(Selection(Part::Time(_))));
        assert!(is_time("12.5..1:00") && is_time("0.5..+250ms"));
        let utc = "2026-05-12T20:15:00Z..+5s".parse();
        assert!(matches!(utc, Ok(Selection(Part::Utc(_)))));
        let negative = "-1..2".parse::<Selection>().unwrap_err().to_string();
        assert!(negative.contains("is negative"), "{negative}");
        assert!("1..2026-05-12T20:15:00Z".parse::<Selection>().is_err());
        assert_eq!(Selection::ALL.to_string(), "..");
    }
}
