use std::{
    num::NonZeroUsize,
    ops::{ControlFlow, Range},
};

use opus_packet_index::{BlobRead, IndexRead};
use opus_segment_decode::Sample;
use opus_zarr_store::{BlobReader, IndexInfo, RecordingName, RecordingReader, Store};

use crate::{
    Error, Exactness, NotExact, ReadMode, SampleStream,
    decoders::{Decoders, processors},
    derive::{SyncMap, index_blob, wrong_sync_entry},
    error::Reason,
    facts::{check_derivable, facts_of},
    progress::{Progress, Stage, Watch},
    starts::Starts,
};

/// A recording in a store.
///
/// Reads take `&self`, so threads may share a recording. Positions count play samples: per
/// channel at 48 kHz, from the first sample that plays. Ranges are half-open.
#[derive(Debug)]
pub struct Recording {
    reader: RecordingReader,
    decoders: Decoders,
    threads: Option<NonZeroUsize>,
}

facts_of!(Recording);

impl Recording {
    /// Opens a recording of a store.
    ///
    /// ```no_run
    /// use opus_zarr::{Recording, Store};
    ///
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// let store = Store::open("archive.zarr")?;
    /// let recording = Recording::open(&store, "station-4")?;
    /// // A second of audio, interleaved if there are several channels.
    /// let samples: Vec<f32> = recording.read(48_000..96_000)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(store: &Store, name: &str) -> Result<Self, Error> {
        let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
        Ok(Self::new(store.open_recording(&name)?))
    }

    /// Reads a recording through its reader.
    pub fn new(reader: RecordingReader) -> Self {
        Self { reader, decoders: Decoders::default(), threads: None }
    }

    /// The number of threads that decode a long range or measure a sync map. By default the number
    /// of processors.
    pub fn threads(&self) -> NonZeroUsize {
        self.threads.unwrap_or_else(processors)
    }

    /// Sets the number of threads that decode a long range or measure a sync map. It changes no
    /// sample and no map.
    ///
    /// Threads help with exact reads only, and from about 15 seconds on: the calling thread decodes
    /// shorter ranges, approximate ones, and those without a sync map. It also does all requests.
    pub fn set_threads(&mut self, threads: NonZeroUsize) {
        self.threads = Some(threads);
    }

    /// Reads a half-open range of play samples as `i16` or `f32`, interleaved by channel. Samples
    /// are exact if the recording has a sync map. Otherwise they are exact where that can be
    /// established by looking back a few seconds, which is so for most CELT ([`ReadMode::Agreed`]),
    /// and approximate elsewhere; [`exactness_of`](Self::exactness_of) says which.
    /// If the index is missing or damaged, the read walks all packets from the
    /// start, warns through `tracing`, and returns the same samples. A damaged sync map also
    /// causes a warning and a decode from the start.
    ///
    /// All processors decode a long range ([`set_threads`](Self::set_threads)).
    ///
    /// # Errors
    ///
    /// The range is empty, reversed, or reaches beyond the end; stored bytes are damaged; or a
    /// packet cannot be decoded.
    pub fn read<S: Sample>(&self, range: Range<u64>) -> Result<Vec<S>, Error> {
        self.read_as(self.read_mode(), range)
    }

    /// Reads a range like [`read`](Self::read), in the given mode. Without a sync map, reading
    /// exactly means decoding from the start.
    pub fn read_as<S: Sample>(&self, mode: ReadMode, range: Range<u64>) -> Result<Vec<S>, Error> {
        let mut samples = Vec::new();
        let stream = self.stream_as(mode, range)?;
        self.with_stream(stream, |stream| stream.read_to_end(&mut samples))?;
        Ok(samples)
    }

    /// Reads a range like [`read`](Self::read), into a buffer. Its length must be
    /// [`sample_count`](Self::sample_count) times the number of channels.
    pub fn read_into<S: Sample>(&self, range: Range<u64>, out: &mut [S]) -> Result<(), Error> {
        self.with_stream(self.stream(range)?, |stream| {
            self.facts().check_buffer(out.len(), stream.left())?;
            let mut filled = 0;
            while let Some(room) = out.get_mut(filled..).filter(|room| !room.is_empty()) {
                filled += stream.read(room)?;
            }
            Ok(())
        })
    }

    /// Streams the samples of a long range: the same as [`read`](Self::read), decoded as they are
    /// taken, in memory that does not grow with the range.
    ///
    /// ```no_run
    /// use opus_zarr::{Recording, Store};
    ///
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// let recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
    /// let mut stream = recording.stream::<i16>(0..recording.info().play_length)?;
    /// let (mut buffer, mut peak) = (vec![0; 65_536], 0);
    /// loop {
    ///     let count = stream.read(&mut buffer)?;
    ///     if count == 0 {
    ///         break;
    ///     }
    ///     peak = buffer[..count].iter().map(|sample| sample.unsigned_abs()).fold(peak, u16::max);
    /// }
    /// println!("peak {peak}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream<S: Sample>(&self, range: Range<u64>) -> Result<SampleStream<'_, S>, Error> {
        self.stream_as(self.read_mode(), range)
    }

    /// Streams a range like [`stream`](Self::stream), in the given mode.
    pub fn stream_as<S: Sample>(
        &self,
        mode: ReadMode,
        range: Range<u64>,
    ) -> Result<SampleStream<'_, S>, Error> {
        self.stream_in(self.threads(), mode, range)
    }

    /// Says what makes a read of this range exact. Without a usable sync map, [`ReadMode::Agreed`] takes
    /// the work of looking back, which the recording remembers for the read.
    ///
    /// ```no_run
    /// # use opus_zarr::{Recording, Store};
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// let recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
    /// match recording.exactness_of(recording.read_mode(), 48_000..96_000) {
    ///     Ok(exactness) => println!("exact: {exactness:?}"),
    ///     Err(error) => match error.not_exact() {
    ///         Some(reason) => println!("approximate: {reason}"),
    ///         None => return Err(error),
    ///     },
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The read would be approximate ([`Error::not_exact`]), or the range is invalid.
    pub fn exactness_of(&self, mode: ReadMode, range: Range<u64>) -> Result<Exactness, Error> {
        let facts = self.facts();
        let range = facts.coded(range)?;
        let starts = Starts::new(&self.reader, self.decoders.agreed(), &facts, mode, &range);
        starts.prove(range.start).map_err(|source| {
            Error::from(Reason::NotExact { recording: self.reader.name().clone(), source })
        })
    }

    fn stream_in<S: Sample>(
        &self,
        threads: NonZeroUsize,
        mode: ReadMode,
        range: Range<u64>,
    ) -> Result<SampleStream<'_, S>, Error> {
        let facts = self.facts();
        let range = facts.coded(range)?;
        let decoder = self.decoders.take(self.reader.head())?;
        let starts = Starts::new(&self.reader, self.decoders.agreed(), &facts, mode, &range);
        let stream = SampleStream::new(&self.reader, range, starts, decoder);
        Ok(match mode {
            ReadMode::Exact => stream.threads(threads, self.decoders.output()),
            ReadMode::Agreed | ReadMode::Approximate { .. } => stream,
        })
    }

    /// Reads a range like [`read`](Self::read), in this many threads.
    pub(crate) fn read_in<S: Sample>(
        &self,
        threads: NonZeroUsize,
        range: Range<u64>,
    ) -> Result<Vec<S>, Error> {
        let mut samples = Vec::new();
        let stream = self.stream_in(threads, self.read_mode(), range)?;
        self.with_stream(stream, |stream| stream.read_to_end(&mut samples))?;
        Ok(samples)
    }

    fn with_stream<'a, S: Sample>(
        &self,
        mut stream: SampleStream<'a, S>,
        read: impl FnOnce(&mut SampleStream<'a, S>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let result = read(&mut stream);
        self.decoders.put(stream.into_decoder());
        result
    }

    /// Measures the sync map and stores it, in place of an earlier one. Reads are exact
    /// afterwards. `watch` follows the work and can cancel it, which changes nothing
    /// ([`Progress`]).
    ///
    /// The work is that of about four full decodes, or more where the decoder remembers for
    /// long, as in speech. [All processors](Self::set_threads) share it.
    ///
    /// ```no_run
    /// use opus_zarr::{ReadMode, Recording, Store, unwatched};
    ///
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// let mut recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
    /// recording.build_sync(unwatched)?;
    /// assert_eq!(recording.read_mode(), ReadMode::Exact);
    /// # Ok(())
    /// # }
    /// ```
    pub fn build_sync(
        &mut self,
        mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.replace_sync(self.threads(), &mut Watch::new(&mut watch))
    }

    pub(crate) fn replace_sync(
        &mut self,
        threads: NonZeroUsize,
        watch: &mut Watch<'_>,
    ) -> Result<(), Error> {
        let sync = SyncMap::of(&self.reader, threads, watch)?;
        self.reader.replace_sync(&sync.entries, sync.decoder)?;
        Ok(())
    }

    /// Measures the sync map like [`build_sync`](Self::build_sync), but only compares it with the
    /// stored one. Returns the number of the first entry that differs, or none if all are equal.
    ///
    /// # Errors
    ///
    /// The recording has no sync map measured with this decoder, or the map cannot be read.
    pub fn check_sync(
        &self,
        mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Option<usize>, Error> {
        let not_exact = |reason| {
            Error::from(Reason::NotExact { recording: self.reader.name().clone(), source: reason })
        };
        check_derivable(self.info()).map_err(not_exact)?;
        let stored = self.reader.sync_entries()?.ok_or_else(|| not_exact(NotExact::NoSyncMap))?;
        wrong_sync_entry(&self.reader, &stored, self.threads(), &mut Watch::new(&mut watch))
    }

    /// Returns the numbers of the packets that hold a range of play samples. This takes a binary
    /// search over the checkpoints and one in a chunk of the index.
    pub fn find(&self, range: Range<u64>) -> Result<Range<u64>, Error> {
        Ok(self.reader.span(self.facts().coded(range)?)?.packets())
    }

    /// Whether the recording has an index of the right length. Reads check its contents chunk by
    /// chunk.
    pub fn has_index(&self) -> bool {
        matches!(self.index_info(), Ok(Some(_)))
    }

    /// Describes the index. `None` if it is missing or truncated. An error says that it cannot be read
    /// now.
    pub fn index_info(&self) -> Result<Option<IndexInfo>, Error> {
        Ok(self.reader.index_info()?)
    }

    /// Builds the index again from the blob, byte for byte the one of the import, and restores
    /// the documents of both arrays. `watch` follows the work and can cancel it, which changes
    /// nothing ([`Progress`]).
    pub fn rebuild_index(
        &mut self,
        mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let (name, bytes) = (self.reader.name().clone(), self.info().blob_bytes);
        let watch = &mut Watch::new(&mut watch);
        watch.begin(Stage::Index, bytes)?;
        self.reader
            .replace_index(|blob, index| index_blob(blob, index, None, &name, watch).map(drop))
    }

    /// Reads the stored Ogg Opus stream, which is a playable file.
    pub fn ogg_opus(&self) -> BlobReader<'_> {
        self.reader.blob_reader()
    }

    /// Reads bytes of the stored Ogg Opus stream: one read of the storage, whatever precedes them.
    ///
    /// # Errors
    ///
    /// The range is reversed or reaches beyond the end of the stream, or the bytes are damaged.
    pub fn ogg_opus_at(&self, bytes: Range<u64>) -> Result<Vec<u8>, Error> {
        let mut read = Vec::new();
        BlobRead::read(&self.reader, bytes, &mut read)?;
        Ok(read)
    }

    pub(crate) fn reader_mut(&mut self) -> &mut RecordingReader {
        &mut self.reader
    }

    pub(crate) fn reader(&self) -> &RecordingReader {
        &self.reader
    }
}
