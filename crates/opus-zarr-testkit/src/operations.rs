//! Every operation that changes a store, so that tests can disturb each of them.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use opus_zarr::{ImportOptions, Recording, import, unwatched};
use opus_zarr_store::{MemoryStorage, Part, RecordingName, Store};
use serde_json::{Map, Value};

use crate::{
    errors::chain,
    recordings::{MONO, stream_of},
    stream::Pages,
};

/// An operation on a store that holds the recordings [`EARLIER`] and [`IT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Imports a file as [`NEW`].
    Import,
    /// Copies [`IT`] to [`NEW`].
    Copy,
    /// Copies [`IT`] of another store to [`NEW`].
    CopyFromElsewhere,
    /// Renames [`IT`] to [`NEW`].
    Rename,
    /// Deletes [`IT`].
    Delete,
    /// Changes the user's notes of [`IT`].
    Annotate,
    /// Rebuilds the index of [`IT`].
    RebuildIndex,
    /// Builds the sync map of [`IT`].
    BuildSync,
    /// Imports another file as [`IT`].
    Replace,
}

/// What the operations need besides the store that they change.
pub struct Supplies {
    file: PathBuf,
    other: PathBuf,
    elsewhere: Store,
}

impl Supplies {
    /// Makes a file that imports fast: a fifth of a second, in one chunk.
    pub fn new(folder: &Path) -> Self {
        let file = folder.join("short.opus");
        fs::write(&file, stream_of(MONO).shortened(10).write(Pages::OfOneSecond)).unwrap();
        Self::of(file)
    }

    /// Uses an existing file.
    pub fn of(file: PathBuf) -> Self {
        let elsewhere = Store::open_or_create_in(Arc::new(MemoryStorage::new())).unwrap();
        import(&file, &elsewhere, IT, &exact(), unwatched).unwrap();
        let other = file.with_extension("other");
        // A child process uses the file of its parent.
        if !other.exists() {
            fs::write(&other, stream_of(MONO).shortened(7).write(Pages::OfOneSecond)).unwrap();
        }
        Self { file, other, elsewhere }
    }

    /// Returns the file that [`Operation::Import`] imports.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Puts the recordings that the operations expect into a store.
    pub fn fill(&self, store: &Store) {
        import(&self.file, store, EARLIER, &exact(), unwatched).unwrap();
        store.copy_recording(&name(EARLIER), store, &name(IT)).unwrap();
    }
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 8] = [
        Self::Import,
        Self::Copy,
        Self::CopyFromElsewhere,
        Self::Rename,
        Self::Delete,
        Self::Annotate,
        Self::RebuildIndex,
        Self::BuildSync,
    ];

    /// Every operation of a store in a directory or in memory.
    pub fn local() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain([Self::Replace])
    }

    /// Runs the operation. An error is its text.
    pub fn run(self, store: &Store, supplies: &Supplies) -> Result<(), String> {
        let (it, new) = (name(IT), name(NEW));
        match self {
            Self::Import => message(import(&supplies.file, store, NEW, &exact(), unwatched)),
            Self::Copy => message(store.copy_recording(&it, store, &new)),
            Self::CopyFromElsewhere => message(supplies.elsewhere.copy_recording(&it, store, &new)),
            Self::Rename => message(store.rename_recording(&it, &new)),
            Self::Delete => message(store.delete_recording(&it)),
            Self::Annotate => {
                let user = Map::from_iter([("species".to_owned(), Value::from("wren"))]);
                let recording = store.open_recording(&it);
                message(recording.and_then(|mut recording| {
                    recording.edit_user_metadata(|all| *all = user.clone())
                }))
            }
            Self::Replace => {
                let options = exact().replace(true);
                message(import(&supplies.other, store, IT, &options, unwatched))
            }
            Self::RebuildIndex => {
                let recording = Recording::open(store, IT);
                message(recording.and_then(|mut recording| recording.rebuild_index(unwatched)))
            }
            Self::BuildSync => {
                let recording = Recording::open(store, IT);
                message(recording.and_then(|mut recording| recording.build_sync(unwatched)))
            }
        }
    }

    /// Returns whether the change may stay although the operation returned an error. A
    /// replaced object cannot be put back.
    pub fn may_have_happened_after_an_error(self) -> bool {
        self == Self::Annotate
    }
}

/// Options that make a sync map.
fn exact() -> ImportOptions {
    ImportOptions::default().exact(true)
}

/// The objects of all visible recordings of a store, by key.
pub type Snapshot = BTreeMap<String, Vec<u8>>;

/// Reads every object of every visible recording.
pub fn snapshot(store: &Store) -> Snapshot {
    let mut objects = Snapshot::new();
    for name in store.recordings().unwrap() {
        let name = name.unwrap();
        let has_sync = store.open_recording(&name).unwrap().info().sync.is_some();
        for object in OBJECTS.iter().filter(|object| has_sync || !object.contains("sync")) {
            let key = format!("{name}/{object}");
            let bytes = store.storage().read(&key, Part::Whole(u64::MAX));
            objects.insert(key.clone(), bytes.unwrap_or_else(|error| panic!("{key}: {error}")));
        }
    }
    objects
}

/// Asserts that a disturbed operation did all of its work or none, and that it succeeds when it
/// runs again.
pub fn check(
    operation: Operation,
    result: &Result<(), String>,
    store: &Store,
    supplies: &Supplies,
    [before, after]: [&Snapshot; 2],
    what: &str,
) {
    let now = snapshot(store);
    let Err(error) = result else {
        assert!(now == *after, "{what}: it succeeded, but the store is wrong");
        return;
    };
    assert_eq!(error.lines().count(), 1, "{what}: {error}");
    let has_happened = now == *after && operation.may_have_happened_after_an_error();
    assert!(now == *before || has_happened, "{what}: {error}\n{:?}", now.keys());
    operation.run(store, supplies).unwrap_or_else(|error| panic!("{what}: again: {error}"));
    assert!(snapshot(store) == *after, "{what}: again");
}

fn message<T>(result: Result<T, impl Error>) -> Result<(), String> {
    result.map(drop).map_err(|error| chain(&error))
}

/// Parses a recording name.
pub fn name(name: &str) -> RecordingName {
    name.parse().unwrap()
}

/// The recording that no operation touches.
pub const EARLIER: &str = "earlier";
/// The recording that the operations work on.
pub const IT: &str = "it";
/// The recording that they make.
pub const NEW: &str = "new";

/// The objects of a recording whose blob is one shard.
const OBJECTS: [&str; 7] = [
    "zarr.json",
    "opus_blob/zarr.json",
    "opus_blob/c/0",
    "opus_index/zarr.json",
    "opus_index/c/0/0",
    "opus_sync/zarr.json",
    "opus_sync/c/0/0",
];
