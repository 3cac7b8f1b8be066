use std::num::NonZeroUsize;

use crate::{
    layout::{BLOB_CHUNK, BLOB_CHUNK_ENCODED},
    recording::StoredRecording,
};

/// What to verify, and how much of the audio. The default checks everything but the decoding.
///
/// ```
/// use opus_zarr_store::{VerifyLevel, VerifyOptions};
///
/// let options = VerifyOptions::default().level(VerifyLevel::Checksums).sample(0.05);
/// assert_eq!(options.sample, 0.05);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// What to check.
    pub level: VerifyLevel,
    /// The share of the audio to check, from 0 to 1: chunks of the blob, the packets in them,
    /// and entries of the sync map. The same part is chosen every time, always with the first
    /// and the last. Everything else is checked whole. So is the stream of pages at the level
    /// of packets, which can only be followed from its start.
    pub sample: f64,
    /// Threads that decode packets. `opus_zarr::verify` chooses if this is none.
    pub threads: Option<NonZeroUsize>,
}

/// What to verify. Each level includes the previous ones. [`verify`](crate::verify()) does the
/// first three; `opus_zarr::verify` does all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum VerifyLevel {
    /// The documents of the store, the recording and its arrays match layout 1 and each other.
    /// Reads no audio.
    Metadata,
    /// Every chunk has its own checksum and the one in the attributes, shards match layout 1 to
    /// the byte, and the blob has its SHA-256 if it is read whole.
    Checksums,
    /// The rows of the index follow one another, fit the attributes and lie in the blob, and
    /// each points at a packet of its duration.
    Index,
    /// The blob is a valid Ogg Opus stream with exactly the packets of the index and the head,
    /// tags and length of the attributes. Gaps lie between packets.
    Packets,
    /// Every packet decodes to its duration. The sync map, if it belongs to this decoder, is
    /// measured again and equal; if only a share of the audio is decoded, its entries are
    /// checked against earlier ones for a second.
    Decode,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { level: VerifyLevel::Packets, sample: 1.0, threads: None }
    }
}

impl VerifyOptions {
    /// Sets what to check.
    #[must_use]
    pub const fn level(self, level: VerifyLevel) -> Self {
        Self { level, ..self }
    }

    /// Sets the share of the audio to check, from 0 to 1.
    #[must_use]
    pub const fn sample(self, sample: f64) -> Self {
        Self { sample, ..self }
    }

    /// Sets how many threads decode packets.
    #[must_use]
    pub const fn threads(self, threads: NonZeroUsize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Whether the sample includes the chunk that holds this byte of a blob.
    pub fn includes_byte(&self, byte: u64, blob_bytes: u64) -> bool {
        let (chunk, last) = (byte / BLOB_CHUNK, blob_bytes.saturating_sub(1) / BLOB_CHUNK);
        chunk == 0 || chunk == last || self.includes(chunk)
    }

    /// Whether the sample includes the chunk, or entry, with this number.
    pub fn includes(&self, number: u64) -> bool {
        // splitmix64: pseudo-random, so that it cannot coincide with a rhythm in the audio.
        let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let [a, b, c, d, ..] = (mixed ^ (mixed >> 31)).to_be_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) < self.sample * 4_294_967_296.0
    }

    pub(super) fn includes_all(&self) -> bool {
        self.sample >= 1.0
    }

    /// About how many bytes are read of a recording: of chunks, and again of packets.
    pub(super) fn total_bytes(&self, recording: &StoredRecording) -> u64 {
        let blob_bytes = recording.document.info.blob_bytes;
        let chunks = (0..blob_bytes.div_ceil(BLOB_CHUNK))
            .filter(|chunk| self.includes_byte(chunk * BLOB_CHUNK, blob_bytes));
        let chunks = u64::try_from(chunks.count()).unwrap_or(u64::MAX);
        let index = recording.index.iter().flat_map(|index| index.shard().1.last());
        let index: u64 = index.map(|(range, _)| range.end).sum();
        let is_read_again = self.level >= VerifyLevel::Index && index > 0;
        let packets = if is_read_again { blob_bytes.min(chunks * BLOB_CHUNK) } else { 0 };
        index + chunks * BLOB_CHUNK_ENCODED + packets
    }
}
