use std::{error::Error as StdError, fmt};

use opus_packet::{CodedPos, InvalidPacket, InvalidRange};

/// The boxed error of a port or a decoder.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The error of this crate.
///
/// `Display` is one line; causes are in `source()`. `Debug` prints the line and all causes,
/// because a `main` that fails prints it.
pub struct Error(Box<Reason>);

/// What went wrong, as far as a caller would branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The requested range is empty, reversed or out of range.
    Range,
    /// The index could not be read; `source()` is the error of the port.
    IndexRead,
    /// The index does not describe this blob.
    IndexMismatch,
    /// The blob could not be read; `source()` is the error of the port.
    BlobRead,
    /// The source of packets failed; `source()` is its error.
    SourceRead,
    /// The sync map could not be read; `source()` is the error of the port.
    SyncRead,
    /// The sync map names a start that does not hold for the requested sample.
    SyncMismatch,
    /// This decoder does not support the channel mapping family.
    UnsupportedMapping,
    /// The selected channels do not exist.
    Channels,
    /// The decoder could not be created or reset.
    Decoder,
    /// A packet could not be decoded, or decoded to a different length than it states.
    Decode,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("{0}")]
    Range(InvalidRange),
    #[error("cannot read the index")]
    IndexRead(#[source] BoxError),
    #[error("the index does not fit the range")]
    IndexRange(#[source] opus_packet_index::Error),
    #[error("the index returned fewer packets than it names")]
    IndexRows,
    #[error("packet {packet}: {found} samples, but the index states {indexed}")]
    IndexedDuration { packet: u64, indexed: u64, found: u32 },
    #[error("packet {packet}: the index points at something that is not a packet")]
    IndexedPacket { packet: u64, source: InvalidPacket },
    #[error("cannot read the blob")]
    BlobRead(#[source] BoxError),
    #[error("cannot read packet {packet}")]
    SourceRead { packet: u64, source: BoxError },
    #[error("cannot read the sync map")]
    SyncRead(#[source] BoxError),
    #[error(
        "the sync map returned start {start}, exact in {exact_from}..{until}, for coded sample \
         {position}, expected a start at or before it that is exact there"
    )]
    SyncStart { position: CodedPos, start: CodedPos, exact_from: CodedPos, until: CodedPos },
    #[error("the sync map ends a start at coded sample {until}, within packet {packet}")]
    SyncEnd { packet: u64, until: CodedPos },
    #[error("cannot create a decoder")]
    NewDecoder(#[source] BoxError),
    #[error("cannot reset the decoder")]
    Reset(#[source] BoxError),
    #[error("cannot decode packet {packet}")]
    Decode { packet: u64, source: BoxError },
    #[error("packet {packet}: decoded {decoded} samples, expected {expected}")]
    DecodedLength { packet: u64, decoded: usize, expected: u32 },
    #[cfg(feature = "libopus")]
    #[error(transparent)]
    Libopus(#[from] LibopusReason),
}

/// Why [`LibopusDecoder`](crate::LibopusDecoder) fails.
#[cfg(feature = "libopus")]
#[derive(Debug, thiserror::Error)]
pub(crate) enum LibopusReason {
    #[error("libopus cannot create a decoder")]
    New(#[source] magnum_opus::Error),
    #[error("libopus cannot reset its decoder")]
    Reset(#[source] magnum_opus::Error),
    #[error("libopus cannot decode")]
    Decode(#[source] magnum_opus::Error),
    #[error("unsupported channel mapping family {family}")]
    UnsupportedFamily { family: u8 },
    #[error("no channel selected, expected at least one")]
    NoChannels,
    #[error("no channel {channel}; the stream has {count} channels, counted from 0")]
    NoSuchChannel { channel: u8, count: usize },
    #[error("the packet does not hold the expected streams")]
    Split(#[source] InvalidPacket),
    #[error("room for {found} samples of all channels, expected at least {expected}")]
    NoRoom { found: usize, expected: usize },
    #[error("{found} samples in stream {stream}, expected {expected}")]
    StreamLength { stream: usize, found: usize, expected: usize },
}

impl Error {
    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Reason::Range(_) => ErrorKind::Range,
            Reason::IndexRead(_) => ErrorKind::IndexRead,
            Reason::IndexRange(_)
            | Reason::IndexRows
            | Reason::IndexedDuration { .. }
            | Reason::IndexedPacket { .. } => ErrorKind::IndexMismatch,
            Reason::BlobRead(_) => ErrorKind::BlobRead,
            Reason::SourceRead { .. } => ErrorKind::SourceRead,
            Reason::SyncRead(_) => ErrorKind::SyncRead,
            Reason::SyncStart { .. } | Reason::SyncEnd { .. } => ErrorKind::SyncMismatch,
            Reason::NewDecoder(_) | Reason::Reset(_) => ErrorKind::Decoder,
            Reason::Decode { .. } | Reason::DecodedLength { .. } => ErrorKind::Decode,
            #[cfg(feature = "libopus")]
            Reason::Libopus(reason) => reason.kind(),
        }
    }

    /// The number of the packet concerned, counted from 0 in the recording.
    pub fn packet(&self) -> Option<u64> {
        match *self.0 {
            Reason::IndexedDuration { packet, .. }
            | Reason::IndexedPacket { packet, .. }
            | Reason::SourceRead { packet, .. }
            | Reason::Decode { packet, .. }
            | Reason::DecodedLength { packet, .. } => Some(packet),
            _ => None,
        }
    }

    /// Whether the index is at fault: missing, unreadable, or not the index of this blob. The
    /// blob may still be readable from its start.
    pub fn is_index_fault(&self) -> bool {
        matches!(self.kind(), ErrorKind::IndexRead | ErrorKind::IndexMismatch)
    }
}

#[cfg(feature = "libopus")]
impl LibopusReason {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::New(_) | Self::Reset(_) => ErrorKind::Decoder,
            Self::UnsupportedFamily { .. } => ErrorKind::UnsupportedMapping,
            Self::NoChannels | Self::NoSuchChannel { .. } => ErrorKind::Channels,
            Self::Decode(_) | Self::Split(_) | Self::NoRoom { .. } | Self::StreamLength { .. } => {
                ErrorKind::Decode
            }
        }
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

#[cfg(feature = "libopus")]
impl From<LibopusReason> for Error {
    fn from(reason: LibopusReason) -> Self {
        Reason::from(reason).into()
    }
}

impl From<InvalidRange> for Error {
    fn from(range: InvalidRange) -> Self {
        Reason::Range(range).into()
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
