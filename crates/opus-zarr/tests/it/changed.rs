//! Source files that change during their import.

use std::{fmt, fs, io, path::PathBuf, sync::Arc};

use opus_zarr::{ErrorKind, ImportOptions, import, unwatched};
use opus_zarr_store::{
    Claim, Draft, Entries, MemoryStorage, ObjectWriter, Part, RecordingName, Storage, Store,
    WriteStorage,
};
use opus_zarr_testkit::{
    fast_folder,
    recordings::{MONO, STEREO, bytes_of, stream_of},
    stream::Pages,
};

/// A storage that replaces the bytes of the source when a draft begins, between the two times that an
/// import reads the source.
#[derive(Debug)]
struct Meddling {
    inner: MemoryStorage,
    file: PathBuf,
    bytes: Vec<u8>,
}

impl fmt::Display for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Storage for Meddling {
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        self.inner.read(key, part)
    }

    fn entries(&self) -> io::Result<Entries<'_>> {
        self.inner.entries()
    }

    fn writing(&self) -> io::Result<&dyn WriteStorage> {
        Ok(self)
    }
}

impl WriteStorage for Meddling {
    fn create(&self, key: &str) -> io::Result<Box<dyn ObjectWriter>> {
        self.inner.create(key)
    }

    fn begin(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        fs::write(&self.file, &self.bytes)?;
        self.inner.begin(name)
    }

    fn claim(&self, name: &RecordingName) -> io::Result<Box<dyn Claim>> {
        self.inner.claim(name)
    }
}

#[test]
fn an_import_fails_if_its_source_changes_meanwhile() {
    let folder = fast_folder();
    let file = folder.path().join("it.opus");
    // One that is stored verbatim, and one that is remuxed.
    for before in [bytes_of(MONO), stream_of(MONO).write(Pages::Full)] {
        let len = before.len();
        let other_tag = {
            let mut stream = stream_of(MONO);
            *stream.tags.last_mut().unwrap() ^= 1;
            stream.write(Pages::OfOneSecond)
        };
        for after in [bytes_of(STEREO), before[..len / 2].to_vec(), other_tag, vec![]] {
            fs::write(&file, &before).unwrap();
            let what = format!("{len} bytes, then {}", after.len());
            let inner = MemoryStorage::new();
            let storage = Meddling { inner, file: file.clone(), bytes: after };
            let store = Store::open_or_create_in(Arc::new(storage)).unwrap();
            let error =
                import(&file, &store, "it", &ImportOptions::default(), unwatched).unwrap_err();
            println!("{what}: {error}");
            assert_eq!(error.kind(), ErrorKind::SourceChanged, "{what}: {error}");
            assert_eq!(store.recordings().unwrap().count(), 0, "{what}");
        }
    }
}
