use std::ops::Range;

use opus_segment_decode::Sample;
use opus_zarr_store::{AsyncRecordingReader, AsyncStore, IndexInfo, RecordingName};

use crate::{
    AsyncSampleStream, Error, ReadMode,
    decoders::Decoders,
    facts::facts_of,
    starts::{Proof, Rule},
};

/// A recording in a store, for async code. Like [`Recording`](crate::Recording), but waits where
/// the storage does.
///
/// The task that polls a read also decodes it, in about 1.5 ms for a second of audio, however long the
/// range: only [`Recording`](crate::Recording) decodes in several threads. A read needs
/// the index: without it, walking all packets from the start would take a task too long, so it is
/// an error.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use opus_zarr::{AsyncRecording, AsyncStorage, AsyncStore};
///
/// # async fn read(storage: Arc<dyn AsyncStorage>) -> Result<(), opus_zarr::Error> {
/// let store = AsyncStore::open(storage).await?;
/// let recording = AsyncRecording::open(&store, "station-4").await?;
/// let range = recording.select(&opus_zarr::Selection::ALL)?;
/// let mut stream = recording.stream::<f32>(range)?;
/// let mut buffer = vec![0.0; 48_000];
/// while stream.read(&mut buffer).await? > 0 {}
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncRecording {
    reader: AsyncRecordingReader,
    decoders: Decoders,
}

facts_of!(AsyncRecording);

impl AsyncRecording {
    /// Opens a recording of a store: one request.
    pub async fn open(store: &AsyncStore, name: &str) -> Result<Self, Error> {
        let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
        Ok(Self::new(store.open_recording(&name).await?))
    }

    /// Reads a recording through its reader.
    pub fn new(reader: AsyncRecordingReader) -> Self {
        Self { reader, decoders: Decoders::default() }
    }

    /// Reads a range of play samples, like [`Recording::read`](crate::Recording::read). A read of up
    /// to a minute takes one request to the index, unless its chunk is cached, one to the blob, and one
    /// to the sync map; without a map, another one or two of each to look back.
    pub async fn read<S: Sample>(&self, range: Range<u64>) -> Result<Vec<S>, Error> {
        self.read_as(self.read_mode(), range).await
    }

    /// Reads a range like [`read`](Self::read), in the given mode. Without a sync map, reading
    /// exactly means decoding from the start.
    pub async fn read_as<S: Sample>(
        &self,
        mode: ReadMode,
        range: Range<u64>,
    ) -> Result<Vec<S>, Error> {
        let mut stream = self.stream_as(mode, range)?;
        let mut samples = Vec::new();
        let result = stream.read_to_end(&mut samples).await;
        self.decoders.put(stream.into_decoder());
        result.map(|()| samples)
    }

    /// Reads a range like [`read`](Self::read), into a buffer. Its length must be
    /// [`sample_count`](Self::sample_count) times the number of channels.
    pub async fn read_into<S: Sample>(
        &self,
        range: Range<u64>,
        out: &mut [S],
    ) -> Result<(), Error> {
        let mut stream = self.stream(range)?;
        self.facts().check_buffer(out.len(), stream.left())?;
        let mut filled = 0;
        while let Some(room) = out.get_mut(filled..).filter(|room| !room.is_empty()) {
            filled += stream.read(room).await?;
        }
        self.decoders.put(stream.into_decoder());
        Ok(())
    }

    /// Streams the samples of a long range: the same as [`read`](Self::read), decoded as they are
    /// taken, in memory that does not grow with the range.
    pub fn stream<S: Sample>(&self, range: Range<u64>) -> Result<AsyncSampleStream<'_, S>, Error> {
        self.stream_as(self.read_mode(), range)
    }

    /// Streams a range like [`stream`](Self::stream), in the given mode.
    pub fn stream_as<S: Sample>(
        &self,
        mode: ReadMode,
        range: Range<u64>,
    ) -> Result<AsyncSampleStream<'_, S>, Error> {
        let facts = self.facts();
        let target = facts.coded(range)?;
        let decoder = self.decoders.take(self.reader.head())?;
        let (rule, proof) = (Rule::new(&facts, mode), Proof::new(&facts, mode));
        let starts = (rule, proof, self.decoders.agreed());
        Ok(AsyncSampleStream::new(&self.reader, starts, target, decoder))
    }

    /// Returns the numbers of the packets that hold a range of play samples, like
    /// [`Recording::find`](crate::Recording::find).
    pub async fn find(&self, range: Range<u64>) -> Result<Range<u64>, Error> {
        Ok(self.reader.span(self.facts().coded(range)?).await?.packets())
    }

    /// Describes the index. None if it is missing or truncated.
    pub async fn index_info(&self) -> Result<Option<IndexInfo>, Error> {
        Ok(self.reader.index_info().await?)
    }
}
