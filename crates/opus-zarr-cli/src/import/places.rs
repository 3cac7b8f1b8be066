//! What is imported, and where to.

use std::{ffi::OsString, path::Path};

use crate::{failure::Failure, place::StorePlace};

/// Tells the sources from the store, which comes last. Names the argument that is missing.
pub(super) fn split(paths: &[OsString]) -> Result<(Vec<&Path>, StorePlace), Failure> {
    let Some((last, sources)) = paths.split_last() else { return Err(no_store()) };
    let store = StorePlace::parse(last)
        .map_err(|expected| Failure::usage(format!("invalid STORE {last:?}: {expected}")))?;
    match sources {
        _ if store.is_file() => Err(no_store().with_hint(format!("{last:?} is a file"))),
        [] if store.open().is_ok() => {
            Err(Failure::usage("no SRC: pass the files to import before the store"))
        }
        [] => Err(no_store()),
        sources => Ok((sources.iter().map(Path::new).collect(), store)),
    }
}

fn no_store() -> Failure {
    Failure::usage("no STORE: pass the store as the last argument")
}
