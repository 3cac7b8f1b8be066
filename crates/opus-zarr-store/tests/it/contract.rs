//! Both storages of this crate keep the contracts of its traits, and the checks find those that do
//! not.

use std::{fmt, fs, io, io::Write};

use opus_zarr_store::{
    Entries, Entry, LocalStorage, MemoryStorage, Part, Storage, WriteStorage, check_storage,
    check_write_storage,
};

#[test]
fn memory() {
    let storage = MemoryStorage::new();
    check_write_storage(&storage).unwrap();
    check_write_storage(&storage).unwrap();
}

#[test]
fn a_directory() {
    let root = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(root.path());
    for _ in 0..2 {
        check_write_storage(&storage).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "nothing is left");
    }
}

#[test]
fn other_entries_are_listed_as_such_and_not_removed() {
    let root = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(root.path());
    fs::write(root.path().join("notes"), "Dear reader").unwrap();
    fs::create_dir(root.path().join("photos")).unwrap();
    fs::write(root.path().join("photos/1"), "a wren").unwrap();
    let others = ["notes", "photos"].map(|name| Entry::Other(name.to_owned()));
    for name in ["notes", "photos", "missing"] {
        let error = storage.claim(&name.parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{name}: {error}");
    }
    let mut entries: Vec<Entry> = storage.entries().unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(|entry| format!("{entry:?}"));
    assert_eq!(entries, others);
    assert_eq!(fs::read(root.path().join("photos/1")).unwrap(), b"a wren");
}

/// A storage that can only be read, and that breaks one rule.
#[derive(Debug)]
struct ReadOnly {
    storage: MemoryStorage,
    change: fn(Part) -> Part,
}

impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("read-only")
    }
}

impl Storage for ReadOnly {
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        self.storage.read(key, (self.change)(part))
    }

    fn entries(&self) -> io::Result<Entries<'_>> {
        self.storage.entries()
    }
}

const OBJECTS: [(&str, &[u8]); 3] =
    [("zarr.json", b"{}"), ("a/zarr.json", b"a document"), ("a/opus_blob/c/0", b"0123456789ab")];

fn read_only(change: fn(Part) -> Part) -> ReadOnly {
    let storage = MemoryStorage::new();
    for (key, bytes) in OBJECTS {
        let mut object = storage.create(key).unwrap();
        object.write_all(bytes).unwrap();
        object.finish().unwrap();
    }
    ReadOnly { storage, change }
}

#[test]
fn a_storage_that_can_only_be_read_is_checked() {
    let storage = read_only(|part| part);
    assert_eq!(storage.writing().map(drop).unwrap_err().kind(), io::ErrorKind::ReadOnlyFilesystem);
    check_storage(&storage, &OBJECTS).unwrap();
    let error = check_storage(&storage, &OBJECTS[1..]).unwrap_err();
    assert!(error.to_string().contains("every name is listed once"), "{error}");
    assert!(check_write_storage(&storage).is_err());
}

#[test]
fn a_broken_contract_names_the_rule() {
    let shifted = |part| match part {
        Part::Range(range) => Part::Range(range.start + 1..range.end + 1),
        part => part,
    };
    let unlimited = |part| match part {
        Part::Whole(_) => Part::Whole(u64::MAX),
        part => part,
    };
    type Change = fn(Part) -> Part;
    let changes: [(Change, &str); 2] = [
        (shifted, "read-only: a range is exactly those bytes: "),
        (unlimited, "read-only: an object longer than the limit is not read: "),
    ];
    for (change, rule) in changes {
        let error = check_storage(&read_only(change), &OBJECTS).unwrap_err();
        assert!(format!("{error:?}").starts_with(rule), "{error}");
    }
}
