use std::ops::Range;

use opus_packet::{CodedPos, OpusHead, Timeline};
use opus_packet_index::{Span, SyncDecoder, SyncStart};

use crate::{
    AsyncStorage, Error, ErrorKind, Part, RecordingName,
    blob::ShardedBlob,
    document::Document,
    error::Reason,
    index::{ShardedIndex, shard_key},
    layout::{BLOB, INDEX, METADATA, SYNC},
    object::{name_of, read, read_document},
    store::check_store,
    sync::{StoredSync, chunk_key},
};

/// A recording as its document describes it, shared by both readers.
#[derive(Debug)]
pub(crate) struct StoredRecording {
    pub(crate) name: RecordingName,
    pub(crate) document: Document,
    pub(crate) head: OpusHead,
    pub(crate) timeline: Timeline,
    pub(crate) blob: ShardedBlob,
    /// The index, or why its attributes make no sense. The recording is readable without it.
    pub(crate) index: Result<ShardedIndex, String>,
    /// The sync map, or why its attributes make no sense.
    pub(crate) sync: Result<Option<StoredSync>, String>,
}

impl StoredRecording {
    /// Opens a recording: one read.
    pub(crate) async fn open(
        storage: &dyn AsyncStorage,
        name: &RecordingName,
    ) -> Result<Self, Error> {
        let key = document_key(name);
        let bytes = match read_document(storage, &key).await {
            Err(error) if error.is_missing() => {
                // Tell a missing recording from a missing store.
                check_store(storage).await?;
                let store = storage.to_string();
                return Err(Reason::NoSuchRecording { name: name.clone(), store }.into());
            }
            bytes => bytes?,
        };
        let object = name_of(storage, &key);
        match Self::parse(&object, name, &bytes) {
            // A recording whose attributes are lost is damaged, not somebody else's.
            Err(error) if error.kind() == ErrorKind::NotARecording => {
                let is_ours = has_blob(storage, name).await?;
                let reason = "the opus_zarr attributes are missing".to_owned();
                Err(if is_ours { Reason::Metadata { object, reason }.into() } else { error })
            }
            parsed => parsed,
        }
    }

    /// Parses the document with the name `object`.
    pub(crate) fn parse(object: &str, name: &RecordingName, bytes: &[u8]) -> Result<Self, Error> {
        Self::of(object, name, Document::parse(object, bytes)?)
    }

    /// Returns the same recording under another name.
    pub(crate) fn named(&self, name: &RecordingName) -> Result<Self, Error> {
        Self::of(&document_key(name), name, self.document.clone())
    }

    fn of(object: &str, name: &RecordingName, document: Document) -> Result<Self, Error> {
        let fault = |reason| Reason::Metadata { object: object.to_owned(), reason };
        let info = &document.info;
        let head = info.head().map_err(fault)?;
        let timeline = info.timeline().map_err(fault)?;
        let checksums = info.checksums().map_err(fault)?;
        let blob = ShardedBlob::new(name.as_str(), info.blob_bytes, checksums)?;
        let index = ShardedIndex::new(name.as_str(), info);
        let sync = StoredSync::new(name.as_str(), info);
        Ok(Self { name: name.clone(), document, head, timeline, blob, index, sync })
    }

    /// The index, or an error if its attributes make no sense.
    pub(crate) fn index(&self, storage: &dyn AsyncStorage) -> Result<&ShardedIndex, Error> {
        self.index.as_ref().map_err(|reason| self.metadata_error(storage, reason))
    }

    /// The start for a coded position, which is the beginning without a sync map.
    pub(crate) async fn sync_start(
        &self,
        storage: &dyn AsyncStorage,
        position: CodedPos,
        decoder: SyncDecoder,
    ) -> Result<SyncStart, Error> {
        match self.sync(storage)? {
            Some(sync) => sync.start(storage, position, decoder).await,
            None => Ok(SyncStart::BEGINNING),
        }
    }

    /// The sync map, if the recording has one that this version can use.
    pub(crate) fn sync(&self, storage: &dyn AsyncStorage) -> Result<Option<&StoredSync>, Error> {
        self.sync
            .as_ref()
            .map(|sync| sync.as_ref().filter(|sync| sync.is_current()))
            .map_err(|reason| self.metadata_error(storage, reason))
    }

    fn metadata_error(&self, storage: &dyn AsyncStorage, reason: &str) -> Error {
        let object = name_of(storage, &document_key(&self.name));
        Reason::Metadata { object, reason: reason.to_owned() }.into()
    }

    /// The packets of a half-open range of coded samples.
    pub(crate) async fn span(
        &self,
        storage: &dyn AsyncStorage,
        samples: Range<CodedPos>,
    ) -> Result<Span, Error> {
        self.index(storage)?.span(storage, samples).await
    }
}

/// Keys of objects that a recording may have besides its document.
pub(crate) fn part_keys(name: &RecordingName) -> [String; 6] {
    let shard = shard_key(name.as_str());
    let document = |array| format!("{name}/{array}/{METADATA}");
    let sync = chunk_key(name.as_str(), 0);
    [format!("{name}/{BLOB}/c/0"), shard, sync, document(BLOB), document(INDEX), document(SYNC)]
}

/// The key of the document of a recording.
/// Whether there is the array of a blob, as only recordings have one.
pub(crate) async fn has_blob(
    storage: &dyn AsyncStorage,
    name: &RecordingName,
) -> Result<bool, Error> {
    let blob = format!("{name}/{BLOB}/{METADATA}");
    match read(storage, &blob, Part::Range(0..1)).await {
        Err(error) if error.is_missing() => Ok(false),
        found => found.map(|_| true),
    }
}

pub(crate) fn document_key(name: &RecordingName) -> String {
    format!("{name}/{METADATA}")
}
