//! Recordings by the value of a note.

use std::collections::BTreeMap;

use opus_zarr::{
    Catalogue, Deployment, Error, Member, RecorderMetadata, Recording, RecordingFilter,
    RecordingName, Store,
};
use serde_json::{Map, Value};

use super::Group;

/// Recordings by the value of a note, and what is left out.
#[derive(Default)]
pub(super) struct Divided {
    /// By whether the note is missing, and its value.
    members: BTreeMap<(bool, String), Vec<Member>>,
    pub(super) undated: Vec<RecordingName>,
    pub(super) unopened: Vec<(RecordingName, Error)>,
}

impl Divided {
    pub(super) fn add_rows(&mut self, note: &str, catalogue: &Catalogue, filter: &RecordingFilter) {
        for row in catalogue.rows().iter().filter(|row| filter.matches_row(row)) {
            let value = value_of(note, &row.notes, || row.device.clone());
            if let Ok(name) = row.name.parse() {
                self.add(name, value, Member::of_row(row));
            }
        }
    }

    pub(super) fn add_opened(
        &mut self,
        note: &str,
        name: RecordingName,
        opened: Result<Recording, Error>,
    ) {
        match opened {
            Ok(recording) => {
                let info = recording.info();
                let device = || RecorderMetadata::of_recording(info).device;
                let value = value_of(note, &info.user, device);
                self.add(name.clone(), value, Member::of(name, info));
            }
            Err(error) => self.unopened.push((name, error)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn groups(self, store: &Store) -> Vec<Group> {
        let group = |((is_none, value), members): ((bool, String), Vec<Member>)| Group {
            value: (!is_none).then_some(value),
            deployment: Deployment::of_members(store, members),
        };
        self.members.into_iter().map(group).collect()
    }

    fn add(&mut self, name: RecordingName, value: Option<String>, member: Option<Member>) {
        let Some(member) = member else { return self.undated.push(name) };
        let key = (value.is_none(), value.unwrap_or_default());
        self.members.entry(key).or_default().push(member);
    }
}

fn value_of(
    note: &str,
    notes: &Map<String, Value>,
    device: impl FnOnce() -> Option<String>,
) -> Option<String> {
    match notes.get(note) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
        None if note == "device" => device(),
        None => None,
    }
}
