//! The positions and labels of ticks.

use std::{iter, ops::Range};

use super::number::{float, size, whole};

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// How times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    Seconds,
    Minutes,
    Hours,
    /// Of a day, even if the range goes on into the next.
    OfDay,
}

impl TimeUnit {
    /// Returns its label on an axis.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Minutes => "m:ss",
            Self::Hours => "h:mm:ss",
            Self::OfDay => "hh:mm:ss",
        }
    }

    pub(crate) fn of(longest: f64) -> Self {
        match longest {
            ..60.0 => Self::Seconds,
            ..3600.0 => Self::Minutes,
            _ => Self::Hours,
        }
    }
}

/// Places ticks at round numbers, `most` of them or fewer.
pub(crate) fn numbers(range: &Range<f64>, most: f64) -> Vec<Tick> {
    let length = range.end - range.start;
    let Some(step) = decimal_steps(-12).find(|step| length / step <= most) else {
        return Vec::new();
    };
    let decimals = decimals(step);
    multiples(step, range)
        .map(|at| {
            // No "-0".
            let at = if at.abs() < step / 2.0 { 0.0 } else { at };
            Tick { at, label: format!("{at:.decimals$}") }
        })
        .collect()
}

/// Places ticks at round times, in seconds, as close as their labels fit. `width` measures a label.
pub(crate) fn times(
    range: &Range<f64>,
    unit: TimeUnit,
    room: i32,
    width: impl Fn(&str) -> i32,
) -> Vec<Tick> {
    let Some(step) = time_step(range, unit, room, width) else { return Vec::new() };
    multiples(step, range).map(|at| Tick { at, label: clock(at, decimals(step), unit) }).collect()
}

/// Returns the smallest round step between times whose labels fit.
fn time_step(
    range: &Range<f64>,
    unit: TimeUnit,
    room: i32,
    width: impl Fn(&str) -> i32,
) -> Option<f64> {
    let fits = |step: &f64| {
        let count = ((range.end - range.start) / step).floor() + 1.0;
        let widest = width(&clock(range.end, decimals(*step), unit)) + width("00");
        count * f64::from(widest) <= f64::from(room)
    };
    time_steps().find(fits)
}

/// Places ticks at round local times in seconds since a midnight, as close as their labels fit. Clocks
/// are set forward or back by some seconds from each time of `changes` on, counted without changes.
pub(crate) fn local_times(
    range: &Range<f64>,
    changes: &[(f64, f64)],
    room: i32,
    width: impl Fn(&str) -> i32,
) -> Vec<Tick> {
    let Some(step) = time_step(range, TimeUnit::OfDay, room, width) else { return Vec::new() };
    let starts = iter::once((range.start, 0.0)).chain(changes.iter().copied());
    let ends = changes.iter().map(|(at, _)| *at).chain(iter::once(f64::INFINITY));
    let mut ticks: Vec<Tick> = Vec::new();
    for ((start, set), end) in starts.zip(ends) {
        for local in multiples(step, &(start + set..end.min(range.end) + set)) {
            let at = local - set;
            // Where clocks are set back, a label may have no room beside the one before.
            let has_room = ticks.last().is_none_or(|last| at - last.at > step * 0.99);
            if at < end && has_room {
                let label = clock(local, decimals(step), TimeUnit::OfDay);
                ticks.push(Tick { at, label });
            }
        }
    }
    ticks
}

/// Writes a time as `12.50`, `3:12.50` or `1:03:12.50`.
pub(crate) fn clock(seconds: f64, decimals: usize, unit: TimeUnit) -> String {
    // Round in units of the last digit, so that 59.96 does not become 60.0.
    let per_second = 10_u64.saturating_pow(u32::try_from(decimals).unwrap_or(u32::MAX));
    let units = whole((seconds * float(per_second)).round());
    let (whole, fraction) = (units / per_second, units % per_second);
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    let time = match unit {
        TimeUnit::Seconds => whole.to_string(),
        TimeUnit::Minutes => format!("{}:{rest:02}", whole / 60),
        TimeUnit::Hours => format!("{hours}:{minutes:02}:{rest:02}"),
        TimeUnit::OfDay => format!("{:02}:{minutes:02}:{rest:02}", hours % 24),
    };
    match decimals {
        0 => time,
        _ => format!("{time}.{fraction:0decimals$}"),
    }
}

