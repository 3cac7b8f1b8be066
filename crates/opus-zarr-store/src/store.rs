use std::{
    io::{self, ErrorKind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;

use crate::{
    AsyncRecordingReader, AsyncStorage, Entries, Entry, Error, InvalidName, LocalStorage,
    Operation, Part, RecordingName, RecordingReader, RecordingWriter, Storage,
    document::{check_layout, our_attributes},
    edit::{claim, claim_error},
    error::{NotAStore, Reason},
    json::parse_json,
    layout::{ArrayKind, METADATA, root_group},
    object::{io_error, name_of, put, read, read_document},
    recording::{document_key, has_blob},
    storage::{Ready, ready},
};

/// A store: a Zarr group that contains one group per recording.
///
/// Any number of processes may import into a store and read from it.
///
/// ```
/// use opus_zarr_store::Store;
///
/// let directory = tempfile::tempdir()?;
/// let store = Store::open_or_create(directory.path().join("archive.zarr"))?;
/// assert_eq!(store.recordings()?.count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        match Self::open_in(storage.clone()) {
            Err(error) if has_no_document(&error) => {}
            opened => return opened,
        }
        if is_empty(&*storage)? {
            return Ok(Self { storage, exists: Arc::new(false.into()) });
        }
        // Another process may have created it between the two looks.
        Self::open_in(storage).map_err(|error| match error.into_reason() {
            Reason::NotAStore { store, problem: NotAStore::NoDocument } => {
                Reason::NotAStore { store, problem: NotAStore::NotEmpty }.into()
            }
            reason => reason.into(),
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

    /// The storage of the store.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Lists the names of the recordings, in any order, without reading their documents. Leaves out
    /// what cannot be the name of a recording, with a warning.
    pub fn recordings(
        &self,
    ) -> Result<impl Iterator<Item = Result<RecordingName, Error>> + '_, Error> {
        Ok(self.listing()?.map(|listed| listed.map(|listed| listed.name)))
    }

    /// Lists the recordings like [`recordings`](Self::recordings), with the versions of their documents.
    pub fn listing(&self) -> Result<impl Iterator<Item = Result<Listed, Error>> + '_, Error> {
        let (store, exists) = (self.storage.to_string(), self.exists.load(Ordering::Relaxed));
        let entries = match self.storage.entries() {
            Err(error) if error.kind() == ErrorKind::NotFound && !exists => {
                Box::new(std::iter::empty())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // It has disappeared.
                ready(check_store(&Ready(&*self.storage)))?;
                return Err(io_error(Operation::List, &store)(error));
            }
            entries => entries.map_err(io_error(Operation::List, &store))?,
        };
        Ok(listed(store, entries))
    }

    /// Whether the store has a recording of this name.
    pub fn contains(&self, name: &RecordingName) -> Result<bool, Error> {
        ready(contains(&Ready(&*self.storage), name))
    }

    /// Begins a recording, which appears when it is committed.
    pub fn create_recording(&self, name: &RecordingName) -> Result<RecordingWriter, Error> {
        self.create()?;
        RecordingWriter::begin(self, name)
    }

    /// Begins a recording that takes the place of the one of its name when it is committed. Readers, and
    /// a crash, find the old one or the new one. The user's notes stay, and so do the attributes that
    /// other programs have added. A recording that holds arrays or groups of other programs is not
    /// replaced, because they may describe its audio.
    ///
    /// A directory needs a file system that exchanges two directories in one step; object stores
    /// cannot replace recordings.
    pub fn replace_recording(&self, name: &RecordingName) -> Result<RecordingWriter, Error> {
        RecordingWriter::begin_replacement(self, name)
    }

    /// Opens a recording.
    pub fn open_recording(&self, name: &RecordingName) -> Result<RecordingReader, Error> {
        RecordingReader::open_in(self.storage.clone(), name)
    }

    /// Deletes a recording, which disappears at once. Fails if other programs have added something to
    /// it, or if the name belongs to something other than a recording.
    pub fn delete_recording(&self, name: &RecordingName) -> Result<(), Error> {
        self.delete(name, false)
    }

    /// Deletes a recording with everything in it, also what other programs have added.
    pub fn delete_recording_with_foreign(&self, name: &RecordingName) -> Result<(), Error> {
        self.delete(name, true)
    }

    fn delete(&self, name: &RecordingName, with_foreign: bool) -> Result<(), Error> {
        let claim = claim(&self.storage, name)?;
        let ours = members();
        let members = match ready(what_is(&Ready(&*self.storage), name))? {
            Found::Recording => (!with_foreign).then_some(&ours[..]),
            Found::Remains => Some(&ours[..]),
            Found::Foreign => {
                let (name, store) = (name.clone(), self.storage.to_string());
                return Err(Reason::NotARecording { name, store }.into());
            }
        };
        claim.remove(members).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::ResourceBusy => {
                claim_error(&self.storage, name, error)
            }
            ErrorKind::DirectoryNotEmpty => holds_foreign(self, name, error),
            _ => io_error(Operation::Delete, &name_of(&*self.storage, name.as_str()))(error),
        })
    }
}

/// A recording in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its name.
    pub name: RecordingName,
    /// Identifies the present state of its document, if the storage learns that in listing it:
    /// two listings with the same version found the same document. Object stores do not.
    pub version: Option<String>,
}

