//! The requests made to an object store.

use std::sync::Arc;

use crate::support::{
    APPROXIMATE, MONO, block_on, faulty::Faulty, import, memory, storage_of, store_of, write_long,
};
use object_store::ObjectStore;
use opus_zarr::{AsyncRecording, AsyncStore, ImportOptions, Recording, unwatched};

fn counted() -> (Faulty, Arc<dyn ObjectStore>) {
    let faulty = Faulty::new(memory());
    (faulty.clone(), Arc::new(faulty))
}

#[test]
fn opening_takes_one_request_a_cold_second_two_and_a_warm_one_one() {
    let (faulty, objects) = counted();
    let store = store_of(&objects);
    import(&store, MONO, "it").unwrap();
    let cold = ["GET a/b/it/opus_index/c/0/0", "GET a/b/it/opus_blob/c/0"];

    faulty.requests();
    let recording = Recording::open(&store, "it").unwrap();
    assert_eq!(faulty.requests(), ["GET a/b/it/zarr.json"]);
    recording.read_as::<i16>(APPROXIMATE, 48_000..96_000).unwrap();
    assert_eq!(faulty.requests(), cold);
    recording.read_as::<i16>(APPROXIMATE, 60_000..108_000).unwrap();
    assert_eq!(faulty.requests(), &cold[1..]);

    let storage = Arc::new(storage_of(&objects));
    block_on(async {
        let store = AsyncStore::open(storage).await.unwrap();
        faulty.requests();
        let recording = AsyncRecording::open(&store, "it").await.unwrap();
        assert_eq!(faulty.requests(), ["GET a/b/it/zarr.json"]);
        recording.read_as::<i16>(APPROXIMATE, 48_000..96_000).await.unwrap();
        assert_eq!(faulty.requests(), cold);
        recording.read_as::<i16>(APPROXIMATE, 60_000..108_000).await.unwrap();
        assert_eq!(faulty.requests(), &cold[1..]);
    });
}

#[test]
fn a_second_at_the_border_of_two_shards_takes_three_requests() {
    let (faulty, objects) = counted();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.opus");
    write_long(&file);
    let store = store_of(&objects);
    opus_zarr::import(&file, &store, "it", &ImportOptions::default().exact(false), unwatched)
        .unwrap();
    // Packet n ends about n * 1005 bytes into the blob, so packet 16,694 at 16 MiB.
    let reads = |second: u64| {
        let recording = Recording::open(&store, "it").unwrap();
        faulty.requests();
        recording.read_as::<i16>(APPROXIMATE, second * 48_000..(second + 1) * 48_000).unwrap();
        faulty.requests().len()
    };
    let reads: Vec<usize> = (325..345).map(reads).collect();
    assert!(reads.contains(&3) && reads.iter().all(|count| (2..=3).contains(count)), "{reads:?}");
    assert!(reads.iter().filter(|count| **count == 3).count() <= 2, "{reads:?}");
}

#[test]
fn no_head_request_is_ever_made() {
    let (faulty, objects) = counted();
    let store = store_of(&objects);
    import(&store, MONO, "it").unwrap();
    let (it, other) = ("it".parse().unwrap(), "other".parse().unwrap());
    store.copy_recording(&it, &store, &other).unwrap();
    assert_eq!(store.recordings().unwrap().count(), 2);
    store.delete_recording(&it).unwrap();
    let requests = faulty.requests();
    assert!(!requests.iter().any(|one| one.starts_with("HEAD")), "{requests:#?}");
    assert!(!requests.iter().any(|one| one.starts_with("RENAME")), "{requests:#?}");
}

#[test]
fn an_import_of_a_small_file_takes_few_requests() {
    let (faulty, objects) = counted();
    let store = store_of(&objects);
    faulty.requests();
    import(&store, MONO, "it").unwrap();
    let requests = faulty.requests();
    println!("{} requests: {requests:#?}", requests.len());
    // 5 write objects of the recording, 2 read the blob back and 1 opens it.
    assert!(requests.len() <= 30, "{requests:#?}");
}

#[test]
fn a_list_takes_one_request_without_leases() {
    let (faulty, objects) = counted();
    let store = store_of(&objects);
    import(&store, MONO, "it").unwrap();
    faulty.requests();
    assert_eq!(store.recordings().unwrap().count(), 1);
    assert_eq!(faulty.requests().len(), 1);
    let _writer = store.create_recording(&"draft".parse().unwrap()).unwrap();
    faulty.requests();
    assert_eq!(store.recordings().unwrap().count(), 1);
    let requests = faulty.requests();
    let asked = requests.iter().filter(|one| !one.contains("leases/draft")).count();
    assert_eq!(asked, 3, "the list, the leases, the document: {requests:?}");
}
