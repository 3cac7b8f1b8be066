//! The `zarr.json` of a recording's group, parsed once into a [`RecordingInfo`].

use std::io::{self, BufWriter, Write};

use serde_json::{Map, Value};

use crate::{
    ClockCorrection, Error, RecordingInfo, StoredBlob, StoredIndex, SyncInfo,
    equivalent::{compare, compare_fields},
    error::{Excess, Reason},
    json::{json_error, parse_json, shortened},
    layout::{ATTRIBUTES_KEY, ArrayKind, CONSOLIDATED, LAYOUT, recording_group},
    object::check_document,
};

/// A recording's group: our attributes, and what other programs have added.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) info: RecordingInfo,
    foreign: Foreign,
}

/// What other programs have added to a group. It is preserved unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
struct Foreign {
    attributes: Map<String, Value>,
    /// Extensions of the document.
    members: Map<String, Value>,
    /// Consolidated documents: of foreign members, and of our arrays with foreign attributes.
    documents: Map<String, Value>,
}

impl Document {
    pub(crate) fn new(info: RecordingInfo) -> Self {
        Self { info, foreign: Foreign::default() }
    }

    /// Returns the document of a copy with these parts.
    pub(crate) fn with_parts(
        &self,
        blob: &StoredBlob,
        index: &StoredIndex,
        sync: Option<&SyncInfo>,
    ) -> Self {
        let mut document = self.without_foreign_documents();
        document.info.set_parts(blob, index, sync);
        document
    }

    /// Returns the document of a copy, which has none of the foreign members.
    pub(crate) fn without_foreign_documents(&self) -> Self {
        let mut document = self.clone();
        document.foreign.documents.clear();
        document
    }

    /// Returns this document as that of a recording in the place of another one, whose notes, corrected
    /// clock and foreign attributes it takes over.
    pub(crate) fn in_place_of(&self, other: &Self) -> Self {
        let mut document = self.clone();
        document.info.user.clone_from(&other.info.user);
        document.info.user.extend(self.info.user.clone());
        document.info.take_clock_of(&other.info);
        document.info.generation = other.info.generation.saturating_add(1);
        document.foreign.attributes.clone_from(&other.foreign.attributes);
        document
    }

    /// Writes the document, unless a reader would refuse the one with the name `object`.
    pub(crate) fn write(&self, object: &str) -> Result<String, Error> {
        let Self { info, foreign } = self;
        let mut attributes =
            serde_json::to_value(info).map_err(|error| Error::inconsistent(error.to_string()))?;
        let checksum = attributes_checksum(&attributes);
        if let Some(fields) = attributes.as_object_mut() {
            fields.insert(CHECKSUM.to_owned(), checksum.into());
        }
        let group = recording_group(&attributes, &foreign.attributes, &info.arrays());
        let text = foreign.add_to(group).to_string();
        check_notes(object, info)?;
        info.clock.as_ref().map_or(Ok(()), ClockCorrection::check).map_err(Reason::Clock)?;
        check_document(object, text.as_bytes())?;
        // User metadata may have deeper nesting than readers accept.
        parse_json(text.as_bytes()).map_err(|reason| {
            Error::inconsistent(format!("the attributes cannot be read back: {reason}"))
        })?;
        Ok(text)
    }

    /// Parses the document with the name `object` and checks that it is unchanged. Moves what it keeps out
    /// of the parsed document, because copies of large ones would take time and memory.
    pub(crate) fn parse(object: &str, bytes: &[u8]) -> Result<Self, Error> {
        let fault = |reason| Error::from(Reason::Metadata { object: object.to_owned(), reason });
        let mut document = parse_json(bytes).map_err(fault)?;
        let attributes = take_attributes(object, &mut document)?;
        let (found, expected) = (attributes.get(CHECKSUM), attributes_checksum(&attributes));
        if found != Some(&Value::from(expected.as_str())) {
            let found = found.map_or("none".to_owned(), |found| shortened(found.to_string()));
            return Err(fault(format!(
                "attributes with checksum {found}, expected \"{expected}\""
            )));
        }
        let mut info: RecordingInfo =
            serde_json::from_value(attributes).map_err(|error| fault(json_error(error)))?;
        // Computed whenever the document is written.
        info.other.remove(CHECKSUM);
        check_notes(object, &info)?;
        let clock = info.clock.as_ref().map_or(Ok(()), ClockCorrection::check);
        clock.map_err(|invalid| fault(invalid.to_string()))?;
        check_arrays(&document, &info).map_err(fault)?;
        Ok(Self { info, foreign: Foreign::of(document) })
    }
}

/// Checks that the notes of users are within their limit.
fn check_notes(object: &str, info: &RecordingInfo) -> Result<(), Error> {
    let mut notes = Length(0);
    // Writing to a counter does not fail.
    let written = serde_json::to_writer(&mut notes, &info.user);
    written.map_err(|error| Error::inconsistent(error.to_string()))?;
    if notes.0 > MAX_NOTES {
        let excess = Excess::Notes { found: notes.0, limit: MAX_NOTES };
        return Err(Reason::TooLarge { object: object.to_owned(), excess }.into());
    }
    Ok(())
}

/// Counts the bytes written to it.
struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes the attributes of a recording out of its document.
fn take_attributes(object: &str, document: &mut Value) -> Result<Value, Error> {
    let place = format!("/attributes/{ATTRIBUTES_KEY}");
    let ours = document.pointer_mut(&place);
    // A store within a store has only a layout.
    match ours.filter(|ours| ours.get("blob_bytes").is_some()) {
        Some(ours) => {
            check_layout(object, ours)?;
            Ok(ours.take())
        }
        None => Err(Reason::Foreign { object: object.to_owned() }.into()),
    }
}

