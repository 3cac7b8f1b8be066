//! Which recording a region of a table lies in.

mod sources;

use std::collections::{HashMap, HashSet};

use opus_zarr_store::{RecordingName, Store};

use self::sources::{Candidates, Evidence, FilePath, Found, Origin, Sources};
use super::RegionSource;
use crate::{Catalogue, Error, Recording, error::Reason};

/// Finds the recordings of the regions of tables.
///
/// A region may name its recording, or the file that was imported: by its name, by a path on any
/// computer, with or without the extension. If several recordings came from files of that name, as
/// on the cards of several stations, the directories of the path decide: they are compared with the
/// names of the recordings, which an import builds from directories or begins with a prefix.
///
/// ```no_run
/// use opus_zarr::{RegionMatcher, RegionTable, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::open("archive.zarr")?;
/// let table = RegionTable::parse(&std::fs::read("detections.csv")?)?;
/// let regions: Vec<_> = table.rows.iter().filter_map(|row| row.as_ref().ok()).collect();
/// let sources = regions.iter().map(|region| &region.source);
/// let recordings = RegionMatcher::new(&store)?.recordings_of(sources)?;
/// for (region, recording) in regions.iter().zip(recordings) {
///     match recording {
///         Ok(name) => println!("line {}: {} of {name}", region.line, region.selection),
///         Err(reason) => println!("line {}: {reason}", region.line),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RegionMatcher {
    store: Store,
    names: HashSet<RecordingName>,
    default: Option<RecordingName>,
    /// What a catalogue says of its recordings.
    known: HashMap<RecordingName, Origin>,
    /// Known once a region names a file.
    sources: Option<Sources>,
}

/// Why no recording is found for a region. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum Unmatched {
    #[error("names no recording and no file, and no recording is named like the table")]
    Unnamed,
    #[error("no recording {name:?} in the store")]
    NoSuchRecording { name: String },
    #[error("no recording in the store came from a file {file:?}")]
    NoSuchFile { file: String },
    #[error("{file:?} may be {}; name the recording, or a path that tells them apart", listed(.candidates, *.count))]
    Ambiguous { file: String, candidates: Vec<RecordingName>, count: usize },
    #[error(
        "{file:?} is another file than {other:?}, and only recording {:?} matches them",
        .recording.as_str()
    )]
    OtherFile { file: String, other: String, recording: RecordingName },
}

impl RegionMatcher {
    /// Lists the recordings of a store.
    ///
    /// # Errors
    ///
    /// The store cannot be listed.
    pub fn new(store: &Store) -> Result<Self, Error> {
        Self::of_catalogue(store, &Catalogue::default())
    }

    /// Lists the recordings of a store, of which a catalogue tells where they came from. Recordings that
    /// have no row, or have changed since, are opened for that; an object store does not tell whether they
    /// have, but [`open`](Self::open) does.
    ///
    /// # Errors
    ///
    /// The store cannot be listed.
    pub fn of_catalogue(store: &Store, catalogue: &Catalogue) -> Result<Self, Error> {
        let (mut names, mut known) = (HashSet::new(), HashMap::new());
        for listed in store.listing()? {
            let listed = listed?;
            let row = catalogue.row(listed.name.as_str()).filter(|row| row.may_be_of(&listed));
            if let Some(origin) = row.and_then(Origin::of_row) {
                known.insert(listed.name.clone(), origin);
            }
            names.insert(listed.name);
        }
        Ok(Self { store: store.clone(), names, default: None, known, sources: None })
    }

    /// Names the recording of regions that name nothing, and of files that no recording of the store came
    /// from, or several did and this is one of them.
    #[must_use]
    pub fn default_recording(self, name: RecordingName) -> Self {
        Self { default: Some(name), ..self }
    }

