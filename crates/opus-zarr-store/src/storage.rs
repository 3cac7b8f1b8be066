//! The ports to where a store is kept, and the two kinds that need no network.

mod local;
mod memory;
mod ready;

use std::{
    fmt::{Debug, Display},
    future::Future,
    io,
    ops::Range,
    pin::Pin,
};

use crate::RecordingName;

pub use local::LocalStorage;
pub use memory::MemoryStorage;
pub(crate) use ready::{Ready, ready};

/// Where the objects of a store are kept, by key: a directory, memory, a bucket.
///
/// Keys are segments joined by `/`, such as `a/opus_blob/c/0`. None of them is empty,
/// `.` or `..`, so a key never leads out of the store.
///
/// `Display` says where the store is, as people write it: a path, a URL.
///
/// Contract for implementers:
///
/// - What is read was written by one [`ObjectWriter`]: never a mix of two objects that
///   had the key one after the other, if the read is one call.
/// - A [`read`](Self::read) is one request, whose cost is proportional to what it gives.
/// - Errors have the kind that [`Part`] names; others are passed on as they come.
pub trait Storage: Debug + Display + Send + Sync {
    /// Reads a part of an object.
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>>;

    /// What lies directly in the store, in any order, as it comes. What a writer has begun
    /// and not committed is left out.
    fn entries(&self) -> io::Result<Entries<'_>>;

    /// What writes to it; of a storage that cannot be written an error of the kind
    /// [`ReadOnlyFilesystem`](io::ErrorKind::ReadOnlyFilesystem).
    fn writing(&self) -> io::Result<&dyn WriteStorage> {
        Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "it can only be read"))
    }
}

/// What [`Storage::entries`] gives.
pub type Entries<'a> = Box<dyn Iterator<Item = io::Result<Entry>> + 'a>;

/// Something that lies directly in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A recording of this name: its document is there, which has not been read.
    Recording(String),
    /// Something else with this name.
    Other(String),
}

/// A part of an object. Where the object is not there, reading it is an error of the
/// kind [`NotFound`](io::ErrorKind::NotFound) or
/// [`NotADirectory`](io::ErrorKind::NotADirectory).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Exactly these bytes. If it ends before, an error of the kind
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof).
    Range(Range<u64>),
    /// The last so many bytes, or all if there are fewer.
    Last(u64),
    /// All of it. If it has more bytes than this limit, an error of the kind
    /// [`FileTooLarge`](io::ErrorKind::FileTooLarge), before they are read.
    Whole(u64),
}

/// The same as [`Storage::read`], without waiting in it: for async readers.
pub trait AsyncStorage: Debug + Display + Send + Sync {
    /// Reads a part of an object.
    fn read<'a>(&'a self, key: &'a str, part: Part) -> PartFuture<'a>;
}

/// What [`AsyncStorage::read`] gives.
pub type PartFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<u8>>> + Send + 'a>>;

/// A [`Storage`] that can be written.
///
/// Contract for implementers: what a method has done when it returns survives a crash of
/// the machine, as far as the storage can.
pub trait WriteStorage: Storage {
    /// Writes an object, in place of the one that has this key, if any.
    fn create(&self, key: &str) -> io::Result<Box<dyn ObjectWriter>>;

    /// Begins a recording. An error of the kind
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if there is one of this name, and of
    /// the kind [`ResourceBusy`](io::ErrorKind::ResourceBusy) if another writer is at it and
    /// only one can be. What dead writers have left is removed, and does not stand in the
    /// way.
    fn begin(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>>;

    /// Removes a recording: at once it is there no more, then what it held goes. Of one
    /// that is not there, an error of the kind [`NotFound`](io::ErrorKind::NotFound).
    fn remove(&self, name: &RecordingName) -> io::Result<()>;
}

/// An object that is being written. It is there, with all its bytes, after
/// [`finish`](Self::finish), and until then not at all (or as it was before); dropped
/// without that, it has never been.
pub trait ObjectWriter: io::Write + Send {
    /// Makes the object appear.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A recording that is being written. Dropped without [`commit`](Self::commit), what was
/// written is removed.
pub trait Draft: Debug + Send + Sync {
    /// The key under which its objects lie until it is committed.
    fn prefix(&self) -> &str;

    /// Puts the object `from` of the same storage under the key `to` of the draft (without
    /// the prefix), and does not carry its bytes through here if it need not.
    fn take(&self, from: &str, to: &str) -> io::Result<()>;

    /// Makes the recording appear, with the document of its group, which is the last
    /// object to be written. An error of the kind
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if there is one of its name by now.
    fn commit(self: Box<Self>, document: &[u8]) -> io::Result<()>;
}

/// How the names of unfinished objects and recordings begin. Recordings cannot have such
/// a name.
pub(crate) const DRAFT_PREFIX: &str = ".opus-zarr-draft-";
