//! The files that the recordings of a store came from.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::ControlFlow,
};

use opus_zarr_store::{RecordingInfo, RecordingName, Store};

use crate::{CatalogueRow, Error, Recording, RecordingFilter};

/// The recordings of a store by the names of their files.
#[derive(Debug, Default)]
pub(super) struct Sources {
    by_file: HashMap<String, Vec<RecordingName>>,
    by_stem: HashMap<String, Vec<RecordingName>>,
    pub(super) unreadable: Vec<(RecordingName, Error)>,
    /// How many recordings were opened.
    pub(super) opened: usize,
}

/// Where a recording came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    source: String,
    stream: u64,
    /// SHA-256 of its audio, in hexadecimal.
    sha256: String,
}

/// A recording that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) recording: RecordingName,
    pub(super) evidence: Evidence,
}

/// What led to a recording, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    /// Its name, or the directories of a path.
    Name,
    /// Only the name of its file.
    File,
    /// Nothing else is meant.
    Default,
}

/// Recordings that a file may mean.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    pub(super) first: Vec<RecordingName>,
    pub(super) count: usize,
}

/// A path of any computer.
#[derive(Clone, Debug)]
pub(super) struct FilePath<'a> {
    folders: Vec<&'a str>,
    file: &'a str,
}

impl Origin {
    pub(super) fn of(info: &RecordingInfo) -> Self {
        let (source, sha256) = (info.source.name.clone(), info.blob_sha256.clone());
        Self { source, stream: info.source.stream, sha256 }
    }

    /// None if the row is of a time when rows did not tell the stream.
    pub(super) fn of_row(row: &CatalogueRow) -> Option<Self> {
        let (source, sha256) = (row.source.clone(), row.sha256.clone());
        Some(Self { source, stream: row.source_stream?, sha256 })
    }
}

impl Found {
    pub(super) fn named(recording: RecordingName) -> Self {
        Self { recording, evidence: Evidence::Name }
    }
}

impl<'a> FilePath<'a> {
    pub(super) fn new(path: &'a str) -> Self {
        let parts = path.split(['/', '\\']).map(str::trim);
        let mut folders: Vec<&str> =
            parts.filter(|part| !matches!(*part, "" | "." | "..")).collect();
        let file = folders.pop().unwrap_or_default();
        Self { folders, file }
    }

    /// The same path with the file's name cut off at its last dot, at the one before, and so on.
    pub(super) fn stems(&self) -> impl Iterator<Item = Self> {
        let dots = self.file.rmatch_indices('.').map(|(at, _)| at);
        let stems = dots.filter_map(|at| self.file.get(..at)).take(MOST_DOTS);
        stems.map(|file| Self { folders: self.folders.clone(), file })
    }

    /// Whether the names of two files differ, or the directories where both have some.
    pub(super) fn is_another(&self, other: &Self) -> bool {
        let mut both = self.folders.iter().rev().zip(other.folders.iter().rev());
        stem_of(self.file) != stem_of(other.file) || both.any(|(one, other)| one != other)
    }
}

impl Sources {
    /// Opens the recordings of these names of which is not known yet where they came from.
    pub(super) fn of(
        store: &Store,
        names: &HashSet<RecordingName>,
        known: &HashMap<RecordingName, Origin>,
    ) -> Result<Self, Error> {
        let mut sources = Self::default();
        let mut origins: BTreeMap<RecordingName, Origin> =
            known.iter().map(|(name, origin)| (name.clone(), origin.clone())).collect();
        let unknown = names.iter().filter(|name| !known.contains_key(*name));
        let unknown = unknown.fold(RecordingFilter::default(), RecordingFilter::name);
        // Without a name it would select all.
        if unknown != RecordingFilter::default() {
            Recording::open_matching(store, &unknown, |name, recording| {
                match recording {
                    Ok(recording) => drop(origins.insert(name, Origin::of(recording.info()))),
                    Err(error) => sources.unreadable.push((name, error)),
                }
                ControlFlow::Continue(())
            })?;
        }
        sources.opened = origins.len() - known.len();
        // Times of a file count from its first stream.
        for (name, origin) in origins.iter().filter(|(_, origin)| origin.stream == 1) {
            sources.add(&origin.source, name);
        }
        Ok(sources)
    }

    fn add(&mut self, file: &str, name: &RecordingName) {
        self.by_file.entry(file.to_owned()).or_default().push(name.clone());
        self.by_stem.entry(stem_of(file).to_owned()).or_default().push(name.clone());
    }

