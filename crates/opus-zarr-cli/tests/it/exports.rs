//! What exports keep of the source, and at which rates and depths they are written.

use std::{fs, path::Path};

use opus_zarr_testkit::{say_skipped, wave::wave};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    import::import,
    recorder::{GUANO, bext, info_list, with_chunks},
    sound::{read, read_i16},
    support::{folder_with, run_in},
};

/// Returns the content of a chunk of a WAVE file.
fn chunk(file: &[u8], id: &[u8; 4]) -> Option<Vec<u8>> {
    let mut at = 12;
    while let Some(head) = file.get(at..at + 8) {
        let size = usize::try_from(u32::from_le_bytes(head[4..].try_into().unwrap())).unwrap();
        if head[..4] == *id {
            return Some(file[at + 8..at + 8 + size].to_vec());
        }
        at += 8 + size.next_multiple_of(2);
    }
    None
}

fn tone(rate: u32, count: u32) -> Vec<i16> {
    let at = |k: u32| (f64::from(k) / f64::from(rate) * 440.0 * std::f64::consts::TAU).sin();
    #[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a tone")]
    (0..count).map(|k| (at(k) * 12_000.0) as i16).collect()
}

/// A store with a second of a tone at a rate, from a file with metadata of all kinds.
fn store(rate: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let list = info_list(&[(b"IART", "Ann"), (b"ICMT", "odd")]);
    let bext = bext("Marsh", "2021-11-12", "19:30:00", u64::from(rate) * 70_200);
    let ixml = b"<BWFXML><SCENE>dawn</SCENE></BWFXML>";
    let cue = [0; 4];
    let chunks: [(&[u8; 4], &[u8]); 5] = [
        (b"guan", GUANO.as_bytes()),
        (b"LIST", &list),
        (b"bext", &bext),
        (b"iXML", ixml),
        (b"cue ", &cue),
    ];
    let file = with_chunks(wave(rate, 1, &tone(rate, rate)), &chunks);
    fs::write(folder.path().join("a.wav"), file).unwrap();
    import(folder.path(), &["a.wav", "a.zarr", "--tz", "UTC"]).exits(0);
    folder
}

fn run(folder: &Path, args: &[&str]) -> Vec<u8> {
    run_in(folder, args).exits(0);
    let output = args.iter().position(|arg| *arg == "-o").unwrap();
    fs::read(folder.join(args[output + 1])).unwrap()
}

#[test]
fn wav_gets_its_chunks_back() {
    for rate in [48_000, 32_000] {
        let folder = store(rate);
        let folder = folder.path();
        let source = fs::read(folder.join("a.wav")).unwrap();
        let native = run(folder, &["export", "a.zarr/a", "-o", "native.wav", "--rate", "native"]);
        for id in [b"guan", b"bext", b"iXML"] {
            assert_eq!(chunk(&native, id), chunk(&source, id), "{rate}");
        }
        assert_eq!(chunk(&native, b"cue "), None);
        let list = chunk(&native, b"LIST").unwrap();
        assert!(list.starts_with(&chunk(&source, b"LIST").unwrap()), "{rate}");
        assert!(list.windows(20).any(|text| text == b"2021-11-12T19:30:00Z"));
        // Importing it again gives the same start, at any rate.
        run(folder, &["export", "a.zarr/a", "-o", "48.wav"]);
        for file in ["native.wav", "48.wav"] {
            import(folder, &[file, "again.zarr", "--name", file, "--tz", "UTC"]).exits(0);
            let info = run_in(folder, ["info", &format!("again.zarr/{file}"), "--json"]).exits(0);
            let info = &info.lines("info")[0];
            assert_eq!(info["start"]["utc"], "2021-11-12T19:30:00Z", "{rate} {file}");
            let from_bext = ["import", file, "bext.zarr", "--time-from", "bext", "--tz", "UTC"];
            run_in(folder, from_bext).exits(0);
            let name = file.strip_suffix(".wav").unwrap();
            let start =
                run_in(folder, ["info", &format!("bext.zarr/{name}"), "--field", "start.utc"]);
            assert_eq!(start.exits(0).stdout, "2021-11-12T19:30:00Z\n", "{rate} {file}");
        }
        // A part begins later, and keeps nothing that says otherwise.
        let part = run(folder, &["extract", "a.zarr/a", "--time", "0.25..", "-o", "part.wav"]);
        for id in [b"guan", b"bext", b"iXML"] {
            assert_eq!(chunk(&part, id), None);
        }
        let list = chunk(&part, b"LIST").unwrap();
        assert!(list.windows(23).any(|text| text == b"2021-11-12T19:30:00.25Z"));
        assert!(!list.windows(4).any(|text| text == b"ICMT"));
    }
}

