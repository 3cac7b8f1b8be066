//! Flips every bit of a small store. A unit test, so that each flip runs only the checks of its
//! own object: half a million flips then take seconds.

use super::{fixture::*, *};

fn full() -> VerifyOptions {
    VerifyOptions::default()
}

fn go_on(_: VerifyProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn faults(store: &Objects) -> Vec<Fault> {
    verify(store, &name(), &full(), go_on).unwrap().faults.listed().to_vec()
}

fn flip(store: &Objects, key: &str, bit: usize) {
    store.0.lock().unwrap().get_mut(key).unwrap()[bit / 8] ^= 1 << (bit % 8);
}

/// Flips every bit of an object and checks that each flip is found.
fn each_flip(store: &Objects, key: &str, is_found: impl Fn() -> bool) {
    assert!(!is_found(), "{key} is intact");
    let bits = store.0.lock().unwrap()[key].len() * 8;
    for bit in 0..bits {
        flip(store, key, bit);
        assert!(is_found(), "{key}: bit {bit} of {bits} was not found");
        flip(store, key, bit);
    }
    assert_eq!(faults(store), []);
}

/// Whether one part of the verification finds a fault in an open recording.
fn part_finds(
    store: &Objects,
    options: &VerifyOptions,
    part: impl FnOnce(&mut Verifier<'_>, &StoredRecording),
    recording: &StoredRecording,
) -> bool {
    let mut watch = go_on;
    let mut verifier = Verifier::new(store, options, &mut watch);
    part(&mut verifier, recording);
    !verifier.found.faults.is_empty()
}

fn opened(store: &Objects) -> StoredRecording {
    ready(StoredRecording::open(&Ready(store), &name())).unwrap()
}

#[test]
fn every_flipped_bit_of_the_blob_shard_is_found() {
    let store = small();
    let (recording, options) = (opened(&store), full());
    let is_found = || part_finds(&store, &options, |it, of| it.blob(of), &recording);
    each_flip(&store, BLOB_SHARD, is_found);
}

#[test]
fn every_flipped_bit_of_the_index_shard_is_found() {
    let store = small();
    let (recording, options) = (opened(&store), full());
    let is_found = || part_finds(&store, &options, |it, of| it.index(of), &recording);
    each_flip(&store, INDEX_SHARD, is_found);
}

#[test]
fn every_flipped_bit_of_a_chunk_of_the_sync_map_is_found() {
    let store = small();
    let options = full();
    let is_found = || {
        // An open recording caches chunks, so open it again.
        part_finds(&store, &options, |it, of| it.sync(of), &opened(&store))
    };
    each_flip(&store, SYNC_CHUNK, is_found);
}

#[test]
fn every_flipped_bit_of_a_document_is_found() {
    let store = small();
    let (recording, options) = (opened(&store), full());
    each_flip(&store, ROOT, || part_finds(&store, &options, |it, _| it.root(), &recording));
    for (array, expected) in recording.document.info.arrays() {
        let key = &format!("a/{}/zarr.json", array.name());
        let is_found =
            || part_finds(&store, &options, |it, of| it.array(of, array, &expected), &recording);
        each_flip(&store, key, is_found);
    }
}

#[test]
fn every_flipped_bit_of_the_document_of_a_recording_is_found() {
    let store = small();
    let options = full().level(VerifyLevel::Metadata);
    each_flip(&store, GROUP, || match verify(&store, &name(), &options, go_on) {
        Ok(found) => !found.faults.is_empty(),
        Err(error) => error.kind() == ErrorKind::UnsupportedLayout,
    });
}

#[test]
fn an_intact_recording_has_no_fault_and_is_counted() {
    let found = verify(&small(), &name(), &full(), go_on).unwrap();
    assert_eq!(found.faults.listed(), []);
    assert_eq!((found.chunks, found.packets), (3, 7));
    let options = full().level(VerifyLevel::Checksums);
    let found = verify(&small(), &name(), &options, go_on).unwrap();
    assert_eq!((found.faults.total(), found.chunks, found.packets), (0, 3, 0));
}

#[test]
fn a_missing_object_is_named() {
    for key in KEYS {
        let store = small();
        store.0.lock().unwrap().remove(key);
        let found = faults(&store);
        let missing = |fault: &Fault| {
            fault.kind == FaultKind::Missing && fault.place.object == format!("memory:/{key}")
        };
        assert!(found.iter().any(missing), "{key}: {found:?}");
        let only_once = found.iter().filter(|fault| missing(fault)).count();
        assert_eq!(only_once, 1, "{key}: {found:?}");
    }
    let error = verify(&small(), &"b".parse().unwrap(), &full(), go_on).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchRecording);
}

#[test]
fn an_extra_or_missing_byte_is_found_anywhere() {
    for key in KEYS {
        let whole = small().0.lock().unwrap()[key].clone();
        let len = whole.len();
        for at in [0, 1, len / 2, len - 1, len] {
            let more = small();
            more.0.lock().unwrap().get_mut(key).unwrap().insert(at, b'x');
            assert!(!faults(&more).is_empty(), "{key}: an extra byte at {at}");
        }
        // The line feed at the end of a document is insignificant.
        let is_optional = |rest: &[u8]| key.ends_with("zarr.json") && rest == b"\n";
        for at in [0, 1, len / 2, len - 2, len - 1] {
            let less = small();
            less.0.lock().unwrap().get_mut(key).unwrap().truncate(at);
            assert_eq!(faults(&less).is_empty(), is_optional(&whole[at..]), "{key}: cut at {at}");
        }
    }
}

#[test]
fn a_sample_is_stable_and_of_the_requested_size() {
    let count = |sample| {
        let options = full().sample(sample);
        (0..100_000).filter(|&chunk| options.includes(chunk)).count()
    };
    assert_eq!((count(0.0), count(1.0), count(f64::NAN)), (0, 100_000, 0));
    assert!((9_500..10_500).contains(&count(0.1)), "{}", count(0.1));
    assert_eq!(count(0.1), count(0.1));
}

#[test]
fn many_faults_are_counted_but_only_some_listed() {
    let mut faults = Faults::default();
    (0..5000).for_each(|number| faults.push(number));
    assert_eq!((faults.listed().len(), faults.omitted(), faults.total()), (1000, 4000, 5000));
}

#[test]
fn a_fault_names_the_component() {
    let component = |key: &str| {
        let store = small();
        store.0.lock().unwrap().remove(key);
        faults(&store)[0].place.component
    };
    assert_eq!(component(ROOT), Component::Store);
    assert_eq!(component(GROUP), Component::Recording);
    assert_eq!(component(BLOB_DOCUMENT), Component::Metadata(ArrayKind::Blob));
    assert_eq!(component(INDEX_SHARD), Component::Data(ArrayKind::Index));
    assert_eq!(component(SYNC_CHUNK), Component::Data(ArrayKind::Sync));
}

#[test]
fn a_verification_is_watched_and_can_be_cancelled() {
    let mut all = Vec::new();
    let watch = |progress| {
        all.push(progress);
        ControlFlow::Continue(())
    };
    verify(&small(), &name(), &full(), watch).unwrap();
    assert!(all.is_sorted_by_key(|progress| progress.bytes), "{all:?}");
    assert!(all.iter().all(|progress| progress.bytes <= progress.total_bytes), "{all:?}");
    for reads in 1..=all.len() {
        let mut left = reads;
        let error = verify(&small(), &name(), &full(), |_| {
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(left, 0, "no read after the cancellation");
    }
}
