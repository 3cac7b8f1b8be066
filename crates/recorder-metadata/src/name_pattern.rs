use std::{fmt, str::FromStr};

use jiff::{
    civil::date,
    fmt::strtime::{self, BrokenDownTime},
    tz,
};

use crate::{ClockReading, Error, error::Reason, file_name::stem};

/// Where file names have their date and time, in the directives of `strptime`:
/// `%Y%m%d_%H%M%S`.
///
/// ```
/// use recorder_metadata::NamePattern;
///
/// let pattern: NamePattern = "%d.%m.%y-%Hh%M".parse()?;
/// let start = pattern.find("pond 12.05.20-04h15 left.wav").expect("matches");
/// assert_eq!(start.clock.to_string(), "2020-05-12T04:15:00");
/// assert!("%Y%m%d".parse::<NamePattern>().is_err()); // no time of day
/// # Ok::<(), recorder_metadata::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(String);

impl NamePattern {
    /// Returns the first date and time of this form in a file name, ignoring folders and
    /// extension. A match that touches further digits counts only if no other match exists.
    pub fn find(&self, name: &str) -> Option<ClockReading> {
        let stem = stem(name);
        let find = |may_split_digits: bool| {
            stem.char_indices().find_map(|(at, _)| {
                let (before, text) = stem.split_at_checked(at)?;
                let (found, len) = BrokenDownTime::parse_prefix(&self.0, text).ok()?;
                let (matched, after) = text.split_at_checked(len)?;
                let splits = splits_digits(before, matched) || splits_digits(matched, after);
                reading(&found).filter(|_| may_split_digits || !splits)
            })
        };
        find(false).or_else(|| find(true))
    }

    /// Returns why names of this form would have no start.
    fn check(&self) -> Result<(), String> {
        let example = date(2021, 6, 5).at(16, 7, 0, 0);
        let zoned =
            example.to_zoned_datetime(tz::offset(2).to_time_zone()).map_err(|it| it.to_string())?;
        let text = strtime::format(&self.0, &zoned).map_err(|error| error.to_string())?;
        let found = strtime::parse(&self.0, &text).map_err(|error| error.to_string())?;
        let found = reading(&found)
            .filter(|found| found.clock == example || found.instant() == Some(zoned.timestamp()));
        let missing = "it must state year, month, day, hour and minute";
        found.map(|_| ()).ok_or_else(|| missing.to_owned())
    }
}

impl FromStr for NamePattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let pattern = Self(text.to_owned());
        match pattern.check() {
            Ok(()) => Ok(pattern),
            Err(reason) => Err(Reason::NamePattern { found: text.to_owned(), reason }.into()),
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn reading(found: &BrokenDownTime) -> Option<ClockReading> {
    match found.to_datetime() {
        Ok(clock) => Some(ClockReading { clock, offset: found.offset() }),
        // Unix time.
        Err(_) => found.to_timestamp().ok().map(ClockReading::at),
    }
}

fn splits_digits(before: &str, after: &str) -> bool {
    before.ends_with(|found: char| found.is_ascii_digit())
        && after.starts_with(|found: char| found.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_times_anywhere_in_names() {
        for (pattern, name, clock, offset) in [
            ("%Y%m%d_%H%M%S", "card/A1_20200512_041500.wav", "2020-05-12T04:15:00", None),
            ("%y%m%d%H%M%S", "SN_190101120000.wav", "2019-01-01T12:00:00", None),
            ("%y%m%d%H%M%S", "671629352190101120000.wav", "2019-01-01T12:00:00", None),
            ("%d%m%y_%H%M%S", "site_110613_094500.wav", "2013-06-11T09:45:00", None),
            ("%Y%m%d_%H%M", "1_20200512_0415.wav", "2020-05-12T04:15:00", None),
            ("%Y%m%d_%I%M%p", "20200512_0415PM.wav", "2020-05-12T16:15:00", None),
            ("%Y%m%dT%H%M%S%z", "20200512T041500-0700_a", "2020-05-12T04:15:00", Some(-25_200)),
            ("é%s", "é1589256900.wav", "2020-05-12T04:15:00", Some(0)),
        ] {
            let pattern: NamePattern = pattern.parse().unwrap();
            let found = pattern.find(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.clock.to_string(), clock, "{name}");
            assert_eq!(found.offset.map(|offset| offset.seconds()), offset, "{name}");
        }
        let pattern: NamePattern = "%Y%m%d_%H%M%S".parse().unwrap();
        for name in ["", "20200512", "20201312_041500.wav", "a.20200512_041500"] {
            assert_eq!(pattern.find(name).is_some(), name.starts_with("a."), "{name}");
        }
    }

    #[test]
    fn patterns_without_a_whole_time_are_rejected() {
        for pattern in ["", "%", "%K", "%Y%m%d", "%H%M%S", "%m%d_%H%M%S", "%Y%m%d_%I%M", "name"] {
            let error = pattern.parse::<NamePattern>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidNamePattern, "{pattern}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }
}
