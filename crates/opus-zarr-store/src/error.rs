use std::{error::Error as StdError, fmt, io, ops::Range};

use crate::{InvalidClock, InvalidName, RecordingName, index::IndexFault, quoted};

/// The error of this crate. It names objects and stores as people write them: paths, URLs.
///
/// `Display` is one line; causes are in `source()`. `Debug` prints the line and all causes,
/// because a `main` that fails prints it.
pub struct Error(Box<Reason>);

/// What went wrong, as far as a caller would branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The place is empty or absent, or holds something other than an opus-zarr store.
    NotAStore,
    /// The place is a recording in a store, not a store.
    IsARecording,
    /// The store has no recording of this name.
    NoSuchRecording,
    /// The store already has a recording of this name.
    RecordingExists,
    /// Another writer is writing the recording.
    Busy,
    /// The name belongs to something else: an array, a group or a store of another program.
    NotARecording,
    /// The recording holds something that another program has added.
    HoldsForeign,
    /// The storage cannot replace a recording in one step.
    CannotReplace,
    /// Another recording has taken the name since the recording was opened.
    Replaced,
    /// The name cannot be that of a recording.
    InvalidName,
    /// The store or recording has a layout that this version cannot read.
    UnsupportedLayout,
    /// Stored bytes differ from what was written.
    Damaged,
    /// A document, or the notes in it, exceed the limits of the format.
    TooLarge,
    /// The correction of a clock exceeds the limits of the format.
    InvalidClock,
    /// An object of a recording is missing.
    MissingObject,
    /// The requested bytes or samples lie outside the recording.
    OutOfRange,
    /// The parts of a recording do not fit together.
    Inconsistent,
    /// The caller cancelled the operation.
    Cancelled,
    /// The storage denied access.
    PermissionDenied,
    /// The storage can only be read.
    ReadOnly,
    /// The storage failed; `source()` is its error.
    Io,
    /// A Zarr codec failed.
    Codec,
}

/// An operation on a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Reads an object.
    Read,
    /// Creates an object or a recording.
    Create,
    /// Writes an object.
    Write,
    /// Copies an object.
    Copy,
    /// Deletes a recording.
    Delete,
    /// Lists the store.
    List,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("cannot {operation} {object}", object = quoted(object))]
    Io { operation: Operation, object: String, source: io::Error },
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("{store} is not an opus-zarr store: {problem}", store = quoted(store))]
    NotAStore { store: String, problem: NotAStore },
    #[error("{store} is a recording in an opus-zarr store, not a store", store = quoted(store))]
    IsARecording { store: String },
    #[error("no recording \"{name}\" in {store}", store = quoted(store))]
    NoSuchRecording { name: RecordingName, store: String },
    #[error("{store} already has a recording \"{name}\"", store = quoted(store))]
    RecordingExists { name: RecordingName, store: String },
    #[error("another writer is writing the recording \"{name}\" in {store}", store = quoted(store))]
    Busy { name: RecordingName, store: String, source: io::Error },
    #[error("{object}: not a recording: no opus_zarr attributes", object = quoted(object))]
    Foreign { object: String },
    #[error("\"{name}\" in {store} is not a recording", store = quoted(store))]
    NotARecording { name: RecordingName, store: String },
    #[error(
        "the recording \"{name}\" in {store} holds something that opus-zarr did not write",
        store = quoted(store)
    )]
    HoldsForeign { name: RecordingName, store: String, source: io::Error },
    #[error(
        "the recording \"{name}\" in {store} cannot be replaced",
        store = quoted(store)
    )]
    NotReplaced { name: RecordingName, store: String, source: io::Error },
    #[error(
        "the recording \"{name}\" in {store} was replaced by another one meanwhile",
        store = quoted(store)
    )]
    Replaced { name: RecordingName, store: String },
    #[error("{object}: layout {found}, this version reads layout 1", object = quoted(object))]
    Layout { object: String, found: String },
    #[error("{object}: {reason}", object = quoted(object))]
    Metadata { object: String, reason: String },
    #[error("{object}: {excess}", object = quoted(object))]
    TooLarge { object: String, excess: Excess },
    #[error(
        "{object}: bytes {}..{} are damaged: {reason}",
        bytes.start, bytes.end, object = quoted(object)
    )]
    Damaged { object: String, bytes: Range<u64>, reason: String },
    #[error("{object}: {fault}", object = quoted(object))]
    Index { object: String, fault: IndexFault },
    #[error("bytes {}..{} requested, but the blob has {length}", requested.start, requested.end)]
    BeyondBlob { requested: Range<u64>, length: u64 },
    #[error("the parts of the recording do not fit together: {reason}")]
    Inconsistent { reason: String },
    #[error(transparent)]
    Clock(InvalidClock),
    #[error("cancelled")]
    Cancelled,
    #[error("a Zarr codec failed: {reason}")]
    Codec { reason: String },
}

/// Which limit something exceeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Excess {
    /// The storage tells how many bytes there are, or only that they are too many.
    #[error("document of {found}, expected at most {limit} bytes")]
    Document { found: String, limit: u64 },
    #[error("document of {found} values, expected at most {limit}")]
    Values { found: u64, limit: u64 },
    #[error("notes of {found} bytes, expected at most {limit}")]
    Notes { found: u64, limit: u64 },
}

/// Why a place is not a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAStore {
    #[error("zarr.json not found")]
    NoDocument,
    #[error("zarr.json not found, and only an empty place can become a new store")]
    NotEmpty,
    #[error("not a directory")]
    NotADirectory,
    #[error("zarr.json is not valid JSON")]
    NotJson,
    #[error("zarr.json has no opus_zarr attributes")]
    NoAttributes,
}

