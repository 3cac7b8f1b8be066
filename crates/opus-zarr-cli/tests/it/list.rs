//! `opus-zarr list`: which recordings, in which order; and names that do not exist.

use std::{fs, path::Path};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    import::import,
    support::{LONG_NOTES, NOTES, run_in, testdata},
};

/// Three recordings of two sites, and one without a time.
fn season() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, name, site) in [
        (NOTES, "pond_20260512_220000", "pond"),
        (LONG_NOTES, "rhine_20260512_233000", "rhine"),
        (NOTES, "pond_20260513_220000", "pond"),
        (NOTES, "notes", "desk"),
    ] {
        let path = folder.path().join(format!("{name}.opus"));
        fs::copy(testdata(file), &path).unwrap();
        let site = format!("site={site}");
        let path = path.to_str().unwrap();
        import(folder.path(), &[path, "a.zarr", "--tz", "Europe/Zurich", "--set", &site]).exits(0);
    }
    folder
}

fn names(folder: &Path, args: &[&str]) -> Vec<String> {
    let listed = run_in(folder, ["list", "--json"].iter().chain(args)).exits(0);
    let name = |line: &serde_json::Value| line["name"].as_str().unwrap().to_owned();
    listed.lines("recording").iter().map(name).collect()
}

const POND_12: &str = "pond_20260512_220000";
const POND_13: &str = "pond_20260513_220000";
const RHINE: &str = "rhine_20260512_233000";

#[test]
fn recordings_are_selected() {
    let folder = season();
    for (args, expected) in [
        (&["a.zarr"][..], &["notes", POND_12, POND_13, RHINE][..]),
        (&["a.zarr/pond_*"], &[POND_12, POND_13]),
        (&["a.zarr/*_2026051[2]_*"], &[POND_12, RHINE]),
        (&["a.zarr/notes"], &["notes"]),
        // As a shell expands a.zarr/*.
        (&["a.zarr/notes", "a.zarr/pond_20260512_220000", "a.zarr/zarr.json"], &["notes", POND_12]),
        (&["a.zarr/pond_*", "a.zarr/*_20260512*"], &[POND_12, POND_13, RHINE]),
        (&["a.zarr", "a.zarr/notes"], &["notes", POND_12, POND_13, RHINE]),
        (&["a.zarr/notes", "a.zarr"], &["notes", POND_12, POND_13, RHINE]),
        (&["a.zarr", "--where", "site=pond"], &[POND_12, POND_13]),
        (&["a.zarr/*_20260512*", "--where", "site=pond"], &[POND_12]),
        (&["a.zarr", "--where", "site=pond", "--where", "n=1"], &[]),
        (&["a.zarr", "--since", "2026-05-13", "--tz", "Europe/Zurich"], &[POND_13]),
        (&["a.zarr", "--until", "2026-05-12", "--tz", "Europe/Zurich"], &[POND_12, RHINE]),
        (&["a.zarr", "--since", "2026-05-12T23:00", "--tz", "+02:00"], &[POND_13, RHINE]),
        (&["a.zarr", "--until", "2026-05-12T20:00:00Z"], &[]),
        (&["a.zarr", "--until", "2026-05-12T20:00:00.1Z"], &[POND_12]),
        (
            &["a.zarr", "--since", "2026-05-12T21:30:01Z", "--until", "2026-05-13"],
            &[POND_13, RHINE],
        ),
    ] {
        assert_eq!(names(folder.path(), args), expected, "{args:?}");
    }
    for (args, code, expected) in [
        (
            &["list", "a.zarr/pnod_*"][..],
            10,
            "no recording in \"a.zarr\" matches \"pnod_*\"\n  did you mean",
        ),
        (&["list", "a.zarr/[x"], 2, "invalid pattern \"[x\""),
        (&["list", "a.zarr", "--since", "today"], 2, "expected a date or a time, such as"),
        (&["list", "a.zarr", "--where", "site"], 2, "expected KEY=VALUE"),
        (&["list", "a.zarr", "--tz", "Mars"], 2, "Mars"),
        (&["list", "b.zarr/*"], 10, "\"b.zarr/*\" does not exist"),
    ] {
        let refused = run_in(folder.path(), args).exits(code);
        assert!(refused.stderr.contains(expected), "{args:?}: {}", refused.stderr);
    }
    let foreign = folder.path().join("a.zarr/detections");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("zarr.json"), r#"{"zarr_format":3,"node_type":"group"}"#).unwrap();
    let expanded = ["a.zarr/detections", "a.zarr/notes", "a.zarr/zarr.json"];
    assert_eq!(names(folder.path(), &expanded), ["notes"]);
    // The others are listed all the same.
    let some = run_in(folder.path(), ["list", "a.zarr/nots", "a.zarr/notes"]).exits(3);
    assert!(some.stdout.ends_with("  notes\n"), "{}", some.stdout);
    assert!(some.stderr.contains("no recording \"nots\" in \"a.zarr\"\n  did you mean \"notes\"?"));
}

