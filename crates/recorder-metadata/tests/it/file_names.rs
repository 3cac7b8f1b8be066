//! Times in the names of files.

use recorder_metadata::{Source, other_time_in_file_name, time_in_file_name};

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
        // Leap seconds.
        ("20161231_235960Z.wav", "2016-12-31T23:59:59", Some(0)),
        ("5783.170101054460.wav", "2017-01-01T05:44:59", None),
        ("site_2016-12-31_18-59-60.5.wav", "2016-12-31T18:59:59.5", None),
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

const UTC: Option<i32> = Some(0);
const NONE: Option<i32> = None;

const FAMILIES: &[(&str, &str, Option<i32>)] = &[
    // Song Meter SM2, SM3, SM4, Mini, Micro, Echo Meter Touch, and with GPS.
    ("DM420082_20111021_000000.MP3", "2011-10-21T00:00:00", NONE),
    ("SM301297_0+1_20170912_220000.wav", "2017-09-12T22:00:00", NONE),
    ("SMM03873_20220719_000000.wav", "2022-07-19T00:00:00", NONE),
    ("2MM04797_20241127_155140.wav", "2024-11-27T15:51:40", NONE),
    ("SBT-6-76-18_0+1_0_20160621_080000.wav", "2016-06-21T08:00:00", NONE),
    ("ARIZONA-1_20161023$195550.wac", "2016-10-23T19:55:50", NONE),
    ("OLONG-CH1_0+1_20171121$143444.wav", "2017-11-21T14:34:44", NONE),
    ("OLONG-SOLAR_0+1_20180221T031609+1000.wav", "2018-02-21T03:16:09", Some(36_000)),
    ("FNQ-RBS_20190102_044802_010.wav", "2019-01-02T04:48:02", NONE), // Kaleidoscope
    ("prefix_20200512_101112_131415.wav", "2020-05-12T10:11:12", NONE), // SMART
    // Swift, SwiftOne, OwlSense
    ("SwiftOne_20220719_000000_-0400.wav", "2022-07-19T00:00:00", Some(-14_400)),
    ("55063_2024-11-27_T16-47-33.wav", "2024-11-27T16:47:33", NONE),
    // BAR, BAR-LT
    ("20210617T080000+0000_Rec2_-18.2656+144.5564.flac", "2021-06-17T08:00:00", UTC),
    ("201906 7T095935+1000_REC [19.2144 152.8811].flac", "2019-06-07T09:59:35", Some(36_000)),
    ("2019 6 7T 9 5 5+1000_REC.flac", "2019-06-07T09:05:05", Some(36_000)),
    ("20180226_040000_Bar29 [27.2819 90.1361].wav", "2018-02-26T04:00:00", NONE),
    (
        "20161108T075126.123456-0430_SunriseToSunset [-39.5336 -131.2711].wav",
        "2016-11-08T07:51:26.123456",
        Some(-16_200),
    ),
    (
        "S20240815T091156.982648+1000_E20240815T091251.967555+1000_-12.34567+78.98102.wav",
        "2024-08-15T09:11:56.982648",
        Some(36_000),
    ),
    // SoundTrap
    ("671629352.181204100002.wav", "2018-12-04T10:00:02", NONE),
    ("5783.190101120000.wav", "2019-01-01T12:00:00", NONE),
    // HARP with Triton, uPAM, Zoom
    ("SOCAL34M_sitM_090720_193230.d100.x.wav", "2009-07-20T19:32:30", NONE),
    ("site_190131_120000_0001.wav", "2019-01-31T12:00:00", NONE),
    ("240124_120101.WAV", "2024-01-24T12:01:01", NONE),
    // icListen, Loggerhead, Avisoft
    ("ICLISTENHF1234_20190512T041500.123Z.flac", "2019-05-12T04:15:00.123", UTC),
    ("2018-05-12T041500_unit2.wav", "2018-05-12T04:15:00", NONE),
    ("T2020-05-12_04-15-00_0000001.wav", "2020-05-12T04:15:00", NONE),
    // Pettersson through BatSound, Peersonic
    ("ABC2010-08-26_10_39_50_M00667DEF.wav", "2010-08-26T10:39:50", NONE),
    ("Wav0123_2008_07_04__22_58_14.wav", "2008-07-04T22:58:14", NONE),
    // Hydrophones: SanctSound, MARU, AMAR, Ocean Observatories, NAUTA, RTsys, and the families above
    ("SanctSound_SB01_15_67403784_20210324_223239.wav", "2021-03-24T22:32:39", NONE),
    ("SNMS_20060629_023000.aif", "2006-06-29T02:30:00", NONE),
    (
        "MMS_Dep1_Delaware-e1d282a3.e1d282a3.Chan_1-24bps.1277236867.2010-06-22-20-01-07.wav",
        "2010-06-22T20:01:07",
        NONE,
    ),
    ("6075.220210084905.wav", "2022-02-10T08:49:05", NONE),
    ("PAM_20171108_094819_000.wav", "2017-11-08T09:48:19", NONE),
    ("WAT_NC_03_170716_180000_df100.x.wav", "2017-07-16T18:00:00", NONE),
    ("Brunswick04_002K_M06_multi_UTCm5_20170528_110000.aif", "2017-05-28T11:00:00", NONE),
    ("GofMX_DT01_100718_184000.x.wav", "2010-07-18T18:40:00", NONE),
    ("MNHN_20141225_234500.wav", "2014-12-25T23:45:00", NONE),
    ("CNRS_0+1_20130824_153000.wav", "2013-08-24T15:30:00", NONE),
    ("PARIS_-0-_20150410$195550.wav", "2015-04-10T19:55:50", NONE),
    ("SMU01234_20230601_213012.wav", "2023-06-01T21:30:12", NONE),
    ("EPTSER_20180620_221045.wav", "2018-06-20T22:10:45", NONE),
    ("MYODAU_20190704_214512.500.wav", "2019-07-04T21:45:12.5", NONE),
    ("20170701_213954-MYOMYS-LR_0_0.5.wav", "2017-07-01T21:39:54", NONE),
    ("S1109_20230512_040000_+0000.wav", "2023-05-12T04:00:00", UTC),
    (
        "20190410T230000+1000_Waterfall-Creek_[-27.5 152.9].flac",
        "2019-04-10T23:00:00",
        Some(36_000),
    ),
    ("240124_120101_Tr1.WAV", "2024-01-24T12:01:01", NONE),
    ("Voice 20200512 041500.m4a", "2020-05-12T04:15:00", NONE),
    ("Recording_2020-05-12T04_15_00.wav", "2020-05-12T04:15:00", NONE),
    ("AURAL_20120801_123000.wav", "2012-08-01T12:30:00", NONE),
    ("M2-20120801-123000.wav", "2012-08-01T12:30:00", NONE),
    ("ICLISTENAF2523_20200101T000500.000Z-HPF.flac", "2020-01-01T00:05:00", UTC),
    ("RBW6710_20210512T041500Z.wav", "2021-05-12T04:15:00", UTC),
    ("MARS-20150730T213000Z-16kHz.wav", "2015-07-30T21:30:00", UTC),
    ("SonoVault_1004_2014-09-02_13-45-00.wav", "2014-09-02T13:45:00", NONE),
    ("SV1011_20140902T134500.wav", "2014-09-02T13:45:00", NONE),
    ("M500-384_20180612_213012.wav", "2018-06-12T21:30:12", NONE),
    ("2018-06-12 21-30-12_D500X.wav", "2018-06-12T21:30:12", NONE),
    ("2019-04-01 21-04-05.zc", "2019-04-01T21:04:05", NONE),
    ("haikubox_2023-05-12_04-15-00.wav", "2023-05-12T04:15:00", NONE),
    ("2023-05-12T04:15:00.000Z.wav", "2023-05-12T04:15:00", UTC),
    ("puc-1234_2023-05-12T04-15-00Z.wav", "2023-05-12T04:15:00", UTC),
    ("turdus_merula_85p_20230512T041500Z.m4a", "2023-05-12T04:15:00", UTC),
    ("1678032935.181112190000.wav", "2018-11-12T19:00:00", NONE),
    ("24F3190361DA55E4_20211112_193000T.WAV", "2021-11-12T19:30:00", NONE),
    ("20200512_041500_SYNC.WAV", "2020-05-12T04:15:00", NONE),
    ("AMAR173.4.20100816T124600Z.wav", "2010-08-16T12:46:00", UTC),
    ("AMAR368.1.16000.M36-V35-100_20141019T204112Z.wav", "2014-10-19T20:41:12", UTC),
    ("AMAR675_20210512T041500.123Z.wav", "2021-05-12T04:15:00.123", UTC),
    ("23d51_20240415_084603.wav", "2024-04-15T08:46:03", NONE),
    ("channelABCD_2020-05-12_04-15-00.wav", "2020-05-12T04:15:00", NONE),
    ("rpi_orcasound_lab_2020-10-25_02-00-00.flac", "2020-10-25T02:00:00", NONE),
    ("OO-HYEA2~YDH-2019-04-01T000500.000Z.wav", "2019-04-01T00:05:00", UTC),
    ("2015-03-04T120000_LS1.wav", "2015-03-04T12:00:00", NONE),
    ("LAMP01_20160704_120000_UTC.wav", "2016-07-04T12:00:00", UTC),
    ("20200512_041500_GMT+2.wav", "2020-05-12T04:15:00", Some(7_200)),
    ("Solo_2019-05-12_04-15-00_UTC.wav", "2019-05-12T04:15:00", UTC),
    ("bugg_RPiID-000_2020-10-12T04_15_00.123Z.mp3", "2020-10-12T04:15:00.123", UTC),
    ("RFCx_20200512T041500.000-0500.opus", "2020-05-12T04:15:00", Some(-18_000)),
    ("AR125_2011-06-13_21_30_12_123.wav", "2011-06-13T21:30:12", NONE),
    ("FR125_20110613_213012_123.wav", "2011-06-13T21:30:12", NONE),
    ("CHORUS01_20210613_213012.wav", "2021-06-13T21:30:12", NONE),
    ("Bat_20210613_21h30m12.wav", "2021-06-13T21:30:12", NONE),
    ("PaRecPR1925492__20190828_211651_000.wav", "2019-08-28T21:16:51", NONE),
    ("Ishmael 180512-041500.wav", "2018-05-12T04:15:00", NONE),
    ("channelA_2015_04_30__06_10_00.wav", "2015-04-30T06:10:00", NONE),
    ("2020-05-12T04-15-00-07-00.wav", "2020-05-12T04:15:00", NONE),
    // BirdNET-Pi
    ("Turdus_merula-85-2023-05-12-birdnet-04:15:00.mp3", "2023-05-12T04:15:00", NONE),
    ("2023-05-12-birdnet-RTSP_1-04:15:00.mp3", "2023-05-12T04:15:00", NONE),
    ("0000514b-9329-404c-bdb3-a50827457b15_20100503-080000Z.mp3", "2010-05-03T08:00:00", UTC),
    ("20070415051314.wav.trimmed.wav", "2007-04-15T05:13:14", NONE),
    ("20180517_010348.5AFCD4F4.WAV", "2018-05-17T01:03:48", NONE),
    ("2020-05-12_04h15m00s.wav", "2020-05-12T04:15:00", NONE),
];

