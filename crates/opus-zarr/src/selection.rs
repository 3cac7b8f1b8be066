//! Which part of a recording: in samples, in time since it began, or by the clock.

mod span;

use std::{cmp::Ordering, ops::Range, str::FromStr, time::Duration};

use jiff::{SignedDuration, Timestamp};
use opus_zarr::Recording;

use self::span::{End, Length, Position, Span};
use crate::failure::{Exit, Failure};

/// Which part of a recording; all of it if nothing is said
#[derive(clap::Args)]
#[group(multiple = false)]
pub(crate) struct RangeArgs {
    /// Samples per channel at 48 kHz: 48000..96000, 48_000..+1024, 48000.. (to the end), ..96000
    #[arg(long, value_name = "A..B", allow_hyphen_values = true)]
    samples: Option<Samples>,
    /// Time since the recording began: 12.5..30, 1:02:03.250..+750ms, 1h30m.. (to the end), ..90m
    #[arg(long, value_name = "T0..T1", allow_hyphen_values = true)]
    time: Option<Time>,
    /// Time of day, with its zone: 2026-05-12T20:15:00Z..+5s, 2026-05-12T22:15:00+02:00..
    #[arg(long, value_name = "T0..T1", allow_hyphen_values = true)]
    utc: Option<Utc>,
}

type Samples = Span<u64, u64>;
type Time = Span<Length, Length>;
type Utc = Span<Timestamp, Length>;

/// A part of whichever recording: what a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    All,
    Samples(Samples),
    Time(Time),
    Utc(Utc),
}

impl RangeArgs {
    /// The play samples that are asked for.
    pub(crate) fn resolve(&self, recording: &Recording) -> Result<Range<u64>, Failure> {
        self.part().resolve(recording)
    }

    fn part(&self) -> Part {
        let samples = self.samples.clone().map(Part::Samples);
        let time = self.time.clone().map(Part::Time);
        samples.or(time).or(self.utc.clone().map(Part::Utc)).unwrap_or(Part::All)
    }
}

impl Part {
    /// The play samples of a recording that it stands for: at least one, and none that the
    /// recording does not have.
    pub(crate) fn resolve(&self, recording: &Recording) -> Result<Range<u64>, Failure> {
        let range = self.range(recording)?;
        self.check(&range, recording)?;
        Ok(range)
    }

    fn range(&self, recording: &Recording) -> Result<Range<u64>, Failure> {
        let length = recording.info().play_length;
        Ok(match self {
            Self::All => 0..length,
            Self::Samples(span) => {
                let start = span.start.unwrap_or(0);
                start..match span.end {
                    None => length,
                    Some(End::At(end)) => end,
                    Some(End::After(count)) => start.saturating_add(count),
                }
            }
            Self::Time(span) => {
                let Length(start) = span.start.unwrap_or_default();
                match span.end {
                    None => recording.samples_of(start..start).start..length,
                    Some(End::At(Length(end))) => recording.samples_of(start..end),
                    Some(End::After(Length(length))) => {
                        recording.samples_of(start..start.saturating_add(length))
                    }
                }
            }
            Self::Utc(span) => {
                // Where it is not known when the recording began, this is refused below.
                let start = span.start.or_else(|| recording.utc_of(0)).unwrap_or_default();
                match span.end {
                    None => recording.samples_of_utc(start..start)?.start..length,
                    Some(End::At(end)) => recording.samples_of_utc(start..end)?,
                    Some(End::After(length)) => {
                        recording.samples_of_utc(start..later(start, length))?
                    }
                }
            }
        })
    }

    fn check(&self, range: &Range<u64>, recording: &Recording) -> Result<(), Failure> {
        let (name, length) = (recording.name(), recording.info().play_length);
        let fail = |what: &str| Err(Failure::new(Exit::Error, format!("\"{name}\": {what}")));
        let (text, end) = match self {
            // What the recording has is what is read of it.
            Self::All => return Ok(()),
            Self::Samples(span) => (&span.text, format!("sample {length}")),
            Self::Time(span) => (&span.text, clock(recording.time_of(length))),
            Self::Utc(span) => {
                (&span.text, recording.utc_of(length).map_or(String::new(), |end| end.to_string()))
            }
        };
        if range.start > length || range.end > length {
            return fail(&format!("{text} reaches beyond the end of the recording, {end}"))
                .map_err(|failure| failure.with_hint("`T0..`, without an end, goes to the end"));
        }
        match range.start.cmp(&range.end) {
            Ordering::Less => Ok(()),
            Ordering::Equal => fail(&format!("{text} holds no sample of the recording")),
            Ordering::Greater => fail(&format!("{text} ends before it begins")),
        }
    }
}

/// A range of time, since the beginning or by the clock: as it is written in tables.
impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The hyphens of a date.
        match text.matches('-').count() > 1 {
            true => text.parse().map(Self::Utc),
            false => text.parse().map(Self::Time),
        }
    }
}

