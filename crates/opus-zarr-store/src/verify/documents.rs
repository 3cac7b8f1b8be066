use serde_json::{Map, Value};

use super::{Component, FaultKind, Object, Verifier};
use crate::{
    equivalent::compare,
    json::parse_json,
    layout::{ATTRIBUTES_KEY, ArrayKind, CONSOLIDATED, METADATA, recording_group, root_group},
    object::read_document,
    recording::{StoredRecording, document_key},
    storage::{Ready, ready},
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
        self.document(&at, |found| compare(&root_group(), found));
    }

    pub(super) fn group(&mut self, recording: &StoredRecording) {
        let (name, info) = (&recording.name, &recording.document.info);
        let at = Object { component: Component::Recording, key: document_key(name) };
        self.document(&at, |found| {
            // Ours were checked when the recording was opened; others may hold anything.
            let attributes = found.get_mut("attributes").and_then(Value::as_object_mut);
            if let Some(attributes) = attributes {
                attributes.retain(|key, _| key == ATTRIBUTES_KEY);
                attributes.values_mut().for_each(|ours| *ours = Value::Null);
            }
            let mut expected = recording_group(&Value::Null, &Map::new(), &info.arrays());
            // Other programs may drop the documents of the arrays, which the attributes determine. They
            // leave no other member in their place, as damage does.
            let is_dropped = found.get(CONSOLIDATED).is_none_or(Value::is_null);
            let expected_members = expected.as_object().map_or(0, Map::len) - 1;
            let others = found.as_object().into_iter().flat_map(Map::keys);
            let others = others.filter(|key| *key != CONSOLIDATED).count();
            if let Some(fields) = expected.as_object_mut()
                && is_dropped
                && others == expected_members
            {
                fields.remove(CONSOLIDATED);
            }
            compare(&expected, found)
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
        self.document(&at, |found| compare(expected, found));
    }

    fn document(&mut self, at: &Object, check: impl FnOnce(&mut Value) -> Result<(), String>) {
        let bytes = match ready(read_document(&Ready(self.storage), &at.key)) {
            Ok(bytes) => bytes,
            Err(error) => return self.failure(at, error),
        };
        if let Err(reason) = parse_json(&bytes).and_then(|mut document| check(&mut document)) {
            self.fault(at, FaultKind::Document { reason });
        }
    }
}
