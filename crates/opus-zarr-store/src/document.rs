//! The `zarr.json` of a recording's group: parsed once, into a [`RecordingInfo`].

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Error, RecordingInfo, StoredBlob, StoredIndex, SyncInfo,
    json::{json_error, parse_json, shortened},
    layout::{ATTRIBUTES_KEY, LAYOUT, recording_group},
};

/// A recording's group: what we know of it, and what others have added.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) info: RecordingInfo,
    /// Attributes of the group beside ours, kept as they are.
    pub(crate) others: Map<String, Value>,
}

impl Document {
    pub(crate) fn new(info: RecordingInfo) -> Self {
        Self { info, others: Map::new() }
    }

    /// The same of a copy, whose parts these are.
    pub(crate) fn with_parts(
        &self,
        blob: &StoredBlob,
        index: &StoredIndex,
        sync: Option<&SyncInfo>,
    ) -> Self {
        let mut document = self.clone();
        document.info.set_parts(blob, index, sync);
        document
    }

    pub(crate) fn write(&self) -> Result<String, Error> {
        let Self { info, others } = self;
        let inconsistent = |reason| Error::Inconsistent { reason };
        let mut attributes =
            serde_json::to_value(info).map_err(|error| inconsistent(error.to_string()))?;
        let checksum = attributes_checksum(&attributes);
        if let Some(fields) = attributes.as_object_mut() {
            fields.insert(CHECKSUM.to_owned(), checksum.into());
        }
        let text = recording_group(&attributes, others, &info.arrays()).to_string();
        if !u64::try_from(text.len()).is_ok_and(|len| len <= MAX_METADATA) {
            return Err(inconsistent(format!(
                "the attributes take {} bytes, at most {MAX_METADATA} can be read again",
                text.len()
            )));
        }
        // What users note may be of more values, or deeper, than is read.
        parse_json(text.as_bytes()).map_err(|reason| {
            inconsistent(format!("the attributes cannot be read again: {reason}"))
        })?;
        Ok(text)
    }

    /// Parses the document of this name, and checks that it is as it was written.
    pub(crate) fn parse(object: &str, bytes: &[u8]) -> Result<Self, Error> {
        let fault = |reason| Error::Metadata { object: object.to_owned(), reason };
        let not_json = |error| fault(json_error(error));
        let mut document = parse_json(bytes).map_err(fault)?;
        let attributes = our_attributes(&document)
            .ok_or_else(|| fault("no opus_zarr attributes: not a recording".to_owned()))?;
        check_layout(object, attributes)?;
        let (found, expected) = (attributes.get(CHECKSUM), attributes_checksum(attributes));
        if found != Some(&Value::from(expected.as_str())) {
            let found = found.map_or("none".to_owned(), |found| shortened(found.to_string()));
            return Err(fault(format!(
                "attributes with checksum {found}, they give \"{expected}\""
            )));
        }
        let mut info = RecordingInfo::deserialize(attributes).map_err(not_json)?;
        // It is made anew whenever the document is written.
        info.other.remove(CHECKSUM);
        check_arrays(&document, &info).map_err(fault)?;
        let others = document.get_mut("attributes").and_then(Value::as_object_mut);
        let mut others = others.map(std::mem::take).unwrap_or_default();
        others.remove(ATTRIBUTES_KEY);
        Ok(Self { info, others })
    }
}

/// What is ours of a group's attributes.
pub(crate) fn our_attributes(document: &Value) -> Option<&Value> {
    document.get("attributes")?.get(ATTRIBUTES_KEY)
}

/// Reads the layout that a group's attributes name, and refuses all but ours.
pub(crate) fn check_layout(object: &str, attributes: &Value) -> Result<(), Error> {
    match attributes.get("layout") {
        Some(layout) if layout.as_u64() == Some(LAYOUT) => Ok(()),
        Some(other) => {
            let found = shortened(other.to_string());
            Err(Error::Layout { object: object.to_owned(), found })
        }
        None => {
            let reason = "no layout in its attributes".to_owned();
            Err(Error::Metadata { object: object.to_owned(), reason })
        }
    }
}

/// The crc32c of the attributes but for the checksum itself, as JSON without spaces
/// whose keys are sorted: so it stays when another program writes the document anew.
pub(crate) fn attributes_checksum(attributes: &Value) -> String {
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
    for (name, expected) in info.arrays() {
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
/// Bytes of the longest document: what 128 GiB of blob take.
pub(crate) const MAX_METADATA: u64 = 32 * 1024 * 1024;
