use opus_zarr_testkit::recordings::open_at;
use std::{fs, path::Path};

use crate::support::{NOTES, folder_with, run_in};

const TRIO: &str = "golden/trio.opus";

fn sha256(folder: &Path, store: &str, name: &str) -> String {
    let recording = open_at(folder.join(store), name).unwrap();
    assert!(recording.has_index());
    recording.info().blob_sha256.clone()
}

#[test]
fn a_recording_is_copied_into_a_store_or_to_a_new_name() {
    let folder = folder_with(&[(NOTES, "a"), (TRIO, "b")]);
    let original = sha256(folder.path(), "a.zarr", "a");
    let made = run_in(folder.path(), ["copy", "a.zarr/a", "b.zarr"]).exits(0);
    assert!(made.stdout.starts_with("a.zarr/a copied to b.zarr/a ("), "{}", made.stdout);
    assert_eq!(made.stderr, "created store b.zarr\n");
    for (to, store, name) in [("b.zarr/c", "b.zarr", "c"), ("a.zarr/d", "a.zarr", "d")] {
        let copied = run_in(folder.path(), ["copy", "a.zarr/a", to]).exits(0);
        assert_eq!(copied.stderr, "");
        assert_eq!(sha256(folder.path(), store, name), original);
    }
    assert_eq!(sha256(folder.path(), "b.zarr", "a"), original);

    let taken = run_in(folder.path(), ["copy", "a.zarr/b", "b.zarr/c"]).exits(1);
    assert!(taken.stderr.contains("already has a recording \"c\""), "{}", taken.stderr);
    assert_eq!(sha256(folder.path(), "b.zarr", "c"), original);
    run_in(folder.path(), ["copy", "a.zarr/none", "c.zarr"]).exits(10);
    assert!(!folder.path().join("c.zarr").exists());
    let whole = run_in(folder.path(), ["copy", "a.zarr", "c.zarr"]).exits(2);
    assert!(whole.stderr.contains("use --all to copy every recording"), "{}", whole.stderr);
    run_in(folder.path(), ["copy", "--all", "a.zarr/a", "c.zarr"]).exits(2);
}

#[test]
fn copying_all_skips_existing_recordings() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b"), (TRIO, "c")]);
    run_in(folder.path(), ["copy", "a.zarr/b", "b.zarr"]).exits(0);
    let copy_all = || run_in(folder.path(), ["copy", "--all", "a.zarr", "b.zarr", "--json"]);
    let is_copied = |outcome: crate::support::Outcome| {
        let lines = outcome.lines("copied");
        lines.iter().map(|line| line["is_copied"].as_bool().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(is_copied(copy_all().exits(0)), [true, false, true]);
    assert_eq!(is_copied(copy_all().exits(0)), [false, false, false]);
    assert_eq!(sha256(folder.path(), "a.zarr", "c"), sha256(folder.path(), "b.zarr", "c"));

    // The same name with different audio does not stop the others.
    fs::remove_dir_all(folder.path().join("b.zarr/a")).unwrap();
    fs::remove_dir_all(folder.path().join("b.zarr/c")).unwrap();
    run_in(folder.path(), ["copy", "a.zarr/c", "b.zarr/a"]).exits(0);
    let some = copy_all().exits(3);
    assert!(
        some.stderr.contains("b.zarr/a already exists with different audio"),
        "{}",
        some.stderr
    );
    assert_eq!(is_copied(some), [false, true]);
}
