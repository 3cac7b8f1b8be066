mod instant;
mod kinds;

use std::{
    error::Error as StdError,
    fmt, io,
    ops::Range,
    path::{Path, PathBuf},
};

use opus_zarr_store::{Error as StoreError, RecordingName, quoted};

use self::kinds::{of_audio, of_decode, of_demux, of_store, of_store_in};
pub(crate) use self::{instant::Instant, kinds::store_error_in};
use crate::{
    Difference, Finding, InvalidCorrection, NotExact, deployment::TimeReason, import::list,
};

/// The error of this crate.
///
/// `Display` is one line that names the file or recording; causes are in `source()`. `Debug`
/// prints the line and all causes, because a `main` that fails prints it.
///
/// ```
/// use opus_zarr::{ErrorKind, ImportOptions, MemoryStorage, Store, import, unwatched};
///
/// let store = Store::open_or_create_in(std::sync::Arc::new(MemoryStorage::new()))?;
/// let options = ImportOptions::default();
/// let error = import("nowhere.wav", &store, "it", &options, unwatched).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::SourceRead);
/// assert_eq!(error.to_string(), "cannot open \"nowhere.wav\"");
/// assert_eq!(error.path(), Some(std::path::Path::new("nowhere.wav")));
/// # Ok::<(), opus_zarr::Error>(())
/// ```
pub struct Error(Box<Reason>);

