//! The columns of a catalogue, and their cells in any form of file.

use std::fmt;

use opus_zarr::Timestamp;
use serde_json::{Map, Value};

/// The columns, by the names of the fields of a row.
pub(super) const COLUMNS: [(&str, Kind); 25] = [
    ("name", Kind::Text),
    ("start", Kind::Time),
    ("end", Kind::Time),
    ("local_start", Kind::Text),
    ("certainty", Kind::Text),
    ("seconds", Kind::Number),
    ("samples", Kind::Integer),
    ("real_rate", Kind::Integer),
    ("drift_ppt", Kind::Integer),
    ("channels", Kind::Integer),
    ("is_exact", Kind::Flag),
    ("bytes", Kind::Integer),
    ("sha256", Kind::Text),
    ("source", Kind::Text),
    ("source_sha256", Kind::Text),
    ("source_stream", Kind::Integer),
    ("latitude", Kind::Number),
    ("longitude", Kind::Number),
    ("device", Kind::Text),
    ("site", Kind::Text),
    ("findings", Kind::Integer),
    ("gaps", Kind::Integer),
    ("notes", Kind::Json),
    ("generation", Kind::Integer),
    ("version", Kind::Text),
];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Flag,
    /// An instant.
    Time,
    Json,
}

/// A value in a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Missing,
    /// Text, or JSON as text.
    Text(String),
    Integer(i64),
    Number(f64),
    Flag(bool),
    Time(Timestamp),
}

impl Cell {
    pub(super) fn of(fields: &Map<String, Value>, name: &str, kind: Kind) -> Result<Self, String> {
        let value = fields.get(name).unwrap_or(&Value::Null);
        let cell = match (kind, value) {
            (Kind::Json, value) => Some(Self::Text(value.to_string())),
            (_, Value::Null) => Some(Self::Missing),
            (Kind::Text, Value::String(text)) => Some(Self::Text(text.clone())),
            (Kind::Integer, value) => value.as_i64().map(Self::Integer),
            (Kind::Number, value) => value.as_f64().map(Self::Number),
            (Kind::Flag, value) => value.as_bool().map(Self::Flag),
            (Kind::Time, value) => {
                value.as_str().and_then(|text| text.parse().ok()).map(Self::Time)
            }
            (Kind::Text, _) => None,
        };
        cell.ok_or_else(|| format!("expected {name} to be {kind}, found {value}"))
    }

    /// Puts the value into the fields of a row. A missing one is left out.
    pub(super) fn add_to(
        self,
        fields: &mut Map<String, Value>,
        name: &str,
        kind: Kind,
    ) -> Result<(), String> {
        let value = match self {
            Self::Missing => return Ok(()),
            Self::Text(text) if kind == Kind::Json => serde_json::from_str(&text)
                .map_err(|error| format!("expected {name} to be JSON: {error}"))?,
            Self::Text(text) => Value::from(text),
            Self::Integer(integer) => Value::from(integer),
            Self::Number(number) => Value::from(number),
            Self::Flag(flag) => Value::from(flag),
            Self::Time(time) => Value::from(time.to_string()),
        };
        fields.insert(name.to_owned(), value);
        Ok(())
    }

    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Integer(integer) => integer.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Time(time) => time.to_string(),
        }
    }

    pub(super) fn parse(kind: Kind, text: &str) -> Option<Self> {
        match kind {
            _ if text.is_empty() => Some(Self::Missing),
            Kind::Text | Kind::Json => Some(Self::Text(text.to_owned())),
            Kind::Integer => text.parse().ok().map(Self::Integer),
            Kind::Number => text.parse().ok().map(Self::Number),
            // Spreadsheets shout.
            Kind::Flag => text.to_ascii_lowercase().parse().ok().map(Self::Flag),
            Kind::Time => text.parse().ok().map(Self::Time),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Time => "a time in UTC",
            Self::Json => "JSON",
        })
    }
}
