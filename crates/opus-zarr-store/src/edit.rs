//! Changes of a recording's document, whoever else changes it meanwhile.

use std::{io, sync::Arc};

use crate::{
    Claim, Error, Operation, RecordingName, RecordingReader, Storage,
    document::Document,
    error::Reason,
    object::{io_error, name_of, read_document},
    recording::{StoredRecording, document_key},
    storage::{Ready, ready},
    store::check_store,
};

impl RecordingReader {
    /// Applies a change to the document as it is now, which may not be the one that was read when the
    /// recording was opened. `change` runs again if another program wrote the document meanwhile.
    ///
    /// Other objects of the recording may be written in `change`: while it runs, nobody else changes,
    /// renames or removes the recording.
    pub(crate) fn edit<E: From<Error>>(
        &mut self,
        mut change: impl FnMut(&mut Document) -> Result<(), E>,
    ) -> Result<(), E> {
        let (storage, name) = (self.storage().clone(), self.name().clone());
        let key = document_key(&name);
        let object = name_of(&*storage, &key);
        let claim = claim(&storage, &name)?;
        for _ in 0..ATTEMPTS {
            let before = ready(read_document(&Ready(&*storage), &key))?;
            let mut document = Document::parse(&object, &before)?;
            if document.info.blob_sha256 != self.info().blob_sha256 {
                let store = storage.to_string();
                return Err(Error::from(Reason::Replaced { name, store }).into());
            }
            let unchanged = document.clone();
            change(&mut document)?;
            if document == unchanged {
                self.adopt(StoredRecording::parse(&object, &name, &before)?);
                return Ok(());
            }
            document.info.generation = document.info.generation.saturating_add(1);
            let after = document.write(&object)?;
            // Parsed before it is written, so that no unreadable recording is stored.
            let recording = StoredRecording::parse(&object, &name, after.as_bytes())?;
            let replaced = claim.replace(&before, after.as_bytes());
            if replaced.map_err(|error| claim_error(&storage, &name, error))? {
                self.adopt(recording);
                return Ok(());
            }
        }
        let source = io::Error::other("another program keeps changing its attributes");
        Err(Error::from(Reason::Busy { name, store: storage.to_string(), source }).into())
    }
}

/// Claims a recording.
pub(crate) fn claim(
    storage: &Arc<dyn Storage>,
    name: &RecordingName,
) -> Result<Box<dyn Claim>, Error> {
    match storage.writing().and_then(|storage| storage.claim(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Tell a missing recording from a missing store.
            ready(check_store(&Ready(&**storage)))?;
            Err(claim_error(storage, name, error))
        }
        claim => claim.map_err(|error| claim_error(storage, name, error)),
    }
}

/// The error of a claim.
pub(crate) fn claim_error(
    storage: &Arc<dyn Storage>,
    name: &RecordingName,
    source: io::Error,
) -> Error {
    let (name, store) = (name.clone(), storage.to_string());
    match source.kind() {
        io::ErrorKind::NotFound => Reason::NoSuchRecording { name, store }.into(),
        io::ErrorKind::ResourceBusy => Reason::Busy { name, store, source }.into(),
        _ => io_error(Operation::Write, &name_of(&**storage, name.as_str()))(source),
    }
}

/// Programs that know claims never get in the way.
const ATTEMPTS: u32 = 100;