impl Foreign {
    fn of(mut document: Value) -> Self {
        let take = |document: &mut Value, place: &str| {
            let found = document.pointer_mut(place).and_then(Value::as_object_mut);
            found.map(std::mem::take).unwrap_or_default()
        };
        let mut attributes = take(&mut document, "/attributes");
        attributes.remove(ATTRIBUTES_KEY);
        let documents = take(&mut document, &format!("/{CONSOLIDATED}/metadata"));
        let mut members = take(&mut document, "");
        members.retain(|key, value| !MEMBERS.contains(&key.as_str()) && !value.is_null());
        Self { attributes, members, documents }
    }

    fn add_to(&self, mut group: Value) -> Value {
        let ours = group.pointer_mut(&format!("/{CONSOLIDATED}/metadata"));
        if let Some(ours) = ours.and_then(Value::as_object_mut) {
            for (name, document) in &self.documents {
                let is_ours = ArrayKind::ALL.iter().any(|array| array.name() == name);
                let expected = ours.get(name);
                if expected.map_or(!is_ours, |expected| compare(expected, document).is_ok()) {
                    ours.insert(name.clone(), document.clone());
                }
            }
        }
        if let Some(fields) = group.as_object_mut() {
            fields.extend(self.members.clone());
        }
        group
    }
}

/// Our attributes among those of a group.
pub(crate) fn our_attributes(document: &Value) -> Option<&Value> {
    document.get("attributes")?.get(ATTRIBUTES_KEY)
}

/// Checks that a group's attributes name our layout.
pub(crate) fn check_layout(object: &str, attributes: &Value) -> Result<(), Error> {
    match attributes.get("layout") {
        Some(layout) if layout.as_u64() == Some(LAYOUT) => Ok(()),
        Some(other) => {
            let found = shortened(other.to_string());
            Err(Reason::Layout { object: object.to_owned(), found }.into())
        }
        None => {
            let reason = "attributes without a layout".to_owned();
            Err(Reason::Metadata { object: object.to_owned(), reason }.into())
        }
    }
}

/// The crc32c of the attributes, without the checksum itself, as compact JSON with sorted keys.
/// It stays the same when another program rewrites the document.
pub(crate) fn attributes_checksum(attributes: &Value) -> String {
    let mut sum = BufWriter::new(Sum(0));
    let written = match attributes.as_object() {
        Some(fields) => {
            write_fields(fields.iter().filter(|(key, _)| *key != CHECKSUM).collect(), &mut sum)
        }
        None => write_sorted(attributes, &mut sum),
    };
    // Writing to a sum does not fail.
    let sum = written.ok().and_then(|()| sum.into_inner().ok()).map_or(0, |Sum(sum)| sum);
    format!("{sum:08x}")
}

/// The crc32c of everything written.
struct Sum(u32);

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = crc32c::crc32c_append(self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes compact JSON with sorted keys.
fn write_sorted(value: &Value, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Object(fields) => write_fields(fields.iter().collect(), out),
        Value::Array(items) => {
            out.write_all(b"[")?;
            for (number, item) in items.iter().enumerate() {
                out.write_all(if number == 0 { b"" } else { b"," })?;
                write_sorted(item, out)?;
            }
            out.write_all(b"]")
        }
        scalar => Ok(serde_json::to_writer(out, scalar)?),
    }
}

fn write_fields(mut fields: Vec<(&String, &Value)>, out: &mut impl Write) -> io::Result<()> {
    fields.sort_by_key(|(key, _)| *key);
    out.write_all(b"{")?;
    for (number, (key, value)) in fields.into_iter().enumerate() {
        out.write_all(if number == 0 { b"" } else { b"," })?;
        serde_json::to_writer(&mut *out, key)?;
        out.write_all(b":")?;
        write_sorted(value, out)?;
    }
    out.write_all(b"}")
}

/// Checks the fields that decide how the bytes of the arrays are read against layout 1.
fn check_arrays(document: &Value, info: &RecordingInfo) -> Result<(), String> {
    let Some(found) = document.get(CONSOLIDATED).filter(|found| !found.is_null()) else {
        return Ok(()); // Other programs may drop them, and the attributes determine them.
    };
    for (array, expected) in info.arrays() {
        let name = array.name();
        let found = found.get("metadata").and_then(|all| all.get(name));
        let found = found.ok_or_else(|| format!("no metadata for {name}"))?;
        compare_fields(&["shape", "data_type", "chunk_grid", "codecs"], &expected, found)
            .map_err(|reason| format!("{name}: {reason}"))?;
    }
    Ok(())
}

/// The members of a group that this crate writes.
const MEMBERS: [&str; 4] = ["zarr_format", "node_type", "attributes", CONSOLIDATED];
/// The attribute with the checksum of the others.
const CHECKSUM: &str = "checksum";
/// The most bytes of a document, enough for a blob of 90 GB.
pub(crate) const MAX_METADATA: u64 = 16 * 1024 * 1024;
/// The most values of a document, enough for 400 million packets.
pub(crate) const MAX_VALUES: u64 = 1 << 18;
/// The most bytes of the notes of users, as compact JSON.
const MAX_NOTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,4}|[\"\\\\\n\u{0}\u{1f}é]{0,3}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 64, 6, |inner| {
            let key = "[a-c\"é]{0,2}|checksum";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_checksum_is_that_of_sorted_compact_json(attributes in value()) {
            let mut sorted = attributes.clone();
            if let Some(fields) = sorted.as_object_mut() {
                fields.remove(CHECKSUM);
            }
            sorted.sort_all_objects();
            let expected = format!("{:08x}", crc32c::crc32c(sorted.to_string().as_bytes()));
            prop_assert_eq!(attributes_checksum(&attributes), expected);
        }
    }
}
