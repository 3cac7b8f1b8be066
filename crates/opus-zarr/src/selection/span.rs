//! Ranges as text: two positions with `..` between them.

use std::{str::FromStr, time::Duration};

use jiff::{Timestamp, civil::DateTime};

use super::InvalidSelection;

/// `A..B` without `B`; `A..` to the end; `..B` from the beginning; `A..+LENGTH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span<P, L> {
    /// As it was written.
    pub(super) text: String,
    pub(super) start: Option<P>,
    pub(super) end: Option<End<P, L>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End<P, L> {
    At(P),
    /// This long after the start.
    After(L),
}

/// Time: `12.5`, `12.5s`, `750ms`, `1h30m`, `1:02:03.250`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Length(pub(super) Duration);

/// Either end of a range, or its length.
pub(super) trait Position: Sized {
    fn parse(text: &str) -> Result<Self, InvalidSelection>;
}

impl<P: Position, L: Position> FromStr for Span<P, L> {
    type Err = InvalidSelection;

    fn from_str(text: &str) -> Result<Self, InvalidSelection> {
        let text = text.trim();
        let (start, end) = text.split_once("..").ok_or_else(|| {
            let expected = "expected START..END, START.., ..END or START..+LENGTH";
            InvalidSelection(format!("invalid range {text:?}, {expected}"))
        })?;
        let (start, end) = (start.trim(), end.trim());
        let end = match (end, end.strip_prefix('+')) {
            ("", _) => None,
            (_, Some(length)) => Some(End::After(L::parse(length)?)),
            (end, None) => Some(End::At(P::parse(end)?)),
        };
        let start = (!start.is_empty()).then(|| P::parse(start)).transpose()?;
        Ok(Self { text: text.to_owned(), start, end })
    }
}

impl Position for u64 {
    fn parse(text: &str) -> Result<Self, InvalidSelection> {
        refuse_negative(text)?;
        let digits = text.replace('_', "");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(InvalidSelection(format!(
                "invalid sample count {text:?}, expected digits as in 48000 or 48_000"
            )));
        }
        let too_large = |_| InvalidSelection(format!("sample count {text:?} is too large"));
        digits.parse().map_err(too_large)
    }
}

impl Position for Timestamp {
    fn parse(text: &str) -> Result<Self, InvalidSelection> {
        text.parse().map_err(|_| {
            InvalidSelection(match text.parse::<DateTime>() {
                Ok(_) => format!(
                    "time {text:?} lacks a time zone: append Z for UTC, or an offset such as +02:00"
                ),
                Err(_) => format!("invalid time {text:?}, expected the form 2026-05-12T20:15:00Z"),
            })
        })
    }
}

impl Position for Length {
    fn parse(text: &str) -> Result<Self, InvalidSelection> {
        refuse_negative(text)?;
        let nanos = if text.contains(':') { of_clock(text) } else { of_units(text) };
        let nanos = nanos.ok_or_else(|| {
            let expected = "expected a form such as 12.5, 750ms, 1h30m or 1:02:03.250";
            InvalidSelection(format!("invalid time {text:?}, {expected}"))
        })?;
        u64::try_from(nanos / NANOS)
            .ok()
            .zip(u32::try_from(nanos % NANOS).ok())
            .map(|(seconds, nanos)| Self(Duration::new(seconds, nanos)))
            .ok_or_else(|| InvalidSelection(format!("time {text:?} is too long")))
    }
}

fn refuse_negative(text: &str) -> Result<(), InvalidSelection> {
    if text.starts_with(['-', '\u{2212}']) {
        return Err(InvalidSelection(format!(
            "{text:?} is negative; positions count from the start of the recording"
        )));
    }
    Ok(())
}

