//! The forms of dates and times in names. Each returns what the digits at a place can mean.

use jiff::{
    civil::{Date, DateTime, Time},
    tz::Offset,
};

use crate::{
    ClockReading,
    reading::{date_of, offset_of, time_of},
    scanner::Scanner,
};

/// `20200512_041500`, `2010-08-12_21-03-12`, `2023-05-12-birdnet-04:15:00`.
pub(super) fn full_year(stem: &str, at: usize) -> Vec<ClockReading> {
    // The end of a recording: `S20240815T091156+1000_E20240815T091251+1000`.
    let before = stem.get(..at).unwrap_or_default();
    if before.ends_with("_E") && super::readings(before).next().is_some() {
        return Vec::new();
    }
    let reading = scan(stem, at, |scanner| {
        let (date, has_separators) = day(scanner)?;
        let time = scanner.attempt(later_time).or_else(|| {
            let time = || scanner.attempt(time_after_words);
            has_separators.then(time).flatten()
        })?;
        Some((date, time))
    });
    reading.into_iter().collect()
}

/// `12-05-2020_041500`: the day first or the month first.
pub(super) fn year_last(stem: &str, at: usize) -> Vec<ClockReading> {
    let in_order = |is_day_first: bool| {
        scan(stem, at, move |scanner| {
            let one = scanner.digits(2)?;
            let separator = scanner.one_of(&['-', '_', '.'])?;
            let two = scanner.digits(2)?;
            scanner.one_of(&[separator])?;
            let year = scanner.digits(4).filter(|year| YEARS.contains(year))?;
            let (day, month) = if is_day_first { (one, two) } else { (two, one) };
            Some((date_of(year, month, day)?, later_time(scanner)?))
        })
    };
    [true, false].into_iter().filter_map(in_order).collect()
}

/// `200512_041500`, as HARP and Zoom write it: first the year or, in names that people choose, the
/// day. Triton, which writes `.x.wav`, always writes the year first.
pub(super) fn short_year(stem: &str, at: usize) -> Vec<ClockReading> {
    if !is_word_start(stem, at) {
        return Vec::new();
    }
    let in_order = |is_year_first: bool| {
        scan(stem, at, move |scanner| {
            let (one, month, two) = (scanner.digits(2)?, scanner.digits(2)?, scanner.digits(2)?);
            let (year, day) = if is_year_first { (one, two) } else { (two, one) };
            let date = short_date(year, month, day)?;
            scanner.one_of(&['_', '-', ' ', 'T', '$'])?;
            Some((date, compact_time(scanner)?))
        })
    };
    let by_triton = stem.ends_with(".x");
    let orders = [true, false].into_iter().filter(|is_year_first| *is_year_first || !by_triton);
    orders.filter_map(in_order).collect()
}

/// `5783.190101120000` by SoundTrap: two digits of the year, or in other names four and no seconds.
pub(super) fn of_12_digits(stem: &str, at: usize) -> Vec<ClockReading> {
    let is_after_serial = stem.get(..at).is_some_and(|before| before.ends_with('.'));
    if !is_after_serial {
        return Vec::new();
    }
    let with_seconds = scan(stem, at, |scanner| {
        let (year, month) = (scanner.digits(2)?, scanner.digits(2)?);
        let date = short_date(year, month, scanner.digits(2)?)?;
        Some((date, compact_time(scanner)?))
    });
    let to_the_minute = scan(stem, at, |scanner| {
        let (year, month) = (scanner.digits(4)?, scanner.digits(2)?);
        let date = date_of(year, month, scanner.digits(2)?).filter(|_| DIGITAL.contains(&year))?;
        let (hour, minute) = (scanner.digits(2)?, scanner.digits(2)?);
        is_end(scanner).then_some((date, time_of(hour, minute, 0, 0)?))
    });
    // By itself, the second form may be a running number.
    with_seconds.into_iter().flat_map(|first| [Some(first), to_the_minute]).flatten().collect()
}

/// Reads date and time with `parts`, then a zone.
fn scan(
    stem: &str,
    at: usize,
    parts: impl FnOnce(&mut Scanner<'_>) -> Option<(Date, Time)>,
) -> Option<ClockReading> {
    let mut scanner = Scanner::new(stem.get(at..)?);
    let (date, time) = parts(&mut scanner)?;
    Some(ClockReading { clock: DateTime::from_parts(date, time), offset: scanner.attempt(zone) })
}

/// Returns the day, and whether it has separators.
fn day(scanner: &mut Scanner<'_>) -> Option<(Date, bool)> {
    let year = scanner.digits(4).filter(|year| YEARS.contains(year))?;
    let Some(separator) = scanner.one_of(&['-', '_', '.']) else {
        let (month, day) = (padded(scanner)?, padded(scanner)?);
        return Some((date_of(year, month, day)?, false));
    };
    let month = scanner.digits(2)?;
    scanner.one_of(&[separator])?;
    Some((date_of(year, month, scanner.digits(2)?)?, true))
}

fn short_date(year: u32, month: u32, day: u32) -> Option<Date> {
    date_of(2000 + year, month, day).filter(|_| year < 50)
}

/// Reads two digits, the first of which may be a blank instead of a zero (BAR-LT: `201906 7T095935`).
fn padded(scanner: &mut Scanner<'_>) -> Option<u32> {
    let blank = |scanner: &mut Scanner<'_>| {
        scanner.literal(" ")?;
        scanner.digits(1)
    };
    scanner.digits(2).or_else(|| scanner.attempt(blank))
}

