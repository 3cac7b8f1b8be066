use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{FaultKind, Verifier, VerifyLevel, rows::Rows};
use crate::{
    Error, Part,
    blob::ShardedBlob,
    layout::{BLOB_CHUNK, BLOB_CHUNK_ENCODED, BLOB_CHUNKS_PER_SHARD, BLOB_SHARD},
    recording::StoredRecording,
    shard::{check_stored, index_len, parse_index},
};

/// A shard as layout 1 has it: chunks one after the other, then its index.
struct Shard {
    key: String,
    /// Where each chunk lies, and its checksum in the attributes.
    chunks: Vec<(Range<u64>, u32)>,
    /// How many chunks it has room for.
    slots: usize,
}

impl Shard {
    /// Where its index begins.
    fn index_at(&self) -> u64 {
        self.chunks.last().map_or(0, |(range, _)| range.end)
    }
}

/// What is known of the blob once all its chunks have been read.
struct BlobSum {
    sha256: Sha256,
    /// Whether there was no reason yet to take it for another.
    is_known: bool,
}

impl Verifier<'_> {
    /// The chunks, shards and SHA-256 of the blob.
    pub(super) fn blob(&mut self, recording: &StoredRecording) {
        let (blob, info) = (&recording.blob, &recording.document.info);
        let mut sum = BlobSum { sha256: Sha256::new(), is_known: self.options.takes_all() };
        for number in 0..info.blob_bytes.div_ceil(BLOB_SHARD) {
            let shard = blob_shard(blob, number);
            let faults = self.found.faults.total();
            self.blob_shard(&shard, number, info.blob_bytes, &mut sum);
            sum.is_known &= self.found.faults.total() == faults;
        }
        if !sum.is_known {
            return;
        }
        let found: String = sum.sha256.finalize().iter().map(|b| format!("{b:02x}")).collect();
        if found != info.blob_sha256 {
            let expected = info.blob_sha256.clone();
            self.fault(&blob.shard_key(0), FaultKind::Sha256 { found, expected });
        }
    }

    fn blob_shard(&mut self, shard: &Shard, number: u64, blob_bytes: u64, sum: &mut BlobSum) {
        let first = number * BLOB_CHUNKS_PER_SHARD;
        let options = self.options;
        let takes = |chunk: u64| options.takes_byte((first + chunk) * BLOB_CHUNK, blob_bytes);
        self.shard(shard, takes, |verifier, (chunk, range), encoded| {
            let data = encoded.split_last_chunk::<4>().map_or(encoded, |(data, _)| data);
            let rest = blob_bytes.saturating_sub((first + chunk) * BLOB_CHUNK);
            let end = usize::try_from(rest).map_or(data.len(), |rest| rest.min(data.len()));
            let (data, filling) = data.split_at_checked(end).unwrap_or_default();
            if filling.iter().any(|&byte| byte != 0) {
                verifier.place_fault(&shard.key, Some(range), None, FaultKind::Filling);
            }
            if sum.is_known {
                sum.sha256.update(data);
            }
        });
    }

    /// The chunks and the shard of the index, and its rows.
    pub(super) fn index(&mut self, recording: &StoredRecording) {
        // If it is not, that is among the faults of the document.
        let Ok(index) = &recording.index else { return };
        let (key, chunks) = index.shard();
        let shard = Shard { key: key.to_owned(), slots: chunks.len(), chunks: chunks.to_vec() };
        let mut rows = Rows::new(recording, index);
        let level = self.options.level;
        self.shard(
            &shard,
            |_| true,
            |verifier, (chunk, _), encoded| {
                if level >= VerifyLevel::Index {
                    verifier.rows(&mut rows, chunk, encoded);
                }
            },
        );
    }

    /// Checks the chunks that are taken and gives those that are whole to `good`; then
    /// the shard's own index, and that nothing stands behind it.
    fn shard(
        &mut self,
        shard: &Shard,
        takes: impl Fn(u64) -> bool,
        mut good: impl FnMut(&mut Self, (u64, Range<u64>), &[u8]),
    ) {
        let taken: Vec<_> = (0..).zip(&shard.chunks).filter(|(number, _)| takes(*number)).collect();
        for piece in pieces(&taken) {
            if let Err(error) = self.piece(shard, piece, &mut good) {
                return self.failure(&shard.key, error);
            }
        }
        if let Err(error) = self.shard_end(shard) {
            self.failure(&shard.key, error);
        }
    }

    /// An error if there is no use to go on with the shard.
    fn piece(
        &mut self,
        shard: &Shard,
        piece: &[(u64, &(Range<u64>, u32))],
        good: &mut impl FnMut(&mut Self, (u64, Range<u64>), &[u8]),
    ) -> Result<(), Error> {
        let [(_, (first, _)), ..] = piece else { return Ok(()) };
        let end = piece.last().map_or(first.end, |(_, (last, _))| last.end);
        let bytes = match self.read(&shard.key, Part::Range(first.start..end)) {
            Err(Error::Damaged { .. }) if piece.len() > 1 => {
                // Up to where it ends.
                return piece.chunks(1).try_for_each(|one| self.piece(shard, one, good));
            }
            bytes => bytes?,
        };
        let mut rest = bytes.as_slice();
        for (number, (range, expected)) in piece {
            let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let (encoded, after) = rest.split_at_checked(len).unwrap_or_default();
            rest = after;
            self.found.chunks += 1;
            match check_chunk(encoded, *expected) {
                Ok(()) => good(self, (*number, range.clone()), encoded),
                Err(reason) => {
                    let kind = FaultKind::Damaged { reason };
                    self.place_fault(&shard.key, Some(range.clone()), None, kind);
                }
            }
        }
        Ok(())
    }

    fn shard_end(&mut self, shard: &Shard) -> Result<(), Error> {
        let start = shard.index_at();
        let end = start + index_len(u64::try_from(shard.slots).unwrap_or_default());
        let index = self.read(&shard.key, Part::Range(start..end))?;
        if let Err(reason) = check_index(&index, shard) {
            let kind = FaultKind::ShardIndex { reason };
            self.place_fault(&shard.key, Some(start..end), None, kind);
        }
        match self.read(&shard.key, Part::Range(end..end + 1)) {
            Err(Error::Damaged { .. }) => {}
            stray => {
                stray?;
                self.place_fault(&shard.key, Some(end..end + 1), None, FaultKind::Stray);
            }
        }
        Ok(())
    }
}

