//! `extract STORE --utc`: a range of time goes on from one recording to the next.

use std::{fs, path::Path};

use opus_zarr::{
    Deployment, Gaps, ImportOptions, Recording, RecordingFilter, Store, Timestamp, import,
    unwatched,
};
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::{
    sound::{damage, names, read, read_i16, write_tones},
    support::run_in,
};

/// Two stations in `a.zarr`, and a recording at an unknown time. At the reed, two files that follow one
/// another, and one after a gap; in the wood, stereo within that gap.
fn season() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (site, file, channels, samples) in [
        ("reed", "20260512_030000", 1, 96_000),
        ("reed", "20260512_030002", 1, 48_000),
        ("reed", "20260512_030010", 1, 24_000),
        ("wood", "20260512_030005", 2, 48_000),
        ("reed", "undated", 1, 4800),
    ] {
        add(folder.path(), (site, file), channels, samples);
    }
    folder
}

pub(crate) fn add(folder: &Path, (site, name): (&str, &str), channels: u16, samples: u32) {
    let file = folder.join(format!("{name}.wav"));
    write_tones(&file, 48_000, channels, samples, 440.0);
    let zone = "Europe/Zurich".parse().unwrap();
    let notes = Map::from_iter([("site".to_owned(), Value::from(site))]);
    let mut options = ImportOptions::default().zone(zone);
    options.notes = notes;
    let store = Store::open_or_create(folder.join("a.zarr")).unwrap();
    import(&file, &store, &format!("{site}_{name}"), &options, unwatched).unwrap();
    fs::remove_file(file).unwrap();
}

/// What the command says: on standard error, and on standard output.
fn extract(folder: &Path, args: &str, code: i32) -> String {
    let outcome = run_in(folder, ["extract"].into_iter().chain(args.split(' '))).exits(code);
    assert_eq!(outcome.stdout.is_empty(), code != 0, "{outcome:?}");
    outcome.stderr + &outcome.stdout
}

fn reed(folder: &Path) -> Deployment {
    let store = Store::open(folder.join("a.zarr")).unwrap();
    Deployment::open(&store, &RecordingFilter::default().note("site", "reed")).unwrap()
}

fn at(time: &str) -> Timestamp {
    format!("2026-05-12T{time}Z").parse().unwrap()
}

#[test]
fn a_range_goes_on_in_the_next_recording() {
    let folder = season();
    let folder = folder.path();
    let range = "--utc 03:00:01..03:00:02.5 --on 2026-05-12 --tz Europe/Zurich";
    let said = extract(folder, &format!("a.zarr --where site=reed {range} -o x.wav"), 0);
    assert!(said.contains("left out 1 recording whose start time is unknown"), "{said}");
    assert!(said.contains("such as \"reed_undated\""), "{said}");
    let line = "x.wav: 72000 samples at 48000 Hz, 1 channel, exact; 2026-05-12T03:00:01+02:00 to 2026-05-12T03:00:02.5+02:00, 2 recordings";
    assert!(said.contains(line), "{said}");
    let (format, samples) = read_i16(&folder.join("x.wav"));
    assert_eq!((format.rate, format.channels), (48_000, 1));
    let times = at("01:00:01")..at("01:00:02.5");
    let expected = reed(folder).read_utc::<i16>(times.clone(), Gaps::Error).unwrap();
    assert!(samples == expected[0].samples);
    let store = Store::open(folder.join("a.zarr")).unwrap();
    let first = Recording::open(&store, "reed_20260512_030000").unwrap();
    assert!(samples[..48_000] == first.read::<i16>(48_000..96_000).unwrap());

    // The same range, in other words.
    for (other, range) in [
        ("a.zarr/reed_2*", "--utc 2026-05-12T01:00:01Z..+1.5s"),
        ("a.zarr/reed_2026*", "--utc 2026-05-12T03:00:01[Europe/Zurich]..03:00:02.5"),
        ("a.zarr/[!w]*_2*", "--utc 2026-05-12T03:00:01+02:00..+1.5s"),
    ] {
        let said = extract(folder, &format!("{other} {range} --bits float32 -o y.wav --force"), 0);
        let line = line.replace("x.wav", "y.wav") + "\n";
        let line = match range.contains("Zurich") {
            true => line,
            false => line.replace("T03", "T01").replace("+02:00", "Z"),
        };
        assert_eq!(said, line);
        let expected = reed(folder).read_utc::<f32>(times.clone(), Gaps::Error).unwrap();
        assert!(read(&folder.join("y.wav")).1 == expected[0].samples);
    }
    // One recording ends where it ends.
    let one = "a.zarr/reed_20260512_030000 --utc 2026-05-12T01:00:01Z..+1.5s -o z.wav";
    let said = extract(folder, one, 1);
    assert!(
        said.contains("ended at 2026-05-12T01:00:02Z, before 2026-05-12T01:00:02.5Z"),
        "{said}"
    );
}

