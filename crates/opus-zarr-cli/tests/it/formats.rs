//! Files that are refused by name, what `inspect` and `import` say about others, and loud audio.

use std::{fs, path::Path};

use crate::support::{folder_with, run_in, testdata};

#[test]
fn formats_that_nobody_reads_are_refused_by_name() {
    let folder = folder_with(&[]);
    let sud = [&[1; 30][..], b"\x52\xa9\0\0\x03\0", &[0; 14], b"<x>\x52\xa9"].concat();
    let cases = [
        ("a.ac3", fs::read(testdata("formats/noise.ac3")).unwrap(), "AC-3 or E-AC-3; use ffmpeg"),
        ("a.spx", fs::read(testdata("formats/noise.spx")).unwrap(), "Speex in Ogg; use ffmpeg"),
        (
            "a.ts",
            [&[0x47][..], &[0; 187]].concat().repeat(5),
            "an MPEG transport stream; use ffmpeg",
        ),
        ("a.mpg", b"\0\0\x01\xba more".to_vec(), "an MPEG program stream; use ffmpeg"),
        ("a.nut", b"nut/multimedia container\0".to_vec(), "NUT; use ffmpeg"),
        (
            "a.wac",
            b"WAac\x04\0".to_vec(),
            "Wildlife Acoustics WAC; convert it to WAV with Kaleidoscope",
        ),
        ("a.sud", sud, "SoundTrap SUD; convert it to WAV with SoundTrap Host"),
    ];
    for (name, bytes, message) in cases {
        for tag in [&b""[..], b"ID3\x03\0\0\0\0\0\x02xy"] {
            let path = folder.path().join(name);
            fs::write(&path, [tag, &bytes].concat()).unwrap();
            let path = path.to_str().unwrap();
            for args in [&["inspect", path][..], &["import", path, "b.zarr"]] {
                let said = run_in(folder.path(), args).exits(1).stderr;
                assert!(said.contains(&format!("cannot decode {message}")), "{args:?}: {said}");
                let is_hinted = said.contains("--decoder ffmpeg");
                assert_eq!(is_hinted, message.ends_with("ffmpeg"), "{said}");
            }
        }
    }
    assert!(!folder.path().join("b.zarr").exists());
}

#[test]
fn nothing_to_play_is_a_failure() {
    let folder = folder_with(&[]);
    fs::write(folder.path().join("a.wav"), wave(1, 16, 8000, &[], &[])).unwrap();
    let said = run_in(folder.path(), ["inspect", "a.wav"]).exits(1).stderr;
    assert!(said.contains("nothing to play"), "{said}");
    run_in(folder.path(), ["import", "a.wav", "a.zarr"]).exits(1);
}

/// A mono file with a chunk before the samples.
fn wave(tag: u16, bits: u16, rate: u32, chunk: &[u8], data: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
    file.extend([tag, 1].map(u16::to_le_bytes).concat());
    file.extend([rate, rate * u32::from(bits / 8)].map(u32::to_le_bytes).concat());
    file.extend([bits / 8, bits].map(u16::to_le_bytes).concat());
    file.extend(chunk);
    file.extend([b"data", &u32::try_from(data.len()).unwrap().to_le_bytes()[..], data].concat());
    file
}

/// A sine of 200 Hz at 8 kHz, four times full scale.
fn loud(path: &Path) {
    let sample = |at: u16| 4.0 * (f32::from(at % 40) * std::f32::consts::TAU / 40.0).sin();
    let data: Vec<u8> = (0..8000).map(sample).flat_map(f32::to_le_bytes).collect();
    fs::write(path, wave(3, 32, 8000, &[], &data)).unwrap();
}

