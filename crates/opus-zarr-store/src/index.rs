use std::{ops::Range, sync::Arc};

use opus_packet::{CodedPos, Timeline};
use opus_packet_index::{
    Checkpoints, Error as RowError, IndexBuilder, IndexRow, PackedSpan, Span, rows_from_bytes,
    rows_to_bytes,
};

use crate::{
    AsyncStorage, Error, Operation, Part, RecordingInfo, Storage,
    cache::ChunkCache,
    codec::{ChunkCodec, MAX_OVERHEAD},
    error::Reason,
    layout::{INDEX, INDEX_CHUNK, INDEX_CHUNK_ROWS},
    object::{NewObject, io_error, name_of, read},
    shard::{ShardWriter, check_stored, index_len, parse_index, stored_checksum},
};

/// Writes the index of a recording, in constant memory.
pub struct IndexWriter {
    shard: ShardWriter<NewObject>,
    builder: IndexBuilder,
    rows: Vec<IndexRow>,
    checkpoints: Vec<u64>,
    checksums: Vec<u32>,
    codec: &'static ChunkCodec,
}

/// A written index that does not belong to a committed recording yet.
#[derive(Clone, Debug)]
pub struct StoredIndex {
    pub(crate) packets: u64,
    coded_length: u64,
    pub(crate) checkpoints: Vec<u64>,
    pub(crate) ranges: Vec<(u64, u64)>,
    pub(crate) checksums: Vec<u32>,
}

/// The size of a recording's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexInfo {
    /// Number of packets, one row each.
    pub packets: u64,
    /// Number of compressed chunks of up to 10,000 rows. A lookup reads one or two.
    pub chunks: usize,
    /// Stored bytes.
    pub bytes: u64,
}

/// The index in its shard, read chunk by chunk.
#[derive(Debug)]
pub(crate) struct ShardedIndex {
    /// The key of the shard.
    key: String,
    packets: u64,
    coded_length: u64,
    blob_bytes: u64,
    checkpoints: Checkpoints,
    /// The byte range of each chunk in the shard, and its crc32c when the index was committed.
    chunks: Vec<(Range<u64>, u32)>,
    codec: &'static ChunkCodec,
    cache: ChunkCache<PackedSpan>,
}

/// What is wrong with the rows of an index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IndexFault {
    #[error("{0}")]
    Rows(#[from] RowError),
    /// The caller asked for samples that the index does not have.
    #[error("{0}")]
    NotCovered(RowError),
    #[error("packet {packet}: {length} bytes, expected at most {limit}")]
    PacketTooLong { packet: u64, length: u64, limit: u64 },
    #[error(
        "packet {packet}: starts at byte {found}, expected byte {expected} or later, where the \
         previous chunk ends"
    )]
    Overlap { packet: u64, found: u64, expected: u64 },
    #[error("chunk {chunk} ends at coded sample {found}, expected {expected}")]
    ChunkEnd { chunk: usize, found: CodedPos, expected: CodedPos },
    #[error("{packets} packets span {found} bytes of the blob, expected at most {limit}")]
    TooWide { packets: u64, found: u64, limit: u64 },
    #[error("chunk {chunk} does not exist")]
    NoSuchChunk { chunk: usize },
}

impl IndexWriter {
    /// `recording` is the key of the recording.
    pub(crate) fn create(storage: &Arc<dyn Storage>, recording: &str) -> Result<Self, Error> {
        Ok(Self {
            shard: ShardWriter::new(NewObject::create(storage, &shard_key(recording))?),
            builder: IndexBuilder::default(),
            rows: Vec::new(),
            checkpoints: Vec::new(),
            checksums: Vec::new(),
            codec: ChunkCodec::index()?,
        })
    }

    /// Adds the next packet: `length` bytes at byte `offset` of the blob, lasting `duration`
    /// samples per channel at 48 kHz.
    pub fn push(&mut self, offset: u64, length: u64, duration: u32) -> Result<(), Error> {
        let row = self.builder.push(offset, length, duration).map_err(|error| Reason::Index {
            object: self.shard.out().name().to_owned(),
            fault: error.into(),
        })?;
        self.rows.push(row);
        if u64::try_from(self.rows.len()) == Ok(INDEX_CHUNK_ROWS) {
            self.end_chunk()?;
        }
        Ok(())
    }

    /// Completes the index and makes it durable.
    pub fn finish(self) -> Result<StoredIndex, Error> {
        let (object, index) = self.complete()?;
        object.finish()?;
        Ok(index)
    }

    /// Completes the index; it appears once its object is finished.
    pub(crate) fn complete(mut self) -> Result<(NewObject, StoredIndex), Error> {
        if !self.rows.is_empty() {
            self.end_chunk()?;
        }
        let slots = self.shard.len();
        let write_error = io_error(Operation::Write, self.shard.out().name());
        let (object, chunks) = self.shard.finish(slots).map_err(write_error)?;
        let index = StoredIndex {
            packets: self.builder.packets(),
            coded_length: self.builder.coded_length(),
            checkpoints: self.checkpoints,
            checksums: self.checksums,
            ranges: chunks.iter().map(|chunk| (chunk.start, chunk.end - chunk.start)).collect(),
        };
        Ok((object, index))
    }

