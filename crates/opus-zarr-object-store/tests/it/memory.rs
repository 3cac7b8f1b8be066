//! Stores in an object store without a network.

use std::{
    io::{ErrorKind as IoErrorKind, Write},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    LEASE, MONO, STEREO, all, block_on, files, import, memory, names, objects, storage_of,
    store_of, testdata,
};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use opus_zarr::{AsyncRecording, AsyncStore, Imported, Recording, Store};
use opus_zarr_object_store::{ErrorKind, ObjectStorage, Provider};
use opus_zarr_store::{
    AsyncStorage, Entry, ErrorKind as StoreErrorKind, Part, Storage, WriteStorage,
    check_async_storage, check_write_storage,
};

#[test]
fn an_import_writes_the_same_objects_as_in_a_directory() {
    let (memory, folder) = (memory(), tempfile::tempdir().unwrap());
    for file in [MONO, STEREO] {
        import(&store_of(&memory), file, file).unwrap();
        opus_zarr_testkit::recordings::import_to(testdata(file), folder.path().join("store"), file)
            .unwrap();
    }
    let expected = files(&folder.path().join("store"), "a/b");
    assert!(objects(&memory) == expected, "{:?}", objects(&memory).keys());
}

#[test]
fn recordings_are_read_listed_copied_renamed_and_deleted() {
    let memory = memory();
    let store = store_of(&memory);
    let samples = all(&import(&store, MONO, "one").unwrap().into_first());
    let (one, two, three) = ("one".parse().unwrap(), "two".parse().unwrap(), "3".parse().unwrap());
    store.copy_recording(&one, &store, &two).unwrap();
    store.rename_recording(&one, &three).unwrap();
    assert_eq!(names(&store), ["3", "two"]);
    assert!(all(&Recording::open(&store, "two").unwrap()) == samples);
    assert!(all(&Recording::open(&store, "3").unwrap()) == samples);
    store.delete_recording(&two).unwrap();
    assert_eq!(names(&store), ["3"]);
    let error = store.delete_recording(&two).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NoSuchRecording, "{error}");
    store.delete_recording(&three).unwrap();
    assert_eq!(Vec::from_iter(objects(&memory).into_keys()), ["a/b/zarr.json"]);
}

#[test]
fn names_are_keys_unchanged() {
    let memory = memory();
    let name = "Zaunkönig #1 ~ 100% [x]";
    import(&store_of(&memory), MONO, name).unwrap();
    assert!(objects(&memory).contains_key(&format!("a/b/{name}/zarr.json")));
    assert_eq!(names(&store_of(&memory)), [name]);
}

#[test]
fn a_part_is_exactly_the_requested_one() {
    let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let storage = storage_of(&objects);
    let mut object = storage.create("x/y").unwrap();
    object.write_all(b"0123456789").unwrap();
    object.finish().unwrap();
    let read = |part| Storage::read(&storage, "x/y", part);
    let kind = |part| read(part).unwrap_err().kind();
    assert_eq!(read(Part::Range(2..5)).unwrap(), b"234");
    assert_eq!(read(Part::Range(0..10)).unwrap(), b"0123456789");
    assert_eq!(kind(Part::Range(5..11)), IoErrorKind::UnexpectedEof);
    assert_eq!(kind(Part::Range(10..11)), IoErrorKind::UnexpectedEof);
    assert_eq!(kind(Part::Range(1 << 40..1 << 41)), IoErrorKind::UnexpectedEof);
    assert_eq!(read(Part::Last(3)).unwrap(), b"789");
    assert_eq!(read(Part::Last(30)).unwrap(), b"0123456789");
    assert_eq!(read(Part::Whole(10)).unwrap(), b"0123456789");
    assert_eq!(kind(Part::Whole(9)), IoErrorKind::FileTooLarge);
    let absent = Storage::read(&storage, "x/z", Part::Whole(9)).unwrap_err();
    assert_eq!(absent.kind(), IoErrorKind::NotFound);
}

#[test]
fn a_large_object_has_parts_and_appears_when_it_is_finished() {
    let objects: Arc<dyn ObjectStore> = memory();
    let storage = storage_of(&objects);
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|i| i.to_le_bytes()[1]).collect();
    for is_finished in [false, true] {
        let mut object = storage.create("big").unwrap();
        object.write_all(&bytes).unwrap();
        assert!(Storage::read(&storage, "big", Part::Last(1)).is_err());
        if is_finished {
            object.finish().unwrap();
        }
    }
    assert!(Storage::read(&storage, "big", Part::Whole(1 << 30)).unwrap() == bytes);
}

