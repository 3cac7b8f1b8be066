use std::{fs, ops::Range, path::Path, process::Command};

use opus_zarr::{
    ChannelSelection, ImportOptions, Output, OutputRate, Recording, Sample, Store, Ultrasound,
    import, unwatched,
};
use tempfile::TempDir;

use crate::{
    sound::{damage, names, read, read_i16, stdout_of, write_tones},
    support::{LONG_NOTES, folder_with, run_in},
};

/// Creates `a.zarr/tones`: two seconds of stereo that began at 20:15 UTC and have a sync map.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    add(folder.path(), "tones", 48_000, 2, 96_000, 440.0);
    folder
}

fn add(folder: &Path, name: &str, rate: u32, channels: u16, samples: u32, hz: f64) {
    let file = folder.join("20260512_201500.wav");
    write_tones(&file, rate, channels, samples, hz);
    let mut options = ImportOptions::default().zone("UTC".parse().unwrap());
    options.transcode.ultrasound = Ultrasound::Keep;
    let store = Store::open_or_create(folder.join("a.zarr")).unwrap();
    import(&file, &store, name, &options, unwatched).unwrap();
    fs::remove_file(file).unwrap();
}

fn open(folder: &Path, name: &str) -> Recording {
    Recording::open(&Store::open(folder.join("a.zarr")).unwrap(), name).unwrap()
}

fn expected<S: Sample>(folder: &Path, range: Range<u64>) -> Vec<S> {
    open(folder, "tones").read(range).unwrap()
}

fn extract(folder: &Path, args: &[&str], code: i32) -> String {
    let outcome = run_in(folder, [&["extract"], args].concat()).exits(code);
    assert_eq!(outcome.stdout.is_empty(), code != 0, "{outcome:?}");
    outcome.stderr + &outcome.stdout
}

#[test]
fn files_hold_the_samples_of_the_library() {
    let folder = folder();
    let folder = folder.path();
    let cut = |args: &[&str]| extract(folder, &[&["a.zarr/tones"], args].concat(), 0);

    let said = cut(&["--samples", "48_000..+4801", "-o", "x.wav"]);
    assert_eq!(said, "x.wav: 4801 samples at 48000 Hz, 2 channels, exact\n");
    let (format, samples) = read_i16(&folder.join("x.wav"));
    assert_eq!((format.codec.as_str(), format.rate, format.channels), ("pcm_s16le", 48_000, 2));
    assert_eq!(samples, expected::<i16>(folder, 48_000..52_801));

    cut(&["--time", "0.5..1.75", "--bits", "float32", "-o", "float.wav"]);
    let (format, samples) = read(&folder.join("float.wav"));
    assert_eq!(format.codec, "pcm_f32le");
    assert_eq!(samples, expected::<f32>(folder, 24_000..84_000));

    cut(&["--utc", "2026-05-12T22:15:00.1+02:00..+1s", "-o", "x.flac"]);
    let (format, samples) = read_i16(&folder.join("x.flac"));
    assert_eq!((format.container.as_str(), format.rate), ("flac", 48_000));
    assert_eq!(samples, expected::<i16>(folder, 4800..52_800));

    cut(&["--samples", "5..", "-o", "x.raw"]);
    let raw: Vec<u8> =
        expected::<i16>(folder, 5..96_000).iter().flat_map(|sample| sample.to_le_bytes()).collect();
    assert_eq!(fs::read(folder.join("x.raw")).unwrap(), raw);
}

#[test]
fn standard_output_equals_a_file() {
    let folder = folder();
    let folder = folder.path();
    let range = ["--samples", "1000..60_000"];
    for format in ["wav", "raw", "flac"] {
        let (file, all) = (format!("x.{format}"), ["extract", "a.zarr/tones", range[0], range[1]]);
        run_in(folder, [&all[..], &["-o", &file]].concat()).exits(0);
        let piped = stdout_of(folder, &[&all[..], &["--format", format]].concat());
        let named = stdout_of(folder, &[&all[..], &["--format", format, "-o", "-"]].concat());
        assert_eq!(piped, named);
        let mut in_file = fs::read(folder.join(file)).unwrap();
        if format == "flac" {
            // A pipe cannot get the MD5 in STREAMINFO afterwards.
            assert_ne!(in_file[26..42], [0; 16]);
            in_file[26..42].fill(0);
        }
        assert!(piped == in_file, "{format}");
    }
    let outcome =
        run_in(folder, ["extract", "a.zarr/tones", "--format", "raw", "--samples", "..0"]);
    assert_eq!(outcome.exits(1).stdout, "");
}

