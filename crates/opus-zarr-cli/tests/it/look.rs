//! `opus-zarr list`, `info` and `inspect`, which change nothing.

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::support::{NOTES, folder_with, run_in, testdata};

#[test]
fn a_list_is_sorted_and_shows_lengths() {
    let folder = folder_with(&[(NOTES, "b"), ("chirps-stereo.opus", "a")]);
    let list = run_in(folder.path(), ["list", "a.zarr", "--json"]).exits(0);
    let seen: Vec<_> = list.lines("recording");
    let seen: Vec<_> =
        seen.iter().map(|it| (&it["name"], &it["samples"], &it["channels"])).collect();
    assert_eq!(
        seen,
        [(&json!("a"), &json!(576_000), &json!(2)), (&json!("b"), &json!(94_988), &json!(1))]
    );
    let text = run_in(folder.path(), ["list", "a.zarr"]).exits(0).stdout;
    assert!(text.lines().next().unwrap().ends_with("  a"), "{text}");
    assert!(text.contains("0:12.000   2 ch"), "{text}");
}

#[test]
fn a_damaged_recording_is_reported_and_hides_no_other() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    fs::write(folder.path().join("a.zarr/a/zarr.json"), "{}").unwrap();
    let list = run_in(folder.path(), ["list", "a.zarr"]).exits(4);
    assert!(list.stdout.ends_with("  b\n"), "{}", list.stdout);
    assert!(list.stderr.starts_with("warning: a: "), "{}", list.stderr);
}

