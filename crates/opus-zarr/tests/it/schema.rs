//! `docs/recording.schema.json` accepts what imports write, and nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use opus_zarr::{Correction, ImportOptions};
use opus_zarr_testkit::{
    every_opus_file, fast_folder,
    python::answer_of,
    recordings::{BOTH, bytes_of, import_to, import_with},
    testdata,
};
use serde_json::{Value, json};

use crate::interop::{interop, python};

#[test]
fn every_document_of_an_import_is_valid() {
    let folder = fast_folder();
    let store = folder.path().join("store");
    let mut files: Vec<PathBuf> = BOTH.into_iter().map(testdata).collect();
    let surround = surround();
    files.extend(surround.iter().cloned());
    files.push(damaged(folder.path()));
    files.push(encoded(folder.path()));
    files.push(testdata("opus-hd.opus"));
    let golden = testdata("golden/layout-1.zarr");
    let mut documents = documents_of(&golden, &["notes", "synced", "trio"]);
    for (file, number) in files.iter().zip(1..) {
        // Some files of the corpus are damaged beyond use.
        let options = ImportOptions::default().exact(number <= BOTH.len());
        let imported = import_with(file, &store, &number.to_string(), &options);
        let Ok(imported) = imported else { continue };
        for recording in &imported.recordings {
            documents.extend(documents_of(&store, &[recording.name()]));
        }
    }
    assert_eq!(documents.iter().filter(|(part, _)| *part == SYNC).count(), 1 + BOTH.len());
    let channels = documents.iter().filter_map(|(_, document)| document["channels"].as_u64());
    let is_encoded = |document: &Value| document["source"]["stored"] == "transcoded";
    let encoded = documents.iter().find(|(_, document)| is_encoded(document)).unwrap();
    assert!(encoded.1["start"].is_object() && encoded.1["source"]["metadata"].is_array());
    let of_many = channels.filter(|&channels| channels > 2).count();
    assert!(of_many > surround.len() / 2, "{of_many} of {} imported", surround.len());
    let Some(errors) = errors_of(&documents) else { return };
    for ((part, document), errors) in documents.iter().zip(errors) {
        assert_eq!(errors, json!([]), "{part}: {document}");
    }
}

/// Every part of the schema rejects the documents of every other part.
#[test]
fn a_document_of_another_kind_is_invalid() {
    let documents = documents_of(&testdata("golden/layout-1.zarr"), &["trio"]);
    let swapped: Vec<(&str, Value)> = documents
        .iter()
        .flat_map(|(part, _)| documents.iter().map(move |other| (*part, other)))
        // The document of a recording has everything that the document of a store needs.
        .filter(|(part, other)| *part != other.0 && *part != STORE)
        .map(|(part, (_, document))| (part, document.clone()))
        .collect();
    assert_invalid(&swapped);
}

#[test]
fn a_document_without_a_required_attribute_is_invalid() {
    let whole = attributes("trio");
    let optional = ["gaps", "generation", "user"];
    let lacking = |key: &String| {
        let mut lacking = whole.clone();
        lacking.as_object_mut().unwrap().remove(key);
        ("", lacking)
    };
    let keys = whole.as_object().unwrap().keys();
    assert_invalid(&Vec::from_iter(
        keys.filter(|key| !optional.contains(&key.as_str())).map(lacking),
    ));
}

#[test]
fn a_document_with_a_wrong_value_is_invalid() {
    let long = "0".repeat(65);
    let wrong = |(place, value): (&str, Value)| {
        let mut attributes = attributes("trio");
        *attributes.pointer_mut(place).unwrap() = value;
        ("", attributes)
    };
    assert_invalid(&Vec::from_iter(
        [
            ("/layout", json!(2)),
            ("/layout", json!("1")),
            ("/checksum", json!("f64373a")),
            ("/checksum", json!("F64373AB")),
            ("/channels", json!(0)),
            ("/channels", json!(256)),
            ("/mapping_family", json!(4)),
            // Family 0 has no table.
            ("/mapping_family", json!(0)),
            ("/channel_mapping", json!("02010")),
            ("/pre_skip", json!(65_536)),
            ("/output_gain", json!(-32_769)),
            ("/output_gain", json!(1.5)),
            ("/input_sample_rate", json!(null)),
            ("/play_length", json!(-1)),
            ("/coded_length", json!("144000")),
            ("/packet_count", json!(0)),
            ("/blob_bytes", json!(0)),
            ("/blob_sha256", json!(long)),
            ("/blob_checksums", json!("d6ecc78e0")),
            ("/blob_checksums", json!("")),
            ("/index_checkpoints", json!([960])),
            ("/index_checkpoints", json!([])),
            ("/index_ranges", json!([[0]])),
            ("/index_ranges", json!([[0, 761, 1]])),
            ("/index_ranges/0/1", json!(0)),
            ("/gaps", json!([])),
            ("/gaps/1/samples", json!(0)),
            ("/gaps/1/is_inferred", json!("yes")),
            ("/source/name", json!(null)),
            ("/source/sha256", json!(long)),
            ("/source/stored", json!("copied")),
            ("/source/stream", json!(0)),
            ("/source/findings", json!("none")),
            ("/tags/comments", json!("TITLE=Trio")),
            ("/tags/omitted", json!(-1)),
            ("/user", json!(["a note"])),
            ("/user", json!({})),
        ]
        .map(wrong),
    ));
}

