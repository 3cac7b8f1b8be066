use std::{fmt, io, path::PathBuf};

use opus_packet_index::InvalidIndex;

use crate::{InvalidName, RecordingName};

/// Why a store could not be read or written. `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot {action} {}: {source}", one_line(path.display()))]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("{} is not an opus-zarr store: {reason}", one_line(path.display()))]
    NotAStore { path: PathBuf, reason: &'static str },
    #[error("no recording \"{name}\" in {}", one_line(store.display()))]
    NoSuchRecording { name: RecordingName, store: PathBuf },
    #[error("{} already holds a recording \"{name}\"", one_line(store.display()))]
    RecordingExists { name: RecordingName, store: PathBuf },
    #[error("{}: layout {found}, this version reads layout 1", one_line(path.display()))]
    Layout { path: PathBuf, found: String },
    #[error("{}: {}", one_line(path.display()), one_line(reason))]
    Metadata { path: PathBuf, reason: String },
    #[error("{}: bytes {offset}..{end} are damaged: {reason}", one_line(path.display()))]
    Damaged { path: PathBuf, offset: u64, end: u64, reason: String },
    #[error("{}: {reason}", one_line(path.display()))]
    Index { path: PathBuf, reason: InvalidIndex },
    #[error("bytes {start}..{end} of the blob asked for, it has {len}")]
    BeyondBlob { start: u64, end: u64, len: u64 },
    #[error("the parts of the recording do not fit together: {reason}")]
    Inconsistent { reason: String },
    #[error("the Zarr codecs do not work: {reason}")]
    Codec { reason: String },
}

/// Control characters are escaped: a path may hold a line feed.
fn one_line(text: impl fmt::Display) -> String {
    let mut line = String::new();
    for c in text.to_string().chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}
