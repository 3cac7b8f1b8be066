//! The ports to the storage of a store, and the two storages that need no network.

mod local;
mod memory;
mod ready;

use std::{
    fmt::{Debug, Display},
    future::Future,
    io,
    ops::Range,
    pin::Pin,
    time::Duration,
};

use crate::RecordingName;

pub use local::LocalStorage;
pub use memory::MemoryStorage;
pub(crate) use ready::{Ready, ready};

/// Stores the objects of a store by key: a directory, memory, a bucket.
///
/// Keys are segments joined by `/`, such as `a/opus_blob/c/0`. No segment is empty, `.` or
/// `..`, so a key never leads out of the store.
///
/// `Display` names the place as people write it: a path, a URL.
///
/// Contract for implementers, checked by [`check_storage`](crate::check_storage()):
///
/// - The bytes of one read come from one [`ObjectWriter`], never from two objects that
///   successively had the same key.
/// - A [`read`](Self::read) is one request, with a cost proportional to the bytes returned.
/// - Errors have the kinds that [`Part`] names. Other errors are passed on unchanged.
pub trait Storage: Debug + Display + Send + Sync {
    /// Reads a part of an object.
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>>;

    /// Lists the entries directly in the store, in any order, without drafts that are not
    /// committed. A storage that cannot list returns an error of the kind
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    fn entries(&self) -> io::Result<Entries<'_>>;

    /// Returns the storage for writing. A read-only storage returns an error of the kind
    /// [`ReadOnlyFilesystem`](io::ErrorKind::ReadOnlyFilesystem).
    fn writing(&self) -> io::Result<&dyn WriteStorage> {
        Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "the storage is read-only"))
    }
}

/// The entries of a store, as [`Storage::entries`] lists them.
pub type Entries<'a> = Box<dyn Iterator<Item = io::Result<Entry>> + Send + 'a>;

/// Something directly in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A recording. It has a document, which has not been read.
    Recording {
        /// Its name.
        name: String,
        /// Identifies the present state of its document, if the storage learns that in listing it. Two
        /// listings with the same version found the same document.
        version: Option<String>,
    },
    /// Something else of this name.
    Other(String),
}

impl Entry {
    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Recording { name, .. } | Self::Other(name) => name,
        }
    }
}

/// A part of an object. Reading a missing object is an error of the kind
/// [`NotFound`](io::ErrorKind::NotFound) or [`NotADirectory`](io::ErrorKind::NotADirectory), reading
/// something that cannot be an object one of the kind [`InvalidData`](io::ErrorKind::InvalidData).
/// Errors of other kinds say nothing about the object: it cannot be read right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Exactly these bytes. If the object ends earlier, an error of the kind
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof).
    Range(Range<u64>),
    /// The last bytes, this many or all if the object has fewer.
    Last(u64),
    /// The whole object. If it is longer than this limit, an error of the kind
    /// [`FileTooLarge`](io::ErrorKind::FileTooLarge), without reading it.
    Whole(u64),
}

/// The reading side of [`Storage`] for async code, with the same contract, checked by
/// [`check_async_storage`](crate::check_async_storage()).
pub trait AsyncStorage: Debug + Display + Send + Sync {
    /// Reads a part of an object, like [`Storage::read`].
    fn read<'a>(&'a self, key: &'a str, part: Part) -> PartFuture<'a>;

    /// Lists the entries directly in the store, like [`Storage::entries`].
    fn entries(&self) -> EntriesFuture<'_>;
}

/// The future of [`AsyncStorage::read`].
pub type PartFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<u8>>> + Send + 'a>>;

/// The future of [`AsyncStorage::entries`].
pub type EntriesFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Entries<'a>>> + Send + 'a>>;

/// A [`Storage`] that can be written.
///
/// Contract for implementers, checked by
/// [`check_write_storage`](crate::check_write_storage()): when a method returns, its effect
/// survives a crash of the machine, as far as the storage can guarantee that.
pub trait WriteStorage: Storage {
    /// Writes an object, replacing the one with this key, if any.
    fn create(&self, key: &str) -> io::Result<Box<dyn ObjectWriter>>;

