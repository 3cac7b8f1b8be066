//! Dates and times of the day, as in `--since`.

use std::str::FromStr;

use opus_zarr::{ClockReading, Timestamp, Zone};

/// A date, or a time of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    clock: ClockReading,
    /// Whether it is all of a day.
    is_day: bool,
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = |is_day| move |clock| Self { clock, is_day };
        let day = || ClockReading::parse(&format!("{text}T00:00:00")).map(moment(true));
        ClockReading::parse(text)
            .map(moment(false))
            .or_else(day)
            .ok_or("expected a date or a time, such as 2026-05-12 or 2026-05-12T03:30")
    }
}

impl Moment {
    /// Returns when it begins.
    pub(crate) fn start(&self, zone: &Zone) -> Timestamp {
        self.clock.instant().unwrap_or_else(|| zone.instant(self.clock.clock))
    }

    /// Returns when it ends: for a date, at midnight after it.
    pub(crate) fn end(&self, zone: &Zone) -> Timestamp {
        match self.clock.clock.date().tomorrow() {
            Ok(tomorrow) if self.is_day => zone.instant(tomorrow.at(0, 0, 0, 0)),
            _ => self.start(zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_whole_days_of_their_zone() {
        let zone: Zone = "Europe/Zurich".parse().unwrap();
        for (text, start, end) in [
            // Clocks were set forward that day.
            ("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("2026-05-12T03:30", "2026-05-12T01:30:00Z", "2026-05-12T01:30:00Z"),
            ("2026-05-12 03:30:00.5", "2026-05-12T01:30:00.5Z", "2026-05-12T01:30:00.5Z"),
            ("2026-05-12T03:30Z", "2026-05-12T03:30:00Z", "2026-05-12T03:30:00Z"),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(moment.start(&zone), start.parse().unwrap(), "{text}");
            assert_eq!(moment.end(&zone), end.parse().unwrap(), "{text}");
        }
        for text in ["", "2026", "2026-02-30", "03:30", "yesterday", "2026-05-12T25:00"] {
            assert!(text.parse::<Moment>().is_err(), "{text:?}");
        }
    }
}
