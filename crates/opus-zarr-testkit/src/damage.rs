//! Changes to a store in a directory. Where an attacker would correct a checksum, so does this.

use std::{fs, path::Path};

use serde_json::Value;

/// Changes the bytes of a file.
pub fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

/// Changes the document of the recording in a directory and corrects its checksum.
pub fn edit_document(recording: &Path, change: impl FnOnce(&mut Value)) {
    edit(&recording.join("zarr.json"), |bytes| {
        let mut document: Value = serde_json::from_slice(bytes).unwrap();
        change(&mut document);
        repair(&mut document);
        *bytes = document.to_string().into_bytes();
    });
}

/// Sets an attribute of the recording in a directory and corrects the checksum.
pub fn set_attribute(recording: &Path, key: &str, value: Value) {
    edit_document(recording, |document| document["attributes"]["opus_zarr"][key] = value);
}

/// Gives a document the checksum of its attributes, as `docs/format.md` defines it.
pub fn repair(document: &mut Value) {
    let Some(attributes) = document["attributes"]["opus_zarr"].as_object_mut() else { return };
    attributes.remove("checksum");
    let mut sorted = Value::Object(attributes.clone());
    sorted.sort_all_objects();
    let checksum = format!("{:08x}", crc32c::crc32c(sorted.to_string().as_bytes()));
    attributes.insert("checksum".to_owned(), checksum.into());
}
