//! The third clock: when a sample was recorded.

use std::{num::NonZeroU32, ops::Range, time::Duration};

use jiff::{SignedDuration, Timestamp};
use opus_zarr_store::RecordingInfo;

use crate::{Error, error::Reason, facts::Facts};

/// The clock of a recorder: how long after the first sample each of the others was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    real_rate: NonZeroU32,
    /// Parts per trillion by which true time is longer than the recorder's.
    drift_ppt: i64,
}

impl Clock {
    pub(crate) fn new(real_rate: NonZeroU32, drift_ppt: i64) -> Self {
        Self { real_rate, drift_ppt }
    }

    pub(crate) fn of(info: &RecordingInfo) -> Self {
        Self::new(info.real_rate, info.drift_ppt())
    }

    pub(crate) fn drift_ppt(self) -> i64 {
        self.drift_ppt
    }

    /// Returns how long after the first sample this one was recorded, rounded down.
    pub(crate) fn time_of(self, sample: u64) -> Duration {
        // sample / real_rate * (1 + drift_ppt / 10^12) seconds, without overflow.
        let (stretched, unit) =
            (u128::from(sample) * self.stretch(), self.rate() * TRILLION.unsigned_abs());
        let nanos = stretched % unit * u128::from(NANOS_PER_SECOND) / unit;
        let seconds = u64::try_from(stretched / unit).unwrap_or(u64::MAX);
        Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    /// Returns the first sample that was recorded at this time or later.
    pub(crate) fn sample_at(self, time: Duration) -> u64 {
        let (nanos, unit) = (time.as_nanos(), u128::from(NANOS_PER_SECOND) * self.stretch());
        let Some(ticks) = nanos.checked_mul(self.rate()) else { return u64::MAX };
        let trillion = TRILLION.unsigned_abs();
        let sample = ticks / unit * trillion + (ticks % unit * trillion).div_ceil(unit);
        u64::try_from(sample).unwrap_or(u64::MAX)
    }

    fn rate(self) -> u128 {
        u128::from(self.real_rate.get())
    }

    /// How long 10^12 units of the recorder's time take. No clock is off by half, so nothing
    /// overflows.
    fn stretch(self) -> u128 {
        let stretched = (TRILLION + i128::from(self.drift_ppt)).clamp(TRILLION / 2, 2 * TRILLION);
        stretched.unsigned_abs()
    }
}

/// When the first sample of a recording was recorded, if that is known.
pub(crate) fn began(info: &RecordingInfo) -> Option<Timestamp> {
    info.start.as_ref()?.utc.as_ref()?.parse().ok()
}

/// Returns the time that lies this long after another; none lies behind the last timestamp.
pub(crate) fn after(time: Timestamp, elapsed: Duration) -> Option<Timestamp> {
    time.checked_add(SignedDuration::try_from(elapsed).ok()?).ok()
}

impl Facts<'_> {
    pub(crate) fn samples_of(&self, time: Range<Duration>) -> Range<u64> {
        let clock = Clock::of(self.info);
        clock.sample_at(time.start)..clock.sample_at(time.end)
    }

    pub(crate) fn samples_of_utc(&self, time: Range<Timestamp>) -> Result<Range<u64>, Error> {
        let recording = || self.name.clone();
        let began = began(self.info)
            .ok_or_else(|| Error::from(Reason::NoStart { recording: recording() }))?;
        let since = |time: Timestamp| {
            let since = time.duration_since(began);
            Duration::try_from(since).map_err(|_| {
                let (asked, began) = (time.into(), began.into());
                Error::from(Reason::BeforeStart { recording: recording(), asked, began })
            })
        };
        Ok(self.samples_of(since(time.start)?..since(time.end)?))
    }

    pub(crate) fn time_of(&self, sample: u64) -> Duration {
        Clock::of(self.info).time_of(sample)
    }

    pub(crate) fn utc_of(&self, sample: u64) -> Option<Timestamp> {
        after(began(self.info)?, self.time_of(sample))
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const TRILLION: i128 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_rate(rate: u32, drift_ppt: i64) -> Clock {
        Clock::new(rate.try_into().unwrap(), drift_ppt)
    }

    #[test]
    fn a_slow_clock_takes_longer() {
        // 10 ppm in a day are 864 ms.
        let day = 86_400 * 48_000;
        let of = |drift_ppt| of_rate(48_000, drift_ppt).time_of(day);
        assert_eq!(of(0), Duration::from_secs(86_400));
        assert_eq!(of(10_000_000), Duration::from_millis(86_400_864));
        assert_eq!(of(-10_000_000), Duration::from_millis(86_399_136));
        assert_eq!(of(1), Duration::new(86_400, 86));
        assert_eq!(of(MAX_DRIFT), Duration::from_secs(95_040));
    }

    #[test]
    fn the_ends_of_all_numbers_do_not_overflow() {
        for rate in [1, 48_000, u32::MAX] {
            for drift in [i64::MIN, -1_000_000_000_000, 0, 1, i64::MAX] {
                let clock = Clock::new(NonZeroU32::new(rate).unwrap(), drift);
                for sample in [0, 1, u64::MAX] {
                    clock.sample_at(clock.time_of(sample));
                }
                clock.sample_at(Duration::MAX);
            }
        }
    }

    fn clock() -> impl Strategy<Value = Clock> {
        // Faster, several samples share a nanosecond.
        let rate = prop_oneof![Just(48_000), Just(250_000), Just(44_100 * 10), 1..=100_000_000u32];
        let drift = prop_oneof![
            Just(0),
            Just(MAX_DRIFT),
            Just(-MAX_DRIFT),
            -200_000_000..200_000_000i64,
            -MAX_DRIFT..=MAX_DRIFT
        ];
        (rate, drift).prop_map(|(rate, drift)| of_rate(rate, drift))
    }

    proptest! {
        #[test]
        fn the_time_of_a_sample_leads_back_to_it(
            clock in clock(), sample in prop_oneof![0..1_000_000u64, 0..1u64 << 60]
        ) {
            prop_assert_eq!(clock.sample_at(clock.time_of(sample)), sample);
        }

        /// A sample was recorded in a span exactly if its time is in it.
        #[test]
        fn a_span_has_the_samples_whose_time_is_in_it(
            clock in clock(), nanos in prop_oneof![0..10_000_000u64, 0..1u64 << 60]
        ) {
            let time = Duration::from_nanos(nanos);
            let first = clock.sample_at(time);
            prop_assert!(clock.time_of(first) >= time);
            prop_assert!(first == 0 || clock.time_of(first - 1) < time);
        }

        /// By fractions in another form, without the decomposition.
        #[test]
        fn times_are_those_of_the_formula(
            clock in clock(), sample in 0..1u64 << 40
        ) {
            let expected = u128::from(sample) * clock.stretch() / 1_000_000_000_000 * NANOS / clock.rate();
            let found = clock.time_of(sample).as_nanos();
            // The formula cuts the ticks of a sample off, less than a sample.
            prop_assert!(found >= expected && (found - expected) * clock.rate() <= NANOS + clock.rate());
        }
    }

    const NANOS: u128 = 1_000_000_000;
    const MAX_DRIFT: i64 = opus_zarr_store::ClockCorrection::MAX_DRIFT;
}
