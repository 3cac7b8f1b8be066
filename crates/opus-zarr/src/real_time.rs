//! The third clock: when a sample was recorded.

use std::{ops::Range, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{Error, Recording};

impl Recording {
    /// The play samples that were recorded in a span of real time, counted from the first
    /// sample that plays: those whose time is not before its start, and before its end. Spans
    /// that meet give ranges that meet.
    ///
    /// The range may reach beyond the end of the recording.
    pub fn samples_of(&self, time: Range<Duration>) -> Range<u64> {
        self.sample_at(time.start)..self.sample_at(time.end)
    }

    /// The same for a span of the clock.
    ///
    /// # Errors
    ///
    /// It is not known when the recording began, or a time is before that.
    pub fn samples_of_utc(&self, time: Range<Timestamp>) -> Result<Range<u64>, Error> {
        let began = self.began().ok_or_else(|| {
            let recording = self.reader().name().clone();
            Error::NoStart { recording }
        })?;
        let since = |time: Timestamp| {
            let since = time.duration_since(began);
            Duration::try_from(since).map_err(|_| {
                let recording = self.reader().name().clone();
                Error::BeforeStart { recording, asked: time, began }
            })
        };
        Ok(self.samples_of(since(time.start)?..since(time.end)?))
    }

    /// How long after the first sample that plays a play sample was recorded.
    pub fn time_of(&self, sample: u64) -> Duration {
        let rate = u64::from(self.info().real_rate.get());
        let nanos = sample % rate * NANOS_PER_SECOND / rate;
        Duration::from_secs(sample / rate) + Duration::from_nanos(nanos)
    }

    /// When a play sample was recorded, if it is known when the recording began.
    pub fn utc_of(&self, sample: u64) -> Option<Timestamp> {
        let since = SignedDuration::try_from(self.time_of(sample)).ok()?;
        self.began()?.checked_add(since).ok()
    }

    fn began(&self) -> Option<Timestamp> {
        self.info().start.as_ref()?.utc.as_ref()?.parse().ok()
    }

    /// The first play sample that was recorded at this time or later.
    fn sample_at(&self, time: Duration) -> u64 {
        let rate = u128::from(self.info().real_rate.get());
        let sample = (time.as_nanos() * rate).div_ceil(NANOS_PER_SECOND.into());
        u64::try_from(sample).unwrap_or(u64::MAX)
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;
