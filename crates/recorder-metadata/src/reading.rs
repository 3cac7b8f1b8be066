use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::Offset,
};

use crate::scanner::Scanner;

/// A date and time as a clock showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Date and time of day, unchanged.
    pub clock: DateTime,
    /// How far the clock is ahead of UTC, if known.
    pub offset: Option<Offset>,
}

impl ClockReading {
    /// Parses a date and time in ISO 8601, with or without an offset. As some recorders do,
    /// a space may separate date and time, slashes or nothing may separate the parts of a date,
    /// nothing those of a time, and offsets may lack the colon and leading zero. A leap second is
    /// read as the second before it.
    /// Returns `None` for anything else, including a date without a time.
    ///
    /// ```
    /// use recorder_metadata::ClockReading;
    ///
    /// let reading = ClockReading::parse("2020-10-17 13:05:00+1:00").expect("parses");
    /// assert_eq!(reading.instant().expect("has an offset").to_string(), "2020-10-17T12:05:00Z");
    /// assert_eq!(ClockReading::parse("2020-10-17"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let mut scanner = Scanner::new(text.trim());
        let date = ["-", "/", ""]
            .iter()
            .find_map(|separator| scanner.attempt(|scanner| date(scanner, separator)))?;
        scanner.one_of(&['T', 't', ' '])?;
        let time = time_of_day(&mut scanner)?;
        scanner.literal(" ");
        let offset = iso_offset(&mut scanner);
        scanner
            .rest()
            .is_empty()
            .then_some(Self { clock: DateTime::from_parts(date, time), offset })
    }

    /// Returns what a clock in UTC shows at `instant`.
    pub fn at(instant: Timestamp) -> Self {
        Self { clock: Offset::UTC.to_datetime(instant), offset: Some(Offset::UTC) }
    }

    /// Returns whether the clock was set: false on the first days of 1904 and 1970, where clocks begin
    /// that nobody set, as it shows them or in UTC.
    pub fn is_set(&self) -> bool {
        let is_first = |shown: DateTime| {
            matches!(shown.year(), 1904 | 1970) && shown.date().day_of_year() == 1
        };
        let in_utc = self.instant().map(|instant| Offset::UTC.to_datetime(instant));
        !is_first(self.clock) && !in_utc.is_some_and(is_first)
    }

    /// Returns the instant, if the offset is known.
    pub fn instant(&self) -> Option<Timestamp> {
        self.offset?.to_timestamp(self.clock).ok()
    }
}

/// Parses year, month and day with `separator` between them, if that day exists.
pub(crate) fn date(scanner: &mut Scanner<'_>, separator: &str) -> Option<Date> {
    let year = scanner.digits(4)?;
    scanner.literal(separator)?;
    let month = scanner.digits(2)?;
    scanner.literal(separator)?;
    date_of(year, month, scanner.digits(2)?)
}