/// What went wrong, as far as a caller would branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source file cannot be opened or read.
    SourceRead,
    /// The source file is in none of the known formats.
    UnknownFormat,
    /// The source file is in a known format, but holds audio that is not supported.
    Unsupported,
    /// The source file is damaged, or breaks a rule of its format in a strict import.
    InvalidSource,
    /// The source file has nothing to play.
    NoAudio,
    /// The source file does not have the requested stream.
    NoSuchStream,
    /// The source is sampled above 48 kHz, and the options reject that.
    Ultrasound,
    /// The source file changed during the import.
    SourceChanged,
    /// The source is a store.
    IsAStore,
    /// Two source files would get the same name.
    SameName,
    /// An option is invalid.
    InvalidOption,
    /// A decoder or encoder of audio failed, or ffmpeg did.
    Codec,
    /// The place is empty or absent, or holds something other than an opus-zarr store.
    NotAStore,
    /// The place is a recording in a store, not a store.
    IsARecording,
    /// The store has no recording of this name.
    NoSuchRecording,
    /// The store has something of this name that cannot be read as a recording.
    RecordingExists,
    /// The store has a recording of this name that came from a different file.
    OtherFile,
    /// The store has a recording of this name and of the same file, imported with other settings:
    /// see [`Error::differences`].
    OtherSettings,
    /// The storage cannot replace a recording in one step.
    CannotReplace,
    /// Another recording has taken the name since the recording was opened.
    Replaced,
    /// The name belongs to something else: an array, a group or a store of another program.
    NotARecording,
    /// The recording holds something that another program has added.
    HoldsForeign,
    /// Another writer is writing the recording.
    Busy,
    /// The name cannot be that of a recording.
    InvalidName,
    /// The store or recording has a layout that this version cannot read.
    UnsupportedLayout,
    /// Stored bytes differ from what was written, or are missing.
    Damaged,
    /// A document of a store, or the notes in it, exceed the limits of the format.
    TooLarge,
    /// The storage denied access.
    PermissionDenied,
    /// The storage can only be read.
    ReadOnly,
    /// The storage failed.
    Storage,
    /// The range or selection is empty or reversed, or reaches beyond the end.
    Range,
    /// The selection reaches beyond the end of the recording.
    BeyondEnd,
    /// The buffer does not have the length of the range.
    BufferLength,
    /// The recording cannot be read exactly: see [`Error::not_exact`].
    NotExact,
    /// The start time of the recording is unknown.
    UnknownStart,
    /// The time lies before the start of the recording.
    BeforeStart,
    /// Nothing was recorded in a part of the range of time.
    Gap,
    /// Nothing was recorded in the range of time.
    NothingRecorded,
    /// The recordings of the range of time have different numbers of channels.
    DifferentChannels,
    /// The recordings of the range of time have different sample rates.
    DifferentRates,
    /// A recording has changed since it was placed on the clock of a deployment.
    Changed,
    /// The correction of a clock does not fit the recording: see [`InvalidCorrection`].
    InvalidCorrection,
    /// The selected channels do not exist.
    Channels,
    /// The decoder cannot be created.
    Decoder,
    /// A thread cannot be started.
    Thread,
    /// The caller cancelled the operation.
    Cancelled,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("cannot open {path:?}")]
    OpenSource { path: PathBuf, source: io::Error },
    #[error("cannot read {path:?}")]
    ReadSource { path: PathBuf, source: io::Error },
    #[error("cannot import {path:?}")]
    Source { path: PathBuf, source: opus_demux::Error },
    #[error("cannot import {path:?}")]
    NotAudio { path: PathBuf, source: NotAudio },
    #[error("cannot import {path:?}")]
    Audio { path: PathBuf, source: opus_transcode::Error },
    #[error(
        "cannot import {path:?}: time expansion by {factor} at {rate} Hz exceeds 4294967295 Hz"
    )]
    TimeExpansion { path: PathBuf, factor: u32, rate: u32 },
    #[error("cannot import {path:?}: stream {stream}: {reason}")]
    NoAudio { path: PathBuf, stream: u64, reason: String },
    #[error("cannot import {path:?}: {finding}")]
    Violation { path: PathBuf, finding: Finding },
    #[error("cannot import {path:?}: no stream {asked}, expected 1 to {count}")]
    NoSuchStream { path: PathBuf, asked: u64, count: u64 },
    #[error("{path:?} changed while it was read")]
    SourceChanged { path: PathBuf },
    #[error("cannot import {path:?}: its packets cannot be written as Ogg Opus")]
    Remux { path: PathBuf, source: ogg_opus_demux::Error },
    #[error("{path:?} is a store, expected a file or a directory with audio")]
    IsAStore { path: PathBuf },
    #[error("recording \"{recording}\": cannot resample from 48 kHz to {rate} Hz")]
    SourceRate { recording: RecordingName, rate: u32 },
    #[error("{first:?} and {second:?} would both be named \"{name}\"")]
    SameName { name: RecordingName, first: PathBuf, second: PathBuf },
    #[error(
        "recording \"{recording}\" already exists in {store} and came from a different file",
        store = quoted(store)
    )]
    OtherFile { path: PathBuf, recording: RecordingName, store: String },
    #[error(
        "recording \"{recording}\" in {store} holds this file, but was imported with other settings: {}",
        list(differences),
        store = quoted(store)
    )]
    OtherSettings {
        path: PathBuf,
        recording: RecordingName,
        store: String,
        differences: Vec<Difference>,
    },
    #[error("cannot start a thread")]
    Thread { source: io::Error },
    #[error("cancelled; nothing has changed")]
    Cancelled,
    #[error(transparent)]
    Store(StoreError),
    #[error("cannot read the Ogg stream of recording \"{recording}\"")]
    Blob { recording: RecordingName, source: ogg_opus_demux::Error },
    #[error("cannot read recording \"{recording}\"")]
    Read { recording: RecordingName, source: opus_segment_decode::Error },
    #[error("recording \"{recording}\": buffer of {found} samples, expected {expected}")]
    Buffer { recording: RecordingName, found: usize, expected: usize },
    #[error("recording \"{recording}\" cannot be read exactly")]
    NotExact { recording: RecordingName, source: NotExact },
    #[error("recording \"{recording}\": its start time is unknown")]
    NoStart { recording: RecordingName },
    #[error("recording \"{recording}\" began at {began}, after {asked}")]
    BeforeStart { recording: RecordingName, asked: Instant, began: Instant },
    #[error("recording \"{recording}\" ended at {ended}, before {asked}")]
    AfterEnd { recording: RecordingName, asked: Instant, ended: Instant },
    #[error("recording \"{recording}\" is no longer what the deployment or its catalogue says")]
    Changed { recording: RecordingName },
    #[error(transparent)]
    Time(TimeReason),
    #[error("recording \"{recording}\": {selection} reaches beyond the end at {end}")]
    BeyondEnd { recording: RecordingName, selection: String, end: String },
    #[error("recording \"{recording}\": {selection} selects no samples")]
    EmptySelection { recording: RecordingName, selection: String },
    #[error("recording \"{recording}\": {selection} ends before it starts")]
    ReversedSelection { recording: RecordingName, selection: String },
    #[error("cannot correct the clock of recording \"{recording}\"")]
    Correction { recording: RecordingName, source: InvalidCorrection },
    #[error("cannot create a decoder")]
    Decoder(#[source] opus_segment_decode::Error),
}

