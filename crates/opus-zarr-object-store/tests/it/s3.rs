//! Stores on an S3 server, over a good network and a bad one.

use std::{
    io::{ErrorKind, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    MONO, STEREO, all, block_on, files, import, names, objects,
    proxy::{Act, Proxy},
    s3::{LEASE, TIMEOUT, behind, client, storage, store},
    testdata,
};
use object_store::{ObjectStoreExt, path::Path};
use opus_zarr::{AsyncRecording, AsyncStore, Recording, Store};
use opus_zarr_object_store::ObjectStorage;
use opus_zarr_store::{Part, Storage, WriteStorage};
use opus_zarr_testkit::moto::Moto;
use opus_zarr_testkit::recordings::open_at;

#[test]
fn recordings_are_imported_listed_read_copied_and_deleted() {
    let Some(moto) = Moto::shared() else { return };
    moto.make_bucket("plain");
    let store = store(moto.port, "plain");
    assert_eq!(store.storage().to_string(), "s3://plain/a/b");
    let folder = tempfile::tempdir().unwrap();
    for file in [MONO, STEREO] {
        import(&store, file, file).unwrap();
        opus_zarr_testkit::recordings::import_to(testdata(file), folder.path().join("store"), file)
            .unwrap();
    }
    let expected = files(&folder.path().join("store"), "a/b");
    assert!(objects(&client(moto.port, "plain")) == expected);
    let key = format!("a/b/{MONO}/opus_blob/c/0");
    assert!(moto.ask("GET", &format!("plain/{key}")).ends_with(&expected[&key]));
    assert_eq!(names(&store), [STEREO, MONO]);

    let local = open_at(folder.path().join("store"), MONO).unwrap();
    assert!(all(&Recording::open(&store, MONO).unwrap()) == all(&local));
    let read = block_on(async {
        let storage = Arc::new(storage(moto.port, "plain"));
        let recording =
            AsyncRecording::open(&AsyncStore::open(storage).await.unwrap(), MONO).await.unwrap();
        recording.read::<i16>(48_000..96_000).await.unwrap()
    });
    assert!(read == local.read::<i16>(48_000..96_000).unwrap());

    let (it, other) = (MONO.parse().unwrap(), "Zaunkönig #1 100%".parse().unwrap());
    store.rename_recording(&it, &other).unwrap();
    assert_eq!(names(&store), [other.as_str(), STEREO]);
    assert!(all(&Recording::open(&store, other.as_str()).unwrap()) == all(&local));
    store.delete_recording(&other).unwrap();
    assert_eq!(names(&store), [STEREO]);
}

#[test]
fn objects_are_read_and_written_in_parts() {
    let Some(moto) = Moto::shared() else { return };
    moto.make_bucket("parts");
    let storage = storage(moto.port, "parts");
    let bytes: Vec<u8> = (0..18_000_000_u32).map(|i| i.to_le_bytes()[1]).collect();
    for is_finished in [false, true] {
        let mut object = storage.create("big").unwrap();
        object.write_all(&bytes).unwrap();
        let absent = Storage::read(&storage, "big", Part::Last(1)).unwrap_err();
        assert_eq!(absent.kind(), ErrorKind::NotFound);
        if is_finished {
            object.finish().unwrap();
        }
    }
    assert_eq!(moto.unfinished_uploads("parts"), 0, "aborted");
    let read = |part| Storage::read(&storage, "big", part);
    let kind = |part| read(part).unwrap_err().kind();
    assert!(read(Part::Whole(1 << 30)).unwrap() == bytes);
    assert!(read(Part::Range(8_388_600..8_388_700)).unwrap() == bytes[8_388_600..8_388_700]);
    assert!(read(Part::Last(10)).unwrap() == bytes[17_999_990..]);
    assert_eq!(kind(Part::Range(17_999_999..18_000_001)), ErrorKind::UnexpectedEof);
    assert_eq!(kind(Part::Range(18_000_000..18_000_001)), ErrorKind::UnexpectedEof);
    assert_eq!(kind(Part::Whole(17_999_999)), ErrorKind::FileTooLarge);
    let other = ObjectStorage::new(client(moto.port, "no-bucket"), "", "x").unwrap();
    let error = Storage::read(&other, "x", Part::Last(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[test]
fn one_of_two_writers_wins_and_a_dead_one_is_replaced() {
    let Some(moto) = Moto::shared() else { return };
    moto.make_bucket("writers");
    let port = moto.port;
    store(port, "writers");
    let results: Vec<_> = thread::scope(|scope| {
        let start = || import(&store(port, "writers"), MONO, "it");
        let writers: Vec<_> = (0..2).map(|_| scope.spawn(start)).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    // One that starts after the other has finished finds its recording.
    let wrote = won.iter().flatten().filter(|imported| imported.earlier == 0).count();
    assert_eq!(wrote, 1, "{lost:?}");
    for error in lost.into_iter().filter_map(Result::err) {
        let error = error.to_string();
        assert!(
            error.contains("is writing the recording") || error.contains("already has"),
            "{error}"
        );
    }

    let lease = Path::from("a/b/.opus-zarr-leases/dead/00000000000000000001");
    let left = Path::from("a/b/dead/opus_blob/c/9");
    let objects = client(port, "writers");
    block_on(async {
        objects.put(&lease, "somebody 3\n".into()).await.unwrap();
        objects.put(&left, "left".into()).await.unwrap();
    });
    let store = store(port, "writers");
    assert_eq!(names(&store), ["it"]);
    let began = Instant::now();
    import(&store, MONO, "dead").unwrap();
    assert!(began.elapsed() >= LEASE);
    assert_eq!(names(&store), ["dead", "it"]);
    assert!(block_on(objects.get(&lease)).is_err() && block_on(objects.get(&left)).is_err());
}

#[test]
fn an_import_succeeds_over_an_unreliable_network() {
    let Some(moto) = Moto::shared() else { return };
    moto.make_bucket("flaky");
    store(moto.port, "flaky");
    let proxy = Proxy::start(moto.port, |number, _| match number {
        n if n % 5 == 1 => Act::Refuse(503),
        n if n % 5 == 3 => Act::Lose(500),
        _ => Act::Pass,
    });
    import(&behind(&proxy, "flaky"), MONO, "it").unwrap();
    assert!(proxy.requests() > 20);
    let direct = store(moto.port, "flaky");
    assert!(Recording::open(&direct, "it").unwrap().has_index());
}

#[test]
fn a_late_document_makes_a_complete_recording_or_none() {
    let Some(moto) = Moto::shared() else { return };
    moto.make_bucket("late");
    let direct = store(moto.port, "late");
    let is_document = |line: &str| line.starts_with("PUT") && line.contains("/it/zarr.json ");
    let proxy = Proxy::start(moto.port, move |_, line| {
        let late = Act::Delay(TIMEOUT + Duration::from_secs(1));
        if is_document(line) { late } else { Act::Pass }
    });
    let result = import(&behind(&proxy, "late"), MONO, "it").map(drop);
    is_whole_or_invisible(&direct, result.is_ok());
    if let Err(error) = result {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    thread::sleep(Duration::from_secs(2));
    is_whole_or_invisible(&direct, false);
    import_again(&direct);
}

#[test]
fn the_remains_of_a_dead_network_do_not_block_the_next_import() {
    let Some(moto) = Moto::shared() else { return };
    moto.make_bucket("dies");
    let direct = store(moto.port, "dies");
    let has_died = AtomicBool::new(false);
    let proxy = Proxy::start(moto.port, move |_, line| {
        let is_blob = line.starts_with("PUT") && line.contains("opus_blob/c/0");
        let dies = is_blob && !has_died.swap(true, Ordering::SeqCst);
        if dies { Act::Die } else { Act::Pass }
    });
    let began = Instant::now();
    let error = import(&behind(&proxy, "dies"), MONO, "it").unwrap_err();
    assert!(error.path().is_none(), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(names(&direct), Vec::<String>::new());
    import_again(&direct);
}

fn is_whole_or_invisible(store: &Store, is_done: bool) {
    if names(store).is_empty() {
        assert!(!is_done);
    } else {
        assert!(!all(&Recording::open(store, "it").unwrap()).is_empty());
    }
}

fn import_again(store: &Store) {
    if names(store).is_empty() {
        import(store, MONO, "it").unwrap();
    }
    assert!(Recording::open(store, "it").unwrap().has_index());
}
