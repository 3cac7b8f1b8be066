//! The shard of Zarr's `sharding_indexed` codec with its index at the end. zarrs also writes
//! shards, but only whole from memory, and it omits chunks of zeros, which moves later chunks.

use std::{
    io::{self, Write},
    ops::Range,
};

/// Writes inner chunks in order, then the shard's index.
pub(crate) struct ShardWriter<W> {
    out: W,
    chunks: Vec<Range<u64>>,
    end: u64,
}

impl<W: Write> ShardWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, chunks: Vec::new(), end: 0 }
    }

    /// Appends the next encoded inner chunk.
    pub(crate) fn push(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.out.write_all(encoded)?;
        let start = self.end;
        // The length of a file just written fits in a u64.
        self.end += u64::try_from(encoded.len()).unwrap_or_default();
        self.chunks.push(start..self.end);
        Ok(())
    }

    /// The output.
    pub(crate) fn out(&self) -> &W {
        &self.out
    }

    /// Number of appended chunks.
    pub(crate) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Writes the index for a shard of `slots` chunks; chunks not appended are empty. Returns
    /// the byte ranges of the chunks.
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

/// The crc32c at the end of an encoded inner chunk.
pub(crate) fn stored_checksum(encoded: &[u8]) -> Option<u32> {
    encoded.last_chunk().copied().map(u32::from_le_bytes)
}

/// Checks that an encoded inner chunk is the committed one.
pub(crate) fn check_stored(encoded: &[u8], expected: u32) -> Result<(), String> {
    match stored_checksum(encoded) {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(format!("chunk with checksum {found:#010x}, expected {expected:#010x}")),
        None => Err("the chunk is missing".to_owned()),
    }
}

/// Bytes of the index of a shard with `slots` chunks.
pub(crate) fn index_len(slots: u64) -> u64 {
    slots * 16 + 4
}

/// Parses the index at the end of a shard into the byte range of each chunk; `None` for an
/// empty one.
pub(crate) fn parse_index(bytes: &[u8]) -> Result<Vec<Option<Range<u64>>>, String> {
    let (entries, stored) = bytes.split_last_chunk().ok_or("truncated shard index")?;
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
    let (offset, len) = number(0).zip(number(8)).ok_or("truncated shard index")?;
    if (offset, len) == (EMPTY, EMPTY) {
        return Ok(None);
    }
    let end = offset.checked_add(len).ok_or("shard index entry exceeds 2^64")?;
    Ok(Some(offset..end))
}

/// Offset and length of an empty chunk.
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
        fn any_bytes_parse_without_panic(bytes: Vec<u8>) {
            let _ = parse_index(&bytes);
        }
    }
}
