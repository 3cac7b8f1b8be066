//! The notes of an import on recordings that an earlier one wrote.

use serde_json::{Map, Value};

use crate::{Error, PresentNotes, Recording};

/// Adds the notes that a recording lacks. Those with another value stay, because somebody may have
/// corrected them.
pub(crate) fn add_notes(
    recording: &mut Recording,
    notes: &Map<String, Value>,
) -> Result<PresentNotes, Error> {
    let mut done = PresentNotes::of(recording, notes);
    if !done.added.is_empty() {
        recording.reader_mut().edit_user_metadata(|user| {
            done = PresentNotes::default();
            for (key, value) in notes {
                done.sort(key, user.get(key), value);
                user.entry(key).or_insert_with(|| value.clone());
            }
        })?;
    }
    Ok(done)
}

impl PresentNotes {
    /// Compares the notes of a recording with those of an import.
    pub(crate) fn of(recording: &Recording, notes: &Map<String, Value>) -> Self {
        let mut done = Self::default();
        for (key, value) in notes {
            done.sort(key, recording.info().user.get(key), value);
        }
        done
    }

    fn sort(&mut self, key: &str, found: Option<&Value>, value: &Value) {
        match found {
            None => self.added.push(key.to_owned()),
            Some(found) if found != value => self.kept.push(key.to_owned()),
            Some(_) => {}
        }
    }

    /// Adds what happened to another recording of the same file.
    pub(crate) fn merge(&mut self, other: Self) {
        for (all, more) in [(&mut self.added, other.added), (&mut self.kept, other.kept)] {
            for key in more {
                if !all.contains(&key) {
                    all.push(key);
                }
            }
        }
    }
}
