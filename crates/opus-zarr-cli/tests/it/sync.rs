use std::fs;

use opus_zarr::ReadMode;
use opus_zarr_testkit::{damage::edit_document, recordings::open_at};
use serde_json::Value;

use crate::support::{NOTES, folder_with, run_in};

#[test]
fn a_sync_map_makes_reads_exact_and_is_kept() {
    let folder = folder_with(&[(NOTES, "a")]);
    let open = || open_at(folder.path().join("a.zarr"), "a").unwrap();
    let sync = |args: &[&str]| {
        run_in(folder.path(), [&["sync", "a.zarr/a", "--json"], args].concat())
            .exits(0)
            .lines("synced")
            .remove(0)
    };
    let said =
        |line: &Value| (line["before"].clone(), line["after"].clone(), line["is_measured"].clone());
    assert!(open().read_mode() != ReadMode::Exact);
    run_in(folder.path(), ["sync", "a.zarr/a", "--threads", "0"]).exits(2);
    let first = sync(&[]);
    assert_eq!(said(&first), ("no-map".into(), "exact".into(), true.into()));
    assert_eq!(open().read_mode(), ReadMode::Exact);
    assert_eq!(first["entries"], open().info().sync.as_ref().unwrap().entries);
    assert_eq!(said(&sync(&[])), ("exact".into(), "exact".into(), false.into()));
    assert_eq!(said(&sync(&["--force"])), ("exact".into(), "exact".into(), true.into()));

    fs::remove_file(folder.path().join("a.zarr/a/opus_sync/c/0/0")).unwrap();
    assert_eq!(said(&sync(&[])), ("damaged-map".into(), "exact".into(), true.into()));
}

#[test]
fn checking_changes_nothing() {
    let folder = folder_with(&[(NOTES, "a")]);
    let none = run_in(folder.path(), ["sync", "--check", "a.zarr/a"]).exits(1);
    assert!(none.stderr.contains("no sync map to check: no sync map"), "{}", none.stderr);
    assert!(!folder.path().join("a.zarr/a/opus_sync").exists());
    run_in(folder.path(), ["sync", "a.zarr/a"]).exits(0);
    let right = run_in(folder.path(), ["sync", "--check", "a.zarr/a"]).exits(0);
    assert!(right.stdout.starts_with("a.zarr/a: sync map is correct ("), "{}", right.stdout);

    // A wrong map of the right length.
    let store = opus_zarr::Store::open(folder.path().join("a.zarr")).unwrap();
    let name = "a".parse().unwrap();
    let mut reader = store.open_recording(&name).unwrap();
    let mut entries = reader.sync_entries().unwrap().unwrap();
    let decoder = reader.info().sync.clone().unwrap().decoder;
    entries.swap(0, 1);
    reader.replace_sync(&entries, &decoder).unwrap();
    let wrong = run_in(folder.path(), ["sync", "--check", "--json", "a.zarr/a"]).exits(4);
    assert_eq!(wrong.lines("sync_checked")[0]["first_wrong_entry"], 0);
    run_in(folder.path(), ["verify", "--level", "decode", "a.zarr/a"]).exits(4);

    // A map of another decoder.
    reader.replace_sync(&entries, "another").unwrap();
    let other = run_in(folder.path(), ["sync", "--check", "a.zarr/a"]).exits(1);
    assert!(other.stderr.contains("of another decoder"), "{}", other.stderr);
    run_in(folder.path(), ["sync", "--check", "--force", "a.zarr/a"]).exits(2);
}

#[test]
fn maps_of_another_rule_are_rebuilt_together() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let run = |args: &[&str], code| run_in(folder.path(), args).exits(code);
    run(&["sync", "a.zarr/a", "a.zarr/b"], 0);
    edit_document(&folder.path().join("a.zarr/b"), |document| {
        document["attributes"]["opus_zarr"]["sync"]["rule"] = 7.into();
    });
    let info = run(&["info", "a.zarr/b"], 0).stdout;
    assert!(info.contains("approximate: sync map built by rule 7 instead of 2"), "{info}");
    let lines = run(&["sync", "--json", "--stale", "a.zarr"], 0).lines("synced");
    let said: Vec<_> = lines.iter().map(|line| (&line["recording"], &line["before"])).collect();
    assert_eq!(said, [(&"a.zarr/b".into(), &"other-rule".into())]);
    let info = run(&["info", "a.zarr/b"], 0).stdout;
    assert!(info.contains("exact, by the sync map"), "{info}");
    let again = run(&["sync", "--stale", "a.zarr"], 0);
    assert!(again.stderr.contains("no sync map was built by an older rule"), "{}", again.stderr);
    run(&["sync", "--stale", "a.zarr", "a.zarr/a"], 2);
    run(&["sync"], 2);
}
