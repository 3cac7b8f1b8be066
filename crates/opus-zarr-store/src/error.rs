use std::io;

use opus_packet_index::InvalidIndex;

use crate::{InvalidName, RecordingName};

/// Why a store could not be read or written. `Display` is one complete line. Objects and
/// stores are named as people write them: paths, URLs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot {action} {object:?}: {source}")]
    Io { action: &'static str, object: String, source: io::Error },
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("{store:?} is not an opus-zarr store: {reason}")]
    NotAStore { store: String, reason: &'static str },
    #[error("{store:?} is not an opus-zarr store: it is a recording in a store")]
    IsARecording { store: String },
    #[error("no recording \"{name}\" in {store:?}")]
    NoSuchRecording { name: RecordingName, store: String },
    #[error("{store:?} already holds a recording \"{name}\"")]
    RecordingExists { name: RecordingName, store: String },
    #[error("the recording \"{name}\" in {store:?} is being written by another: {reason}")]
    RecordingBusy { name: RecordingName, store: String, reason: String },
    #[error("{object:?}: layout {found}, this version reads layout 1")]
    Layout { object: String, found: String },
    #[error("{object:?}: {reason}")]
    Metadata { object: String, reason: String },
    #[error("{object:?}: bytes {offset}..{end} are damaged: {reason}")]
    Damaged { object: String, offset: u64, end: u64, reason: String },
    #[error("{object:?}: {reason}")]
    Index { object: String, reason: InvalidIndex },
    #[error("bytes {start}..{end} of the blob asked for, it has {len}")]
    BeyondBlob { start: u64, end: u64, len: u64 },
    #[error("the parts of the recording do not fit together: {reason}")]
    Inconsistent { reason: String },
    #[error("the Zarr codecs do not work: {reason}")]
    Codec { reason: String },
}
