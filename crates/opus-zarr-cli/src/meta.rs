//! Notes on recordings, and corrections of their clocks.

mod clock;
mod places;

use std::{collections::BTreeMap, fmt, str::FromStr};

use opus_zarr::{Correction, store::is_control};
use serde::Serialize;
use serde_json::{Map, Value};

use self::{
    clock::{ClockArgs, Corrected, refuse_unless_all_fit},
    places::Places,
};
use crate::{
    failure::Failure,
    interrupt,
    nearest::or_nearest,
    output::{Line, Output},
    path::PathField,
    place::InStore,
    several::for_each,
    text::{key_and_value, one_line},
};

/// Show or change the notes on recordings, and correct when they began
///
/// A recording is named STORE/NAME, several by a pattern such as 'STORE/weiher_*', or by notes that they
/// already have: STORE --where site=weiher. Corrections keep the recorded start: --start recorded undoes
/// all of them.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    places: Places,
    /// Set a note; a value that parses as JSON is stored as JSON, any other as text
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Note>,
    /// Remove the note with this key
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Show what would change without changing anything
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    clock: ClockArgs,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let correction = args.clock.correction()?;
    let recordings = args.places.recordings()?;
    if let Some(correction) = &correction {
        refuse_unless_all_fit(correction, &recordings, output)?;
    }
    interrupt::defer();
    let verb = Meta { args, correction, is_single: recordings.len() == 1 };
    for_each(&recordings, output, |recording, output| match recording {
        Ok(recording) => verb.one(recording, output),
        Err(failure) => Err(failure.clone()),
    })
}

/// What is done with each recording.
struct Meta<'a> {
    args: &'a Args,
    correction: Option<Correction>,
    is_single: bool,
}

impl Meta<'_> {
    fn one(&self, InStore { store, place }: &InStore, output: &mut Output) -> Result<(), Failure> {
        let is_dry_run = self.args.dry_run;
        let opened = store.open_recording(&place.name);
        let mut recording = or_nearest(opened, store, &place.name)?;
        let asks_for_notes = !(self.args.set.is_empty() && self.args.unset.is_empty());
        if asks_for_notes || self.correction.is_none() {
            for key in &self.args.unset {
                if !recording.info().user.contains_key(key) {
                    output.messages().warn(format!("{place} has no note {key:?}"));
                }
            }
            let mut user = recording.info().user.clone();
            self.change(&mut user);
            if user != recording.info().user && !is_dry_run {
                recording.edit_user_metadata(|user| self.change(user))?;
                user.clone_from(&recording.info().user);
            }
            output.data(&Metadata {
                recording: place.field("recording"),
                user: user.into_iter().collect(),
                is_dry_run,
                is_single: self.is_single,
            })?;
        }
        let Some(correction) = &self.correction else { return Ok(()) };
        let author = self.args.clock.author();
        let mut recording = opus_zarr::Recording::new(recording);
        let corrected = Corrected::new(place, &mut recording, correction, &author, is_dry_run)?;
        corrected.warn(output.messages());
        output.data(&corrected)
    }

    fn change(&self, user: &mut Map<String, Value>) {
        user.retain(|key, _| !self.args.unset.contains(key));
        user.extend(self.args.set.iter().map(|note| (note.key.clone(), note.value.clone())));
    }
}

/// A note, as in `site=weiher`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    pub(crate) key: String,
    pub(crate) value: Value,
}

impl FromStr for Note {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = key_and_value(text)?;
        if key.contains(is_control) {
            return Err("expected a key without control characters");
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok(Self { key: key.to_owned(), value })
    }
}

#[derive(Serialize)]
struct Metadata {
    #[serde(flatten)]
    recording: PathField,
    user: BTreeMap<String, Value>,
    /// Whether these are the notes that the recording would have.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_dry_run: bool,
    /// Whether no other recording is shown.
    #[serde(skip)]
    is_single: bool,
}

impl Line for Metadata {
    const TYPE: &'static str = "metadata";
}

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.user.is_empty() {
            return write!(f, "{} has no notes", self.recording);
        }
        let width = self.user.keys().map(|key| key.chars().count()).max().unwrap_or_default();
        let mut indent = "";
        if !self.is_single {
            writeln!(f, "{}", self.recording)?;
            indent = "  ";
        }
        for (number, (key, value)) in self.user.iter().enumerate() {
            let key = one_line(key);
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{indent}{key:width$} = {value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_json_or_text() {
        for (text, key, value) in [
            ("n=5", "n", json!(5)),
            ("n=\"5\"", "n", json!("5")),
            ("site=Rhine 4", "site", json!("Rhine 4")),
            ("at=[47.5, 8]", "at", json!([47.5, 8])),
            ("a=b=c", "a", json!("b=c")),
            ("a=", "a", json!("")),
            ("a=null", "a", json!(null)),
        ] {
            assert_eq!(text.parse(), Ok(Note { key: key.to_owned(), value }), "{text}");
        }
        for text in ["", "a", "=a"] {
            assert!(text.parse::<Note>().is_err(), "{text:?}");
        }
    }
}
