use std::{ops::Range, path::Path, sync::Arc};

use opus_packet::{CodedPos, OpusHead, Timeline};
use opus_packet_index::{BlobRead, IndexRead, Span, SyncEntry, SyncRead, SyncStart};
use serde_json::{Map, Value};

use crate::{
    AsyncStorage, BlobReader, Error, IndexInfo, IndexWriter, LocalStorage, Part, RecordingInfo,
    RecordingName, Storage, StoredIndex, Verification, VerifyOptions,
    blob::{BlobIn, ShardedBlob},
    document::{Document, MAX_METADATA},
    index::ShardedIndex,
    json::parse_json,
    layout::METADATA,
    object::{put, read},
    recording::{StoredRecording, document_key},
    storage::{Ready, ready},
    store::pretty,
    sync::{StoredSync, write_sync},
    verify::compare,
};

/// A recording in a store. Opening is one read, that of its group's `zarr.json`.
///
/// It is what a segment reader needs: [`IndexRead`] and [`BlobRead`]. Threads may share it.
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

    /// Keeps so many chunks of the index at hand, of 10,000 packets and 63 kB each, in place of
    /// the 64 that were used last. With those, what lies near an earlier read is found without
    /// reading the index again.
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

    /// What the store says about the recording.
    pub fn info(&self) -> &RecordingInfo {
        &self.recording.document.info
    }

    /// The identification header, for a decoder.
    pub fn head(&self) -> &OpusHead {
        &self.recording.head
    }

    /// Which samples play.
    pub fn timeline(&self) -> Timeline {
        self.recording.timeline
    }

    /// Reads the blob from its start: an Ogg Opus stream.
    pub fn blob_reader(&self) -> BlobReader<'_> {
        self.recording.blob.reader(&*self.storage)
    }

    /// What the index is; none if it is missing or cut off: one read. That the chunks in
    /// it are whole is checked when they are read.
    pub fn index_info(&self) -> Option<IndexInfo> {
        let index = self.recording.index.as_ref().ok()?;
        ready(index.info(&Ready(&*self.storage)))
    }

    /// Puts a new index in the place of the present one: `fill` makes it from the
    /// blob. If that fails, nothing has changed. The documents of both arrays are
    /// restored if they are lost or say something else than they should.
    ///
    /// The index is replaced before the attributes that point into it. Killed in
    /// between, the recording is left with an index whose chunks do not pass their
    /// checksums: it is read without, and can be made again.
    pub fn replace_index<E: From<Error>>(
        &mut self,
        fill: impl FnOnce(BlobReader<'_>, &mut IndexWriter) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut index = IndexWriter::create(&self.storage, self.name().as_str())?;
        fill(self.blob_reader(), &mut index)?;
        let (object, index) = index.complete()?;
        index.check_len(self.timeline())?;
        object.finish()?;
        self.adopt_index(&index)?;
        Ok(())
    }

    /// Puts a sync map, measured with this decoder, in the place of the present one, if any.
    ///
    /// Its chunks are written before the attributes that say what they are. Killed in
    /// between, the recording is left as it was, or with a sync map whose chunks do not pass
    /// their checksums.
    pub fn replace_sync(&mut self, entries: &[SyncEntry], decoder: &str) -> Result<(), Error> {
        let name = self.name().clone();
        let sync = write_sync(&self.storage, name.as_str(), entries, decoder)?;
        let mut document = self.recording.document.clone();
        document.info.sync = Some(sync);
        let text = document.write()?;
        let sync = StoredSync::new(name.as_str(), &document.info);
        let sync = sync.map_err(|reason| Error::Inconsistent { reason })?;
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

    /// Replaces what users have noted of the recording. Nothing but its document is
    /// written anew.
    pub fn set_user_metadata(&mut self, user: Map<String, Value>) -> Result<(), Error> {
        let mut document = self.recording.document.clone();
        document.info.user = user;
        put(&self.storage, &document_key(self.name()), document.write()?.as_bytes())?;
        self.recording.document = document;
        Ok(())
    }

    /// Checks what is stored: see [`verify`](crate::verify()). The document is read anew.
    pub fn verify(&self, options: &VerifyOptions) -> Result<Verification, Error> {
        crate::verify(&*self.storage, self.name(), options)
    }

    /// The storage that the recording is in.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The packets of each chunk of the index, one chunk after the other.
    pub fn index_chunks(&self) -> Result<impl Iterator<Item = Result<Span, Error>>, Error> {
        let storage = Ready(&*self.storage);
        let index = self.recording.index(&storage)?;
        Ok((0..index.chunk_count()).map(move |number| {
            let storage = Ready(&*self.storage);
            ready(index.chunk(&storage, number))
        }))
    }

    /// The entries of the sync map; none if there is none.
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

    /// Writes the metadata that goes with an index that has been put in place.
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

/// What is made again.
impl RecordingReader {
    /// Writes the documents of the arrays that are not there or say something else.
    fn restore_documents(&self) -> Result<(), Error> {
        let name = self.name();
        let restore = |(array, document): (&str, Value)| {
            self.restore_document(&format!("{name}/{array}/{METADATA}"), &document)
        };
        self.info().arrays().into_iter().try_for_each(restore)
    }

    /// Writes the document of an array if the one that is there does not say the same.
    fn restore_document(&self, key: &str, document: &Value) -> Result<(), Error> {
        let found = ready(read(&Ready(&*self.storage), key, Part::Whole(MAX_METADATA)));
        let found = found.ok().and_then(|bytes| parse_json(&bytes).ok());
        match found.is_some_and(|found| compare("", document, &found).is_ok()) {
            true => Ok(()),
            false => put(&self.storage, key, pretty(document).as_bytes()),
        }
    }
}

impl IndexRead for RecordingReader {
    type Error = Error;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Error> {
        ready(self.recording.span(&Ready(&*self.storage), samples))
    }
}

impl SyncRead for RecordingReader {
    type Error = Error;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Error> {
        ready(self.recording.sync_start(&Ready(&*self.storage), position))
    }
}

impl BlobRead for RecordingReader {
    type Error = Error;

    fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        BlobIn(&*self.storage, &self.recording.blob).read(bytes, out)
    }
}

/// The same as [`RecordingReader`] for async code: it waits where the storage does.
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

    /// What the store says about the recording.
    pub fn info(&self) -> &RecordingInfo {
        &self.recording.document.info
    }

    /// The identification header, for a decoder.
    pub fn head(&self) -> &OpusHead {
        &self.recording.head
    }

    /// Which samples play.
    pub fn timeline(&self) -> Timeline {
        self.recording.timeline
    }

    /// The packets of a half-open range of coded samples.
    pub async fn span(&self, samples: Range<CodedPos>) -> Result<Span, Error> {
        self.recording.span(&*self.storage, samples).await
    }

    /// The start for output that is exact at a coded position.
    pub async fn sync_start(&self, position: CodedPos) -> Result<SyncStart, Error> {
        self.recording.sync_start(&*self.storage, position).await
    }

    /// Reads a half-open range of bytes of the blob; the contract is that of [`BlobRead`].
    pub async fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        self.recording.blob.read(&*self.storage, bytes, out).await
    }
}
