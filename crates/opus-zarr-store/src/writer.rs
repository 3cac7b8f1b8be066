use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use opus_packet::{OpusHead, OpusTags, Timeline};

use crate::{
    BlobWriter, Error, Gap, IndexWriter, RecordingInfo, RecordingName, RecordingReader, Source,
    Store, StoredBlob, StoredIndex,
    document::write_document,
    index::shard_path,
    layout::{BLOB, INDEX, METADATA, blob_array, index_array},
    local::{io_error, remove_dead_drafts, sync_dir, unique_name, write_new},
    store::pretty,
};

/// Writes a recording: all of it appears at [`commit`](Self::commit), or nothing.
///
/// Until then it is a draft, a hidden directory in the store that is locked while
/// its writer lives. Dropping the writer removes it; what a killed writer leaves
/// is removed by the next one.
#[derive(Debug)]
pub struct RecordingWriter {
    store: Store,
    name: RecordingName,
    draft: PathBuf,
    /// Holds the lock.
    _lock: File,
    committed: bool,
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
    /// Where the recording came from.
    pub source: Source,
}

impl RecordingWriter {
    pub(crate) fn begin(store: &Store, name: &RecordingName) -> Result<Self, Error> {
        if store.contains(name) {
            return Err(recording_exists(store, name));
        }
        remove_dead_drafts(store.path());
        let (draft, lock) = create_draft(store.path())?;
        let (store, name) = (store.clone(), name.clone());
        Ok(Self { store, name, draft, _lock: lock, committed: false })
    }

    /// Where to write the blob: a canonical Ogg Opus stream.
    pub fn blob(&self) -> Result<BlobWriter, Error> {
        BlobWriter::create(&self.draft.join(BLOB))
    }

    /// Where to write the index: one row for each packet of the blob.
    pub fn index(&self) -> Result<IndexWriter, Error> {
        IndexWriter::create(shard_path(&self.draft.join(INDEX)))
    }

    /// Makes the recording appear, complete and on the disk.
    pub fn commit(
        mut self,
        description: Description,
        blob: &StoredBlob,
        index: &StoredIndex,
    ) -> Result<RecordingReader, Error> {
        index.check_len(description.timeline)?;
        let info = RecordingInfo::new(description, blob, index);
        self.write_metadata(&info)?;
        let target = self.store.recording_path(&self.name);
        fs::rename(&self.draft, &target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists
            | io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::NotADirectory => recording_exists(&self.store, &self.name),
            _ => io_error("create", &target)(error),
        })?;
        self.committed = true;
        sync_dir(self.store.path())?;
        RecordingReader::open(self.store.path(), &self.name)
    }

    /// Everything but the group's document is on the disk before that is written.
    fn write_metadata(&self, info: &RecordingInfo) -> Result<(), Error> {
        let (blob, index) = (self.draft.join(BLOB), self.draft.join(INDEX));
        let (bytes, packets) = (info.blob_bytes, info.packet_count);
        write_new(&blob.join(METADATA), pretty(&blob_array(bytes)).as_bytes())?;
        write_new(&index.join(METADATA), pretty(&index_array(packets)).as_bytes())?;
        for directory in [&index.join("c").join("0"), &index.join("c"), &index, &blob] {
            sync_dir(directory)?;
        }
        write_new(&self.draft.join(METADATA), write_document(info)?.as_bytes())?;
        sync_dir(&self.draft)
    }
}

impl Drop for RecordingWriter {
    fn drop(&mut self) {
        if !self.committed
            && let Err(error) = fs::remove_dir_all(&self.draft)
        {
            tracing::warn!(path = %self.draft.display(), %error, "cannot remove a draft");
        }
    }
}

/// Makes a draft directory and locks it. Another process may take a draft that is
/// not locked yet for a dead one and remove it: then there is another name.
fn create_draft(root: &Path) -> Result<(PathBuf, File), Error> {
    loop {
        let draft = root.join(unique_name());
        fs::create_dir(&draft).map_err(io_error("create directory", &draft))?;
        let lock = match File::open(&draft) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            lock => lock.map_err(io_error("open", &draft))?,
        };
        match lock.try_lock() {
            Ok(()) if draft.exists() => return Ok((draft, lock)),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                drop(fs::remove_dir(&draft));
                return Err(io_error("lock", &draft)(error));
            }
        }
    }
}

fn recording_exists(store: &Store, name: &RecordingName) -> Error {
    Error::RecordingExists { name: name.clone(), store: store.path().to_owned() }
}
