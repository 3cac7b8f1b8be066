use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use opus_packet_index::BlobRead;
use sha2::{Digest, Sha256};

use crate::{
    Error,
    codec::ChunkCodec,
    layout::{BLOB_CHUNK, BLOB_CHUNK_ENCODED, BLOB_CHUNKS_PER_SHARD, BLOB_SHARD},
    local::{create_dir_all, create_file, io_error, read_range, sync_dir},
    shard::{ShardWriter, check_stored, index_len, parse_index, stored_checksum},
};

/// Writes the blob of a recording, in constant memory.
pub struct BlobWriter {
    blob: ShardedBlob,
    shard: Option<ShardWriter<BufWriter<File>>>,
    shards: u64,
    chunk: Vec<u8>,
    sha256: Sha256,
}

/// A blob that has been written, as part of a recording that is not committed.
#[derive(Debug)]
pub struct StoredBlob {
    pub(crate) blob: ShardedBlob,
    pub(crate) sha256: String,
}

/// The blob in its shards.
#[derive(Debug)]
pub(crate) struct ShardedBlob {
    /// `opus_blob/c`, which holds the shards by their number.
    directory: PathBuf,
    len: u64,
    /// The crc32c of every inner chunk, as they were when the recording was
    /// committed. A chunk that is whole in itself may still be one from another
    /// place: of a shard that another Zarr implementation wrote in its own order,
    /// or of another recording.
    checksums: Vec<u32>,
    codec: ChunkCodec,
}

/// Reads a blob from its start to its end.
#[derive(Debug)]
pub struct BlobReader<'a> {
    blob: &'a ShardedBlob,
    /// The chunk that is being given, and how much of it has been.
    chunk: Vec<u8>,
    given: usize,
    next: u64,
}

impl BlobWriter {
    /// `array` is the directory of the array.
    pub(crate) fn create(array: &Path) -> Result<Self, Error> {
        let directory = array.join("c");
        create_dir_all(&directory)?;
        Ok(Self {
            blob: ShardedBlob::new(array, 0, Vec::new())?,
            shard: None,
            shards: 0,
            chunk: Vec::new(),
            sha256: Sha256::new(),
        })
    }

    /// Ends the blob and makes sure that it is on the disk.
    pub fn finish(mut self) -> Result<StoredBlob, Error> {
        if !self.chunk.is_empty() {
            self.end_chunk()?;
        }
        if self.shard.is_some() {
            self.end_shard()?;
        }
        sync_dir(&self.blob.directory)?;
        let sha256 = self.sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(StoredBlob { blob: self.blob, sha256 })
    }

    fn append(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let room = size(BLOB_CHUNK) - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            self.sha256.update(now);
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
        chunk.resize(size(BLOB_CHUNK), 0);
        let encoded = self.blob.codec.encode(chunk)?;
        self.blob.checksums.extend(stored_checksum(&encoded));
        let path = self.blob.shard_path(self.shards);
        let mut shard = match self.shard.take() {
            Some(shard) => shard,
            None => ShardWriter::new(BufWriter::new(create_file(&path)?)),
        };
        shard.push(&encoded).map_err(io_error("write", &path))?;
        let is_full = wide(shard.len()) == BLOB_CHUNKS_PER_SHARD;
        self.shard = Some(shard);
        if is_full { self.end_shard() } else { Ok(()) }
    }

    fn end_shard(&mut self) -> Result<(), Error> {
        let path = self.blob.shard_path(self.shards);
        if let Some(shard) = self.shard.take() {
            shard
                .finish(size(BLOB_CHUNKS_PER_SHARD))
                .and_then(|(out, _)| out.into_inner()?.sync_all())
                .map_err(io_error("write", &path))?;
            self.shards += 1;
        }
        Ok(())
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    /// Does nothing: [`finish`](Self::finish) writes what is held back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StoredBlob {
    /// Length in bytes.
    #[allow(clippy::len_without_is_empty, reason = "an empty blob is no recording")]
    pub fn len(&self) -> u64 {
        self.blob.len
    }

    /// Reads back what has been written, checking it.
    pub fn reader(&self) -> BlobReader<'_> {
        self.blob.reader()
    }
}

impl ShardedBlob {
    /// A blob of `len` bytes in the array directory `array`, with the checksums of
    /// its chunks.
    pub(crate) fn new(array: &Path, len: u64, checksums: Vec<u32>) -> Result<Self, Error> {
        Ok(Self { directory: array.join("c"), len, checksums, codec: ChunkCodec::blob()? })
    }

    pub(crate) fn checksums(&self) -> &[u32] {
        &self.checksums
    }

