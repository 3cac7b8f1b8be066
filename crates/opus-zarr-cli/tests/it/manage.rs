//! `rename`, `rm` and `meta`.

use std::path::Path;

use serde_json::json;

use crate::support::{NOTES, folder_with, run_in};

fn names_in(folder: &Path) -> Vec<String> {
    let listed = run_in(folder, ["list", "a.zarr", "--json"]).exits(0).lines("recording");
    listed.iter().map(|recording| recording["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_renamed_recording_loses_its_old_name() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let names = || names_in(folder.path());
    let renamed = run_in(folder.path(), ["rename", "a.zarr/a", "c"]).exits(0);
    assert_eq!(renamed.stdout, "a.zarr/a is now a.zarr/c\n");
    assert_eq!(names(), ["b", "c"]);
    run_in(folder.path(), ["verify", "a.zarr"]).exits(0);
    run_in(folder.path(), ["rename", "a.zarr/c", "b"]).exits(1);
    run_in(folder.path(), ["rename", "a.zarr/a", "d"]).exits(10);
    let path = run_in(folder.path(), ["rename", "a.zarr/b", "a.zarr/d"]).exits(2);
    assert!(path.stderr.contains("expected none of /"), "{}", path.stderr);
    assert_eq!(names(), ["b", "c"]);
}

#[test]
fn nothing_is_deleted_without_confirmation() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b"), (NOTES, "c")]);
    let names = || names_in(folder.path());
    let unasked = run_in(folder.path(), ["rm", "a.zarr/a"]).exits(2);
    assert!(unasked.stderr.contains("use --yes to delete without asking"), "{}", unasked.stderr);
    assert_eq!(names(), ["a", "b", "c"]);
    let deleted = run_in(folder.path(), ["rm", "--yes", "a.zarr/a", "a.zarr/none", "a.zarr/b"]);
    let deleted = deleted.exits(3);
    assert_eq!(deleted.stdout, "a.zarr/a deleted\na.zarr/b deleted\n");
    assert_eq!(names(), ["c"]);
    run_in(folder.path(), ["rm", "--yes", "a.zarr/a"]).exits(10);
    run_in(folder.path(), ["rm", "--yes", "a.zarr"]).exits(10);
    assert_eq!(names(), ["c"]);
}

#[test]
fn notes_are_kept() {
    let folder = folder_with(&[(NOTES, "a")]);
    let set = ["meta", "a.zarr/a", "--set", "site=Rhine 4", "--set", "depth_m=2.5"];
    assert_eq!(
        run_in(folder.path(), set).exits(0).stdout,
        "depth_m = 2.5\nsite    = \"Rhine 4\"\n"
    );
    let again = run_in(folder.path(), ["meta", "a.zarr/a", "--set", "n=1", "--unset", "site"]);
    assert_eq!(again.exits(0).stdout, "depth_m = 2.5\nn       = 1\n");
    let told = run_in(folder.path(), ["meta", "a.zarr/a", "--json"]).exits(0);
    assert_eq!(told.lines("metadata")[0]["user"], json!({ "depth_m": 2.5, "n": 1 }));
    let missing = run_in(folder.path(), ["meta", "a.zarr/a", "--unset", "site"]).exits(0);
    assert!(missing.stderr.contains("has no note \"site\""), "{}", missing.stderr);
    run_in(folder.path(), ["meta", "a.zarr/a", "--set", "site"]).exits(2);
    run_in(folder.path(), ["meta", "a.zarr/b"]).exits(10);
}

/// However a recording is written, it is one.
#[test]
fn a_recording_that_is_named_twice_is_worked_on_once() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let it = folder.path();
    std::os::unix::fs::symlink("a.zarr", it.join("link")).unwrap();
    run_in(it, ["meta", "a.zarr/a", "--start", "2026-05-12T00:00:00Z"]).exits(0);
    let absolute = it.join("a.zarr/a");
    let spellings = [
        "a.zarr/a",
        "./a.zarr/a",
        ".//a.zarr//a",
        "a.zarr//a/",
        "a.zarr/../a.zarr/a",
        "link/a",
        absolute.to_str().unwrap(),
    ];
    for (hour, spelling) in (1..).zip(spellings) {
        let both = ["meta", spelling, "a.zarr/a", spelling, "--shift", "1h"];
        let shifted = run_in(it, both).exits(0).stdout;
        let expected = format!("start now 2026-05-12T{hour:02}:00:00Z");
        assert!(shifted.contains(&expected) && shifted.lines().count() == 1, "{shifted}");
        let listed = run_in(it, ["list", spelling, "a.zarr/a"]).exits(0).stdout;
        assert_eq!(listed.lines().count(), 1, "{spelling}: {listed}");
    }
    let told = |verb: &[&str], kind| {
        run_in(it, [verb, &spellings, &["--json"]].concat()).exits(0).lines(kind).len()
    };
    assert_eq!(told(&["info"], "info"), 1);
    assert_eq!(told(&["verify"], "verified"), 1);
    assert_eq!(told(&["sync"], "synced"), 1);
    assert_eq!(told(&["reindex"], "reindexed"), 1);
    assert_eq!(told(&["export", "-o", "exported"], "exported"), 1);
    assert_eq!(told(&["rm", "--yes"], "deleted"), 1);
    assert_eq!(names_in(it), ["b"]);
}
