//! From the cells of a table to its regions.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use super::{
    InvalidRegion, Region, RegionSource, RegionTable,
    layout::{Bounds, File, Recognized},
    text::{Row, Table},
};
use crate::{Selection, parse_duration};

/// Reads the rows of a table in a known layout.
pub(super) struct Rows<'a> {
    layout: &'a Recognized<'a>,
    columns: &'a [String],
    /// Whether times may count from the start of another file.
    is_sequence: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn of(table: &'a Table<'_>, layout: &'a Recognized<'a>) -> RegionTable {
        let columns = table.columns.as_slice();
        let mut rows = Self { layout, columns, is_sequence: false };
        rows.is_sequence = rows.may_be_sequence(table);
        let mut views = Views::default();
        let mut regions =
            RegionTable { layout: Some(layout.layout.programs), ..RegionTable::default() };
        for row in table.rows() {
            if rows.is_repeat(&row, &mut views) {
                regions.repeats += 1;
                continue;
            }
            let line = row.line;
            regions.rows.push(rows.region(&row).map_err(|reason| InvalidRegion { line, reason }));
        }
        regions
    }

    fn region(&self, row: &Row) -> Result<Region, String> {
        if row.is_open {
            return Err(
                "a quote opens here and is never closed, so no row after it was read".into()
            );
        }
        let selection = self.selection(row)?;
        let layout = self.layout;
        let own = |columns: &[usize]| row.first(columns).map(Cow::into_owned);
        let (label, score) = match self.class(row) {
            Some((label, score)) => (Some(label), Some(score)),
            None => (own(&layout.labels), row.float(&layout.scores)),
        };
        let label = label.map(|label| match label.split_once('_') {
            Some((scientific, _)) if layout.has_double_names() => scientific.to_owned(),
            _ => label,
        });
        let (low, high) = &layout.frequencies;
        Ok(Region {
            line: row.line,
            source: self.source(row),
            selection,
            name: own(&layout.name),
            label,
            score,
            low_hz: row.float(low),
            high_hz: row.float(high),
            channel: self.channel(row),
        })
    }

    fn channel(&self, row: &Row) -> Option<u64> {
        let number: u64 = row.first(&self.layout.channel)?.parse().ok()?;
        number.checked_sub(self.layout.first_channel)?.checked_add(1)
    }

    fn source(&self, row: &Row) -> RegionSource {
        if let Some(name) = row.first(&self.layout.recording) {
            return RegionSource::Recording(name.into_owned());
        }
        let parts = self.layout.file.iter().map(|columns| row.first(columns));
        let parts: Vec<_> = match self.layout.layout.file {
            File::OneOf(_) => parts.flatten().collect(),
            File::Parts(_) => parts.rev().map(Option::unwrap_or_default).collect(),
        };
        path_of(parts).map_or(RegionSource::Unnamed, RegionSource::File)
    }

    fn selection(&self, row: &Row) -> Result<Selection, String> {
        let (start, end) = self.layout.bounds;
        let (start, end) = (self.time(row, start)?, self.time(row, end)?);
        let selection = match self.layout.layout.bounds {
            Bounds::Times(..) => format!("{start}..{end}").parse(),
            Bounds::Samples(..) => Selection::parse_samples(&format!("{start}..{end}")),
            Bounds::Length(..) => Selection::parse_time(&format!("{start}..+{end}")),
            Bounds::Sequence { .. } => return self.in_file(row, &start, &end),
        };
        selection.map_err(|error| error.to_string())
    }

    /// Returns the part of the file, whose times may count from the start of another file.
    fn in_file(&self, row: &Row, start: &str, end: &str) -> Result<Selection, String> {
        let invalid = |error: crate::InvalidSelection| error.to_string();
        if self.is_sequence {
            return Err("times may count over several files; export the table again with the \
                        column File Offset (s)"
                .to_owned());
        }
        let whole = Selection::parse_time(&format!("{start}..{end}")).map_err(invalid)?;
        let Some(column) = self.layout.offset else { return Ok(whole) };
        let offset = self.time(row, column)?;
        let (from, to) =
            (parse_duration(start).map_err(invalid)?, parse_duration(end).map_err(invalid)?);
        let place = parse_duration(&offset).map_err(invalid)?;
        if from.abs_diff(place) <= half_of_last_digit(&offset) {
            // The same place with more digits.
            return Ok(whole);
        }
        let length = to.checked_sub(from).ok_or("ends before it starts")?;
        let (length, nanos) = (length.as_secs(), length.subsec_nanos());
        Selection::parse_time(&format!("{offset}..+{length}.{nanos:09}")).map_err(invalid)
    }

    fn time<'r>(&self, row: &'r Row, column: usize) -> Result<Cow<'r, str>, String> {
        row.number(column).ok_or_else(|| {
            let name = self.columns.get(column).map_or("", String::as_str);
            format!("{name} is missing")
        })
    }

    /// Returns the classes with the highest score, unless that is 0.
    fn class(&self, row: &Row) -> Option<(String, f64)> {
        let score = |column: usize| match &*row.cell(column)? {
            "True" | "TRUE" | "true" => Some(1.0),
            "False" | "FALSE" | "false" => Some(0.0),
            _ => row.float(&[column]),
        };
        let classes = self.layout.classes.iter();
        let scores = classes.filter_map(|(column, name)| Some((score(*column)?, name.as_str())));
        let (mut best, mut names): (f64, Vec<&str>) = (f64::NEG_INFINITY, vec![]);
        for (score, name) in scores {
            if score > best {
                (best, names) = (score, vec![]);
            }
            if score >= best && names.len() < MOST_CLASSES {
                names.push(name);
            }
        }
        (!names.is_empty() && best != 0.0).then(|| (names.join("+"), best))
    }

    /// Whether another view has listed the selection before. Equal times are no sign of that: two
    /// birds may call at once.
    fn is_repeat(&self, row: &Row, views: &mut Views) -> bool {
        let Some((selection, view)) = self.layout.views else { return false };
        let (Some(selection), Some(view)) = (row.cell(selection), row.cell(view)) else {
            return false;
        };
        views.has_listed((self.source(row), selection.into_owned()), &view)
    }

    /// Whether nothing tells if times count over all files of the table or in each file: several
    /// are named, no column has the place in the file, and the times of no two files overlap.
    fn may_be_sequence(&self, table: &Table<'_>) -> bool {
        let is_asked = matches!(self.layout.layout.bounds, Bounds::Sequence { .. })
            && self.layout.offset.is_none();
        if !is_asked {
            return false;
        }
        let mut files: BTreeMap<String, (Duration, Duration)> = BTreeMap::new();
        for row in table.rows() {
            let RegionSource::File(file) = self.source(&row) else { continue };
            let (start, end) = self.layout.bounds;
            let time = |column| parse_duration(&row.number(column)?).ok();
            let Some((start, end)) = time(start).zip(time(end)) else { continue };
            let range = files.entry(file).or_insert((start, end));
            *range = (range.0.min(start), range.1.max(end));
        }
        let mut ranges: Vec<_> = files.into_values().collect();
        ranges.sort();
        let mut pairs = ranges.iter().zip(ranges.iter().skip(1));
        ranges.len() > 1 && !pairs.any(|((_, end), (start, _))| start < end)
    }
}

