//! Verifying finds and names everything that is not as it was written, and what can be rebuilt is.

use std::{fs, path::Path};

use opus_zarr::{
    Fault, FaultKind, StoreFault, Verification, VerifyLevel, VerifyOptions, unwatched,
};
use opus_zarr_testkit::{
    Random,
    damage::{edit, set_attribute},
    fast_folder,
    recordings::{
        BOTH, MONO, STEREO, import_bytes, import_to, open_at, store_of, stream_of, verify_at,
    },
    stream::Pages,
    testdata,
    tree::Tree,
};
use serde_json::json;

const DOCUMENT: &str = "it/zarr.json";
const BLOB_SHARD: &str = "it/opus_blob/c/0";
const INDEX_SHARD: &str = "it/opus_index/c/0/0";
const OBJECTS: [&str; 6] = [
    "zarr.json",
    DOCUMENT,
    "it/opus_blob/zarr.json",
    BLOB_SHARD,
    "it/opus_index/zarr.json",
    INDEX_SHARD,
];
const LEVELS: [VerifyLevel; 5] = [
    VerifyLevel::Metadata,
    VerifyLevel::Checksums,
    VerifyLevel::Index,
    VerifyLevel::Packets,
    VerifyLevel::Decode,
];

fn at(level: VerifyLevel) -> VerifyOptions {
    VerifyOptions::default().level(level)
}

fn verified(store: &Path, level: VerifyLevel) -> Verification {
    verify_at(store, "it", &at(level)).unwrap()
}

fn faults(store: &Path, level: VerifyLevel) -> Vec<Fault> {
    listed(&verified(store, level))
}

fn listed(verification: &Verification) -> Vec<Fault> {
    let faults = verification.faults.listed().to_vec();
    for fault in &faults {
        assert_eq!(fault.to_string().lines().count(), 1, "{fault}");
    }
    faults
}

#[test]
fn an_import_has_no_fault_at_any_level() {
    for file in BOTH {
        let (store, recording) = store_of(file);
        for level in LEVELS {
            let found = recording.verify(&at(level), unwatched).unwrap();
            assert_eq!(found.faults.listed(), [], "{file} {level:?}");
            let packets = |from| if level >= from { recording.info().packet_count } else { 0 };
            assert_eq!(found.packets, packets(VerifyLevel::Index), "{file} {level:?}");
            assert_eq!(found.decoded, packets(VerifyLevel::Decode), "{file} {level:?}");
            assert!(found.not_decoded.is_none());
        }
        let whole = Tree::of(store.path());
        let some = VerifyOptions::default().level(VerifyLevel::Decode).sample(0.0);
        let found = recording.verify(&some, unwatched).unwrap();
        assert_eq!(found.faults.listed(), []);
        assert!(found.decoded <= recording.info().packet_count);
        whole.assert_same(&Tree::of(store.path()), "verifying changed it");
    }
}

#[test]
fn a_lost_object_is_named_and_rebuilt_where_possible() {
    for object in OBJECTS {
        let (store, mut recording) = store_of(MONO);
        let (path, whole) = (store.path().join(object), Tree::of(store.path()));
        fs::remove_file(&path).unwrap();
        for level in LEVELS {
            let is_shard = object.contains("/c/");
            // A store without its document does not open.
            let found = listed(&recording.verify(&at(level), unwatched).unwrap());
            let lost = |fault: &&Fault| {
                fault.place.object == path.display().to_string()
                    && matches!(fault.kind, FaultKind::Store(StoreFault::Missing))
            };
            let times = found.iter().filter(lost).count();
            let expected = usize::from(!is_shard || level > VerifyLevel::Metadata);
            assert_eq!(times, expected, "{object} {level:?}: {found:?}");
        }
        let is_made_again = object.contains("opus_index") || object.contains("opus_blob/zarr");
        if is_made_again {
            recording.rebuild_index(unwatched).unwrap();
            whole.assert_same(&Tree::of(store.path()), object);
            assert_eq!(faults(store.path(), VerifyLevel::Decode), []);
        }
    }
}