/// Writes a length of time with up to three digits.
pub(crate) fn duration(seconds: f64) -> String {
    let (number, unit) = match seconds {
        ..=0.0 => (0.0, "s"),
        ..1e-3 => (seconds * 1e6, "µs"),
        ..1.0 => (seconds * 1e3, "ms"),
        ..120.0 => (seconds, "s"),
        ..7200.0 => (seconds / 60.0, "min"),
        _ => (seconds / 3600.0, "h"),
    };
    let digits = match number {
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        _ => return format!("{number:.0} {unit}"),
    };
    format!("{} {unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// Rounds up to 1, 2 or 5 times a power of ten.
pub(crate) fn round_up(number: f64) -> f64 {
    decimal_steps(-12).find(|step| *step >= number).unwrap_or(number)
}

fn time_steps() -> impl Iterator<Item = f64> {
    let clock = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600];
    let days = iter::once(43_200.0).chain(decimal_steps(0).map(|days| days * 86_400.0));
    decimal_steps(-9).take_while(|step| *step < 1.0).chain(clock.map(f64::from)).chain(days)
}

/// Returns 1, 2 and 5 times each power of ten, starting with this exponent.
fn decimal_steps(from: i32) -> impl Iterator<Item = f64> {
    (from..=18).flat_map(|exponent| {
        [1.0, 2.0, 5.0].map(|digit| match exponent {
            0.. => digit * 10_f64.powi(exponent),
            // Division gives the nearest floating-point numbers.
            _ => digit / 10_f64.powi(-exponent),
        })
    })
}

fn multiples(step: f64, range: &Range<f64>) -> impl Iterator<Item = f64> + use<> {
    // A range that ends at a tick includes it, however its end was rounded.
    let near = step * 1e-6;
    let first = ((range.start - near) / step).ceil();
    let last = ((range.end + near) / step).floor();
    (0..=whole(last - first)).filter(move |_| last >= first).map(move |n| (first + float(n)) * step)
}

fn decimals(step: f64) -> usize {
    size((-step.log10() - 1e-9).ceil().max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> String {
        ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn time_labels(range: Range<f64>) -> String {
        let unit = TimeUnit::of(range.end);
        labels(&times(&range, unit, 80, |label| i32::try_from(label.len()).unwrap()))
    }

    #[test]
    fn numbers_are_round() {
        assert_eq!(labels(&numbers(&(0.0..24.0), 6.0)), "0 5 10 15 20");
        assert_eq!(labels(&numbers(&(0.0..192.0), 5.0)), "0 50 100 150");
        assert_eq!(labels(&numbers(&(-1.0..1.0), 5.0)), "-1.0 -0.5 0.0 0.5 1.0");
        assert_eq!(labels(&numbers(&(-0.002..0.002), 4.0)), "-0.002 -0.001 0.000 0.001 0.002");
        assert_eq!(labels(&numbers(&(-95.0..-20.0), 5.0)), "-80 -60 -40 -20");
        assert_eq!(labels(&numbers(&(0.0..0.3), 3.0)), "0.0 0.1 0.2 0.3");
    }

    #[test]
    fn times_are_round_and_do_not_touch() {
        assert_eq!(time_labels(0.0..50.0), "0 5 10 15 20 25 30 35 40 45 50");
        assert_eq!(time_labels(0.35..0.42), "0.35 0.36 0.37 0.38 0.39 0.40 0.41 0.42");
        assert_eq!(
            time_labels(0.0..300.0),
            "0:00 0:30 1:00 1:30 2:00 2:30 3:00 3:30 4:00 4:30 5:00"
        );
        assert_eq!(time_labels(0.0..86_400.0), "0:00:00 6:00:00 12:00:00 18:00:00 24:00:00");
        assert_eq!(
            time_labels(3598.5..3600.5),
            "0:59:58.5 0:59:59.0 0:59:59.5 1:00:00.0 1:00:00.5"
        );
        assert_eq!(time_labels(0.0..1e-5).split(' ').count(), 6);
    }

    #[test]
    fn a_day_begins_again_after_midnight() {
        let times = times(&(86_390.0..86_415.0), TimeUnit::OfDay, 50, |label| {
            i32::try_from(label.len()).unwrap()
        });
        assert_eq!(labels(&times), "23:59:50 00:00:00 00:00:10");
    }

    #[test]
    fn clocks_that_change_are_followed() {
        let local = |range, changes: &[(f64, f64)], room| {
            let ticks =
                local_times(&range, changes, room, |label| i32::try_from(label.len()).unwrap());
            let short = |tick: Tick| format!("{}@{}", &tick.label[..5], tick.at / 3600.0);
            ticks.into_iter().map(short).collect::<Vec<_>>().join(" ")
        };
        let hour = 3600.0;
        assert_eq!(
            local(0.0..5.0 * hour, &[(3.0 * hour, -hour)], 60),
            "00:00@0 01:00@1 02:00@2 02:00@3 03:00@4 04:00@5"
        );
        assert_eq!(
            local(0.0..5.0 * hour, &[(2.0 * hour, hour)], 60),
            "00:00@0 01:00@1 03:00@2 04:00@3 05:00@4 06:00@5"
        );
        // Labels do not touch where clocks are set back, nor is a time labelled that does not exist.
        assert_eq!(
            local(0.0..9.0 * hour, &[(3.0 * hour, -hour)], 50),
            "00:00@0 02:00@2 04:00@5 06:00@7 08:00@9"
        );
        assert_eq!(local(hour..5.0 * hour, &[(2.0 * hour, hour)], 30), "04:00@3 06:00@5");
        // Half an hour, and two changes.
        assert_eq!(
            local(0.0..4.0 * hour, &[(hour, 0.5 * hour), (2.0 * hour, -0.5 * hour)], 50),
            "00:00@0 02:00@1.5 02:00@2.5 03:00@3.5"
        );
    }

    #[test]
    fn a_clock_does_not_show_sixty_seconds() {
        assert_eq!(clock(59.96, 1, TimeUnit::Minutes), "1:00.0");
        assert_eq!(clock(3599.9996, 3, TimeUnit::Hours), "1:00:00.000");
        assert_eq!(clock(12.5, 2, TimeUnit::Seconds), "12.50");
    }

    #[test]
    fn limits_are_rounded_up() {
        assert_eq!([0.0021, 0.05, 0.6, 93.0].map(round_up), [0.005, 0.05, 1.0, 100.0]);
    }

    #[test]
    fn durations_have_up_to_three_digits() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.000_5, "500 µs"),
            (0.021_333, "21.3 ms"),
            (12.0, "12 s"),
            (57.6, "57.6 s"),
            (99.96, "100 s"),
            (119.0, "119 s"),
            (210.0, "3.5 min"),
            (600.0, "10 min"),
            (7199.0, "120 min"),
            (7200.0, "2 h"),
            (26_100.0, "7.25 h"),
            (86_399.9, "24 h"),
            (360_000.0, "100 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