/// Selections, and how many rows each view has for them. Tables that were joined use a number again.
#[derive(Default)]
struct Views(HashMap<(RegionSource, String), (u64, HashMap<String, u64>)>);

impl Views {
    fn has_listed(&mut self, selection: (RegionSource, String), view: &str) -> bool {
        let (most, views) = self.0.entry(selection).or_default();
        let count = views.entry(view.to_owned()).or_default();
        *count += 1;
        let is_repeat = *count <= *most;
        *most = (*most).max(*count);
        is_repeat
    }
}

/// Joins the parts of a path, which are passed from its end.
fn path_of(parts: Vec<Cow<'_, str>>) -> Option<String> {
    let file = parts.first().filter(|file| !file.is_empty())?;
    let folders = parts.iter().skip(1).rev().filter(|part| !part.is_empty());
    let mut path: Vec<&str> = folders.map(|part| part.trim_end_matches(['/', '\\'])).collect();
    path.push(file);
    Some(path.join("/"))
}

/// Returns how far a decimal number may be from the one that was rounded to it.
fn half_of_last_digit(seconds: &str) -> Duration {
    let digits = seconds.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits = u32::try_from(digits).unwrap_or(u32::MAX);
    Duration::from_secs(1) / 10u32.checked_pow(digits).unwrap_or(u32::MAX) / 2
}

/// How many classes of a row become its label.
const MOST_CLASSES: usize = 8;