fn blob_shard(blob: &ShardedBlob, number: u64) -> Shard {
    let at = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let first = at(number * BLOB_CHUNKS_PER_SHARD);
    let checksums = blob.checksums().iter().skip(first).take(at(BLOB_CHUNKS_PER_SHARD));
    let range = |chunk: u64| chunk * BLOB_CHUNK_ENCODED..(chunk + 1) * BLOB_CHUNK_ENCODED;
    let chunks = (0..).map(range).zip(checksums.copied()).collect();
    Shard { key: blob.shard_key(number), chunks, slots: at(BLOB_CHUNKS_PER_SHARD) }
}

/// Chunks that follow one another, as many as are read at once.
fn pieces<'a, 'b>(
    taken: &'a [(u64, &'b (Range<u64>, u32))],
) -> impl Iterator<Item = &'a [(u64, &'b (Range<u64>, u32))]> {
    let neighbours = taken.chunk_by(|(left, _), (right, _)| left + 1 == *right);
    neighbours.flat_map(|run| run.chunks(CHUNKS_AT_ONCE))
}

/// A chunk must have the checksum that stands behind it, and that be the one of the
/// attributes.
fn check_chunk(encoded: &[u8], expected: u32) -> Result<(), String> {
    check_stored(encoded, expected)?;
    let data = encoded.split_last_chunk::<4>().map_or(encoded, |(data, _)| data);
    match crc32c::crc32c(data) {
        found if found == expected => Ok(()),
        found => Err(format!("its bytes give the checksum {found:#010x}, not {expected:#010x}")),
    }
}

fn check_index(bytes: &[u8], shard: &Shard) -> Result<(), String> {
    let found = parse_index(bytes)?;
    let expected = shard.chunks.iter().map(|(range, _)| Some(range));
    let expected = expected.chain(std::iter::repeat(None)).take(shard.slots);
    let mut pairs = (0..).zip(found.iter().map(Option::as_ref).zip(expected));
    match pairs.find(|(_, (found, expected))| found != expected) {
        Some((number, (found, expected))) => {
            Err(format!("chunk {number} at {found:?}, layout 1 has it at {expected:?}"))
        }
        None => Ok(()),
    }
}

/// Half a megabyte of the blob.
const CHUNKS_AT_ONCE: usize = 8;
