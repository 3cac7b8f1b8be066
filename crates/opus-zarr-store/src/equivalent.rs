//! Which documents say the same. Other programs rewrite them, in forms that Zarr v3 leaves open, and add
//! members of their own.

use serde_json::{Map, Value, json};

use crate::{
    json::shortened,
    layout::{CONSOLIDATED, DIMENSION_NAMES},
};

/// Checks that a document says everything expected. The error names the place of the first
/// difference. Members that are not expected belong to others, except within the parts that decide how
/// bytes are read.
pub(crate) fn compare(expected: &Value, found: &Value) -> Result<(), String> {
    compare_at("", &normal(expected), &normal(found))
}

/// Checks that these fields of a document say what is expected.
pub(crate) fn compare_fields(
    fields: &[&str],
    expected: &Value,
    found: &Value,
) -> Result<(), String> {
    // As this crate writes them.
    if fields.iter().all(|field| expected.get(field) == found.get(field)) {
        return Ok(());
    }
    let (expected, found) = (normal(expected), normal(found));
    fields.iter().try_for_each(|field| {
        let of = |document: &Value| document.get(field).cloned().unwrap_or_default();
        compare_at(&format!("/{field}"), &of(&expected), &of(&found))
    })
}

fn compare_at(place: &str, expected: &Value, found: &Value) -> Result<(), String> {
    let (Value::Object(wanted), Value::Object(fields)) = (expected, found) else {
        if expected == found {
            return Ok(());
        }
        let (expected, found) = (shortened(expected.to_string()), shortened(found.to_string()));
        return Err(format!("{place:?} is {found}, expected {expected} in layout 1"));
    };
    for (key, expected) in wanted {
        if key == DIMENSION_NAMES && !fields.contains_key(key) {
            continue; // Nothing depends on them, and early stores have none.
        }
        let place = format!("{place}/{key}");
        let found =
            fields.get(key).ok_or_else(|| format!("{place:?} is missing, expected in layout 1"))?;
        compare_at(&place, expected, found)?;
    }
    match fields.iter().find(|(key, value)| !wanted.contains_key(*key) && !is_foreign(place, value))
    {
        Some((key, _)) => {
            let place = shortened(format!("{place}/{key}"));
            Err(format!("{place:?} is not part of layout 1"))
        }
        None => Ok(()),
    }
}

/// Whether a member that is not expected here belongs to others: one of the attributes, another
/// document among the consolidated ones, or an extension of a document that readers may ignore.
fn is_foreign(place: &str, value: &Value) -> bool {
    let within = place.strip_prefix(&format!("/{CONSOLIDATED}/metadata"));
    let attributes = |place: &str| place == "/attributes" || place == OURS;
    let is_ignorable = value.get("must_understand").is_some_and(|must| *must == false);
    match within.map(|within| within.trim_start_matches('/').split_once('/')) {
        None => attributes(place) || (place.is_empty() && is_ignorable),
        Some(Some((_, rest))) => attributes(&format!("/{rest}")),
        // The documents, and the members of one.
        Some(None) => within == Some("") || is_ignorable,
    }
}

/// The place of our attributes.
const OURS: &str = "/attributes/opus_zarr";

/// Returns a document in the form in which this crate writes it.
fn normal(document: &Value) -> Value {
    let Value::Object(fields) = document else { return document.clone() };
    // What others write for an absent member.
    let is_void = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let is_byte = fields.get("data_type").is_some_and(|found| data_type(found) == "uint8");
    let fields = fields.iter().filter(|(_, value)| !is_void(value)).map(|(key, value)| {
        let value = match key.as_str() {
            CONSOLIDATED => consolidated(value),
            "data_type" => data_type(value),
            "codecs" => codecs(value, is_byte),
            "chunk_grid" | "chunk_key_encoding" => named(value, is_byte),
            _ => value.clone(),
        };
        (key.clone(), value)
    });
    fields.collect::<Map<_, _>>().into()
}

fn consolidated(value: &Value) -> Value {
    let mut value = value.clone();
    let documents = value.get_mut("metadata").and_then(Value::as_object_mut);
    for document in documents.into_iter().flat_map(Map::values_mut) {
        *document = normal(document);
    }
    value
}