/// So much time, as an argument says it.
pub(crate) fn length(text: &str) -> Result<Duration, String> {
    Length::parse(text).map(|Length(length)| length)
}

/// No recording lasts beyond what a timestamp can say.
fn later(time: Timestamp, Length(length): Length) -> Timestamp {
    let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
    time.saturating_add(length).unwrap_or(Timestamp::MAX)
}

/// A time as it is written in a range: to the last digit, so that it stands for the same sample.
pub(crate) fn clock(time: Duration) -> String {
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

    use opus_zarr::{ImportOptions, Ultrasound, import_with};

    use super::*;

    /// Half a second of silence, whose name says when it began.
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
        options.transcode.ultrasound = Ultrasound::Keep;
        let imported = import_with(file, directory.path().join("store"), "it", &options).unwrap();
        (directory, imported.into_first())
    }

    fn samples<P: FromStr<Err = String>>(
        recording: &Recording,
        part: fn(P) -> Part,
        text: &str,
    ) -> Result<Range<u64>, String> {
        let part = part(text.parse()?);
        part.resolve(recording).map_err(|failure| failure.message)
    }

    #[test]
    fn parts_are_samples_of_the_recording() {
        let (_directory, it) = recording(48_000);
        assert_eq!(Part::All.resolve(&it).unwrap(), 0..24_000);
        for (text, expected) in
            [("5..7", 5..7), ("5..", 5..24_000), ("..7", 0..7), ("5..+7", 5..12), ("..", 0..24_000)]
        {
            assert_eq!(samples(&it, Part::Samples, text), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("0.1..0.2", 4800..9600),
            ("100ms..+100ms", 4800..9600),
            ("0.4..", 19_200..24_000),
            ("..0.5", 0..24_000),
            ("0.00001..0.00003", 1..2),
        ] {
            assert_eq!(samples(&it, Part::Time, text), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("2026-05-12T20:15:00.1Z..2026-05-12T22:15:00.2+02:00", 4800..9600),
            ("2026-05-12T20:15:00Z..+1ms", 0..48),
            ("..2026-05-12T20:15:00.25Z", 0..12_000),
            ("2026-05-12T20:15:00.25Z..", 12_000..24_000),
        ] {
            assert_eq!(samples(&it, Part::Utc, text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_time_of_ultrasound_is_when_it_was_recorded() {
        let (_directory, it) = recording(250_000);
        assert_eq!(samples(&it, Part::Time, "0.1..0.2"), Ok(25_000..50_000));
        assert_eq!(samples(&it, Part::Utc, "2026-05-12T20:15:00.1Z..+100ms"), Ok(25_000..50_000));
        assert_eq!(samples(&it, Part::Samples, "25000.."), Ok(25_000..125_000));
    }

    #[test]
    fn what_the_recording_does_not_have_is_refused() {
        let (_directory, it) = recording(48_000);
        let beyond = |text: &str, end| {
            Err(format!("\"it\": {text} reaches beyond the end of the recording, {end}"))
        };
        for text in ["0..24001", "24001..", "30000..40000", "5..+18446744073709551615"] {
            assert_eq!(samples(&it, Part::Samples, text), beyond(text, "sample 24000"));
        }
        for text in ["0..0.6", "1..", "0.4..+0.2", "18446744073709551615..+18446744073709551615"] {
            assert_eq!(samples(&it, Part::Time, text), beyond(text, "0.5s"));
        }
        for text in ["2026-05-12T20:15:00Z..+18446744073709551615", "2026-05-12T20:16:00Z.."] {
            assert_eq!(samples(&it, Part::Utc, text), beyond(text, "2026-05-12T20:15:00.5Z"));
        }
        let reversed = samples(&it, Part::Samples, "7..5").unwrap_err();
        assert_eq!(reversed, "\"it\": 7..5 ends before it begins");
        for text in ["5..5", "5..+0", "24000.."] {
            let expected = format!("\"it\": {text} holds no sample of the recording");
            assert_eq!(samples(&it, Part::Samples, text), Err(expected));
        }
        assert!(samples(&it, Part::Time, "0.00001..0.00002").unwrap_err().contains("no sample"));
        let early = samples(&it, Part::Utc, "2026-05-12T20:14:59Z..+5s").unwrap_err();
        assert!(early.contains("began at 2026-05-12T20:15:00Z"), "{early}");
    }

    #[test]
    fn tables_write_time_as_they_like() {
        let is_time = |text: &str| matches!(text.parse(), Ok(Part::Time(_)));
        assert!(is_time("12.5..1:00") && is_time("0.5..+250ms"));
        assert!(matches!("2026-05-12T20:15:00Z..+5s".parse(), Ok(Part::Utc(_))));
        assert!("-1..2".parse::<Part>().unwrap_err().contains("is negative"));
        assert!("1..2026-05-12T20:15:00Z".parse::<Part>().is_err());
    }
}