/// Names that recorders and their programs write, from manuals and the tests of other parsers.
#[test]
fn names_of_recorder_families_are_read() {
    for (name, clock, offset) in FAMILIES {
        let (_, reading) = time_in_file_name(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(reading.clock.to_string(), *clock, "{name}");
        assert_eq!(reading.offset.map(|offset| offset.seconds()), *offset, "{name}");
    }
}

#[test]
fn zones_in_names_are_read() {
    for (zone, seconds) in [
        ("+00", Some(0)),
        ("+02", Some(7200)),
        ("+0200", Some(7200)),
        ("_+0545", Some(20_700)),
        ("UTC", Some(0)),
        (" UTC", Some(0)),
        ("_UTC", Some(0)),
        ("_utc", Some(0)),
        ("(UTC)", Some(0)),
        ("GMT", Some(0)),
        ("_GMT", Some(0)),
        ("_Z", Some(0)),
        (" Z", Some(0)),
        ("_Z_birds", Some(0)),
        ("-UTC", Some(0)),
        ("-GMT", Some(0)),
        ("-Z", Some(0)),
        (".Z_birds", Some(0)),
        (".UTC", Some(0)),
        ("-UTC+10", Some(36_000)),
        ("-UTC-3", Some(-10_800)),
        (".250-UTC", Some(0)),
        ("+1000", Some(36_000)),
        (" +1000", Some(36_000)),
        ("_-0400", Some(-14_400)),
        ("+00:00", Some(0)),
        ("+05:45_site", Some(20_700)),
        ("(UTC+2)", Some(7200)),
        ("UTC+2", Some(7200)),
        ("UTC-07", Some(-25_200)),
        ("_UTC-3:30", Some(-12_600)),
        ("-0700", Some(-25_200)),
        (".5UTC", Some(0)),
        ("Z_+40.1213-075.0015+2.79CRSWGS_84", Some(0)),
        // Running numbers, words and places.
        ("-07", None),
        ("_-07", None),
        ("-1", None),
        ("+1", None),
        ("_Z1", None),
        ("-Z1", None),
        ("-Zebra", None),
        (".Zoo", None),
        ("-utcx", None),
        ("--UTC", None),
        ("-07UTC", None),
        ("-é", None),
        ("_Zebra", None),
        (" UTCHANNEL", None),
        ("_GMTX", None),
        ("_+13-090", None),
        ("+99", None),
    ] {
        let name = format!("A1_20200512_041500{zone}.wav");
        let (_, reading) = time_in_file_name(&name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(reading.offset.map(|offset| offset.seconds()), seconds, "{name}");
    }
}

#[test]
fn a_name_that_can_mean_two_times_has_another() {
    for (name, first, other) in [
        ("05-06-2020_041500.wav", "2020-06-05T04:15:00", Some("2020-05-06T04:15:00")),
        ("25-06-2020_04-15-00.wav", "2020-06-25T04:15:00", None),
        ("06.25.2020 04.15.00.wav", "2020-06-25T04:15:00", None),
        ("site_110613_094500.wav", "2011-06-13T09:45:00", Some("2013-06-11T09:45:00")),
        ("site_490731_094500.wav", "2049-07-31T09:45:00", None),
        ("site_310713_094500.wav", "2031-07-13T09:45:00", Some("2013-07-31T09:45:00")),
        ("5783.201112131415.wav", "2020-11-12T13:14:15", Some("2011-12-13T14:15:00")),
        ("5783.181204100002.wav", "2018-12-04T10:00:02", None),
        ("805564949.190312120000.wav", "2019-03-12T12:00:00", None),
        ("SOCAL34M_sitM_090720_193230.d100.x.wav", "2009-07-20T19:32:30", None),
        ("WAT_NC_03_170716_180000_df100.x.flac", "2017-07-16T18:00:00", None),
        ("Cuckoo 12.05.2020 04.15.00.wav", "2020-05-12T04:15:00", Some("2020-12-05T04:15:00")),
        ("NRS08-140523-001620.wav", "2014-05-23T00:16:20", Some("2023-05-14T00:16:20")),
        ("20200512_041500_20210101_000000", "2020-05-12T04:15:00", Some("2021-01-01T00:00:00")),
        ("20200512_041500_20200512_041500", "2020-05-12T04:15:00", None),
        ("20200512_041500_110613_094500", "2020-05-12T04:15:00", None),
        ("SITE_E20200512_041500.wav", "2020-05-12T04:15:00", None),
    ] {
        let (_, reading) = time_in_file_name(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(reading.clock.to_string(), first, "{name}");
        let found = other_time_in_file_name(name).map(|other| other.clock.to_string());
        assert_eq!(found.as_deref(), other, "{name}");
    }
}

#[test]
fn numbers_are_not_dates() {
    for name in [
        "10160435.wav",                // Batlogger: device and running number
        "0001_2e1709263_Test0001.wav", // Batlogger WE X: the time only
        "200801-T001.WAV",
        "210101_002_Tr1.WAV", // Zoom
        "LS100123.WAV",
        "XC123456 - Turdus merula.mp3",
        "260101_0001.WAV", // Olympus, Tascam, Sony: date and running number
        "TASCAM_0012S12.wav",
        "M00065.wav",
        "5AFCD4F45AFCD4F4.WAV",
        "86f5923d-ef1d-4159-b120-a8dec3f6334e.wav",
        "acoustic_study_00m.mp3",
        "190101120000.wav", // twelve digits, not after a point
        "SN_190101120000.wav",
        "SN190101_120000.wav",
        "190101_1200001.wav",
        "0190101_120000.wav",
        "991231_235959.wav",
        "123456_123456.wav",
        "5783.1901011200001.wav",
        "5783.201812261700.wav", // to the minute only
        "05-06-2020.wav",
        "05-06_2020_041500.wav",
    ] {
        assert_eq!(time_in_file_name(name), None, "{name}");
        assert_eq!(other_time_in_file_name(name), None, "{name}");
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
