//! AudioMoth comments of every firmware, real ones and those its `sprintf` calls can write.

use recorder_metadata::{AudioMothComment, Battery, Filter, Gain, Stop, Threshold, Trigger};

fn parse(text: &str) -> AudioMothComment {
    AudioMothComment::parse(text).unwrap_or_else(|| panic!("no comment: {text}"))
}

/// Parses a comment that must be understood entirely.
fn whole(text: &str) -> AudioMothComment {
    let comment = parse(text);
    assert_eq!(comment.rest, "", "{text}");
    comment
}

fn start(comment: &AudioMothComment) -> String {
    comment.start.instant().unwrap().to_string()
}

#[test]
fn firmware_1_0_has_no_zone_and_pads_the_tenths_of_a_volt() {
    let comment = whole(
        "Recorded at 19:17:30 21/02/2018 by AudioMoth 0FE081F80FE081F0 at gain setting 2 while battery state was 4.03V",
    );
    assert_eq!(start(&comment), "2018-02-21T19:17:30Z");
    assert_eq!(comment.device, None, "an address, the same in every device");
    assert_eq!(comment.gain, Some(Gain::Medium));
    assert_eq!(comment.battery, Some(Battery::At(43)));
    assert_eq!(comment.temperature, None);
}

#[test]
fn comments_of_firmware_1_0_1_and_1_1() {
    // opensoundscape's 1min.wav
    let real = whole(
        "Recorded at 09:32:00 04/05/2018 (UTC) by AudioMoth 0FE081F80FE081F0 at gain setting 2 while battery state was 4.3V",
    );
    assert_eq!(start(&real), "2018-05-04T09:32:00Z", "the day comes before the month");
    assert_eq!((real.device, real.battery), (None, Some(Battery::At(43))));

    let text = "Recorded at 09:32:00 04/05/2018 (UTC) by AudioMoth 0FE081F80FE081F0 at gain setting 0 while battery state was ";
    assert_eq!(whole(&format!("{text}< 3.6V")).battery, Some(Battery::Below(36)));
    assert_eq!(whole(&format!("{text}> 5.0V")).battery, Some(Battery::Above(50)));
}

#[test]
fn comments_of_firmware_1_2() {
    // opensoundscape's metadata.wav
    let real = whole(
        "Recorded at 10:25:00 04/04/2020 (UTC) by AudioMoth 24526B065D325963 at gain setting 2 while battery state was 4.7V.",
    );
    assert_eq!(start(&real), "2020-04-04T10:25:00Z");
    assert_eq!(real.device.as_deref(), Some("24526B065D325963"));

    let stopped = whole(
        "Recorded at 10:25:00 04/04/2020 (UTC-11) by AudioMoth 24526B065D325963 at gain setting 4 while battery state was less than 3.6V. Recording cancelled before completion due to low battery voltage.",
    );
    assert_eq!(start(&stopped), "2020-04-04T21:25:00Z");
    assert_eq!(stopped.gain, Some(Gain::High));
    assert_eq!(stopped.battery, Some(Battery::Below(36)));
    assert_eq!(stopped.stop, Some(Stop::LowVoltage));

    let switched = whole(
        "Recorded at 10:25:00 04/04/2020 (UTC+5:45) by AudioMoth 24526B065D325963 at gain setting 1 while battery state was greater than 4.9V. Recording cancelled before completion due to change of switch position.",
    );
    assert_eq!(start(&switched), "2020-04-04T04:40:00Z");
    assert_eq!(switched.battery, Some(Battery::Above(49)));
    assert_eq!(switched.stop, Some(Stop::SwitchPositionChange));
}

#[test]
fn a_leap_second_is_the_second_before_it() {
    let comment = parse("Recorded at 23:59:60 31/12/2016 (UTC) by AudioMoth 24526B065D325963");
    assert_eq!(start(&comment), "2016-12-31T23:59:59Z");
}

