//! The shard of Zarr's `sharding_indexed` codec with its index at the end. zarrs
//! can write one too, but only whole from memory, and leaves out chunks of zeros,
//! which would move those behind them.

use std::{
    io::{self, Write},
    ops::Range,
};

/// Writes inner chunks one after the other, then the shard's index.
pub(crate) struct ShardWriter<W> {
    out: W,
    chunks: Vec<Range<u64>>,
    end: u64,
}

impl<W: Write> ShardWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, chunks: Vec::new(), end: 0 }
    }

    /// Appends the next inner chunk, encoded.
    pub(crate) fn push(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.out.write_all(encoded)?;
        let start = self.end;
        // A file that has just been written is not longer than a u64 can say.
        self.end += u64::try_from(encoded.len()).unwrap_or_default();
        self.chunks.push(start..self.end);
        Ok(())
    }

    /// Where it writes.
    pub(crate) fn out(&self) -> &W {
        &self.out
    }

    /// How many chunks have been appended.
    pub(crate) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Writes the index for a shard of `slots` chunks, of which those that have
    /// not been appended are empty. Gives where the chunks lie.
    pub(crate) fn finish(mut self, slots: usize) -> io::Result<(W, Vec<Range<u64>>)> {
        let entries = self.chunks.iter().map(|chunk| (chunk.start, chunk.end - chunk.start));
        let mut index = Vec::new();
        for (offset, len) in entries.chain(std::iter::repeat((EMPTY, EMPTY))).take(slots) {
            index.extend_from_slice(&offset.to_le_bytes());
            index.extend_from_slice(&len.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&index);
        self.out.write_all(&index)?;
        self.out.write_all(&checksum.to_le_bytes())?;
        Ok((self.out, self.chunks))
    }
}

/// The crc32c that stands behind an encoded inner chunk.
pub(crate) fn stored_checksum(encoded: &[u8]) -> Option<u32> {
    encoded.last_chunk().copied().map(u32::from_le_bytes)
}

/// Whether an encoded inner chunk is the one that was committed.
pub(crate) fn check_stored(encoded: &[u8], expected: u32) -> Result<(), String> {
    match stored_checksum(encoded) {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(format!("chunk with checksum {found:#010x}, expected {expected:#010x}")),
        None => Err("no chunk there".to_owned()),
    }
}

/// Bytes of the index of a shard of `slots` chunks.
pub(crate) fn index_len(slots: u64) -> u64 {
    slots * 16 + 4
}

/// Parses the index at the end of a shard: where each chunk lies, none if it is
/// empty.
pub(crate) fn parse_index(bytes: &[u8]) -> Result<Vec<Option<Range<u64>>>, String> {
    let (entries, stored) = bytes.split_last_chunk().ok_or("shard index cut off")?;
    let (stored, computed) = (u32::from_le_bytes(*stored), crc32c::crc32c(entries));
    if stored != computed {
        return Err(format!(
            "shard index with checksum {stored:#010x}, its bytes give {computed:#010x}"
        ));
    }
    entries.chunks(16).map(parse_entry).collect()
}

fn parse_entry(entry: &[u8]) -> Result<Option<Range<u64>>, String> {
    let number = |at| Some(u64::from_le_bytes(*entry.get(at..)?.first_chunk()?));
    let (offset, len) = number(0).zip(number(8)).ok_or("shard index cut off")?;
    if (offset, len) == (EMPTY, EMPTY) {
        return Ok(None);
    }
    let end = offset.checked_add(len).ok_or("shard index entry beyond 2^64")?;
    Ok(Some(offset..end))
}

/// Offset and length of a chunk that is not there.
const EMPTY: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trip(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..20),
                      empty in 0usize..5) {
            let mut writer = ShardWriter::new(Vec::new());
            for chunk in &chunks {
                writer.push(chunk).unwrap();
            }
            let slots = chunks.len() + empty;
            let (shard, ranges) = writer.finish(slots).unwrap();
            let place = |at: u64| usize::try_from(at).unwrap();
            let index_at = shard.len() - place(index_len(slots.try_into().unwrap()));
            let parsed = parse_index(&shard[index_at..]).unwrap();
            prop_assert_eq!(parsed.len(), slots);
            prop_assert!(parsed[chunks.len()..].iter().all(Option::is_none));
            for ((chunk, range), found) in chunks.iter().zip(ranges).zip(parsed) {
                prop_assert_eq!(found, Some(range.clone()));
                prop_assert_eq!(&shard[place(range.start)..place(range.end)], chunk.as_slice());
            }
        }

        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = parse_index(&bytes);
        }
    }
}
