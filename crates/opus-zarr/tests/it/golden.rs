//! A store in layout 1 that was written once and never changes. Every later version must read it
//! like this one, and write the same bytes from the same files, so that neither readers nor writers
//! drift.

mod recipe;

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use opus_packet::CodedPos;
use opus_packet_index::{IndexRow, SyncDecoder, SyncEntry, rows_to_bytes, sync_to_bytes};
use opus_zarr::{
    Exactness, NotExact, Recording, Store, StoredAs, VerifyLevel, VerifyOptions, unwatched,
};
use opus_zarr_store::RecordingReader;
use opus_zarr_testkit::{
    fast_folder,
    recordings::{import_to, open_at, verify_at},
    testdata,
    tree::Tree,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The recordings and the file of each.
const RECORDINGS: [(&str, &str); 3] =
    [("notes", "notes.opus"), ("synced", "notes.opus"), ("trio", "trio.opus")];

fn golden(name: &str) -> PathBuf {
    testdata("golden").join(name)
}

fn open(name: &str) -> Recording {
    open_at(golden("layout-1.zarr"), name).unwrap()
}

/// Makes the golden store.
fn import_all(store: &Path) {
    for (name, file) in RECORDINGS {
        import_to(golden(file), store, name).unwrap();
    }
    let store = Store::open(store).unwrap();
    let mut synced = store.open_recording(&"synced".parse().unwrap()).unwrap();
    synced.replace_sync(&sync_map(), DECODER).unwrap();
    let mut trio = store.open_recording(&"trio".parse().unwrap()).unwrap();
    trio.edit_user_metadata(|all| *all = user()).unwrap();
}

/// Made-up entries of every kind. A real map depends on the build of the decoder, and this one must
/// not.
fn sync_map() -> [SyncEntry; 5] {
    [
        SyncEntry::ALL,
        SyncEntry::new(1, CodedPos::new(35_520), None).settled(1, CodedPos::new(61_440)),
        SyncEntry::NONE,
        SyncEntry::new(3, CodedPos::new(71_040), Some(CodedPos::new(77_760))),
        SyncEntry::NONE,
    ]
}

/// The name of a decoder that does not exist.
const DECODER: &str = "libopus 1.3.1, made up";

/// One value of each JSON type.
fn user() -> Map<String, Value> {
    let user = json!({
        "Art": "Singdrossel",
        "place": { "latitude": 52.5, "height_m": -3, "checked": true },
        "seen": [1, null, "zwei"],
    });
    user.as_object().unwrap().clone()
}

fn blob_of(recording: &Recording) -> Vec<u8> {
    let mut blob = Vec::new();
    recording.ogg_opus().read_to_end(&mut blob).unwrap();
    blob
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn reader_of(name: &str) -> RecordingReader {
    let store = Store::open(golden("layout-1.zarr")).unwrap();
    store.open_recording(&name.parse().unwrap()).unwrap()
}

fn rows_of(name: &str) -> Vec<IndexRow> {
    let reader = reader_of(name);
    let chunks = reader.index_chunks().unwrap().map(Result::unwrap);
    chunks.flat_map(|chunk| chunk.rows().to_vec()).collect()
}

#[test]
fn it_lists_its_recordings() {
    let store = Store::open(golden("layout-1.zarr")).unwrap();
    let mut names: Vec<String> =
        store.recordings().unwrap().map(|name| name.unwrap().to_string()).collect();
    names.sort();
    assert_eq!(names, RECORDINGS.map(|(name, _)| name));
}

#[test]
fn it_reads_every_attribute() {
    assert_eq!(serde_json::to_value(open("notes").info()).unwrap(), notes_attributes());
    assert_eq!(serde_json::to_value(open("synced").info()).unwrap(), synced_attributes());
    assert_eq!(serde_json::to_value(open("trio").info()).unwrap(), trio_attributes());
    let trio = open("trio");
    assert_eq!(trio.info().user, user());
    assert_eq!(trio.info().source.stored, StoredAs::Remuxed);
    assert!(trio.info().gaps[1].is_inferred && !trio.info().gaps[0].is_inferred);
}

#[test]
fn it_reads_every_row_of_the_index() {
    let row = |offset, length, duration, first: u64| {
        let last = first + duration - 1;
        IndexRow { offset, length, duration, first, last }
    };
    let notes = rows_of("notes");
    assert_eq!(notes[..2], [row(918, 47, 960, 0), row(965, 51, 960, 960)]);
    assert_eq!(notes[50], row(3849, 63, 960, 48_000));
    assert_eq!(notes[99..], [row(6796, 59, 960, 95_040)]);
    assert_eq!(sha256(&rows_to_bytes(&notes)), NOTES_ROWS_SHA256);

    let trio = rows_of("trio");
    assert_eq!(trio[..2], [row(4465, 302, 960, 0), row(4767, 187, 960, 960)]);
    assert_eq!(trio[50], row(16_598, 5, 5760, 48_000), "the first packet of the first gap");
    assert_eq!(trio[109..], [row(30_630, 209, 960, 143_040)]);
    assert_eq!(sha256(&rows_to_bytes(&trio)), TRIO_ROWS_SHA256);
}

#[test]
fn it_reads_every_entry_of_the_sync_map() {
    let entries = reader_of("synced").sync_entries().unwrap().unwrap();
    assert_eq!(entries, sync_map());
    #[rustfmt::skip]
    let numbers = [
        0, 0, u32::MAX,
        16_320, 42_240, u32::MAX,
        u32::MAX, u32::MAX, 0,
        13_440, u32::MAX, 6720,
        u32::MAX, u32::MAX, 0,
    ];
    assert_eq!(sync_to_bytes(&entries), numbers.map(u32::to_le_bytes).concat());

    // The map of another decoder counts from where memory is settled.
    assert_eq!(open("synced").exactness(), Ok(Exactness::SettledMap));
    let start = |position: u64| {
        let start = reader_of("synced").sync_start(CodedPos::new(position), SyncDecoder::Any);
        start.unwrap().start.get()
    };
    assert_eq!([61_439, 61_440, 90_000].map(start), [0, 19_200, 19_200]);
    assert_eq!(reader_of("notes").sync_entries().unwrap(), None);
}

/// `rule-1.zarr` holds `synced` as it was before sync maps stated a rule.
#[test]
fn a_sync_map_of_the_first_rule_is_ignored_but_not_damaged() {
    let path = golden("rule-1.zarr");
    let recording = Recording::open(&Store::open(&path).unwrap(), "synced").unwrap();
    assert_eq!(recording.exactness(), Err(NotExact::OtherRule { rule: 1, expected: 2 }));
    let reader = Store::open(&path).unwrap().open_recording(&"synced".parse().unwrap()).unwrap();
    assert_eq!(reader.sync_entries().unwrap(), None);
    let options = VerifyOptions::default().level(VerifyLevel::Checksums);
    assert_eq!(verify_at(&path, "synced", &options).unwrap().faults.listed(), []);
}

/// Before its release, layout 1 had neither names of dimensions nor a generation.
#[test]
fn earlier_stores_are_read_and_changed_like_others() {
    let folder = fast_folder();
    let store = folder.path().join("a.zarr");
    Tree::of(&golden("layout-1.zarr")).write(&store);
    for (name, array) in [
        ("notes", ""),
        ("notes", "/opus_blob"),
        ("notes", "/opus_index"),
        ("synced", ""),
        ("synced", "/opus_sync"),
    ] {
        let path = store.join(format!("{name}{array}/zarr.json"));
        let mut document: Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let unnamed = |document: &mut Value| {
            document.as_object_mut().unwrap().remove("dimension_names").unwrap();
        };
        match document.pointer_mut("/consolidated_metadata/metadata") {
            Some(inline) => inline.as_object_mut().unwrap().values_mut().for_each(unnamed),
            None => unnamed(&mut document),
        }
        fs::write(&path, document.to_string()).unwrap();
    }
    let options = VerifyOptions::default().level(VerifyLevel::Checksums);
    for name in ["notes", "synced"] {
        assert_eq!(verify_at(&store, name, &options).unwrap().faults.listed(), [], "{name}");
        let mut reader =
            Store::open(&store).unwrap().open_recording(&name.parse().unwrap()).unwrap();
        reader.edit_user_metadata(|all| all.extend(user())).unwrap();
        assert_eq!(open_at(&store, name).unwrap().info().user, user());
        assert_eq!(verify_at(&store, name, &options).unwrap().faults.listed(), [], "{name}");
    }
}

#[test]
fn it_reads_every_byte_of_the_blobs() {
    let [notes, trio] = [notes_attributes(), trio_attributes()];
    for (name, attributes) in [("notes", &notes), ("synced", &notes), ("trio", &trio)] {
        assert_eq!(sha256(&blob_of(&open(name))), attributes["blob_sha256"], "{name}");
    }
    let file = fs::read(golden("notes.opus")).unwrap();
    assert!(blob_of(&open("notes")) == file, "a canonical file is not stored verbatim");
}

#[test]
fn it_finds_the_packets_of_ranges() {
    let notes = open("notes");
    for (samples, packets) in
        [(0..1, 0..1), (0..94_988, 0..100), (20_000..44_000, 21..47), (94_987..94_988, 99..100)]
    {
        assert_eq!(notes.find(samples.clone()).unwrap(), packets, "{samples:?}");
    }
    let trio = open("trio");
    for (samples, packets) in [(47_687..47_688, 49..50), (47_688..47_689, 50..51)] {
        assert_eq!(trio.find(samples.clone()).unwrap(), packets, "{samples:?}");
    }
    assert_eq!(trio.find(0..143_688).unwrap(), 0..110);
    assert!(trio.find(0..143_689).is_err());
}

/// Versions of libopus round differently, so samples are compared with a tolerance. A shift by one
/// sample exceeds it, because speech changes by more.
#[test]
fn it_reads_the_samples() {
    let notes = open("notes");
    for (range, step, expected) in [
        (20_000..44_000, 2400, vec![-481, -204, 178, -11_410, -495, 2380, 526, 1180, -2168, -479]),
        (47_688..71_688, 2400, vec![51, -120, -10_652, 1598, -364, 2452, -2985, -207, 173, 29]),
        (94_987..94_988, 1, vec![302]),
    ] {
        let samples: Vec<i16> = notes.read(range.clone()).unwrap();
        assert_eq!(samples.len(), usize::try_from(range.end - range.start).unwrap());
        let found: Vec<i16> = samples.into_iter().step_by(step).collect();
        assert_eq!(found.len(), expected.len());
        let is_near = |(a, b): (&i16, &i16)| a.abs_diff(*b) <= 8;
        let is_same = found.iter().zip(&expected).all(is_near);
        assert!(is_same, "{range:?}: {found:?}, expected {expected:?}");
    }
    assert_eq!(notes.read::<f32>(0..94_988).unwrap().len(), 94_988);
}

#[test]
fn rebuilding_the_index_writes_the_same_bytes() {
    let folder = fast_folder();
    let store = folder.path().join("store");
    let before = Tree::of(&golden("layout-1.zarr"));
    before.write(&store);
    for (name, _) in RECORDINGS {
        open_at(&store, name).unwrap().rebuild_index(unwatched).unwrap();
    }
    before.assert_same(&Tree::of(&store), "rebuilt");
}

/// Byte for byte, except for the wording of findings, which may improve.
#[test]
fn importing_the_same_files_writes_the_same_bytes() {
    let folder = fast_folder();
    let store = folder.path().join("store");
    import_all(&store);
    let document = |store: &Path| fs::read_to_string(store.join("trio/zarr.json")).unwrap();
    let (before, now) = (document(&golden("layout-1.zarr")), document(&store));
    assert_eq!(without_words(&before), without_words(&now));
    fs::write(store.join("trio/zarr.json"), before).unwrap();
    Tree::of(&golden("layout-1.zarr")).assert_same(&Tree::of(&store), "imported today");
}

/// Removes the findings, and the checksum that they change, from a document.
fn without_words(document: &str) -> String {
    let mut document: Value = serde_json::from_str(document).unwrap();
    let attributes = &mut document["attributes"]["opus_zarr"];
    attributes["checksum"].take();
    let findings = attributes["source"]["findings"].as_array_mut().unwrap();
    findings.iter_mut().for_each(|finding| drop(finding.take()));
    document.to_string()
}

const NOTES_ROWS_SHA256: &str = "a38afd3c6134330f5a8072ab8cac7477bf1e522611af5fe830a789192a9cc448";
const TRIO_ROWS_SHA256: &str = "142c9d128b889953344103c1b286f57720f71850a8862b9da2391773bef152f6";

fn notes_attributes() -> Value {
    json!({
        "layout": 1,
        "channels": 1,
        "mapping_family": 0,
        "pre_skip": 312,
        "output_gain": 0,
        "input_sample_rate": 48_000,
        "play_length": 94_988,
        "coded_length": 96_000,
        "packet_count": 100,
        "blob_bytes": 6855,
        "blob_sha256": "6caf5c00e1d41e3b50fd804c671d3e2d333310c601d2a6b3ba8fa156cbd4a1dd",
        "blob_checksums": "12815f49",
        "index_checkpoints": [0],
        "index_ranges": [[0, 622]],
        "index_checksums": "7a724dfd",
        "source": {
            "name": "notes.opus",
            "bytes": 6855,
            "sha256": "6caf5c00e1d41e3b50fd804c671d3e2d333310c601d2a6b3ba8fa156cbd4a1dd",
            "container": "ogg",
            "codec": "opus",
            "stored": "verbatim",
            "stream": 1,
        },
        "tags": {
            "vendor": "libopus 1.3.1, libopusenc 0.2.1",
            "comments": [
                "ENCODER=opusenc from opus-tools 0.2",
                "artist=opus-zarr",
                "title=Field notes at station four",
                "date=2026-11-22",
                "ENCODER_OPTIONS=--serial 1 --bitrate 24 --vbr --comp 10 --framesize 20",
            ],
            "omitted": 0,
        },
    })
}

/// Those of `notes`, and the description of the sync map.
fn synced_attributes() -> Value {
    let mut attributes = notes_attributes();
    attributes["generation"] = json!(1);
    attributes["sync"] =
        json!({ "decoder": DECODER, "entries": 5, "rule": 2, "checksums": "6c0572b6" });
    attributes
}

fn trio_attributes() -> Value {
    json!({
        "layout": 1,
        "generation": 1,
        "channels": 3,
        "mapping_family": 1,
        "channel_mapping": "0201000201",
        "pre_skip": 312,
        "output_gain": -256,
        "input_sample_rate": 44_100,
        "play_length": 143_688,
        "coded_length": 144_000,
        "packet_count": 110,
        "blob_bytes": 30_839,
        "blob_sha256": "c24fb20d326c5dd2a5879a4e35abd9d53eaf21f426d9484ce1b86ad04a404d86",
        "blob_checksums": "d6ecc78e",
        "index_checkpoints": [0],
        "index_ranges": [[0, 761]],
        "index_checksums": "d4f0b427",
        "gaps": [
            { "position": 48_000, "samples": 24_000 },
            { "position": 96_000, "samples": 24_000, "is_inferred": true },
        ],
        "source": {
            "name": "trio.opus",
            "bytes": 30_810,
            "sha256": "5739a025f8b5b7072edf1df6f5f4b11abfdaab22c534df91245c23659fc609d9",
            "container": "ogg",
            "codec": "opus",
            "stored": "remuxed",
            "stream": 1,
            "findings": [
                "byte 16553: page number 5, expected 4: pages are lost (RFC 3533 section 6); \
                 granule positions tell the length of the gap",
                "byte 23831: page number 7, expected 6: pages are lost (RFC 3533 section 6); \
                 granule positions tell the length of the gap",
            ],
        },
        "tags": {
            "vendor": "opus-zarr golden store",
            "comments": ["TITLE=Trio", "ARTIST=Vögel"],
            "omitted": 1,
        },
        "user": user(),
    })
}
