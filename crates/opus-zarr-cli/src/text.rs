//! Numbers as people read them.

use std::{fmt, str::FromStr, time::Duration};

use opus_zarr::NotExact;

/// A duration as on a clock: `0:03.250`, `1:02:03.250`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock(pub(crate) Duration);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded first, so that nothing shows 60 seconds.
        let millis = (self.0.as_nanos() + 500_000) / 1_000_000;
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let text = match minutes / 60 {
            0 => format!("{minutes}:{seconds:02}.{millis:03}"),
            hours => format!("{hours}:{:02}:{seconds:02}.{millis:03}", minutes % 60),
        };
        f.pad(&text)
    }
}

/// Seconds, for JSON.
pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// Bits per second of so many bytes in so long; none of nothing.
pub(crate) fn bits_per_second(bytes: u64, duration: Duration) -> Option<u64> {
    let nanos = duration.as_nanos();
    let bits = (u128::from(bytes) * 8 * 1_000_000_000 + nanos / 2).checked_div(nanos)?;
    u64::try_from(bits).ok()
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// Why a recording cannot be read exactly; what to do about it is told beside it, in words of the
/// command.
pub(crate) fn why_not_exact(reason: &NotExact) -> String {
    match reason {
        NotExact::NoSyncMap => "it has no sync map".to_owned(),
        NotExact::OtherDecoder { measured, decoder } => {
            format!("its sync map is for {measured:?}, this is {decoder:?}")
        }
        reason => reason.to_string(),
    }
}

/// Names and comments come from anywhere, and may hold what moves the cursor.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A number on the command line that cannot be 0.
pub(crate) fn at_least_one<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a number from 1 on".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_rounded_once() {
        let of = |nanos| Clock(Duration::from_nanos(nanos)).to_string();
        assert_eq!(of(0), "0:00.000");
        assert_eq!(of(59_999_600_000), "1:00.000");
        assert_eq!(of(3_723_250_000_000), "1:02:03.250");
        assert_eq!(of(360_000_000_000_000), "100:00:00.000");
    }

    #[test]
    fn a_rate_needs_time() {
        assert_eq!(bits_per_second(8000, Duration::from_secs(1)), Some(64_000));
        assert_eq!(bits_per_second(8000, Duration::ZERO), None);
    }
}
