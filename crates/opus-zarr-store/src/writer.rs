use std::{io::ErrorKind, num::NonZeroU32};

use opus_packet::{OpusHead, OpusTags, Timeline};
use opus_packet_index::SyncEntry;

use crate::{
    BlobWriter, Draft, Error, Gap, IndexWriter, RecordingInfo, RecordingName, RecordingReader,
    Source, Start, Store, StoredBlob, StoredIndex, SyncInfo,
    document::Document,
    layout::METADATA,
    object::{io_error, name_of, put},
    recording::{StoredRecording, document_key},
    store::pretty,
    sync::write_sync,
};

/// Writes a recording: all of it appears at [`commit`](Self::commit), or nothing.
///
/// Dropping the writer removes what it has written; what a killed writer leaves does not
/// stand in the way of the next.
#[derive(Debug)]
pub struct RecordingWriter {
    store: Store,
    name: RecordingName,
    draft: Box<dyn Draft>,
    sync: Option<SyncInfo>,
}

/// What a store cannot know of a recording by itself.
#[derive(Clone, Debug)]
pub struct Description {
    /// The identification header.
    pub head: OpusHead,
    /// The comment header.
    pub tags: OpusTags,
    /// Which samples play.
    pub timeline: Timeline,
    /// Where audio was lost.
    pub gaps: Vec<Gap>,
    /// Samples that play for each second of real time; none: 48,000.
    pub real_rate: Option<NonZeroU32>,
    /// When it was recorded.
    pub start: Option<Start>,
    /// Where the recording came from.
    pub source: Source,
}

impl RecordingWriter {
    pub(crate) fn begin(store: &Store, name: &RecordingName) -> Result<Self, Error> {
        let storage = store.storage();
        let draft = storage.writing().and_then(|storage| storage.begin(name));
        let draft = draft.map_err(|error| begin_error(store, name, error))?;
        Ok(Self { store: store.clone(), name: name.clone(), draft, sync: None })
    }

    /// Where to write the blob: a canonical Ogg Opus stream.
    pub fn blob(&self) -> Result<BlobWriter, Error> {
        BlobWriter::create(self.store.storage().clone(), self.draft.prefix())
    }

    /// Where to write the index: one row for each packet of the blob.
    pub fn index(&self) -> Result<IndexWriter, Error> {
        IndexWriter::create(self.store.storage(), self.draft.prefix())
    }

    /// Writes a sync map, measured with this decoder. There need not be one.
    pub fn write_sync(&mut self, entries: &[SyncEntry], decoder: &str) -> Result<(), Error> {
        self.sync = Some(write_sync(self.store.storage(), self.draft.prefix(), entries, decoder)?);
        Ok(())
    }

    /// Makes the recording appear, complete and kept.
    pub fn commit(
        self,
        description: Description,
        blob: &StoredBlob,
        index: &StoredIndex,
    ) -> Result<RecordingReader, Error> {
        index.check_len(description.timeline)?;
        let info = RecordingInfo::new(description, blob, index, self.sync());
        self.commit_document(&Document::new(info))
    }

    /// The same, when the objects of the arrays are in the draft.
    pub(crate) fn commit_document(self, document: &Document) -> Result<RecordingReader, Error> {
        let Self { store, name, draft, .. } = self;
        let (info, prefix) = (&document.info, draft.prefix());
        for (array, metadata) in info.arrays() {
            let key = format!("{prefix}/{array}/{METADATA}");
            put(store.storage(), &key, pretty(&metadata).as_bytes())?;
        }
        let document = document.write()?;
        // Opened before it is committed: what could not be read again is not kept, and
        // after the commit nothing can fail.
        let object = name_of(&**store.storage(), &document_key(&name));
        let recording = StoredRecording::parse(&object, &name, document.as_bytes())?;
        draft.commit(document.as_bytes()).map_err(|error| begin_error(&store, &name, error))?;
        Ok(RecordingReader::of(store.storage().clone(), recording))
    }

    /// What was written of a sync map.
    pub(crate) fn sync(&self) -> Option<&SyncInfo> {
        self.sync.as_ref()
    }

    /// The draft, to put objects into it.
    pub(crate) fn draft(&self) -> &dyn Draft {
        &*self.draft
    }
}

fn begin_error(store: &Store, name: &RecordingName, source: std::io::Error) -> Error {
    let (name, place) = (name.clone(), store.storage().to_string());
    match source.kind() {
        ErrorKind::AlreadyExists => Error::RecordingExists { name, store: place },
        ErrorKind::ResourceBusy => {
            Error::RecordingBusy { name, store: place, reason: source.to_string() }
        }
        _ => io_error("create", &name_of(&**store.storage(), name.as_str()))(source),
    }
}
