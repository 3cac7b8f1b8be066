use std::{fmt, ops::Range};

use opus_packet::CodedPos;

/// The error of this crate: numbers do not form an index of packets, or an index does not
/// hold what was requested.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Reason>);

/// What went wrong, as far as a caller would branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a whole number of rows or entries.
    Length,
    /// A row breaks an invariant of [`Span`](crate::Span), or no row is left.
    Row,
    /// The checkpoints do not fit the index.
    Checkpoints,
    /// The requested samples or bytes lie outside the index or the blob.
    OutOfRange,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("index of {found} bytes, expected a multiple of 40")]
    IndexLength { found: usize },
    #[error("sync map of {found} bytes, expected a multiple of 12")]
    SyncLength { found: usize },
    #[error("index without packets, expected at least one")]
    Empty,
    #[error("packet {packet}: length 0, expected at least 1 byte")]
    Length { packet: u64 },
    #[error("packet {packet}: {found} samples, expected a multiple of 120 up to 5760")]
    Duration { packet: u64, found: u64 },
    #[error(
        "packet {packet}: samples {first}..={last}, expected {duration} samples from {expected}"
    )]
    Samples { packet: u64, first: u64, last: u64, duration: u64, expected: u64 },
    #[error(
        "packet {packet}: starts at byte {found}, expected byte {expected} or later, where the \
         previous packet ends"
    )]
    Offset { packet: u64, found: u64, expected: u64 },
    #[error(
        "packet {packet}: {length} bytes at byte {offset} do not fit in a blob of {blob_length} \
         bytes"
    )]
    BeyondBlob { packet: u64, offset: u64, length: u64, blob_length: u64 },
    #[error(
        "coded samples {}..{} requested, but the index covers {}..{}",
        requested.start, requested.end, covered.start, covered.end
    )]
    NotCovered { requested: Range<CodedPos>, covered: Range<CodedPos> },
    #[error("bytes {}..{} requested, but the blob has {length}", requested.start, requested.end)]
    BlobRange { requested: Range<u64>, length: usize },
    #[error("{found} checkpoints, expected {expected}")]
    CheckpointCount { found: usize, expected: u64 },
    #[error("first checkpoint at coded sample {found}, expected 0")]
    FirstCheckpoint { found: u64 },
    #[error(
        "checkpoint {number} at coded sample {found}, expected more than {previous} and less than \
         {coded_length}"
    )]
    CheckpointOrder { number: usize, found: u64, previous: u64, coded_length: u64 },
    #[error(
        "{packets} packets from checkpoint {number} on last {found} samples, expected 120 to 5760 \
         each"
    )]
    CheckpointStep { number: usize, packets: u64, found: u64 },
}

impl Error {
    /// The error of a lookup beyond the samples that an index covers, for implementers of
    /// [`IndexRead`](crate::IndexRead).
    pub fn not_covered(requested: &Range<CodedPos>, covered: &Range<CodedPos>) -> Self {
        Reason::NotCovered { requested: requested.clone(), covered: covered.clone() }.into()
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        match *self.0 {
            Reason::IndexLength { .. } | Reason::SyncLength { .. } => ErrorKind::Length,
            Reason::Empty
            | Reason::Length { .. }
            | Reason::Duration { .. }
            | Reason::Samples { .. }
            | Reason::Offset { .. }
            | Reason::BeyondBlob { .. } => ErrorKind::Row,
            Reason::CheckpointCount { .. }
            | Reason::FirstCheckpoint { .. }
            | Reason::CheckpointOrder { .. }
            | Reason::CheckpointStep { .. } => ErrorKind::Checkpoints,
            Reason::NotCovered { .. } | Reason::BlobRange { .. } => ErrorKind::OutOfRange,
        }
    }

    /// The number of the packet whose row is wrong, counted from 0 in the recording.
    pub fn packet(&self) -> Option<u64> {
        match *self.0 {
            Reason::Length { packet }
            | Reason::Duration { packet, .. }
            | Reason::Samples { packet, .. }
            | Reason::Offset { packet, .. }
            | Reason::BeyondBlob { packet, .. } => Some(packet),
            _ => None,
        }
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The same line as [`Display`](fmt::Display), because a `main` that fails prints this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
