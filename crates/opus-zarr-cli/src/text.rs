//! Text for people.

use std::{fmt, str::FromStr, time::Duration};

use opus_zarr::{NotExact, Start, store::is_control};

/// Writes a duration as on a clock: `0:03.250`, `1:02:03.250`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock(pub(crate) Duration);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Round first, so that 60 seconds never appear.
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

/// Writes when a recording began, and how that is known.
pub(crate) struct Began<'a>(pub(crate) &'a Start);

impl fmt::Display for Began<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Start { utc, local, source, zone, .. } = self.0;
        let source = one_line(source);
        match (utc.as_deref().map(one_line), zone) {
            (Some(utc), Some(zone)) => {
                write!(f, "{utc}, from {source}, time zone {} assumed", one_line(zone))
            }
            (Some(utc), None) => write!(f, "{utc}, from {source}"),
            (None, _) => write!(
                f,
                "{} by the recorder's clock (time zone unknown), from {source}",
                one_line(local)
            ),
        }
    }
}

/// Writes the drift of a recorder's clock, in parts per trillion.
pub(crate) struct Drift(pub(crate) i64);

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ppt, direction) = (self.0.unsigned_abs(), if self.0 < 0 { "fast" } else { "slow" });
        let fraction = format!(".{:06}", ppt % 1_000_000);
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        write!(f, "recorder's clock {}{fraction} ppm {direction}", ppt / 1_000_000)
    }
}

/// Returns seconds, for JSON.
pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// Returns the bits per second, or none for no time.
pub(crate) fn bits_per_second(bytes: u64, duration: Duration) -> Option<u64> {
    let nanos = duration.as_nanos();
    let bits = (u128::from(bytes) * 8 * 1_000_000_000 + nanos / 2).checked_div(nanos)?;
    u64::try_from(bits).ok()
}

/// Writes `1 file`, `2 files`.
pub(crate) fn count(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// Explains why a recording cannot be read exactly. The library names its functions as a remedy; the
/// command adds a hint of its own.
pub(crate) fn why_not_exact(reason: &NotExact) -> String {
    match reason {
        NotExact::NoSyncMap => "no sync map".to_owned(),
        NotExact::NoAgreement => "no sync map, and decoders do not agree there".to_owned(),
        NotExact::OtherDecoder { measured, decoder } => {
            format!("sync map of another decoder, {measured:?} instead of {decoder:?}")
        }
        NotExact::OtherRule { rule, expected } => {
            format!("sync map built by rule {rule} instead of {expected}, which cannot be trusted")
        }
        reason => reason.to_string(),
    }
}

/// Replaces line breaks and other control characters, since names and comments may contain some.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { ' ' } else { c }).collect()
}

/// Replaces control characters other than line breaks.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_control(c) && c != '\n' { ' ' } else { c }).collect()
}

/// Escapes the control characters in JSON that need not be escaped there. They occur only within
/// strings.
pub(crate) fn plain_json(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for c in json.chars() {
        match is_control(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                plain += &format!("\\u{unit:04x}");
            }),
            false => plain.push(c),
        }
    }
    plain
}

/// Splits `KEY=VALUE` at the first `=`.
pub(crate) fn key_and_value(text: &str) -> Result<(&str, &str), &'static str> {
    text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or("expected KEY=VALUE")
}

/// Parses a number that must not be 0.
pub(crate) fn at_least_one<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a number of at least 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_round_once() {
        let of = |nanos| Clock(Duration::from_nanos(nanos)).to_string();
        assert_eq!(of(0), "0:00.000");
        assert_eq!(of(59_999_600_000), "1:00.000");
        assert_eq!(of(3_723_250_000_000), "1:02:03.250");
        assert_eq!(of(360_000_000_000_000), "100:00:00.000");
    }

    #[test]
    fn drift_is_in_parts_per_million() {
        for (ppt, text) in [
            (33_602_151, "33.602151 ppm slow"),
            (-20_000_000, "20 ppm fast"),
            (5, "0.000005 ppm slow"),
            (i64::MIN, "9223372036854.775808 ppm fast"),
        ] {
            assert_eq!(Drift(ppt).to_string(), format!("recorder's clock {text}"));
        }
    }

    #[test]
    fn a_rate_needs_time() {
        assert_eq!(bits_per_second(8000, Duration::from_secs(1)), Some(64_000));
        assert_eq!(bits_per_second(8000, Duration::ZERO), None);
    }
}
