//! Paths of the user's as fields of JSON objects.

use std::{
    ffi::{OsStr, OsString},
    fmt,
};

use opus_zarr::store::{hex_unless_utf8, path_text};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// A path, such as the field `output`. If it is not UTF-8, another field holds all its bytes:
/// `output_hex`.
///
/// To be flattened into its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathField {
    name: &'static str,
    path: OsString,
}

impl PathField {
    pub(crate) fn new(name: &'static str, path: impl AsRef<OsStr>) -> Self {
        Self { name, path: path.as_ref().to_owned() }
    }
}

impl Serialize for PathField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry(self.name, &path_text(&self.path))?;
        if let Some(hex) = hex_unless_utf8(&self.path) {
            fields.serialize_entry(&format!("{}_hex", self.name), &hex)?;
        }
        fields.end()
    }
}

impl fmt::Display for PathField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        path_text(&self.path).fmt(f)
    }
}
