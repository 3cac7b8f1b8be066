use std::{ops::Range, path::Path, sync::Arc};

use opus_packet::{CodedPos, OpusHead, Timeline};
use opus_packet_index::{BlobRead, IndexRead, Span, SyncDecoder, SyncEntry, SyncRead, SyncStart};
use serde_json::{Map, Value};

use crate::{
    AsyncStorage, BlobReader, Error, IndexInfo, IndexWriter, LocalStorage, Part, RecordingInfo,
    RecordingName, Storage, StoredIndex,
    blob::{BlobIn, ShardedBlob},
    document::{Document, MAX_METADATA},
    index::ShardedIndex,
    json::parse_json,
    layout::{ArrayKind, METADATA},
    object::{put, read},
    recording::{StoredRecording, document_key},
    storage::{Ready, ready},
    store::pretty,
    sync::{StoredSync, write_sync},
    verify::compare,
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
    /// checked when they are read.
    pub fn index_info(&self) -> Option<IndexInfo> {
        let index = self.recording.index.as_ref().ok()?;
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
        object.finish()?;
        self.adopt_index(&index)?;
        Ok(())
    }

    /// Replaces the sync map, if any, with one measured with `decoder`.
    ///
    /// Its chunks are written before the attributes that describe them. If the process is killed
    /// in between, the recording is unchanged or has a sync map whose chunks fail their
    /// checksums.
    pub fn replace_sync(&mut self, entries: &[SyncEntry], decoder: &str) -> Result<(), Error> {
        let name = self.name().clone();
        let sync = write_sync(&self.storage, name.as_str(), entries, decoder)?;
        let mut document = self.recording.document.clone();
        document.info.sync = Some(sync);
        let text = document.write()?;
        let sync = StoredSync::new(name.as_str(), &document.info);
        let sync = sync.map_err(Error::inconsistent)?;
        let before = std::mem::replace(&mut self.recording.document, document);
        let written = self
            .restore_documents()
            .and_then(|()| put(&self.storage, &document_key(&name), text.as_bytes()));
        match written {
            Ok(()) => self.recording.sync = Ok(sync),
            Err(_) => self.recording.document = before,
        }
        written
    }

    /// Replaces the user metadata. Only the recording's document is rewritten.
    pub fn set_user_metadata(&mut self, user: Map<String, Value>) -> Result<(), Error> {
        let mut document = self.recording.document.clone();
        document.info.user = user;
        put(&self.storage, &document_key(self.name()), document.write()?.as_bytes())?;
        self.recording.document = document;
        Ok(())
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

    /// Writes the attributes of an index that is in its place.
    fn adopt_index(&mut self, index: &StoredIndex) -> Result<(), Error> {
        let name = self.recording.name.clone();
        self.recording.document.info.set_index(index);
        self.restore_documents()?;
        let document = self.recording.document.write()?;
        put(&self.storage, &document_key(&name), document.as_bytes())?;
        self.recording.index = ShardedIndex::new(name.as_str(), self.info());
        Ok(())
    }
}

impl RecordingReader {
    /// Restores documents of arrays that are missing or different.
    fn restore_documents(&self) -> Result<(), Error> {
        let name = self.name();
        let restore = |(array, document): (ArrayKind, Value)| {
            self.restore_document(&format!("{name}/{}/{METADATA}", array.name()), &document)
        };
        self.info().arrays().into_iter().try_for_each(restore)
    }

    /// Writes the document of an array unless an equivalent one is present.
    fn restore_document(&self, key: &str, document: &Value) -> Result<(), Error> {
        let found = ready(read(&Ready(&*self.storage), key, Part::Whole(MAX_METADATA)));
        let found = found.ok().and_then(|bytes| parse_json(&bytes).ok());
        if found.is_some_and(|found| compare("", document, &found).is_ok()) {
            return Ok(());
        }
        put(&self.storage, key, pretty(document).as_bytes())
    }
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

    /// Describes the index, with one read. None if it is missing or truncated.
    pub async fn index_info(&self) -> Option<IndexInfo> {
        let index = self.recording.index.as_ref().ok()?;
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
