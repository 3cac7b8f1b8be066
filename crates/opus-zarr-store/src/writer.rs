use std::{
    io::{self, ErrorKind},
    num::NonZeroU32,
};

use opus_packet::{ExtensionIds, OpusHead, OpusTags, Timeline};
use opus_packet_index::SyncEntry;
use serde_json::{Map, Value};

use crate::{
    BlobWriter, Draft, Error, Gap, IndexWriter, Operation, RecordingInfo, RecordingName,
    RecordingReader, Source, Start, Store, StoredBlob, StoredIndex, SyncInfo,
    document::Document,
    edit::claim,
    error::Reason,
    layout::METADATA,
    object::{io_error, name_of, put},
    recording::{StoredRecording, document_key},
    store::{holds_foreign, members, pretty},
    sync::write_sync,
};

/// Writes a recording, which appears complete at [`commit`](Self::commit) or not at all.
///
/// Dropping the writer removes what it has written. The remains of a killed writer do not block
/// the next one.
#[derive(Debug)]
pub struct RecordingWriter {
    store: Store,
    name: RecordingName,
    draft: Box<dyn Draft>,
    sync: Option<SyncInfo>,
    /// Whether it takes the place of the recording of its name.
    replaces: bool,
}

/// The description of a recording that its writer provides.
///
/// ```
/// use opus_zarr_store::{Description, OpusHead, OpusTags, Source, StoredAs, Timeline};
///
/// let description = Description::new(
///     OpusHead::new(1, 312, 48_000)?,
///     OpusTags::new("encoder 1.0", []),
///     Timeline::new(312, 96_000, 0)?,
///     Source::new("station-4.opus", StoredAs::Remuxed).format("ogg", "opus"),
/// );
/// assert!(description.gaps.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Description {
    /// The identification header.
    pub head: OpusHead,
    /// The comment header.
    pub tags: OpusTags,
    /// Tells which samples play.
    pub timeline: Timeline,
    /// Where audio was lost.
    pub gaps: Vec<Gap>,
    /// Extensions in the packets.
    pub extensions: ExtensionIds,
    /// Play samples per second of real time; `None` for 48,000.
    pub real_rate: Option<NonZeroU32>,
    /// When the recording began, if known.
    pub start: Option<Start>,
    /// The file the recording comes from.
    pub source: Source,
    /// User metadata. A recording that is replaced keeps its own beside it.
    pub user: Map<String, Value>,
}

impl Description {
    /// Describes a recording without gaps, in real time, with an unknown start.
    pub fn new(head: OpusHead, tags: OpusTags, timeline: Timeline, source: Source) -> Self {
        Self {
            head,
            tags,
            timeline,
            gaps: Vec::new(),
            extensions: ExtensionIds::default(),
            real_rate: None,
            start: None,
            source,
            user: Map::new(),
        }
    }

    /// Sets where audio was lost.
    #[must_use]
    pub fn gaps(self, gaps: Vec<Gap>) -> Self {
        Self { gaps, ..self }
    }

    /// Sets the extensions in the packets.
    #[must_use]
    pub fn extensions(self, extensions: ExtensionIds) -> Self {
        Self { extensions, ..self }
    }

    /// Sets the play samples per second of real time; `None` for 48,000.
    #[must_use]
    pub fn real_rate(self, real_rate: Option<NonZeroU32>) -> Self {
        Self { real_rate, ..self }
    }

    /// Sets when the recording began.
    #[must_use]
    pub fn start(self, start: Option<Start>) -> Self {
        Self { start, ..self }
    }

    /// Sets the user metadata.
    #[must_use]
    pub fn user(self, user: Map<String, Value>) -> Self {
        Self { user, ..self }
    }
}

impl RecordingWriter {
    pub(crate) fn begin(store: &Store, name: &RecordingName) -> Result<Self, Error> {
        let draft = store.storage().writing().and_then(|storage| storage.begin(name));
        let draft = draft.map_err(|error| begin_error(store, name, error))?;
        Ok(Self { store: store.clone(), name: name.clone(), draft, sync: None, replaces: false })
    }

