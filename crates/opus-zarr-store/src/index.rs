use std::{ops::Range, sync::Arc};

use opus_packet::{CodedPos, Timeline};
use opus_packet_index::{
    Checkpoints, IndexBuilder, IndexRow, InvalidIndex, PackedSpan, Span, rows_from_bytes,
    rows_to_bytes,
};

use crate::{
    AsyncStorage, Error, Part, RecordingInfo, Storage,
    cache::ChunkCache,
    codec::{ChunkCodec, MAX_OVERHEAD},
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
    codec: ChunkCodec,
}

/// An index that has been written, but belongs to no committed recording yet.
#[derive(Clone, Debug)]
pub struct StoredIndex {
    pub(crate) packets: u64,
    coded_length: u64,
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
    /// Bytes where it is kept.
    pub bytes: u64,
}

/// The index in its shard, searched chunk by chunk.
#[derive(Debug)]
pub(crate) struct ShardedIndex {
    /// Of the shard.
    key: String,
    packets: u64,
    coded_length: u64,
    blob_len: u64,
    checkpoints: Checkpoints,
    /// Where each chunk lies in the shard, and the crc32c that it had when the
    /// index was committed.
    chunks: Vec<(Range<u64>, u32)>,
    codec: ChunkCodec,
    cache: ChunkCache<PackedSpan>,
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

    /// Adds the next packet: `length` bytes at byte `offset` of the blob, lasting
    /// `duration` samples per channel at 48 kHz.
    pub fn push(&mut self, offset: u64, length: u64, duration: u32) -> Result<(), Error> {
        let row = self.builder.push(offset, length, duration).map_err(|reason| Error::Index {
            object: self.shard.out().name().to_owned(),
            reason,
        })?;
        self.rows.push(row);
        if u64::try_from(self.rows.len()) == Ok(INDEX_CHUNK_ROWS) {
            self.end_chunk()?;
        }
        Ok(())
    }

    /// Ends the index and makes sure that it is kept.
    pub fn finish(self) -> Result<StoredIndex, Error> {
        let (object, index) = self.complete()?;
        object.finish()?;
        Ok(index)
    }

    /// Ends the index; it is there once its object is finished.
    pub(crate) fn complete(mut self) -> Result<(NewObject, StoredIndex), Error> {
        if !self.rows.is_empty() {
            self.end_chunk()?;
        }
        let slots = self.shard.len();
        let write_error = io_error("write", self.shard.out().name());
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
        written.map_err(|error| io_error("write", self.shard.out().name())(error))
    }
}

impl StoredIndex {
    /// Whether it counts as many samples as the timeline of the recording.
    pub(crate) fn check_len(&self, timeline: Timeline) -> Result<(), Error> {
        let (found, expected) = (self.coded_length, timeline.coded_length());
        if found != expected {
            let reason = format!("the index counts {found} coded samples, expected {expected}");
            return Err(Error::Inconsistent { reason });
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
            .map_err(|reason| reason.to_string())?;
        Ok(Self {
            key: shard_key(recording),
            packets,
            coded_length,
            blob_len: info.blob_bytes,
            chunks: parse_chunks(info, checkpoints.firsts().len())?,
            checkpoints,
            codec: ChunkCodec::index().map_err(|error| error.to_string())?,
            cache: ChunkCache::new(CACHED_CHUNKS),
        })
    }

    /// Keeps so many chunks.
    pub(crate) fn set_cached_chunks(&mut self, count: usize) {
        self.cache = ChunkCache::new(count);
    }

    /// What the index is, if the shard's own index is where it must be and says the same
    /// as the attributes.
    pub(crate) async fn info(&self, storage: &dyn AsyncStorage) -> Option<IndexInfo> {
        let (last, _) = self.chunks.last()?;
        let bytes = last.end + index_len(u64::try_from(self.chunks.len()).ok()?);
        let stored = read(storage, &self.key, Part::Range(last.end..bytes)).await.ok()?;
        let found = parse_index(&stored).ok()?;
        let expected = self.chunks.iter().map(|(range, _)| Some(range.clone()));
        let info = IndexInfo { packets: self.packets, chunks: self.chunks.len(), bytes };
        found.into_iter().eq(expected).then_some(info)
    }

    /// The packets of a half-open range of coded samples: one ranged read, or none if
    /// their chunks are at hand.
    pub(crate) async fn span(
        &self,
        storage: &dyn AsyncStorage,
        samples: Range<CodedPos>,
    ) -> Result<Span, Error> {
        let fault = self.fault(storage);
        let covered = CodedPos::new(0)..CodedPos::new(self.coded_length);
        if samples.is_empty() || samples.end > covered.end {
            return Err(fault(InvalidIndex::not_covered(&samples, &covered)));
        }
        let mut span: Option<Span> = None;
        for piece in self.pieces(storage, &samples).await? {
            match &mut span {
                None => span = Some(piece),
                Some(span) => span.append(piece).map_err(&fault)?,
            }
        }
        span.ok_or(InvalidIndex::Empty).and_then(check_width).map_err(fault)
    }

    /// What each chunk holds of a range.
    async fn pieces(
        &self,
        storage: &dyn AsyncStorage,
        samples: &Range<CodedPos>,
    ) -> Result<Vec<Span>, Error> {
        let numbers = self.checkpoints.chunks(samples);
        let at_hand: Option<Vec<_>> =
            numbers.clone().map(|number| self.cache.get(number)).collect();
        if let Some(chunks) = at_hand {
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
        chunk.ok_or_else(|| self.fault(storage)(InvalidIndex::Empty))
    }

    /// How many chunks there are.
    pub(crate) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Some chunks that follow one another, in one ranged read.
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
                let Range { start: offset, end } = *range;
                Error::Damaged { object: name_of(storage, &self.key), offset, end, reason }
            })?;
            let (chunk, _) = self.parse_chunk(number, &chunk).map_err(self.fault(storage))?;
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    /// The key of the shard, and where each chunk lies in it with which checksum.
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

