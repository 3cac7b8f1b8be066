//! Times in the names of files.

use recorder_metadata::{Source, time_in_file_name};

#[test]
fn times_in_names_are_found() {
    for (name, clock, offset) in [
        // Names in the corpora of Tadarida-D and scikit-maad.
        ("Car450735-2014-Pass2-A1-20140828_211651_000.wav", "2014-08-28T21:16:51", None),
        ("S4U00331_0_20160427_185458_000.wav", "2016-04-27T18:54:58", None),
        ("S4A03895_20190522_001500.wav", "2019-05-22T00:15:00", None),
        // AudioMoth since 1.2: plain, triggered, with the device's number (1.11), in a folder.
        ("20211112_193000.WAV", "2021-11-12T19:30:00", None),
        ("20211112_193000T.WAV", "2021-11-12T19:30:00", None),
        ("248D9B045EC9EE79_20211112_193000.WAV", "2021-11-12T19:30:00", None),
        ("20211112/20211112_193000.WAV", "2021-11-12T19:30:00", None),
        (r"C:\Bats 20200101_000000\20211112_193000.WAV", "2021-11-12T19:30:00", None),
        // With zones.
        ("20230101T010203Z.flac", "2023-01-01T01:02:03", Some(0)),
        ("20230101_010203Z.wav", "2023-01-01T01:02:03", Some(0)),
        ("20230101T010203+0200.wav", "2023-01-01T01:02:03", Some(7200)),
        ("20230101T010203+02:00_birds", "2023-01-01T01:02:03", Some(7200)),
        ("RPI1_20251130_134420-0500.WAV", "2025-11-30T13:44:20", Some(-18_000)),
        ("20230101T010203-0330.wav", "2023-01-01T01:02:03", Some(-12_600)),
        ("20230101T010203+0000.wav", "2023-01-01T01:02:03", Some(0)),
        // With decimals.
        ("20230101T010203.250Z.wav", "2023-01-01T01:02:03.25", Some(0)),
        ("20230101_010203.5", "2023-01-01T01:02:03.5", None),
        ("20230101_010203.250Z", "2023-01-01T01:02:03.25", Some(0)),
        ("20230101_010203.3gp", "2023-01-01T01:02:03", None),
        ("20230101_010203123.wav", "2023-01-01T01:02:03.123", None),
        // With separators, and without any.
        ("PREFIX_2010-08-12_21-03-12.wav", "2010-08-12T21:03:12", None),
        ("2020-01-01 01-02-03.zc", "2020-01-01T01:02:03", None),
        ("site_2024_05_14_05_30_00_left.wav", "2024-05-14T05:30:00", None),
        ("2024-05-14T05:30:00+02:00.wav", "2024-05-14T05:30:00", Some(7200)),
        ("NOID_20200512041500.wav", "2020-05-12T04:15:00", None),
        ("20200512-041500", "2020-05-12T04:15:00", None),
        // Not followed by an offset.
        ("20200512_041500-0001.wav", "2020-05-12T04:15:00", None),
        ("20200512_041500-0000.wav", "2020-05-12T04:15:00", None),
        ("20200512_041500-12345.wav", "2020-05-12T04:15:00", None),
        ("20200512_041500Zebra.wav", "2020-05-12T04:15:00", None),
        // The first date that exists wins.
        ("20201350_041500_20200512_041500.wav", "2020-05-12T04:15:00", None),
        ("0000-00-00 20200512_041500_20210101_000000.wav", "2020-05-12T04:15:00", None),
        ("héron_20200512_041500_é.wav", "2020-05-12T04:15:00", None),
    ] {
        let (source, reading) = time_in_file_name(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(source, Source::FileName, "{name}");
        assert_eq!(reading.clock.to_string(), clock, "{name}");
        assert_eq!(reading.offset.map(|offset| offset.seconds()), offset, "{name}");
    }
}

#[test]
fn hexadecimal_names_are_unix_times() {
    for (name, instant) in [
        ("5B6A9C40.WAV", "2018-08-08T07:31:12Z"),
        ("5b6a9c40.wav", "2018-08-08T07:31:12Z"),
        ("folder/5AEC26A0.WAV", "2018-05-04T09:23:44Z"),
        ("5AEC26A0", "2018-05-04T09:23:44Z"),
    ] {
        let (source, reading) = time_in_file_name(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(source, Source::HexFileName, "{name}");
        assert_eq!(reading.instant().unwrap().to_string(), instant, "{name}");
    }
}

#[test]
fn other_names_have_no_time() {
    for name in [
        "",
        ".",
        ".wav",
        "recording.wav",
        "ZOOM0001.WAV",
        // No such day, hour, minute or second.
        "20200230_041500.wav",
        "20201301_041500.wav",
        "20200512_241500.wav",
        "20200512_046000.wav",
        "20200512_041560.wav",
        // No time of day, or one that may be a running number.
        "20200512.wav",
        "2020-05-12.wav",
        "20200512_0415.wav",
        "2020-05-12_04-15.wav",
        // Digits before, between or after.
        "120200512_041500.wav",
        "20200512_0415001.wav",
        "202005120_041500.wav",
        "18991231_041500.wav",
        // Separators that change.
        "2020-05_12_04-15-00.wav",
        "2020-05-12_04-15_00.wav",
        // Hexadecimal digits that are a date, a word, too early or only part of the name.
        "20200512.WAV",
        "DEADBEEF.WAV",
        "50000000.WAV",
        "5B6A9C40_1.WAV",
        "A5B6A9C40.WAV",
        "+B6A9C40.WAV",
        // Digits that are not ASCII.
        "٢٠٢٠٠٥١٢_041500.wav",
    ] {
        assert_eq!(time_in_file_name(name), None, "{name}");
    }
}
