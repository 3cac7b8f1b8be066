use std::{io, path::PathBuf};

use opus_packet_index::InvalidIndex;

use crate::{InvalidName, RecordingName};

/// Why a store could not be read or written. `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot {action} {path:?}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("{path:?} is not an opus-zarr store: {reason}")]
    NotAStore { path: PathBuf, reason: &'static str },
    #[error("no recording \"{name}\" in {store:?}")]
    NoSuchRecording { name: RecordingName, store: PathBuf },
    #[error("{store:?} already holds a recording \"{name}\"")]
    RecordingExists { name: RecordingName, store: PathBuf },
    #[error("{path:?}: layout {found}, this version reads layout 1")]
    Layout { path: PathBuf, found: String },
    #[error("{path:?}: {reason}")]
    Metadata { path: PathBuf, reason: String },
    #[error("{path:?}: bytes {offset}..{end} are damaged: {reason}")]
    Damaged { path: PathBuf, offset: u64, end: u64, reason: String },
    #[error("{path:?}: {reason}")]
    Index { path: PathBuf, reason: InvalidIndex },
    #[error("bytes {start}..{end} of the blob asked for, it has {len}")]
    BeyondBlob { start: u64, end: u64, len: u64 },
    #[error("the parts of the recording do not fit together: {reason}")]
    Inconsistent { reason: String },
    #[error("the Zarr codecs do not work: {reason}")]
    Codec { reason: String },
}
