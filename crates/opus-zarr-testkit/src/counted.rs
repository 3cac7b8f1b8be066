//! A storage that counts what it is asked for.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use opus_zarr_store::{Entries, Part, Storage};

/// Passes every call on to another storage. It cannot be written.
#[derive(Debug)]
pub struct Counted {
    inner: Arc<dyn Storage>,
    listings: AtomicUsize,
    read: Mutex<Vec<String>>,
}

impl Counted {
    /// Counts from now on.
    pub fn new(inner: Arc<dyn Storage>) -> Arc<Self> {
        Arc::new(Self { inner, listings: AtomicUsize::new(0), read: Mutex::default() })
    }

    /// How often it was listed, and the recordings whose documents were read, sorted, once for each read.
    pub fn take(&self) -> (usize, Vec<String>) {
        let keys = std::mem::take(&mut *self.read.lock().unwrap());
        let name = |key: String| key.strip_suffix("/zarr.json").map(str::to_owned);
        let mut opened: Vec<String> = keys.into_iter().filter_map(name).collect();
        opened.retain(|name| !name.contains('/'));
        opened.sort();
        (self.listings.swap(0, Ordering::Relaxed), opened)
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Storage for Counted {
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        self.read.lock().unwrap().push(key.to_owned());
        self.inner.read(key, part)
    }

    fn entries(&self) -> io::Result<Entries<'_>> {
        self.listings.fetch_add(1, Ordering::Relaxed);
        self.inner.entries()
    }
}
