use std::ops::Range;

use opus_packet::CodedPos;

/// Why numbers are not an index of packets, or an index does not hold what was
/// asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum InvalidIndex {
    #[error("index of {found} bytes, expected a multiple of 40")]
    Bytes { found: usize },
    #[error("sync map of {found} bytes, expected a multiple of 8")]
    SyncBytes { found: usize },
    #[error("index without packets, expected at least one")]
    Empty,
    #[error("packet {packet}: empty, expected at least 1 byte")]
    Length { packet: u64 },
    #[error("packet {packet}: {found} samples, expected a multiple of 120 up to 5760")]
    Duration { packet: u64, found: u64 },
    #[error(
        "packet {packet}: samples {first}..={last}, expected {duration} samples from {expected}"
    )]
    Samples { packet: u64, first: u64, last: u64, duration: u64, expected: u64 },
    #[error(
        "packet {packet}: at byte {found}, expected at or after the end of the one before, byte {expected}"
    )]
    Offset { packet: u64, found: u64, expected: u64 },
    #[error("packet {packet}: {length} bytes at byte {offset}, but the blob has {blob_len} bytes")]
    BeyondBlob { packet: u64, offset: u64, length: u64, blob_len: u64 },
    #[error("packet {packet}: {length} bytes, expected at most {limit}")]
    PacketTooLong { packet: u64, length: u64, limit: u64 },
    #[error("{packets} packets in {found} bytes of the blob, expected at most {limit}")]
    TooWide { packets: u64, found: u64, limit: u64 },
    #[error(
        "coded samples {start}..{end} asked for, the index covers {covered_start}..{covered_end}"
    )]
    NotCovered { start: u64, end: u64, covered_start: u64, covered_end: u64 },
    #[error("{found} checkpoints, expected {expected}")]
    CheckpointCount { found: usize, expected: u64 },
    #[error(
        "checkpoint {number} at coded sample {found}, expected more than {previous} and less than {coded_length}"
    )]
    CheckpointOrder { number: usize, found: u64, previous: u64, coded_length: u64 },
    #[error(
        "{packets} packets from checkpoint {number} last {found} samples, expected 120 to 5760 each"
    )]
    CheckpointStep { number: usize, packets: u64, found: u64 },
    #[error("first checkpoint at coded sample {found}, expected 0")]
    FirstCheckpoint { found: u64 },
}

impl InvalidIndex {
    /// Some of the samples that are asked for are not covered.
    pub fn not_covered(asked: &Range<CodedPos>, covered: &Range<CodedPos>) -> Self {
        Self::NotCovered {
            start: asked.start.get(),
            end: asked.end.get(),
            covered_start: covered.start.get(),
            covered_end: covered.end.get(),
        }
    }
}