#[test]
fn gaps_are_refused_silent_or_split() {
    let folder = season();
    let folder = folder.path();
    let day = "a.zarr/reed_2* --utc 2026-05-12T01:00:00Z..2026-05-12T01:00:11Z";
    for refused in [format!("{day} -o x.wav"), format!("{day} --gaps error -o x.wav")] {
        let said = extract(folder, &refused, 1);
        let gap = "nothing was recorded from 2026-05-12T01:00:03Z to 2026-05-12T01:00:10Z";
        assert!(said.contains(gap), "{said}");
        let choices = ["--gaps silence", "--gaps split", "--gaps error"];
        assert!(choices.iter().all(|choice| said.contains(choice)), "{said}");
    }
    assert!(!folder.join("x.wav").exists());

    let silent = extract(folder, &format!("{day} --gaps silence -o x.wav"), 0);
    assert!(silent.contains("x.wav: 528000 samples"), "{silent}");
    assert!(silent.contains("3 recordings, 0:07.500 of silence in 2 gaps"), "{silent}");
    let (_, samples) = read_i16(&folder.join("x.wav"));
    let expected =
        reed(folder).read_utc::<i16>(at("01:00:00")..at("01:00:11"), Gaps::Silence).unwrap();
    assert!(samples == expected[0].samples);
    assert!(samples[144_000..480_000].iter().all(|sample| *sample == 0));

    let split = extract(folder, &format!("{day} --gaps split -o cuts --json"), 0);
    let files =
        ["reed_20260512_030000_20260512T010000Z.wav", "reed_20260512_030010_20260512T010010Z.wav"];
    assert_eq!(names(&folder.join("cuts")), files);
    let lines: Vec<Value> = split.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["recordings"].as_array().unwrap().len(), 2);
    assert_eq!(lines[1]["start"], "2026-05-12T01:00:10Z");
    assert_eq!(lines[1]["is_exact"], true);
    let (_, last) = read_i16(&folder.join("cuts").join(files[1]));
    assert!(last == samples[480_000..504_000]);
    let again = extract(folder, &format!("{day} --gaps split -o cuts"), 1);
    assert!(again.contains("already exists"), "{again}");
}

#[test]
fn formats_rates_and_channels_apply() {
    let folder = season();
    let folder = folder.path();
    let whole = "a.zarr/reed_2* --utc 2026-05-12T01:00:00Z..+1m --gaps silence";
    let flac = extract(folder, "a.zarr/wood* --utc .. -o x.flac --channels 2,1", 0);
    assert!(flac.contains("x.flac: 48000 samples at 48000 Hz, 2 channels"), "{flac}");
    let slow = extract(folder, &format!("{whole} --rate 8000 --format raw -o x"), 0);
    assert!(slow.contains("x: 480000 samples at 8000 Hz, 1 channel"), "{slow}");
    assert_eq!(fs::metadata(folder.join("x")).unwrap().len(), 960_000);
}