    /// Finds the recording of a file, or several that may be meant, of which the default is taken.
    /// Returns none if there is none.
    pub(super) fn find(
        &self,
        path: &FilePath<'_>,
        names: &HashSet<RecordingName>,
        default: Option<&RecordingName>,
    ) -> Option<Result<Found, Candidates>> {
        let (file, stem) = (path.file, stem_of(path.file));
        if file.is_empty() {
            return None;
        }
        if let Some(recording) = named_by_path(path, names) {
            return Some(Ok(Found::named(recording)));
        }
        let found = self.by_file.get(file).or_else(|| self.by_stem.get(file));
        let found = found.or_else(|| self.by_stem.get(stem));
        let mut candidates: Vec<&RecordingName> = found.into_iter().flatten().collect();
        // A file that was exported from the store has the name of its recording.
        let named = [file, stem].map(RecordingName::from_lossy);
        let mut named = named.iter().filter_map(|name| names.get(name));
        if let Some(named) = named.find(|named| !candidates.contains(named)) {
            candidates.push(named);
        }
        match candidates.as_slice() {
            [] => None,
            [one] => {
                let is_alike = resemblance(one, path) > (0, 0);
                let evidence = if is_alike { Evidence::Name } else { Evidence::File };
                Some(Ok(Found { recording: (*one).clone(), evidence }))
            }
            _ => Some(one_of(&candidates, path, default)),
        }
    }
}

/// Chooses from several candidates.
fn one_of(
    candidates: &[&RecordingName],
    path: &FilePath<'_>,
    default: Option<&RecordingName>,
) -> Result<Found, Candidates> {
    if let Some(recording) = most_alike(candidates, path) {
        return Ok(Found::named(recording));
    }
    match default.filter(|default| candidates.contains(default)) {
        Some(default) => Ok(Found { recording: default.clone(), evidence: Evidence::File }),
        None => {
            let first = candidates.iter().take(MOST_REPORTED).copied().cloned().collect();
            Err(Candidates { first, count: candidates.len() })
        }
    }
}

/// Finds the recording whose name an import would make of the path's end, the longest first.
fn named_by_path(path: &FilePath<'_>, names: &HashSet<RecordingName>) -> Option<RecordingName> {
    let folders = path.folders.len().min(MOST_FOLDERS);
    (1..=folders).rev().find_map(|count| {
        let last = path.folders.get(path.folders.len() - count..)?;
        let named = [stem_of(path.file), path.file].into_iter().find_map(|file| {
            names.get(&RecordingName::from_lossy(&format!("{}_{file}", last.join("_"))))
        });
        named.cloned()
    })
}

/// Returns the one name that resembles the path most, if any does.
fn most_alike(candidates: &[&RecordingName], path: &FilePath<'_>) -> Option<RecordingName> {
    if candidates.len() > MOST_CANDIDATES {
        return None;
    }
    let alike = candidates.iter().map(|name| (resemblance(name, path), name));
    let mut alike: Vec<_> = alike.filter(|(alike, _)| *alike > (0, 0)).collect();
    alike.sort_by(|(one, _), (other, _)| other.cmp(one));
    match alike.as_slice() {
        [(best, _), (second, _), ..] if best == second => None,
        [(_, name), ..] => Some((**name).clone()),
        [] => None,
    }
}

/// Returns how much of what a name has before the file's name is in the directories, and how little
/// else it has there.
fn resemblance(name: &RecordingName, path: &FilePath<'_>) -> (usize, isize) {
    let stem = RecordingName::from_lossy(stem_of(path.file));
    let name = name.as_str();
    let prefix = name.strip_suffix(path.file).or_else(|| name.strip_suffix(stem.as_str()));
    let prefix = format!("_{}_", prefix.unwrap_or(name).trim_matches('_'));
    let folders: HashSet<String> = path
        .folders
        .iter()
        .rev()
        .take(MOST_FOLDERS)
        .map(|folder| RecordingName::from_lossy(folder).to_string())
        .collect();
    let found = folders.iter().filter(|folder| prefix.contains(&format!("_{folder}_")));
    let alike: usize = found.map(String::len).sum();
    let other = isize::try_from(prefix.len().saturating_sub(alike)).unwrap_or(isize::MAX);
    if alike == 0 { (0, 0) } else { (alike, -other) }
}

/// Returns a file's name without its extension.
fn stem_of(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}

/// How many directories of a path, from its end, may be part of a name.
const MOST_FOLDERS: usize = 16;
/// Above this number of recordings that came from files of one name, only a path that gives their name
/// tells them apart.
const MOST_CANDIDATES: usize = 256;
/// How many candidates are reported. Every row of a table may have as many as the store has recordings.
const MOST_REPORTED: usize = 16;
/// How many dots the name of a table may have after the name of its file.
const MOST_DOTS: usize = 16;
