//! The third clock: when a sample was recorded.

use std::{ops::Range, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{Error, error::Reason, facts::Facts};

impl Facts<'_> {
    pub(crate) fn samples_of(&self, time: Range<Duration>) -> Range<u64> {
        self.sample_at(time.start)..self.sample_at(time.end)
    }

    pub(crate) fn samples_of_utc(&self, time: Range<Timestamp>) -> Result<Range<u64>, Error> {
        let recording = || self.name.clone();
        let began =
            self.began().ok_or_else(|| Error::from(Reason::NoStart { recording: recording() }))?;
        let since = |time: Timestamp| {
            let since = time.duration_since(began);
            Duration::try_from(since).map_err(|_| {
                Error::from(Reason::BeforeStart { recording: recording(), asked: time, began })
            })
        };
        Ok(self.samples_of(since(time.start)?..since(time.end)?))
    }

    pub(crate) fn time_of(&self, sample: u64) -> Duration {
        let rate = u64::from(self.info.real_rate.get());
        let nanos = sample % rate * NANOS_PER_SECOND / rate;
        Duration::from_secs(sample / rate) + Duration::from_nanos(nanos)
    }

    pub(crate) fn utc_of(&self, sample: u64) -> Option<Timestamp> {
        let since = SignedDuration::try_from(self.time_of(sample)).ok()?;
        self.began()?.checked_add(since).ok()
    }

    fn began(&self) -> Option<Timestamp> {
        self.info.start.as_ref()?.utc.as_ref()?.parse().ok()
    }

    /// Returns the first play sample that was recorded at this time or later.
    fn sample_at(&self, time: Duration) -> u64 {
        let rate = u128::from(self.info.real_rate.get());
        let sample = (time.as_nanos() * rate).div_ceil(NANOS_PER_SECOND.into());
        u64::try_from(sample).unwrap_or(u64::MAX)
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;
