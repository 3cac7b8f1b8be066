//! Stores on a web server.

use std::io;

use opus_zarr_testkit::web::Web;

use crate::support::{APPROXIMATE, MONO, STEREO, all, block_on, import, testdata};
use opus_zarr::{AsyncRecording, AsyncStore, ErrorKind, Recording, Store, unwatched};
use opus_zarr_object_store::{ObjectStorage, open_url};
use opus_zarr_store::{
    Error as StoreError, ErrorKind as StoreErrorKind, Operation, Part, check_async_storage,
    check_storage,
};
use tempfile::TempDir;

/// A name that must be encoded in a URL.
const NAME: &str = "Zaunkönig #1 ~ 100% [x]";

/// A store in a directory, and a server that serves it as `archive.zarr`.
fn served() -> (TempDir, Store, Web) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_create(folder.path().join("archive.zarr")).unwrap();
    import(&store, MONO, "it").unwrap();
    import(&store, STEREO, NAME).unwrap();
    let web = Web::start(folder.path(), true);
    (folder, store, web)
}

fn open(web: &Web) -> Store {
    Store::open_in(open_url(&url(web)).unwrap()).unwrap()
}

fn url(web: &Web) -> String {
    format!("http://127.0.0.1:{}/archive.zarr", web.port)
}

#[test]
fn a_web_server_returns_the_samples_and_bytes_of_its_directory() {
    let (folder, local, web) = served();
    let store = open(&web);
    assert_eq!(store.storage().to_string(), url(&web));
    for name in ["it", NAME] {
        let (ours, theirs) =
            (Recording::open(&local, name).unwrap(), Recording::open(&store, name).unwrap());
        assert_eq!(theirs.info(), ours.info());
        assert!(all(&theirs) == all(&ours), "{name}");
        let key = format!("{name}/opus_blob/c/0");
        let bytes = std::fs::read(folder.path().join("archive.zarr").join(&key)).unwrap();
        let len = u64::try_from(bytes.len()).unwrap();
        let read = |part| store.storage().read(&key, part);
        assert!(read(Part::Whole(len)).unwrap() == bytes);
        assert!(read(Part::Last(9)).unwrap() == bytes[bytes.len() - 9..]);
        assert_eq!(read(Part::Range(10..20)).unwrap(), bytes[10..20]);
        for range in [len - 1..len + 1, len..len + 1] {
            assert_eq!(read(Part::Range(range)).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}

#[test]
fn opening_takes_one_request_a_cold_second_two_and_a_warm_one_one() {
    let (_folder, _, web) = served();
    let store = open(&web);
    let (document, index) = ("GET archive.zarr/it/zarr.json", "GET archive.zarr/it/opus_index/");
    let blob = "GET archive.zarr/it/opus_blob/c/0 ";
    let asked = |expected: &[&str]| {
        let requests = web.requests();
        let fits = requests.iter().zip(expected).all(|(one, start)| one.starts_with(start));
        assert!(requests.len() == expected.len() && fits, "{requests:?}");
    };
    asked(&["GET archive.zarr/zarr.json"]);
    let recording = Recording::open(&store, "it").unwrap();
    asked(&[document]);
    let cold = recording.read_as::<i16>(APPROXIMATE, 48_000..96_000).unwrap();
    asked(&[index, blob]);
    recording.read_as::<i16>(APPROXIMATE, 60_000..108_000).unwrap();
    asked(&[blob]);

    let storage = ObjectStorage::from_url(&url(&web)).unwrap();
    block_on(async {
        let store = AsyncStore::open(std::sync::Arc::new(storage)).await.unwrap();
        asked(&["GET archive.zarr/zarr.json"]);
        let recording = AsyncRecording::open(&store, "it").await.unwrap();
        asked(&[document]);
        assert!(recording.read_as::<i16>(APPROXIMATE, 48_000..96_000).await.unwrap() == cold);
        asked(&[index, blob]);
        recording.read_as::<i16>(APPROXIMATE, 60_000..108_000).await.unwrap();
        asked(&[blob]);
    });
}

#[test]
fn a_missing_recording_or_store_is_a_typed_error() {
    let (_folder, _, web) = served();
    let error = Recording::open(&open(&web), "absent").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchRecording, "{error}");
    assert!(!open(&web).contains(&"absent".parse().unwrap()).unwrap());
    let elsewhere = open_url(&format!("http://127.0.0.1:{}/other", web.port)).unwrap();
    let error = Store::open_in(elsewhere).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotAStore, "{error}");
}

#[test]
fn writing_is_a_typed_error_and_sends_no_request() {
    let (_folder, _, web) = served();
    let store = open(&web);
    web.requests();
    let name = "it".parse().unwrap();
    let is_read_only = |error: StoreError| error.kind() == StoreErrorKind::ReadOnly;
    assert!(is_read_only(store.create_recording(&"new".parse().unwrap()).unwrap_err()));
    assert!(is_read_only(store.delete_recording(&name).unwrap_err()));
    let error = opus_zarr::import(testdata(MONO), &store, "new", &Default::default(), unwatched);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ReadOnly);
    assert!(web.requests().iter().all(|one| one.starts_with("GET")));
}

#[test]
fn listing_a_plain_server_is_an_error() {
    let (_folder, _, web) = served();
    let error = open(&web).recordings().map(drop).unwrap_err();
    assert_eq!(error.operation(), Some(Operation::List), "{error}");
    assert!(!format!("{error:?}").contains('\n'), "{error:?}");
}

#[test]
fn a_web_server_keeps_the_contract_of_reading() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("x/it")).unwrap();
    let objects: [(&str, &[u8]); 2] = [("zarr.json", b"{}"), ("it/zarr.json", b"0123456789ab")];
    for (key, bytes) in objects {
        std::fs::write(folder.path().join("x").join(key), bytes).unwrap();
    }
    let web = Web::start(folder.path(), true);
    let storage = ObjectStorage::from_url(&format!("http://127.0.0.1:{}/x", web.port)).unwrap();
    check_storage(&storage, &objects).unwrap();
    block_on(check_async_storage(&storage, &objects)).unwrap();
}

#[test]
fn a_server_without_ranges_is_an_error_and_never_wrong_samples() {
    let (folder, _, _) = served();
    let web = Web::start(folder.path(), false);
    let recording = Recording::open(&open(&web), "it").unwrap();
    let error = recording.read::<i16>(48_000..96_000).unwrap_err();
    assert!(format!("{error:?}").contains("Range request not supported"), "{error:?}");
}
