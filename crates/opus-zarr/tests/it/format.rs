//! The documents and bytes that `docs/format.md` shows are those of the golden store.

use std::{collections::BTreeMap, fs, path::Path};

use opus_packet_index::{rows_to_bytes, sync_to_bytes};
use opus_zarr::Store;
use opus_zarr_store::RecordingReader;
use opus_zarr_testkit::testdata;
use serde_json::Value;

/// A block of code in the page: its language, where it is from, and its text.
struct Block {
    kind: String,
    path: String,
    text: String,
}

#[test]
fn the_page_has_all_its_examples() {
    let mut counts = BTreeMap::new();
    for block in blocks() {
        *counts.entry(block.kind).or_insert(0) += 1;
    }
    let expected = [
        ("hex golden", 4),
        ("hex rows", 1),
        ("hex sync", 1),
        ("json golden", 5),
        ("json part", 1),
        ("text checksum", 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected.map(|(kind, count)| (kind.to_owned(), count))));
}

#[test]
fn documents_match_the_golden_store() {
    for Block { path, text, .. } in blocks_of("json golden") {
        let stored = fs::read_to_string(golden(&path)).unwrap();
        let shown: Value = serde_json::from_str(&text).unwrap();
        // Only the documents of recordings are stored without white space.
        let is_stored = if path == "notes/zarr.json" { shown.to_string() } else { text };
        assert_eq!(is_stored, stored, "{path}");
    }
    for Block { path, text, .. } in blocks_of("json part") {
        let stored: Value = serde_json::from_slice(&bytes_of(&path)).unwrap();
        let part: Value = serde_json::from_str(&text).unwrap();
        assert_holds(&stored, &part, &path);
    }
}

#[test]
fn bytes_match_the_golden_store() {
    for Block { path, text, .. } in blocks_of("hex golden") {
        assert_bytes(&bytes_of(&path), &text);
    }
    for Block { path, text, .. } in blocks_of("hex rows") {
        assert_bytes(&rows_of(&path), &text);
    }
    for Block { path, text, .. } in blocks_of("hex sync") {
        let entries = reader_of(&path).sync_entries().unwrap().unwrap();
        assert_bytes(&sync_to_bytes(&entries), &text);
    }
}

#[test]
fn file_sizes_match_the_formulas() {
    for recording in ["notes", "synced", "trio"] {
        let attributes = attributes(recording);
        let (bytes, ranges) = (&attributes["blob_bytes"], &attributes["index_ranges"]);
        let chunks = bytes.as_u64().unwrap().div_ceil(65_536);
        let blob = bytes_of(&format!("{recording}/opus_blob/c/0")).len();
        assert_eq!(u64::try_from(blob), Ok(chunks * 65_540 + 4100));
        let ranges = ranges.as_array().unwrap();
        let encoded: u64 = ranges.iter().map(|range| range[1].as_u64().unwrap()).sum();
        let index = bytes_of(&format!("{recording}/opus_index/c/0/0")).len();
        let chunks = u64::try_from(ranges.len()).unwrap();
        assert_eq!(u64::try_from(index), Ok(encoded + 16 * chunks + 4));
    }
}

/// By the recipe in the page: keys are sorted here, not by the code under test.
#[test]
fn the_checksum_matches_its_recipe() {
    for Block { path, text, .. } in blocks_of("text checksum") {
        let text = text.replace('\n', "");
        let mut attributes = attributes(&path);
        let checksum = attributes.as_object_mut().unwrap().remove("checksum").unwrap();
        assert_eq!(sorted(&attributes), text);
        assert_eq!(format!("{:08x}", crc32c::crc32c(text.as_bytes())), checksum);
        assert!(PAGE.contains(&format!("Its crc32c is `{}`", checksum.as_str().unwrap())));
    }
    assert!(PAGE.contains(&format!("it is `{:08x}`", crc32c::crc32c(b"123456789"))));
}

