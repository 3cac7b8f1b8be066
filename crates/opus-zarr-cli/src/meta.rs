use std::{collections::BTreeMap, fmt, str::FromStr};

use opus_zarr::store::is_control;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    failure::Failure,
    output::{Line, Output},
    path::PathField,
    place::RecordingPlace,
    text::one_line,
};

/// Show or change the notes on a recording
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_name = "STORE/NAME")]
    recording: RecordingPlace,
    /// Set a note; a value that parses as JSON is stored as JSON, any other as text
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Note>,
    /// Remove the note with this key
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let place = &args.recording;
    let mut recording = place.open_reader()?;
    for key in args.unset.iter().filter(|key| !recording.info().user.contains_key(*key)) {
        output.messages().warn(format!("{place} has no note {key:?}"));
    }
    let change = |user: &mut Map<String, Value>| {
        user.retain(|key, _| !args.unset.contains(key));
        user.extend(args.set.iter().map(|note| (note.key.clone(), note.value.clone())));
    };
    let mut user = recording.info().user.clone();
    change(&mut user);
    if user != recording.info().user {
        recording.edit_user_metadata(change)?;
    }
    let user = recording.info().user.clone().into_iter().collect();
    output.data(&Metadata { recording: place.field("recording"), user })
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
        let (key, value) =
            text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or("expected KEY=VALUE")?;
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
        for (number, (key, value)) in self.user.iter().enumerate() {
            let key = one_line(key);
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{key:width$} = {value}")?;
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
