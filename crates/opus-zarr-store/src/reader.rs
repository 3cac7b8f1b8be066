use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use opus_packet::{CodedPos, OpusHead, Timeline};
use opus_packet_index::{BlobRead, IndexRead, Span};

use crate::{
    BlobReader, Error, IndexInfo, IndexWriter, RecordingInfo, RecordingName, Store, StoredIndex,
    blob::ShardedBlob,
    document::{parse_document, write_document},
    index::{ShardedIndex, shard_path},
    layout::{BLOB, INDEX, METADATA, index_array},
    local::{
        create_dir_all, create_draft, io_error, read_whole, remove_dead_drafts, replace, sync_dir,
    },
    store::{MAX_METADATA, is_absent, pretty},
};

/// A recording in a store. Opening reads one file, its group's `zarr.json`.
///
/// It is what a segment reader needs: [`IndexRead`] and [`BlobRead`].
#[derive(Debug)]
pub struct RecordingReader {
    directory: PathBuf,
    info: RecordingInfo,
    head: OpusHead,
    timeline: Timeline,
    blob: ShardedBlob,
    /// An index whose places in the attributes make no sense is as good as none.
    index: Result<ShardedIndex, String>,
}

impl RecordingReader {
    /// Opens a recording of the store in the directory `root`: one read.
    pub fn open(root: impl AsRef<Path>, name: &RecordingName) -> Result<Self, Error> {
        let root = root.as_ref();
        let directory = root.join(name.as_str());
        let path = directory.join(METADATA);
        let bytes = match read_whole(&path, MAX_METADATA) {
            Err(Error::Io { source, .. }) if is_absent(&source) => {
                // Only now it matters whether there is a store at all.
                let store = Store::open(root)?.path().to_owned();
                return Err(Error::NoSuchRecording { name: name.clone(), store });
            }
            bytes => bytes?,
        };
        let info = parse_document(&path, &bytes)?;
        let fault = |reason| Error::Metadata { path: path.clone(), reason };
        let head = info.head().map_err(fault)?;
        let timeline = info.timeline().map_err(fault)?;
        let checksums = info.checksums().map_err(fault)?;
        let blob = ShardedBlob::new(&directory.join(BLOB), info.blob_bytes, checksums)?;
        let index = open_index(&directory, &info);
        Ok(Self { directory, info, head, timeline, blob, index })
    }

    /// What the store says about the recording.
    pub fn info(&self) -> &RecordingInfo {
        &self.info
    }

    /// The identification header, for a decoder.
    pub fn head(&self) -> &OpusHead {
        &self.head
    }

    /// Which samples play.
    pub fn timeline(&self) -> Timeline {
        self.timeline
    }

    /// Reads the blob from its start: an Ogg Opus stream.
    pub fn blob_reader(&self) -> BlobReader<'_> {
        self.blob.reader()
    }

    /// What the index is; none if it is missing or cut off. That the chunks in it
    /// are whole is checked when they are read.
    pub fn index_info(&self) -> Option<IndexInfo> {
        self.index.as_ref().ok().and_then(ShardedIndex::info)
    }

    /// Puts a new index in the place of the present one: `fill` makes it from the
    /// blob. If that fails, nothing has changed.
    ///
    /// The index is replaced before the attributes that point into it. Killed in
    /// between, the recording is left with an index whose chunks do not pass their
    /// checksums: it is read without, and can be made again.
    pub fn replace_index<E: From<Error>>(
        &mut self,
        fill: impl FnOnce(BlobReader<'_>, &mut IndexWriter) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.index_path();
        let directories = path.ancestors().skip(1);
        directories.take_while(|at| at.starts_with(&self.directory)).for_each(remove_dead_drafts);
        path.parent().map_or(Ok(()), create_dir_all)?;
        let (draft, file) = create_draft(&path)?;
        let made = IndexWriter::new(draft.clone(), file).map_err(E::from).and_then(|mut index| {
            fill(self.blob_reader(), &mut index)?;
            let index = index.finish()?;
            index.check_len(self.timeline)?;
            fs::rename(&draft, &path).map_err(io_error("replace", &path))?;
            Ok(index)
        });
        let index = made.inspect_err(|_| drop(fs::remove_file(&draft)))?;
        path.parent().map_or(Ok(()), sync_dir)?;
        self.adopt_index(index)?;
        Ok(())
    }

    /// Writes the metadata that goes with an index that has been put in place.
    fn adopt_index(&mut self, index: StoredIndex) -> Result<(), Error> {
        self.info.packet_count = index.packets;
        self.info.index_checkpoints = index.checkpoints;
        self.info.index_ranges = index.ranges;
        self.info.index_checksums = index.checksums;
        let array = index_array(self.info.packet_count);
        replace(&self.directory.join(INDEX).join(METADATA), pretty(&array).as_bytes())?;
        let group = write_document(&self.info)?;
        replace(&self.directory.join(METADATA), group.as_bytes())?;
        self.index = open_index(&self.directory, &self.info);
        Ok(())
    }

    fn index_path(&self) -> PathBuf {
        shard_path(&self.directory.join(INDEX))
    }
}

impl IndexRead for RecordingReader {
    type Error = Error;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Error> {
        match &self.index {
            Ok(index) => index.span(samples),
            Err(reason) => {
                Err(Error::Metadata { path: self.directory.join(METADATA), reason: reason.clone() })
            }
        }
    }
}

impl BlobRead for RecordingReader {
    type Error = Error;

    fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        self.blob.read(bytes, out)
    }
}

fn open_index(directory: &Path, info: &RecordingInfo) -> Result<ShardedIndex, String> {
    ShardedIndex::new(shard_path(&directory.join(INDEX)), info)
}