/// With the corrections that somebody made after the import.
#[test]
fn a_corrected_clock_is_valid() {
    let folder = fast_folder();
    let store = folder.path().join("store");
    let file = folder.path().join("20260512_221500.opus");
    fs::copy(testdata(BOTH[0]), &file).unwrap();
    let mut recording = import_to(file, &store, "it").unwrap().into_first();
    let points = "2026-05-01T12:00:00=2026-05-01T10:03Z, 2026-06-01T12:00:00=2026-06-01T10:01Z";
    for correction in [
        Correction::Zone("Europe/Zurich".parse().unwrap()),
        Correction::parse_shift("-1h").unwrap(),
        Correction::parse_drift(points, None).unwrap(),
    ] {
        recording.correct_clock(&correction, "ann").unwrap();
    }
    let documents = documents_of(&store, &["it"]);
    let Some(errors) = errors_of(&documents) else { return };
    assert!(errors.iter().all(|errors| *errors == json!([])), "{errors:?}");
    let mut wrong = Vec::new();
    let (_, right) = documents.into_iter().find(|(part, _)| part.is_empty()).unwrap();
    for (place, value) in [
        ("/clock/drift_ppt", json!(100_000_000_001_u64)),
        ("/clock/drift_ppt", json!(0.5)),
        ("/clock/changes", json!([])),
        ("/clock/changes/0/author", json!("")),
        ("/clock/recorded/certainty", json!("sure")),
    ] {
        let mut attributes = right.clone();
        *attributes.pointer_mut(place).unwrap() = value;
        wrong.push(("", attributes));
    }
    assert_invalid(&wrong);
}

#[test]
fn an_array_of_another_type_or_shape_is_invalid() {
    let documents = documents_of(&testdata("golden/layout-1.zarr"), &["trio"]);
    let codecs = "/codecs/0/configuration";
    let mut wrong = Vec::new();
    for (part, document) in documents.iter().filter(|(part, _)| [BLOB, INDEX].contains(part)) {
        for (place, value) in [
            ("/zarr_format", json!(2)),
            ("/shape/0", json!(0)),
            ("/data_type", json!("int64")),
            ("/chunk_grid/configuration/chunk_shape/0", json!(10_001)),
            ("/fill_value", json!(1)),
            (&format!("{codecs}/codecs/0"), json!("bytes")),
            (&format!("{codecs}/index_location"), json!("start")),
            (&format!("{codecs}/chunk_shape/0"), json!(1000)),
        ] {
            let mut document = document.clone();
            *document.pointer_mut(place).unwrap() = value;
            wrong.push((*part, document));
        }
    }
    assert_invalid(&wrong);
}

fn assert_invalid(documents: &[(&str, Value)]) {
    let Some(errors) = errors_of(documents) else { return };
    assert!(!documents.is_empty());
    for ((part, document), errors) in documents.iter().zip(errors) {
        assert_ne!(errors, json!([]), "accepted as {part:?}: {document}");
    }
}

/// Returns the errors that a maintained validator finds in each document. `None` without Python.
fn errors_of(documents: &[(&str, Value)]) -> Option<Vec<Value>> {
    let python = python("no document was validated against the schema")?;
    let folder = fast_folder();
    let file = folder.path().join("documents.json");
    fs::write(&file, serde_json::to_vec(documents).unwrap()).unwrap();
    let schema = opus_zarr_testkit::root().join("docs/recording.schema.json");
    let answer = answer_of(
        Command::new(python)
            .args(["-I", "-W", "error"])
            .arg(interop("with_jsonschema.py"))
            .args([schema, file]),
    );
    let errors = answer.as_array().unwrap().clone();
    assert_eq!(errors.len(), documents.len());
    Some(errors)
}

/// Returns the documents of a store and of some of its recordings, each with the part of the schema
/// that describes it.
fn documents_of(store: &Path, recordings: &[&str]) -> Vec<(&'static str, Value)> {
    let read = |path: PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut documents = vec![(STORE, read(store.join("zarr.json")))];
    for name in recordings {
        let folder = store.join(name);
        let recording: Value = read(folder.join("zarr.json"));
        documents.push(("", recording["attributes"]["opus_zarr"].clone()));
        documents.push((RECORDING, recording));
        documents.push((BLOB, read(folder.join("opus_blob/zarr.json"))));
        documents.push((INDEX, read(folder.join("opus_index/zarr.json"))));
        let sync = folder.join("opus_sync/zarr.json");
        documents.extend(sync.exists().then(|| (SYNC, read(sync))));
    }
    documents
}

fn attributes(golden: &str) -> Value {
    let documents = documents_of(&testdata("golden/layout-1.zarr"), &[golden]);
    documents.into_iter().find(|(part, _)| part.is_empty()).unwrap().1
}

/// A dozen files of the corpus with more than two channels.
fn surround() -> Vec<PathBuf> {
    let files = every_opus_file().unwrap_or_default();
    files.into_iter().filter(|file| file.channels > 2).map(|file| file.path).take(12).collect()
}

/// A file with a page whose checksum is wrong.
fn damaged(folder: &Path) -> PathBuf {
    let mut bytes = bytes_of(BOTH[0]);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let file = folder.join("damaged.opus");
    fs::write(&file, bytes).unwrap();
    file
}

/// An audio file with a chunk, and with a time in its name.
fn encoded(folder: &Path) -> PathBuf {
    let file = folder.join("20260112_041500Z.wav");
    fs::copy(testdata("wave/no-size-guano.wav"), &file).unwrap();
    file
}

/// Parts of the schema.
const STORE: &str = "/$defs/store_document";
const RECORDING: &str = "/$defs/recording_document";
const BLOB: &str = "/$defs/blob_document";
const INDEX: &str = "/$defs/index_document";
const SYNC: &str = "/$defs/sync_document";
