//! Any values that a recorder formats are parsed again, using the firmware's own formats.

use proptest::prelude::*;
use recorder_metadata::{
    AudioMothComment, Battery, ClockReading, Filter, Gain, Guano, Info, Source, Stop, Threshold,
    Trigger, time_in_file_name,
};

/// Year, month, day, hour, minute, second; days that every month has.
type Clock = (u32, u32, u32, u32, u32, u32);

fn clocks() -> impl Strategy<Value = Clock> {
    (1970..2100u32, 1..=12u32, 1..=28u32, 0..24u32, 0..60u32, 0..60u32)
}

fn iso((year, month, day, hour, minute, second): Clock) -> String {
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Offsets from UTC in quarters of an hour.
fn offsets() -> impl Strategy<Value = Option<i32>> {
    proptest::option::of(-48..=56i32)
}

/// Formats `+02:00`, or with another separator.
fn offset_text(quarters: i32, separator: &str) -> String {
    let (sign, quarters) = (if quarters < 0 { '-' } else { '+' }, quarters.abs());
    format!("{sign}{:02}{separator}{:02}", quarters / 4, quarters % 4 * 15)
}

fn check(reading: &ClockReading, clock: Clock, quarters: Option<i32>) {
    assert_eq!(reading.clock.to_string(), iso(clock));
    let seconds = reading.offset.map(|offset| offset.seconds());
    assert_eq!(seconds, quarters.map(|quarters| quarters * 900));
}

/// Formats the zone as firmware 1.4 and later do.
fn audiomoth_zone(quarters: i32) -> String {
    let (sign, size) = (if quarters < 0 { "-" } else { "+" }, quarters.abs());
    match (size / 4, size % 4 * 15) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

const GAINS: [(&str, Gain); 5] = [
    ("low", Gain::Low),
    ("low-medium", Gain::LowMedium),
    ("medium", Gain::Medium),
    ("medium-high", Gain::MediumHigh),
    ("high", Gain::High),
];

const STOPS: [(&str, Option<Stop>); 4] = [
    ("", None),
    (" Recording stopped due to microphone change.", Some(Stop::MicrophoneChange)),
    (" Recording stopped by magnetic switch.", Some(Stop::MagneticSwitch)),
    (" Recording stopped due to file size limit.", Some(Stop::FileSizeLimit)),
];

fn tenths(number: u32) -> String {
    format!("{}.{}", number / 10, number % 10)
}

fn thresholds() -> impl Strategy<Value = (String, Threshold)> {
    prop_oneof![
        (0..32_768u32).prop_map(|steps| (steps.to_string(), Threshold::Amplitude(steps))),
        (1..100i32).prop_map(|value| (format!("-{value} dB"), Threshold::Decibels(-value))),
        (1..10u32, 0..5usize).prop_map(|(mantissa, zeros)| {
            let number = format!("0.{}{mantissa}", "0".repeat(zeros));
            let percent = number.parse().unwrap();
            (format!("{number}%"), Threshold::Percent(percent))
        }),
    ]
}

/// A sentence and its meaning.
fn triggers() -> impl Strategy<Value = (String, Trigger)> {
    let frequency = proptest::option::of((0..1920u32, 4..10u32));
    (thresholds(), 0..=255u32, frequency).prop_map(|((text, threshold), seconds, frequency)| {
        let end = format!("threshold was {text} with {seconds}s minimum trigger duration.");
        let minimum_seconds = Some(seconds);
        let Some((hundreds, shift)) = frequency else {
            let sentence = format!(" Amplitude {end}");
            return (sentence, Trigger::Amplitude { threshold, minimum_seconds });
        };
        let (hertz, window) = (hundreds * 100, 1 << shift);
        let centre = tenths(hundreds);
        let start =
            format!(" Frequency trigger ({centre}kHz and window length of {window} samples)");
        let trigger = Trigger::Frequency { hertz, window, threshold, minimum_seconds };
        (format!("{start} {end}"), trigger)
    })
}

/// A sentence and its meaning.
fn filters() -> impl Strategy<Value = (String, Filter)> {
    (0..3u8, 0..1920u32, 0..1920u32).prop_map(|(kind, low, high)| {
        let (lower, upper) = (tenths(low), tenths(high));
        let (lower_hertz, upper_hertz) = (low * 100, high * 100);
        let (filter, which) = match kind {
            0 => (
                Filter::LowPass { hertz: upper_hertz },
                format!("Low-pass filter with frequency of {upper}kHz"),
            ),
            1 => (
                Filter::HighPass { hertz: lower_hertz },
                format!("High-pass filter with frequency of {lower}kHz"),
            ),
            _ => (
                Filter::BandPass { lower_hertz, upper_hertz },
                format!("Band-pass filter with frequencies of {lower}kHz and {upper}kHz"),
            ),
        };
        (format!(" {which} applied."), filter)
    })
}

proptest! {
    #[test]
    fn comments_of_firmware_1_8_and_later_parse(
        (clock, quarters) in (clocks(), -48..=56i32),
        (device, is_deployed, external_microphone) in (any::<u64>(), any::<bool>(), any::<bool>()),
        (gain, battery, temperature) in (0..5usize, 25..50u32, -400..800i32),
        (trigger, filter) in (proptest::option::of(triggers()), proptest::option::of(filters())),
        stop in 0..STOPS.len(),
    ) {
        let (year, month, day, hour, minute, second) = clock;
        let id = format!("{device:016X}");
        let recorder = if is_deployed { "during deployment" } else { "by AudioMoth" };
        let microphone = if external_microphone { "using external microphone " } else { "" };
        let sign = if temperature < 0 { "-" } else { "" };
        let sentence = format!(
            "Recorded at {hour:02}:{minute:02}:{second:02} {day:02}/{month:02}/{year:04} ({}) {recorder} {id} {microphone}at {} gain while battery was {}V and temperature was {sign}{}C.",
            audiomoth_zone(quarters), GAINS[gain].0, tenths(battery), tenths(temperature.unsigned_abs()),
        );
        let (trigger_sentence, trigger) = trigger.unzip();
        let (filter_sentence, filter) = filter.unzip();
        let mut sentences = [trigger_sentence.unwrap_or_default(), filter_sentence.unwrap_or_default()];
        if matches!(trigger, Some(Trigger::Amplitude { .. })) {
            sentences.reverse();
        }
        let text = format!("{sentence}{}{}", sentences.concat(), STOPS[stop].0);

        let comment = AudioMothComment::parse(&text).unwrap();
        check(&comment.start, clock, Some(quarters));
        let (device, deployment) = if is_deployed { (None, Some(id)) } else { (Some(id), None) };
        prop_assert_eq!((comment.device, comment.deployment), (device, deployment));
        prop_assert_eq!(comment.external_microphone, external_microphone);
        prop_assert_eq!(comment.gain, Some(GAINS[gain].1));
        prop_assert_eq!(comment.battery, Some(Battery::At(battery)));
        prop_assert_eq!(comment.temperature, Some(temperature));
        prop_assert_eq!((comment.trigger, comment.filter), (trigger, filter));
        prop_assert_eq!((comment.stop, &*comment.rest), (STOPS[stop].1, ""), "{}", text);
    }

    #[test]
    fn times_in_iso_8601_parse(clock in clocks(), quarters in offsets(), separator in "[:]?", space in "[T ]") {
        let offset = quarters.map(|quarters| offset_text(quarters, &separator)).unwrap_or_default();
        let text = format!("{}{offset}", iso(clock).replace('T', &space));
        check(&ClockReading::parse(&text).unwrap(), clock, quarters);
    }

    #[test]
    fn times_in_names_are_found(
        clock in clocks(),
        quarters in offsets(),
        prefix in "([A-Za-z0-9-]{0,12}[A-Za-z][_-])?",
        // Not Z, UTC or GMT, which are zones.
        suffix in "([_ ]([A-FH-TV-Ya-fh-tv-y0-9][A-Za-z0-9_]{0,7})?)?",
        separator in "[_T-]",
    ) {
        let (year, month, day, hour, minute, second) = clock;
        let offset = match quarters {
            Some(0) => "Z".to_owned(),
            _ => quarters.map(|quarters| offset_text(quarters, "")).unwrap_or_default(),
        };
        let name = format!("{prefix}{year:04}{month:02}{day:02}{separator}{hour:02}{minute:02}{second:02}{offset}{suffix}.wav");
        let (source, reading) = time_in_file_name(&name).unwrap();
        prop_assert_eq!(source, Source::FileName);
        check(&reading, clock, quarters);
    }

    #[test]
    fn guano_fields_come_back(
        fields in proptest::collection::vec(("[A-Za-z][A-Za-z |]{0,10}[A-Za-z]", "[!-~ä€💩]([ -~ä€💩]{0,20}[!-~ä€💩])?"), 0..20),
        colon in "[ ]{0,2}:[ \t]{0,2}",
        end in "[ \r]?\n{1,2}",
    ) {
        let text: String = fields.iter().map(|(name, value)| format!("{name}{colon}{value}{end}")).collect();
        let guano = Guano::parse(text.as_bytes());
        let found: Vec<(String, String)> = guano.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        prop_assert_eq!(found, fields);
    }

    #[test]
    fn info_texts_come_back(texts in proptest::collection::vec(("[A-Z]{4}", "[!-~ä€]{1,30}"), 0..10)) {
        let mut list = b"INFO".to_vec();
        for (id, text) in &texts {
            list.extend(id.as_bytes());
            list.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            list.extend(text.as_bytes());
            list.extend(&[0][..text.len() % 2]);
        }
        let info = Info::parse(&list).unwrap();
        let found: Vec<(String, String)> = info.texts().iter()
            .map(|found| (String::from_utf8(found.id.to_vec()).unwrap(), found.text.clone()))
            .collect();
        prop_assert_eq!(found, texts);
    }
}
