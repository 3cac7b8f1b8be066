//! zarr-python: the one that most users have, and the one whose inline form of
//! consolidated metadata layout 1 writes.

use std::{fs, process::Command, sync::LazyLock};

use opus_packet_index::{rows_to_bytes, sync_to_bytes};
use serde_json::{Value, json};

use opus_zarr_testkit::python::answer_of;

use super::{Stored, WRITTEN, hex, interop, python, sha256};

/// What it read; none without Python. Warnings are errors.
static ANSWERS: LazyLock<Option<Value>> = LazyLock::new(|| {
    let python = python("nothing was read with zarr-python")?;
    Some(answer_of(
        Command::new(python)
            .args(["-I", "-W", "error"])
            .arg(interop("with_zarr_python.py"))
            .args([&*WRITTEN.store(), &*WRITTEN.questions(), WRITTEN.folder.path()]),
    ))
});

/// Each recording, and what was read of it.
fn answers() -> impl Iterator<Item = (&'static Stored, &'static Value)> {
    ANSWERS.iter().flat_map(|answers| {
        WRITTEN.recordings.iter().map(|one| (one, &answers["recordings"][&one.name]))
    })
}

#[test]
fn the_root_group_has_a_layout_and_the_recordings() {
    let Some(answers) = ANSWERS.as_ref() else { return };
    assert_eq!(answers["groups"], json!(["chirps-stereo", "field-notes", "long"]));
    assert_eq!(answers["arrays"], json!([]));
    assert_eq!(answers["attributes"], json!({ "opus_zarr": { "layout": 1 } }));
}

#[test]
fn the_arrays_have_their_types_and_shapes() {
    for (recording, answers) in answers() {
        let arrays = json!({
            "opus_blob": { "dtype": "uint8", "shape": [recording.blob.len()], "chunks": [65_536] },
            "opus_index": {
                "dtype": "uint64",
                "shape": [recording.packets.len(), 5],
                "chunks": [10_000, 5],
            },
            "opus_sync": {
                "dtype": "uint32",
                "shape": [recording.sync.len(), 2],
                "chunks": [10_000, 2],
            },
        });
        assert_eq!(answers["plain"]["arrays"], arrays, "{}", recording.name);
    }
}

#[test]
fn the_attributes_are_those_of_the_recording() {
    for (recording, answers) in answers() {
        let attributes = &answers["plain"]["attributes"]["opus_zarr"];
        assert_eq!(attributes["layout"], 1);
        assert_eq!(attributes["packet_count"], recording.packets.len());
        assert_eq!(attributes["blob_bytes"], recording.blob.len());
        assert_eq!(attributes["blob_sha256"], answers["blob_sha256"]);
        assert_eq!(attributes["blob_sha256"], sha256(&recording.blob));
    }
}

#[test]
fn the_consolidated_metadata_says_the_same() {
    for (Stored { name, .. }, answers) in answers() {
        assert_eq!(answers["consolidated"], answers["plain"], "{name}");
    }
}

#[test]
fn every_byte_of_the_blob_is_read() {
    for (recording, _) in answers() {
        assert!(read(recording, "opus_blob") == recording.blob, "{}", recording.name);
    }
}

#[test]
fn every_row_of_the_index_is_read() {
    for (recording, _) in answers() {
        let is_same = read(recording, "opus_index") == rows_to_bytes(&recording.rows);
        assert!(is_same, "{}: another index", recording.name);
    }
}

#[test]
fn every_entry_of_the_sync_map_is_read() {
    for (recording, _) in answers() {
        let is_same = read(recording, "opus_sync") == sync_to_bytes(&recording.sync);
        assert!(is_same, "{}: another sync map", recording.name);
    }
}

#[test]
fn any_row_of_the_index_is_read() {
    for (recording, answers) in answers() {
        assert_eq!(answers["rows"], recording.asked_rows(), "{}", recording.name);
    }
}

#[test]
fn any_row_of_the_index_leads_to_its_packet() {
    for (recording, answers) in answers() {
        let packets = recording.asked_packets.iter().map(|&packet| hex(&recording.packets[packet]));
        assert_eq!(answers["packets"], json!(Vec::from_iter(packets)));
    }
}

#[test]
fn any_range_of_the_blob_is_read() {
    for (recording, answers) in answers() {
        let bytes = |&[start, end]: &[usize; 2]| hex(&recording.blob[start..end]);
        let ranges = recording.asked_ranges.iter().map(bytes);
        assert_eq!(answers["ranges"], json!(Vec::from_iter(ranges)));
    }
}

/// An array as a whole.
fn read(recording: &Stored, array: &str) -> Vec<u8> {
    let file = WRITTEN.folder.path().join(&recording.name).with_extension(array);
    fs::read(file).unwrap()
}
