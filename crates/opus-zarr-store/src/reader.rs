use std::{ops::Range, path::Path, sync::Arc};

use opus_packet::{CodedPos, OpusHead, Timeline};
use opus_packet_index::{BlobRead, IndexRead, Span, SyncDecoder, SyncEntry, SyncRead, SyncStart};
use serde_json::{Map, Value};

use crate::{
    AsyncStorage, BlobReader, ClockCorrection, Error, IndexInfo, IndexWriter, LocalStorage,
    RecordingInfo, RecordingName, Start, Storage,
    blob::{BlobIn, ShardedBlob},
    document::Document,
    equivalent::compare,
    json::parse_json,
    layout::METADATA,
    object::{put, read_document},
    recording::StoredRecording,
    storage::{Ready, ready},
    store::pretty,
    sync::write_sync,
};

/// A recording in a store. Opening takes one read, of its group's `zarr.json`.
///
/// It implements the ports of a segment reader: [`IndexRead`], [`BlobRead`] and [`SyncRead`].
/// Threads may share it.
#[derive(Debug)]
pub struct RecordingReader {
    storage: Arc<dyn Storage>,
    recording: StoredRecording,
}

impl RecordingReader {
    /// Opens a recording of the store in the directory `root`.
    pub fn open(root: impl AsRef<Path>, name: &RecordingName) -> Result<Self, Error> {
        Self::open_in(Arc::new(LocalStorage::new(root)), name)
    }

    /// Opens a recording of the store in a storage.
    pub fn open_in(storage: Arc<dyn Storage>, name: &RecordingName) -> Result<Self, Error> {
        let recording = ready(StoredRecording::open(&Ready(&*storage), name))?;
        Ok(Self::of(storage, recording))
    }

    pub(crate) fn of(storage: Arc<dyn Storage>, recording: StoredRecording) -> Self {
        Self { storage, recording }
    }

    /// Sets how many chunks of the index stay in memory, of 10,000 packets and 63 kB each. The
    /// default is the 64 most recently used ones, so that reads near an earlier one do not read
    /// the index again.
    #[must_use]
    pub fn with_cached_chunks(mut self, count: usize) -> Self {
        if let Ok(index) = &mut self.recording.index {
            index.set_cached_chunks(count);
        }
        self
    }

    /// The name of the recording.
    pub fn name(&self) -> &RecordingName {
        &self.recording.name
    }

    /// The attributes of the recording.
    pub fn info(&self) -> &RecordingInfo {
        &self.recording.document.info
    }

    /// The identification header, for a decoder.
    pub fn head(&self) -> &OpusHead {
        &self.recording.head
    }

    /// The timeline, which tells which samples play.
    pub fn timeline(&self) -> Timeline {
        self.recording.timeline
    }