/// Why a file is neither Opus in a known container nor other audio.
#[derive(Debug, thiserror::Error)]
#[error("{0}; nor is it audio that can be encoded (WAV, AIFF, FLAC, MP3, AAC, ALAC, Vorbis)")]
pub(crate) struct NotAudio(pub(crate) opus_demux::Error);

impl Error {
    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        match self.reason() {
            Reason::OpenSource { .. } | Reason::ReadSource { .. } => ErrorKind::SourceRead,
            Reason::Source { source, .. } => of_demux(source.kind()),
            Reason::NotAudio { .. } => ErrorKind::UnknownFormat,
            Reason::Audio { source, .. } => of_audio(source.kind()),
            Reason::Violation { .. } | Reason::TimeExpansion { .. } | Reason::Remux { .. } => {
                ErrorKind::InvalidSource
            }
            Reason::NoAudio { .. } => ErrorKind::NoAudio,
            Reason::NoSuchStream { .. } => ErrorKind::NoSuchStream,
            Reason::SourceChanged { .. } => ErrorKind::SourceChanged,
            Reason::IsAStore { .. } => ErrorKind::IsAStore,
            Reason::SameName { .. } => ErrorKind::SameName,
            Reason::SourceRate { .. } => ErrorKind::InvalidOption,
            Reason::OtherFile { .. } => ErrorKind::OtherFile,
            Reason::OtherSettings { .. } => ErrorKind::OtherSettings,
            Reason::Thread { .. } => ErrorKind::Thread,
            Reason::Cancelled => ErrorKind::Cancelled,
            Reason::Store(error) => of_store(error.kind()),
            Reason::Blob { source, .. } => of_store_in(source),
            Reason::Read { source, .. } | Reason::Decoder(source) => of_decode(source),
            Reason::Buffer { .. } => ErrorKind::BufferLength,
            Reason::NotExact { .. } => ErrorKind::NotExact,
            Reason::NoStart { .. } => ErrorKind::UnknownStart,
            Reason::BeforeStart { .. } => ErrorKind::BeforeStart,
            Reason::Correction { source: InvalidCorrection::StartUnknown, .. } => {
                ErrorKind::UnknownStart
            }
            Reason::Correction { .. } => ErrorKind::InvalidCorrection,
            Reason::Time(reason) => reason.kind(),
            Reason::BeyondEnd { .. } | Reason::AfterEnd { .. } => ErrorKind::BeyondEnd,
            Reason::EmptySelection { .. } | Reason::ReversedSelection { .. } => ErrorKind::Range,
            Reason::Changed { .. } => ErrorKind::Changed,
        }
    }

    /// The source file concerned.
    pub fn path(&self) -> Option<&Path> {
        match self.reason() {
            Reason::OpenSource { path, .. }
            | Reason::ReadSource { path, .. }
            | Reason::Source { path, .. }
            | Reason::NotAudio { path, .. }
            | Reason::Audio { path, .. }
            | Reason::TimeExpansion { path, .. }
            | Reason::NoAudio { path, .. }
            | Reason::Violation { path, .. }
            | Reason::NoSuchStream { path, .. }
            | Reason::SourceChanged { path }
            | Reason::Remux { path, .. }
            | Reason::IsAStore { path }
            | Reason::OtherFile { path, .. }
            | Reason::OtherSettings { path, .. } => Some(path),
            _ => None,
        }
    }

    /// The recording concerned.
    pub fn recording(&self) -> Option<&RecordingName> {
        match self.reason() {
            Reason::SameName { name, .. } => Some(name),
            Reason::Store(error) => error.recording(),
            Reason::OtherFile { recording, .. }
            | Reason::OtherSettings { recording, .. }
            | Reason::SourceRate { recording, .. }
            | Reason::Blob { recording, .. }
            | Reason::Read { recording, .. }
            | Reason::Buffer { recording, .. }
            | Reason::NotExact { recording, .. }
            | Reason::NoStart { recording }
            | Reason::BeforeStart { recording, .. }
            | Reason::AfterEnd { recording, .. }
            | Reason::Correction { recording, .. }
            | Reason::BeyondEnd { recording, .. }
            | Reason::EmptySelection { recording, .. }
            | Reason::ReversedSelection { recording, .. } => Some(recording),
            _ => None,
        }
    }

    /// The object of a storage that could not be read or written, as a path or URL.
    pub fn object(&self) -> Option<&str> {
        store_error_in(self.reason())?.object()
    }

    /// The bytes of the [object](Self::object) that are damaged, where that is known.
    pub fn bytes(&self) -> Option<Range<u64>> {
        store_error_in(self.reason())?.bytes()
    }

    /// Whether the storage of a store cannot be read right now: it denies access, is out of reach, or
    /// fails. Nothing is known about what it holds. Trying again may succeed.
    pub fn is_unreadable(&self) -> bool {
        store_error_in(self.reason()).is_some_and(StoreError::is_unreadable)
    }

    /// Why the recording cannot be read exactly.
    pub fn not_exact(&self) -> Option<&NotExact> {
        match self.reason() {
            Reason::NotExact { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Why a correction does not fit the recording.
    pub fn invalid_correction(&self) -> Option<&InvalidCorrection> {
        match self.reason() {
            Reason::Correction { source, .. } => Some(source),
            _ => None,
        }
    }

    /// The settings in which an import differs from the earlier one of the same file.
    pub fn differences(&self) -> &[Difference] {
        match self.reason() {
            Reason::OtherSettings { differences, .. } => differences,
            _ => &[],
        }
    }

    /// Whether [`ImportOptions::ffmpeg`](crate::ImportOptions::ffmpeg) may well import the file.
    pub fn may_be_known_to_ffmpeg(&self) -> bool {
        match self.reason() {
            Reason::Audio { source, .. } => source.may_be_known_to_ffmpeg(),
            _ => false,
        }
    }

    pub(crate) fn reason(&self) -> &Reason {
        &self.0
    }

    pub(crate) fn into_reason(self) -> Reason {
        *self.0
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Reason::Store(error).into()
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

#[cfg(test)]
mod tests {
    use opus_zarr_store::{MemoryStorage, Store};

    use super::*;
    use crate::index::IndexError;

    fn store_error() -> StoreError {
        Store::open_in(std::sync::Arc::new(MemoryStorage::new())).unwrap_err()
    }

    /// A demuxer reads a store through `io::Error`, whose source is not the error inside.
    #[test]
    fn the_error_of_a_store_decides_the_kind() {
        let within = io::Error::other(io::Error::other(store_error()));
        assert_eq!(of_store_in(&within), ErrorKind::NotAStore);
        assert_eq!(of_store_in(&IndexError::Stored(store_error())), ErrorKind::NotAStore);
        assert_eq!(of_store_in(&io::Error::other("something else")), ErrorKind::Damaged);
        assert_eq!(Error::from(store_error()).kind(), ErrorKind::NotAStore);
    }

    #[test]
    fn debug_prints_each_cause_once() {
        let source = io::Error::other("the card is gone");
        let error = Error::from(Reason::ReadSource { path: "a.wav".into(), source });
        assert_eq!(format!("{error:?}"), "cannot read \"a.wav\": the card is gone");
        let store = Error::from(store_error());
        assert_eq!(format!("{store:?}"), format!("{:?}", store_error()));
    }
}