pub(crate) fn date_of(year: u32, month: u32, day: u32) -> Option<Date> {
    let year = i16::try_from(year).ok()?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Returns a time of day. A leap second is the second before it.
pub(crate) fn time_of(hour: u32, minute: u32, second: u32, nanosecond: u32) -> Option<Time> {
    // Zones are quarters of an hour apart.
    let second = if second == 60 && minute % 15 == 14 { 59 } else { second };
    let [hour, minute, second] = [hour, minute, second].map(i8::try_from);
    Time::new(hour.ok()?, minute.ok()?, second.ok()?, i32::try_from(nanosecond).ok()?).ok()
}

/// Returns an offset within the range in use, -12:00 to +14:00.
pub(crate) fn offset_of(sign: char, hours: u32, minutes: u32) -> Option<Offset> {
    let minutes = hours.checked_mul(60)?.checked_add(minutes).filter(|_| minutes < 60)?;
    let seconds = i32::try_from(minutes.checked_mul(60)?).ok()?;
    let seconds = if sign == '-' { -seconds } else { seconds };
    let is_used = (-12 * 3600..=14 * 3600).contains(&seconds);
    Offset::from_seconds(seconds).ok().filter(|_| is_used)
}

/// Parses `Z`, `UTC`, `+2`, `+02`, `+0200`, `+2:00`, `+02:00`, `UTC+2` and so on.
pub(crate) fn iso_offset(scanner: &mut Scanner<'_>) -> Option<Offset> {
    if scanner.one_of(&['Z', 'z']).is_some() {
        return Some(Offset::UTC);
    }
    if scanner.literal("UTC").is_some() && !scanner.rest().starts_with(['+', '-']) {
        return Some(Offset::UTC);
    }
    scanner.attempt(|scanner| {
        let sign = scanner.one_of(&['+', '-'])?;
        let digits = scanner.while_(|found| found.is_ascii_digit())?;
        let number: u32 = digits.parse().ok()?;
        match digits.len() {
            4 => offset_of(sign, number / 100, number % 100),
            1 | 2 if scanner.literal(":").is_some() => offset_of(sign, number, scanner.digits(2)?),
            1 | 2 => offset_of(sign, number, 0),
            _ => None,
        }
    })
}

fn time_of_day(scanner: &mut Scanner<'_>) -> Option<Time> {
    let hour = scanner.digits(2)?;
    let separator = if scanner.literal(":").is_some() { ":" } else { "" };
    let minute = scanner.digits(2)?;
    let second = scanner.attempt(|scanner| {
        scanner.literal(separator)?;
        scanner.digits(2)
    });
    let nanosecond = second.and_then(|_| scanner.fraction());
    time_of(hour, minute, second.unwrap_or(0), nanosecond.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, Option<i32>)> {
        let reading = ClockReading::parse(text)?;
        Some((reading.clock.to_string(), reading.offset.map(Offset::seconds)))
    }

    #[test]
    fn forms_in_the_guano_specification_parse() {
        for (text, clock, offset) in [
            ("2015-12-31T23:59:59", "2015-12-31T23:59:59", None),
            ("2015-12-31T23:59:59.123", "2015-12-31T23:59:59.123", None),
            ("2015-12-31T23:59:59.123456", "2015-12-31T23:59:59.123456", None),
            ("2015-12-31T23:59:59Z", "2015-12-31T23:59:59", Some(0)),
            ("2015-12-31T23:59:59.123456Z", "2015-12-31T23:59:59.123456", Some(0)),
            ("2015-12-31T23:59:59+04:00", "2015-12-31T23:59:59", Some(14_400)),
            ("2015-12-31T23:59:59.123-07:00", "2015-12-31T23:59:59.123", Some(-25_200)),
        ] {
            assert_eq!(parsed(text), Some((clock.to_owned(), offset)), "{text}");
        }
    }

    #[test]
    fn forms_that_recorders_write_parse() {
        for (text, clock, offset) in [
            // Song Meter Mini
            ("2020-10-17 13:05:00+1:00", "2020-10-17T13:05:00", Some(3600)),
            // guano-py's own tests
            ("2016-12-10 01:02:03", "2016-12-10T01:02:03", None),
            ("2016-12-10 01:02", "2016-12-10T01:02:00", None),
            ("2016-12-10T01:02:03 UTC", "2016-12-10T01:02:03", Some(0)),
            ("2016-12-10T01:02:03-0330", "2016-12-10T01:02:03", Some(-12_600)),
            ("2018-04-26T13:26:19,5+05", "2018-04-26T13:26:19.5", Some(18_000)),
            ("2021/06/11 22:30:00", "2021-06-11T22:30:00", None),
            ("2021/06/11 22:30:00+01:00", "2021-06-11T22:30:00", Some(3600)),
            ("20210611T223000Z", "2021-06-11T22:30:00", Some(0)),
            ("20210611T223000.25+0100", "2021-06-11T22:30:00.25", Some(3600)),
            ("20210611 2230", "2021-06-11T22:30:00", None),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59", Some(0)),
            ("2017-01-01T05:44:60+05:45", "2017-01-01T05:44:59", Some(20_700)),
        ] {
            assert_eq!(parsed(text), Some((clock.to_owned(), offset)), "{text}");
        }
    }

    #[test]
    fn clocks_begin_with_1904_and_1970() {
        for (text, is_set) in [
            ("1970-01-01T00:00:00", false),
            ("1970-01-01T23:59:59", false),
            ("1904-01-01T12:00:00Z", false),
            ("1969-12-31T19:00:05-05:00", false),
            ("1970-01-02T00:00:05+05:45", false),
            ("1969-12-31T19:00:05", true),
            ("1970-01-02T00:00:00", true),
            ("1904-05-12T04:15:00", true),
            ("2020-01-01T00:00:00", true),
        ] {
            assert_eq!(ClockReading::parse(text).unwrap().is_set(), is_set, "{text}");
        }
    }

    #[test]
    fn anything_else_is_rejected() {
        for text in [
            "",
            "2016",
            "2016-12-10",
            "2016-02-30T01:02:03",
            "2016-12-10T24:02:03",
            "2016-12-10T01:60:03",
            "2016-12-10T01:02:61",
            "2016-12-31T23:59:61",
            "2016-12-10T01:02:60",
            "2021/06-11 22:30:00",
            "2021-0611 22:30:00",
            "11/06/2021 22:30:00",
            "20210611",
            "20210611223000",
            "2016-12-10T01:02:03+15:00",
            "2016-12-10T01:02:03+02:70",
            "2016-12-10T01:02:03 and more",
            "2016-12-10T01:02:03Z+02:00",
            "10/12/2016 01:02:03",
            "٢٠١٦-12-10T01:02:03",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
