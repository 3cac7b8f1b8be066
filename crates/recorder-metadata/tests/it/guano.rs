//! GUANO as detectors and programs write it.

use recorder_metadata::{Guano, Position};

fn guano(text: &str) -> Guano {
    Guano::parse(text.as_bytes())
}

/// The example of the specification.
const EXAMPLE: &str = r"GUANO|Version:  1.0

Timestamp:  2012-03-29T03:58:01+04:00
Species Auto ID:  MYLU
Species Manual ID:  Myosod
Tags:  hand-release, voucher, workshop
Note:  Hand release of male Indiana Bat.\nReleased in low-clutter.\n\nRecorded by David Riggs.
TE:  1
Samplerate:  500000
Length:  6.5
Filter HP:  20.0
Make:  Pettersson
Model:  D1000X
Loc Position:  37.1878016 -86.1057312
Loc Accuracy:  20
Loc Elevation:  228.6

SB|Version:  3.4
SB|DiscrProb:  0.913
PET|Firmware:  1.0.4 (2009-11-25)
";

#[test]
fn the_example_in_the_specification_is_read() {
    let guano = guano(EXAMPLE);
    assert_eq!(guano.version(), Some("1.0"));
    assert_eq!(guano.timestamp().unwrap().instant().unwrap().to_string(), "2012-03-28T23:58:01Z");
    assert_eq!(guano.timestamp().unwrap().clock.to_string(), "2012-03-29T03:58:01");
    assert_eq!(guano.species_auto().collect::<Vec<_>>(), ["MYLU"]);
    assert_eq!(guano.species_manual().collect::<Vec<_>>(), ["Myosod"]);
    assert_eq!(guano.tags().collect::<Vec<_>>(), ["hand-release", "voucher", "workshop"]);
    assert_eq!(guano.note().unwrap().lines().count(), 4);
    assert_eq!((guano.make(), guano.model()), (Some("Pettersson"), Some("D1000X")));
    assert_eq!(guano.length(), Some(6.5));
    assert_eq!((guano.high_pass(), guano.low_pass()), (Some(20.0), None));
    assert_eq!((guano.elevation(), guano.accuracy()), (Some(228.6), Some(20.0)));
    let position = Position { latitude: 37.187_801_6, longitude: -86.105_731_2 };
    assert_eq!(guano.position(), Some(position));
    assert_eq!(guano.get("PET|Firmware"), Some("1.0.4 (2009-11-25)"));
    assert_eq!(guano.fields().count(), 18);
    assert_eq!(guano.fields().next(), Some(("GUANO|Version", "1.0")));
    assert_eq!(guano.fields().last(), Some(("PET|Firmware", "1.0.4 (2009-11-25)")));
}

#[test]
fn a_chunk_by_a_song_meter_mini_is_read() {
    // Padded with NULs; the offset lacks its leading zero.
    let guano = guano(
        "GUANO|Version:1.0\nFirmware Version:1.1\nMake:Wildlife Acoustics, Inc.\nModel:Song Meter Mini\nSerial:SMA00646\nWA|Song Meter|Prefix:SMA00646\nWA|Song Meter|Audio settings:[{\"rate\":24000,\"gain\":18}]\nLength:300.000\nOriginal Filename:SMA00646_20201017_130500.wav\nTimestamp:2020-10-17 13:05:00+1:00\nLoc Position:54.75656 -1.59106\nTemperature Int:21.25\nSamplerate:24000\n\0\0\0",
    );
    assert_eq!(guano.timestamp().unwrap().instant().unwrap().to_string(), "2020-10-17T12:05:00Z");
    assert_eq!(guano.temperature_internal(), Some(21.25));
    assert_eq!(guano.temperature_external(), None);
    assert_eq!(guano.serial(), Some("SMA00646"));
    assert_eq!(guano.firmware_version(), Some("1.1"));
    assert_eq!(guano.original_file_name(), Some("SMA00646_20201017_130500.wav"));
    let settings = guano.get("WA|Song Meter|Audio settings");
    assert_eq!(settings, Some("[{\"rate\":24000,\"gain\":18}]"));
    assert_eq!(guano.fields().count(), 13);
}