fn data_type(value: &Value) -> Value {
    match value.get("name") {
        Some(name) if named(value, false).get("configuration") == Some(&json!({})) => name.clone(),
        _ => value.clone(),
    }
}

/// Codecs of elements of a byte, or of several.
fn codecs(value: &Value, is_byte: bool) -> Value {
    match value {
        Value::Array(all) => all.iter().map(|codec| named(codec, is_byte)).collect(),
        _ => value.clone(),
    }
}

/// Something with a name and a configuration, which may be written without the latter if it is empty.
fn named(value: &Value, is_byte: bool) -> Value {
    let mut named = match value {
        Value::String(name) => Map::from_iter([("name".to_owned(), name.as_str().into())]),
        Value::Object(fields) => fields.clone(),
        _ => return value.clone(),
    };
    let is_bytes = named.get("name").is_some_and(|name| name == "bytes");
    let configuration = named.entry("configuration").or_insert_with(|| json!({}));
    if let Some(fields) = configuration.as_object_mut() {
        // A byte has no order.
        if is_bytes && is_byte {
            fields.entry("endian").or_insert_with(|| "little".into());
        }
        if let Some(inner) = fields.get_mut("codecs") {
            *inner = codecs(inner, is_byte);
        }
        if let Some(inner) = fields.get_mut("index_codecs") {
            *inner = codecs(inner, false);
        }
    }
    named.into()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::layout::{ArrayKind, blob_array, index_array, recording_group};

    #[test]
    fn forms_that_zarr_leaves_open_are_equivalent() {
        for expected in [blob_array(100_000), index_array(50)] {
            let mut found = expected.clone();
            let sharding = &mut found["codecs"][0]["configuration"];
            sharding["index_codecs"][1] = json!("crc32c");
            let last = sharding["codecs"].as_array().map_or(0, Vec::len) - 1;
            sharding["codecs"][last] = json!({ "name": "crc32c" });
            found["data_type"] = json!({ "name": found["data_type"], "configuration": {} });
            found["dimension_names"] = Value::Null;
            found["storage_transformers"] = json!([]);
            found["attributes"] = json!({ "seen": true });
            found["extension"] = json!({ "must_understand": false });
            assert_eq!(compare(&expected, &found), Ok(()));
            let group = |array| recording_group(&json!({}), &Map::new(), &[array]);
            let [expected, found] =
                [expected, found].map(|document| group((ArrayKind::Blob, document)));
            assert_eq!(compare(&expected, &found), Ok(()));
        }
        let mut bytes = blob_array(1);
        bytes["codecs"][0]["configuration"]["codecs"][0] = json!("bytes");
        assert_eq!(compare(&blob_array(1), &bytes), Ok(()));
    }

    #[test]
    fn whatever_changes_how_bytes_are_read_is_a_difference() {
        let changes: [(&str, Value); 8] = [
            ("/shape/0", json!(99)),
            ("/data_type", json!("int8")),
            ("/chunk_grid/configuration/chunk_shape/0", json!(1)),
            ("/codecs/0/configuration/codecs/1", json!("gzip")),
            ("/codecs/0/configuration/codecs/0/configuration/endian", json!("big")),
            ("/codecs/0/configuration/index_codecs/0", json!("bytes")),
            ("/codecs/0/configuration/extra", json!(1)),
            ("/node_type", json!("group")),
        ];
        let expected = blob_array(100_000);
        for (place, value) in changes {
            let mut found = expected.clone();
            let (parent, key) = place.rsplit_once('/').unwrap_or_default();
            match found.pointer_mut(parent) {
                Some(Value::Array(all)) => all[key.parse::<usize>().unwrap_or(0)] = value,
                Some(parent) => parent[key] = value,
                None => panic!("{place}"),
            }
            assert!(compare(&expected, &found).is_err(), "{place}");
            let group =
                |array| recording_group(&json!({}), &Map::new(), &[(ArrayKind::Blob, array)]);
            assert!(compare(&group(expected.clone()), &group(found)).is_err(), "{place}");
        }
    }
}
