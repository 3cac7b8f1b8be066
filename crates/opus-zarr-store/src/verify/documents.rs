use serde_json::{Map, Value};

use super::{FaultKind, Verifier};
use crate::{
    Error, Part,
    document::MAX_METADATA,
    json::{parse_json, shortened},
    layout::{ATTRIBUTES_KEY, METADATA, recording_group, root_group},
    recording::{StoredRecording, document_key},
};

impl Verifier<'_> {
    /// Every document: what it says beside our attributes, which have been checked when
    /// the recording was opened.
    pub(super) fn documents(&mut self, recording: &StoredRecording) {
        self.root();
        self.group(recording);
        for (array, document) in recording.document.info.arrays() {
            self.array(recording, array, &document);
        }
    }

    pub(super) fn root(&mut self) {
        self.document(METADATA, |found| {
            // Of all recordings, which other programs may have put there.
            let mut found = found.clone();
            found.as_object_mut().map(|fields| fields.remove("consolidated_metadata"));
            compare("", &root_group(), &found)
        });
    }

    pub(super) fn group(&mut self, recording: &StoredRecording) {
        let (name, info) = (&recording.name, &recording.document.info);
        self.document(&document_key(name), |found| {
            let ours = found.get("attributes").and_then(|all| all.get(ATTRIBUTES_KEY));
            let ours = ours.cloned().unwrap_or_default();
            compare("", &recording_group(&ours, &Map::new(), &info.arrays()), found)
        });
        for reason in
            recording.index.as_ref().err().into_iter().chain(recording.sync.as_ref().err())
        {
            self.fault(&document_key(name), FaultKind::Document { reason: reason.clone() });
        }
    }

    pub(super) fn array(&mut self, recording: &StoredRecording, array: &str, expected: &Value) {
        let key = format!("{}/{array}/{METADATA}", recording.name);
        self.document(&key, |found| compare("", expected, found));
    }

    fn document(&mut self, key: &str, check: impl FnOnce(&Value) -> Result<(), String>) {
        let bytes = match self.read(key, Part::Whole(MAX_METADATA)) {
            Ok(bytes) => bytes,
            Err(Error::Metadata { reason, .. }) => {
                return self.fault(key, FaultKind::Document { reason });
            }
            Err(error) => return self.failure(key, error),
        };
        if let Err(reason) = parse_json(&bytes).and_then(|document| check(&document)) {
            self.fault(key, FaultKind::Document { reason });
        }
    }
}

/// Whether a document says all that is expected, and nothing else that could change how
/// it is read. The error names the place of the first difference.
pub(crate) fn compare(place: &str, expected: &Value, found: &Value) -> Result<(), String> {
    let (Value::Object(wanted), Value::Object(fields)) = (expected, found) else {
        if expected == found {
            return Ok(());
        }
        let (expected, found) = (shortened(expected.to_string()), shortened(found.to_string()));
        return Err(format!("{place:?} is {found}, layout 1 has {expected}"));
    };
    for (key, expected) in wanted {
        let place = format!("{place}/{key}");
        let found = fields.get(key).ok_or_else(|| format!("no {place:?}, which layout 1 has"))?;
        compare(&place, expected, found)?;
    }
    let is_open = place.ends_with("/attributes") || place.ends_with(ATTRIBUTES_KEY);
    let stranger = |(key, value): &(&String, &Value)| !wanted.contains_key(*key) && !is_void(value);
    match fields.iter().find(stranger) {
        Some((key, _)) if !is_open => {
            let place = shortened(format!("{place}/{key}"));
            Err(format!("{place:?}, which layout 1 does not have"))
        }
        _ => Ok(()),
    }
}

/// What other programs write for nothing.
fn is_void(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}