#[test]
fn what_cannot_be_one_range_is_refused() {
    let folder = season();
    let folder = folder.path();
    let file = folder.join("20260512_030000.wav");
    write_tones(&file, 32_000, 1, 64_000, 440.0);
    let args = "20260512_030000.wav a.zarr --name slow --tz Europe/Zurich";
    run_in(folder, ["import"].into_iter().chain(args.split(' '))).exits(0);
    fs::remove_file(file).unwrap();
    let second = "--utc 2026-05-12T01:00:00Z..+1s -o x.wav";
    for (args, code, message) in [
        (
            "a.zarr --utc 2026-05-12T01:00:00Z..+6s -o x.wav".to_owned(),
            1,
            "have 1 and 2 channels and cannot be read as one",
        ),
        (format!("a.zarr/none* {second}"), 10, "matches \"none*\""),
        (format!("a.zarr --where site=lake {second}"), 10, "no recording of known start time"),
        (format!("a.zarr/reed_undated* {second}"), 10, "no recording of known start time"),
        (format!("a.zarr --where site {second}"), 2, "expected KEY=VALUE"),
        (format!("a.zarr/[ {second}"), 2, "invalid pattern"),
        ("a.zarr/reed* -o x.wav".to_owned(), 2, "--utc selects the time"),
        ("a.zarr --where site=reed -o x.wav".to_owned(), 2, "--utc selects the time"),
        ("a.zarr -o x.wav".to_owned(), 10, "is a store, expected a recording in it"),
        (
            format!("a.zarr/wood_20260512_030005 {second} --gaps silence"),
            2,
            "--gaps, --where and --catalogue are for",
        ),
        (format!("a.zarr/wood_20260512_030005 {second} --where site=wood"), 2, "one recording"),
        ("a.zarr/reed* --utc 03:00..04:00 --tz UTC -o x.wav".to_owned(), 2, "--on DATE"),
        ("a.zarr/reed* --utc 2026-05-12 -o x.wav".to_owned(), 2, "--tz ZONE"),
        (format!("a.zarr/reed* {second} --on 2026-05-12"), 2, "omit --on"),
        ("a.zarr/reed* --on 2026-05-12 -o x.wav".to_owned(), 2, "--utc <T0..T1>"),
        ("a.zarr/reed* --utc yesterday.. -o x.wav".to_owned(), 2, "invalid time \"yesterday\""),
        (
            "a.zarr/reed* --utc 2026-05-12T01:00:05Z..+1s -o x.wav".to_owned(),
            1,
            "\"reed_20260512_030002\" ended at 2026-05-12T01:00:03Z, and recording \"reed_20260512_030010\" began",
        ),
        ("a.zarr/reed* --utc .. --gaps split".to_owned(), 2, "pass a directory with -o DIR"),
        (format!("a.zarr/slow* {second} --rate native"), 2, "one recording at a time"),
        ("a.zarr/reed* --utc .. --gaps some".to_owned(), 2, "[possible values: error, silence,"),
    ] {
        let said = extract(folder, &args, code);
        assert!(said.contains(message), "{args}: {said}");
    }
    assert_eq!(names(folder), ["a.zarr"]);
}

#[test]
fn damage_and_overlaps_are_told() {
    let folder = season();
    let folder = folder.path();
    add(folder, ("reed", "20260512_030001"), 1, 48_000);
    let range = "a.zarr/reed_2* --utc 2026-05-12T01:00:00Z..+3s";
    let said = extract(folder, &format!("{range} -o x.wav"), 0);
    let overlap = "recordings \"reed_20260512_030000\" and \"reed_20260512_030001\" overlap by 1.000 s from 2026-05-12T01:00:01Z; used \"reed_20260512_030000\"";
    assert!(said.contains(overlap), "{said}");
    damage(&folder.join("a.zarr/reed_20260512_030002"));
    let said = extract(folder, &format!("{range} -o y.wav"), 4);
    assert!(said.contains("reed_20260512_030002"), "{said}");
    assert!(!folder.join("y.wav").exists());
    fs::write(folder.join("a.zarr/reed_20260512_030010/zarr.json"), "{").unwrap();
    let said = extract(folder, "a.zarr/reed_2* --utc 2026-05-12T01:00:00Z..+1s -o z.wav", 0);
    assert!(said.contains("left out: ") && said.contains("reed_20260512_030010"), "{said}");
}

