//! `opus-zarr import`.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use opus_zarr_testkit::say_skipped;
use serde_json::Value;

use crate::{
    sound::write_tones,
    support::{NOTES, Outcome, command_in, run_in, testdata},
};

pub(crate) fn import(folder: &Path, args: &[&str]) -> Outcome {
    run_in(folder, ["import"].iter().chain(args))
}

/// Creates a recorder's card: a night, a broken file, and one that is not audio.
pub(crate) fn recordings() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("card/night 1")).unwrap();
    fs::create_dir_all(at("card/.Trash")).unwrap();
    fs::copy(testdata(NOTES), at("card/night 1/a.OPUS")).unwrap();
    fs::copy(testdata("wave/no-size-guano.wav"), at("card/b.wav")).unwrap();
    fs::copy(testdata(NOTES), at("card/.Trash/old.opus")).unwrap();
    fs::write(at("card/broken.wav"), "no audio").unwrap();
    fs::write(at("card/CONFIG.TXT"), "Gain: 3").unwrap();
    folder
}

#[test]
fn a_broken_file_does_not_stop_a_directory() {
    let folder = recordings();
    let done = import(folder.path(), &["-r", "card", "a.zarr", "--json"]).exits(3);
    let files = done.lines("file");
    let status = |path: &str| {
        let file = files.iter().find(|file| file["path"] == path).unwrap();
        (file["status"].as_str().unwrap().to_owned(), file["recordings"][0].clone())
    };
    assert_eq!(files.len(), 3, "{files:?}");
    assert_eq!(status("card/night 1/a.OPUS"), ("imported".to_owned(), "night 1_a".into()));
    assert_eq!(status("card/b.wav"), ("imported".to_owned(), "b".into()));
    assert_eq!(status("card/broken.wav").0, "failed");
    let summary = &done.lines("summary")[0];
    assert_eq!((&summary["imported"], &summary["failed"]), (&2.into(), &1.into()), "{summary}");
    assert!(
        done.stderr.contains("card: skipped 1 file (not an audio extension)"),
        "{}",
        done.stderr
    );

    let again = import(folder.path(), &["-r", "card", "a.zarr"]).exits(3);
    assert!(again.stdout.contains("present   card/b.wav -> b\n"), "{}", again.stdout);
    assert!(again.stdout.contains("\npresent        2 "), "{}", again.stdout);
    assert!(
        again.stderr.contains("failed: cannot import \"card/broken.wav\": the file begins"),
        "{}",
        again.stderr
    );
}

