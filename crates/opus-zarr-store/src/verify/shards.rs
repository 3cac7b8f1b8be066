use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{Component, FaultKind, Object, Verifier, VerifyLevel, rows::Rows};
use crate::{
    Error, Part,
    blob::ShardedBlob,
    hasher::to_hex,
    layout::{ArrayKind, BLOB_CHUNK, BLOB_CHUNK_ENCODED, BLOB_CHUNKS_PER_SHARD, BLOB_SHARD},
    recording::StoredRecording,
    shard::{check_stored, index_len, parse_index},
};

/// A shard as defined by layout 1: chunks end to end, then its index.
struct Shard {
    object: Object,
    /// The byte range of each chunk, and its checksum in the attributes.
    chunks: Vec<(Range<u64>, u32)>,
    /// Number of chunks that it has room for.
    slots: usize,
}

impl Shard {
    /// The byte where its index begins.
    fn index_at(&self) -> u64 {
        self.chunks.last().map_or(0, |(range, _)| range.end)
    }
}

/// The SHA-256 of the blob, computed from its chunks.
struct BlobSum {
    sha256: Sha256,
    /// Whether all chunks so far were read and intact.
    is_known: bool,
}

impl Verifier<'_> {
    /// Checks the chunks, shards and SHA-256 of the blob.
    pub(super) fn blob(&mut self, recording: &StoredRecording) {
        let (blob, info) = (&recording.blob, &recording.document.info);
        let mut sum = BlobSum { sha256: Sha256::new(), is_known: self.options.includes_all() };
        for number in 0..info.blob_bytes.div_ceil(BLOB_SHARD) {
            let shard = blob_shard(blob, number);
            let problems = self.problems();
            self.blob_shard(&shard, number, info.blob_bytes, &mut sum);
            sum.is_known &= self.problems() == problems && !self.is_cancelled;
        }
        if !sum.is_known {
            return;
        }
        let found = to_hex(&sum.sha256.finalize());
        if found != info.blob_sha256 {
            let expected = info.blob_sha256.clone();
            let at = blob_shard(blob, 0).object;
            self.fault(&at, FaultKind::Sha256 { found, expected });
        }
    }

    fn problems(&self) -> u64 {
        self.found.faults.total() + self.found.unreadable.total()
    }

    fn blob_shard(&mut self, shard: &Shard, number: u64, blob_bytes: u64, sum: &mut BlobSum) {
        let first = number * BLOB_CHUNKS_PER_SHARD;
        let options = self.options;
        let includes = |chunk: u64| options.includes_byte((first + chunk) * BLOB_CHUNK, blob_bytes);
        self.shard(shard, includes, |verifier, (chunk, range), encoded| {
            let data = encoded.split_last_chunk::<4>().map_or(encoded, |(data, _)| data);
            let rest = blob_bytes.saturating_sub((first + chunk) * BLOB_CHUNK);
            let end = usize::try_from(rest).map_or(data.len(), |rest| rest.min(data.len()));
            let (data, filling) = data.split_at_checked(end).unwrap_or_default();
            if filling.iter().any(|&byte| byte != 0) {
                verifier.place_fault(&shard.object, Some(range), None, FaultKind::Filling);
            }
            if sum.is_known {
                sum.sha256.update(data);
            }
        });
    }

    /// Checks the chunks and the shard of the index, and its rows.
    pub(super) fn index(&mut self, recording: &StoredRecording) {
        // Otherwise a fault of the document has been noted.
        let Ok(index) = &recording.index else { return };
        let (key, chunks) = index.shard();
        let component = Component::Data(ArrayKind::Index);
        let object = Object { component, key: key.to_owned() };
        let shard = Shard { object, slots: chunks.len(), chunks: chunks.to_vec() };
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

    /// Checks the included chunks and passes intact ones to `good`. Then checks the shard's own
    /// index, and that nothing follows it.
    fn shard(
        &mut self,
        shard: &Shard,
        includes: impl Fn(u64) -> bool,
        mut good: impl FnMut(&mut Self, (u64, Range<u64>), &[u8]),
    ) {
        let included: Vec<_> =
            (0..).zip(&shard.chunks).filter(|(number, _)| includes(*number)).collect();
        for piece in pieces(&included) {
            if let Err(error) = self.piece(shard, piece, &mut good) {
                return self.failure(&shard.object, error);
            }
        }
        if let Err(error) = self.shard_end(shard) {
            self.failure(&shard.object, error);
        }
    }

    /// Checks adjacent chunks. Returns an error if checking the shard further is pointless.
    fn piece(
        &mut self,
        shard: &Shard,
        piece: &[(u64, &(Range<u64>, u32))],
        good: &mut impl FnMut(&mut Self, (u64, Range<u64>), &[u8]),
    ) -> Result<(), Error> {
        let [(_, (first, _)), ..] = piece else { return Ok(()) };
        if self.is_cancelled {
            return Ok(());
        }
        let end = piece.last().map_or(first.end, |(_, (last, _))| last.end);
        let bytes = match self.read(&shard.object.key, Part::Range(first.start..end)) {
            Err(error) if error.is_damaged() && piece.len() > 1 => {
                // The shard is truncated: check the chunks before its end.
                return piece.chunks(1).try_for_each(|one| self.piece(shard, one, good));
            }
            bytes => bytes?,
        };
        self.advance(end - first.start);
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
                    self.place_fault(&shard.object, Some(range.clone()), None, kind);
                }
            }
        }
        Ok(())
    }

    fn shard_end(&mut self, shard: &Shard) -> Result<(), Error> {
        if self.is_cancelled {
            return Ok(());
        }
        let at = &shard.object;
        let start = shard.index_at();
        let end = start + index_len(u64::try_from(shard.slots).unwrap_or_default());
        let index = self.read(&at.key, Part::Range(start..end))?;
        if let Err(reason) = check_index(&index, shard) {
            let kind = FaultKind::ShardIndex { reason };
            self.place_fault(at, Some(start..end), None, kind);
        }
        match self.read(&at.key, Part::Range(end..end + 1)) {
            Err(error) if error.is_damaged() => {}
            stray => {
                stray?;
                self.place_fault(at, Some(end..end + 1), None, FaultKind::Stray);
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
    let object =
        Object { component: Component::Data(ArrayKind::Blob), key: blob.shard_key(number) };
    Shard { object, chunks, slots: at(BLOB_CHUNKS_PER_SHARD) }
}

/// Groups adjacent chunks into reads.
fn pieces<'a, 'b>(
    included: &'a [(u64, &'b (Range<u64>, u32))],
) -> impl Iterator<Item = &'a [(u64, &'b (Range<u64>, u32))]> {
    let neighbours = included.chunk_by(|(left, _), (right, _)| left + 1 == *right);
    neighbours.flat_map(|run| run.chunks(CHUNKS_AT_ONCE))
}

/// Checks that a chunk has its own checksum, and that it equals the one in the attributes.
fn check_chunk(encoded: &[u8], expected: u32) -> Result<(), String> {
    check_stored(encoded, expected)?;
    let data = encoded.split_last_chunk::<4>().map_or(encoded, |(data, _)| data);
    match crc32c::crc32c(data) {
        found if found == expected => Ok(()),
        found => Err(format!("bytes with checksum {found:#010x}, expected {expected:#010x}")),
    }
}

fn check_index(bytes: &[u8], shard: &Shard) -> Result<(), String> {
    let found = parse_index(bytes)?;
    let expected = shard.chunks.iter().map(|(range, _)| Some(range));
    let expected = expected.chain(std::iter::repeat(None)).take(shard.slots);
    let mut pairs = (0..).zip(found.iter().map(Option::as_ref).zip(expected));
    match pairs.find(|(_, (found, expected))| found != expected) {
        Some((number, (found, expected))) => {
            Err(format!("chunk {number} at {found:?}, expected {expected:?} in layout 1"))
        }
        None => Ok(()),
    }
}

/// The most chunks per read: half a megabyte of the blob.
const CHUNKS_AT_ONCE: usize = 8;
