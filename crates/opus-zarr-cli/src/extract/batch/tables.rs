//! Reads the tables and finds the recordings of their rows.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use opus_zarr::{
    RecordingName, Region, RegionMatcher, RegionSource, RegionTable, Unmatched, store::path_text,
};

use super::manifest::Entry;
use crate::{
    failure::{Exit, Failure},
    output::Messages,
    path::PathField,
    text::count,
};

/// The tables of a command.
pub(super) struct Tables {
    pub(super) paths: Vec<PathBuf>,
    tables: Vec<Option<RegionTable>>,
    /// How many rows all tables have.
    pub(super) rows: usize,
    /// How many tables cannot be read.
    pub(super) unread: usize,
}

/// A row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Number of the table.
    pub(super) table: usize,
    pub(super) line: u64,
}

/// The rows of all tables.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) of_recordings: BTreeMap<RecordingName, Vec<(Place, Region)>>,
    /// Rows that are not regions.
    pub(super) invalid: Vec<(Place, String)>,
    /// Rows without a recording, by the reason, in the order of the tables.
    pub(super) unmatched: Vec<(String, Vec<(Place, Region)>)>,
}

impl Tables {
    /// Reads tables. One that cannot be read does not stop the others.
    pub(super) fn read(paths: &[PathBuf], messages: &Messages) -> Result<Self, Failure> {
        let mut tables = Self { paths: paths.to_vec(), tables: vec![], rows: 0, unread: 0 };
        for path in paths {
            let table = fs::read(path).map_err(|error| Failure::io("read", path, &error));
            let table = table.and_then(|text| {
                let table = RegionTable::parse(&text);
                table.map_err(|error| Failure::new(Exit::Error, format!("{path:?}: {error}")))
            });
            match table {
                Err(failure) if paths.len() == 1 => return Err(failure),
                Err(failure) => {
                    messages.failure(&failure);
                    tables.unread += 1;
                    tables.tables.push(None);
                }
                Ok(table) => {
                    describe(&table, &PathField::new("table", path), messages);
                    tables.rows += table.rows.len();
                    tables.tables.push(Some(table));
                }
            }
        }
        tell_nocalls(&tables.tables, messages);
        Ok(tables)
    }

    /// Finds the recordings of all rows; that of rows which name none is `named`.
    pub(super) fn sort(
        &self,
        mut matcher: RegionMatcher,
        named: Option<RecordingName>,
        messages: &Messages,
    ) -> Result<(RegionMatcher, Sorted), Failure> {
        let has_default = named.is_some();
        if let Some(name) = named {
            matcher = matcher.default_recording(name);
        }
        let mut sorted = Sorted::default();
        for (number, (table, path)) in self.tables.iter().zip(&self.paths).enumerate() {
            let Some(table) = table else { continue };
            let source = |region: &Region| match &region.source {
                RegionSource::Unnamed if !has_default => RegionSource::of_table(path),
                source => source.clone(),
            };
            let sources: Vec<RegionSource> = table.rows.iter().flatten().map(source).collect();
            sorted.add(number, table, matcher.recordings_of(&sources)?);
        }
        for (name, error) in matcher.unreadable() {
            messages.warn(format!(
                "recording {:?} cannot be opened, so rows that name its file do not find it: {error}",
                name.as_str()
            ));
        }
        Ok((matcher, sorted))
    }

    /// Starts the entry of a row in the manifest.
    pub(super) fn entry(&self, place: Place, region: Option<&Region>) -> Entry {
        let table = path_text(self.path(place).as_os_str()).to_string();
        Entry::new((place.table, table), place.line, region)
    }

    /// Returns the path of a row's table.
    pub(super) fn path(&self, place: Place) -> &Path {
        self.paths.get(place.table).map_or("".as_ref(), PathBuf::as_path)
    }
}

impl Sorted {
    /// Returns the names that tables give to files.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let rows = self.of_recordings.values().flatten();
        rows.filter_map(|(_, region)| region.name.as_deref())
    }

    /// Adds the rows of a table, and the recordings of those that are regions.
    fn add(
        &mut self,
        number: usize,
        table: &RegionTable,
        recordings: Vec<Result<RecordingName, Unmatched>>,
    ) {
        let mut recordings = recordings.into_iter();
        let mut reasons: HashMap<String, usize> = HashMap::new();
        for row in &table.rows {
            let place = |line| Place { table: number, line };
            match row.as_ref().map(|region| (region, recordings.next())) {
                Err(bad) => self.invalid.push((place(bad.line), bad.reason.clone())),
                Ok((region, Some(Ok(name)))) => {
                    let rows = self.of_recordings.entry(name).or_default();
                    rows.push((place(region.line), region.clone()));
                }
                Ok((region, unmatched)) => {
                    let unmatched = unmatched.and_then(Result::err).unwrap_or(Unmatched::Unnamed);
                    let reason = unmatched.to_string();
                    let at = *reasons.entry(reason.clone()).or_insert(self.unmatched.len());
                    if at == self.unmatched.len() {
                        self.unmatched.push((reason, vec![]));
                    }
                    if let Some((_, rows)) = self.unmatched.get_mut(at) {
                        rows.push((place(region.line), region.clone()));
                    }
                }
            }
        }
    }
}

/// Tells how many rows say that nothing was detected: BirdNET writes one per file without calls.
fn tell_nocalls(tables: &[Option<RegionTable>], messages: &Messages) {
    let nocalls: Vec<u64> = tables.iter().flatten().map(|table| table.nocalls).collect();
    let rows = nocalls.iter().sum();
    let tables = nocalls.iter().filter(|rows| **rows > 0).map(|_| 1).sum();
    if rows > 0 {
        let (rows, tables) = (count(rows, "row"), count(tables, "table"));
        messages.note(format!("left out {rows} labelled nocall in {tables}"));
    }
}

/// Tells of empty tables, and why a table of Raven has more rows than selections.
fn describe(table: &RegionTable, path: &PathField, messages: &Messages) {
    let rows = u64::try_from(table.rows.len()).unwrap_or(u64::MAX);
    match (rows, table.repeats) {
        (0, _) if table.nocalls > 0 => {}
        (0, _) => messages.warn(format!("{path} lists no regions")),
        (_, 0) => {}
        (_, repeats) => messages.note(format!(
            "{path}: {} in {} rows, since every view lists them",
            count(rows, "selection"),
            rows + repeats
        )),
    }
}