/// The table of an x.wav file: raw files of half a second, the second a minute after the first.
fn harp(rate: u32) -> Vec<u8> {
    let mut chunk = vec![0; 56 + 64];
    (chunk[0], chunk[36]) = (1, 2);
    for (number, minute) in [(0, 10), (1, 11)] {
        let entry = &mut chunk[56 + 32 * number..][..32];
        entry[..6].copy_from_slice(&[11, 1, 30, 4, minute, 0]);
        entry[12..16].copy_from_slice(&8000_u32.to_le_bytes());
        entry[20..24].copy_from_slice(&rate.to_le_bytes());
    }
    [b"harp", &120_u32.to_le_bytes()[..], &chunk].concat()
}

/// The messages of `inspect` and of `import`.
fn findings(folder: &Path, file: &str) -> [Vec<String>; 2] {
    let inspected = run_in(folder, ["inspect", file, "--json"]).exits(0).lines("finding");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let inspected = inspected
        .iter()
        .map(|line| format!("stream {}: {}", line["stream"], text(&line["message"])));
    let store = format!("{}.zarr", file.len());
    let imported = run_in(folder, ["import", file, &store, "--json"]).exits(0).lines("file");
    let imported = imported[0]["findings"].as_array().cloned().unwrap_or_default();
    [inspected.collect(), imported.iter().map(text).collect()]
}

#[test]
fn inspect_and_import_report_the_same() {
    let folder = folder_with(&[]);
    loud(&folder.path().join("loud.wav"));
    let data = vec![1; 16_000];
    for (name, rate) in [("duty.x.wav", 8000), ("other-rate.x.wav", 16_000)] {
        fs::write(folder.path().join(name), wave(1, 16, 8000, &harp(rate), &data)).unwrap();
    }
    let fast = wave(1, 16, 96_000, &[], &data);
    fs::write(folder.path().join("2020-01-02_03-04-05_20210101_000000.wav"), fast).unwrap();
    for (name, count) in [
        ("loud.wav", 1),
        ("duty.x.wav", 1),
        ("other-rate.x.wav", 2),
        ("2020-01-02_03-04-05_20210101_000000.wav", 1),
    ] {
        let [inspected, imported] = findings(folder.path(), name);
        assert_eq!(inspected, imported, "{name}");
        assert!(inspected.len() >= count, "{name}: {inspected:?}");
        if name == "duty.x.wav" {
            let said = "not continuous: 1 gaps of 59.500 s in all between 2 raw files";
            assert!(inspected[0].contains(said), "{inspected:?}");
        }
    }
    for name in ["golden/trio.opus", "opus-hd.opus", "wave/no-size-guano.wav", "wave/cut-off.aifc"]
    {
        let copy = folder.path().join(format!("copy{}", name.len()));
        fs::copy(testdata(name), &copy).unwrap();
        let [inspected, imported] = findings(folder.path(), copy.to_str().unwrap());
        assert_eq!(inspected, imported, "{name}");
        assert!(!inspected.is_empty(), "{name}");
    }
}

#[test]
fn sixteen_bits_do_not_limit_silently() {
    let folder = folder_with(&[]);
    loud(&folder.path().join("a.wav"));
    run_in(folder.path(), ["import", "a.wav", "a.zarr"]).exits(0);
    for (args, is_limited) in [
        (&["extract", "a.zarr/a", "-o", "b.wav"][..], true),
        (&["extract", "a.zarr/a", "-o", "b.flac"], true),
        (&["export", "a.zarr/a", "-o", "c.wav"], true),
        (&["export", "a.zarr/a", "-o", "d.wav", "--bits", "float32"], false),
        (&["extract", "a.zarr/a", "-o", "e.wav", "--bits", "float32"], false),
    ] {
        let said = run_in(folder.path(), args).exits(0).stderr;
        let warning = "samples reach full scale, the first at sample ";
        assert_eq!(said.contains(warning), is_limited, "{args:?}: {said}");
        assert_eq!(said.contains("--bits float32 keeps it"), is_limited);
    }
    let float = fs::read(folder.path().join("d.wav")).unwrap();
    assert_eq!(float[20..22], [3, 0]);
    assert_eq!(float, fs::read(folder.path().join("e.wav")).unwrap());
}
