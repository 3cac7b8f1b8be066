//! Nanoseconds since 1970, in which the axis counts: unlike timestamps they cannot overflow.

use std::{num::NonZeroU32, ops::Range, time::Duration};

use jiff::Timestamp;

pub(super) type Nanos = i128;

pub(super) fn nanos(range: &Range<Timestamp>) -> Range<Nanos> {
    range.start.as_nanosecond()..range.end.as_nanosecond()
}

/// The timestamp of a time, or the first or last one there is.
pub(super) fn timestamp(nanos: Nanos) -> Timestamp {
    let nearest = if nanos < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_nanosecond(nanos).unwrap_or(nearest)
}

pub(super) fn timestamps(range: &Range<Nanos>) -> Range<Timestamp> {
    timestamp(range.start)..timestamp(range.end)
}

/// The time that two ranges share; empty if none.
pub(super) fn shared(one: &Range<Nanos>, other: &Range<Nanos>) -> Range<Nanos> {
    let start = one.start.max(other.start);
    start..one.end.min(other.end).max(start)
}

/// How long after one time another is; zero if before.
pub(super) fn since(start: Nanos, time: Nanos) -> Duration {
    let elapsed = u128::try_from(time.saturating_sub(start)).unwrap_or(0);
    let seconds = u64::try_from(elapsed / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::from_secs(seconds)
        + Duration::from_nanos(u64::try_from(elapsed % 1_000_000_000).unwrap_or(0))
}

/// The first sample of silence at a time or later, where sample 0 is at `anchor` and others before and
/// after it at a distance of `1 / rate`.
pub(super) fn silent_sample(anchor: Nanos, rate: NonZeroU32, time: Nanos) -> i128 {
    let ticks = time.saturating_sub(anchor).saturating_mul(rate.get().into());
    ticks.div_euclid(SECOND) + i128::from(ticks.rem_euclid(SECOND) > 0)
}

/// How long a number of samples takes.
pub(super) fn length_of(samples: u32, rate: NonZeroU32) -> Nanos {
    i128::from(samples) * SECOND / i128::from(rate.get())
}

const SECOND: Nanos = 1_000_000_000;
