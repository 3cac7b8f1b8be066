//! Malicious stores with valid checksums, which prove no origin. Every problem is an error or a
//! fault of one line, found quickly and in little memory.

use std::{ops::Range, sync::Arc, time::Instant};

use opus_packet::CodedPos;
use opus_packet_index::{BlobRead, IndexRead, IndexRow};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{fixture::*, *};
use crate::{
    RecordingReader,
    layout::{BLOB, INDEX, blob_array, index_array},
};

fn coded(range: Range<u64>) -> Range<CodedPos> {
    CodedPos::new(range.start)..CodedPos::new(range.end)
}

/// All complaints about a store: errors of opening it and of reading its index and blob, and its
/// faults.
fn complaints(store: Objects) -> Vec<String> {
    let store = Arc::new(store);
    let mut said = Vec::new();
    let start = Instant::now();
    match RecordingReader::open_in(store.clone(), &name()) {
        Ok(reader) => said.extend(reads(&reader)),
        Err(error) => said.push(error.to_string()),
    }
    match verify(&*store, &name(), &VerifyOptions::default(), |_| ControlFlow::Continue(())) {
        Ok(found) => said.extend(found.faults.listed().iter().map(Fault::to_string)),
        Err(error) => said.push(error.to_string()),
    }
    for line in &said {
        assert!(line.lines().count() == 1 && line.len() < 2000, "{line}");
    }
    // A hundred times the usual duration, for busy machines.
    assert!(start.elapsed().as_secs() < 60, "{:?}: {said:?}", start.elapsed());
    said
}

fn reads(reader: &RecordingReader) -> Vec<String> {
    let mut said = Vec::new();
    let end = reader.timeline().coded_length();
    let mut bytes = Vec::new();
    for range in [0..end, 0..1, end - 1..end, 959..961, end..end + 1, 5..u64::MAX] {
        match reader.span(coded(range)) {
            Ok(span) => {
                let read = reader.read(span.bytes(), &mut bytes);
                said.extend(read.err().map(|error| error.to_string()));
                assert!(u64::try_from(bytes.len()).unwrap() <= reader.info().blob_bytes);
            }
            Err(error) => said.push(error.to_string()),
        }
    }
    let _ = (reader.index_info(), reader.info().duration());
    for chunk in reader.index_chunks().into_iter().flatten() {
        said.extend(chunk.err().map(|error| error.to_string()));
    }
    let mut stream = std::io::Read::take(reader.blob_reader(), 1 << 20);
    let read = std::io::copy(&mut stream, &mut std::io::sink());
    said.extend(read.err().map(|error| error.to_string()));
    said
}

fn assert_complains(store: Objects, what: &str, says: &str) {
    let said = complaints(store);
    assert!(said.iter().any(|line| line.contains(says)), "{what}: no \"{says}\" in {said:#?}");
}

#[test]
fn impossible_rows() {
    type Change = fn(&mut Vec<IndexRow>);
    let table: [(&str, Change, &str); 15] = [
        ("beyond the blob", |rows| rows[6].offset = 40, "do not fit in a blob of 42 bytes"),
        ("far beyond it", |rows| rows[6].offset = 1 << 62, "do not fit in a blob of 42 bytes"),
        ("overflow", |rows| rows[6].offset = u64::MAX, "do not fit in a blob"),
        ("before the last", |rows| rows[3].offset = 22, "expected byte 30 or later"),
        ("swapped", |rows| rows.swap(2, 3), "packet 2: samples"),
        ("no bytes", |rows| rows[2].length = 0, "packet 2: length 0"),
        ("all bytes", |rows| rows[2].length = u64::MAX, "expected at most 65025"),
        ("many bytes", |rows| rows[2].length = 65_026, "expected at most 65025"),
        ("no time", |rows| rows[2].duration = 0, "packet 2: 0 samples"),
        ("all time", |rows| rows[2].duration = u64::MAX, "expected a multiple of 120"),
        ("odd time", |rows| rows[2].duration = 961, "packet 2: 961 samples"),
        ("first", |rows| rows[0].first = 1, "packet 0: samples 1..=959"),
        ("last", |rows| rows[6].last = u64::MAX, "packet 6: samples"),
        ("zeros", |rows| rows[6] = IndexRow { offset: 0, length: 0, ..rows[6] }, "packet 6"),
        ("an extra one", |rows| rows.push(rows[6]), "is not zeros"),
    ];
    for (what, change, says) in table {
        let (store, mut rows) = (small(), rows());
        store.forge_rows(&rows);
        assert!(complaints_but_ranges(&store).is_empty());
        change(&mut rows);
        store.forge_rows(&rows);
        assert_complains(store, what, says);
    }
    let empty = small();
    empty.forge_rows(&[]);
    assert_complains(empty, "no rows", "packet 0: length 0");
}