/// Reads a time after its separators, of which Song Meters with GPS write `$`.
fn later_time(scanner: &mut Scanner<'_>) -> Option<Time> {
    if let Some(time) = scanner.attempt(|scanner| {
        scanner.one_of(&['T', 't'])?;
        let (hour, minute) = (padded(scanner)?, padded(scanner)?);
        let second = padded(scanner)?;
        with_decimals(scanner, hour, minute, second)
    }) {
        return Some(time);
    }
    while scanner.one_of(&['_', '-', ' ', 'T', 't', '$', '.']).is_some() {}
    time_of_day(scanner)
}

/// Reads a time with colons, which nothing else in a name has, after words.
fn time_after_words(scanner: &mut Scanner<'_>) -> Option<Time> {
    let (before, _) = scanner.rest().split_once(':')?;
    let at = before.len().checked_sub(2)?;
    *scanner = Scanner::new(scanner.rest().get(at..)?);
    let is_new = !before.get(..at)?.ends_with(|found: char| found.is_ascii_digit());
    time_of_day(scanner).filter(|_| is_new)
}

fn time_of_day(scanner: &mut Scanner<'_>) -> Option<Time> {
    let hour = scanner.digits(2)?;
    let separator = scanner.one_of(&['-', '_', ':', '.', ' ', 'h']);
    let minute = scanner.digits(2)?;
    if let Some(separator) = separator {
        scanner.one_of(&[if separator == 'h' { 'm' } else { separator }])?;
    }
    let second = scanner.digits(2)?;
    if separator == Some('h') {
        scanner.literal("s");
    }
    with_decimals(scanner, hour, minute, second)
}

fn compact_time(scanner: &mut Scanner<'_>) -> Option<Time> {
    let (hour, minute, second) = (scanner.digits(2)?, scanner.digits(2)?, scanner.digits(2)?);
    time_of(hour, minute, second, 0).filter(|_| is_end(scanner))
}

fn with_decimals(scanner: &mut Scanner<'_>, hour: u32, minute: u32, second: u32) -> Option<Time> {
    let milliseconds = scanner.digits(3).map(|found| found * 1_000_000);
    let nanosecond = milliseconds.or_else(|| scanner.attempt(fraction)).unwrap_or(0);
    time_of(hour, minute, second, nanosecond).filter(|_| is_end(scanner))
}

/// Reads decimals, but not the first digits of something else (`.5AFCD4F4`).
fn fraction(scanner: &mut Scanner<'_>) -> Option<u32> {
    let nanosecond = scanner.fraction()?;
    let is_whole = is_word_end(scanner) || zone(&mut scanner.clone()).is_some();
    is_whole.then_some(nanosecond)
}

/// Reads `Z`, `UTC`, `GMT`, `UTC+2`, `+02`, `+0200`, `-03:30`, or these after a separator, which may be
/// `-` or `.` before letters. Since digits after a minus may be a running number (`-07`, `-0001`), they need four digits and
/// quarters of an hour, and `-0000` is none.
fn zone(scanner: &mut Scanner<'_>) -> Option<Offset> {
    let separator = scanner.one_of(&['_', ' ', '(']);
    if separator.is_none() && scanner.rest().get(1..).is_some_and(begins_with_utc) {
        scanner.one_of(&['-', '.']);
    }
    let offset = if ["UTC", "utc", "GMT", "gmt"].iter().any(|utc| scanner.literal(utc).is_some()) {
        scanner.attempt(|scanner| signed(scanner, true)).unwrap_or(Offset::UTC)
    } else if scanner.one_of(&['Z', 'z']).is_some() {
        Offset::UTC
    } else {
        let offset = signed(scanner, false)?;
        // A place, such as `_+13-090`.
        let is_place = separator.is_some() && scanner.rest().starts_with(['+', '-', '.']);
        return (is_word_end(scanner) && !is_place).then_some(offset);
    };
    is_word_end(scanner).then_some(offset)
}

fn begins_with_utc(text: &str) -> bool {
    ["UTC", "utc", "GMT", "gmt", "Z", "z"].iter().any(|utc| text.starts_with(utc))
}

/// Reads an offset. `is_sure` if it can be nothing else.
fn signed(scanner: &mut Scanner<'_>, is_sure: bool) -> Option<Offset> {
    let sign = scanner.one_of(&['+', '-'])?;
    let hours = scanner.while_(|found| found.is_ascii_digit())?;
    let (hours, minutes) = match hours.len() {
        4 => hours.split_at_checked(2).map(|(hours, minutes)| (hours, Some(minutes)))?,
        2 => (hours, None),
        1 if is_sure => (hours, None),
        _ => return None,
    };
    let minutes = match minutes {
        Some(minutes) => Some(minutes.parse().ok()?),
        None => scanner.attempt(|scanner| {
            scanner.literal(":")?;
            scanner.digits(2)
        }),
    };
    if minutes.is_none() && sign == '-' && !is_sure {
        return None;
    }
    let minutes = minutes.unwrap_or(0);
    let offset = offset_of(sign, hours.parse().ok()?, minutes).filter(|_| minutes % 15 == 0)?;
    (is_sure || sign == '+' || offset != Offset::UTC).then_some(offset)
}

/// Whether a word begins at `at`.
fn is_word_start(stem: &str, at: usize) -> bool {
    !stem.get(..at).is_some_and(|before| before.ends_with(char::is_alphanumeric))
}

fn is_word_end(scanner: &Scanner<'_>) -> bool {
    !scanner.rest().starts_with(char::is_alphanumeric)
}

fn is_end(scanner: &Scanner<'_>) -> bool {
    !scanner.rest().starts_with(|found: char| found.is_ascii_digit())
}

const YEARS: std::ops::Range<u32> = 1900..2100;
/// In which recorders write names: otherwise most names of 2019 could mean the year 1903 or so.
const DIGITAL: std::ops::Range<u32> = 2000..2100;
