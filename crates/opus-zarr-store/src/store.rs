use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    Error, RecordingName, RecordingReader, RecordingWriter,
    document::{check_layout, our_attributes},
    layout::{METADATA, root_group},
    local::{DRAFT_PREFIX, create_dir_all, io_error, read_whole, replace},
};

/// A store: a Zarr group in a directory, with one group in it per recording.
///
/// Any number of processes may import into a store and read from it.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens a store that exists.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, Error> {
        let root = root.as_ref();
        let path = root.join(METADATA);
        match read_whole(&path, MAX_METADATA) {
            Ok(bytes) => check_root(root, &bytes)?,
            Err(Error::Io { source, .. }) if is_absent(&source) => {
                return Err(not_a_store(root, why_absent(root)));
            }
            Err(error) => return Err(error),
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Opens a store, or makes one where there is no directory or an empty one.
    pub fn open_or_create(root: impl AsRef<Path>) -> Result<Self, Error> {
        let root = root.as_ref();
        if root.is_file() {
            return Err(not_a_store(root, why_absent(root)));
        }
        create_dir_all(root)?;
        match Self::open(root) {
            Err(Error::NotAStore { .. }) if is_empty(root)? => {
                replace(&root.join(METADATA), pretty(&root_group()).as_bytes())?;
                Self::open(root)
            }
            // Another process may have made it between our two looks.
            Err(Error::NotAStore { .. }) => Self::open(root),
            result => result,
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Whether there is something with the name of this recording.
    pub fn contains(&self, name: &RecordingName) -> bool {
        fs::symlink_metadata(self.recording_path(name)).is_ok()
    }

    /// Begins a new recording, which appears when it is committed.
    pub fn create_recording(&self, name: &RecordingName) -> Result<RecordingWriter, Error> {
        RecordingWriter::begin(self, name)
    }

    /// Opens a recording.
    pub fn open_recording(&self, name: &RecordingName) -> Result<RecordingReader, Error> {
        RecordingReader::open(&self.root, name)
    }

    pub(crate) fn recording_path(&self, name: &RecordingName) -> PathBuf {
        self.root.join(name.as_str())
    }
}

pub(crate) fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn check_root(root: &Path, bytes: &[u8]) -> Result<(), Error> {
    let document: Value = serde_json::from_slice(bytes)
        .map_err(|_| not_a_store(root, "its zarr.json is not JSON"))?;
    let attributes = our_attributes(&document)
        .ok_or_else(|| not_a_store(root, "its zarr.json has no opus_zarr attributes"))?;
    check_layout(&root.join(METADATA), attributes)
}

fn why_absent(root: &Path) -> &'static str {
    if root.is_dir() {
        "it has no zarr.json; a new store needs an empty directory"
    } else if root.exists() {
        "it is no directory"
    } else {
        "there is no such directory"
    }
}

fn not_a_store(root: &Path, reason: &'static str) -> Error {
    Error::NotAStore { path: root.to_owned(), reason }
}

/// Whether a directory holds nothing but what an unfinished writer left.
fn is_empty(root: &Path) -> Result<bool, Error> {
    let read_error = io_error("list", root);
    for entry in fs::read_dir(root).map_err(&read_error)? {
        let name = entry.map_err(&read_error)?.file_name();
        if !name.to_string_lossy().starts_with(DRAFT_PREFIX) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// No honest `zarr.json` is longer: 64 MiB hold the index places of ten years.
pub(crate) const MAX_METADATA: u64 = 64 * 1024 * 1024;