/// Both begin before the recording exists; the last one finds it present.
#[test]
fn concurrent_imports_of_a_file_make_one_recording() {
    let folder = tempfile::tempdir().unwrap();
    write_tones(&folder.path().join("a.wav"), 48_000, 1, 48_000 * 60, 440.0);
    let both = [(); 2].map(|()| {
        let mut command = command_in(folder.path());
        command.args(["import", "a.wav", "a.zarr", "--settle", "0", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let mut statuses = both.map(|import| {
        let done = import.wait_with_output().unwrap();
        let line: Value = serde_json::from_slice(&done.stdout).unwrap_or_default();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(line["recordings"], serde_json::json!(["a"]));
        line["status"].as_str().unwrap().to_owned()
    });
    statuses.sort();
    assert_eq!(statuses, ["imported", "present"]);
}

#[test]
fn other_encoder_settings_are_refused() {
    let folder = recordings();
    import(folder.path(), &["card/b.wav", "a.zarr"]).exits(0);
    import(folder.path(), &["card/b.wav", "a.zarr", "--bitrate", "96k"]).exits(0);
    for other in [["--bitrate", "64k"], ["--frame", "40"]] {
        let args = [&["card/b.wav", "a.zarr"], other.as_slice()].concat();
        let refused = import(folder.path(), &args).exits(1);
        let expected =
            "recording \"b\" in \"a.zarr\" holds this file, but was imported with other settings: ";
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
        assert!(refused.stderr.contains("again with --replace"), "{}", refused.stderr);
        let named = [&args[..], &["--name", other[1]]].concat();
        import(folder.path(), &named).exits(0);
        let same = import(folder.path(), &named).exits(0);
        assert!(same.stdout.starts_with("present   card/b.wav -> "), "{}", same.stdout);
        // That other recording does not count.
        import(folder.path(), &args).exits(1);
    }
}

#[test]
fn a_recording_from_another_decoder_is_not_present() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        return say_skipped("--decoder ffmpeg: ffmpeg is not installed");
    }
    let folder = recordings();
    write_tones(&folder.path().join("a.wav"), 48_000, 1, 48_000, 440.0);
    import(folder.path(), &["a.wav", "a.zarr"]).exits(0);
    let other = import(folder.path(), &["a.wav", "a.zarr", "--decoder", "ffmpeg"]).exits(1);
    assert!(other.stderr.contains("other settings: decoder wave-demux"), "{}", other.stderr);
    assert!(other.stderr.contains(" instead of ffmpeg version"), "{}", other.stderr);
}

#[test]
fn a_present_opus_file_gets_its_sync_map() {
    let folder = recordings();
    let file = "card/night 1/a.OPUS";
    import(folder.path(), &[file, "a.zarr", "--approximate"]).exits(0);
    let reads = || run_in(folder.path(), ["info", "a.zarr/a", "--field", "reads"]).exits(0).stdout;
    assert_eq!(reads(), "agreed\n");
    let done = import(folder.path(), &[file, "a.zarr", "--approximate"]).exits(0);
    assert!(done.stdout.ends_with("-> a\n"), "{}", done.stdout);
    let done = import(folder.path(), &[file, "a.zarr"]).exits(0);
    assert!(done.stdout.ends_with("-> a: sync map added\n"), "{}", done.stdout);
    let done = import(folder.path(), &[file, "a.zarr", "--exact"]).exits(0);
    assert!(done.stdout.ends_with("-> a\n"), "{}", done.stdout);
    assert_eq!(reads(), "exact\n");
}

#[test]
fn a_dry_run_changes_nothing() {
    let folder = recordings();
    let done = import(folder.path(), &["-r", "card", "a.zarr", "--dry-run"]).exits(0);
    assert!(done.stdout.contains("planned   card/b.wav -> b: start unknown\n"), "{}", done.stdout);
    assert!(!folder.path().join("a.zarr").exists());
}

#[test]
fn unreadable_files_are_reported() {
    let folder = recordings();
    let card = folder.path().join("card");
    fs::remove_file(card.join("broken.wav")).unwrap();
    symlink(&card, card.join("night 1/again")).unwrap();
    import(folder.path(), &["-r", "card", "a.zarr"]).exits(0);
    symlink(card.join("nowhere"), card.join("lost.wav")).unwrap();
    let done = import(folder.path(), &["-r", "card", "a.zarr"]).exits(3);
    assert!(done.stderr.contains("skipped \"card/lost.wav\": No such file"), "{}", done.stderr);
}

#[test]
fn on_error_stop_imports_no_other_file() {
    let folder = recordings();
    let card = folder.path().join("card");
    for number in 0..20 {
        fs::copy(card.join("b.wav"), card.join(format!("c{number}.wav"))).unwrap();
    }
    fs::rename(card.join("broken.wav"), card.join("a-broken.wav")).unwrap();
    let args = ["-r", "card", "a.zarr", "--on-error", "stop", "-j", "1", "--json"];
    let done = import(folder.path(), &args).exits(3);
    let summary = &done.lines("summary")[0];
    assert_eq!((&summary["imported"], &summary["left"]), (&0.into(), &22.into()), "{summary}");
}

#[test]
fn start_times_follow_the_options() {
    let folder = recordings();
    let file = folder.path().join("20260512_221500.wav");
    fs::copy(testdata("wave/no-size-guano.wav"), &file).unwrap();
    let file = file.to_str().unwrap();
    let start = |name: &str, args: &[&str]| {
        let all = [&[file, "a.zarr", "--name", name], args].concat();
        import(folder.path(), &all).exits(0);
        let info = run_in(folder.path(), ["info", &format!("a.zarr/{name}"), "--json"]).exits(0);
        info.lines("info")[0]["start"].clone()
    };
    let by_name = start("clock", &[]);
    assert_eq!((&by_name["local"], &by_name["utc"]), (&"2026-05-12T22:15:00".into(), &Value::Null));
    let in_zone = start("zone", &["--tz", "Europe/Zurich"]);
    assert_eq!(in_zone["utc"], "2026-05-12T20:15:00Z", "{in_zone}");
    let again = ["--name", "zone", "--tz", "+02:00"];
    let again = import(folder.path(), &[&[file, "a.zarr"], &again[..]].concat()).exits(0);
    assert!(again.stdout.starts_with("present ") && again.stdout.ends_with("-> zone\n"));
    fs::remove_dir_all(folder.path().join("a.zarr")).unwrap();
    assert_eq!(start("nowhere", &["--time-from", "bext"]), Value::Null);
    fs::remove_dir_all(folder.path().join("a.zarr")).unwrap();
    assert_eq!(start("name", &["--time-from", "file-name"]), by_name);
}

#[test]
fn names_state_zones_and_can_mean_two_times() {
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str, source: &[u8]| {
        fs::write(folder.path().join(name), source).unwrap();
        // The same file in one store would be present already.
        let store = format!("{name}.zarr");
        let options = ["--name", "a", "--tz", "Europe/Zurich"];
        let done = import(folder.path(), &[&[name, &store][..], &options].concat()).exits(0);
        let info = run_in(folder.path(), ["info", &format!("{store}/a"), "--json"]);
        (info.exits(0).lines("info")[0]["start"]["utc"].clone(), done.stderr)
    };
    let (wave, opus) = (wave(8000, 800), fs::read(testdata(NOTES)).unwrap());
    for (name, utc) in [
        ("a_20200512_041500.wav", "2020-05-12T02:15:00Z"),
        ("a_20200512_041500_UTC.wav", "2020-05-12T04:15:00Z"),
        ("a_20200512_041500-07.wav", "2020-05-12T02:15:00Z"),
        ("b.181204100002.wav", "2018-12-04T09:00:02Z"),
    ] {
        assert_eq!(start(name, &wave), (utc.into(), String::new()), "{name}");
    }
    let expected = "the file name may mean 2020-06-05T04:15:00 or 2020-05-06T04:15:00";
    for (name, source) in [("05-06-2020_041500.wav", &wave), ("05-06-2020_041500Z.opus", &opus)] {
        let (_, said) = start(name, source);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_pattern_finds_times_in_names() {
    let folder = tempfile::tempdir().unwrap();
    for (name, clock) in [("SN_190101120000.wav", "2019-01-01T12:00:00"), ("pond.wav", "")] {
        fs::write(folder.path().join(name), wave(8000, 800)).unwrap();
        let store = format!("{name}.zarr");
        let options = ["--name", "a", "--name-time", "%y%m%d%H%M%S"];
        let done = import(folder.path(), &[&[name, &store][..], &options].concat()).exits(0);
        let info = run_in(folder.path(), ["info", &format!("{store}/a"), "--json"]).exits(0);
        let start = &info.lines("info")[0]["start"]["local"];
        assert_eq!(start.as_str().unwrap_or_default(), clock);
        assert_eq!(done.stderr.contains("no time like %y%m%d%H%M%S"), clock.is_empty());
    }
    let refused = import(folder.path(), &["pond.wav", "a.zarr", "--name-time", "%Y%m%d"]).exits(2);
    assert!(refused.stderr.contains("must state year, month, day, hour"), "{}", refused.stderr);
}

#[test]
fn times_that_cannot_be_used_are_findings() {
    let folder = tempfile::tempdir().unwrap();
    let chunk = |id: &[u8; 4], contents: &[u8]| {
        let size = u32::try_from(contents.len()).unwrap().to_le_bytes();
        [&id[..], &size, contents].concat()
    };
    let bext = |date: &[u8], time: &[u8]| {
        let mut contents = vec![0; 602];
        contents[320..330].copy_from_slice(date);
        contents[330..338].copy_from_slice(time);
        chunk(b"bext", &contents)
    };
    let ixml = |date: &str, time: &str| {
        let (of_date, of_time) = ("BWF_ORIGINATION_DATE", "BWF_ORIGINATION_TIME");
        let text = format!("<{of_date}>{date}</{of_date}><{of_time}>{time}</{of_time}>");
        chunk(b"iXML", format!("{text:199}\n").as_bytes())
    };
    let info = |id: &[u8; 4], text: &str| {
        let text = chunk(id, format!("{text:99}\0").as_bytes());
        chunk(b"LIST", &[b"INFO", &text[..]].concat())
    };
    let bad = |name: &str| format!(" in {name} is not a time that can be used");
    for (metadata, expected) in [
        (chunk(b"guan", b"GUANO|Version:1\nTimestamp: late \n"), bad("GUANO")),
        (bext(b"1904-01-01", b"00:00:00"), bad("bext")),
        (bext(b"1970-01-01", b"00:00:00"), bad("bext")),
        (bext(b"0000-00-00", b"00:00:00"), String::new()),
        (chunk(b"guan", b"Timestamp: 2021/06/11 22:30:00\n\n"), String::new()),
        (ixml("2021-06-31", "22:30:00"), bad("iXML")),
        (ixml("1904-01-01", "22:30:00"), bad("iXML")),
        (ixml("2021-06-30", "22:30:00"), String::new()),
        (ixml("0000-00-00", "00:00:00"), String::new()),
        (ixml("", ""), String::new()),
        (info(b"ICRD", "2021-06-31 22:30:00"), bad("tag")),
        (info(b"ICRD", "2021-06"), String::new()),
        (
            info(b"ICMT", "Recorded at 25:00:00 12/11/2021 (UTC) by AudioMoth 24"),
            bad("AudioMoth comment"),
        ),
    ] {
        let mut file = wave(8000, 800);
        file.extend(metadata);
        let size = u32::try_from(file.len() - 8).unwrap().to_le_bytes();
        file[4..8].copy_from_slice(&size);
        fs::write(folder.path().join("a.wav"), file).unwrap();
        let done = import(folder.path(), &["a.wav", "a.zarr", "--name", "a"]).exits(0);
        fs::remove_dir_all(folder.path().join("a.zarr")).unwrap();
        assert_eq!(done.stderr.is_empty(), expected.is_empty(), "{expected}: {}", done.stderr);
        assert!(done.stderr.contains(&expected), "{}", done.stderr);
    }
}

#[test]
fn ultrasound_is_kept_downsampled_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bat.wav");
    fs::write(&file, wave(192_000, 19_200)).unwrap();
    let rate = |store: &str, what: &str| {
        import(folder.path(), &["bat.wav", store, "--ultrasonic", what]).exits(0);
        let place = format!("{store}/bat");
        run_in(folder.path(), ["info", &place, "--field", "real_rate"]).exits(0).stdout
    };
    assert_eq!(rate("kept.zarr", "keep"), "192000\n");
    assert_eq!(rate("low.zarr", "downsample"), "48000\n");
    let refused = import(folder.path(), &["bat.wav", "no.zarr", "--ultrasonic", "reject"]).exits(1);
    assert!(refused.stderr.contains("192000 Hz"), "{}", refused.stderr);
}

/// Builds a WAVE file with a ramp.
fn wave(rate: u32, samples: u16) -> Vec<u8> {
    let data: Vec<u8> = (0..samples).flat_map(|sample| (sample % 1000).to_le_bytes()).collect();
    let len = u32::try_from(data.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + len).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(rate.to_le_bytes());
    file.extend((rate * 2).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(len.to_le_bytes());
    file.extend(data);
    file
}

#[test]
fn wrong_arguments_change_nothing() {
    let folder = recordings();
    let refused = |args: &[&str], code, message: &str| {
        let done = import(folder.path(), args).exits(code);
        assert!(done.stderr.contains(message), "{args:?}: {}", done.stderr);
        assert!(done.stdout.is_empty(), "{args:?}: {}", done.stdout);
        assert!(!folder.path().join("a.zarr").exists(), "{args:?}");
    };
    refused(&["card", "a.zarr"], 2, "\"card\" is a directory\n  use -r");
    refused(&["card/none.wav", "a.zarr"], 1, "cannot open \"card/none.wav\": No such file");
    refused(&["card/b.wav"], 2, "no STORE: pass the store as the last argument");
    refused(&["card/b.wav", "a.zarr", "--bitrate", "64"], 2, "did you mean 64k?");
    refused(&["card/b.wav", "a.zarr", "--frame", "30"], 2, "expected 2.5, 5, 10");
    refused(&["card/b.wav", "a.zarr", "--tz", "Zurich"], 2, "\"Europe/Zurich\"");
    refused(&["card/b.wav", "a.zarr", "--name", "a/b"], 2, "invalid recording name \"a/b\"");
    refused(
        &["-r", "card", "a.zarr", "--name", "x"],
        2,
        "--name accepts a single file, but 3 were given",
    );
    refused(&["card/b.wav", "a.zarr", "-j", "0"], 2, "expected a number of at least 1");
    refused(&["card/b.wav", "card/CONFIG.TXT"], 2, "\"card/CONFIG.TXT\" is a file");
    refused(&["card/b.wav", "card/night 1"], 10, "is not an opus-zarr store");
    import(folder.path(), &["card/b.wav", "b.zarr"]).exits(0);
    refused(&["card/b.wav", ""], 2, "expected a directory or a URL");
    assert!(!folder.path().join("zarr.json").exists());
    refused(&["-r", "b.zarr", "card"], 2, "\"b.zarr\" is a store, expected a file or a directory");
    refused(
        &["card/broken.wav", "b.zarr/broken"],
        2,
        "write b.zarr, and name the recording with --name broken",
    );
}

#[test]
fn deleted_files_on_a_card_are_not_imported() {
    let folder = recordings();
    for place in ["$RECYCLE.BIN/S-1-5", "lost+found", "System Volume Information"] {
        let place = folder.path().join("card").join(place);
        fs::create_dir_all(&place).unwrap();
        fs::copy(folder.path().join("card/b.wav"), place.join("deleted.wav")).unwrap();
    }
    import(folder.path(), &["-r", "card", "a.zarr"]);
    let listed = run_in(folder.path(), ["list", "a.zarr"]).exits(0).stdout;
    assert!(!listed.contains("deleted") && listed.contains("  b\n"), "{listed}");
}

#[test]
fn zones_west_of_greenwich_need_no_equals_sign() {
    let folder = recordings();
    fs::rename(folder.path().join("card/b.wav"), folder.path().join("20260512_051500.wav"))
        .unwrap();
    import(folder.path(), &["20260512_051500.wav", "a.zarr", "--tz", "-05:00"]).exits(0);
    let listed = run_in(folder.path(), ["list", "a.zarr"]).exits(0).stdout;
    assert!(listed.contains("2026-05-12T10:15:00Z"), "{listed}");
}
