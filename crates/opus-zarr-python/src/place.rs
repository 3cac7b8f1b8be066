use std::{collections::HashMap, io::Write, path::Path, sync::Arc};

use opus_zarr::{ImportOptions, LocalStorage, MemoryStorage, Storage, import, unwatched};
use pyo3::{
    exceptions::{PyFileNotFoundError, PyOSError, PyValueError},
    prelude::*,
};

use crate::{
    error::{raised, raised_by_url},
    recording::Recording,
    store::Store,
};

/// Settings of an object store, named as in the environment: `aws_endpoint`.
pub(crate) type Options = HashMap<String, String>;

/// The storage at a path or URL.
pub(crate) fn storage_of(place: &str, options: Option<Options>) -> PyResult<Arc<dyn Storage>> {
    if !place.contains("://") {
        return Ok(Arc::new(LocalStorage::new(place)));
    }
    let options = options.unwrap_or_default();
    opus_zarr_object_store::open_url_with(place, options).map_err(|error| raised_by_url(&error))
}

/// Opens a file with Opus, with an index in memory: at a path, or of this name below a URL. The latter is
/// read whole.
#[pyfunction]
pub(crate) fn open_file(
    py: Python<'_>,
    place: &str,
    name: Option<&str>,
    options: Option<Options>,
) -> PyResult<(Store, Recording)> {
    py.detach(|| {
        let Some(name) = name else { return index(Path::new(place)) };
        let bytes = whole(&*storage_of(place, options)?, name)?;
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(&bytes)?;
        index(file.path())
    })
}

fn whole(storage: &dyn Storage, name: &str) -> PyResult<Vec<u8>> {
    let limit = opus_zarr::store::Part::Whole(MOST);
    storage.read(name, limit).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            PyFileNotFoundError::new_err(format!("{name:?} is not in \"{storage}\""))
        }
        _ => PyOSError::new_err(format!("cannot read {name:?} in \"{storage}\": {error}")),
    })
}

/// Imports a file into memory, without a sync map: that would take several decodes of all of it.
fn index(path: &Path) -> PyResult<(Store, Recording)> {
    let store = opus_zarr::Store::open_or_create_in(Arc::new(MemoryStorage::new()));
    let store = store.map_err(raised)?;
    let options = ImportOptions::default().exact(false);
    let imported = import(path, &store, "audio", &options, unwatched).map_err(raised)?;
    let count = imported.recordings.len();
    let [recording] = <[_; 1]>::try_from(imported.recordings).map_err(|_| {
        PyValueError::new_err(format!(
            "{path:?} holds {count} streams, expected one; import it into a store"
        ))
    })?;
    Ok((Store::new(store), Recording::new(recording)))
}

/// Files at URLs are held in memory.
const MOST: u64 = 4 << 30;