/// The hour that occurs twice means its first occurrence, and one that does not exist is read with the
/// offset from before, as for imports.
#[test]
fn local_times_that_are_not_one_time_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    add(folder, ("reed", "20261025_023000"), 1, 48_000);
    let fold = "a.zarr --utc 02:30..+1s --on 2026-10-25 --tz Europe/Zurich -o x.wav";
    let said = extract(folder, fold, 0);
    assert!(said.contains("local time 2026-10-25T02:30:00 occurs twice"), "{said}");
    assert!(said.contains("2026-10-25T02:30:00+02:00 to 2026-10-25T02:30:01+02:00"), "{said}");
    let gap = "a.zarr --utc 02:30..+1s --on 2026-03-29 --tz Europe/Zurich -o y.wav";
    let said = extract(folder, gap, 1);
    assert!(said.contains("local time 2026-03-29T02:30:00 does not exist"), "{said}");
    assert!(said.contains("nothing was recorded from 2026-03-29T03:30:00+02:00"), "{said}");
}

/// Times in messages can be used in another command, without a zone or a date.
#[test]
fn messages_tell_times_in_the_zone_of_the_range() {
    let folder = season();
    let folder = folder.path();
    add(folder, ("reed", "20260512_030001"), 1, 48_000);
    for (args, part) in [
        ("extract a.zarr/reed_2* --utc <00..<11", "nothing was recorded from <03> to <10>"),
        ("extract a.zarr/reed_2* --utc <00..<11", "overlap by 1.000 s from <01>;"),
        ("extract a.zarr/reed_2* --utc <00..<11 --gaps silence", "; <00> to <11>, 3 recordings"),
        ("extract a.zarr/reed_2* --utc <20..<21", "nothing was recorded from <20> to <21>; rec"),
        ("extract a.zarr/reed_2* --utc <20..<21", "reed_20260512_030010\" ended at <10.5>"),
        ("extract a.zarr/reed_2* --utc <01..<01", "time from <01> to <01> is empty"),
        ("extract a.zarr/reed_20260512_030000 --utc <00..<11", "ended at <02>, before <11>"),
        ("extract a.zarr/reed_20260512_030002 --utc <00..<03", "began at <02>, after <00>"),
        ("plot a.zarr/reed_2* --utc <00..<11", "overlap by 1.000 s from <01>;"),
        ("plot a.zarr/reed_2* --utc <20..<21", "nothing was recorded from <20> to <21>; rec"),
        ("plot a.zarr/reed_20260512_030000 --utc <00..<11", "ended at <02>, before <11>"),
    ] {
        for (zone, minute, offset) in [
            ("Europe/Zurich", "2026-05-12T03:00:", "+02:00"),
            ("-03:30", "2026-05-11T21:30:", "-03:30"),
            ("UTC", "2026-05-12T01:00:", "Z"),
        ] {
            let file = if args.starts_with("plot") { "x.png" } else { "x.wav" };
            let args = format!("{} --tz {zone} --force -o {file}", args.replace('<', minute));
            let outcome = run_in(folder, args.split(' '));
            let part = part.replace('<', minute).replace('>', offset);
            assert!(
                format!("{outcome:?}").replace('\\', "").contains(&part),
                "{args}: {part}: {outcome:?}"
            );
        }
    }
    // The end of the gap is where the next part begins.
    let rest = "a.zarr/reed_2* --utc 2026-05-12T03:00:10+02:00.. -o rest.wav";
    assert!(extract(folder, rest, 0).contains("24000 samples"));
}