/// All complaints except the two about ranges that even an intact store does not have.
fn complaints_but_ranges(store: &Objects) -> Vec<String> {
    let copy = Objects(std::sync::Mutex::new(store.0.lock().unwrap().clone()));
    let said = complaints(copy).into_iter();
    said.filter(|line| !line.contains("requested, but the index covers 0..6720")).collect()
}

#[test]
fn shorter_rows_do_not_reach_the_end() {
    let (store, mut rows) = (small(), rows());
    for (packet, row) in (0..).zip(&mut rows) {
        (row.duration, row.first, row.last) = (480, 480 * packet, 480 * packet + 479);
    }
    store.forge_rows(&rows);
    assert_complains(store, "half the duration", "ends at coded sample 3360, expected 6720");
}

#[test]
fn invalid_chunks_of_the_index() {
    let crc = |bytes: &[u8]| [bytes, &crc32c::crc32c(bytes).to_le_bytes()].concat();
    let header = |flags, len: u32, block: u32, packed: u32| {
        let words = [len, block, packed].map(u32::to_le_bytes);
        [&[2, 1, flags, 40][..], &words.concat()].concat()
    };
    let table = [
        ("nothing", crc(b"")),
        ("a bomb", crc(&header(0x81, u32::MAX, u32::MAX, 16))),
        ("no block", crc(&header(0x81, 400_000, 0, 16))),
        ("a huge block", crc(&header(0x81, 400_000, u32::MAX, 20))),
        ("stored, truncated", crc(&header(0x02, 400_000, 400_000, 400_016))),
        ("starts of blocks nowhere", {
            let blocks = [header(0x81, 400_000, 100, 400_016), vec![0xff; 400_000]].concat();
            crc(&blocks)
        }),
        ("zeros", crc(&[0; 1000])),
        ("ones", crc(&[0xff; 1000])),
    ];
    for (what, encoded) in table {
        let store = small();
        store.forge_index_chunk(&encoded);
        assert_complains(store, what, "damaged");
    }
}

#[test]
fn impossible_attributes() {
    let max = u64::MAX;
    let table = [
        ("blob_bytes", json!(max), "blob_checksums of 1 chunks"),
        ("blob_bytes", json!(0), "blob_checksums of 1 chunks"),
        ("blob_bytes", json!(65_537), "blob_checksums of 1 chunks"),
        ("blob_bytes", json!(65_536), "SHA-256"),
        ("blob_bytes", json!(30), "do not fit in a blob of 30 bytes"),
        ("blob_bytes", json!(-1), "invalid value"),
        ("blob_bytes", json!(1e300), "invalid type: floating point"),
        ("packet_count", json!(max), "checkpoints, expected 1844674407370956"),
        ("packet_count", json!(0), "checkpoints, expected 0"),
        ("packet_count", json!(1), "last 6720 samples, expected 120 to 5760 each"),
        ("packet_count", json!(8), "packet 7: length 0"),
        ("packet_count", json!(6), "chunk 0 ends at coded sample 5760, expected 6720"),
        ("coded_length", json!(max), "at most 2^63 - 1"),
        ("coded_length", json!(i64::MAX), "expected 120 to 5760 each"),
        ("coded_length", json!(0), "exceed coded_length"),
        ("play_length", json!(max), "exceed coded_length"),
        ("pre_skip", json!(65_536), "invalid value"),
        ("channels", json!(0), "0 channels"),
        ("channels", json!(256), "invalid value"),
        ("mapping_family", json!(7), "family 7"),
        ("channel_mapping", json!("x"), "not hexadecimal"),
        ("channel_mapping", json!("é"), "not hexadecimal"),
        ("blob_checksums", json!("0123"), "eight hexadecimal digits"),
        ("blob_checksums", json!("éééé"), "eight hexadecimal digits"),
        ("index_checkpoints", json!([]), "0 checkpoints"),
        ("index_checkpoints", json!([0, 1]), "2 checkpoints"),
        ("index_checkpoints", json!([1]), "first checkpoint at coded sample 1"),
        ("index_checkpoints", json!([max]), "first checkpoint"),
        ("index_ranges", json!([]), "0 index_ranges"),
        ("index_ranges", json!([[0, 0]]), "index range of 0 bytes"),
        ("index_ranges", json!([[0, max]]), "index range of"),
        ("index_ranges", json!([[max, max]]), "index range of"),
        ("index_ranges", json!([[1, 100]]), "index range of"),
        ("index_ranges", json!([[0, 400_000]]), "the object ends before them"),
        ("index_ranges", json!([[0, 3]]), "the chunk is missing"),
        ("index_checksums", json!(""), "0 index_checksums"),
        ("layout", json!(2), "this version reads layout 1"),
        ("layout", json!("x".repeat(100_000)), "this version reads layout 1"),
        ("source", json!("x".repeat(100_000)), "invalid type"),
        ("tags", json!([[[[]]]]), "invalid"),
    ];
    for (key, value, says) in table {
        let (store, what) = (small(), format!("{key}: {value:.60}"));
        store.forge_document(|document| {
            document["attributes"]["opus_zarr"][key] = value.clone();
            let arrays = &mut document["consolidated_metadata"]["metadata"];
            match (key, value.as_u64()) {
                ("blob_bytes", Some(bytes)) => arrays[BLOB] = blob_array(bytes),
                ("packet_count", Some(count)) => arrays[INDEX] = index_array(count),
                _ => {}
            }
        });
        assert_complains(store, &what, says);
    }
}