    /// Reads the blob, an Ogg Opus stream, from its start.
    pub fn blob_reader(&self) -> BlobReader<'_> {
        self.recording.blob.reader(&*self.storage)
    }

    /// The size of the index, or `None` if it is missing or truncated: one read. Its chunks are
    /// checked when they are read. An error says that it cannot be read now.
    pub fn index_info(&self) -> Result<Option<IndexInfo>, Error> {
        let Ok(index) = &self.recording.index else { return Ok(None) };
        ready(index.info(&Ready(&*self.storage)))
    }

    /// Replaces the index with one that `fill` derives from the blob. If `fill` fails, nothing
    /// changes. Also restores documents of the arrays that are missing or differ from what they
    /// should be.
    ///
    /// The index is replaced before the attributes that point into it. If the process is killed
    /// in between, the chunks of the index fail their checksums; the recording is then read
    /// without it, and the index can be replaced again.
    pub fn replace_index<E: From<Error>>(
        &mut self,
        fill: impl FnOnce(BlobReader<'_>, &mut IndexWriter) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut index = IndexWriter::create(&self.storage, self.name().as_str())?;
        fill(self.blob_reader(), &mut index)?;
        let (object, index) = index.complete()?;
        index.check_length(self.timeline())?;
        let (mut object, name, storage) = (Some(object), self.name().clone(), self.storage.clone());
        self.edit(|document| {
            if let Some(object) = object.take() {
                object.finish()?;
            }
            document.info.set_index(&index);
            Ok(restore_documents(&storage, &name, &document.info)?)
        })
    }

    /// Replaces the sync map, if any, with one measured with `decoder`.
    ///
    /// Its chunks are written before the attributes that describe them. If the process is killed
    /// in between, the recording is unchanged or has a sync map whose chunks fail their
    /// checksums.
    pub fn replace_sync(&mut self, entries: &[SyncEntry], decoder: &str) -> Result<(), Error> {
        let (name, storage) = (self.name().clone(), self.storage.clone());
        self.edit(|document| {
            document.info.sync = Some(write_sync(&storage, name.as_str(), entries, decoder)?);
            restore_documents(&storage, &name, &document.info)
        })
    }

    /// Changes the user metadata. `change` gets those that the recording has now, and runs again if
    /// another program changes them meanwhile.
    pub fn edit_user_metadata(
        &mut self,
        mut change: impl FnMut(&mut Map<String, Value>),
    ) -> Result<(), Error> {
        self.edit(|document| {
            change(&mut document.info.user);
            Ok(())
        })
    }

    /// Changes the start and the correction of the clock. `change` gets those that the recording has
    /// now, and runs again if another program changes them meanwhile. If it fails, nothing changes.
    ///
    /// # Errors
    ///
    /// The correction exceeds the limits of the format ([`ErrorKind::InvalidClock`]).
    ///
    /// [`ErrorKind::InvalidClock`]: crate::ErrorKind::InvalidClock
    pub fn edit_clock<E: From<Error>>(
        &mut self,
        mut change: impl FnMut(&mut Option<Start>, &mut Option<ClockCorrection>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.edit(|document| change(&mut document.info.start, &mut document.info.clock))
    }

    /// The storage of the recording.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The packets of the index, chunk by chunk.
    pub fn index_chunks(&self) -> Result<impl Iterator<Item = Result<Span, Error>>, Error> {
        let storage = Ready(&*self.storage);
        let index = self.recording.index(&storage)?;
        Ok((0..index.chunk_count()).map(move |number| {
            let storage = Ready(&*self.storage);
            ready(index.chunk(&storage, number))
        }))
    }

    /// The start for a coded position with a decoder, as in [`SyncRead::start`].
    pub fn sync_start(&self, position: CodedPos, decoder: SyncDecoder) -> Result<SyncStart, Error> {
        ready(self.recording.sync_start(&Ready(&*self.storage), position, decoder))
    }

    /// The entries of the sync map, if the recording has one measured by the
    /// [rule](crate::SyncInfo::RULE) of this version.
    pub fn sync_entries(&self) -> Result<Option<Vec<SyncEntry>>, Error> {
        let storage = Ready(&*self.storage);
        let Some(sync) = self.recording.sync(&storage)? else { return Ok(None) };
        let mut entries = Vec::new();
        for number in 0..sync.chunks() {
            entries.extend_from_slice(&ready(sync.chunk(&storage, number))?);
        }
        Ok(Some(entries))
    }

    pub(crate) fn recording(&self) -> &StoredRecording {
        &self.recording
    }

    pub(crate) fn blob(&self) -> &ShardedBlob {
        &self.recording.blob
    }

    pub(crate) fn document(&self) -> &Document {
        &self.recording.document
    }

    /// Takes what was written as the recording.
    pub(crate) fn adopt(&mut self, recording: StoredRecording) {
        self.recording = recording;
    }
}

/// Restores documents of arrays that are missing or different.
fn restore_documents(
    storage: &Arc<dyn Storage>,
    name: &RecordingName,
    info: &RecordingInfo,
) -> Result<(), Error> {
    info.arrays().into_iter().try_for_each(|(array, document)| {
        restore_document(storage, &format!("{name}/{}/{METADATA}", array.name()), &document)
    })
}

/// Writes the document of an array unless an equivalent one is present.
fn restore_document(storage: &Arc<dyn Storage>, key: &str, document: &Value) -> Result<(), Error> {
    let found = ready(read_document(&Ready(&**storage), key));
    let found = found.ok().and_then(|bytes| parse_json(&bytes).ok());
    if found.is_some_and(|found| compare(document, &found).is_ok()) {
        return Ok(());
    }
    put(storage, key, pretty(document).as_bytes())
}

impl IndexRead for RecordingReader {
    type Error = Error;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Error> {
        ready(self.recording.span(&Ready(&*self.storage), samples))
    }
}

/// For the decoder that measured the sync map.
impl SyncRead for RecordingReader {
    type Error = Error;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Error> {
        self.sync_start(position, SyncDecoder::Measuring)
    }
}

impl BlobRead for RecordingReader {
    type Error = Error;

    fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        BlobIn(&*self.storage, &self.recording.blob).read(bytes, out)
    }
}

/// A recording read by async code. Like [`RecordingReader`], but waits where the storage does.
#[derive(Debug)]
pub struct AsyncRecordingReader {
    storage: Arc<dyn AsyncStorage>,
    recording: StoredRecording,
}

impl AsyncRecordingReader {
    /// Opens a recording of the store in a storage: one read.
    pub async fn open(storage: Arc<dyn AsyncStorage>, name: &RecordingName) -> Result<Self, Error> {
        let recording = StoredRecording::open(&*storage, name).await?;
        Ok(Self { storage, recording })
    }

    /// The name of the recording.
    pub fn name(&self) -> &RecordingName {
        &self.recording.name
    }

    /// The attributes of the recording.
    pub fn info(&self) -> &RecordingInfo {
        &self.recording.document.info
    }

    /// The identification header, for a decoder.
    pub fn head(&self) -> &OpusHead {
        &self.recording.head
    }

    /// The timeline, which tells which samples play.
    pub fn timeline(&self) -> Timeline {
        self.recording.timeline
    }

    /// Describes the index, with one read. `None` if it is missing or truncated. An error says that it
    /// cannot be read now.
    pub async fn index_info(&self) -> Result<Option<IndexInfo>, Error> {
        let Ok(index) = &self.recording.index else { return Ok(None) };
        index.info(&*self.storage).await
    }

    /// The packets of a half-open range of coded samples, as in [`IndexRead::span`].
    pub async fn span(&self, samples: Range<CodedPos>) -> Result<Span, Error> {
        self.recording.span(&*self.storage, samples).await
    }

    /// The start for a coded position with a decoder, as in [`SyncRead::start`].
    pub async fn sync_start(
        &self,
        position: CodedPos,
        decoder: SyncDecoder,
    ) -> Result<SyncStart, Error> {
        self.recording.sync_start(&*self.storage, position, decoder).await
    }

    /// Reads a half-open range of bytes of the blob, as in [`BlobRead::read`].
    pub async fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        self.recording.blob.read(&*self.storage, bytes, out).await
    }
}
