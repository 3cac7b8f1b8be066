//! The clauses of a comment, as the `sprintf` calls of each firmware version write them.

use jiff::tz::Offset;

use super::{Battery, Filter, Gain, Stop, Threshold, Trigger};
use crate::{reading::offset_of, scanner::Scanner};

/// `UTC`, `UTC+2`, `UTC-3:30`, `UTC-0:30`. Returns `None` for `UTC:30`, which firmware 1.2.2 and
/// 1.3 write for both UTC+0:30 and UTC-0:30.
pub(super) fn zone(scanner: &mut Scanner<'_>) -> Option<Offset> {
    scanner.literal("UTC")?;
    if scanner.rest().is_empty() {
        return Some(Offset::UTC);
    }
    let sign = scanner.one_of(&['+', '-'])?;
    let hours = scanner.number()?;
    let minutes = scanner.attempt(|scanner| {
        scanner.literal(":")?;
        scanner.literal(" ");
        scanner.number()
    });
    offset_of(sign, hours, minutes.unwrap_or(0)).filter(|_| scanner.rest().is_empty())
}

/// ` at gain setting 2`, ` at medium gain setting`, ` at medium gain`.
pub(super) fn gain(scanner: &mut Scanner<'_>) -> Option<Gain> {
    const BY_NUMBER: [(&str, Gain); 5] = [
        ("low", Gain::Low),
        ("low-medium", Gain::LowMedium),
        ("medium", Gain::Medium),
        ("medium-high", Gain::MediumHigh),
        ("high", Gain::High),
    ];

    scanner.literal(" at ")?;
    if scanner.literal("gain setting ").is_some() {
        let number = usize::try_from(scanner.digits(1)?).ok()?;
        return BY_NUMBER.get(number).map(|&(_, gain)| gain);
    }
    let word = scanner.until(" gain")?;
    scanner.literal(" setting");
    BY_NUMBER.iter().find(|(name, _)| *name == word).map(|&(_, gain)| gain)
}

/// ` while battery state was 4.3V`, ` while battery was less than 2.5V`, `> 5.0V`.
pub(super) fn battery(scanner: &mut Scanner<'_>) -> Option<Battery> {
    scanner.literal(" while battery ")?;
    scanner.literal("state ");
    scanner.literal("was ")?;
    let is_any = |scanner: &mut Scanner<'_>, words: [&str; 2]| {
        words.iter().any(|word| scanner.literal(word).is_some())
    };
    let is_below = is_any(scanner, ["less than ", "< "]);
    let is_above = is_any(scanner, ["greater than ", "> "]);
    let tenths = scanner.attempt(padded_tenths).or_else(|| scanner.tenths())?;
    scanner.literal("V")?;
    Some(match (is_below, is_above) {
        (true, _) => Battery::Below(tenths),
        (_, true) => Battery::Above(tenths),
        _ => Battery::At(tenths),
    })
}

/// Firmware 1.0 pads the tenths to two digits: `4.03V` is 4.3 V.
fn padded_tenths(scanner: &mut Scanner<'_>) -> Option<u32> {
    let volts = scanner.digits(1)?;
    scanner.literal(".0")?;
    Some(volts * 10 + scanner.digits(1)?)
}

/// ` and temperature was -3.5C`
pub(super) fn temperature(scanner: &mut Scanner<'_>) -> Option<i32> {
    scanner.literal(" and temperature was ")?;
    let is_negative = scanner.literal("-").is_some();
    let tenths = i32::try_from(scanner.tenths()?).ok()?;
    scanner.literal("C")?;
    Some(if is_negative { -tenths } else { tenths })
}

/// ` Amplitude threshold was 512.`, ` Amplitude threshold was -28 dB with 5s minimum trigger
/// duration.`, ` Frequency trigger (2.0kHz and window length of 16 samples) threshold was …`
pub(super) fn trigger(scanner: &mut Scanner<'_>) -> Option<Trigger> {
    if scanner.literal(" Amplitude threshold was ").is_some() {
        let (threshold, minimum_seconds) = condition(scanner)?;
        return Some(Trigger::Amplitude { threshold, minimum_seconds });
    }
    scanner.literal(" Frequency trigger (")?;
    let hertz = kilohertz(scanner)?;
    scanner.literal(" and window length of ")?;
    let window = scanner.number()?;
    scanner.literal(" samples) threshold was ")?;
    let (threshold, minimum_seconds) = condition(scanner)?;
    Some(Trigger::Frequency { hertz, window, threshold, minimum_seconds })
}