#[test]
fn arrays_that_differ_from_layout_1() {
    let field = |array: &str, path: &str| format!("/consolidated_metadata/metadata/{array}{path}");
    let sharding = "/codecs/0/configuration/chunk_shape/0";
    let table = [
        (field(BLOB, "/shape/0"), json!(u64::MAX)),
        (field(BLOB, "/shape"), json!([42, 1])),
        (field(BLOB, "/data_type"), json!("uint16")),
        (field(BLOB, "/chunk_grid/configuration/chunk_shape/0"), json!(1)),
        (field(BLOB, sharding), json!(0)),
        (field(BLOB, "/codecs"), json!(["bytes"])),
        (field(INDEX, "/shape/1"), json!(6)),
        (field(INDEX, "/data_type"), json!("float64")),
        (field(INDEX, sharding), json!(u64::MAX)),
        (field(INDEX, ""), json!(null)),
        ("/consolidated_metadata".to_owned(), json!([])),
    ];
    for (path, value) in table {
        let store = small();
        store.forge_document(|document| *document.pointer_mut(&path).unwrap() = value);
        let said = complaints(store);
        assert!(said[0].contains("layout 1") || said[0].contains("no metadata for"), "{said:?}");
    }
    // verify also checks fields that readers do not need.
    for (path, value) in [
        (field(BLOB, "/fill_value"), json!(1)),
        (field(INDEX, "/chunk_key_encoding/configuration/separator"), json!(".")),
        (field(INDEX, "/storage_transformers"), json!([{ "name": "x" }])),
        ("/node_type".to_owned(), json!("array")),
        ("/consolidated_metadata/must_understand".to_owned(), json!(true)),
    ] {
        let store = small();
        store.forge_document(|document| {
            let (parent, key) = path.rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap()[key] = value;
        });
        assert_complains(store, &path, "layout 1");
    }
}

#[test]
fn document_bombs() {
    let nested = |open: &str, close: &str| {
        format!("{{\"attributes\":{}{}}}", open.repeat(20_000), close.repeat(20_000))
    };
    let attributes = |value: &str| {
        format!(
            "{{\"attributes\":{{\"opus_zarr\":{{\"layout\":1,\"blob_bytes\":1,\"x\":{value}}}}}}}"
        )
    };
    let table = [
        (nested("[", "]"), "recursion limit"),
        (nested("{\"a\":", "}"), "recursion limit"),
        (attributes(&format!("[{}0]", "0,".repeat(2_000_000))), "expected at most"),
        (attributes(&"9".repeat(100_000)), "number out of range"),
        (attributes("1e999999999"), "number out of range"),
        (attributes(&format!("\"{}\"", "x".repeat(1 << 20))), "with checksum none"),
        (attributes("\"\\ud800\""), "hex escape"),
        ("\0".repeat(1 << 20), "expected value"),
        ("{\"attributes\":".to_owned(), "EOF"),
        (String::new(), "EOF"),
        ("null".to_owned(), "attributes are missing"),
        (
            "{\"attributes\":{\"opus_zarr\":{\"layout\":1,\"layout\":2}}}".to_owned(),
            "repeated name",
        ),
    ];
    for (document, says) in table {
        let store = small();
        store.0.lock().unwrap().insert(GROUP.to_owned(), document.clone().into_bytes());
        assert_complains(store, &document[..document.len().min(60)], says);
        for key in [ROOT, BLOB_DOCUMENT, INDEX_DOCUMENT] {
            let store = small();
            store.0.lock().unwrap().insert(key.to_owned(), document.clone().into_bytes());
            assert_complains(store, key, key);
        }
    }
}

