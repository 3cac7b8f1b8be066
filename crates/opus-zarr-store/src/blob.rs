use std::{
    fmt,
    io::{self, Read, Write},
    ops::Range,
    sync::Arc,
};

use crate::{
    AsyncStorage, Error, Operation, Part, Storage,
    codec::ChunkCodec,
    error::Reason,
    finisher::Finisher,
    hasher::Hasher,
    layout::{BLOB, BLOB_CHUNK, BLOB_CHUNK_ENCODED, BLOB_CHUNKS_PER_SHARD, BLOB_SHARD},
    object::{NewObject, io_error, name_of, read},
    shard::{ShardWriter, check_stored, index_len, parse_index, stored_checksum},
    storage::{Ready, ready},
};
use opus_packet_index::BlobRead;

/// Writes the blob of a recording, in constant memory.
pub struct BlobWriter {
    storage: Arc<dyn Storage>,
    blob: ShardedBlob,
    shard: Option<ShardWriter<NewObject>>,
    shards: u64,
    finisher: Finisher,
    chunk: Vec<u8>,
    sha256: Hasher,
}

/// A written blob that does not belong to a committed recording yet.
#[derive(Debug)]
pub struct StoredBlob {
    storage: Arc<dyn Storage>,
    pub(crate) blob: ShardedBlob,
    pub(crate) sha256: String,
}

/// The blob in its shards.
#[derive(Debug)]
pub(crate) struct ShardedBlob {
    /// The key of the array.
    key: String,
    len: u64,
    /// The crc32c of every inner chunk when the recording was committed. A chunk with a valid
    /// checksum of its own may still be the wrong one: from a shard that another Zarr
    /// implementation wrote in its own order, or from another recording.
    checksums: Vec<u32>,
    codec: &'static ChunkCodec,
}

/// Reads a blob from start to end.
pub struct BlobReader<'a> {
    storage: &'a dyn Storage,
    blob: &'a ShardedBlob,
    /// The bytes being returned, and how many of them have been.
    piece: Vec<u8>,
    given: usize,
    next: u64,
}

impl BlobWriter {
    /// `recording` is the key of the recording.
    pub(crate) fn create(storage: Arc<dyn Storage>, recording: &str) -> Result<Self, Error> {
        Ok(Self {
            storage,
            blob: ShardedBlob::new(recording, 0, Vec::new())?,
            shard: None,
            shards: 0,
            finisher: Finisher::default(),
            chunk: Vec::new(),
            sha256: Hasher::new(),
        })
    }

    /// Completes the blob and makes it durable.
    pub fn finish(mut self) -> Result<StoredBlob, Error> {
        if !self.chunk.is_empty() {
            self.end_chunk()?;
        }
        self.finisher.wait()?;
        if let Some(shard) = self.end_shard()? {
            shard.finish()?;
        }
        let sha256 = self.sha256.finish().ok_or_else(|| {
            let panicked = io::Error::other("the thread that hashes has panicked");
            io_error(Operation::Write, &self.blob.key)(panicked)
        })?;
        Ok(StoredBlob { storage: self.storage, blob: self.blob, sha256 })
    }

    fn append(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let room = size(BLOB_CHUNK) - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            self.blob.len += wide(now.len());
            bytes = later;
            if self.chunk.len() == size(BLOB_CHUNK) {
                self.end_chunk()?;
            }
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), Error> {
        let mut chunk = std::mem::take(&mut self.chunk);
        self.sha256.update(&chunk);
        chunk.resize(size(BLOB_CHUNK), 0);
        let encoded = self.blob.codec.encode(chunk)?;
        self.blob.checksums.extend(stored_checksum(&encoded));
        let mut shard = match self.shard.take() {
            Some(shard) => shard,
            None => {
                let key = self.blob.shard_key(self.shards);
                ShardWriter::new(NewObject::create(&self.storage, &key)?)
            }
        };
        shard.push(&encoded).map_err(io_error(Operation::Write, shard.out().name()))?;
        let is_full = wide(shard.len()) == BLOB_CHUNKS_PER_SHARD;
        self.shard = Some(shard);
        if !is_full {
            return Ok(());
        }
        match self.end_shard()? {
            Some(shard) => self.finisher.finish(shard),
            None => Ok(()),
        }
    }

