//! Exact reads, compared with a full decode by libopus.

mod by_default;
mod corpus;
mod delayed;
mod full;
mod opusenc;

use std::{fmt::Debug, fs, num::NonZeroUsize, path::Path};

use full::{Full, packet_starts};
use opus_packet::CodedPos;
use opus_packet_index::{SYNC_SPACING, SyncEntry};
use opus_zarr::{
    Exactness, FaultKind, ImportOptions, NotExact, ReadLimits, ReadMode, Recording, Sample, Store,
    VerifyLevel, VerifyOptions, unwatched,
};
use opus_zarr_testkit::{
    Random,
    damage::edit_document,
    fast_folder,
    recordings::{DTX, MONO, STEREO, import_with, open_at, store_of, verify_at},
    testdata,
    tree::Tree,
    warnings::warnings_of,
};

fn exact() -> ImportOptions {
    ImportOptions::default().exact(true)
}

/// Checks ranges of all lengths, and the whole recording in pieces.
fn check<S: Sample + PartialEq + Debug>(recording: &Recording, what: &str, reads: u64) {
    let (full, mut random) = (Full::<S>::of(recording, what), Random(7));
    for _ in 0..reads {
        full.check(random.range(recording.info().play_length, 48_000));
    }
    full.check_in_pieces();
}

#[test]
fn reads_equal_the_full_decode() {
    for file in [MONO, STEREO, DTX] {
        let store = fast_folder();
        let imported = import_with(testdata(file), store.path(), "it", &exact()).unwrap();
        let recording = imported.into_first();
        assert_eq!(recording.read_mode(), ReadMode::Exact);
        check::<i16>(&recording, file, 300);
        check::<f32>(&recording, file, 300);
    }
}

/// The noise that a decoder puts into a pause depends on its estimate of the background.
#[test]
fn reads_from_every_packet_of_speech_with_pauses_equal_the_full_decode() {
    let (_store, mut recording) = store_of(DTX);
    recording.build_sync(unwatched).unwrap();
    let starts = packet_starts(&recording);
    Full::<i16>::of(&recording, DTX).check_from(&starts);
    Full::<f32>::of(&recording, DTX).check_from(&starts);
}

#[test]
fn a_recording_without_a_sync_map_says_so_and_can_build_one() {
    let (store, mut recording) = store_of(STEREO);
    assert_eq!(recording.exactness(), Err(NotExact::NoSyncMap));
    assert_eq!(recording.read_mode(), ReadMode::Agreed);
    let error = recording.check_sync(unwatched).unwrap_err();
    assert_eq!(error.not_exact(), Some(&NotExact::NoSyncMap));
    assert!(format!("{error:?}").contains("build_sync"), "{error:?}");
    // Decoding from the start is exact in any case.
    let full = Full::<i16>::of(&recording, STEREO);
    let late = recording.info().play_length - 4800..recording.info().play_length;
    full.check_samples(late.clone(), &recording.read_as(ReadMode::Exact, late).unwrap());
    drop(full);

    recording.build_sync(unwatched).unwrap();
    assert_eq!(recording.read_mode(), ReadMode::Exact);
    check::<i16>(&recording, "built later", 100);
    // An import writes the same map.
    let other = fast_folder();
    let imported = import_with(testdata(STEREO), other.path(), "it", &exact()).unwrap();
    let (built, imported) = (Tree::of(store.path()), imported.into_first().info().clone());
    assert_eq!(built.differences(&Tree::of(other.path())), [Path::new("it/zarr.json")]);
    let mut info = recording.info().clone();
    assert_eq!(std::mem::take(&mut info.generation), 1);
    assert_eq!(info, imported);
}

