//! The recordings in `testdata/`, and stores that hold them.

use std::{fs, path::Path};

use opus_zarr::{
    Error, ImportOptions, Imported, Recording, Sample, Store, Verification, VerifyOptions, import,
    unwatched, verify,
};
use tempfile::TempDir;

use crate::{
    files::{fast_folder, testdata},
    stream::Stream,
};

/// 21 s of speech, mono.
pub const MONO: &str = "field-notes.opus";
/// 12 s of chirps, stereo.
pub const STEREO: &str = "chirps-stereo.opus";
/// 22 s of short sentences and long pauses, mono, encoded with DTX: the pauses have almost no
/// packets.
pub const DTX: &str = "pauses-dtx.opus";
/// The two without pauses.
pub const BOTH: [&str; 2] = [MONO, STEREO];

/// Reads a file of `testdata/`.
pub fn bytes_of(file: &str) -> Vec<u8> {
    fs::read(testdata(file)).unwrap()
}

/// Takes a file of `testdata/` apart.
pub fn stream_of(file: &str) -> Stream {
    Stream::read(&bytes_of(file))
}

/// Imports a file into the store in a directory, which is created if missing. The recording has no
/// sync map: few tests need one, and measuring takes longer than the rest of the import.
pub fn import_to(
    file: impl AsRef<Path>,
    store: impl AsRef<Path>,
    name: &str,
) -> Result<Imported, Error> {
    import_with(file, store, name, &ImportOptions::default().exact(false))
}

/// Imports a file like [`import_to`], with options.
pub fn import_with(
    file: impl AsRef<Path>,
    store: impl AsRef<Path>,
    name: &str,
    options: &ImportOptions,
) -> Result<Imported, Error> {
    import(file, &Store::open_or_create(store)?, name, options, unwatched)
}

/// Opens a recording of the store in a directory.
pub fn open_at(store: impl AsRef<Path>, name: &str) -> Result<Recording, Error> {
    Recording::open(&Store::open(store)?, name)
}

/// Verifies a recording of the store in a directory.
pub fn verify_at(
    store: impl AsRef<Path>,
    name: &str,
    options: &VerifyOptions,
) -> Result<Verification, Error> {
    verify(&Store::open(store)?, name, options, unwatched)
}

/// Makes a store that holds a file of `testdata/` as the recording "it", without a sync map.
pub fn store_of(file: &str) -> (TempDir, Recording) {
    let store = fast_folder();
    let recording = import_to(testdata(file), store.path(), "it").unwrap().into_first();
    (store, recording)
}

/// Imports a file with these bytes into the store `folder/store`, without a sync map.
pub fn import_bytes(bytes: &[u8], folder: &Path, name: &str) -> Recording {
    let file = folder.join(format!("{name}.opus"));
    fs::write(&file, bytes).unwrap();
    import_to(file, folder.join("store"), name).unwrap().into_first()
}

/// Reads every play sample.
pub fn all<S: Sample>(recording: &Recording) -> Vec<S> {
    recording.read(0..recording.info().play_length).unwrap()
}

/// Reads the first and the last second. This touches both blob chunks of the recordings in
/// `testdata/` and takes less time than a full decode.
pub fn first_and_last(recording: &Recording) -> [Vec<i16>; 2] {
    let len = recording.info().play_length;
    [0..48_000, len - 48_000..len].map(|range| recording.read(range).unwrap())
}
