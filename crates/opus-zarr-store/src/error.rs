use std::{io, path::PathBuf};

use opus_packet_index::InvalidIndex;

use crate::{InvalidName, RecordingName};

/// Why a store could not be read or written. `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("{} is not an opus-zarr store: {reason}", path.display())]
    NotAStore { path: PathBuf, reason: &'static str },
    #[error("no recording \"{name}\" in {}", store.display())]
    NoSuchRecording { name: RecordingName, store: PathBuf },
    #[error("{} already holds a recording \"{name}\"", store.display())]
    RecordingExists { name: RecordingName, store: PathBuf },
    #[error("{}: layout {found}, this version reads layout 1", path.display())]
    Layout { path: PathBuf, found: String },
    #[error("{}: {reason}", path.display())]
    Metadata { path: PathBuf, reason: String },
    #[error("{}: bytes {offset}..{end} are damaged: {reason}", path.display())]
    Damaged { path: PathBuf, offset: u64, end: u64, reason: String },
    #[error("{}: {reason}", path.display())]
    Index { path: PathBuf, reason: InvalidIndex },
    #[error("bytes {start}..{end} of the blob asked for, it has {len}")]
    BeyondBlob { start: u64, end: u64, len: u64 },
    #[error("the parts of the recording do not fit together: {reason}")]
    Inconsistent { reason: String },
    #[error("the Zarr codecs do not work: {reason}")]
    Codec { reason: String },
}
