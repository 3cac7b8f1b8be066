//! Lists the top of a store in memory, then of one at a URL.

use std::{env, sync::Arc};

use opus_zarr_object_store::{
    Error, ErrorKind, ObjectStorage, Storage, object_store::memory::InMemory, open_url,
};

fn main() -> Result<(), Error> {
    let storage = ObjectStorage::new(Arc::new(InMemory::new()), "archive.zarr", "memory")?;
    list(&storage);
    let Some(url) = env::args().nth(1) else { return Ok(()) };
    match open_url(&url) {
        Ok(storage) => list(&*storage),
        Err(error) if error.kind() == ErrorKind::InvalidUrl => println!("{error}"),
        Err(error) => return Err(error),
    }
    Ok(())
}

fn list(storage: &dyn Storage) {
    match storage.entries() {
        Ok(entries) => println!("{} entries", entries.count()),
        Err(error) => println!("{error}"),
    }
}