    /// Completes the present shard, if any. It appears once it is finished.
    fn end_shard(&mut self) -> Result<Option<NewObject>, Error> {
        let Some(shard) = self.shard.take() else { return Ok(None) };
        let write_error = io_error(Operation::Write, shard.out().name());
        let (out, _) = shard.finish(size(BLOB_CHUNKS_PER_SHARD)).map_err(write_error)?;
        self.shards += 1;
        Ok(Some(out))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    /// Does nothing: [`finish`](Self::finish) writes buffered bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StoredBlob {
    /// Length in bytes.
    #[allow(clippy::len_without_is_empty, reason = "a recording has a blob that is not empty")]
    pub fn len(&self) -> u64 {
        self.blob.len
    }

    /// SHA-256 in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Reads the blob back, checking it.
    pub fn reader(&self) -> BlobReader<'_> {
        self.blob.reader(&*self.storage)
    }
}

impl ShardedBlob {
    /// The blob of the recording with the key `recording`.
    pub(crate) fn new(recording: &str, len: u64, checksums: Vec<u32>) -> Result<Self, Error> {
        let key = format!("{recording}/{BLOB}");
        Ok(Self { key, len, checksums, codec: ChunkCodec::blob()? })
    }

    pub(crate) fn checksums(&self) -> &[u32] {
        &self.checksums
    }

    pub(crate) fn reader<'a>(&'a self, storage: &'a dyn Storage) -> BlobReader<'a> {
        BlobReader { storage, blob: self, piece: Vec::new(), given: 0, next: 0 }
    }

