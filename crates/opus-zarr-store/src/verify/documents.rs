use serde_json::{Map, Value};

use super::{Component, FaultKind, Object, Verifier};
use crate::{
    Part,
    document::MAX_METADATA,
    json::{parse_json, shortened},
    layout::{ATTRIBUTES_KEY, ArrayKind, METADATA, recording_group, root_group},
    recording::{StoredRecording, document_key},
};

impl Verifier<'_> {
    /// Checks every document, except our attributes, which were checked when the recording was
    /// opened.
    pub(super) fn documents(&mut self, recording: &StoredRecording) {
        self.root();
        self.group(recording);
        for (array, document) in recording.document.info.arrays() {
            self.array(recording, array, &document);
        }
    }

    pub(super) fn root(&mut self) {
        let at = Object { component: Component::Store, key: METADATA.to_owned() };
        self.document(&at, |found| {
            // Other programs may have consolidated the documents of all recordings.
            let mut found = found.clone();
            found.as_object_mut().map(|fields| fields.remove("consolidated_metadata"));
            compare("", &root_group(), &found)
        });
    }

    pub(super) fn group(&mut self, recording: &StoredRecording) {
        let (name, info) = (&recording.name, &recording.document.info);
        let at = Object { component: Component::Recording, key: document_key(name) };
        self.document(&at, |found| {
            let ours = found.get("attributes").and_then(|all| all.get(ATTRIBUTES_KEY));
            let ours = ours.cloned().unwrap_or_default();
            compare("", &recording_group(&ours, &Map::new(), &info.arrays()), found)
        });
        for reason in
            recording.index.as_ref().err().into_iter().chain(recording.sync.as_ref().err())
        {
            self.fault(&at, FaultKind::Document { reason: reason.clone() });
        }
    }

    pub(super) fn array(
        &mut self,
        recording: &StoredRecording,
        array: ArrayKind,
        expected: &Value,
    ) {
        let key = format!("{}/{}/{METADATA}", recording.name, array.name());
        let at = Object { component: Component::Metadata(array), key };
        self.document(&at, |found| compare("", expected, found));
    }

    fn document(&mut self, at: &Object, check: impl FnOnce(&Value) -> Result<(), String>) {
        let bytes = match self.read(&at.key, Part::Whole(MAX_METADATA)) {
            Ok(bytes) => bytes,
            Err(error) => return self.failure(at, error),
        };
        if let Err(reason) = parse_json(&bytes).and_then(|document| check(&document)) {
            self.fault(at, FaultKind::Document { reason });
        }
    }
}

/// Checks that a document contains everything expected, and nothing else that could change how
/// it is read. The error names the place of the first difference.
pub(crate) fn compare(place: &str, expected: &Value, found: &Value) -> Result<(), String> {
    let (Value::Object(wanted), Value::Object(fields)) = (expected, found) else {
        if expected == found {
            return Ok(());
        }
        let (expected, found) = (shortened(expected.to_string()), shortened(found.to_string()));
        return Err(format!("{place:?} is {found}, expected {expected} in layout 1"));
    };
    for (key, expected) in wanted {
        let place = format!("{place}/{key}");
        let found =
            fields.get(key).ok_or_else(|| format!("{place:?} is missing, expected in layout 1"))?;
        compare(&place, expected, found)?;
    }
    let is_open = place.ends_with("/attributes") || place.ends_with(ATTRIBUTES_KEY);
    let stranger = |(key, value): &(&String, &Value)| !wanted.contains_key(*key) && !is_void(value);
    match fields.iter().find(stranger) {
        Some((key, _)) if !is_open => {
            let place = shortened(format!("{place}/{key}"));
            Err(format!("{place:?} is not part of layout 1"))
        }
        _ => Ok(()),
    }
}

/// Whether a value is one that other programs write for an absent one.
fn is_void(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}