#[test]
fn lists_are_sorted_on_request() {
    let folder = season();
    for (by, expected) in [
        ("name", ["notes", POND_12, POND_13, RHINE]),
        ("start", [POND_12, RHINE, POND_13, "notes"]),
        ("length", ["notes", POND_12, POND_13, RHINE]),
        ("size", ["notes", POND_12, POND_13, RHINE]),
    ] {
        assert_eq!(names(folder.path(), &["a.zarr", "--sort", by]), expected, "{by}");
    }
}

#[test]
fn doubtful_recordings_are_found() {
    let folder = season();
    let at = |name: &str| testdata(name).to_str().unwrap().to_owned();
    import(folder.path(), &[&at("golden/trio.opus"), "a.zarr", "--approximate"]).exits(0);
    import(folder.path(), &[&at(LONG_NOTES), "a.zarr", "--approximate"]).exits(0);
    assert_eq!(names(folder.path(), &["a.zarr", "--not-exact"]), ["field-notes", "trio"]);
    assert_eq!(names(folder.path(), &["a.zarr", "--with-findings"]), ["trio"]);
}

#[test]
fn long_lists_say_where_recordings_come_from() {
    let folder = season();
    let long = run_in(folder.path(), ["list", "--long", "a.zarr/*_20260512_22*"]).exits(0).stdout;
    let mut lines = long.lines();
    let short = run_in(folder.path(), ["list", "a.zarr/*_20260512_22*"]).exits(0).stdout;
    assert_eq!(lines.next(), short.lines().next());
    let more: Vec<_> = lines.map(str::trim).collect();
    let until =
        "until 2026-05-12T20:00:01.978916666Z, zone assumed, from pond_20260512_220000.opus";
    assert_eq!(more, [until, "site = \"pond\""]);
    let line = &run_in(folder.path(), ["list", "a.zarr/pond*12*", "--json"])
        .exits(0)
        .lines("recording")[0];
    assert_eq!(
        (&line["end"], &line["certainty"], &line["user"]),
        (
            &json!("2026-05-12T20:00:01.978916666Z"),
            &json!("zone-assumed"),
            &json!({"site": "pond"})
        )
    );
}

/// Every verb that takes the name of a recording.
#[test]
fn near_names_are_offered() {
    let folder = season();
    for verb in [
        &["info"][..],
        &["info", "--packets"],
        &["extract", "-o", "x.wav"],
        &["export", "-o", "x.opus"],
        &["verify"],
        &["reindex"],
        &["sync"],
        &["plot", "-o", "x.png"],
        &["plot", "--kind", "bitrate", "-o", "x.png"],
        &["copy", "b.zarr"],
        &["rename", "other"],
        &["rm", "--yes"],
        &["meta"],
        &["bench"],
        &["list"],
    ] {
        let (name, options) = verb.split_first().unwrap();
        let mut args = vec![*name, "a.zarr/pond_20260512_20000"];
        args.extend(options);
        let refused = run_in(folder.path(), &args).exits(10);
        let expected = "no recording \"pond_20260512_20000\" in \"a.zarr\"\n  did you mean \"pond_20260512_220000\"";
        assert!(refused.stderr.contains(expected), "{args:?}: {}", refused.stderr);
        assert!(!folder.path().join("b.zarr").exists());
    }
}
