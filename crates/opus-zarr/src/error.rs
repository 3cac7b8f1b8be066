use std::{error::Error as StdError, io, iter, path::PathBuf};

use jiff::Timestamp;
use opus_zarr_store::RecordingName;

use crate::{Difference, NotExact, import::list};

/// Why an import or a read failed. `Display` is one complete line that says what
/// was wrong and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot open {path:?}: {source}")]
    OpenSource { path: PathBuf, source: io::Error },
    #[error("{path:?}: {reason:?}")]
    Source { path: PathBuf, reason: opus_demux::Error },
    #[error(
        "{path:?}: {reason:?}; nor is it audio that can be encoded (WAV, AIFF, FLAC, MP3, AAC, ALAC, Vorbis)"
    )]
    NotAudio { path: PathBuf, reason: opus_demux::Error },
    #[error("{path:?}: {reason:?}")]
    Audio { path: PathBuf, reason: opus_transcode::Error },
    #[error(
        "{path:?}: expanded in time by {factor} at {rate} Hz: more samples a second than can be counted"
    )]
    TimeExpansion { path: PathBuf, factor: u32, rate: u32 },
    #[error("cannot read {path:?}: {source}")]
    ReadSource { path: PathBuf, source: io::Error },
    #[error("{path:?}: stream {stream}: {reason}")]
    NoAudio { path: PathBuf, stream: u64, reason: String },
    #[error("{path:?}: there is no stream {asked}, expected 1 to {count}")]
    NoSuchStream { path: PathBuf, asked: u64, count: u64 },
    #[error("{path:?} changed while it was read")]
    SourceChanged { path: PathBuf },
    #[error("{path:?}: cannot be written as canonical Ogg Opus: {reason:?}")]
    Remux { path: PathBuf, reason: ogg_opus_demux::Error },
    #[error("{path:?} is a store, expected a file or a directory with audio")]
    IsAStore { path: PathBuf },
    #[error("{first:?} and {second:?} would both be named \"{name}\"")]
    SameName { name: RecordingName, first: PathBuf, second: PathBuf },
    #[error("recording \"{recording}\" already exists in {store:?} and came from a different file")]
    OtherFile { path: PathBuf, recording: RecordingName, store: String },
    #[error(
        "recording \"{recording}\" in {store:?} holds this file, but was imported with other settings: {}",
        list(differences)
    )]
    OtherSettings {
        path: PathBuf,
        recording: RecordingName,
        store: String,
        differences: Vec<Difference>,
    },
    #[error("cannot start a thread: {source}")]
    Thread { source: io::Error },
    #[error("cancelled: nothing has changed")]
    Cancelled,
    #[error(transparent)]
    Store(#[from] opus_zarr_store::Error),
    #[error("recording \"{recording}\": cannot read its Ogg stream: {reason:?}")]
    Blob { recording: RecordingName, reason: ogg_opus_demux::Error },
    #[error("recording \"{recording}\": {}", with_causes(reason))]
    Read { recording: RecordingName, reason: opus_segment_decode::Error },
    #[error("recording \"{recording}\": room for {found} samples, expected {expected}")]
    Buffer { recording: RecordingName, found: usize, expected: usize },
    #[error("recording \"{recording}\" cannot be read exactly: {reason}")]
    NotExact { recording: RecordingName, reason: NotExact },
    #[error("recording \"{recording}\": it is not known when it began")]
    NoStart { recording: RecordingName },
    #[error(
        "recording \"{recording}\" began at {began}, expected a time from then on, found {asked}"
    )]
    BeforeStart { recording: RecordingName, asked: Timestamp, began: Timestamp },
    #[error("recording \"{recording}\": {selection} reaches beyond the end at {end}")]
    BeyondEnd { recording: RecordingName, selection: String, end: String },
    #[error("recording \"{recording}\": {selection} selects no samples")]
    EmptySelection { recording: RecordingName, selection: String },
    #[error("recording \"{recording}\": {selection} ends before it starts")]
    ReversedSelection { recording: RecordingName, selection: String },
    #[error("no decoder: {}", with_causes(.0))]
    Decoder(opus_segment_decode::Error),
}

/// An error and its causes in one line.
fn with_causes(error: &opus_segment_decode::Error) -> String {
    let first: &(dyn StdError + 'static) = error;
    let chain = iter::successors(Some(first), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