#[test]
fn a_chunk_by_an_audiomoth_is_read() {
    // In the format of firmware 1.11.
    let guano = guano(
        "GUANO|Version:1.0\nMake:Open Acoustic Devices\nModel:AudioMoth\nSerial:248D9B045EC9EE79\nOAD|Deployment ID:001A2B3C4D5E6F70\nFirmware Version:AudioMoth-Firmware-Basic (1.11.0)\nTimestamp:2024-05-14T05:30:00-03:30\nLoc Position:-0.500000 12.250000\nOAD|Loc Source:GPS\nOriginal Filename:20240514_053000.WAV\nOAD|Recording Settings:48000 GAIN 2\nOAD|Battery Voltage:4.8\nTemperature Int:-0.5",
    );
    assert_eq!(guano.timestamp().unwrap().instant().unwrap().to_string(), "2024-05-14T09:00:00Z");
    assert_eq!(guano.temperature_internal(), Some(-0.5));
    assert_eq!(guano.position(), Some(Position { latitude: -0.5, longitude: 12.25 }));
    assert_eq!(guano.get("OAD|Recording Settings"), Some("48000 GAIN 2"));
}

#[test]
fn positions_are_two_numbers_in_range() {
    let position = |text: &str| {
        guano(&format!("Loc Position: {text}")).position().map(|at| (at.latitude, at.longitude))
    };
    // As written by a program for Raspberry Pis.
    assert_eq!(
        position("(35.780480199773415, -78.63909694937483)"),
        Some((35.780_480_199_773_415, -78.639_096_949_374_83))
    );
    assert_eq!(position("90 180"), Some((90.0, 180.0)));
    for text in ["", "1", "1 2 3", "91 0", "0 181", "NaN 0", "inf 0", "north east"] {
        assert_eq!(position(text), None, "{text}");
    }
}

#[test]
fn numbers_are_finite() {
    for text in ["inf", "-inf", "NaN", "1e999", "12 m", ""] {
        let guano =
            guano(&format!("Loc Elevation: {text}\nTemperature Int: {text}\nLength: {text}"));
        let found = [guano.elevation(), guano.temperature_internal(), guano.length()];
        assert_eq!(found, [None; 3], "{text}");
    }
}

#[test]
fn time_expansion_yields_the_true_rate() {
    for (text, factor, rate) in [
        ("TE: 10", 10, Some(500_000)),
        ("TE: 10.0", 10, Some(500_000)),
        ("TE: 1", 1, Some(50_000)),
        ("TE:", 1, Some(50_000)), // SonoBat 4.1
        ("TE: 0", 1, Some(50_000)),
        ("TE: -8", 1, Some(50_000)),
        ("", 1, Some(50_000)),
        ("TE: 100000", 100_000, None),
    ] {
        let guano = guano(text);
        assert_eq!(guano.time_expansion().get(), factor, "{text}");
        assert_eq!(guano.true_rate(50_000), rate, "{text}");
    }
}

#[test]
fn mistakes_of_programs_are_tolerated() {
    // From guano-py's tests: SonoBat 4.1 and 4.2.
    assert_eq!(guano("GUANO|Version: 1.0\n:\n").fields().count(), 1);
    assert_eq!(guano("GUANO|Version: 1.0\nTimestamp:\n").timestamp(), None);
    assert_eq!(guano("GUANO|Version:  1.0:\n1.0:\n").get("GUANO|Version"), Some("1.0:"));
    let windows = Guano::parse(
        b"GUANO|Version:  1.0\nNote:  Mobile transect with mic 4\xd5 above roof.\n\0\0",
    );
    assert_eq!(windows.note().as_deref(), Some("Mobile transect with mic 4Õ above roof."));
    // A repeated field, empty at first.
    assert_eq!(guano("Make:\nMake: A\nMake: B").make(), Some("A"));
    // A byte order mark, not at the very start.
    assert_eq!(guano("\0\u{feff}\nMake: A").fields().next(), Some(("Make", "A")));
    // A line without a colon, and one with a Windows line ending.
    let fields = guano("no colon\r\nNote: ¡GUANO is the 💩 !\r\n");
    let fields: Vec<(&str, &str)> = fields.fields().collect();
    assert_eq!(fields, [("", "no colon"), ("Note", "¡GUANO is the 💩 !")]);
    assert_eq!(guano("").fields().count(), 0);
}
