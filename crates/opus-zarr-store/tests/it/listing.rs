//! Which places are stores, and which recordings they list.

use std::{
    fs,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use opus_zarr_store::{
    AsyncStorage, AsyncStore, EntriesFuture, Entry, Error, ErrorKind, LocalStorage, Part,
    PartFuture, Storage, Store,
};

use super::store::{name, stored};

#[test]
fn only_stores_are_opened_and_only_empty_directories_become_one() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("missing");
    let kind = |opened: Result<Store, Error>| opened.unwrap_err().kind();
    assert_eq!(kind(Store::open(&missing)), ErrorKind::NotAStore);
    assert_eq!(kind(Store::open(root.path())), ErrorKind::NotAStore);
    fs::write(root.path().join("letter.txt"), "dear").unwrap();
    assert_eq!(kind(Store::open_or_create(root.path())), ErrorKind::NotAStore);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "nothing was added");
    assert!(Store::open_or_create(root.path().join("letter.txt")).is_err());
    stored(&missing, 2);
    let error = Store::open(missing.join("a")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IsARecording);
    assert!(error.to_string().ends_with("is a recording in an opus-zarr store, not a store"));
    fs::write(missing.join("zarr.json"), "{}").unwrap();
    assert_eq!(kind(Store::open(&missing)), ErrorKind::NotAStore);
    fs::write(missing.join("zarr.json"), r#"{"attributes":{"opus_zarr":{"layout":7}}}"#).unwrap();
    assert_eq!(kind(Store::open_or_create(&missing)), ErrorKind::UnsupportedLayout);
}

/// Opening it reports why it cannot be read. The path is too long here, because the user who runs
/// the tests may have access to everything.
#[test]
fn an_inaccessible_recording_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let mut root = folder.path().to_owned();
    loop {
        let room = 4095 - "/zarr.json".len() - root.as_os_str().len();
        match room {
            0 => break,
            1..=201 => root.push("x".repeat(room - 1)),
            202 => root.push("x".repeat(100)),
            _ => root.push("x".repeat(200)),
        }
    }
    fs::create_dir_all(root.join("a")).unwrap();
    fs::create_dir_all(root.join(".b")).unwrap();
    let storage = LocalStorage::new(&root);
    let entries = storage.entries().unwrap().map(Result::unwrap);
    let recordings: Vec<_> =
        entries.filter(|entry| matches!(entry, Entry::Recording { .. })).collect();
    assert_eq!(recordings.iter().map(Entry::name).collect::<Vec<_>>(), ["a"]);
}

/// A local storage as an async one.
#[derive(Debug)]
struct Async(LocalStorage);

impl std::fmt::Display for Async {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl AsyncStorage for Async {
    fn read<'a>(&'a self, key: &'a str, part: Part) -> PartFuture<'a> {
        Box::pin(async move { self.0.read(key, part) })
    }

    fn entries(&self) -> EntriesFuture<'_> {
        Box::pin(async move { self.0.entries() })
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nothing to wait for"),
    }
}

#[test]
fn a_store_is_listed_asynchronously() {
    let root = tempfile::tempdir().unwrap();
    stored(root.path(), 10);
    let storage = Arc::new(Async(LocalStorage::new(root.path())));
    block_on(async {
        let store = AsyncStore::open(storage).await.unwrap();
        let names: Vec<_> = store.recordings().await.unwrap().map(Result::unwrap).collect();
        assert_eq!(names, [name("a")]);
        assert!(store.contains(&name("a")).await.unwrap());
        assert!(!store.contains(&name("b")).await.unwrap());
        assert_eq!(store.open_recording(&name("a")).await.unwrap().info().packet_count, 10);
        let error = store.open_recording(&name("b")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchRecording);
    });
    let elsewhere = Arc::new(Async(LocalStorage::new(root.path().join("a"))));
    let error = block_on(AsyncStore::open(elsewhere)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IsARecording);
}