    pub(crate) fn begin_replacement(store: &Store, name: &RecordingName) -> Result<Self, Error> {
        let draft = store.storage().writing().and_then(|storage| storage.begin_replacement(name));
        let draft = draft.map_err(|error| replace_error(store, name, error))?;
        Ok(Self { store: store.clone(), name: name.clone(), draft, sync: None, replaces: true })
    }

    /// Returns the writer for the blob, a canonical Ogg Opus stream.
    pub fn blob(&self) -> Result<BlobWriter, Error> {
        BlobWriter::create(self.store.storage().clone(), self.draft.prefix())
    }

    /// Returns the writer for the index, one row per packet of the blob.
    pub fn index(&self) -> Result<IndexWriter, Error> {
        IndexWriter::create(self.store.storage(), self.draft.prefix())
    }

    /// Writes the optional sync map, measured with `decoder`.
    pub fn write_sync(&mut self, entries: &[SyncEntry], decoder: &str) -> Result<(), Error> {
        self.sync = Some(write_sync(self.store.storage(), self.draft.prefix(), entries, decoder)?);
        Ok(())
    }

    /// Makes the recording appear, complete and durable.
    pub fn commit(
        self,
        description: Description,
        blob: &StoredBlob,
        index: &StoredIndex,
    ) -> Result<RecordingReader, Error> {
        index.check_length(description.timeline)?;
        let info = RecordingInfo::new(description, blob, index, self.sync());
        self.commit_document(&Document::new(info))
    }

    /// Commits the recording once the objects of the arrays are in the draft.
    pub(crate) fn commit_document(self, document: &Document) -> Result<RecordingReader, Error> {
        let Self { store, name, draft, replaces, .. } = self;
        let (info, prefix) = (&document.info, draft.prefix());
        for (array, metadata) in info.arrays() {
            let key = format!("{prefix}/{}/{METADATA}", array.name());
            put(store.storage(), &key, pretty(&metadata).as_bytes())?;
        }
        let object = name_of(&**store.storage(), &document_key(&name));
        let (claim, document) = match replaces {
            false => (None, document.write(&object)?),
            true => {
                let claim = claim(store.storage(), &name)?;
                let replaced = store.open_recording(&name)?;
                (Some(claim), document.in_place_of(replaced.document()).write(&object)?)
            }
        };
        // Parsed before the commit, so that an unreadable recording is not stored and nothing can
        // fail after the commit.
        let recording = StoredRecording::parse(&object, &name, document.as_bytes())?;
        match claim {
            None => draft
                .commit(document.as_bytes())
                .map_err(|error| begin_error(&store, &name, error))?,
            Some(claim) => draft
                .replace(claim, document.as_bytes(), &members())
                .map_err(|error| replace_error(&store, &name, error))?,
        }
        Ok(RecordingReader::of(store.storage().clone(), recording))
    }

    /// The written sync map, if any.
    pub(crate) fn sync(&self) -> Option<&SyncInfo> {
        self.sync.as_ref()
    }

    /// The draft that receives the objects.
    pub(crate) fn draft(&self) -> &dyn Draft {
        &*self.draft
    }
}

fn replace_error(store: &Store, name: &RecordingName, source: io::Error) -> Error {
    match source.kind() {
        ErrorKind::DirectoryNotEmpty => holds_foreign(store, name, source),
        ErrorKind::Unsupported => {
            let (name, store) = (name.clone(), store.storage().to_string());
            Reason::NotReplaced { name, store, source }.into()
        }
        _ => begin_error(store, name, source),
    }
}

fn begin_error(store: &Store, name: &RecordingName, source: io::Error) -> Error {
    let (name, place) = (name.clone(), store.storage().to_string());
    match source.kind() {
        ErrorKind::AlreadyExists => Reason::RecordingExists { name, store: place }.into(),
        ErrorKind::ResourceBusy => Reason::Busy { name, store: place, source }.into(),
        _ => io_error(Operation::Create, &name_of(&**store.storage(), name.as_str()))(source),
    }
}