#[test]
fn a_closed_pipe_ends_the_command_silently() {
    let folder = folder_with(&[("chirps-stereo.opus", "a")]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_opus-zarr"))
        .args(["info", "--packets", "a.zarr/a", "--json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command writes more than a pipe holds, and nobody reads it.
    drop(child.stdout.take());
    let (mut said, mut stderr) = (String::new(), child.stderr.take().unwrap());
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_single_field_is_printed() {
    let folder = folder_with(&[("chirps-stereo.opus", "a")]);
    let field = |name| run_in(folder.path(), ["info", "a.zarr/a", "--field", name]);
    assert_eq!(field("play_samples").exits(0).stdout, "576000\n");
    assert_eq!(field("source.name").exits(0).stdout, "chirps-stereo.opus\n");
    assert_eq!(field("tags.comments.1").exits(0).stdout, "artist=opus-zarr\n");
    let none = field("source.nam").exits(2);
    assert!(none.stderr.contains("available fields: name, bytes, sha256"), "{}", none.stderr);
}

#[test]
fn the_packets_of_the_index_add_up() {
    let folder = folder_with(&[("chirps-stereo.opus", "a")]);
    let packets = run_in(folder.path(), ["info", "a.zarr/a", "--packets", "--json"]).exits(0);
    let packets = packets.lines("indexed_packet");
    let samples: u64 = packets.iter().map(|packet| packet["samples"].as_u64().unwrap()).sum();
    assert_eq!((packets.len(), samples), (601, 576_960));
    let inspected = run_in(
        folder.path(),
        [
            "inspect".as_ref(),
            "--packets".as_ref(),
            "--json".as_ref(),
            testdata("chirps-stereo.opus").as_os_str(),
        ],
    );
    let inspected = inspected.exits(0).lines("packet");
    let lengths = |lines: &[serde_json::Value]| -> Vec<u64> {
        lines.iter().map(|line| line["bytes"].as_u64().unwrap()).collect()
    };
    assert_eq!(lengths(&packets), lengths(&inspected));
}

#[test]
fn inspect_shows_what_import_finds() {
    let folder = folder_with(&[]);
    for file in ["chain-last-head-bad.opus", "two-tracks-one-head-bad.opus", "two-tracks.ogg"] {
        let path = testdata(&format!("ogg/{file}"));
        let path = path.to_str().unwrap();
        let seen = run_in(folder.path(), ["inspect", path, "--json"]).exits(0).lines("finding");
        let import = ["import", path, "a.zarr", "--name", file, "--json"];
        let found = run_in(folder.path(), import).exits(0).lines("file")[0]["findings"].clone();
        let seen = seen.iter().map(|line| {
            json!(format!("stream {}: {}", line["stream"], line["message"].as_str().unwrap()))
        });
        assert_eq!(json!(seen.collect::<Vec<_>>()), found, "{file}");
    }
}

#[test]
fn missing_places_come_with_a_hint() {
    let folder = folder_with(&[(NOTES, "a")]);
    let refused = |args: &[&str], code, message: &str| {
        let done = run_in(folder.path(), args).exits(code);
        assert!(done.stderr.contains(message), "{args:?}: {}", done.stderr);
    };
    refused(&["list", "b.zarr"], 10, "error: \"b.zarr\" does not exist\n");
    refused(&["info", "b.zarr/a"], 10, "error: \"b.zarr\" does not exist\n");
    refused(&["info", "a.zarr/b"], 10, "no recording \"b\" in \"a.zarr\"");
    refused(
        &["info", "a.zarr"],
        10,
        "error: a.zarr is a store, expected a recording in it\n  write a.zarr/NAME; list",
    );
    refused(
        &["sync", "--stale", "a.zarr/a"],
        10,
        "is a recording in an opus-zarr store, not a store\n  describe it with `opus-zarr info a.zarr/a`",
    );
    refused(&["list", "."], 10, "not an opus-zarr store: zarr.json not found\n");
    refused(&["info", "a.zarr/.x"], 2, "expected STORE/NAME");
    refused(&["list", "ftp://x/y"], 2, "ftp://x/y");
    refused(&["verfy", "a.zarr"], 2, "a similar subcommand exists: 'verify'");
    refused(&["inspect", "none.opus"], 1, "\"none.opus\": cannot open the file");
    refused(&["inspect", "."], 1, "\".\": cannot open the file");
    let json = run_in(folder.path(), ["info", "a.zarr/b", "--json"]).exits(10);
    let error: serde_json::Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!((&error["type"], &error["exit"]), (&json!("error"), &json!(10)), "{error}");
}

#[test]
fn any_audio_file_is_inspected() {
    let inspect = |name: &str, args: &[&str]| {
        let file = testdata(name);
        let all = ["inspect", file.to_str().unwrap()].into_iter().chain(args.iter().copied());
        run_in(file.parent().unwrap(), all).exits(0)
    };
    let trio = inspect("golden/trio.opus", &["--json"]);
    let findings = trio.lines("finding");
    let lost = findings.iter().filter(|it| it["is_violation"] == true);
    assert_eq!(lost.count(), 2, "{findings:?}");
    assert_eq!(trio.lines("stream")[0]["channels"], 3);
    let pages = inspect("chirps-stereo.opus", &["--pages", "--json"]).lines("page");
    let bytes: u64 = pages.iter().map(|page| page["bytes"].as_u64().unwrap()).sum();
    assert_eq!(bytes, fs::metadata(testdata("chirps-stereo.opus")).unwrap().len());
    let wave = inspect("wave/no-size-guano.wav", &[]).stdout;
    assert!(wave.starts_with("pcm_s16le in wav, "), "{wave}");
    assert!(wave.contains("\n    GUANO|Version:"), "{wave}");
}

#[test]
fn layers_that_are_not_decoded_are_named_and_kept() {
    let folder = folder_with(&[]);
    let file = testdata("opus-hd.opus");
    let path = file.to_str().unwrap();
    let said = "61 packets contain Opus HD (extension 124), the first at coded sample 0; kept, but not decoded by libopus 1.3";
    let text = run_in(folder.path(), ["inspect", path]).exits(0).stdout;
    assert_eq!(text.matches(said).count(), 1, "{text}");
    let json = run_in(folder.path(), ["inspect", path, "--json"]).exits(0).lines("finding");
    assert_eq!((json.len(), &json[0]["is_violation"]), (1, &json!(false)));
    let imported = run_in(folder.path(), ["import", path, "a.zarr"]).exits(0);
    assert_eq!((imported.stdout + &imported.stderr).matches(said).count(), 1);

    let info = |args: &[&str]| {
        run_in(folder.path(), ["info", "a.zarr/opus-hd"].iter().chain(args)).exits(0)
    };
    let line = "contains  an Opus HD layer (extension 124), kept but not decoded by libopus 1.3\n";
    assert!(info(&[]).stdout.contains(line), "{}", info(&[]).stdout);
    assert_eq!(info(&["--json"]).lines("info")[0]["extensions"], json!([124]));
    run_in(folder.path(), ["export", "a.zarr/opus-hd", "-o", "again.opus"]).exits(0);
    assert!(fs::read(folder.path().join("again.opus")).unwrap() == fs::read(file).unwrap());
}