#[test]
fn reading_many_ranges_at_once_equals_reading_them_one_by_one() {
    let (store, mut recording) = store_of(STEREO);
    let len = recording.info().play_length;
    let mut random = Random(9);
    let mut ranges: Vec<_> = (0..200).map(|_| random.range(len, 30_000)).collect();
    ranges.extend([len..len + 1, 5..5, 0..len, 100..200, 100..200]);
    for exact in [false, true] {
        if exact {
            recording.build_sync(unwatched).unwrap();
        }
        for workers in [1, 3] {
            let workers = NonZeroUsize::new(workers).unwrap();
            let limits = ReadLimits::default().workers(workers).samples(96_000);
            let many = recording.read_many::<f32>(&ranges, limits);
            assert_eq!(many.len(), ranges.len());
            for (range, read) in ranges.iter().zip(many) {
                match recording.read::<f32>(range.clone()) {
                    Ok(alone) => assert!(read.unwrap() == alone, "{range:?}"),
                    Err(error) => assert_eq!(read.unwrap_err().to_string(), error.to_string()),
                }
            }
        }
    }
    // A damaged range does not affect its neighbours.
    opus_zarr_testkit::damage::edit(&store.path().join("it/opus_blob/c/0"), |bytes| {
        bytes[100_000] ^= 1
    });
    let recording = open_at(store.path(), "it").unwrap();
    let many = recording.read_many::<f32>(&ranges, ReadLimits::default());
    let alone: Vec<_> = ranges.iter().map(|range| recording.read::<f32>(range.clone())).collect();
    assert!(many.iter().any(Result::is_ok) && many.iter().any(Result::is_err));
    for (many, alone) in many.iter().zip(&alone) {
        assert_eq!(many.as_ref().ok(), alone.as_ref().ok());
    }
}

#[test]
fn a_sync_map_of_another_decoder_counts_from_where_memory_is_settled() {
    for file in [MONO, STEREO] {
        let (store, mut recording) = store_of(file);
        recording.build_sync(unwatched).unwrap();
        drop(recording);
        edit_document(&store.path().join("it"), |document| {
            document["attributes"]["opus_zarr"]["sync"]["decoder"] = "libopus 0.0".into();
        });
        let recording = open_at(store.path(), "it").unwrap();
        assert_eq!(recording.exactness(), Ok(Exactness::SettledMap));
        let Err(error) = recording.check_sync(unwatched) else { panic!() };
        let Some(NotExact::OtherDecoder { measured, .. }) = error.not_exact() else { panic!() };
        assert_eq!(measured, "libopus 0.0");
        check::<i16>(&recording, "another decoder", 20);
        check::<f32>(&recording, "another decoder", 20);
    }
}

#[test]
fn a_sync_map_by_another_rule_is_ignored_until_it_is_built_again() {
    let (store, mut recording) = store_of(STEREO);
    recording.build_sync(unwatched).unwrap();
    drop(recording);
    edit_document(&store.path().join("it"), |document| {
        document["attributes"]["opus_zarr"]["sync"]["rule"] = 3.into();
    });
    let mut recording = open_at(store.path(), "it").unwrap();
    assert_eq!(recording.exactness(), Err(NotExact::OtherRule { rule: 3, expected: 2 }));
    assert_eq!(recording.read_mode(), ReadMode::Agreed);
    recording.build_sync(unwatched).unwrap();
    assert_eq!(recording.exactness(), Ok(Exactness::Map));
    check::<i16>(&recording, "built again", 5);
    no_fault(store.path(), "it");
}

const CHUNK: &str = "it/opus_sync/c/0/0";

#[test]
fn reads_without_a_usable_sync_map_are_exact_and_warn() {
    let (store, mut recording) = store_of(STEREO);
    recording.build_sync(unwatched).unwrap();
    let chunk = store.path().join(CHUNK);
    let good = fs::read(&chunk).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    for damage in [Some(bad), Some(good[..20].to_vec()), None] {
        match &damage {
            Some(bytes) => fs::write(&chunk, bytes).unwrap(),
            None => fs::remove_file(&chunk).unwrap(),
        }
        let damaged = open_at(store.path(), "it").unwrap();
        let ((), warnings) = warnings_of(|| check::<i16>(&damaged, "damaged", 5));
        assert!(warnings[0].contains("opus_sync"), "{warnings:?}");
        let options = VerifyOptions::default().level(VerifyLevel::Checksums);
        let faults = verify_at(store.path(), "it", &options).unwrap().faults;
        assert_eq!(faults.total(), 1);
        assert!(faults.listed()[0].place.object.ends_with(CHUNK));
        // It can be rebuilt.
        let mut damaged = damaged;
        damaged.build_sync(unwatched).unwrap();
        assert_eq!(fs::read(&chunk).unwrap(), good);
    }
}