/// What was recorded ten times faster than the file plays is written in real time.
#[test]
fn time_expanded_files_are_exported_in_real_time() {
    let folder = tempfile::tempdir().unwrap();
    let guano = b"GUANO|Version: 1.0\nTE: 10\nMake: X\n";
    let file = with_chunks(wave(38_400, 1, &tone(38_400, 38_400)), &[(b"guan", guano)]);
    fs::write(folder.path().join("a.wav"), file).unwrap();
    import(folder.path(), &["a.wav", "a.zarr"]).exits(0);
    let exported = run(folder.path(), &["export", "a.zarr/a", "-o", "b.wav", "--rate", "native"]);
    assert_eq!(chunk(&exported, b"guan").unwrap(), b"GUANO|Version: 1.0\nTE: 1\nMake: X\n");
    let (format, samples) = read(&folder.path().join("b.wav"));
    assert_eq!((format.rate, samples.len()), (384_000, 38_400));
}

#[test]
fn the_native_rate_has_the_samples_of_the_source() {
    for (rate, count) in [
        (32_000, 12_345),
        (44_100, 10_001),
        (22_050, 9_999),
        (16_000, 5_001),
        (96_000, 9_601),
        (48_000, 777),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let source = tone(rate, count);
        fs::write(folder.path().join("a.wav"), wave(rate, 1, &source)).unwrap();
        import(folder.path(), &["a.wav", "a.zarr"]).exits(0);
        let all = ["extract", "a.zarr/a", "--rate", "native", "-o", "b.wav", "--json"];
        let line = run_in(folder.path(), all).exits(0).lines("extracted").remove(0);
        assert_eq!((&line["rate"], &line["samples"]), (&json!(rate), &json!(count)));
        assert_eq!(line["is_exact"], true);
        let (format, samples) = read_i16(&folder.path().join("b.wav"));
        assert_eq!((format.rate, samples.len()), (rate, source.len()));
        let middle = source.len() / 4..source.len() * 3 / 4;
        let off = |(one, other): (&i16, &i16)| one.abs_diff(*other);
        let worst = samples[middle.clone()].iter().zip(&source[middle]).map(off).max().unwrap();
        assert!(worst < 900, "{rate}: {worst}");
    }
}

/// However a recording is cut, the samples at its native rate are those of the whole.
#[test]
fn parts_at_the_native_rate_are_adjacent() {
    for rate in [32_000, 44_100] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.wav"), wave(rate, 2, &tone(rate, rate * 20))).unwrap();
        import(folder.path(), &["a.wav", "a.zarr"]).exits(0);
        let cut = |range: &str| {
            let args = [
                "extract",
                "a.zarr/a",
                "--rate",
                "native",
                "--bits",
                "float32",
                "--samples",
                range,
                "--force",
                "-o",
                "b.wav",
            ];
            run(folder.path(), &args);
            read(&folder.path().join("b.wav")).1
        };
        let whole = cut("0..");
        let mut parts = Vec::new();
        for range in
            ["0..1", "1..7", "7..8", "8..48000", "48000..200001", "200001..331000", "331000.."]
        {
            parts.extend(cut(range));
        }
        assert_eq!(parts.len(), whole.len());
        fs::write(folder.path().join("cuts.csv"), "start_sample,end_sample,name\n48000,200001,x\n")
            .unwrap();
        let table = [
            "extract", "a.zarr/a", "--batch", "cuts.csv", "-o", "cuts", "--rate", "native",
            "--bits", "float32",
        ];
        run_in(folder.path(), table).exits(0);
        let cut = cut("48000..200001");
        assert_eq!(read(&folder.path().join("cuts/x.wav")).1, cut);
        let worst =
            parts.iter().zip(&whole).map(|(part, whole)| (part - whole).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{rate}: {worst}");
    }
}

#[test]
fn files_of_24_bits_are_written() {
    let folder = store(48_000);
    let folder = folder.path();
    run(folder, &["export", "a.zarr/a", "-o", "f.wav", "--bits", "float32"]);
    let (_, exact) = read(&folder.join("f.wav"));
    for file in ["a24.wav", "a24.flac", "cut24.wav"] {
        let verb = if file.starts_with("cut") { "extract" } else { "export" };
        run(folder, &[verb, "a.zarr/a", "-o", file, "--bits", "24"]);
        let (format, samples) = read(&folder.join(file));
        assert!(format.codec.contains("24") || file.ends_with(".flac"), "{}", format.codec);
        assert_eq!(samples.len(), exact.len());
        let worst =
            samples.iter().zip(&exact).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
        // Half a step of 24 bits.
        assert!(worst <= 0.5001 / 8_388_608.0, "{file}: {worst}");
    }
    let raw = run(
        folder,
        &[
            "extract",
            "a.zarr/a",
            "--samples",
            "0..10",
            "--format",
            "raw",
            "--bits",
            "24",
            "-o",
            "x.raw",
        ],
    );
    assert_eq!(raw.len(), 30);
}