#[test]
fn blocking_calls_work_in_threads_of_a_runtime_and_async_ones_without_one() {
    let memory = memory();
    let samples = all(&import(&store_of(&memory), MONO, "it").unwrap().into_first());
    let in_runtime = || {
        let store = store_of(&memory);
        assert!(all(&Recording::open(&store, "it").unwrap()) == samples);
        import(&store, STEREO, "other").unwrap();
        store.delete_recording(&"other".parse().unwrap()).unwrap();
    };
    block_on(async { in_runtime() });
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    many.block_on(async {
        let (memory, samples) = (memory.clone(), samples.clone());
        let task = async move {
            let store = store_of(&memory);
            assert!(all(&Recording::open(&store, "it").unwrap()) == samples);
        };
        tokio::spawn(task).await.unwrap();
    });
    let storage: Arc<dyn AsyncStorage> = Arc::new(storage_of(&memory));
    let read = without_runtime(async {
        let recording =
            AsyncRecording::open(&AsyncStore::open(storage).await.unwrap(), "it").await.unwrap();
        recording.read::<i16>(48_000..96_000).await.unwrap()
    });
    let blocking = Recording::open(&store_of(&memory), "it").unwrap();
    assert!(read == blocking.read::<i16>(48_000..96_000).unwrap());
}