    /// The keys of the shards.
    pub(crate) fn shard_keys(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.len.div_ceil(BLOB_SHARD)).map(|shard| self.shard_key(shard))
    }

    /// Reads a half-open range of bytes, checking them.
    pub(crate) async fn read(
        &self,
        storage: &dyn AsyncStorage,
        bytes: Range<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        out.clear();
        let Range { start, end } = bytes;
        if start > end || end > self.len {
            return Err(Reason::BeyondBlob { requested: start..end, length: self.len }.into());
        }
        for shard in start / BLOB_SHARD..end.div_ceil(BLOB_SHARD) {
            let shard_at = shard * BLOB_SHARD;
            let within = start.saturating_sub(shard_at)..(end - shard_at).min(BLOB_SHARD);
            self.read_shard(storage, shard, within, out).await?;
        }
        Ok(())
    }

    /// The key of the array.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn shard_key(&self, shard: u64) -> String {
        format!("{}/c/{shard}", self.key)
    }

    /// Appends a range of bytes of one shard to `out`: one contiguous read, because our shards
    /// hold all chunks in order.
    async fn read_shard(
        &self,
        storage: &dyn AsyncStorage,
        shard: u64,
        bytes: Range<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let key = self.shard_key(shard);
        let chunks = bytes.start / BLOB_CHUNK..bytes.end.div_ceil(BLOB_CHUNK);
        let stored = chunks.start * BLOB_CHUNK_ENCODED..chunks.end * BLOB_CHUNK_ENCODED;
        let encoded = match read(storage, &key, Part::Range(stored)).await {
            // Another Zarr implementation may have written a shorter shard.
            Err(error) if error.is_damaged() => Vec::new(),
            encoded => encoded?,
        };
        let in_order = encoded.chunks(size(BLOB_CHUNK_ENCODED)).chain(std::iter::repeat(&[][..]));
        for (number, encoded) in chunks.zip(in_order) {
            let expected = self.checksum(shard, number);
            let chunk = match self.decode(encoded, expected) {
                Ok(chunk) => chunk,
                Err(_) => self.read_indexed_chunk(storage, &key, number, expected).await?,
            };
            let start = number * BLOB_CHUNK;
            let from = bytes.start.saturating_sub(start);
            let to = (bytes.end - start).min(BLOB_CHUNK);
            out.extend_from_slice(chunk.get(size(from)..size(to)).unwrap_or_default());
        }
        Ok(())
    }

    /// Reads a chunk from where the shard's own index places it. If it is not there either, it is
    /// damaged.
    async fn read_indexed_chunk(
        &self,
        storage: &dyn AsyncStorage,
        key: &str,
        number: u64,
        expected: Option<u32>,
    ) -> Result<Vec<u8>, Error> {
        let in_order = number * BLOB_CHUNK_ENCODED..(number + 1) * BLOB_CHUNK_ENCODED;
        let damaged = |bytes: Range<u64>| {
            let object = name_of(storage, key);
            move |reason| Error::from(Reason::Damaged { object, bytes, reason })
        };
        let index = read(storage, key, Part::Last(index_len(BLOB_CHUNKS_PER_SHARD))).await?;
        let index = parse_index(&index).map_err(damaged(in_order.clone()))?;
        let (range, encoded) = match index.get(size(number)).cloned().flatten() {
            // Zarr allows omitting a chunk of zeros.
            None => (in_order, self.codec.encode(vec![0; size(BLOB_CHUNK)])?),
            Some(range) if range.end - range.start != BLOB_CHUNK_ENCODED => {
                let reason = format!("expected a chunk of {BLOB_CHUNK_ENCODED} bytes");
                return Err(damaged(range)(reason));
            }
            Some(range) => (range.clone(), read(storage, key, Part::Range(range)).await?),
        };
        self.decode(&encoded, expected).map_err(damaged(range))
    }

    fn decode(&self, encoded: &[u8], expected: Option<u32>) -> Result<Vec<u8>, String> {
        let expected = expected.ok_or("the attributes have no checksum for this chunk")?;
        check_stored(encoded, expected)?;
        self.codec.decode(encoded)
    }

    fn checksum(&self, shard: u64, chunk: u64) -> Option<u32> {
        self.checksums.get(size(shard * BLOB_CHUNKS_PER_SHARD + chunk)).copied()
    }
}

/// A blob in its storage, as a port to read from.
pub(crate) struct BlobIn<'a>(pub(crate) &'a dyn Storage, pub(crate) &'a ShardedBlob);

impl BlobRead for BlobIn<'_> {
    type Error = Error;

    fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        ready(self.1.read(&Ready(self.0), bytes, out))
    }
}

impl Read for BlobReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.piece.len() {
            // Stays empty if the read fails.
            let mut piece = std::mem::take(&mut self.piece);
            self.given = 0;
            let end = self.next_piece(&mut piece).map_err(io::Error::other)?;
            (self.piece, self.next) = (piece, end);
        }
        let mut rest = self.piece.get(self.given..).unwrap_or_default();
        let count = Read::read(&mut rest, out)?;
        self.given += count;
        Ok(count)
    }
}

impl BlobReader<'_> {
    /// Reads the next piece and returns where it ends. Reads chunk by chunk near damage, so that
    /// damage does not hide the chunks before it.
    fn next_piece(&self, piece: &mut Vec<u8>) -> Result<u64, Error> {
        let blob = BlobIn(self.storage, self.blob);
        let end = |len: u64| (self.next + len).min(self.blob.len);
        if blob.read(self.next..end(PIECE), piece).is_ok() {
            return Ok(end(PIECE));
        }
        blob.read(self.next..end(BLOB_CHUNK), piece)?;
        Ok(end(BLOB_CHUNK))
    }
}

impl fmt::Debug for BlobReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader").field("blob", self.blob).field("next", &self.next).finish()
    }
}

/// Lengths of chunks and pieces, which fit in any usize.
fn size(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Bytes per sequential read: several chunks, to make few requests.
const PIECE: u64 = 8 * BLOB_CHUNK;