#[test]
fn reads_without_the_index_are_exact() {
    let (store, mut recording) = store_of(STEREO);
    recording.build_sync(unwatched).unwrap();
    fs::remove_file(store.path().join("it/opus_index/c/0/0")).unwrap();
    let recording = open_at(store.path(), "it").unwrap();
    check::<i16>(&recording, "without its index", 5);
}

#[test]
fn copies_include_the_sync_map() {
    let (store, mut recording) = store_of(STEREO);
    recording.build_sync(unwatched).unwrap();
    let other = fast_folder();
    let (here, there) =
        (Store::open(store.path()).unwrap(), Store::open_or_create(other.path()).unwrap());
    let name = |name: &str| name.parse().unwrap();
    here.copy_recording(&name("it"), &here, &name("beside")).unwrap();
    here.copy_recording(&name("it"), &there, &name("it")).unwrap();
    here.rename_recording(&name("beside"), &name("again")).unwrap();
    for (store, name) in [(store.path(), "again"), (other.path(), "it")] {
        let copy = open_at(store, name).unwrap();
        assert_eq!(copy.read_mode(), ReadMode::Exact);
        check::<i16>(&copy, name, 20);
        no_fault(store, name);
    }
}

fn no_fault(store: &Path, name: &str) {
    let options = VerifyOptions::default().level(VerifyLevel::Decode);
    assert_eq!(verify_at(store, name, &options).unwrap().faults.listed(), []);
}

/// Even with correct checksums.
#[test]
fn verify_finds_a_wrong_sync_map() {
    let (store, mut recording) = store_of(STEREO);
    recording.build_sync(unwatched).unwrap();
    no_fault(store.path(), "it");
    set_entry(store.path(), 2, SyncEntry::ALL);
    assert_eq!(faults_of(store.path(), 1.0)[0], FaultKind::SyncMap { first: 2 });
}

#[test]
fn verifying_a_sample_finds_wrong_entries_in_it() {
    let (store, mut recording) = store_of(STEREO);
    recording.build_sync(unwatched).unwrap();
    assert_eq!(faults_of(store.path(), 0.5), []);
    let sync = |store: &Path| {
        let store = Store::open(store).unwrap();
        store.open_recording(&"it".parse().unwrap()).unwrap().sync_entries().unwrap().unwrap()
    };
    let entries = sync(store.path());
    let wrong = |entry: usize| {
        let number = u64::try_from(entry).unwrap();
        SyncEntry::new(number, CodedPos::new(number * SYNC_SPACING), None)
    };
    let mut found = 0;
    for (entry, &right) in entries.iter().enumerate().skip(1) {
        set_entry(store.path(), entry, wrong(entry));
        let number = u64::try_from(entry).unwrap();
        let faults = faults_of(store.path(), 0.5);
        let entry_of = |fault: &FaultKind| match fault {
            FaultKind::SyncEntry { entry, .. } => Some(*entry),
            _ => None,
        };
        found += usize::from(faults.iter().filter_map(entry_of).any(|entry| entry == number));
        set_entry(store.path(), entry, right);
        // Every sample includes the first entry.
        assert!(entry != 1 || found == 1, "{faults:?}");
    }
    assert!((entries.len() / 4..entries.len()).contains(&found), "{found} of {}", entries.len());
    assert_eq!(faults_of(store.path(), 0.5), []);
}

fn set_entry(store: &Path, entry: usize, value: SyncEntry) {
    let store = Store::open(store).unwrap();
    let mut reader = store.open_recording(&"it".parse().unwrap()).unwrap();
    let info = reader.info().sync.clone().unwrap();
    let mut entries = reader.sync_entries().unwrap().unwrap();
    entries[entry] = value;
    reader.replace_sync(&entries, &info.decoder).unwrap();
}

fn faults_of(store: &Path, sample: f64) -> Vec<FaultKind> {
    let options = VerifyOptions::default().level(VerifyLevel::Decode).sample(sample);
    let faults = verify_at(store, "it", &options).unwrap().faults;
    faults.listed().iter().map(|fault| fault.kind.clone()).collect()
}