/// The shard's own index tells where to read a chunk that is not in its place.
#[test]
fn shard_indexes_that_point_anywhere() {
    let (stored, max) = (65_540_u64, u64::MAX);
    let table = [
        ("beyond the shard", [1 << 40, stored]),
        ("overflow", [max - 5, stored]),
        ("overlapping", [1, stored]),
        ("inside itself", [stored, stored]),
        ("too long", [0, 1 << 40]),
        ("nothing", [0, 0]),
        ("half empty", [max, 0]),
        ("empty", [max, max]),
    ];
    for (what, entry) in table {
        let store = small();
        let mut objects = store.0.lock().unwrap();
        let shard = objects.get_mut(BLOB_SHARD).unwrap();
        shard[0] ^= 1;
        let mut index = shard.split_off(65_540);
        index[..16].copy_from_slice(&entry.map(u64::to_le_bytes).concat());
        let end = index.len() - 4;
        let checksum = crc32c::crc32c(&index[..end]);
        index[end..].copy_from_slice(&checksum.to_le_bytes());
        shard.extend(index);
        drop(objects);
        assert_complains(store, what, "the shard's own index: ");
    }
}

#[derive(Clone, Debug)]
enum Mutation {
    Attribute(prop::sample::Index, u64),
    Row(prop::sample::Index, usize, u64),
    Byte(prop::sample::Index, prop::sample::Index, u8),
    Cut(prop::sample::Index, prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let number = prop_oneof![
        any::<u64>(),
        0_u64..10,
        Just(u64::MAX),
        (0_u32..64).prop_map(|bit| 1 << bit),
        950_u64..970,
    ];
    prop_oneof![
        (any::<prop::sample::Index>(), number.clone())
            .prop_map(|(at, to)| Mutation::Attribute(at, to)),
        (any::<prop::sample::Index>(), 0_usize..5, number)
            .prop_map(|(at, column, to)| Mutation::Row(at, column, to)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>())
            .prop_map(|(object, at, to)| Mutation::Byte(object, at, to)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>())
            .prop_map(|(object, at)| Mutation::Cut(object, at)),
    ]
}

/// Every number in a value.
fn numbers(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(items) => items.iter_mut().flat_map(numbers).collect(),
        Value::Object(fields) => fields.values_mut().flat_map(numbers).collect(),
        number if number.is_number() => vec![number],
        _ => vec![],
    }
}

fn mutate(store: &Objects, rows: &mut [IndexRow], mutation: &Mutation) {
    match mutation {
        Mutation::Attribute(at, to) => store.forge_document(|document| {
            let mut numbers = numbers(document);
            let at = at.index(numbers.len());
            *numbers[at] = json!(to);
        }),
        Mutation::Row(at, column, to) => {
            let row = &mut rows[at.index(7)];
            let columns = [
                &mut row.offset,
                &mut row.length,
                &mut row.duration,
                &mut row.first,
                &mut row.last,
            ];
            *columns.into_iter().nth(*column).unwrap() = *to;
            store.forge_rows(rows);
        }
        Mutation::Byte(object, at, to) => {
            let mut objects = store.0.lock().unwrap();
            let bytes = objects.get_mut(KEYS[object.index(6)]).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = *to;
        }
        Mutation::Cut(object, at) => {
            let mut objects = store.0.lock().unwrap();
            let bytes = objects.get_mut(KEYS[object.index(6)]).unwrap();
            bytes.truncate(at.index(bytes.len()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any change with fixed checksums causes no panic, and wrong rows cause a fault.
    #[test]
    fn any_change_is_handled(first in mutation(), second in mutation()) {
        let store = small();
        let mut forged = rows();
        mutate(&store, &mut forged, &first);
        // A damaged document cannot be forged.
        if matches!(first, Mutation::Attribute(..) | Mutation::Row(..)) {
            mutate(&store, &mut forged, &second);
        }
        let is_same = forged == rows();
        let said = complaints(store);
        prop_assert!(is_same || !said.is_empty());
    }
}
