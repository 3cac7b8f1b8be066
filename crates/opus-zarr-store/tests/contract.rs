//! Both storages of this crate keep the contract of its traits.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;

use opus_zarr_store::{Entry, LocalStorage, MemoryStorage, Storage, WriteStorage, check_storage};

#[test]
fn memory() {
    let storage = MemoryStorage::new();
    check_storage(&storage).unwrap();
    check_storage(&storage).unwrap();
}

#[test]
fn a_directory() {
    let root = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(root.path());
    for _ in 0..2 {
        check_storage(&storage).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "nothing is left");
    }
}

#[test]
fn what_is_no_recording_is_listed_as_such_and_not_removed() {
    let root = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(root.path());
    fs::write(root.path().join("notes"), "Dear reader").unwrap();
    fs::create_dir(root.path().join("photos")).unwrap();
    fs::write(root.path().join("photos/1"), "a wren").unwrap();
    let others = ["notes", "photos"].map(|name| Entry::Other(name.to_owned()));
    for name in ["notes", "photos", "missing"] {
        let error = storage.remove(&name.parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{name}: {error}");
    }
    let mut entries: Vec<Entry> = storage.entries().unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(|entry| format!("{entry:?}"));
    assert_eq!(entries, others);
    assert_eq!(fs::read(root.path().join("photos/1")).unwrap(), b"a wren");
}
