//! The `zarr.json` of a recording's group: parsed once, into a [`RecordingInfo`].

use std::path::Path;

use serde_json::Value;

use crate::{
    Error, RecordingInfo,
    layout::{ATTRIBUTES_KEY, BLOB, INDEX, LAYOUT, blob_array, index_array, recording_group},
};

/// The document that says this of a recording.
pub(crate) fn write_document(info: &RecordingInfo) -> Result<String, Error> {
    let mut attributes = serde_json::to_value(info)
        .map_err(|error| Error::Inconsistent { reason: error.to_string() })?;
    let checksum = attributes_checksum(&attributes);
    if let Some(fields) = attributes.as_object_mut() {
        fields.insert(CHECKSUM.to_owned(), checksum.into());
    }
    Ok(recording_group(&attributes, info.blob_bytes, info.packet_count).to_string())
}

/// Parses the document at `path`, and checks that it is as it was written.
pub(crate) fn parse_document(path: &Path, bytes: &[u8]) -> Result<RecordingInfo, Error> {
    let fault = |reason| Error::Metadata { path: path.to_owned(), reason };
    let not_json = |error: serde_json::Error| fault(error.to_string().escape_debug().to_string());
    let document: Value = serde_json::from_slice(bytes).map_err(not_json)?;
    let attributes = our_attributes(&document)
        .ok_or_else(|| fault("no opus_zarr attributes: not a recording".to_owned()))?;
    check_layout(path, attributes)?;
    let (found, expected) = (attributes.get(CHECKSUM), attributes_checksum(attributes));
    if found != Some(&Value::from(expected.as_str())) {
        let found = found.map_or("none".to_owned(), Value::to_string);
        return Err(fault(format!("attributes with checksum {found}, they give \"{expected}\"")));
    }
    let info: RecordingInfo = serde_json::from_value(attributes.clone()).map_err(not_json)?;
    check_arrays(&document, &info).map_err(fault)?;
    Ok(info)
}

/// What is ours of a group's attributes.
pub(crate) fn our_attributes(document: &Value) -> Option<&Value> {
    document.get("attributes")?.get(ATTRIBUTES_KEY)
}

/// Reads the layout that a group's attributes name, and refuses all but ours.
pub(crate) fn check_layout(path: &Path, attributes: &Value) -> Result<(), Error> {
    match attributes.get("layout") {
        Some(layout) if layout.as_u64() == Some(LAYOUT) => Ok(()),
        Some(other) => Err(Error::Layout { path: path.to_owned(), found: other.to_string() }),
        None => {
            let reason = "no layout in its attributes".to_owned();
            Err(Error::Metadata { path: path.to_owned(), reason })
        }
    }
}

/// The crc32c of the attributes but for the checksum itself, as JSON without spaces
/// whose keys are sorted: so it stays when another program writes the document anew.
fn attributes_checksum(attributes: &Value) -> String {
    let mut attributes = attributes.clone();
    if let Some(fields) = attributes.as_object_mut() {
        fields.remove(CHECKSUM);
    }
    attributes.sort_all_objects();
    format!("{:08x}", crc32c::crc32c(attributes.to_string().as_bytes()))
}

/// The arrays must be those of layout 1: what decides how their bytes are read is
/// held against what this version reads.
fn check_arrays(document: &Value, info: &RecordingInfo) -> Result<(), String> {
    let expected = [(BLOB, blob_array(info.blob_bytes)), (INDEX, index_array(info.packet_count))];
    for (name, expected) in expected {
        let found = document.pointer(&format!("/consolidated_metadata/metadata/{name}"));
        let found = found.ok_or_else(|| format!("no metadata of {name}"))?;
        for field in ["shape", "data_type", "chunk_grid", "codecs"] {
            if found.get(field) != expected.get(field) {
                return Err(format!("{name} has another {field} than layout 1"));
            }
        }
    }
    Ok(())
}

/// The attribute that holds the checksum of the others.
const CHECKSUM: &str = "checksum";