#[test]
fn rates_and_channels_are_those_of_the_library() {
    let folder = folder();
    let folder = folder.path();
    let mut recording = open(folder, "tones");
    for (args, rate, channels) in [
        (["--rate", "16000", "--channels", "mono"], OutputRate::Hz16000, ChannelSelection::Mono),
        (
            ["--rate", "48000", "--channels", "2"],
            OutputRate::Hz48000,
            ChannelSelection::Only(vec![1]),
        ),
        (
            ["--rate", "8000", "--channels", "2,1"],
            OutputRate::Hz8000,
            ChannelSelection::Only(vec![1, 0]),
        ),
    ] {
        recording.set_output(Output::default().rate(rate).channels(channels)).unwrap();
        let all = ["a.zarr/tones", "--samples", "7001..80_000", "--force", "-o", "x.wav"];
        extract(folder, &[&all[..], &args].concat(), 0);
        let (format, samples) = read_i16(&folder.join("x.wav"));
        assert_eq!(format.rate, rate.hz());
        assert_eq!(samples, recording.read::<i16>(7001..80_000).unwrap(), "{args:?}");
    }
}

#[test]
fn ultrasound_states_its_true_rate() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    add(folder, "bats", 250_000, 1, 50_000, 40_000.0);
    let bats = open(folder, "bats").read::<i16>(25_000..37_500).unwrap();
    for file in ["x.wav", "x.flac"] {
        extract(folder, &["a.zarr/bats", "--time", "0.1..0.15", "-o", file], 0);
        let (format, samples) = read_i16(&folder.join(file));
        assert_eq!((format.rate, samples == bats), (250_000, true), "{file}");
    }
    extract(folder, &["a.zarr/bats", "--rate", "24000", "-o", "half.wav"], 0);
    assert_eq!(read(&folder.join("half.wav")).0.rate, 125_000);
    let said = extract(folder, &["a.zarr/bats", "--rate", "16000", "-o", "third.wav"], 1);
    assert!(said.contains("has 250000 Hz") && said.contains("omit --rate"), "{said}");
}

#[test]
fn loudspeakers_keep_their_positions() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    add(folder, "surround", 48_000, 6, 48_000, 90.0);
    for file in ["x.wav", "x.flac"] {
        extract(folder, &["a.zarr/surround", "-o", file], 0);
        let (format, samples) = read(&folder.join(file));
        assert_eq!(format.channel_mask.unwrap_or(0x3f), 0x3f);
        let loudness = |channel: usize| {
            let channel = samples.iter().skip(channel).step_by(6);
            channel.map(|sample| sample.abs()).fold(0.0, f32::max)
        };
        let order: Vec<f32> = (0..6).map(loudness).collect();
        assert!(order.is_sorted() && order[0] > 0.0, "{file}: {order:?}");
    }
    // Raw samples have no loudspeakers, so they keep the order of the library.
    extract(folder, &["a.zarr/surround", "--samples", "..+960", "-o", "x.raw"], 0);
    let raw: Vec<u8> = open(folder, "surround")
        .read::<i16>(0..960)
        .unwrap()
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    assert_eq!(fs::read(folder.join("x.raw")).unwrap(), raw);
}

#[test]
fn approximate_samples_are_reported() {
    let folder = folder_with(&[(LONG_NOTES, "notes")]);
    let folder = folder.path();
    let cut = |args: &[&str], code| extract(folder, &[&["a.zarr/notes"], args].concat(), code);
    let said = cut(&["--samples", "480000..481000", "-o", "a.wav"], 0);
    assert!(said.contains("build a map with `opus-zarr sync a.zarr/notes`"), "{said}");
    assert!(said.ends_with("a.wav: 1000 samples at 48000 Hz, 1 channel, approximate\n"), "{said}");
    let said = cut(&["--samples", "480000..481000", "-o", "b.wav", "--approximate"], 0);
    assert_eq!(said, "b.wav: 1000 samples at 48000 Hz, 1 channel, approximate\n");
    let said = cut(&["--samples", "..48000", "-o", "c.wav"], 0);
    assert_eq!(said, "c.wav: 48000 samples at 48000 Hz, 1 channel, exact\n");
    let said = cut(&["--samples", "480000..481000", "-o", "d.wav", "--exact"], 0);
    assert_eq!(said, "d.wav: 1000 samples at 48000 Hz, 1 channel, exact\n");
    assert_eq!(names(folder), ["a.wav", "a.zarr", "b.wav", "c.wav", "d.wav"]);
}

