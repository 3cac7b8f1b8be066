use opus_packet::{CodedPos, InvalidPacket, InvalidRange};
use opus_packet_index::InvalidIndex;

/// The error of a port or a decoder.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a range could not be read. `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error(transparent)]
    Range(#[from] InvalidRange),
    #[error("cannot read the index: {source}")]
    Index { source: BoxError },
    #[error("the index does not fit the range: {reason}")]
    IndexRange { reason: InvalidIndex },
    #[error("packet {packet}: the index says {indexed} samples, the packet says {found}")]
    IndexedDuration { packet: u64, indexed: u64, found: u32 },
    #[error("packet {packet}: what the index points at is no packet: {reason}")]
    IndexedPacket { packet: u64, reason: InvalidPacket },
    #[error("cannot read the blob: {source}")]
    Blob { source: BoxError },
    #[error("cannot read packet {packet}: {source}")]
    Source { packet: u64, source: BoxError },
    #[error("cannot read the sync map: {source}")]
    Sync { source: BoxError },
    #[error(
        "the sync map gives {start}..{until} for coded sample {position}, expected a start up to it and an end behind it"
    )]
    SyncStart { position: CodedPos, start: CodedPos, until: CodedPos },
    #[error("there is no decoder: {source}")]
    Decoder { source: BoxError },
    #[error("cannot reset the decoder: {source}")]
    Reset { source: BoxError },
    #[error("cannot decode packet {packet}: {source}")]
    Decode { packet: u64, source: BoxError },
    #[error("packet {packet}: {decoded} samples decoded, expected {expected}")]
    DecodedLength { packet: u64, decoded: usize, expected: u32 },
}

impl Error {
    /// Whether the index is at fault: missing, unreadable, or not the index of
    /// this blob. The blob may still be read from its start.
    pub fn is_index_fault(&self) -> bool {
        matches!(
            self,
            Self::Index { .. }
                | Self::IndexRange { .. }
                | Self::IndexedDuration { .. }
                | Self::IndexedPacket { .. }
        )
    }
}
