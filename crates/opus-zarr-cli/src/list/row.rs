//! What is shown of a recording.

use std::{fmt, time::Duration};

use indicatif::HumanBytes;
use opus_zarr::{CatalogueRow, Certainty, Recording};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    output::Line,
    text::{Clock, bits_per_second, count, one_line, seconds},
};

/// How rows are written for people.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// Whether each has further lines.
    pub(super) is_long: bool,
    /// Whether the end has a column.
    pub(super) has_end: bool,
}

/// The line about a recording.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    /// Real seconds.
    pub(super) seconds: f64,
    samples: u64,
    channels: u8,
    pub(super) blob_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_per_second: Option<u64>,
    pub(super) is_exact: bool,
    /// In UTC, or by the recorder's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<String>,
    /// In UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certainty: Option<Certainty>,
    source: String,
    /// All bytes of that name, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_hex: Option<String>,
    /// How many findings there are about the source and its start.
    #[serde(skip_serializing_if = "is_zero")]
    findings: usize,
    /// How many stretches of audio were lost.
    #[serde(skip_serializing_if = "is_zero")]
    gaps: usize,
    #[serde(skip_serializing_if = "Map::is_empty")]
    user: Map<String, Value>,
    #[serde(skip)]
    style: Style,
}

impl Row {
    pub(super) fn of(recording: &Recording, style: Style) -> Self {
        let info = recording.info();
        let length = recording.time_of(info.play_length);
        let start = info.start.as_ref();
        Self {
            name: recording.name().to_owned(),
            seconds: seconds(length),
            samples: info.play_length,
            channels: info.channels,
            blob_bytes: info.blob_bytes,
            bits_per_second: bits_per_second(info.blob_bytes, length),
            is_exact: recording.exactness().is_ok(),
            start: start.map(|start| start.utc.clone().unwrap_or_else(|| start.local.clone())),
            end: recording.utc_of(info.play_length).map(|end| end.to_string()),
            certainty: start.map(|start| start.certainty),
            source: info.source.name.clone(),
            source_hex: info.source.name_hex.clone(),
            findings: info.source.findings.len() + start.map_or(0, |start| start.findings.len()),
            gaps: info.gaps.len(),
            user: info.user.clone(),
            style,
        }
    }

    /// The line about a recording that is not opened.
    pub(super) fn of_catalogue(row: &CatalogueRow, style: Style) -> Self {
        let length = Duration::try_from_secs_f64(row.seconds).unwrap_or_default();
        let count = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let start = row.start.map(|start| start.to_string());
        Self {
            name: row.name.clone(),
            seconds: row.seconds,
            samples: row.samples,
            channels: row.channels,
            blob_bytes: row.bytes,
            bits_per_second: bits_per_second(row.bytes, length),
            is_exact: row.is_exact,
            start: start.or_else(|| row.local_start.clone()),
            end: row.end.map(|end| end.to_string()),
            certainty: row.certainty,
            source: row.source.clone(),
            source_hex: None,
            findings: count(row.findings),
            gaps: count(row.gaps),
            user: row.notes.clone(),
            style,
        }
    }

    pub(super) fn has_findings(&self) -> bool {
        self.findings + self.gaps > 0
    }

    fn write_more(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut more = Vec::new();
        if let (Some(end), false) = (&self.end, self.style.has_end) {
            more.push(format!("until {}", one_line(end)));
        }
        more.extend(self.certainty.and_then(certainty).map(str::to_owned));
        more.push(format!("from {}", one_line(&self.source)));
        for (number, what) in [(self.findings, "finding"), (self.gaps, "gap")] {
            let number = u64::try_from(number).unwrap_or(u64::MAX);
            more.extend((number > 0).then(|| count(number, what)));
        }
        write!(f, "\n{INDENT}{}", more.join(", "))?;
        if self.user.is_empty() {
            return Ok(());
        }
        let notes = self.user.iter().map(|(key, value)| format!("{} = {value}", one_line(key)));
        write!(f, "\n{INDENT}{}", notes.collect::<Vec<_>>().join(", "))
    }
}

fn certainty(certainty: Certainty) -> Option<&'static str> {
    match certainty {
        Certainty::Certain => Some("zone stated"),
        Certainty::ZoneAssumed => Some("zone assumed"),
        Certainty::LocalOnly => Some("zone unknown"),
        _ => None,
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde requires it")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Line for Row {
    const TYPE: &'static str = "recording";
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        let size = HumanBytes(self.blob_bytes).to_string();
        let rate = self.bits_per_second.unwrap_or_default() / 1000;
        let exact = if self.is_exact { "exact" } else { "approx" };
        let start = one_line(self.start.as_deref().unwrap_or("-"));
        let Self { channels, name, .. } = self;
        write!(
            f,
            "{:>13}  {channels:>2} ch  {size:>10}  {rate:>4} kb/s  {exact:<6}  {start:<24}  ",
            Clock(length)
        )?;
        if self.style.has_end {
            write!(f, "{:<24}  ", one_line(self.end.as_deref().unwrap_or("-")))?;
        }
        f.write_str(&one_line(name))?;
        if self.style.is_long { self.write_more(f) } else { Ok(()) }
    }
}

/// The names of the columns.
pub(super) struct Header(pub(super) Style);

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.0.has_end { format!("{:<24}  ", "END") } else { String::new() };
        write!(
            f,
            "{:>13}  {:>5}  {:>10}  {:>9}  {:<6}  {:<24}  {end}NAME",
            "LENGTH", "", "SIZE", "RATE", "READS", "START"
        )
    }
}

/// The sums over all rows.
#[derive(Default)]
pub(super) struct Totals {
    recordings: u64,
    seconds: f64,
    bytes: u64,
}

impl Totals {
    pub(super) fn add(&mut self, row: &Row) {
        self.recordings += 1;
        self.seconds += row.seconds;
        self.bytes = self.bytes.saturating_add(row.blob_bytes);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = Clock(Duration::try_from_secs_f64(self.seconds).unwrap_or_default());
        let (recordings, size) = (count(self.recordings, "recording"), HumanBytes(self.bytes));
        write!(f, "{length:>13}         {:>10}  {recordings}", size.to_string())
    }
}

/// Below the start, so that names stand out.
const INDENT: &str = "                 ";

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of a terminal have the widths of those of a pipe.
    #[test]
    fn headers_stand_above_their_columns() {
        for has_end in [false, true] {
            let style = Style { is_long: false, has_end };
            let row = Row {
                name: "NAME".to_owned(),
                seconds: 1.0,
                samples: 48_000,
                channels: 1,
                blob_bytes: 10,
                bits_per_second: Some(80),
                is_exact: false,
                start: Some("START".to_owned()),
                end: Some("END".to_owned()),
                certainty: None,
                source: "a.wav".to_owned(),
                source_hex: None,
                findings: 0,
                gaps: 0,
                user: Map::new(),
                style,
            };
            let (row, header) = (row.to_string(), Header(style).to_string());
            for column in ["START", "NAME"] {
                assert_eq!(row.find(column), header.find(column), "{row}\n{header}");
            }
            assert_eq!(row.find("END"), header.find("END"));
            assert_eq!(header.find("SIZE").map(|at| at + 4), row.find(" B ").map(|at| at + 2));
        }
    }
}