#[test]
fn flac_gets_the_tags() {
    let folder = store(48_000);
    let folder = folder.path();
    let text = |file: Vec<u8>| String::from_utf8_lossy(&file).into_owned();
    let whole = text(run(folder, &["export", "a.zarr/a", "-o", "a.flac"]));
    for tag in ["TITLE=a", "ARTIST=Ann", "COMMENT=odd", "DATE=2021-11-12T19:30:00Z"] {
        assert!(whole.contains(tag), "{tag}");
    }
    let part = text(run(folder, &["extract", "a.zarr/a", "--time", "0.5..", "-o", "b.flac"]));
    assert!(part.contains("DATE=2021-11-12T19:30:00.5Z") && part.contains("ARTIST=Ann"));
    assert_eq!(whole.matches("DATE=").count(), 1);
}

/// The packets are those that are stored, and importing the file again gives the same start.
#[test]
fn opus_gets_the_start() {
    let folder = store(48_000);
    let folder = folder.path();
    let json = |args: &[&str], kind| run_in(folder, args).exits(0).lines(kind).remove(0);
    let exported = json(&["export", "a.zarr/a", "-o", "a.opus", "--json"], "exported");
    let file = fs::read(folder.join("a.opus")).unwrap();
    assert_eq!(exported["bytes"], file.len());
    let text = String::from_utf8_lossy(&file).into_owned();
    assert!(text.contains("DATE=2021-11-12T19:30:00Z") && text.contains("ARTIST=Ann"));
    import(folder, &["a.opus", "again.zarr"]).exits(0);
    let info = |place: &str| json(&["info", place, "--json"], "info");
    let (before, after) = (info("a.zarr/a"), info("again.zarr/a"));
    assert_eq!(after["source"]["sha256"], exported["sha256"]);
    assert_eq!(after["source"]["stored"], "verbatim");
    assert_eq!(after["start"]["utc"], "2021-11-12T19:30:00Z");
    for same in ["play_samples", "packets", "pre_skip", "coded_samples"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    let samples =
        |place: &str| run(folder, &["extract", place, "--format", "raw", "--force", "-o", "x.raw"]);
    assert!(samples("a.zarr/a") == samples("again.zarr/a"));
    // That one was stored unchanged.
    run(folder, &["export", "again.zarr/a", "-o", "b.opus"]);
    assert!(fs::read(folder.join("b.opus")).unwrap() == file);
}

/// Another program reads what was written.
#[test]
fn ffprobe_reads_exports() {
    let probe = |folder: &Path, file: &str| {
        let args = [
            "-v",
            "error",
            "-show_entries",
            "stream=sample_rate,bits_per_raw_sample,bits_per_sample:format_tags",
            "-of",
            "json",
            file,
        ];
        let output = std::process::Command::new("ffprobe").args(args).current_dir(folder).output();
        output
            .ok()
            .map(|output| serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap())
    };
    let folder = store(32_000);
    let folder = folder.path();
    run(folder, &["export", "a.zarr/a", "-o", "a.wav24.wav", "--rate", "native", "--bits", "24"]);
    run(folder, &["export", "a.zarr/a", "-o", "a.flac", "--rate", "native", "--bits", "24"]);
    let Some(wav) = probe(folder, "a.wav24.wav") else { return say_skipped("no ffprobe") };
    let flac = probe(folder, "a.flac").unwrap();
    assert_eq!(
        (&wav["streams"][0]["sample_rate"], &flac["streams"][0]["sample_rate"]),
        (&json!("32000"), &json!("32000"))
    );
    assert_eq!(
        (&wav["streams"][0]["bits_per_sample"], &flac["streams"][0]["bits_per_raw_sample"]),
        (&json!(24), &json!("24"))
    );
    for (tags, artist) in [(&wav["format"]["tags"], "artist"), (&flac["format"]["tags"], "ARTIST")]
    {
        assert_eq!(tags[artist], "Ann", "{tags}");
    }
    assert_eq!(wav["format"]["tags"]["date"], "2021-11-12", "{wav}");
}

#[test]
fn rates_that_make_no_sense_are_refused() {
    let folder = folder_with(&[("chirps-stereo.opus", "a")]);
    let refused = |args: &[&str], expected: &str| {
        let done = run_in(folder.path(), args);
        assert!(done.code != 0 && done.stderr.contains(expected), "{args:?}: {}", done.stderr);
    };
    refused(&["export", "a.zarr/a", "-o", "x.opus", "--rate", "native"], "--rate");
    refused(&["extract", "a.zarr/a", "-o", "x.wav", "--rate", "32000"], "invalid");
    refused(
        &["extract", "a.zarr/a", "-o", "x.flac", "--bits", "float32"],
        "FLAC cannot store float32",
    );
}