#[test]
fn every_attribute_of_the_schema_is_in_the_table() {
    let schema = include_str!("../../../../docs/recording.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let names = |place: &str| -> Vec<String> {
        schema.pointer(place).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let mut expected = names("/properties");
    expected.retain(|name| !["source", "tags"].contains(&name.as_str()));
    for group in ["source", "tags"] {
        let fields = names(&format!("/properties/{group}/properties"));
        expected.extend(fields.iter().map(|field| format!("{group}.{field}")));
    }
    expected.extend(names("/properties/gaps/items/properties"));
    expected.extend(names("/properties/start/properties"));
    let transcoding = "/properties/source/properties/transcoding/properties";
    expected.extend(names(transcoding));
    expected.extend(names(&format!("{transcoding}/settings/properties")));
    expected.extend(names("/properties/source/properties/metadata/items/properties"));
    let rows: String = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    // Either only the field, or the field and its type.
    let missing = |name: &&String| {
        !rows.contains(&format!("`{name}`")) && !rows.contains(&format!("`{name}: true`"))
    };
    assert_eq!(expected.iter().filter(missing).collect::<Vec<_>>(), Vec::<&String>::new());
}

const PAGE: &str = include_str!("../../../../docs/format.md");

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text = lines.by_ref().take_while(|line| *line != "```");
        let text: String = text.map(|line| format!("{line}\n")).collect();
        if let Some((kind, path)) = info.split_once(':') {
            blocks.push(Block { kind: kind.to_owned(), path: path.to_owned(), text });
        }
    }
    blocks
}

fn blocks_of(kind: &str) -> impl Iterator<Item = Block> {
    blocks().into_iter().filter(move |block| block.kind == kind)
}

/// Checks bytes against lines of an offset, bytes, and after a bar what they mean.
fn assert_bytes(stored: &[u8], dump: &str) {
    for line in dump.lines() {
        let shown = line.split('|').next().unwrap();
        let (offset, bytes) = shown.split_once("  ").unwrap();
        let hex = |digits: &str| usize::from_str_radix(digits, 16).unwrap();
        let bytes: Vec<u8> =
            bytes.split_whitespace().map(|byte| hex(byte).try_into().unwrap()).collect();
        let at = hex(offset);
        assert_eq!(stored[at..at + bytes.len()], bytes, "{line}");
        assert!(!bytes.is_empty(), "{line}");
    }
}

/// Asserts that a document holds everything in a part of one.
fn assert_holds(document: &Value, part: &Value, place: &str) {
    match part.as_object() {
        Some(fields) if !place.ends_with("/user") => {
            for (key, value) in fields {
                assert_holds(&document[key], value, &format!("{place}/{key}"));
            }
        }
        _ => assert_eq!(document, part, "{place}"),
    }
}

/// Returns JSON without white space and with sorted keys.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, &Value> = fields.iter().collect();
            let field = |(key, value): (&&String, &&Value)| {
                format!("{}:{}", Value::from(key.as_str()), sorted(value))
            };
            format!("{{{}}}", Vec::from_iter(fields.iter().map(field)).join(","))
        }
        Value::Array(values) => {
            format!("[{}]", Vec::from_iter(values.iter().map(sorted)).join(","))
        }
        other => other.to_string(),
    }
}

fn rows_of(recording: &str) -> Vec<u8> {
    let reader = reader_of(recording);
    let chunks = reader.index_chunks().unwrap();
    chunks.flat_map(|chunk| rows_to_bytes(chunk.unwrap().rows())).collect()
}

fn reader_of(recording: &str) -> RecordingReader {
    let store = Store::open(golden("")).unwrap();
    store.open_recording(&recording.parse().unwrap()).unwrap()
}

fn attributes(recording: &str) -> Value {
    let mut document: Value =
        serde_json::from_slice(&bytes_of(&format!("{recording}/zarr.json"))).unwrap();
    document["attributes"]["opus_zarr"].take()
}

fn bytes_of(path: &str) -> Vec<u8> {
    fs::read(golden(path)).unwrap()
}

fn golden(path: &str) -> std::path::PathBuf {
    testdata("golden/layout-1.zarr").join(Path::new(path))
}
