//! The attributes of a recording: foreign ones survive, changed ones are found.

use std::fs;

use opus_zarr_store::{BlobReader, ErrorKind, IndexWriter};
use serde_json::Value;

use super::store::{name, stored};

#[test]
fn unknown_attributes_survive_and_unknown_layouts_are_rejected() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = stored(root.path(), 10);
    let group = root.path().join("a/zarr.json");
    let edit = |from: &str, to: &str| {
        let text = fs::read_to_string(&group).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&group, with_checksum(&text.replacen(from, to, 1))).unwrap();
    };
    edit("\"channels\"", "\"start_time\":\"2026\",\"channels\"");
    let mut recording = store.open_recording(&name("a")).unwrap();
    let rows = |_: BlobReader<'_>, index: &mut IndexWriter| {
        (0..10).try_for_each(|i| index.push(i * 100, 100, 960))
    };
    recording.replace_index(rows).unwrap();
    assert!(fs::read_to_string(&group).unwrap().contains("\"start_time\":\"2026\""));

    let open = || store.open_recording(&name("a")).unwrap_err();
    edit("\"packet_count\":10", "\"packet_count\":11");
    assert_eq!(open().kind(), ErrorKind::Damaged);
    edit("\"packet_count\":11", "\"packet_count\":10");
    edit("\"play_length\":9188", "\"play_length\":9999");
    assert!(open().to_string().contains("exceed coded_length"));
    edit("\"layout\":1", "\"layout\":2");
    assert_eq!(open().kind(), ErrorKind::UnsupportedLayout);
    assert!(open().to_string().contains("layout 2, this version reads layout 1"));
}

/// The document with the right checksum of its attributes, computed as `docs/format.md` says.
pub(crate) fn with_checksum(document: &str) -> String {
    let mut document: Value = serde_json::from_str(document).unwrap();
    let attributes = document["attributes"]["opus_zarr"].as_object_mut().unwrap();
    attributes.remove("checksum");
    let mut sorted = Value::Object(attributes.clone());
    sorted.sort_all_objects();
    let checksum = format!("{:08x}", crc32c::crc32c(sorted.to_string().as_bytes()));
    attributes.insert("checksum".to_owned(), checksum.into());
    document.to_string()
}

#[test]
fn every_changed_digit_of_the_attributes_is_found() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = stored(root.path(), 10);
    let group = root.path().join("a/zarr.json");
    let text = fs::read_to_string(&group).unwrap();
    let start = text.find("\"opus_zarr\"").unwrap();
    let end = text.find("\"consolidated_metadata\"").unwrap();
    for (at, digit) in text.bytes().enumerate().filter(|(at, _)| (start..end).contains(at)) {
        if digit.is_ascii_digit() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if digit == b'9' { b'1' } else { digit + 1 };
            fs::write(&group, damaged).unwrap();
            let error = store.open_recording(&name("a")).unwrap_err();
            let kinds = [ErrorKind::Damaged, ErrorKind::UnsupportedLayout];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
    }
    // Another program may format the same document differently.
    let pretty: Value = serde_json::from_str(&text).unwrap();
    fs::write(&group, format!("{pretty:#}")).unwrap();
    store.open_recording(&name("a")).unwrap();
}
