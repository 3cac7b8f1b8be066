use std::str::FromStr;

use jiff::{
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};

use crate::{Error, error::Reason, reading::iso_offset, scanner::Scanner};

/// The time zone to assume for clocks that do not state their offset.
///
/// [`parse`](str::parse) accepts an offset (`"+02:00"`, `"-3:30"`, `"UTC"`, `"Z"`) or an IANA name
/// (`"Europe/Zurich"`). Names are looked up in a database that is compiled in, so they mean the
/// same on every machine.
///
/// ```
/// use recorder_metadata::Zone;
///
/// assert!("Europe/Zurich".parse::<Zone>().is_ok());
/// assert!("Mars/Olympus".parse::<Zone>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

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

impl Zone {
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
    fn anything_else_is_rejected() {
        for text in ["", "Europe", "Mars/Olympus", "+25:00", "2", "+02:00 ", "local", "\n"] {
            let error = text.parse::<Zone>().unwrap_err();
            assert_eq!(error, Reason::Zone { found: text.to_owned() }.into());
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
