use std::str::FromStr;

use jiff::{
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};

use crate::{Error, reading::iso_offset, scanner::Scanner};

/// The time zone that recorders' clocks are taken to show where nothing says which.
///
/// Made of an offset ([`parse`](str::parse) of `"+02:00"`, `"-3:30"`, `"UTC"`, `"Z"`) or of a
/// name of the IANA database (`"Europe/Zurich"`). The database is the one that was
/// compiled in, never the machine's: a name means the same everywhere, and on a machine
/// that has none.
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
        named.map(Self).map_err(|_| Error::Zone { found: text.to_owned() })
    }
}

impl Zone {
    /// The offset when a clock in this zone showed `clock`. Where clocks are put back,
    /// some readings occur twice, where they are put forward, some never.
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
    fn offsets_and_names() {
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
    fn what_is_no_zone() {
        for text in ["", "Europe", "Mars/Olympus", "+25:00", "2", "+02:00 ", "local", "\n"] {
            let error = text.parse::<Zone>().unwrap_err();
            assert_eq!(error, Error::Zone { found: text.to_owned() });
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