    /// Begins a recording. Fails with [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the
    /// name is taken, and with [`ResourceBusy`](io::ErrorKind::ResourceBusy) if another writer is
    /// writing it and the storage allows only one. The remains of dead writers are removed and
    /// do not block the name.
    fn begin(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>>;

    /// Begins a recording that is to [replace](Draft::replace) the one of its name. Fails with
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the storage cannot do that in one step.
    fn begin_replacement(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        let _ = name;
        Err(io::Error::new(io::ErrorKind::Unsupported, NO_REPLACEMENT))
    }

    /// Claims a recording, in order to change, rename or remove it. Until the claim is dropped, no
    /// other claim succeeds; the claims of dead processes do not count. Waits for a while if somebody
    /// else has one, then fails with [`ResourceBusy`](io::ErrorKind::ResourceBusy). Fails with
    /// [`NotFound`](io::ErrorKind::NotFound) if the recording does not exist.
    fn claim(&self, name: &RecordingName) -> io::Result<Box<dyn Claim>>;
}

/// An object being written. It appears with all its bytes at [`finish`](Self::finish). Until
/// then, and if dropped before, the key is absent or still has its previous object.
pub trait ObjectWriter: io::Write + Send {
    /// Makes the object appear.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A recording being written. Dropping it without [`commit`](Self::commit) removes what was
/// written.
pub trait Draft: Debug + Send + Sync {
    /// The key prefix of its objects until it is committed.
    fn prefix(&self) -> &str;

    /// Copies the object `from` of the same storage to the key `to` of the draft (without the
    /// prefix), within the storage if possible.
    fn take(&self, from: &str, to: &str) -> io::Result<()>;

    /// Makes the recording appear. Its `document` is the last object to be written. Fails with
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the name has been taken meanwhile.
    fn commit(self: Box<Self>, document: &[u8]) -> io::Result<()>;

    /// Puts the recording in the place of the claimed one, which has the same name, in one step: readers
    /// and crashes find the one or the other. Then removes the old one. If that has a member other than
    /// `members`, fails with [`DirectoryNotEmpty`](io::ErrorKind::DirectoryNotEmpty) and changes
    /// nothing; if the storage cannot do it, with [`Unsupported`](io::ErrorKind::Unsupported).
    fn replace(
        self: Box<Self>,
        claim: Box<dyn Claim>,
        document: &[u8],
        members: &[&str],
    ) -> io::Result<()> {
        let _ = (claim, document, members);
        Err(io::Error::new(io::ErrorKind::Unsupported, NO_REPLACEMENT))
    }
}

/// A recording that nobody else changes by a claim. Programs that do not know claims may change it
/// all the same, which is why its document is compared before it is replaced.
pub trait Claim: Debug + Send + Sync {
    /// Replaces the document if it still is `before`. Returns whether it was. Fails with
    /// [`NotFound`](io::ErrorKind::NotFound) if the recording is gone; it never comes back.
    fn replace(&self, before: &[u8], after: &[u8]) -> io::Result<bool>;

    /// Renames the recording with everything in it. Fails with
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the name is taken.
    fn rename(self: Box<Self>, to: &RecordingName) -> io::Result<()>;

    /// Removes the recording. It disappears at once, then its objects are removed. If it has a
    /// member other than `members`, fails with
    /// [`DirectoryNotEmpty`](io::ErrorKind::DirectoryNotEmpty) and removes nothing. `None` removes
    /// every member.
    fn remove(self: Box<Self>, members: Option<&[&str]>) -> io::Result<()>;
}

/// The prefix of unfinished objects and recordings, which no recording name can have.
pub(crate) const DRAFT_PREFIX: &str = ".opus-zarr-draft-";

/// Whether a member of a recording is none of these.
pub(crate) fn is_foreign(member: &str, members: Option<&[&str]>) -> bool {
    members.is_some_and(|members| !members.contains(&member)) && !member.starts_with(DRAFT_PREFIX)
}

/// Why a recording cannot be replaced.
pub(crate) const NO_REPLACEMENT: &str = "the storage cannot replace a recording in one step";

/// How long to wait for a claim of somebody else, who holds it only while writing.
pub(crate) const CLAIM_WAIT: Duration = Duration::from_secs(15);
