use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};

use crate::{Error, error::Reason, reading::iso_offset, scanner::Scanner};

/// The time zone to assume for clocks that do not state their offset.
///
/// [`parse`](str::parse) accepts an offset (`"+02:00"`, `"-3:30"`, `"UTC"`, `"Z"`) or an IANA name
/// (`"Europe/Zurich"`). Names are looked up in a database that is compiled in, so they mean the
/// same on every machine. `Display` writes a text that parses to the same zone.
///
/// ```
/// use recorder_metadata::Zone;
///
/// assert_eq!("Europe/Zurich".parse::<Zone>()?.to_string(), "Europe/Zurich");
/// assert_eq!("-3:30".parse::<Zone>()?.to_string(), "-03:30");
/// assert!("Mars/Olympus".parse::<Zone>().is_err());
/// # Ok::<(), recorder_metadata::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Returns the instant when a clock in this zone shows a time: the first one if it does so
    /// twice, and as if clocks had not been set forward if it never does.
    pub fn instant(&self, clock: DateTime) -> Timestamp {
        let zoned = self.0.to_ambiguous_timestamp(clock).compatible();
        zoned.unwrap_or(if clock.year() > 0 { Timestamp::MAX } else { Timestamp::MIN })
    }
}

impl From<Offset> for Zone {
    fn from(offset: Offset) -> Self {
        Self(TimeZone::fixed(offset))
    }
}

impl FromStr for Zone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut scanner = Scanner::new(text);
        if let Some(offset) = iso_offset(&mut scanner).filter(|_| scanner.rest().is_empty()) {
            return Ok(offset.into());
        }
        let named = TimeZoneDatabase::bundled().get(text);
        named.map(Self).map_err(|_| Reason::Zone { found: text.to_owned() }.into())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.iana_name(), self.0.to_fixed_offset()) {
            (Some(name), _) => f.pad(name),
            (None, Ok(offset)) => {
                let sign = if offset.is_negative() { '-' } else { '+' };
                let minutes = offset.seconds().unsigned_abs() / 60;
                f.pad(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60))
            }
            // Only a zone of the system has neither, and none is ever used.
            (None, Err(_)) => f.pad("unknown"),
        }
    }
}

impl Zone {
    /// Returns what a clock in this zone shows at an instant.
    pub fn clock_at(&self, instant: Timestamp) -> DateTime {
        self.0.to_datetime(instant)
    }

    /// Writes an instant as clocks in this zone show it, with their offset from UTC:
    /// `2026-05-12T03:00:00+02:00`, or `2026-05-12T01:00:00Z` where there is none. It parses to the
    /// same instant.
    pub fn rfc3339(&self, instant: Timestamp) -> String {
        let offset = self.0.to_offset(instant);
        // Offsets of the nineteenth century have seconds, which cannot be written.
        if offset.seconds() == 0 || offset.seconds() % 60 != 0 {
            return instant.to_string();
        }
        instant.display_with_offset(offset).to_string()
    }

    /// Returns the rules of the zone.
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }

    /// Returns the offset when a clock in this zone showed `clock`. Some readings occur twice when
    /// clocks are set back, and never when they are set forward.
    pub(crate) fn offset(&self, clock: DateTime) -> AmbiguousOffset {
        self.0.to_ambiguous_timestamp(clock).offset()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn offset(zone: &str, clock: DateTime) -> AmbiguousOffset {
        zone.parse::<Zone>().unwrap().offset(clock)
    }

    #[test]
    fn offsets_and_names_parse() {
        let (winter, summer) = (date(2023, 1, 1).at(1, 2, 3, 0), date(2023, 7, 1).at(1, 2, 3, 0));
        for (zone, in_winter, in_summer) in [
            ("+02:00", 7200, 7200),
            ("-3:30", -12_600, -12_600),
            ("UTC", 0, 0),
            ("Z", 0, 0),
            ("Europe/Zurich", 3600, 7200),
            ("America/St_Johns", -12_600, -9000),
            ("Australia/Lord_Howe", 39_600, 37_800),
        ] {
            for (clock, seconds) in [(winter, in_winter), (summer, in_summer)] {
                let expected = Offset::from_seconds(seconds).unwrap();
                let found = offset(zone, clock);
                assert_eq!(found, AmbiguousOffset::Unambiguous { offset: expected }, "{zone}");
            }
        }
    }

    #[test]
    fn what_is_written_parses_to_the_same_zone() {
        for (zone, written) in [
            ("+02:00", "+02:00"),
            ("-3:30", "-03:30"),
            ("+5:45", "+05:45"),
            ("UTC", "UTC"),
            ("Z", "UTC"),
            ("+00:00", "UTC"),
            ("europe/zurich", "Europe/Zurich"),
        ] {
            let zone: Zone = zone.parse().unwrap();
            assert_eq!(zone.to_string(), written);
            assert_eq!(written.parse(), Ok(zone));
        }
    }

    #[test]
    fn instants_are_written_with_the_offset_in_force() {
        for (zone, instant, written) in [
            ("Europe/Zurich", "2026-10-25T00:59:59.5Z", "2026-10-25T02:59:59.5+02:00"),
            ("Europe/Zurich", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00+01:00"),
            ("-3:30", "2026-05-12T01:00:00Z", "2026-05-11T21:30:00-03:30"),
            ("UTC", "2026-05-12T01:00:00Z", "2026-05-12T01:00:00Z"),
            ("Europe/London", "2026-01-12T01:00:00Z", "2026-01-12T01:00:00Z"),
            ("Europe/Zurich", "1850-01-01T00:00:00Z", "1850-01-01T00:00:00Z"),
        ] {
            let instant: Timestamp = instant.parse().unwrap();
            let text = zone.parse::<Zone>().unwrap().rfc3339(instant);
            assert_eq!(text, written, "{zone}");
            assert_eq!(text.parse::<Timestamp>().unwrap(), instant, "{zone}");
        }
    }

    #[test]
    fn a_clock_follows_its_zone() {
        let zurich: Zone = "Europe/Zurich".parse().unwrap();
        for (instant, clock) in [
            ("2026-10-25T00:30:00Z", "2026-10-25T02:30:00"),
            ("2026-10-25T01:30:00Z", "2026-10-25T02:30:00"),
            ("2026-10-25T02:30:00Z", "2026-10-25T03:30:00"),
        ] {
            assert_eq!(zurich.clock_at(instant.parse().unwrap()).to_string(), clock);
        }
    }

    #[test]
    fn anything_else_is_rejected() {
        for text in ["", "Europe", "Mars/Olympus", "+25:00", "2", "+02:00 ", "local", "\n"] {
            let error = text.parse::<Zone>().unwrap_err();
            assert_eq!(error, Reason::Zone { found: text.to_owned() }.into());
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