/// `[H:]MM:SS[.fraction]`; the first number has no upper limit.
fn of_clock(text: &str) -> Option<u128> {
    let (rest, seconds) = text.rsplit_once(':')?;
    let whole = seconds.split_once('.').map_or(seconds, |(whole, _)| whole);
    let small = |text: &str| number(text).filter(|&number| text.len() <= 2 && number < 60);
    small(whole)?;
    let minutes = match rest.split_once(':') {
        Some((hours, minutes)) => number(hours)?.checked_mul(60)?.checked_add(small(minutes)?)?,
        None => number(rest)?,
    };
    decimal(seconds, NANOS)?.checked_add(minutes.checked_mul(60 * NANOS)?)
}

/// Numbers with units, from large to small; a bare number is in seconds.
fn of_units(text: &str) -> Option<u128> {
    if let Some(nanos) = decimal(text, NANOS) {
        return Some(nanos);
    }
    let (mut rest, mut sum, mut last) = (text, 0u128, u128::MAX);
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_alphabetic())?;
        let (number, behind) = rest.split_at_checked(unit_at)?;
        let end = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(end)?;
        let &(_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(decimal(number, unit)?)?;
        if unit >= last {
            return None;
        }
        (rest, last) = (behind, unit);
    }
    (last < u128::MAX).then_some(sum)
}

/// Converts a decimal number of units to nanoseconds, rounded to the nearest.
fn decimal(text: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = number(whole)?.checked_mul(unit)?;
    // Further digits are less than a nanosecond, even of a day.
    let digits = fraction.get(..fraction.len().min(MAX_DIGITS))?;
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let parts = if digits.is_empty() { 0 } else { digits.parse::<u128>().ok()? };
    let scale = 10u128.checked_pow(u32::try_from(digits.len()).ok()?)?;
    whole.checked_add((parts.checked_mul(unit)? + scale / 2) / scale)
}

/// Refuses a sign, which `parse` would accept.
fn number(text: &str) -> Option<u128> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
}

const NANOS: u128 = 1_000_000_000;

const MAX_DIGITS: usize = 18;