    /// The packets of a chunk, and the bytes behind their rows.
    pub(crate) fn parse_chunk<'a>(
        &self,
        number: usize,
        chunk: &'a [u8],
    ) -> Result<(Span, &'a [u8]), InvalidIndex> {
        let mut rows = rows_from_bytes(chunk)?;
        // Chunks are at most as many as packets.
        let first_packet =
            u64::try_from(number).unwrap_or(u64::MAX).saturating_mul(INDEX_CHUNK_ROWS);
        let count = self.packets.saturating_sub(first_packet).min(INDEX_CHUNK_ROWS);
        rows.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        let filling = chunk.get(rows.len() * size_of::<IndexRow>()..).unwrap_or_default();
        for (packet, row) in (first_packet..).zip(&rows) {
            let (length, limit) = (row.length, MAX_PACKET);
            if length > limit {
                return Err(InvalidIndex::PacketTooLong { packet, length, limit });
            }
        }
        let start = self.checkpoints.first(number).unwrap_or_default();
        let end = self.checkpoints.first(number + 1).unwrap_or(CodedPos::new(self.coded_length));
        let span = Span::parse(first_packet, start, rows, self.blob_len)?;
        match span.samples() {
            covered if covered.end == end => Ok((span, filling)),
            covered => Err(InvalidIndex::not_covered(&(start..end), &covered)),
        }
    }

    fn fault<'a>(&'a self, storage: &'a dyn AsyncStorage) -> impl Fn(InvalidIndex) -> Error + 'a {
        |reason| Error::Index { object: name_of(storage, &self.key), reason }
    }
}

/// The key of the one shard of the index of a recording.
pub(crate) fn shard_key(recording: &str) -> String {
    format!("{recording}/{INDEX}/c/0/0")
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

/// What a range takes to read must not be more than its packets can need, wherever the
/// rows say that they lie.
fn check_width(span: Span) -> Result<Span, InvalidIndex> {
    let (packets, bytes) = (span.packets().end - span.packets().start, span.bytes());
    let (found, limit) = (bytes.end - bytes.start, packets.saturating_mul(MAX_PAGE));
    match found <= limit {
        true => Ok(span),
        false => Err(InvalidIndex::TooWide { packets, found, limit }),
    }
}

/// Bytes of the longest packet that lies in one Ogg page, and of the longest page.
const MAX_PACKET: u64 = 255 * 255;
const MAX_PAGE: u64 = 27 + 255 + MAX_PACKET;
/// Chunks that a reader keeps, of 63 kB each: 4 MB, of packets of 20 ms three hours and a half.
const CACHED_CHUNKS: usize = 64;
