//! Names, notes and attributes with control characters: none reaches the terminal, or JSON unescaped.

use std::{
    fs,
    time::{Duration, Instant},
};

use opus_zarr_testkit::{damage::edit_document, operations::name};
use serde_json::{Value, json};

use crate::support::{NOTES, command_in, folder_with, run_in};

/// Moves the cursor, clears the screen, turns text around, ends the line.
const HOSTILE: &str = "a\u{1b}[2Jb\u{9b}2Jc\u{202e}d\ne\u{2028}f\r\u{7f}g\u{2066}";

#[test]
fn control_characters_of_a_store_stay_out_of_the_output() {
    let folder = folder_with(&[(NOTES, "a")]);
    let store = opus_zarr::Store::open(folder.path().join("a.zarr")).unwrap();
    let mut recording = store.open_recording(&name("a")).unwrap();
    recording
        .edit_user_metadata(|user| {
            user.insert(HOSTILE.to_owned(), json!({ HOSTILE: [HOSTILE] }));
        })
        .unwrap();
    edit_document(&folder.path().join("a.zarr/a"), |document| {
        let attributes = &mut document["attributes"]["opus_zarr"];
        attributes["start"] = json!({ "local": HOSTILE, "utc": HOSTILE, "source": HOSTILE,
            "certainty": "certain" });
        attributes["source"]["name"] = HOSTILE.into();
        attributes["source"]["codec"] = HOSTILE.into();
        attributes["source"]["container"] = HOSTILE.into();
        attributes["source"]["findings"] = json!([HOSTILE]);
        attributes["tags"]["vendor"] = HOSTILE.into();
        attributes["tags"]["comments"] = json!([format!("TITLE={HOSTILE}")]);
    });
    fs::create_dir(folder.path().join("a.zarr").join(HOSTILE)).unwrap();
    fs::write(folder.path().join("a.zarr").join(HOSTILE).join("zarr.json"), HOSTILE).unwrap();
    let hostile = ['\u{1b}', '\u{9b}', '\u{202e}', '\u{2028}', '\r', '\u{7f}', '\u{2066}'];
    assert!(hostile.iter().all(|c| HOSTILE.contains(*c)));
    for args in [
        &["list", "a.zarr"][..],
        &["info", "a.zarr/a"],
        &["info", "a.zarr/a", "--field", "source.name"],
        &["info", "a.zarr/a", "--field", "user"],
        &["meta", "a.zarr/a"],
        &["verify", "a.zarr"],
        &["export", "a.zarr/a", "-o", "x.opus", "--force"],
        &["copy", "--all", "a.zarr", "b.zarr"],
    ] {
        for json in [&[][..], &["--json"]] {
            let done = run_in(folder.path(), args.iter().chain(json));
            for said in [&done.stdout, &done.stderr] {
                assert!(!said.contains(hostile), "{args:?} {json:?}: {said:?}");
                let lines = said.lines().filter(|line| line.starts_with('e'));
                assert!(
                    lines
                        .clone()
                        .all(|line| line.starts_with("error") || line.starts_with("encoded")),
                    "{args:?}: {said:?}"
                );
            }
            for line in done.stdout.lines().filter(|_| !json.is_empty()) {
                serde_json::from_str::<Value>(line).unwrap();
            }
        }
    }
    let info = run_in(folder.path(), ["info", "a.zarr/a", "--json"]).exits(0).lines("info");
    assert_eq!(info[0]["source"]["name"], HOSTILE, "JSON keeps the text");
}

#[test]
fn names_and_notes_have_no_control_characters() {
    let folder = folder_with(&[(NOTES, "a")]);
    for character in ["\u{1b}", "\u{202e}", "\u{2028}", "\u{85}", "\n"] {
        let new = format!("b{character}c");
        run_in(folder.path(), ["rename", "a.zarr/a", &new]).exits(2);
        run_in(folder.path(), ["meta", "a.zarr/a", "--set", &format!("{new}=1")]).exits(2);
    }
    assert_eq!(fs::read_dir(folder.path().join("a.zarr")).unwrap().count(), 2);
}

#[test]
fn lengths_that_nothing_backs_cost_nothing() {
    let folder = folder_with(&[(NOTES, "a")]);
    let recording = folder.path().join("a.zarr/a");
    let intact = fs::read(recording.join("zarr.json")).unwrap();
    for packets in [0, 1, 1_000_000_000, 1 << 53, (1 << 63) / 960, u64::MAX / 960] {
        fs::write(recording.join("zarr.json"), &intact).unwrap();
        edit_document(&recording, |document| {
            let ours = &mut document["attributes"]["opus_zarr"];
            let pre_skip = ours["pre_skip"].as_u64().unwrap();
            ours["coded_length"] = json!(packets * 960);
            ours["play_length"] = json!((packets * 960).saturating_sub(pre_skip));
            ours["gaps"] = json!([{ "position": 960, "samples": packets }]);
        });
        for line in LOOKS.lines() {
            let began = Instant::now();
            let mut command = command_in(folder.path());
            let done = command.args(line.split(' ')).output().unwrap();
            let code = done.status.code();
            assert!(code.is_some_and(|code| code < 100), "{line}, {packets} packets: {done:?}");
            let took = began.elapsed();
            assert!(took < Duration::from_secs(30), "{line}, {packets} packets: {took:?}");
        }
    }
}

const LOOKS: &str = "list a.zarr
list a.zarr --json
info a.zarr/a
info a.zarr/a --json
verify a.zarr --level decode
extract a.zarr/a -o x.wav --force
extract a.zarr/a -o x.flac --force
extract a.zarr/a --time 1h.. -o x.wav --force
export a.zarr/a -o x.opus --force
plot a.zarr/a -o x.png --force
plot a.zarr/a --kind waveform -o x.png --force
plot a.zarr/a --kind bitrate -o x.png --force
sync a.zarr/a --check
meta a.zarr/a
copy a.zarr/a b.zarr
bench a.zarr/a";
