use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::Offset,
};

use crate::{
    ClockReading, Source,
    reading::{date_of, offset_of, time_of},
    scanner::Scanner,
};

/// Finds the first date with a time of day in a file name, ignoring folders and extension, and
/// returns it with the kind of name.
///
/// - `20200512_041500`, `20230101T010203Z`, `2010-08-12_21-03-12`, `20200512041500`: a date and a
///   time of six digits, anywhere in the name but not next to other digits. Decimals may follow
///   the seconds (`.123`, or three more digits), then `Z` or an offset (`+0200`, `-03:30`). Years
///   range from 1900 to 2099. Dates and times that do not exist and times of four digits do not
///   match.
/// - `5B6A9C40`: a whole name of eight hexadecimal digits is a Unix time in seconds, as AudioMoth
///   firmware before 1.2 writes it, if it lies in the years 2016 to 2035.
///
/// ```
/// use recorder_metadata::{Source, time_in_file_name};
///
/// let (source, start) = time_in_file_name("card/S4A01234_20200512_041500.wav").expect("matches");
/// assert_eq!(source, Source::FileName);
/// assert_eq!(start.clock.to_string(), "2020-05-12T04:15:00");
/// assert_eq!(start.offset, None);
/// ```
pub fn time_in_file_name(name: &str) -> Option<(Source, ClockReading)> {
    let stem = stem(name);
    if let Some(instant) = hexadecimal(stem) {
        return Some((Source::HexFileName, ClockReading::at(instant)));
    }
    let starts = stem.char_indices().scan('_', |before, (at, found)| {
        let is_start = !before.is_ascii_digit() && found.is_ascii_digit();
        *before = found;
        Some(is_start.then_some(at))
    });
    let reading = starts.flatten().find_map(|at| reading(stem.get(at..)?))?;
    Some((Source::FileName, reading))
}

/// Removes folders and extension.
fn stem(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.rsplit_once('.').filter(|(_, end)| is_extension(end)).map_or(name, |(stem, _)| stem)
}

/// Returns whether this is an extension like `wav` and `3gp`, not decimals as in `.250` and
/// `.250Z`.
fn is_extension(end: &str) -> bool {
    let has_letter = end.trim_end_matches(['Z', 'z']).contains(char::is_alphabetic);
    end.is_empty() || end.starts_with(char::is_alphabetic) || (end.len() <= 4 && has_letter)
}

fn hexadecimal(stem: &str) -> Option<Timestamp> {
    const PLAUSIBLE: std::ops::Range<i64> = 1_451_606_400..2_082_758_400; // 2016 to 2035
    let is_hexadecimal = stem.len() == 8 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    let seconds = i64::from_str_radix(stem, 16).ok().filter(|_| is_hexadecimal)?;
    Timestamp::from_second(seconds).ok().filter(|_| PLAUSIBLE.contains(&seconds))
}

fn reading(text: &str) -> Option<ClockReading> {
    let mut scanner = Scanner::new(text);
    let date = day(&mut scanner)?;
    while scanner.one_of(&['_', '-', ' ', 'T', 't']).is_some() {}
    let time = time_of_day(&mut scanner)?;
    let clock = DateTime::from_parts(date, time);
    Some(ClockReading { clock, offset: scanner.attempt(offset) })
}

fn day(scanner: &mut Scanner<'_>) -> Option<Date> {
    let year = scanner.digits(4).filter(|year| (1900..2100).contains(year))?;
    let separator = scanner.one_of(&['-', '_', '.']);
    let month = scanner.digits(2)?;
    if let Some(separator) = separator {
        scanner.one_of(&[separator])?;
    }
    date_of(year, month, scanner.digits(2)?)
}

fn time_of_day(scanner: &mut Scanner<'_>) -> Option<Time> {
    let hour = scanner.digits(2)?;
    let separator = scanner.one_of(&['-', '_', ':', '.', ' ']);
    let minute = scanner.digits(2)?;
    if let Some(separator) = separator {
        scanner.one_of(&[separator])?;
    }
    let second = scanner.digits(2)?;
    let milliseconds = scanner.digits(3).map(|found| found * 1_000_000);
    let nanosecond = milliseconds.or_else(|| scanner.fraction());
    let is_end = !scanner.rest().starts_with(|found: char| found.is_ascii_digit());
    time_of(hour, minute, second, nanosecond.unwrap_or(0)).filter(|_| is_end)
}

/// Parses `Z`, `+0200`, `-03:30`. Since the digits may be a running number (`-0001`), accepts only
/// quarters of an hour, and not `-0000`.
fn offset(scanner: &mut Scanner<'_>) -> Option<Offset> {
    let offset = if scanner.one_of(&['Z', 'z']).is_some() {
        Offset::UTC
    } else {
        let sign = scanner.one_of(&['+', '-'])?;
        let hours = scanner.digits(2)?;
        scanner.literal(":");
        let minutes = scanner.digits(2).filter(|minutes| minutes % 15 == 0)?;
        offset_of(sign, hours, minutes).filter(|offset| sign == '+' || *offset != Offset::UTC)?
    };
    let is_end = !scanner.rest().starts_with(|found: char| found.is_alphanumeric());
    is_end.then_some(offset)
}