#[test]
fn zones_parse_or_are_unknown() {
    let zoned = |zone: &str| {
        let text =
            format!("Recorded at 06:00:00 24/06/2020 ({zone}) by AudioMoth 24526B065D325963");
        whole(&text).start.offset.map(|offset| offset.seconds())
    };
    assert_eq!(zoned("UTC"), Some(0));
    assert_eq!(zoned("UTC+2"), Some(7200));
    assert_eq!(zoned("UTC-5"), Some(-18_000));
    assert_eq!(zoned("UTC+14"), Some(50_400));
    assert_eq!(zoned("UTC-3:30"), Some(-12_600));
    assert_eq!(zoned("UTC-0:30"), Some(-1800));
    assert_eq!(zoned("UTC+0:05"), Some(300));
    assert_eq!(zoned("UTC+5: 5"), Some(18_300), "1.2.2 pads with a space");
    assert_eq!(zoned("UTC:30"), None, "1.2.2 loses the sign");
    assert_eq!(zoned("UTC+99"), None);
    assert_eq!(zoned("CET"), None);
}

#[test]
fn comments_of_firmware_1_4_and_1_5() {
    let filtered = whole(
        "Recorded at 10:25:00 04/04/2021 (UTC) by AudioMoth 24526B065D325963 at low-medium gain setting while battery state was less than 2.5V and temperature was -5.0C. Amplitude threshold was 512. Band-pass filter applied with cut-off frequencies of 1.0kHz and 20.5kHz. Recording cancelled before completion due to file size limit.",
    );
    assert_eq!(filtered.gain, Some(Gain::LowMedium));
    assert_eq!(filtered.battery, Some(Battery::Below(25)));
    assert_eq!(filtered.temperature, Some(-50));
    let threshold = Threshold::Amplitude(512);
    assert_eq!(filtered.trigger, Some(Trigger::Amplitude { threshold, minimum_seconds: None }));
    let band = Filter::BandPass { lower_hertz: 1000, upper_hertz: 20_500 };
    assert_eq!(filtered.filter, Some(band));
    assert_eq!(filtered.stop, Some(Stop::FileSizeLimit));

    let deployed = whole(
        "Recorded at 10:25:00 04/04/2021 (UTC-3:30) during deployment 001A2B3C4D5E6F70 using external microphone at medium-high gain setting while battery state was 3.7V and temperature was 14.0C. High-pass filter applied with cut-off frequency of 0.5kHz. Recording cancelled before completion due to microphone change.",
    );
    assert_eq!(deployed.device, None);
    assert_eq!(deployed.deployment.as_deref(), Some("001A2B3C4D5E6F70"));
    assert!(deployed.external_microphone);
    assert_eq!(deployed.gain, Some(Gain::MediumHigh));
    assert_eq!(deployed.filter, Some(Filter::HighPass { hertz: 500 }));
    assert_eq!(deployed.stop, Some(Stop::MicrophoneChange));
}

#[test]
fn comments_of_firmware_1_6_to_1_11() {
    // metamoth's 20211112_193000.WAV
    let real = whole(
        "Recorded at 19:30:00 12/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79 at medium gain while battery was 4.1V and temperature was 14.0C.",
    );
    assert_eq!(start(&real), "2021-11-12T19:30:00Z");
    assert_eq!((real.gain, real.battery), (Some(Gain::Medium), Some(Battery::At(41))));
    assert_eq!(real.temperature, Some(140));

    // In a field of fixed length.
    assert_eq!(
        whole(
            " Recorded at 19:30:00 12/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79 at medium gain while battery was 4.1V and temperature was 14.0C.\0\0"
        ),
        real
    );

    // From a catalogue of recordings.
    let stopped = whole(
        "Recorded at 10:00:00 15/05/2021 (UTC) by AudioMoth 249BC3055C02FE06 at medium gain while battery was 4.5V and temperature was 21.1C. Recording stopped due to switch position change.",
    );
    assert_eq!(stopped.stop, Some(Stop::SwitchPositionChange));
    let zoned = whole(
        "Recorded at 19:30:00 09/08/2025 (UTC-5) by AudioMoth 248D9B04645707D7 at medium gain while battery was 4.5V and temperature was 12.3C.",
    );
    assert_eq!(start(&zoned), "2025-08-10T00:30:00Z");
}

