use std::sync::Arc;

use opus_packet::CodedPos;
use opus_packet_index::{
    SYNC_SPACING, SyncDecoder, SyncEntry, SyncStart, find_sync_start, sync_entry_before,
    sync_from_bytes, sync_to_bytes,
};

use crate::{
    AsyncStorage, Error, Part, RecordingInfo, Storage, SyncInfo,
    cache::ChunkCache,
    codec::{ChunkCodec, MAX_OVERHEAD},
    error::Reason,
    layout::{SYNC, SYNC_CHUNK, SYNC_CHUNK_ENTRIES},
    object::{name_of, put, read},
    shard::{check_stored, stored_checksum},
};

/// The sync map in its chunks; each is an object.
#[derive(Debug)]
pub(crate) struct StoredSync {
    /// The key of the recording.
    recording: String,
    entries: u64,
    is_current: bool,
    checksums: Vec<u32>,
    codec: &'static ChunkCodec,
    cache: ChunkCache<Vec<SyncEntry>>,
}

/// Writes the chunks of a sync map and returns its attributes.
pub(crate) fn write_sync(
    storage: &Arc<dyn Storage>,
    recording: &str,
    entries: &[SyncEntry],
    decoder: &str,
) -> Result<SyncInfo, Error> {
    let (codec, mut checksums) = (ChunkCodec::sync()?, Vec::new());
    for (number, chunk) in (0..).zip(entries.chunks(size(SYNC_CHUNK_ENTRIES))) {
        let mut bytes = sync_to_bytes(chunk);
        bytes.resize(size(SYNC_CHUNK), 0);
        let encoded = codec.encode(bytes)?;
        checksums.extend(stored_checksum(&encoded));
        put(storage, &chunk_key(recording, number), &encoded)?;
    }
    let entries = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    Ok(SyncInfo { decoder: decoder.to_owned(), entries, rule: SyncInfo::RULE, checksums })
}

impl StoredSync {
    /// The sync map of the recording with the key `recording`, if it has one.
    pub(crate) fn new(recording: &str, info: &RecordingInfo) -> Result<Option<Self>, String> {
        let Some(sync) = &info.sync else { return Ok(None) };
        let spacing = if sync.is_current() { SYNC_SPACING } else { SPACING_OF_RULE_1 };
        let expected = info.coded_length.div_ceil(spacing);
        if sync.entries != expected {
            return Err(format!("sync map of {} entries, expected {expected}", sync.entries));
        }
        let (found, expected) = (sync.checksums.len(), sync.entries.div_ceil(SYNC_CHUNK_ENTRIES));
        if u64::try_from(found) != Ok(expected) {
            return Err(format!("sync checksums of {found} chunks, expected {expected}"));
        }
        Ok(Some(Self {
            recording: recording.to_owned(),
            entries: sync.entries,
            is_current: sync.is_current(),
            checksums: sync.checksums.clone(),
            codec: ChunkCodec::sync().map_err(|error| error.to_string())?,
            cache: ChunkCache::new(CACHED_CHUNKS),
        }))
    }

    /// Whether it was measured by the rule of this version. Otherwise its chunks only have
    /// checksums.
    pub(crate) fn is_current(&self) -> bool {
        self.is_current
    }

    /// The start for a coded position: one read, or none if its chunk is in memory, or more if no
    /// entry of the chunk is exact there.
    pub(crate) async fn start(
        &self,
        storage: &dyn AsyncStorage,
        position: CodedPos,
        decoder: SyncDecoder,
    ) -> Result<SyncStart, Error> {
        let last = sync_entry_before(position).min(self.entries.saturating_sub(1));
        for number in (0..=last / SYNC_CHUNK_ENTRIES).rev() {
            let chunk = self.chunk(storage, number).await?;
            let first = number * SYNC_CHUNK_ENTRIES;
            if let Some(start) = find_sync_start(&chunk, first, position, decoder) {
                return Ok(start);
            }
        }
        Ok(SyncStart::BEGINNING)
    }

    /// The entries of one chunk.
    pub(crate) async fn chunk(
        &self,
        storage: &dyn AsyncStorage,
        number: u64,
    ) -> Result<Arc<Vec<SyncEntry>>, Error> {
        let place = size(number);
        if let Some(chunk) = self.cache.get(place) {
            return Ok(chunk);
        }
        let chunk = self.read_chunk(storage, number, |encoded| self.parse(encoded, number)).await?;
        let chunk = Arc::new(chunk);
        self.cache.insert(place, &chunk);
        Ok(chunk)
    }

    /// Checks one chunk, of a map by any rule.
    pub(crate) async fn check_chunk(
        &self,
        storage: &dyn AsyncStorage,
        number: u64,
    ) -> Result<(), Error> {
        let check = |encoded: &[u8]| {
            if self.is_current {
                self.parse(encoded, number).map(drop)
            } else {
                self.check_stored(encoded, number)
            }
        };
        self.read_chunk(storage, number, check).await
    }

    async fn read_chunk<T>(
        &self,
        storage: &dyn AsyncStorage,
        number: u64,
        parse: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, Error> {
        let key = chunk_key(&self.recording, number);
        let encoded = read(storage, &key, Part::Whole(SYNC_CHUNK + MAX_OVERHEAD)).await?;
        let parsed = parse(&encoded).map_err(|reason| Reason::Damaged {
            object: name_of(storage, &key),
            bytes: 0..u64::try_from(encoded.len()).unwrap_or(u64::MAX),
            reason,
        })?;
        Ok(parsed)
    }

    fn check_stored(&self, encoded: &[u8], number: u64) -> Result<(), String> {
        let expected = self.checksums.get(size(number));
        let expected = expected.ok_or("the attributes have no checksum for this chunk")?;
        check_stored(encoded, *expected)
    }

    fn parse(&self, encoded: &[u8], number: u64) -> Result<Vec<SyncEntry>, String> {
        self.check_stored(encoded, number)?;
        let chunk = self.codec.decode(encoded)?;
        let mut entries = sync_from_bytes(&chunk).map_err(|error| error.to_string())?;
        let left = self.entries.saturating_sub(number.saturating_mul(SYNC_CHUNK_ENTRIES));
        let filling = entries.split_off(size(left).min(entries.len()));
        if sync_to_bytes(&filling).iter().any(|&byte| byte != 0) {
            return Err("the filling after the end of the array is not zeros".to_owned());
        }
        Ok(entries)
    }

    /// The keys of the chunks.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.chunks()).map(|number| chunk_key(&self.recording, number))
    }

    pub(crate) fn chunks(&self) -> u64 {
        self.entries.div_ceil(SYNC_CHUNK_ENTRIES)
    }
}

pub(crate) fn chunk_key(recording: &str, number: u64) -> String {
    format!("{recording}/{SYNC}/c/{number}/0")
}

/// Numbers of chunks and of entries in one, which fit in any usize.
fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Samples between two starts of a map by the first rule.
const SPACING_OF_RULE_1: u64 = 24_000;
/// Unpacked chunks that a reader keeps in memory, of 120 kB and 66 minutes each.
const CACHED_CHUNKS: usize = 8;