/// A store read by async code. Like [`Store`], but waits where the storage does.
///
/// ```no_run
/// # async fn list(storage: std::sync::Arc<dyn opus_zarr_store::AsyncStorage>)
/// # -> Result<(), opus_zarr_store::Error> {
/// let store = opus_zarr_store::AsyncStore::open(storage).await?;
/// for name in store.recordings().await? {
///     let recording = store.open_recording(&name?).await?;
///     let _ = recording.info().play_length;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AsyncStore {
    storage: Arc<dyn AsyncStorage>,
}

impl AsyncStore {
    /// Opens the store in a storage: one read.
    pub async fn open(storage: Arc<dyn AsyncStorage>) -> Result<Self, Error> {
        check_store(&*storage).await?;
        Ok(Self { storage })
    }

    /// The storage of the store.
    pub fn storage(&self) -> &Arc<dyn AsyncStorage> {
        &self.storage
    }

    /// Lists the names of the recordings, like [`Store::recordings`].
    pub async fn recordings(
        &self,
    ) -> Result<impl Iterator<Item = Result<RecordingName, Error>> + Send + '_, Error> {
        let store = self.storage.to_string();
        let entries = self.storage.entries().await.map_err(io_error(Operation::List, &store))?;
        Ok(listed(store, entries).map(|found| found.map(|found| found.name)))
    }

    /// Whether the store has a recording of this name.
    pub async fn contains(&self, name: &RecordingName) -> Result<bool, Error> {
        contains(&*self.storage, name).await
    }

    /// Opens a recording.
    pub async fn open_recording(
        &self,
        name: &RecordingName,
    ) -> Result<AsyncRecordingReader, Error> {
        AsyncRecordingReader::open(self.storage.clone(), name).await
    }
}

pub(crate) fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

/// Checks that a storage holds a store that this version reads.
pub(crate) async fn check_store(storage: &dyn AsyncStorage) -> Result<(), Error> {
    let not_a_store = |problem| Reason::NotAStore { store: storage.to_string(), problem };
    let bytes = match read_document(storage, METADATA).await {
        Err(error) if error.is_missing() => {
            let is_file = matches!(error.reason(), Reason::Io { source, .. } if source.kind() == ErrorKind::NotADirectory);
            let problem = if is_file { NotAStore::NotADirectory } else { NotAStore::NoDocument };
            return Err(not_a_store(problem).into());
        }
        bytes => bytes?,
    };
    let document = parse_json(&bytes).map_err(|_| not_a_store(NotAStore::NotJson))?;
    let attributes =
        our_attributes(&document).ok_or_else(|| not_a_store(NotAStore::NoAttributes))?;
    check_layout(&name_of(storage, METADATA), attributes)?;
    // A recording's group has the attributes of a store and more.
    if attributes.get("blob_bytes").is_some() {
        return Err(Reason::IsARecording { store: storage.to_string() }.into());
    }
    Ok(())
}

async fn contains(storage: &dyn AsyncStorage, name: &RecordingName) -> Result<bool, Error> {
    match read(storage, &document_key(name), Part::Range(0..1)).await {
        Err(error) if error.is_missing() => Ok(false),
        // The document is empty.
        Err(error) if error.is_damaged() => Ok(true),
        result => result.map(|_| true),
    }
}

/// What has the name of a recording.
enum Found {
    /// A recording, possibly a damaged one.
    Recording,
    /// Objects without a document, as of a recording whose deletion was interrupted.
    Remains,
    /// An array, a group or a store of somebody else.
    Foreign,
}

async fn what_is(storage: &dyn AsyncStorage, name: &RecordingName) -> Result<Found, Error> {
    let document = match read_document(storage, &document_key(name)).await {
        Err(error) if error.is_missing() => return Ok(Found::Remains),
        Err(error) if error.is_damaged() || error.is_too_large() => None,
        bytes => parse_json(&bytes?).ok(),
    };
    let ours = document.as_ref().and_then(our_attributes);
    let is_recording = ours.is_some_and(|ours| ours.get("blob_bytes").is_some());
    match is_recording || has_blob(storage, name).await? {
        true => Ok(Found::Recording),
        false => Ok(Found::Foreign),
    }
}

pub(crate) fn holds_foreign(store: &Store, name: &RecordingName, source: io::Error) -> Error {
    let (name, store) = (name.clone(), store.storage.to_string());
    Reason::HoldsForeign { name, store, source }.into()
}

/// The names of what this crate writes into a recording.
pub(crate) fn members() -> Vec<&'static str> {
    let arrays = ArrayKind::ALL.map(ArrayKind::name);
    [&[METADATA], &arrays[..]].concat()
}

fn listed(
    store: String,
    entries: Entries<'_>,
) -> impl Iterator<Item = Result<Listed, Error>> + Send + '_ {
    entries.filter_map(move |entry| match entry {
        Ok(Entry::Recording { name, version }) => match name.parse() {
            Ok(name) => Some(Ok(Listed { name, version })),
            Err(error) => {
                let error: InvalidName = error;
                tracing::warn!("left out of {store:?}: {error}");
                None
            }
        },
        Ok(Entry::Other(_)) => None,
        Err(error) => Some(Err(io_error(Operation::List, &store)(error))),
    })
}

fn has_no_document(error: &Error) -> bool {
    matches!(error.reason(), Reason::NotAStore { problem: NotAStore::NoDocument, .. })
}

/// Whether the storage holds nothing but the remains of unfinished writers.
fn is_empty(storage: &dyn Storage) -> Result<bool, Error> {
    match storage.entries() {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(io_error(Operation::List, &storage.to_string())(error)),
    }
}
