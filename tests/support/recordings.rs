//! The recordings of `testdata/`, and stores of them.

use std::{fs, ops::Range, path::Path};

use opus_zarr::{Recording, Sample, import};
use tempfile::TempDir;

use super::{stream::Stream, testdata};

/// 21 s of speech, mono.
pub const MONO: &str = "field-notes.opus";
/// 12 s of chirps, stereo.
pub const STEREO: &str = "chirps-stereo.opus";
/// 22 s of short sentences and long pauses, mono, in which almost nothing was sent.
pub const DTX: &str = "pauses-dtx.opus";
pub const BOTH: [&str; 2] = [MONO, STEREO];

pub fn bytes_of(file: &str) -> Vec<u8> {
    fs::read(testdata(file)).unwrap()
}

pub fn stream_of(file: &str) -> Stream {
    Stream::read(&bytes_of(file))
}

/// A new store that holds the file as the recording "it".
pub fn store_of(file: &str) -> (TempDir, Recording) {
    let store = tempfile::tempdir().unwrap();
    let recording = import(testdata(file), store.path(), "it").unwrap().into_first();
    (store, recording)
}

/// Imports a file with these bytes into the store `folder/store`.
pub fn import_bytes(bytes: &[u8], folder: &Path, name: &str) -> Recording {
    let file = folder.join(format!("{name}.opus"));
    fs::write(&file, bytes).unwrap();
    import(file, folder.join("store"), name).unwrap().into_first()
}

/// Every sample that plays.
pub fn all<S: Sample>(recording: &Recording) -> Vec<S> {
    recording.read(0..recording.info().play_length).unwrap()
}

/// The first and the last second: it reads both chunks of the blob of our recordings,
/// and takes less time than to decode all of it.
pub fn first_and_last(recording: &Recording) -> [Vec<i16>; 2] {
    let len = recording.info().play_length;
    [0..48_000, len - 48_000..len].map(|range| recording.read(range).unwrap())
}

/// Where the samples of a range stand among all of them, interleaved.
pub fn interleaved(range: &Range<u64>, channels: u8) -> Range<usize> {
    let place = |samples: u64| usize::try_from(samples * u64::from(channels)).unwrap();
    place(range.start)..place(range.end)
}