const UNITS: [(&str, u128); 7] = [
    ("d", 86_400 * NANOS),
    ("h", 3600 * NANOS),
    ("m", 60 * NANOS),
    ("min", 60 * NANOS),
    ("s", NANOS),
    ("ms", NANOS / 1000),
    ("us", 1000),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::selection::clock;

    fn nanos(text: &str) -> Result<u128, String> {
        let time = Length::parse(text).map_err(|error| error.to_string())?;
        Ok(time.0.as_nanos())
    }

    #[test]
    fn time_has_many_forms() {
        for (text, expected) in [
            ("0", 0),
            ("12", 12_000_000_000),
            ("12.5", 12_500_000_000),
            ("12.", 12_000_000_000),
            ("12.5s", 12_500_000_000),
            ("750ms", 750_000_000),
            ("20us", 20_000),
            ("90m", 5_400_000_000_000),
            ("90min", 5_400_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1d1h1m1s1ms", 90_061_001_000_000),
            ("1h0.25s", 3_600_250_000_000),
            ("02:03", 123_000_000_000),
            ("90:00", 5_400_000_000_000),
            ("1:02:03.250", 3_723_250_000_000),
            ("100:00:00", 360_000_000_000_000),
            ("0.000000001", 1),
            // Printed floating-point numbers.
            ("0.30000000000000004", 300_000_000),
            ("0.29999999999999998889776975", 300_000_000),
            ("18446744073709551615", 18_446_744_073_709_551_615_000_000_000),
        ] {
            assert_eq!(nanos(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn invalid_times_are_refused() {
        for text in [
            "", ".", ".5", "s", "5x", "1h30", "30m1h", "1m1min", "1h1h", "1:60", "1:2:3:4",
            "1:60:00", ":30", "1:", "1:02:", "1:002", "1.5:00", "1e3", "12,5", "+5", "1:+2",
            "0x10", "5 s", "٣", "5é", "nan", "1:02:03h",
        ] {
            let message = nanos(text).unwrap_err();
            assert!(message.contains("invalid time"), "{text:?}: {message}");
        }
        for text in ["18446744073709551616", "9999999999999999999h"] {
            assert!(nanos(text).unwrap_err().contains("too long"), "{text}");
        }
        for text in ["-5", "-1:00", "\u{2212}5"] {
            assert!(nanos(text).unwrap_err().contains("is negative"), "{text}");
        }
    }

    type Ends<P, L> = (Option<P>, Option<End<P, L>>);

    fn ends<P: Position + Copy, L: Position + Copy>(text: &str) -> Result<Ends<P, L>, String> {
        let span: Span<P, L> = text.parse().map_err(|error: InvalidSelection| error.to_string())?;
        Ok((span.start, span.end))
    }

    #[test]
    fn sample_counts_are_whole_numbers() {
        let samples = ends::<u64, u64>;
        assert_eq!(samples("5..48_000"), Ok((Some(5), Some(End::At(48_000)))));
        assert_eq!(samples("5.."), Ok((Some(5), None)));
        assert_eq!(samples("..7"), Ok((None, Some(End::At(7)))));
        assert_eq!(samples(" 5 .. +7 "), Ok((Some(5), Some(End::After(7)))));
        assert_eq!(samples("..+7"), Ok((None, Some(End::After(7)))));
        assert_eq!(samples(".."), Ok((None, None)));
        for (text, part) in [
            ("5", "invalid range"),
            ("", "invalid range"),
            ("5-7", "invalid range"),
            ("-5..7", "is negative"),
            ("5..-7", "is negative"),
            ("5..=7", "invalid sample count"),
            ("5...7", "invalid sample count"),
            ("1.5..7", "invalid sample count"),
            ("_..7", "invalid sample count"),
            ("5..+", "invalid sample count"),
            ("5..++7", "invalid sample count"),
            ("0..18446744073709551616", "too large"),
        ] {
            let message = samples(text).unwrap_err();
            assert!(message.contains(part), "{text:?}: {message}");
        }
    }

    #[test]
    fn time_ranges_may_have_fractions() {
        let of = |millis| Length(Duration::from_millis(millis));
        let time = ends::<Length, Length>;
        assert_eq!(time("12.5..1:00"), Ok((Some(of(12_500)), Some(End::At(of(60_000))))));
        assert_eq!(time("12.5..+750ms"), Ok((Some(of(12_500)), Some(End::After(of(750))))));
        assert_eq!(time("1h.."), Ok((Some(of(3_600_000)), None)));
        assert!(time("12.5").is_err());
        assert!(time("1...5").is_err());
        assert!(time("5..-1").unwrap_err().contains("is negative"));
    }

    #[test]
    fn times_of_day_need_a_zone() {
        let utc = ends::<Timestamp, Length>;
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            utc("2026-05-12T20:15:00Z..2026-05-12T22:20:00.5+02:00"),
            Ok((Some(at("2026-05-12T20:15:00Z")), Some(End::At(at("2026-05-12T20:20:00.5Z")))))
        );
        assert_eq!(
            utc("2026-05-12 20:15:00Z..+5s"),
            Ok((
                Some(at("2026-05-12T20:15:00Z")),
                Some(End::After(Length(Duration::from_secs(5))))
            ))
        );
        let message = utc("2026-05-12T20:15:00..+5s").unwrap_err();
        assert!(message.contains("append Z for UTC"), "{message}");
        for text in ["2026-05-12T25:00Z..", "yesterday..", "12.5.."] {
            assert!(utc(text).unwrap_err().contains("invalid time"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn times_round_trip(seconds in 0..1u64 << 40, nanos in 0..1_000_000_000u32) {
            let time = Duration::new(seconds, nanos);
            prop_assert_eq!(Length::parse(&clock(time)), Ok(Length(time)));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = text.parse::<Span<Length, Length>>();
            let _ = text.parse::<Span<Timestamp, Length>>();
            let _ = text.parse::<Span<u64, u64>>();
        }

        #[test]
        fn no_text_of_these_characters_panics(text in "[0-9hms:.+_TZ-]{0,40}") {
            let _ = text.parse::<Span<Length, Length>>();
            let _ = text.parse::<Span<Timestamp, Length>>();
            let _ = text.parse::<Span<u64, u64>>();
        }
    }
}