#[test]
fn tables_are_cut_exactly_if_asked_to() {
    let folder = folder_with(&[(LONG_NOTES, "notes")]);
    let folder = folder.path();
    fs::write(folder.join("rows.csv"), "start,end\n10,10.5\n").unwrap();
    let cut = |args: &[&str]| {
        let batch = ["a.zarr/notes", "--batch", "rows.csv", "-o", "cuts", "--force"];
        let said = extract(folder, &[&batch[..], args].concat(), 0);
        let file = folder.join("cuts/notes_10.000s.wav");
        (said, fs::read(file).unwrap())
    };
    let (said, _) = cut(&[]);
    assert!(
        said.contains("approximate: no sync map") && said.contains(", approximate\n"),
        "{said}"
    );
    let (said, exact) = cut(&["--exact"]);
    assert!(said.ends_with(", exact\n"), "{said}");
    let samples: Vec<i16> =
        open(folder, "notes").read_as(opus_zarr::ReadMode::Exact, 480_000..504_000).unwrap();
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    assert!(exact.ends_with(&bytes));
}

#[test]
fn other_rates_are_exact() {
    let folder = folder();
    let cut = |args: &[&str], code| {
        let all = ["a.zarr/tones", "--time", "1..", "--rate", "8000", "-o", "x.wav"];
        extract(folder.path(), &[&all[..], args].concat(), code)
    };
    let said = cut(&[], 0);
    assert!(said.ends_with("samples at 8000 Hz, 2 channels, exact\n"), "{said}");
}

