use std::{
    fs::File,
    io::BufWriter,
    ops::Range,
    path::{Path, PathBuf},
};

use opus_packet::{CodedPos, Timeline};
use opus_packet_index::{
    Checkpoints, IndexBuilder, IndexRead, IndexRow, InvalidIndex, Span, rows_from_bytes,
    rows_to_bytes,
};

use crate::{
    Error, RecordingInfo,
    codec::ChunkCodec,
    layout::{INDEX_CHUNK, INDEX_CHUNK_ROWS},
    local::{create_dir_all, create_file, io_error, read_range},
    shard::{ShardWriter, check_stored, index_len, stored_checksum},
};

/// Writes the index of a recording, in constant memory.
pub struct IndexWriter {
    path: PathBuf,
    shard: ShardWriter<BufWriter<File>>,
    builder: IndexBuilder,
    rows: Vec<IndexRow>,
    checkpoints: Vec<u64>,
    checksums: Vec<u32>,
    codec: ChunkCodec,
}

/// An index that has been written, but belongs to no committed recording yet.
#[derive(Debug)]
pub struct StoredIndex {
    /// Open, and so locked, until the index is where it belongs.
    _file: File,
    pub(crate) packets: u64,
    coded_len: u64,
    pub(crate) checkpoints: Vec<u64>,
    pub(crate) ranges: Vec<(u64, u64)>,
    pub(crate) checksums: Vec<u32>,
}

/// What the index of a recording is and costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexInfo {
    /// Packets, one row each.
    pub packets: u64,
    /// Compressed chunks of up to 10,000 rows, of which a lookup reads one or two.
    pub chunks: usize,
    /// Bytes on disk.
    pub bytes: u64,
}

/// The index in its shard, searched chunk by chunk.
#[derive(Debug)]
pub(crate) struct ShardedIndex {
    path: PathBuf,
    packets: u64,
    coded_len: u64,
    blob_len: u64,
    checkpoints: Checkpoints,
    /// Where each chunk lies in the shard, and the crc32c that it had when the
    /// index was committed.
    chunks: Vec<(Range<u64>, u32)>,
    codec: ChunkCodec,
}

impl IndexWriter {
    /// `path` is the file of the shard.
    pub(crate) fn create(path: PathBuf) -> Result<Self, Error> {
        if let Some(directory) = path.parent() {
            create_dir_all(directory)?;
        }
        let file = create_file(&path)?;
        Self::new(path, file)
    }

    /// `file` is the empty file at `path`.
    pub(crate) fn new(path: PathBuf, file: File) -> Result<Self, Error> {
        Ok(Self {
            path,
            shard: ShardWriter::new(BufWriter::new(file)),
            builder: IndexBuilder::default(),
            rows: Vec::new(),
            checkpoints: Vec::new(),
            checksums: Vec::new(),
            codec: ChunkCodec::index()?,
        })
    }

    /// Adds the next packet: `length` bytes at byte `offset` of the blob, lasting
    /// `duration` samples per channel at 48 kHz.
    pub fn push(&mut self, offset: u64, length: u64, duration: u32) -> Result<(), Error> {
        let row = self
            .builder
            .push(offset, length, duration)
            .map_err(|reason| Error::Index { path: self.path.clone(), reason })?;
        self.rows.push(row);
        if u64::try_from(self.rows.len()) == Ok(INDEX_CHUNK_ROWS) {
            self.end_chunk()?;
        }
        Ok(())
    }

    /// Ends the index and makes sure that it is on the disk.
    pub fn finish(mut self) -> Result<StoredIndex, Error> {
        if !self.rows.is_empty() {
            self.end_chunk()?;
        }
        let slots = self.shard.len();
        let write_error = io_error("write", &self.path);
        let (out, chunks) = self.shard.finish(slots).map_err(&write_error)?;
        let file = out.into_inner().map_err(|error| write_error(error.into_error()))?;
        file.sync_all().map_err(write_error)?;
        Ok(StoredIndex {
            packets: self.builder.packets(),
            coded_len: self.builder.coded_len(),
            checkpoints: self.checkpoints,
            checksums: self.checksums,
            ranges: chunks.iter().map(|chunk| (chunk.start, chunk.end - chunk.start)).collect(),
            _file: file,
        })
    }

    fn end_chunk(&mut self) -> Result<(), Error> {
        self.checkpoints.extend(self.rows.first().map(|row| row.first));
        let mut chunk = rows_to_bytes(&self.rows);
        self.rows.clear();
        chunk.resize(usize::try_from(INDEX_CHUNK).unwrap_or(usize::MAX), 0);
        let encoded = self.codec.encode(chunk)?;
        self.checksums.extend(stored_checksum(&encoded));
        self.shard.push(&encoded).map_err(io_error("write", &self.path))
    }
}

impl StoredIndex {
    /// Whether it counts as many samples as the timeline of the recording.
    pub(crate) fn check_len(&self, timeline: Timeline) -> Result<(), Error> {
        let (found, expected) = (self.coded_len, timeline.coded_len());
        if found != expected {
            let reason = format!("the index counts {found} coded samples, expected {expected}");
            return Err(Error::Inconsistent { reason });
        }
        Ok(())
    }
}