#[test]
fn flipped_bits_anywhere_in_a_store_are_found() {
    let (store, _) = store_of(STEREO);
    let mut random = Random(3);
    for object in OBJECTS {
        let file = store.path().join(object);
        let whole = fs::read(&file).unwrap();
        for _ in 0..40 {
            let bit =
                usize::try_from(random.below(8 * u64::try_from(whole.len()).unwrap())).unwrap();
            edit(&file, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            let is_found = verify_at(store.path(), "it", &at(VerifyLevel::Checksums))
                .map_or(true, |found| !found.faults.is_empty());
            assert!(is_found, "{object}: bit {bit}");
            fs::write(&file, &whole).unwrap();
        }
    }
    assert_eq!(faults(store.path(), VerifyLevel::Packets), []);
}

/// Wrong attributes with the right checksum: only the blob contradicts them.
#[test]
fn attributes_that_the_blob_contradicts_are_found() {
    let (store, recording) = store_of(MONO);
    let (it, info) = (store.path().join("it"), recording.info());
    let whole = fs::read(it.join("zarr.json")).unwrap();
    let play = info.play_length;
    let rows = [
        ("pre_skip", json!(info.pre_skip - 1), "OpusHead"),
        ("output_gain", json!(5), "OpusHead"),
        ("input_sample_rate", json!(7), "OpusHead"),
        ("channels", json!(2), "OpusHead"),
        ("play_length", json!(play - 1), "play length"),
        ("tags", json!({ "vendor": "x", "comments": [], "omitted": 0 }), "OpusTags"),
        ("gaps", json!([{ "position": 961, "samples": 960 }]), "gap of 960 samples"),
        ("gaps", json!([{ "position": 960, "samples": 961 }]), "gap of 961 samples"),
        ("gaps", json!([{ "position": 960, "samples": u64::MAX }]), "gap of"),
        ("gaps", json!([{ "position": 1_u64 << 40, "samples": 960 }]), "gap of 960 samples"),
        ("gaps", json!([{ "position": 960, "samples": 0 }]), "gap of 0 samples"),
    ];
    for (key, value, says) in rows {
        set_attribute(&it, key, value.clone());
        assert_eq!(faults(store.path(), VerifyLevel::Index), [], "{key} {value}");
        let found = faults(store.path(), VerifyLevel::Packets);
        assert!(found.iter().any(|fault| fault.to_string().contains(says)), "{key}: {found:?}");
        fs::write(it.join("zarr.json"), &whole).unwrap();
    }
    set_attribute(&it, "gaps", json!([{ "position": 960, "samples": 1920 }]));
    assert_eq!(faults(store.path(), VerifyLevel::Decode), [], "a gap between packets");
    set_attribute(&it, "blob_sha256", json!("0".repeat(64)));
    let found = faults(store.path(), VerifyLevel::Checksums);
    assert!(found[0].to_string().contains("SHA-256"), "{found:?}");
}

/// The index and attributes are those of another stream of the same length.
#[test]
fn an_index_that_the_packets_contradict_is_found() {
    let folder = fast_folder();
    let (short, padded) = (stream_of(MONO).shortened(20), stream_of(MONO).shortened(20).padded());
    import_bytes(&short.write(Pages::OfOneSecond), folder.path(), "short");
    import_bytes(&padded.write(Pages::OfOneSecond), folder.path(), "it");
    let store = folder.path().join("store");
    let (short, it) = (store.join("short"), store.join("it"));
    fs::copy(short.join("opus_index/c/0/0"), it.join("opus_index/c/0/0")).unwrap();
    let document: serde_json::Value =
        serde_json::from_slice(&fs::read(short.join("zarr.json")).unwrap()).unwrap();
    for key in ["index_checkpoints", "index_ranges", "index_checksums"] {
        set_attribute(&it, key, document["attributes"]["opus_zarr"][key].clone());
    }
    assert_eq!(faults(&store, VerifyLevel::Checksums), []);
    assert!(!faults(&store, VerifyLevel::Index).is_empty());
    let found = faults(&store, VerifyLevel::Packets);
    let row =
        |fault: &Fault| matches!(fault.kind, FaultKind::Row { .. }) && fault.place.packet.is_some();
    assert!(found.iter().any(row), "{found:?}");
    open_at(&store, "it").unwrap().rebuild_index(unwatched).unwrap();
    assert_eq!(faults(&store, VerifyLevel::Decode), []);
}

#[test]
fn damage_in_one_chunk_does_not_hide_damage_in_another() {
    let (store, _) = store_of(MONO);
    let shard = store.path().join(BLOB_SHARD);
    edit(&shard, |bytes| {
        bytes[9] ^= 1;
        bytes[65_540 + 9] ^= 1;
        bytes.push(0);
    });
    let found = faults(store.path(), VerifyLevel::Packets);
    let texts: Vec<String> = found.iter().map(Fault::to_string).collect();
    assert_eq!(texts.len(), 3, "{texts:#?}");
    let start = format!("{:?}: bytes ", shard.display().to_string());
    let places = ["0..65540: damaged: ", "65540..131080: damaged: ", "135180..135181: the object"];
    for (text, place) in texts.iter().zip(places) {
        assert!(text.starts_with(&format!("{start}{place}")), "{text}");
    }
}

#[test]
fn a_missing_recording_is_an_error_not_a_fault() {
    let (store, _) = store_of(MONO);
    for (place, name, says) in [
        (store.path().to_owned(), "other", "no recording \"other\""),
        (store.path().join("none"), "it", "is not an opus-zarr store"),
        (store.path().to_owned(), "../it", "invalid recording name"),
    ] {
        let error = verify_at(place, name, &at(VerifyLevel::Decode)).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    import_to(testdata(STEREO), store.path(), "other").unwrap();
    assert_eq!(faults(store.path(), VerifyLevel::Metadata), []);
}
