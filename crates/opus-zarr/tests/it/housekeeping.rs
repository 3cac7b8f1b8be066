//! Copying, renaming, deleting and annotating recordings, in every storage.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use opus_zarr::{ImportOptions, Recording, import, unwatched};
use opus_zarr_store::{Error, ErrorKind, LocalStorage, MemoryStorage, Part, Storage, Store};
use opus_zarr_testkit::{
    Random, fast_folder,
    operations::{Snapshot, name, snapshot},
    recordings::{MONO, STEREO, all},
    testdata,
};
use serde_json::{Map, Value, json};

/// Runs a test with a store in each kind of storage, and with an empty store in the other kind.
fn in_every_storage(test: impl Fn(&Store, &Store)) {
    let folder = fast_folder();
    let local: Arc<dyn Storage> = Arc::new(LocalStorage::new(folder.path().join("a")));
    let memory: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let other_local: Arc<dyn Storage> = Arc::new(LocalStorage::new(folder.path().join("b")));
    let other_memory: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    for (storage, other) in [(local, other_memory), (memory, other_local)] {
        let [store, other] =
            [storage, other].map(|storage| Store::open_or_create_in(storage).unwrap());
        for (file, name) in [(MONO, "mono"), (STEREO, "stereo")] {
            import(testdata(file), &store, name, &ImportOptions::default(), unwatched).unwrap();
        }
        test(&store, &other);
    }
}

fn names(store: &Store) -> BTreeSet<String> {
    let names: Vec<String> =
        store.recordings().unwrap().map(|name| name.unwrap().to_string()).collect();
    let sorted: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(sorted.len(), names.len(), "a name twice: {names:?}");
    sorted
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// The objects of one recording, by their names within it.
fn objects(store: &Store, recording: &str) -> Snapshot {
    let start = format!("{recording}/");
    let of_it = |(key, bytes): (String, Vec<u8>)| Some((key.strip_prefix(&start)?.into(), bytes));
    snapshot(store).into_iter().filter_map(of_it).collect()
}

fn samples(store: &Store, recording: &str) -> Vec<i16> {
    all(&Recording::open(store, recording).unwrap())
}

fn document(store: &Store, recording: &str) -> Value {
    let bytes = store.storage().read(&format!("{recording}/zarr.json"), Part::Whole(u64::MAX));
    serde_json::from_slice(&bytes.unwrap()).unwrap()
}

#[test]
fn copies_equal_the_original_byte_for_byte_and_survive_it() {
    in_every_storage(|store, other| {
        let (before, heard) = (objects(store, "mono"), samples(store, "mono"));
        store.copy_recording(&name("mono"), store, &name("twin")).unwrap();
        store.copy_recording(&name("mono"), other, &name("there")).unwrap();
        other.copy_recording(&name("there"), store, &name("back")).unwrap();
        assert_eq!(names(store), set(["back", "mono", "stereo", "twin"]));
        assert_eq!(names(other), set(["there"]));
        store.delete_recording(&name("mono")).unwrap();
        for (store, copy) in [(store, "twin"), (other, "there"), (store, "back")] {
            assert!(objects(store, copy) == before, "{copy}");
            assert!(samples(store, copy) == heard, "{copy}");
        }
    });
}

#[test]
fn a_taken_or_missing_name_changes_nothing() {
    in_every_storage(|store, other| {
        let before = snapshot(store);
        let (mono, stereo, none) = (name("mono"), name("stereo"), name("none"));
        let exists = |result: Result<_, Error>| {
            assert_eq!(result.map(drop).unwrap_err().kind(), ErrorKind::RecordingExists);
        };
        let missing = |result: Result<(), Error>| {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::NoSuchRecording);
        };
        exists(store.copy_recording(&mono, store, &stereo));
        exists(store.copy_recording(&mono, store, &mono));
        exists(store.rename_recording(&mono, &stereo));
        exists(store.rename_recording(&mono, &mono));
        missing(store.copy_recording(&none, store, &name("new")).map(drop));
        missing(store.copy_recording(&none, other, &name("new")).map(drop));
        missing(store.rename_recording(&none, &name("new")).map(drop));
        missing(store.delete_recording(&none));
        assert!(snapshot(store) == before && names(other).is_empty());
    });
}

#[test]
fn recordings_are_renamed_and_deleted() {
    in_every_storage(|store, _| {
        let before = objects(store, "mono");
        let renamed = store.rename_recording(&name("mono"), &name("wren 1")).unwrap();
        assert_eq!(renamed.name(), &name("wren 1"));
        assert_eq!(names(store), set(["stereo", "wren 1"]));
        assert!(objects(store, "wren 1") == before);
        assert!(!store.contains(&name("mono")).unwrap());
        store.delete_recording(&name("stereo")).unwrap();
        assert_eq!(names(store), set(["wren 1"]));
        assert!(store.open_recording(&name("stereo")).is_err());
        import(testdata(STEREO), store, "mono", &ImportOptions::default(), unwatched).unwrap();
        assert_eq!(names(store), set(["mono", "wren 1"]));
    });
}