impl ShardedIndex {
    /// `path` is the file of the shard; the rest comes from the attributes.
    pub(crate) fn new(path: PathBuf, info: &RecordingInfo) -> Result<Self, String> {
        let (packets, coded_len) = (info.packet_count, info.coded_length);
        let checkpoints = info.index_checkpoints.clone();
        let checkpoints = Checkpoints::parse(checkpoints, INDEX_CHUNK_ROWS, packets, coded_len)
            .map_err(|reason| reason.to_string())?;
        let chunks = parse_chunks(info, checkpoints.firsts().len())?;
        let codec = ChunkCodec::index().map_err(|error| error.to_string())?;
        let blob_len = info.blob_bytes;
        Ok(Self { path, packets, coded_len, blob_len, checkpoints, chunks, codec })
    }

    /// What the index is, if the file is there and as long as it must be.
    pub(crate) fn info(&self) -> Option<IndexInfo> {
        let (last, _) = self.chunks.last()?;
        let bytes = last.end + index_len(u64::try_from(self.chunks.len()).ok()?);
        let found = std::fs::metadata(&self.path).ok().filter(std::fs::Metadata::is_file)?.len();
        let info = IndexInfo { packets: self.packets, chunks: self.chunks.len(), bytes };
        (found == bytes).then_some(info)
    }

    /// Reads and checks some chunks that follow one another, in one ranged read.
    fn read_chunks(&self, numbers: Range<usize>) -> Result<Span, Error> {
        let chunks = self.chunks.get(numbers.clone()).unwrap_or_default();
        let start = chunks.first().map_or(0, |(range, _)| range.start);
        let end = chunks.last().map_or(0, |(range, _)| range.end);
        let encoded = read_range(&self.path, start..end)?;
        let mut rest = encoded.as_slice();
        let mut span: Option<Span> = None;
        for (number, (range, checksum)) in numbers.zip(chunks) {
            let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let (encoded, after) = rest.split_at_checked(len).unwrap_or_default();
            rest = after;
            let chunk = self.decode(encoded, *checksum).map_err(|reason| {
                let Range { start: offset, end } = *range;
                Error::Damaged { path: self.path.clone(), offset, end, reason }
            })?;
            let next = self.parse_chunk(number, &chunk).map_err(self.fault())?;
            match &mut span {
                None => span = Some(next),
                Some(span) => span.append(next).map_err(self.fault())?,
            }
        }
        span.ok_or(InvalidIndex::Empty).map_err(self.fault())
    }

    fn decode(&self, encoded: &[u8], expected: u32) -> Result<Vec<u8>, String> {
        check_stored(encoded, expected)?;
        self.codec.decode(encoded)
    }

    fn parse_chunk(&self, number: usize, chunk: &[u8]) -> Result<Span, InvalidIndex> {
        let mut rows = rows_from_bytes(chunk)?;
        // Chunks are at most as many as packets.
        let first_packet =
            u64::try_from(number).unwrap_or(u64::MAX).saturating_mul(INDEX_CHUNK_ROWS);
        let count = self.packets.saturating_sub(first_packet).min(INDEX_CHUNK_ROWS);
        rows.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        let start = self.checkpoints.first(number).unwrap_or_default();
        Span::parse(first_packet, start, rows, self.blob_len)
    }

    fn fault(&self) -> impl Fn(InvalidIndex) -> Error + '_ {
        |reason| Error::Index { path: self.path.clone(), reason }
    }
}

impl IndexRead for ShardedIndex {
    type Error = Error;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Error> {
        let covered = CodedPos::new(0)..CodedPos::new(self.coded_len);
        if samples.is_empty() || samples.end > covered.end {
            return Err(self.fault()(InvalidIndex::not_covered(&samples, &covered)));
        }
        let chunks = self.read_chunks(self.checkpoints.chunks(&samples))?;
        IndexRead::span(&chunks, samples).map_err(self.fault())
    }
}

/// The file of the one shard of the index, in the directory of the array.
pub(crate) fn shard_path(array: &Path) -> PathBuf {
    array.join("c").join("0").join("0")
}

/// Chunks lie one after the other, so that some of them are one ranged read, and
/// none is longer than a chunk can be.
fn parse_chunks(info: &RecordingInfo, count: usize) -> Result<Vec<(Range<u64>, u32)>, String> {
    let (ranges, checksums) = (&info.index_ranges, &info.index_checksums);
    if (ranges.len(), checksums.len()) != (count, count) {
        return Err(format!(
            "{} index_ranges and {} index_checksums, expected {count} of each",
            ranges.len(),
            checksums.len()
        ));
    }
    let mut end = 0;
    let parse = |(&(offset, len), &checksum): (&(u64, u64), &u32)| {
        if offset != end || len == 0 || len > INDEX_CHUNK + MAX_OVERHEAD {
            return Err(format!("index range of {len} bytes at {offset}, expected one at {end}"));
        }
        end = offset + len;
        Ok((offset..end, checksum))
    };
    ranges.iter().zip(checksums).map(parse).collect()
}

/// What blosc and crc32c may add to a chunk that does not compress.
const MAX_OVERHEAD: u64 = 64;
