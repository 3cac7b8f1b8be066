//! Writers slower than a lease lasts, at the worst moment: while they commit, their successor commits
//! the same. Two imports of one file are equal to the last byte.

use std::{io::ErrorKind, sync::Arc, thread};

use crate::support::{block_on, faulty::Faulty, memory, names, objects, storage_of, store_of};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use opus_zarr_store::{Draft, WriteStorage};

const DOCUMENT: &str = "a/b/it/zarr.json";

fn lease(generation: u64) -> Path {
    Path::from(format!("a/b/.opus-zarr-leases/it/{generation:020}"))
}

/// Changes a store, on a thread outside of any runtime.
fn apart(store: &Arc<dyn ObjectStore>, act: impl AsyncFnOnce(Arc<dyn ObjectStore>) + Send) {
    thread::scope(|scope| scope.spawn(|| block_on(act(store.clone()))).join().unwrap());
}

/// A writer over a store in which `act` runs just before its document is written.
fn writer(
    sound: &Arc<dyn ObjectStore>,
    act: impl FnOnce(&Arc<dyn ObjectStore>) + Send + 'static,
) -> Box<dyn Draft> {
    let faulty = Faulty::new(sound.clone());
    let store: Arc<dyn ObjectStore> = Arc::new(faulty.clone());
    let draft = storage_of(&store).begin(&"it".parse().unwrap()).unwrap();
    let sound = sound.clone();
    faulty.before(&format!("PUT {DOCUMENT}"), move || act(&sound));
    draft
}

#[test]
fn a_late_writer_keeps_the_commit_of_its_successor() {
    let sound = memory();
    store_of(&sound);
    let draft = writer(&sound, |store| {
        apart(store, async |store| {
            store.put(&lease(2), "successor 0\n".into()).await.unwrap();
            store.put(&Path::from(DOCUMENT), "{}".into()).await.unwrap();
            store.delete(&lease(1)).await.unwrap();
            store.delete(&lease(2)).await.unwrap();
        });
    });
    assert_eq!(draft.commit(b"{}").unwrap_err().kind(), ErrorKind::ResourceBusy);
    assert!(objects(&sound).contains_key(DOCUMENT));
    assert_eq!(names(&store_of(&sound)), ["it"]);
}

#[test]
fn a_successor_does_not_rely_on_the_document_of_a_late_writer() {
    let sound = memory();
    store_of(&sound);
    block_on(sound.put(&lease(1), "late 0\n".into())).unwrap();
    let draft = writer(&sound, |store| {
        apart(store, async |store| {
            store.put(&Path::from(DOCUMENT), "{}".into()).await.unwrap();
        });
    });
    assert_eq!(draft.commit(b"{}").unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[test]
fn a_late_writer_undoes_its_own_commit() {
    let sound = memory();
    store_of(&sound);
    let draft = writer(&sound, |store| {
        apart(store, async |store| {
            store.put(&lease(2), "successor 0\n".into()).await.unwrap();
        });
    });
    assert_eq!(draft.commit(b"{}").unwrap_err().kind(), ErrorKind::ResourceBusy);
    assert!(!objects(&sound).contains_key(DOCUMENT));
}