#[test]
fn user_metadata_changes_only_the_document_and_follows_the_recording() {
    in_every_storage(|store, other| {
        let before = snapshot(store);
        let foreign = json!({ "plotted by": ["another program", 7] });
        add_attribute(store, "mono", "elsewhere", &foreign);
        let user = Map::from_iter([("species".to_owned(), json!({ "of": ["wren", null, 1.5] }))]);
        let mut recording = store.open_recording(&name("mono")).unwrap();
        recording.edit_user_metadata(|all| *all = user.clone()).unwrap();
        assert_eq!(recording.info().user, user);
        let changed: Vec<String> = snapshot(store)
            .into_iter()
            .filter(|(key, bytes)| before.get(key) != Some(bytes))
            .map(|(key, _)| key)
            .collect();
        assert_eq!(changed, ["mono/zarr.json"]);

        Recording::open(store, "mono").unwrap().rebuild_index(unwatched).unwrap();
        store.copy_recording(&name("mono"), other, &name("mono")).unwrap();
        store.rename_recording(&name("mono"), &name("renamed")).unwrap();
        for (store, recording) in [(other, "mono"), (store, "renamed")] {
            let info = store.open_recording(&name(recording)).unwrap();
            assert_eq!(info.info().user, user, "{recording}");
            assert_eq!(document(store, recording)["attributes"]["elsewhere"], foreign);
        }

        let mut recording = store.open_recording(&name("renamed")).unwrap();
        recording.edit_user_metadata(|all| *all = Map::new()).unwrap();
        assert!(store.open_recording(&name("renamed")).unwrap().info().user.is_empty());
    });
}

#[test]
fn user_metadata_that_could_not_be_read_back_is_refused() {
    in_every_storage(|store, _| {
        let before = snapshot(store);
        let deep = (0..200).fold(Value::Null, |inner, _| Value::from(vec![inner]));
        let long = Value::from(",".repeat(1_100_000));
        for (user, kind) in [(deep, ErrorKind::Inconsistent), (long, ErrorKind::TooLarge)] {
            let mut recording = store.open_recording(&name("mono")).unwrap();
            let user = Map::from_iter([("notes".to_owned(), user)]);
            let error = recording.edit_user_metadata(|all| *all = user.clone()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(recording.info().user.is_empty());
        }
        assert!(snapshot(store) == before);
    });
}

#[test]
fn numbers_in_user_metadata_read_back_to_the_last_bit() {
    let store = Store::open_or_create_in(Arc::new(MemoryStorage::new())).unwrap();
    import(testdata(MONO), &store, "it", &ImportOptions::default(), unwatched).unwrap();
    let mut random = Random(1);
    let numbers: Vec<f64> = (0..2000)
        .map(|_| f64::from_bits(random.below(u64::MAX)))
        .filter(|number| number.is_finite())
        .collect();
    let user = Map::from_iter([("numbers".to_owned(), Value::from(numbers))]);
    store
        .open_recording(&name("it"))
        .unwrap()
        .edit_user_metadata(|all| *all = user.clone())
        .unwrap();
    assert!(store.open_recording(&name("it")).unwrap().info().user == user);
}

#[test]
fn listing_ten_thousand_recordings_takes_less_than_two_seconds() {
    let folder = fast_folder();
    let store = Store::open_or_create(folder.path()).unwrap();
    import(testdata(MONO), &store, "0", &ImportOptions::default(), unwatched).unwrap();
    let document = folder.path().join("0/zarr.json");
    for number in 1..10_000 {
        let recording = folder.path().join(number.to_string());
        fs::create_dir(&recording).unwrap();
        fs::hard_link(&document, recording.join("zarr.json")).unwrap();
    }
    let start = Instant::now();
    let mut recordings = store.recordings().unwrap();
    recordings.next().unwrap().unwrap();
    let first = start.elapsed();
    assert_eq!(recordings.map(Result::unwrap).count(), 9_999);
    let all = start.elapsed();
    println!("10,000 recordings: the first after {first:?}, all after {all:?}");
    assert!(all < Duration::from_secs(2), "{all:?}");
}

/// Adds an attribute beside ours and rewrites the document, as another program may.
fn add_attribute(store: &Store, recording: &str, key: &str, value: &Value) {
    let mut document = document(store, recording);
    document["attributes"][key] = value.clone();
    let document_key = format!("{recording}/zarr.json");
    let mut object = store.storage().writing().unwrap().create(&document_key).unwrap();
    object.write_all(format!("{document:#}").as_bytes()).unwrap();
    object.finish().unwrap();
}