impl Error {
    /// Creates an error of the kind [`Inconsistent`](ErrorKind::Inconsistent), for writers
    /// whose blob and index do not fit together.
    pub fn inconsistent(reason: impl Into<String>) -> Self {
        Reason::Inconsistent { reason: reason.into() }.into()
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        match self.reason() {
            Reason::Io { operation, source, .. } => io_kind(*operation, source.kind()),
            Reason::Name(_) => ErrorKind::InvalidName,
            Reason::NotAStore { .. } => ErrorKind::NotAStore,
            Reason::IsARecording { .. } => ErrorKind::IsARecording,
            Reason::NoSuchRecording { .. } => ErrorKind::NoSuchRecording,
            Reason::RecordingExists { .. } => ErrorKind::RecordingExists,
            Reason::Busy { .. } => ErrorKind::Busy,
            Reason::Replaced { .. } => ErrorKind::Replaced,
            Reason::Foreign { .. } | Reason::NotARecording { .. } => ErrorKind::NotARecording,
            Reason::HoldsForeign { .. } => ErrorKind::HoldsForeign,
            Reason::NotReplaced { .. } => ErrorKind::CannotReplace,
            Reason::Layout { .. } => ErrorKind::UnsupportedLayout,
            Reason::Index { fault: IndexFault::NotCovered(_), .. } | Reason::BeyondBlob { .. } => {
                ErrorKind::OutOfRange
            }
            Reason::TooLarge { .. } => ErrorKind::TooLarge,
            Reason::Metadata { .. } | Reason::Damaged { .. } | Reason::Index { .. } => {
                ErrorKind::Damaged
            }
            Reason::Inconsistent { .. } => ErrorKind::Inconsistent,
            Reason::Clock(_) => ErrorKind::InvalidClock,
            Reason::Cancelled => ErrorKind::Cancelled,
            Reason::Codec { .. } => ErrorKind::Codec,
        }
    }

    /// The object concerned, as a path or URL.
    pub fn object(&self) -> Option<&str> {
        match self.reason() {
            Reason::Io { object, .. }
            | Reason::Layout { object, .. }
            | Reason::Metadata { object, .. }
            | Reason::TooLarge { object, .. }
            | Reason::Foreign { object }
            | Reason::Damaged { object, .. }
            | Reason::Index { object, .. } => Some(object),
            _ => None,
        }
    }

    /// The bytes of the [`object`](Self::object) concerned, if only some are.
    pub fn bytes(&self) -> Option<Range<u64>> {
        match self.reason() {
            Reason::Damaged { bytes, .. } => Some(bytes.clone()),
            _ => None,
        }
    }

    /// The operation of the storage that failed.
    pub fn operation(&self) -> Option<Operation> {
        match self.reason() {
            Reason::Io { operation, .. } => Some(*operation),
            _ => None,
        }
    }

    /// Whether the storage cannot be read right now: it denies access, is out of reach, or fails.
    /// Nothing is known about what it holds. Trying again may succeed.
    pub fn is_unreadable(&self) -> bool {
        match self.reason() {
            Reason::Io { operation: Operation::Read | Operation::List, source, .. } => !matches!(
                source.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    // What a storage cannot do, and what no object of a store is like.
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::InvalidData
            ),
            _ => false,
        }
    }

    /// The store concerned, as a path or URL.
    pub fn store(&self) -> Option<&str> {
        match self.reason() {
            Reason::NotAStore { store, .. }
            | Reason::IsARecording { store }
            | Reason::NoSuchRecording { store, .. }
            | Reason::RecordingExists { store, .. }
            | Reason::Replaced { store, .. }
            | Reason::NotARecording { store, .. }
            | Reason::HoldsForeign { store, .. }
            | Reason::NotReplaced { store, .. }
            | Reason::Busy { store, .. } => Some(store),
            _ => None,
        }
    }

    /// The recording concerned.
    pub fn recording(&self) -> Option<&RecordingName> {
        match self.reason() {
            Reason::NoSuchRecording { name, .. }
            | Reason::RecordingExists { name, .. }
            | Reason::Replaced { name, .. }
            | Reason::NotARecording { name, .. }
            | Reason::HoldsForeign { name, .. }
            | Reason::NotReplaced { name, .. }
            | Reason::Busy { name, .. } => Some(name),
            _ => None,
        }
    }

    pub(crate) fn reason(&self) -> &Reason {
        &self.0
    }

    pub(crate) fn into_reason(self) -> Reason {
        *self.0
    }

    /// Whether an object could not be read because it is missing.
    pub(crate) fn is_missing(&self) -> bool {
        self.kind() == ErrorKind::MissingObject
    }

    /// Whether a document exceeds the limits.
    pub(crate) fn is_too_large(&self) -> bool {
        self.kind() == ErrorKind::TooLarge
    }

    /// Whether bytes of an object are damaged, or it ends before them.
    pub(crate) fn is_damaged(&self) -> bool {
        matches!(self.reason(), Reason::Damaged { .. })
    }
}

fn io_kind(operation: Operation, kind: io::ErrorKind) -> ErrorKind {
    match kind {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory if operation == Operation::Read => {
            ErrorKind::MissingObject
        }
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        _ => ErrorKind::Io,
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

impl From<InvalidClock> for Error {
    fn from(invalid: InvalidClock) -> Self {
        Reason::Clock(invalid).into()
    }
}

impl From<InvalidName> for Error {
    fn from(name: InvalidName) -> Self {
        Reason::Name(name).into()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        opus_packet::fmt_with_causes(self, f)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Write => "write",
            Self::Copy => "copy",
            Self::Delete => "delete",
            Self::List => "list",
        })
    }
}
