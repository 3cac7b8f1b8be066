//! zarr-python: the most common implementation, whose inline form of consolidated metadata layout 1
//! writes.

use std::{fs, path::PathBuf, process::Command, sync::LazyLock};

use opus_packet_index::{rows_to_bytes, sync_to_bytes};
use opus_zarr_testkit::{python::answer_of, shared::shared_folder};
use serde_json::{Value, json};

use super::{Stored, WRITTEN, hex, interop, python, sha256};

/// The folder with what it read: its output as JSON, and every array as a file. `None` without
/// Python. Warnings are errors.
static FOLDER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let python = python("nothing was read with zarr-python")?;
    Some(shared_folder("zarr-python", |folder| {
        let answer = answer_of(
            Command::new(python)
                .args(["-I", "-W", "error"])
                .arg(interop("with_zarr_python.py"))
                .args([&*WRITTEN.store(), &*WRITTEN.questions(), folder]),
        );
        fs::write(folder.join(ANSWERS_FILE), answer.to_string()).unwrap();
    }))
});

/// Its output.
static ANSWERS: LazyLock<Option<Value>> = LazyLock::new(|| {
    let answers = fs::read(FOLDER.as_ref()?.join(ANSWERS_FILE)).unwrap();
    Some(serde_json::from_slice(&answers).unwrap())
});

const ANSWERS_FILE: &str = "answers.json";

/// Each recording and what it read of it.
fn answers() -> impl Iterator<Item = (&'static Stored, &'static Value)> {
    ANSWERS.iter().flat_map(|answers| {
        WRITTEN.recordings.iter().map(|one| (one, &answers["recordings"][&one.name]))
    })
}

#[test]
fn it_lists_the_recordings_in_the_root_group() {
    let Some(answers) = ANSWERS.as_ref() else { return };
    assert_eq!(answers["groups"], json!(["chirps-stereo", "field-notes", "long"]));
    assert_eq!(answers["arrays"], json!([]));
    assert_eq!(answers["attributes"], json!({ "opus_zarr": { "layout": 1 } }));
}

#[test]
fn it_reads_the_types_and_shapes_of_the_arrays() {
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
                "shape": [recording.sync.len(), 3],
                "chunks": [10_000, 3],
            },
        });
        assert_eq!(answers["plain"]["arrays"], arrays, "{}", recording.name);
    }
}

#[test]
fn it_reads_the_attributes() {
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
fn consolidated_metadata_equals_the_plain_metadata() {
    for (Stored { name, .. }, answers) in answers() {
        assert_eq!(answers["consolidated"], answers["plain"], "{name}");
    }
}

#[test]
fn it_reads_every_byte_of_the_blob() {
    for (recording, _) in answers() {
        assert!(read(recording, "opus_blob") == recording.blob, "{}", recording.name);
    }
}

#[test]
fn it_reads_every_row_of_the_index() {
    for (recording, _) in answers() {
        let is_same = read(recording, "opus_index") == rows_to_bytes(&recording.rows);
        assert!(is_same, "{}: another index", recording.name);
    }
}

#[test]
fn it_reads_every_entry_of_the_sync_map() {
    for (recording, _) in answers() {
        let is_same = read(recording, "opus_sync") == sync_to_bytes(&recording.sync);
        assert!(is_same, "{}: another sync map", recording.name);
    }
}

#[test]
fn it_reads_single_rows_of_the_index() {
    for (recording, answers) in answers() {
        assert_eq!(answers["rows"], recording.asked_rows(), "{}", recording.name);
    }
}

#[test]
fn single_rows_lead_to_their_packets() {
    for (recording, answers) in answers() {
        let packets = recording.asked_packets.iter().map(|&packet| hex(&recording.packets[packet]));
        assert_eq!(answers["packets"], json!(Vec::from_iter(packets)));
    }
}

#[test]
fn it_reads_ranges_of_the_blob() {
    for (recording, answers) in answers() {
        let bytes = |&[start, end]: &[usize; 2]| hex(&recording.blob[start..end]);
        let ranges = recording.asked_ranges.iter().map(bytes);
        assert_eq!(answers["ranges"], json!(Vec::from_iter(ranges)));
    }
}

/// Returns a whole array as it read it.
fn read(recording: &Stored, array: &str) -> Vec<u8> {
    let folder = FOLDER.as_ref().unwrap();
    fs::read(folder.join(&recording.name).with_extension(array)).unwrap()
}