fn condition(scanner: &mut Scanner<'_>) -> Option<(Threshold, Option<u32>)> {
    let threshold = scanner.attempt(decibels).or_else(|| scanner.attempt(percent));
    let threshold = threshold.or_else(|| scanner.number().map(Threshold::Amplitude))?;
    let minimum_seconds = scanner.attempt(|scanner| {
        scanner.literal(" with ")?;
        let seconds = scanner.number()?;
        scanner.literal("s minimum trigger duration")?;
        Some(seconds)
    });
    scanner.literal(".")?;
    Some((threshold, minimum_seconds))
}

fn decibels(scanner: &mut Scanner<'_>) -> Option<Threshold> {
    let is_negative = scanner.literal("-").is_some();
    let decibels = i32::try_from(scanner.number()?).ok()?;
    scanner.literal(" dB")?;
    Some(Threshold::Decibels(if is_negative { -decibels } else { decibels }))
}

fn percent(scanner: &mut Scanner<'_>) -> Option<Threshold> {
    let number = scanner.while_(|found| found.is_ascii_digit() || found == '.')?;
    scanner.literal("%")?;
    number.parse().ok().map(Threshold::Percent)
}

/// ` Low-pass filter applied with cut-off frequency of 8.0kHz.` up to firmware 1.5, then
/// ` Low-pass filter with frequency of 8.0kHz applied.`
pub(super) fn filter(scanner: &mut Scanner<'_>) -> Option<Filter> {
    let kinds = [" Low-pass filter ", " Band-pass filter ", " High-pass filter "];
    let kind = kinds.iter().position(|kind| scanner.literal(kind).is_some())?;
    let is_old = scanner.literal("applied with cut-off ").is_some();
    if !is_old {
        scanner.literal("with ")?;
    }
    let filter = match kind {
        0 => Filter::LowPass { hertz: frequency(scanner)? },
        1 => {
            scanner.literal("frequencies of ")?;
            let lower_hertz = kilohertz(scanner)?;
            scanner.literal(" and ")?;
            Filter::BandPass { lower_hertz, upper_hertz: kilohertz(scanner)? }
        }
        _ => Filter::HighPass { hertz: frequency(scanner)? },
    };
    scanner.literal(if is_old { "." } else { " applied." })?;
    Some(filter)
}

fn frequency(scanner: &mut Scanner<'_>) -> Option<u32> {
    scanner.literal("frequency of ")?;
    kilohertz(scanner)
}

fn kilohertz(scanner: &mut Scanner<'_>) -> Option<u32> {
    let tenths = scanner.tenths()?;
    scanner.literal("kHz")?;
    tenths.checked_mul(100)
}

/// ` Recording cancelled before completion due to low voltage.`, ` Recording stopped due to
/// …`, ` Recording stopped by magnetic switch.`
pub(super) fn stop(scanner: &mut Scanner<'_>) -> Option<Stop> {
    scanner.literal(" Recording ")?;
    if scanner.literal("cancelled before completion").is_none() {
        scanner.literal("stopped")?;
    }
    if scanner.literal(" due to ").is_none() {
        scanner.literal(" by ")?;
    }
    match scanner.until(".")? {
        "file size limit" => Some(Stop::FileSizeLimit),
        "low voltage" | "low battery voltage" => Some(Stop::LowVoltage),
        "magnetic switch" => Some(Stop::MagneticSwitch),
        "microphone change" => Some(Stop::MicrophoneChange),
        "SD card write error" => Some(Stop::SdCardWriteError),
        "switch position change" | "change of switch position" => Some(Stop::SwitchPositionChange),
        _ => None,
    }
}
