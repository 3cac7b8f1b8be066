use std::ops::Range;

use opus_packet::{CodedPos, OpusHead, Timeline};
use opus_packet_index::{Span, SyncStart};

use crate::{
    AsyncStorage, Error, Part, RecordingName,
    blob::ShardedBlob,
    document::{Document, MAX_METADATA},
    index::{ShardedIndex, shard_key},
    layout::{BLOB, INDEX, METADATA, SYNC},
    object::{is_absent, name_of, read},
    store::check_store,
    sync::{StoredSync, chunk_key},
};

/// A recording as its document describes it: what both readers have in common.
#[derive(Debug)]
pub(crate) struct StoredRecording {
    pub(crate) name: RecordingName,
    pub(crate) document: Document,
    pub(crate) head: OpusHead,
    pub(crate) timeline: Timeline,
    pub(crate) blob: ShardedBlob,
    /// An index whose places in the attributes make no sense is as good as none.
    pub(crate) index: Result<ShardedIndex, String>,
    /// The same of a sync map.
    pub(crate) sync: Result<Option<StoredSync>, String>,
}

impl StoredRecording {
    /// Opens a recording: one read.
    pub(crate) async fn open(
        storage: &dyn AsyncStorage,
        name: &RecordingName,
    ) -> Result<Self, Error> {
        let key = document_key(name);
        let bytes = match read(storage, &key, Part::Whole(MAX_METADATA)).await {
            Err(error) if is_absent(&error) => {
                // Only now it matters whether there is a store at all.
                check_store(storage).await?;
                let store = storage.to_string();
                return Err(Error::NoSuchRecording { name: name.clone(), store });
            }
            bytes => bytes?,
        };
        Self::parse(&name_of(storage, &key), name, &bytes)
    }

    /// What the document with the name `object` describes.
    pub(crate) fn parse(object: &str, name: &RecordingName, bytes: &[u8]) -> Result<Self, Error> {
        let document = Document::parse(object, bytes)?;
        let fault = |reason| Error::Metadata { object: object.to_owned(), reason };
        let info = &document.info;
        let head = info.head().map_err(fault)?;
        let timeline = info.timeline().map_err(fault)?;
        let checksums = info.checksums().map_err(fault)?;
        let blob = ShardedBlob::new(name.as_str(), info.blob_bytes, checksums)?;
        let index = ShardedIndex::new(name.as_str(), info);
        let sync = StoredSync::new(name.as_str(), info);
        Ok(Self { name: name.clone(), document, head, timeline, blob, index, sync })
    }

    /// The index, or why there is none.
    pub(crate) fn index(&self, storage: &dyn AsyncStorage) -> Result<&ShardedIndex, Error> {
        self.index.as_ref().map_err(|reason| Error::Metadata {
            object: name_of(storage, &document_key(&self.name)),
            reason: reason.clone(),
        })
    }

    /// The start for a coded position: the beginning if there is no sync map.
    pub(crate) async fn sync_start(
        &self,
        storage: &dyn AsyncStorage,
        position: CodedPos,
    ) -> Result<SyncStart, Error> {
        match self.sync(storage)? {
            Some(sync) => sync.start(storage, position).await,
            None => Ok(SyncStart::BEGINNING),
        }
    }

    /// The sync map, if there is one.
    pub(crate) fn sync(&self, storage: &dyn AsyncStorage) -> Result<Option<&StoredSync>, Error> {
        self.sync.as_ref().map(Option::as_ref).map_err(|reason| Error::Metadata {
            object: name_of(storage, &document_key(&self.name)),
            reason: reason.clone(),
        })
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

/// Keys of what a recording has beside its document, whatever it holds.
pub(crate) fn part_keys(name: &RecordingName) -> [String; 6] {
    let shard = shard_key(name.as_str());
    let document = |array| format!("{name}/{array}/{METADATA}");
    let sync = chunk_key(name.as_str(), 0);
    [format!("{name}/{BLOB}/c/0"), shard, sync, document(BLOB), document(INDEX), document(SYNC)]
}

/// The key of the document of a recording.
pub(crate) fn document_key(name: &RecordingName) -> String {
    format!("{name}/{METADATA}")
}
