use std::{
    io::ErrorKind,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;

use crate::{
    AsyncStorage, Entry, Error, LocalStorage, Part, RecordingName, RecordingReader,
    RecordingWriter, Storage,
    document::{MAX_METADATA, check_layout, our_attributes},
    json::parse_json,
    layout::{METADATA, root_group},
    object::{io_error, is_absent, name_of, put, read},
    recording::document_key,
    storage::{Ready, ready},
};

/// A store: a Zarr group, with one group in it per recording.
///
/// Any number of processes may import into a store and read from it.
#[derive(Clone, Debug)]
pub struct Store {
    storage: Arc<dyn Storage>,
    /// Whether the store exists. If not, its first recording creates it.
    exists: Arc<AtomicBool>,
}

impl Store {
    /// Opens a store in a directory.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_in(Arc::new(LocalStorage::new(root)))
    }

    /// Opens a store in a directory. If the directory is missing or empty, the first recording
    /// that is written creates the store.
    pub fn open_or_create(root: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_or_create_in(Arc::new(LocalStorage::new(root)))
    }

    /// Opens the store in a storage: one read.
    pub fn open_in(storage: Arc<dyn Storage>) -> Result<Self, Error> {
        ready(check_store(&Ready(&*storage)))?;
        Ok(Self { storage, exists: Arc::new(true.into()) })
    }

    /// Opens the store in a storage. If the storage is empty, the first recording that is written
    /// creates the store.
    pub fn open_or_create_in(storage: Arc<dyn Storage>) -> Result<Self, Error> {
        match ready(check_store(&Ready(&*storage))) {
            Err(Error::NotAStore { reason: ABSENT, .. }) if is_empty(&*storage)? => {
                Ok(Self { storage, exists: Arc::new(false.into()) })
            }
            // Another process may have created it between the two looks.
            Err(Error::NotAStore { reason: ABSENT, .. }) => Self::open_not_empty(storage),
            result => result.map(|()| Self { storage, exists: Arc::new(true.into()) }),
        }
    }

    fn open_not_empty(storage: Arc<dyn Storage>) -> Result<Self, Error> {
        Self::open_in(storage).map_err(|error| match error {
            Error::NotAStore { store, reason: ABSENT } => {
                Error::NotAStore { store, reason: NOT_EMPTY }
            }
            error => error,
        })
    }

    /// Creates the store now if it does not exist. Writing the first recording does so too.
    pub fn create(&self) -> Result<(), Error> {
        if self.exists.load(Ordering::Relaxed) {
            return Ok(());
        }
        let store = Self::open_or_create_in(self.storage.clone())?;
        if !store.exists.load(Ordering::Relaxed) {
            put(&self.storage, METADATA, pretty(&root_group()).as_bytes())?;
        }
        self.exists.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Where it is kept.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The names of its recordings, in any order, as they come: nothing is read of them.
    /// A name that cannot be one is an error in its place.
    pub fn recordings(
        &self,
    ) -> Result<impl Iterator<Item = Result<RecordingName, Error>> + '_, Error> {
        let store = self.storage.to_string();
        let entries = match self.storage.entries() {
            Err(error)
                if error.kind() == ErrorKind::NotFound && !self.exists.load(Ordering::Relaxed) =>
            {
                Box::new(std::iter::empty())
            }
            entries => entries.map_err(io_error("list", &store))?,
        };
        Ok(entries.filter_map(move |entry| match entry {
            Ok(Entry::Recording(name)) => Some(name.parse().map_err(Error::from)),
            Ok(Entry::Other(_)) => None,
            Err(error) => Some(Err(io_error("list", &store)(error))),
        }))
    }

    /// Whether there is a recording of this name.
    pub fn contains(&self, name: &RecordingName) -> Result<bool, Error> {
        let storage = Ready(&*self.storage);
        match ready(read(&storage, &document_key(name), Part::Range(0..1))) {
            Err(error) if is_absent(&error) => Ok(false),
            Err(Error::Damaged { .. }) => Ok(true),
            result => result.map(|_| true),
        }
    }

    /// Begins a new recording, which appears when it is committed.
    pub fn create_recording(&self, name: &RecordingName) -> Result<RecordingWriter, Error> {
        self.create()?;
        RecordingWriter::begin(self, name)
    }

    /// Opens a recording.
    pub fn open_recording(&self, name: &RecordingName) -> Result<RecordingReader, Error> {
        RecordingReader::open_in(self.storage.clone(), name)
    }

    /// Deletes a recording, which is gone at once.
    pub fn delete_recording(&self, name: &RecordingName) -> Result<(), Error> {
        let store = self.storage.to_string();
        let removed = self.storage.writing().and_then(|storage| storage.remove(name));
        removed.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::NoSuchRecording { name: name.clone(), store },
            _ => io_error("delete", &name_of(&*self.storage, name.as_str()))(error),
        })
    }
}

pub(crate) fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

/// Whether there is a store that this version reads.
pub(crate) async fn check_store(storage: &dyn AsyncStorage) -> Result<(), Error> {
    let not_a_store = |reason| Error::NotAStore { store: storage.to_string(), reason };
    let bytes = match read(storage, METADATA, Part::Whole(MAX_METADATA)).await {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Err(not_a_store(ABSENT));
        }
        Err(error) if is_absent(&error) => return Err(not_a_store("it is no directory")),
        bytes => bytes?,
    };
    let document = parse_json(&bytes).map_err(|_| not_a_store("its zarr.json is not JSON"))?;
    let attributes = our_attributes(&document)
        .ok_or_else(|| not_a_store("its zarr.json has no opus_zarr attributes"))?;
    check_layout(&name_of(storage, METADATA), attributes)?;
    // It has the same attributes, and more.
    match attributes.get("blob_bytes") {
        Some(_) => Err(Error::IsARecording { store: storage.to_string() }),
        None => Ok(()),
    }
}

/// Whether nothing is there but what unfinished writers have left.
fn is_empty(storage: &dyn Storage) -> Result<bool, Error> {
    match storage.entries() {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(io_error("list", &storage.to_string())(error)),
    }
}

const ABSENT: &str = "it has no zarr.json";
const NOT_EMPTY: &str = "it has no zarr.json; a new store needs a place that is empty";