/// Parses these sentences at the end of a comment by firmware 1.6 or later.
fn with(sentences: &str) -> AudioMothComment {
    whole(&format!(
        "Recorded at 19:30:00 12/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79 at high gain while battery was greater than 4.9V and temperature was 0.0C.{sentences}"
    ))
}

#[test]
fn triggers_since_1_6_parse() {
    for (text, threshold) in [
        ("512", Threshold::Amplitude(512)),
        ("-28 dB", Threshold::Decibels(-28)),
        ("0 dB", Threshold::Decibels(0)),
        ("50%", Threshold::Percent(50.0)),
        ("0.0003%", Threshold::Percent(0.0003)),
    ] {
        let minimum_seconds = Some(15);
        let amplitude = format!(
            " Amplitude threshold was {text} with 15s minimum trigger duration. Low-pass filter with frequency of 20.0kHz applied."
        );
        let comment = with(&amplitude);
        assert_eq!(comment.trigger, Some(Trigger::Amplitude { threshold, minimum_seconds }));
        assert_eq!(comment.filter, Some(Filter::LowPass { hertz: 20_000 }));
    }
    let frequency = with(
        " Frequency trigger (2.5kHz and window length of 16 samples) threshold was 1.5% with 5s minimum trigger duration. Band-pass filter with frequencies of 1.0kHz and 192.0kHz applied.",
    );
    let threshold = Threshold::Percent(1.5);
    let expected =
        Trigger::Frequency { hertz: 2500, window: 16, threshold, minimum_seconds: Some(5) };
    assert_eq!(frequency.trigger, Some(expected));
    let band = Filter::BandPass { lower_hertz: 1000, upper_hertz: 192_000 };
    assert_eq!(frequency.filter, Some(band));
}

#[test]
fn sentences_in_the_order_of_1_8_parse() {
    for (text, stop) in [
        ("due to microphone change", Stop::MicrophoneChange),
        ("due to switch position change", Stop::SwitchPositionChange),
        ("by magnetic switch", Stop::MagneticSwitch),
        ("due to magnetic switch", Stop::MagneticSwitch), // AudioMoth-GPS-Sync
        ("due to low voltage", Stop::LowVoltage),
        ("due to file size limit", Stop::FileSizeLimit),
        ("due to SD card write error", Stop::SdCardWriteError),
    ] {
        let comment = with(&format!(
            " High-pass filter with frequency of 8.0kHz applied. Amplitude threshold was 768 with 1s minimum trigger duration. Recording stopped {text}."
        ));
        assert_eq!(comment.stop, Some(stop));
        assert_eq!(comment.filter, Some(Filter::HighPass { hertz: 8000 }));
        assert!(comment.trigger.is_some());
    }
}

#[test]
fn text_that_is_not_understood_is_kept() {
    let text = "Recorded at 19:30:00 12/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79 at medium gain while battery was 4.1V and temperature was 14.0C.";
    for rest in
        ["Humidity was 80%.", "Recording stopped due to a fox.", "Wide-pass filter applied."]
    {
        let comment = parse(&format!("{text} {rest}"));
        assert_eq!(comment.rest, rest);
        assert_eq!(comment.temperature, Some(140));
    }
    let comment = parse(
        "Recorded at 19:30:00 12/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79 at no gain while battery was 4.1V",
    );
    assert_eq!(comment.rest, "at no gain while battery was 4.1V");
    assert_eq!((comment.gain, comment.battery), (None, None));
}

#[test]
fn other_comments_are_rejected() {
    for text in [
        "",
        "Comments here!",
        "Recorded at",
        "Recorded at dusk by the pond",
        "Recorded at 19:30:00 12/11/2021 (UTC)",
        "Recorded at 19:30:00 12/11/2021 (UTC) by my phone",
        "Recorded at 19:30:00 12/11/2021 (UTC by AudioMoth 248D9B045EC9EE79",
        "Recorded at 19:30:00 32/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79",
        "Recorded at 24:30:00 12/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79",
    ] {
        assert_eq!(AudioMothComment::parse(text), None, "{text}");
    }
}
