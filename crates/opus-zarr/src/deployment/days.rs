use std::{iter, ops::Range};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
};
use recorder_metadata::Zone;

use super::Deployment;

/// How much of a local day was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Day {
    /// The date.
    pub date: Date,
    /// The part of the day that was asked for.
    pub time: Range<Timestamp>,
    /// Time that was recorded.
    pub recorded: SignedDuration,
}

impl Deployment {
    /// How much was recorded on each local day of a range, in order. Days on which nothing was recorded
    /// are among them.
    ///
    /// ```no_run
    /// # use opus_zarr::{Deployment, RecordingFilter, Store};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::open("season.zarr")?;
    /// let season = Deployment::open(&store, &RecordingFilter::default())?;
    /// if let Some(span) = season.span() {
    ///     for day in season.days(span, &"Europe/Zurich".parse()?) {
    ///         println!("{}: {:#}", day.date, day.recorded);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn days(&self, range: Range<Timestamp>, zone: &Zone) -> impl Iterator<Item = Day> {
        let first = zone.time_zone().to_datetime(range.start).date();
        let dates = iter::successors(Some(first), |date| date.tomorrow().ok());
        let Range { start, end } = range;
        let days = dates.map(|date| (date, whole_day(date, zone)));
        let touched = move |day: &Range<Timestamp>| start < end && day.start < end;
        days.take_while(move |(_, day)| touched(day)).map(move |(date, day)| {
            let time = day.start.max(start)..day.end.min(end);
            let recorded = self.coverage(time.clone()).recorded;
            Day { date, time, recorded }
        })
    }
}

/// When a local day begins and ends.
fn whole_day(date: Date, zone: &Zone) -> Range<Timestamp> {
    let midnight = |date: Date| {
        let midnight = date.to_datetime(Time::midnight());
        // Of two midnights the first; without one, the time to which clocks are set.
        zone.time_zone().to_ambiguous_timestamp(midnight).compatible().unwrap_or(Timestamp::MAX)
    };
    midnight(date)..date.tomorrow().map_or(Timestamp::MAX, midnight)
}