    /// Finds the recordings of one table, in the order of its regions. The first table that names files
    /// opens every recording of the store once, because only its document tells where it came from, except
    /// those that a catalogue knows.
    ///
    /// # Errors
    ///
    /// The store cannot be listed.
    pub fn recordings_of<'a>(
        &mut self,
        sources: impl IntoIterator<Item = &'a RegionSource>,
    ) -> Result<Vec<Result<RecordingName, Unmatched>>, Error> {
        let sources: Vec<&RegionSource> = sources.into_iter().collect();
        let names_file = |source: &&RegionSource| {
            matches!(source, RegionSource::File(_) | RegionSource::Table(_))
        };
        if self.sources.is_none() && sources.iter().any(names_file) {
            self.sources = Some(Sources::of(&self.store, &self.names, &self.known)?);
        }
        let mut found: HashMap<&RegionSource, Result<Found, Unmatched>> = HashMap::new();
        for source in &sources {
            found
                .entry(*source)
                .or_insert_with(|| self.find(source).or_else(|no| self.or_default(no)));
        }
        refuse_other_files(&mut found);
        let recording = |source| match found.get(source) {
            Some(Ok(found)) => Ok(found.recording.clone()),
            Some(Err(unmatched)) => Err(unmatched.clone()),
            None => Err(Unmatched::Unnamed),
        };
        Ok(sources.into_iter().map(recording).collect())
    }

    /// The recordings that could not be opened to see where they came from, and why.
    pub fn unreadable(&self) -> &[(RecordingName, Error)] {
        self.sources.as_ref().map(|sources| sources.unreadable.as_slice()).unwrap_or_default()
    }

    /// How many recordings were opened to see where they came from.
    pub fn opened(&self) -> usize {
        self.sources.as_ref().map_or(0, |sources| sources.opened)
    }

    /// Opens a recording.
    ///
    /// # Errors
    ///
    /// Those of [`Recording::open`], and the kind [`Changed`](crate::ErrorKind::Changed) if it is another
    /// one than the catalogue says.
    pub fn open(&self, name: &RecordingName) -> Result<Recording, Error> {
        let recording = Recording::open(&self.store, name.as_str())?;
        match self.known.get(name).filter(|known| **known != Origin::of(recording.info())) {
            Some(_) => Err(Reason::Changed { recording: name.clone() }.into()),
            None => Ok(recording),
        }
    }

    fn or_default(&self, unmatched: Unmatched) -> Result<Found, Unmatched> {
        let is_meant = matches!(unmatched, Unmatched::Unnamed | Unmatched::NoSuchFile { .. });
        let default = self.default.clone().filter(|_| is_meant);
        let found = default.map(|recording| Found { recording, evidence: Evidence::Default });
        found.ok_or(unmatched)
    }

    fn find(&self, source: &RegionSource) -> Result<Found, Unmatched> {
        let file = match source {
            RegionSource::Unnamed => return Err(Unmatched::Unnamed),
            RegionSource::Recording(name) => {
                let recording = name.parse().ok().filter(|name| self.names.contains(name));
                return recording
                    .map(Found::named)
                    .ok_or_else(|| Unmatched::NoSuchRecording { name: name.clone() });
            }
            RegionSource::File(file) | RegionSource::Table(file) => file,
        };
        let Some(sources) = &self.sources else { return Err(Unmatched::Unnamed) };
        let path = FilePath::new(file);
        let of_file = |path: &FilePath<'_>| sources.find(path, &self.names, self.default.as_ref());
        let found = match source {
            // A table has the name of the file and more: `a.Table.1.selections.txt`.
            RegionSource::Table(_) => path.stems().find_map(|path| of_file(&path)),
            _ => of_file(&path),
        };
        let none = || match source {
            RegionSource::Table(_) => Err(Unmatched::Unnamed),
            _ => Err(Unmatched::NoSuchFile { file: file.clone() }),
        };
        found.map_or_else(none, |found| {
            found.map_err(|Candidates { first: candidates, count }| Unmatched::Ambiguous {
                file: file.clone(),
                candidates,
                count,
            })
        })
    }
}

/// Refuses files that only their name matched, if the table names another path for that recording for
/// which as much speaks: at most one of them is the file that was imported.
fn refuse_other_files<'a>(found: &mut HashMap<&'a RegionSource, Result<Found, Unmatched>>) {
    let mut files: HashMap<RecordingName, Vec<(Evidence, &'a RegionSource)>> = HashMap::new();
    for (source, found) in found.iter() {
        if let (RegionSource::File(_), Ok(Found { recording, evidence })) = (source, found) {
            files.entry(recording.clone()).or_default().push((*evidence, *source));
        }
    }
    for (recording, mut files) in files.into_iter().filter(|(_, files)| files.len() > 1) {
        files.sort_by_key(|(evidence, source)| (*evidence, text_of(source)));
        for (evidence, source) in files.iter().filter(|(found, _)| *found > Evidence::Name) {
            let file = text_of(source);
            let others = files.iter().take_while(|(other, _)| other <= evidence);
            let mut others = others.map(|(_, other)| text_of(other)).take(COMPARED);
            let is_another = |other: &&str| FilePath::new(file).is_another(&FilePath::new(other));
            if let Some(other) = others.find(is_another) {
                let (file, other) = (file.to_owned(), other.to_owned());
                let recording = recording.clone();
                found.insert(source, Err(Unmatched::OtherFile { file, other, recording }));
            }
        }
    }
}

fn text_of(source: &RegionSource) -> &str {
    match source {
        RegionSource::Unnamed => "",
        RegionSource::Recording(text) | RegionSource::File(text) | RegionSource::Table(text) => {
            text
        }
    }
}

/// Lists the first few of so many names.
fn listed(names: &[RecordingName], count: usize) -> String {
    let first = names.iter().take(LISTED);
    let mut listed: Vec<String> = first.map(|name| format!("{:?}", name.as_str())).collect();
    if count > listed.len() {
        listed.push(format!("{} more", count - listed.len()));
    }
    listed.join(" or ")
}

/// How many candidates an error lists.
const LISTED: usize = 4;
/// With how many other paths of a recording a path is compared.
const COMPARED: usize = 16;
