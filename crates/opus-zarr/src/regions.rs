//! Tables of regions, as programs for annotation and detection write them.

mod labels;
mod layout;
mod matching;
mod rows;
mod text;

use std::path::Path;

pub use self::matching::{RegionMatcher, Unmatched};
use self::{
    layout::{LAYOUTS, Recognized},
    rows::Rows,
    text::{Table, decode},
};
use crate::Selection;

/// A region of a recording that a table lists: an annotation, a call, a detection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Region {
    /// Line of the table, counted from 1.
    pub line: u64,
    /// What names its recording.
    pub source: RegionSource,
    /// Where the region lies in its recording.
    pub selection: Selection,
    /// What to call a file of the region, if the table has a column `name` for it.
    pub name: Option<String>,
    /// What was heard: a species, a comment.
    pub label: Option<String>,
    /// How sure a detector is of the label, on its own scale.
    pub score: Option<f64>,
    /// Lowest frequency in Hz.
    pub low_hz: Option<f64>,
    /// Highest frequency in Hz.
    pub high_hz: Option<f64>,
    /// Channel, counted from 1.
    pub channel: Option<u64>,
}

/// What names the recording of a [`Region`]. [`RegionMatcher`] finds the recording.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegionSource {
    /// Nothing in the table.
    Unnamed,
    /// The name of a recording.
    Recording(String),
    /// The name of the file that was imported, or a path of it on any computer, with `/` or `\`.
    File(String),
    /// The path of a table that is named after the file, such as `a.BirdNET.results.csv`.
    Table(String),
}

/// Why a row of a table is not a [`Region`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
#[non_exhaustive]
pub struct InvalidRegion {
    /// Line of the table, counted from 1.
    pub line: u64,
    /// What the row lacks.
    pub reason: String,
}

/// Why a text is not a table of regions. `Display` is one line, which lists the columns that were
/// found and the layouts that are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTable(String);

/// The regions of a table.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RegionTable {
    /// Which programs write such tables; `None` for an empty text.
    pub layout: Option<&'static str>,
    /// The regions, in the order of the table. A bad row does not affect the others.
    pub rows: Vec<Result<Region, InvalidRegion>>,
    /// How many rows list a selection again. Raven lists one in every view.
    pub repeats: u64,
    /// How many rows a detector labels `nocall`, as BirdNET does where it found nothing. They are
    /// left out.
    pub nocalls: u64,
}

impl RegionTable {
    /// Reads a table of Raven, BirdNET, Kaleidoscope, Audacity, opensoundscape or crowsetta, or
    /// one with columns of ours. `docs/tables.md` lists the columns of each.
    ///
    /// The names of the columns decide which program wrote a table, so their order is free.
    /// Commas, tabs or semicolons separate them, and with tabs or semicolons numbers may have
    /// decimal commas. The text is UTF-8, UTF-16 with a byte order mark, or Windows-1252.
    ///
    /// Our own columns are `start` and `end` (any form of time that [`Selection`] knows) or
    /// `start_sample` and `end_sample`; optionally `recording` or `file`, `name`, `label`, `score`
    /// and `channel`.
    ///
    /// ```
    /// use opus_zarr::{RegionSource, RegionTable};
    ///
    /// # fn main() -> Result<(), opus_zarr::InvalidTable> {
    /// let table = "Start (s);End (s);Scientific name;Common name;Confidence;File\n\
    ///              3,0;6,0;Turdus merula;Eurasian Blackbird;0,91;D:\\weiher\\a.wav\n";
    /// let table = RegionTable::parse(table.as_bytes())?;
    /// let region = table.rows[0].as_ref().unwrap();
    /// assert_eq!(region.selection.to_string(), "3.0..6.0");
    /// assert_eq!((region.label.as_deref(), region.score), (Some("Turdus merula"), Some(0.91)));
    /// assert_eq!(region.source, RegionSource::File("D:\\weiher\\a.wav".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The columns are those of no known layout.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidTable> {
        let text = decode(bytes);
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let tables = DELIMITERS.map(|delimiter| Table::new(&text, delimiter));
        for table in &tables {
            if let Some(layout) = Recognized::find(&table.columns) {
                return Ok(Rows::of(table, &layout).without_nocalls());
            }
        }
        let labels = labels::parse(&text).map(Self::without_nocalls);
        labels.ok_or_else(|| unknown(&tables))
    }
}

impl RegionTable {
    /// Leaves out rows which say that a detector found nothing.
    fn without_nocalls(mut self) -> Self {
        let all = self.rows.len();
        self.rows.retain(|row| !matches!(row, Ok(region) if region.is_nocall()));
        self.nocalls = u64::try_from(all - self.rows.len()).unwrap_or(u64::MAX);
        self
    }
}

impl Region {
    /// Whether a detector, which gives scores, labels it `nocall`. Labels without a score are
    /// those of people, who may want such cuts. The label may join a scientific and a common name.
    fn is_nocall(&self) -> bool {
        let is_nocall = |name: &str| name.trim().eq_ignore_ascii_case("nocall");
        let is_labelled = |label: &String| label.split(['_', ',']).all(is_nocall);
        self.score.is_some() && self.label.as_ref().is_some_and(is_labelled)
    }
}

impl RegionSource {
    /// The source of regions whose table names none: a recording may be named like the table.
    pub fn of_table(path: &Path) -> Self {
        Self::Table(path.to_string_lossy().into_owned())
    }
}

fn unknown(tables: &[Table<'_>]) -> InvalidTable {
    let most = tables.iter().max_by_key(|table| table.columns.len());
    let columns = most.map(|table| table.columns.as_slice()).unwrap_or_default();
    let mut found: Vec<String> = columns.iter().take(LISTED).map(|name| shortened(name)).collect();
    if columns.len() > LISTED {
        found.push("…".to_owned());
    }
    let known: Vec<String> = LAYOUTS.iter().map(|layout| layout.to_string()).collect();
    InvalidTable(format!(
        "found columns {:?}, expected those of {}, or labels of Audacity",
        found.join(", "),
        known.join(", ")
    ))
}

fn shortened(name: &str) -> String {
    name.chars().take(LISTED).collect()
}

/// Tabs first: they separate columns for certain.
const DELIMITERS: [u8; 3] = [b'\t', b';', b','];

/// How many columns, and how much of each, an error lists.
const LISTED: usize = 30;
