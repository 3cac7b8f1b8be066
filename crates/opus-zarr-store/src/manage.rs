use std::{io, sync::Arc};

use crate::{
    Error, Operation, RecordingName, RecordingReader, Store,
    edit::{claim, claim_error},
    error::Reason,
    index::shard_key,
    object::{io_error, name_of},
    sync::StoredSync,
};

/// Copying and renaming recordings.
impl Store {
    /// Copies a recording to another name or another store. Within a store, the storage shares
    /// or copies the objects. To another store, everything is read, checked and written anew.
    pub fn copy_recording(
        &self,
        from: &RecordingName,
        store: &Self,
        to: &RecordingName,
    ) -> Result<RecordingReader, Error> {
        let source = self.open_recording(from)?;
        if Arc::ptr_eq(self.storage(), store.storage()) {
            self.copy_within(&source, to)
        } else {
            store.copy_of(&source, to)
        }
    }

    /// Renames a recording with everything in it. If the process is killed in between, the recording
    /// may have both names in an object store.
    pub fn rename_recording(
        &self,
        from: &RecordingName,
        to: &RecordingName,
    ) -> Result<RecordingReader, Error> {
        let claim = claim(self.storage(), from)?;
        // Read before, so that nothing can fail afterwards.
        let recording = self.open_recording(from)?.recording().named(to)?;
        claim.rename(to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let store = self.storage().to_string();
                Reason::RecordingExists { name: to.clone(), store }.into()
            }
            _ => claim_error(self.storage(), from, error),
        })?;
        Ok(RecordingReader::of(self.storage().clone(), recording))
    }

    fn copy_within(
        &self,
        source: &RecordingReader,
        to: &RecordingName,
    ) -> Result<RecordingReader, Error> {
        let writer = self.create_recording(to)?;
        let from = source.name().as_str();
        let sync = source.recording().sync.iter().flatten().flat_map(StoredSync::keys);
        for key in source.blob().shard_keys().chain([shard_key(from)]).chain(sync) {
            let rest = key.strip_prefix(from).unwrap_or_default().trim_start_matches('/');
            let object = name_of(&**self.storage(), &key);
            writer.draft().take(&key, rest).map_err(io_error(Operation::Copy, &object))?;
        }
        writer.commit_document(&source.document().without_foreign_documents())
    }

    fn copy_of(
        &self,
        source: &RecordingReader,
        to: &RecordingName,
    ) -> Result<RecordingReader, Error> {
        let mut writer = self.create_recording(to)?;
        let mut blob = writer.blob()?;
        io::copy(&mut source.blob_reader(), &mut blob).map_err(copy_error)?;
        let blob = blob.finish()?;
        let mut index = writer.index()?;
        for span in source.index_chunks()? {
            for row in span?.rows() {
                let duration = u32::try_from(row.duration).unwrap_or(u32::MAX);
                index.push(row.offset, row.length, duration)?;
            }
        }
        let index = index.finish()?;
        index.check_length(source.timeline())?;
        if let (Some(entries), Some(sync)) = (source.sync_entries()?, &source.info().sync) {
            writer.write_sync(&entries, &sync.decoder)?;
        }
        let document = source.document().with_parts(&blob, &index, writer.sync());
        writer.commit_document(&document)
    }
}

/// Unwraps the error of this crate that the blob's reader or writer put into an I/O error.
fn copy_error(error: io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(|error| io_error(Operation::Copy, "blob")(error))
}