    fn end_chunk(&mut self) -> Result<(), Error> {
        self.checkpoints.extend(self.rows.first().map(|row| row.first));
        let mut chunk = rows_to_bytes(&self.rows);
        self.rows.clear();
        chunk.resize(usize::try_from(INDEX_CHUNK).unwrap_or(usize::MAX), 0);
        let encoded = self.codec.encode(chunk)?;
        self.checksums.extend(stored_checksum(&encoded));
        let written = self.shard.push(&encoded);
        written.map_err(|error| io_error(Operation::Write, self.shard.out().name())(error))
    }
}

impl StoredIndex {
    /// Checks that it has as many samples as the timeline of the recording.
    pub(crate) fn check_length(&self, timeline: Timeline) -> Result<(), Error> {
        let (found, expected) = (self.coded_length, timeline.coded_length());
        if found != expected {
            let reason = format!("the index has {found} coded samples, expected {expected}");
            return Err(Error::inconsistent(reason));
        }
        Ok(())
    }
}

impl ShardedIndex {
    /// The index of the recording with the key `recording`.
    pub(crate) fn new(recording: &str, info: &RecordingInfo) -> Result<Self, String> {
        let (packets, coded_length) = (info.packet_count, info.coded_length);
        let checkpoints = info.index_checkpoints.clone();
        let checkpoints = Checkpoints::parse(checkpoints, INDEX_CHUNK_ROWS, packets, coded_length)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            key: shard_key(recording),
            packets,
            coded_length,
            blob_bytes: info.blob_bytes,
            chunks: parse_chunks(info, checkpoints.firsts().len())?,
            checkpoints,
            codec: ChunkCodec::index().map_err(|error| error.to_string())?,
            cache: ChunkCache::new(CACHED_CHUNKS),
        })
    }

    /// Sets how many chunks stay in memory.
    pub(crate) fn set_cached_chunks(&mut self, count: usize) {
        self.cache = ChunkCache::new(count);
    }

    /// The size of the index, if the shard's own index is in its place and matches the
    /// attributes. An error says that it cannot be read now.
    pub(crate) async fn info(
        &self,
        storage: &dyn AsyncStorage,
    ) -> Result<Option<IndexInfo>, Error> {
        let Some((last, _)) = self.chunks.last() else { return Ok(None) };
        let count = u64::try_from(self.chunks.len()).unwrap_or(u64::MAX);
        let bytes = last.end.saturating_add(index_len(count));
        let stored = match read(storage, &self.key, Part::Range(last.end..bytes)).await {
            Ok(stored) => stored,
            Err(error) if error.is_unreadable() => return Err(error),
            Err(_) => return Ok(None),
        };
        let expected = self.chunks.iter().map(|(range, _)| Some(range.clone()));
        let is_whole = parse_index(&stored).is_ok_and(|found| found.into_iter().eq(expected));
        let info = IndexInfo { packets: self.packets, chunks: self.chunks.len(), bytes };
        Ok(is_whole.then_some(info))
    }

    /// The packets of a half-open range of coded samples: one ranged read, or none if their
    /// chunks are in memory.
    pub(crate) async fn span(
        &self,
        storage: &dyn AsyncStorage,
        samples: Range<CodedPos>,
    ) -> Result<Span, Error> {
        let fault = self.fault(storage);
        let covered = CodedPos::new(0)..CodedPos::new(self.coded_length);
        let not_covered = || IndexFault::NotCovered(RowError::not_covered(&samples, &covered));
        if samples.is_empty() || samples.end > covered.end {
            return Err(fault(not_covered()));
        }
        let mut span: Option<Span> = None;
        for piece in self.pieces(storage, &samples).await? {
            match &mut span {
                None => span = Some(piece),
                Some(span) => span.append(piece).map_err(|error| fault(error.into()))?,
            }
        }
        span.ok_or_else(not_covered).and_then(check_width).map_err(fault)
    }

    /// The packets of a range in each chunk.
    async fn pieces(
        &self,
        storage: &dyn AsyncStorage,
        samples: &Range<CodedPos>,
    ) -> Result<Vec<Span>, Error> {
        let numbers = self.checkpoints.chunks(samples);
        let cached: Option<Vec<_>> = numbers.clone().map(|number| self.cache.get(number)).collect();
        if let Some(chunks) = cached {
            return Ok(chunks.iter().filter_map(|chunk| chunk.narrow(samples)).collect());
        }
        let chunks = self.read_chunks(storage, numbers.clone()).await?;
        for (number, chunk) in numbers.zip(&chunks) {
            if let Some(packed) = PackedSpan::pack(chunk) {
                self.cache.insert(number, &Arc::new(packed));
            }
        }
        Ok(chunks.iter().filter_map(|chunk| chunk.narrow(samples)).collect())
    }

    /// The packets of one chunk.
    pub(crate) async fn chunk(
        &self,
        storage: &dyn AsyncStorage,
        number: usize,
    ) -> Result<Span, Error> {
        let chunk = self.read_chunks(storage, number..number + 1).await?.pop();
        chunk.ok_or_else(|| self.fault(storage)(IndexFault::NoSuchChunk { chunk: number }))
    }

    /// Number of chunks.
    pub(crate) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Reads adjacent chunks in one ranged read.
    async fn read_chunks(
        &self,
        storage: &dyn AsyncStorage,
        numbers: Range<usize>,
    ) -> Result<Vec<Span>, Error> {
        let places = self.chunks.get(numbers.clone()).unwrap_or_default();
        let start = places.first().map_or(0, |(range, _)| range.start);
        let end = places.last().map_or(0, |(range, _)| range.end);
        let encoded = read(storage, &self.key, Part::Range(start..end)).await?;
        let (mut rest, mut chunks) = (encoded.as_slice(), Vec::new());
        for (number, (range, checksum)) in numbers.zip(places) {
            let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let (encoded, after) = rest.split_at_checked(len).unwrap_or_default();
            rest = after;
            let chunk = self.decode(encoded, *checksum).map_err(|reason| {
                let object = name_of(storage, &self.key);
                Reason::Damaged { object, bytes: range.clone(), reason }
            })?;
            let (chunk, _) = self.parse_chunk(number, &chunk).map_err(self.fault(storage))?;
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    /// The key of the shard, and the byte range and checksum of each chunk.
    pub(crate) fn shard(&self) -> (&str, &[(Range<u64>, u32)]) {
        (&self.key, &self.chunks)
    }

    fn decode(&self, encoded: &[u8], expected: u32) -> Result<Vec<u8>, String> {
        check_stored(encoded, expected)?;
        self.unpack(encoded)
    }

    pub(crate) fn unpack(&self, encoded: &[u8]) -> Result<Vec<u8>, String> {
        self.codec.decode(encoded)
    }

    /// Parses a chunk into its packets and the filling after their rows.
    pub(crate) fn parse_chunk<'a>(
        &self,
        number: usize,
        chunk: &'a [u8],
    ) -> Result<(Span, &'a [u8]), IndexFault> {
        let mut rows = rows_from_bytes(chunk)?;
        let first_packet =
            u64::try_from(number).unwrap_or(u64::MAX).saturating_mul(INDEX_CHUNK_ROWS);
        let count = self.packets.saturating_sub(first_packet).min(INDEX_CHUNK_ROWS);
        rows.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        let filling = chunk.get(rows.len() * size_of::<IndexRow>()..).unwrap_or_default();
        for (packet, row) in (first_packet..).zip(&rows) {
            let (length, limit) = (row.length, MAX_PACKET);
            if length > limit {
                return Err(IndexFault::PacketTooLong { packet, length, limit });
            }
        }
        let start = self.checkpoints.first(number).unwrap_or_default();
        let next = self.checkpoints.first(number + 1);
        let expected = next.unwrap_or(CodedPos::new(self.coded_length));
        let span = Span::parse(first_packet, start, rows, self.blob_bytes)?;
        let found = span.samples().end;
        if found != expected {
            return Err(IndexFault::ChunkEnd { chunk: number, found, expected });
        }
        Ok((span, filling))
    }

    fn fault<'a>(&'a self, storage: &'a dyn AsyncStorage) -> impl Fn(IndexFault) -> Error + 'a {
        |fault| Reason::Index { object: name_of(storage, &self.key), fault }.into()
    }
}

/// The key of the shard of a recording's index.
pub(crate) fn shard_key(recording: &str) -> String {
    format!("{recording}/{INDEX}/c/0/0")
}

/// Checks that chunks lie end to end, so that adjacent ones are one ranged read, and that none is
/// longer than a chunk can be.
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

/// Checks that a range reads no more bytes than its packets can need, wherever the rows place
/// them.
fn check_width(span: Span) -> Result<Span, IndexFault> {
    let (packets, bytes) = (span.packets().end - span.packets().start, span.bytes());
    let (found, limit) = (bytes.end - bytes.start, packets.saturating_mul(MAX_PAGE));
    if found > limit {
        return Err(IndexFault::TooWide { packets, found, limit });
    }
    Ok(span)
}

/// Bytes of the longest packet that fits in one Ogg page, and of the longest page (RFC 3533
/// section 6).
const MAX_PACKET: u64 = 255 * 255;
const MAX_PAGE: u64 = 27 + 255 + MAX_PACKET;
/// Chunks that a reader keeps in memory, of 63 kB each: 4 MB, or 3.5 hours of 20 ms packets.
const CACHED_CHUNKS: usize = 64;