/// Polls a future until it is ready, as any executor may.
fn without_runtime<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn exactly_one_of_several_writers_of_a_name_wins() {
    let memory = memory();
    store_of(&memory);
    for round in 0..10 {
        let name = format!("{round}");
        let results: Vec<_> = thread::scope(|scope| {
            let start = || import(&store_of(&memory), MONO, &name);
            let writers: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        // An import after another has committed finds the recording present.
        let has_won =
            |result: &Result<Imported, _>| result.as_ref().is_ok_and(|it| it.earlier == 0);
        assert_eq!(results.iter().filter(|result| has_won(result)).count(), 1);
        for error in results.into_iter().filter_map(Result::err) {
            let text = error.to_string();
            assert!(
                matches!(
                    error.kind(),
                    opus_zarr::ErrorKind::Busy | opus_zarr::ErrorKind::RecordingExists
                ),
                "{text}"
            );
            assert!(!text.contains('\n'), "{text}");
        }
        assert!(Recording::open(&store_of(&memory), &name).unwrap().has_index());
    }
    let left = objects(&memory);
    assert!(!left.keys().any(|key| key.contains("leases")), "{:?}", left.keys());
}

#[test]
fn a_living_writer_keeps_its_lease_and_a_dead_one_does_not_block() {
    let memory = memory();
    let store = store_of(&memory);
    let name = "it".parse().unwrap();
    let living = store.create_recording(&name).unwrap();
    living.blob().unwrap().write_all(&[1; 100_000]).unwrap();
    thread::sleep(LEASE * 2);
    let began = Instant::now();
    let error = store_of(&memory).create_recording(&name).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Busy, "{error}");
    assert!(began.elapsed() < LEASE, "a change is seen immediately");
    drop(living);
    assert!(!objects(&memory).keys().any(|key| key.contains("it/")));

    // The lease and objects of a dead writer.
    let lease = "a/b/.opus-zarr-leases/it/00000000000000000007";
    block_on(async {
        memory.put(&Path::from(lease), "somebody 3\n".into()).await.unwrap();
        memory.put(&Path::from("a/b/it/opus_blob/c/9"), "left".into()).await.unwrap();
    });
    assert_eq!(names(&store), Vec::<String>::new(), "only committed recordings are listed");
    import(&store, MONO, "it").unwrap();
    assert_eq!(names(&store), ["it"]);
    assert!(!objects(&memory).keys().any(|key| key.contains("leases") || key.ends_with("/9")));
}

#[test]
fn exactly_one_of_several_successors_wins() {
    let memory = memory();
    store_of(&memory);
    let lease = "a/b/.opus-zarr-leases/it/00000000000000000001";
    block_on(memory.put(&Path::from(lease), "somebody 3\n".into())).unwrap();
    let results: Vec<_> = thread::scope(|scope| {
        let start = || import(&store_of(&memory), MONO, "it");
        let writers: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let has_won = |result: &Result<Imported, _>| result.as_ref().is_ok_and(|it| it.earlier == 0);
    assert_eq!(results.iter().filter(|result| has_won(result)).count(), 1);
    assert!(Recording::open(&store_of(&memory), "it").unwrap().has_index());
}

#[test]
fn a_writer_whose_lease_was_taken_over_does_not_commit() {
    let memory = memory();
    let slow = storage_of(&memory);
    let store = Store::open_or_create_in(Arc::new(slow.clone())).unwrap();
    let draft = slow.begin(&"it".parse().unwrap()).unwrap();
    let lease = "a/b/.opus-zarr-leases/it/00000000000000000002";
    block_on(memory.put(&Path::from(lease), "somebody 0\n".into())).unwrap();
    let error = draft.commit(b"{}").unwrap_err();
    assert_eq!(error.kind(), IoErrorKind::ResourceBusy, "{error}");
    assert_eq!(names(&store), Vec::<String>::new());
    assert!(objects(&memory).contains_key(lease), "the lease of the other stays");
}

#[test]
fn foreign_objects_under_the_name_are_not_part_of_a_recording() {
    let memory = memory();
    let storage = storage_of(&memory);
    let draft = storage.begin(&"it".parse().unwrap()).unwrap();
    block_on(memory.put(&Path::from("a/b/it/opus_blob/c/0"), "x".into())).unwrap();
    assert_eq!(draft.commit(b"{}").unwrap_err().kind(), IoErrorKind::ResourceBusy);
}

#[test]
fn objects_of_an_unknown_owner_are_not_touched() {
    let memory = memory();
    block_on(memory.put(&Path::from("a/b/notes/today.txt"), "dear".into())).unwrap();
    let storage = storage_of(&memory);
    let error = storage.begin(&"notes".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), IoErrorKind::AlreadyExists);
    assert!(objects(&memory).contains_key("a/b/notes/today.txt"));
}

#[test]
fn entries_are_recordings_and_other_things() {
    let memory = memory();
    import(&store_of(&memory), MONO, "it").unwrap();
    let storage = storage_of(&memory);
    let draft = storage.begin(&"draft".parse().unwrap()).unwrap();
    let mut object = storage.create("draft/opus_blob/c/0").unwrap();
    object.write_all(b"x").unwrap();
    object.finish().unwrap();
    let entries: Vec<Entry> = Storage::entries(&storage).unwrap().map(Result::unwrap).collect();
    assert_eq!(
        entries,
        [Entry::Recording { name: "it".into(), version: None }, Entry::Other("zarr.json".into())]
    );
    drop(draft);
}

#[test]
fn a_storage_that_cannot_be_opened_says_why_in_one_line() {
    for (url, kind, expected) in [
        ("ftp://host/x", ErrorKind::UnknownScheme, "expected s3, gs"),
        ("archive.zarr", ErrorKind::InvalidUrl, "is not a valid URL: relative URL"),
        ("file://host/x", ErrorKind::InvalidUrl, "expected file:///"),
        ("s3://bucket/a//b", ErrorKind::Settings, "empty"),
    ] {
        let error = opus_zarr_object_store::open_url(url).unwrap_err();
        let line = format!("{error:?}");
        assert!(line.contains(expected) && !line.contains('\n'), "{line}");
        assert_eq!((error.kind(), error.url()), (kind, url));
    }
    let error = ObjectStorage::new(memory(), "a//b", "x").unwrap_err().to_string();
    assert!(error.contains("a//b"), "{error}");
}

#[test]
fn a_url_of_a_feature_that_is_off_names_it() {
    if cfg!(feature = "gcp") {
        return;
    }
    let error = opus_zarr_object_store::open_url("gs://bucket/x").unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::FeatureOff, Some(Provider::Gcs)));
    assert!(error.to_string().contains("feature \"gcp\""), "{error}");
}

#[cfg(feature = "http")]
#[test]
fn a_web_server_can_only_be_read() {
    let storage = opus_zarr_object_store::open_url("https://me:secret@example.org/a?token=1");
    let storage = storage.unwrap();
    assert_eq!(storage.to_string(), "https://example.org/a");
    let error = storage.writing().unwrap_err();
    assert_eq!(error.kind(), IoErrorKind::ReadOnlyFilesystem);
}

#[test]
fn an_object_store_keeps_the_contracts_of_storages() {
    let memory = memory();
    check_write_storage(&storage_of(&memory)).unwrap();
    assert_eq!(objects(&memory), Default::default());
    let (key, bytes) = ("it/zarr.json", b"0123456789ab".as_slice());
    block_on(memory.put(&Path::from(format!("a/b/{key}")), bytes.to_vec().into())).unwrap();
    block_on(check_async_storage(&storage_of(&memory), &[(key, bytes)])).unwrap();
}