#[test]
fn a_line_of_json_describes_the_file() {
    let folder = folder();
    let folder = folder.path();
    let args = ["--json", "extract", "a.zarr/tones", "--time", "0.5..1", "--rate", "24000"];
    let outcome = run_in(folder, [&args[..], &["-o", "x.flac"]].concat()).exits(0);
    let [line] = &outcome.lines("extracted")[..] else { panic!("{outcome:?}") };
    let length = fs::metadata(folder.join("x.flac")).unwrap().len();
    assert_eq!(
        (
            &line["recording"],
            &line["output"],
            &line["start_sample"],
            &line["end_sample"],
            &line["is_exact"]
        ),
        (&"a.zarr/tones".into(), &"x.flac".into(), &24_000.into(), &48_000.into(), &true.into())
    );
    assert_eq!(
        (&line["samples"], &line["rate"], &line["channels"], &line["bytes"]),
        (&12_000.into(), &24_000.into(), &2.into(), &length.into())
    );
    assert!(line["elapsed_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn wrong_arguments_are_explained() {
    let folder = folder();
    let folder = folder.path();
    for (args, code, part) in [
        (&["a.zarr/tones", "--samples", "5"][..], 2, "invalid range"),
        (&["a.zarr/tones", "--samples", "-5..7"], 2, "is negative"),
        (&["a.zarr/tones", "--time", "1..x"], 2, "invalid time"),
        (&["a.zarr/tones", "--utc", "2026-05-12T20:15:00.."], 2, "append Z for UTC"),
        (&["a.zarr/tones", "--time", "1..2", "--samples", "1..2"], 2, "cannot be used with"),
        (&["a.zarr/tones", "--time", "1..3"], 1, "beyond the end at 2s"),
        (&["a.zarr/tones", "--samples", "7..7"], 1, "no sample"),
        (&["a.zarr/tones", "--rate", "44100"], 2, "expected 48000, 24000, 16000, 12000 or 8000"),
        (&["a.zarr/tones", "--channels", "0"], 2, "invalid channel"),
        (
            &["a.zarr/tones", "--channels", "3"],
            2,
            "\"tones\" has 2 channels\n  --channels counts from 1",
        ),
        (&["a.zarr/tones", "--exact", "--approximate"], 2, "cannot be used with"),
        (&["a.zarr/tones", "-o", "x.mp3"], 2, "cannot infer a format"),
        (&["a.zarr/tones", "-o", "x.flac", "--bits", "float32"], 2, "FLAC cannot store float32"),
        (&["a.zarr/tones", "-o", "."], 1, "is a directory"),
        (&["a.zarr/nothing", "-o", "x.wav"], 10, "nothing"),
        (&["a.zarr", "-o", "x.wav"], 10, "write a.zarr/NAME"),
        (&["b.zarr/tones", "-o", "x.wav"], 10, "b.zarr"),
        (&["a.zarr/tones", "--batch", "no.csv"], 2, "pass a directory"),
        (&["a.zarr/tones", "--batch", "no.csv", "-o", "d"], 1, "no.csv"),
        (&["a.zarr/tones", "--batch", "no.csv", "-o", "d", "--time", "1.."], 2, "cannot be used"),
    ] {
        let said = extract(folder, args, code);
        assert!(said.contains(part), "{args:?}: {said}");
    }
    assert_eq!(names(folder), ["a.zarr"]);
}

#[test]
fn a_file_appears_complete_or_not_at_all() {
    let folder = folder();
    let folder = folder.path();
    fs::write(folder.join("x.wav"), "mine").unwrap();
    let said = extract(folder, &["a.zarr/tones", "-o", "x.wav"], 1);
    assert!(said.contains("already exists") && said.contains("--force"), "{said}");
    assert_eq!(fs::read(folder.join("x.wav")).unwrap(), b"mine");
    extract(folder, &["a.zarr/tones", "-o", "x.wav", "--force"], 0);
    assert_eq!(read_i16(&folder.join("x.wav")).1, expected::<i16>(folder, 0..96_000));

    let said = extract(folder, &["a.zarr/tones", "-o", "nowhere/x.wav"], 1);
    assert!(said.contains("cannot write \"nowhere/x.wav\""), "{said}");

    damage(&folder.join("a.zarr/tones"));
    extract(folder, &["a.zarr/tones", "-o", "x.wav", "--force"], 4);
    extract(folder, &["a.zarr/tones", "-o", "y.flac"], 4);
    assert_eq!(names(folder), ["a.zarr", "x.wav"]);
    assert_eq!(read_i16(&folder.join("x.wav")).1.len(), 192_000);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_device_is_an_error() {
    let folder = folder();
    let said = extract(folder.path(), &["a.zarr/tones", "--format", "wav", "-o", "/dev/full"], 1);
    assert!(said.contains("cannot write \"/dev/full\""), "{said}");
    assert!(!fs::metadata("/dev/full").unwrap().is_file());
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_opus-zarr"));
    let output = command
        .current_dir(folder.path())
        .args(["extract", "a.zarr/tones", "--samples", "..10"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write to standard output"));
}

#[test]
fn a_table_is_cut_row_by_row() {
    let folder = folder();
    let folder = folder.path();
    fs::write(
        folder.join("regions.csv"),
        "name,Start,End\nfirst,0.5,+250ms\n,1,1.5\nbad,1,9\n../x,0,1\nlast,2026-05-12T20:15:01Z,+1s\n\
         first,0,1\n,1,1.5\n",
    )
    .unwrap();
    let args = ["--json", "extract", "a.zarr/tones", "--batch", "regions.csv", "-o", "cuts"];
    let outcome = run_in(folder, args).exits(3);
    let cuts = folder.join("cuts");
    let again = "tones_20260512T201501_2.wav";
    let expected_names =
        ["first.wav", "last.wav", "manifest.csv", "tones_20260512T201501.wav", again];
    assert_eq!(names(&cuts), expected_names);
    for (file, range) in [
        ("first.wav", 24_000..36_000),
        ("last.wav", 48_000..96_000),
        ("tones_20260512T201501.wav", 48_000..72_000),
        (again, 48_000..72_000),
    ] {
        assert_eq!(read_i16(&cuts.join(file)).1, expected::<i16>(folder, range), "{file}");
    }
    let lines: Vec<_> =
        outcome.lines("extracted").iter().map(|line| line["line"].clone()).collect();
    assert_eq!(lines, [2, 3, 6, 8]);
    for part in [
        "line 4: ",
        "beyond the end",
        "line 5: ",
        "invalid file name",
        "line 7: ",
        "another row",
        "3 of 7 rows could not be cut",
    ] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
}

#[test]
fn a_table_of_a_store_names_recordings() {
    let folder = folder();
    let folder = folder.path();
    add(folder, "other", 48_000, 1, 48_000, 1000.0);
    fs::write(
        folder.join("regions.tsv"),
        "recording\tBegin Time (s)\tEnd Time (s)\nother\t0.25\t0.5\ntones\t0.25\t0.5\nnone\t0\t1\n\t0\t1\n",
    )
    .unwrap();
    let args = ["extract", "a.zarr", "--batch", "regions.tsv", "-o", "cuts", "--format", "flac"];
    let outcome = run_in(folder, args).exits(3);
    assert_eq!(
        names(&folder.join("cuts")),
        ["manifest.csv", "other_20260512T201500.flac", "tones_20260512T201500.flac"]
    );
    let other = read_i16(&folder.join("cuts/other_20260512T201500.flac")).1;
    assert_eq!(other, open(folder, "other").read::<i16>(12_000..24_000).unwrap());
    assert!(outcome.stderr.contains("line 4: ") && outcome.stderr.contains("line 5: "));
}
