//! Every bit of a small store, flipped. From inside the crate, because each object is
//! checked by what concerns it alone: half a million flips take seconds then.

use super::{fixture::*, *};

fn full() -> VerifyOptions {
    VerifyOptions::default()
}

fn faults(store: &Objects) -> Vec<Fault> {
    verify(store, &name(), &full()).unwrap().faults.listed().to_vec()
}

fn flip(store: &Objects, key: &str, bit: usize) {
    store.0.lock().unwrap().get_mut(key).unwrap()[bit / 8] ^= 1 << (bit % 8);
}

/// Flips every bit of an object and asks each time whether that is found.
fn each_flip(store: &Objects, key: &str, is_found: impl Fn() -> bool) {
    assert!(!is_found(), "{key} is whole");
    let bits = store.0.lock().unwrap()[key].len() * 8;
    for bit in 0..bits {
        flip(store, key, bit);
        assert!(is_found(), "{key}: bit {bit} of {bits} was not found");
        flip(store, key, bit);
    }
    assert_eq!(faults(store), []);
}

/// What one part of the verification finds in the recording that is open.
fn part_finds(
    store: &Objects,
    options: &VerifyOptions,
    part: impl FnOnce(&mut Verifier<'_>, &StoredRecording),
    recording: &StoredRecording,
) -> bool {
    let mut verifier = Verifier { storage: store, options, found: Verification::default() };
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
        // Opened anew: an open recording keeps what it has read.
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
        let key = &format!("a/{array}/zarr.json");
        let is_found =
            || part_finds(&store, &options, |it, of| it.array(of, array, &expected), &recording);
        each_flip(&store, key, is_found);
    }
}

#[test]
fn every_flipped_bit_of_the_document_of_a_recording_is_found() {
    let store = small();
    let options = VerifyOptions { level: VerifyLevel::Metadata, ..full() };
    each_flip(&store, GROUP, || match verify(&store, &name(), &options) {
        Ok(found) => !found.faults.is_empty(),
        Err(error) => matches!(error, Error::Layout { .. }),
    });
}

#[test]
fn what_is_whole_has_no_fault_and_is_counted() {
    let found = verify(&small(), &name(), &full()).unwrap();
    assert_eq!(found.faults.listed(), []);
    assert_eq!((found.chunks, found.packets), (3, 7));
    let options = VerifyOptions { level: VerifyLevel::Checksums, ..full() };
    let found = verify(&small(), &name(), &options).unwrap();
    assert_eq!((found.faults.total(), found.chunks, found.packets), (0, 3, 0));
}

#[test]
fn a_lost_object_is_named() {
    for key in KEYS {
        let store = small();
        store.0.lock().unwrap().remove(key);
        let found = faults(&store);
        let lost = |fault: &Fault| {
            fault.kind == FaultKind::Lost && fault.place.object == format!("memory:/{key}")
        };
        assert!(found.iter().any(lost), "{key}: {found:?}");
        let only_once = found.iter().filter(|fault| lost(fault)).count();
        assert_eq!(only_once, 1, "{key}: {found:?}");
    }
    let none = verify(&small(), &"b".parse().unwrap(), &full());
    assert!(matches!(none, Err(Error::NoSuchRecording { .. })));
}

#[test]
fn a_byte_more_or_less_is_found_wherever_it_is() {
    for key in KEYS {
        let whole = small().0.lock().unwrap()[key].clone();
        let len = whole.len();
        for at in [0, 1, len / 2, len - 1, len] {
            let more = small();
            more.0.lock().unwrap().get_mut(key).unwrap().insert(at, b'x');
            assert!(!faults(&more).is_empty(), "{key}: a byte more at {at}");
        }
        // The line feed at the end of a document says nothing.
        let says_all = |rest: &[u8]| key.ends_with("zarr.json") && rest == b"\n";
        for at in [0, 1, len / 2, len - 2, len - 1] {
            let less = small();
            less.0.lock().unwrap().get_mut(key).unwrap().truncate(at);
            assert_eq!(faults(&less).is_empty(), says_all(&whole[at..]), "{key}: cut at {at}");
        }
    }
}

#[test]
fn a_sample_is_always_the_same_and_as_large_as_asked_for() {
    let count = |sample| {
        let options = VerifyOptions { sample, ..full() };
        (0..100_000).filter(|&chunk| options.takes(chunk)).count()
    };
    assert_eq!((count(0.0), count(1.0), count(f64::NAN)), (0, 100_000, 0));
    assert!((9_500..10_500).contains(&count(0.1)), "{}", count(0.1));
    assert_eq!(count(0.1), count(0.1));
}

#[test]
fn of_very_many_faults_some_are_listed_and_all_are_counted() {
    let mut faults = Faults::default();
    (0..5000).for_each(|number| faults.push(number));
    assert_eq!((faults.listed().len(), faults.omitted(), faults.total()), (1000, 4000, 5000));
}