    pub(crate) fn reader(&self) -> BlobReader<'_> {
        BlobReader { blob: self, chunk: Vec::new(), given: 0, next: 0 }
    }

    fn shard_path(&self, shard: u64) -> PathBuf {
        self.directory.join(shard.to_string())
    }

    /// Adds a range of bytes of one shard to `out`: one contiguous read, since
    /// our shards hold all their chunks in order.
    fn read_shard(&self, shard: u64, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        let path = self.shard_path(shard);
        let chunks = bytes.start / BLOB_CHUNK..bytes.end.div_ceil(BLOB_CHUNK);
        let stored = chunks.start * BLOB_CHUNK_ENCODED..chunks.end * BLOB_CHUNK_ENCODED;
        let encoded = match read_range(&path, stored) {
            // A shorter shard may be one that another Zarr implementation wrote.
            Err(Error::Damaged { .. }) => Vec::new(),
            encoded => encoded?,
        };
        let in_order = encoded.chunks(size(BLOB_CHUNK_ENCODED)).chain(std::iter::repeat(&[][..]));
        for (number, encoded) in chunks.zip(in_order) {
            let expected = self.checksum(shard, number);
            let chunk = match self.decode(encoded, expected) {
                Ok(chunk) => chunk,
                Err(_) => self.read_indexed_chunk(&path, number, expected)?,
            };
            let start = number * BLOB_CHUNK;
            let from = bytes.start.saturating_sub(start);
            let to = (bytes.end - start).min(BLOB_CHUNK);
            out.extend_from_slice(chunk.get(size(from)..size(to)).unwrap_or_default());
        }
        Ok(())
    }

    /// Reads a chunk from where the shard's own index says that it is. Only if it
    /// is not there either, it is damaged.
    fn read_indexed_chunk(
        &self,
        path: &Path,
        number: u64,
        expected: Option<u32>,
    ) -> Result<Vec<u8>, Error> {
        let shard_len = std::fs::metadata(path).map_err(io_error("read", path))?.len();
        let index_at = shard_len.saturating_sub(index_len(BLOB_CHUNKS_PER_SHARD));
        let damaged = |Range { start, end }: Range<u64>| {
            move |reason| Error::Damaged { path: path.to_owned(), offset: start, end, reason }
        };
        let index = parse_index(&read_range(path, index_at..shard_len)?)
            .map_err(damaged(index_at..shard_len))?;
        let (range, encoded) = match index.get(size(number)).cloned().flatten() {
            // Left out, as Zarr allows for a chunk of zeros.
            None => (0..shard_len, self.codec.encode(vec![0; size(BLOB_CHUNK)])?),
            Some(range) if range.end - range.start != BLOB_CHUNK_ENCODED => {
                let reason = format!("expected a chunk of {BLOB_CHUNK_ENCODED} bytes");
                return Err(damaged(range)(reason));
            }
            Some(range) => (range.clone(), read_range(path, range)?),
        };
        self.decode(&encoded, expected).map_err(damaged(range))
    }

    fn decode(&self, encoded: &[u8], expected: Option<u32>) -> Result<Vec<u8>, String> {
        let expected = expected.ok_or("the attributes have no checksum for the chunk")?;
        check_stored(encoded, expected)?;
        self.codec.decode(encoded)
    }

    fn checksum(&self, shard: u64, chunk: u64) -> Option<u32> {
        self.checksums.get(size(shard * BLOB_CHUNKS_PER_SHARD + chunk)).copied()
    }
}

impl BlobRead for ShardedBlob {
    type Error = Error;

    fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        out.clear();
        let Range { start, end } = bytes;
        if start > end || end > self.len {
            return Err(Error::BeyondBlob { start, end, len: self.len });
        }
        for shard in start / BLOB_SHARD..end.div_ceil(BLOB_SHARD) {
            let shard_at = shard * BLOB_SHARD;
            let within = start.saturating_sub(shard_at)..(end - shard_at).min(BLOB_SHARD);
            self.read_shard(shard, within, out)?;
        }
        Ok(())
    }
}

impl Read for BlobReader<'_> {
    /// Chunk by chunk, so that damage hides nothing that lies before it.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.chunk.len() {
            // Empty if it cannot be read.
            let mut chunk = std::mem::take(&mut self.chunk);
            self.given = 0;
            let end = (self.next + BLOB_CHUNK).min(self.blob.len);
            self.blob.read(self.next..end, &mut chunk).map_err(io::Error::other)?;
            (self.chunk, self.next) = (chunk, end);
        }
        let mut rest = self.chunk.get(self.given..).unwrap_or_default();
        let count = Read::read(&mut rest, out)?;
        self.given += count;
        Ok(count)
    }
}

/// Lengths of chunks and pieces of them: far below what a usize counts.
fn size(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
