use serde::Deserialize;

use crate::{
    AsyncStorage, Error, RecordingName, Store,
    error::Reason,
    json::json_error,
    object::{name_of, read_document},
    recording::document_key,
    storage::{Ready, ready},
};

/// The file that a recording came from, as its document states it, unchecked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SourceId {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Which stream of the file the recording holds, counted from 1.
    #[serde(default = "first")]
    pub stream: u64,
}

impl Store {
    /// Finds out which file a recording came from: one read. Much faster than opening it, because the
    /// document is neither checked nor kept. `None` if it does not state a file.
    ///
    /// ```no_run
    /// # use opus_zarr_store::{Error, Store};
    /// # fn find(store: &Store, sha256: &str) -> Result<(), Error> {
    /// for name in store.recordings()? {
    ///     let name = name?;
    ///     if store.source_of(&name)?.is_some_and(|source| source.sha256 == sha256) {
    ///         println!("{name}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The document cannot be read, or is not JSON.
    pub fn source_of(&self, name: &RecordingName) -> Result<Option<SourceId>, Error> {
        ready(source_of(&Ready(&**self.storage()), name))
    }
}

async fn source_of(
    storage: &dyn AsyncStorage,
    name: &RecordingName,
) -> Result<Option<SourceId>, Error> {
    let key = document_key(name);
    let bytes = read_document(storage, &key).await?;
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| {
        let object = name_of(storage, &key);
        Reason::Metadata { object, reason: json_error(error) }
    })?;
    Ok(document.attributes.ours.source)
}

/// What is read of a document. Everything else is skipped without being kept.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    #[serde(default, rename = "opus_zarr")]
    ours: Ours,
}

#[derive(Default, Deserialize)]
struct Ours {
    source: Option<SourceId>,
}

fn first() -> u64 {
    1
}
