//! Which files are imported, and what their recordings are called.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
};

use opus_zarr_store::{RecordingName, Store};
use walkdir::{DirEntry, WalkDir};

use super::{FileImport, ImportOutcome, NameTemplate};
use crate::{Error, error::Reason};

/// The files that [`import_many`](super::import_many) imports, and the names of their recordings.
///
/// A recording is named after its file, without the extension: `b.wav` becomes `b`. A file in a
/// directory below the planned one puts the names of its directories first: `night 1/a.wav` becomes
/// `night 1_a`. Where names collide, those files keep their extensions. A [`NameTemplate`] names
/// recordings in another way.
///
/// ```
/// use opus_zarr::ImportPlan;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let card = tempfile::tempdir()?;
/// # let card = card.path();
/// std::fs::create_dir(card.join("night 1"))?;
/// std::fs::write(card.join("night 1/a.wav"), "")?;
/// std::fs::write(card.join("CONFIG.TXT"), "")?;
/// let plan = ImportPlan::of([card])?;
/// assert_eq!(plan.files[0].name.as_str(), "night 1_a");
/// assert_eq!(plan.skipped[0].files, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ImportPlan {
    /// The files in the order in which they are imported. Names may be changed, as long as they
    /// differ.
    pub files: Vec<PlannedFile>,
    /// How many files each planned directory holds that are not audio by their extension.
    pub skipped: Vec<SkippedFiles>,
    /// Files and directories below a planned directory that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Files that are not imported because their recordings would have the name of an earlier one.
    pub clashes: Vec<FileImport>,
}

/// A file to import.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedFile {
    /// Where the file is.
    pub path: PathBuf,
    /// What its recording is called.
    pub name: RecordingName,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// What its recording would be called if no other file had a similar name. An earlier import may
    /// have named it so.
    pub(super) stem: Option<RecordingName>,
}

/// Files of a directory that are not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedFiles {
    /// The planned directory.
    pub directory: PathBuf,
    /// How many files it and the directories below it hold that are not audio.
    pub files: u64,
}

/// Why something in a directory cannot be read. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// The file or directory.
    pub path: PathBuf,
    /// Why it cannot be read.
    pub reason: String,
    /// Whether it links to a directory above it. The files in there are planned in their own place, so
    /// nothing is lost.
    pub is_loop: bool,
}

impl ImportPlan {
    /// Plans the import of files and directories.
    ///
    /// A file is planned whatever its name, and once if it is given twice. From a directory and all below it, files with an audio
    /// extension are planned, in the order of their names. Links are followed. Names that begin with a
    /// dot, and those of systems, such as `$RECYCLE.BIN`, are ignored.
    ///
    /// # Errors
    ///
    /// A path cannot be read, or is a store.
    pub fn of<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, Error> {
        Self::named(paths, &NameTemplate::default())
    }

    /// Plans the import of files and directories, as [`of`](Self::of) does, with names of another form.
    ///
    /// # Errors
    ///
    /// A path cannot be read, or is a store.
    pub fn named<P: AsRef<Path>>(
        paths: impl IntoIterator<Item = P>,
        template: &NameTemplate,
    ) -> Result<Self, Error> {
        let (mut plan, mut found) = (Self::default(), Vec::new());
        for path in paths {
            let path = path.as_ref();
            let fault = |source| Error::from(Reason::OpenSource { path: path.to_owned(), source });
            let metadata = fs::metadata(path).map_err(fault)?;
            if !metadata.is_dir() {
                let relative = path.file_name().unwrap_or_default().into();
                found.push(Found { path: path.to_owned(), relative, bytes: metadata.len() });
            } else if Store::open(path).is_ok() {
                return Err(Error::from(Reason::IsAStore { path: path.to_owned() }));
            } else {
                plan.walk(path, &mut found);
            }
        }
        (plan.files, plan.clashes) = with_names(without_repeats(found), template);
        Ok(plan)
    }

    fn walk(&mut self, directory: &Path, found: &mut Vec<Found>) {
        let mut others = 0;
        let is_visible = |entry: &DirEntry| entry.depth() == 0 || !is_of_system(entry.file_name());
        let entries = WalkDir::new(directory)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(is_visible);
        for entry in entries {
            match entry.and_then(|entry| entry.metadata().map(|metadata| (entry, metadata))) {
                Err(error) => self.unreadable.push(Unreadable::of(&error, directory)),
                Ok((_, metadata)) if !metadata.is_file() => {}
                Ok((entry, _)) if !is_audio(entry.path()) => others += 1,
                Ok((entry, metadata)) => {
                    let relative = entry.path().strip_prefix(directory).unwrap_or(entry.path());
                    let (relative, bytes) = (relative.to_owned(), metadata.len());
                    found.push(Found { path: entry.into_path(), relative, bytes });
                }
            }
        }
        if others > 0 {
            self.skipped.push(SkippedFiles { directory: directory.to_owned(), files: others });
        }
    }
}

impl Unreadable {
    fn of(error: &walkdir::Error, directory: &Path) -> Self {
        let reason = match (error.loop_ancestor(), error.io_error()) {
            (Some(ancestor), _) => format!("links back to {ancestor:?}"),
            (None, Some(error)) => error.to_string(),
            (None, None) => error.to_string(),
        };
        let path = error.path().unwrap_or(directory).to_owned();
        Self { path, reason, is_loop: error.loop_ancestor().is_some() }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.path, self.reason)
    }
}

/// Whether a name is hidden, or belongs to the system: what was deleted is not imported.
fn is_of_system(name: &OsStr) -> bool {
    let is_listed = OF_SYSTEMS.iter().any(|system| name.eq_ignore_ascii_case(system));
    is_listed || name.as_encoded_bytes().starts_with(b".")
}

fn is_audio(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}

/// A file without a name for its recording.
struct Found {
    path: PathBuf,
    /// What the name is made of: the path below the planned directory, or the file name.
    relative: PathBuf,
    bytes: u64,
}

/// Leaves out files that are given twice, which would be named alike.
fn without_repeats(mut found: Vec<Found>) -> Vec<Found> {
    let mut named: HashMap<PathBuf, usize> = HashMap::new();
    for file in &found {
        *named.entry(file.relative.clone()).or_default() += 1;
    }
    let mut seen = HashSet::new();
    found.retain(|file| {
        named.get(&file.relative) == Some(&1) || {
            // What cannot be resolved cannot be opened either, which the import reports.
            let place = fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
            seen.insert((file.relative.clone(), place))
        }
    });
    found
}

/// Names the files, and returns those whose names are taken separately.
fn with_names(found: Vec<Found>, template: &NameTemplate) -> (Vec<PlannedFile>, Vec<FileImport>) {
    let mut stems: HashMap<RecordingName, usize> = HashMap::new();
    for file in &found {
        *stems.entry(template.stem(&file.path, &file.relative)).or_default() += 1;
    }
    let mut taken: HashMap<RecordingName, PathBuf> = HashMap::new();
    let (mut planned, mut clashes) = (Vec::with_capacity(found.len()), Vec::new());
    for file in found {
        let stem = template.stem(&file.path, &file.relative);
        let is_unique = stems.get(&stem).is_none_or(|count| *count == 1);
        let (name, stem) = match is_unique {
            true => (stem, None),
            false => (template.with_extension(&file.path, &file.relative), Some(stem)),
        };
        let file = PlannedFile { path: file.path, name, bytes: file.bytes, stem };
        match taken.entry(file.name.clone()) {
            Entry::Vacant(place) => {
                place.insert(file.path.clone());
                planned.push(file);
            }
            Entry::Occupied(other) => {
                let (first, second) = (other.get().clone(), file.path.clone());
                let error = Reason::SameName { name: file.name.clone(), first, second };
                clashes.push(FileImport { file, outcome: ImportOutcome::Failed(error.into()) });
            }
        }
    }
    (planned, clashes)
}

/// Directories of deleted and of found files on Windows and Linux, and of the system on cards.
const OF_SYSTEMS: [&str; 4] =
    ["$RECYCLE.BIN", "RECYCLER", "System Volume Information", "lost+found"];

/// Extensions of audio files, in lower case.
const EXTENSIONS: [&str; 30] = [
    "3gp", "aac", "ac3", "aif", "aifc", "aiff", "alac", "amr", "ape", "bwf", "caf", "flac", "m4a",
    "m4b", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "oga", "ogg", "opus", "rf64", "w64", "wav",
    "wave", "weba", "webm", "wma",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn named(paths: &[&str]) -> (Vec<PlannedFile>, Vec<FileImport>) {
        let found =
            paths.iter().map(|path| Found { path: path.into(), relative: path.into(), bytes: 0 });
        with_names(found.collect(), &NameTemplate::default())
    }

    fn names(paths: &[&str]) -> Vec<String> {
        named(paths).0.into_iter().map(|planned| planned.name.to_string()).collect()
    }

    #[test]
    fn files_are_named_by_directory_and_stem() {
        assert_eq!(
            names(&["a.wav", "night 1/a.wav", "night:1/b.c.flac", "ende..wav"]),
            ["a", "night 1_a", "night_1_b.c", "ende"]
        );
    }

    #[test]
    fn every_file_gets_a_valid_name() {
        let long = format!("{}/ä{}.wav", "night".repeat(20), "x".repeat(199));
        let paths =
            ["__x.wav", ".-x.wav", "..wav", "zarr.json.wav", "_y.wav", "a /__/ .wav", &long];
        let expected = ["x", "-x", "unnamed", "zarr_json", "_y", "a ____", &"x".repeat(199)];
        assert_eq!(names(&paths), expected);
    }

    #[test]
    fn colliding_names_keep_their_extensions() {
        assert_eq!(names(&["a.wav", "b.wav", "a.flac"]), ["a.wav", "b", "a.flac"]);
    }

    #[test]
    fn cards_with_the_same_file_names_are_told_apart() {
        let paths = ["card 1/a.wav", "card 2/a.wav", "card 2/a.flac"];
        let found = paths.map(|path| {
            let path = Path::new(path);
            let relative = path.file_name().unwrap().into();
            Found { path: path.to_owned(), relative, bytes: 0 }
        });
        let (planned, clashes) = with_names(found.into(), &"x_{parent}_{stem}".parse().unwrap());
        let names: Vec<_> = planned.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["x_card 1_a", "x_card 2_a.wav", "x_card 2_a.flac"]);
        assert!(clashes.is_empty());
    }

    #[test]
    fn a_taken_name_costs_only_its_file() {
        let (planned, clashes) = named(&["x/a.wav", "b.wav", "x_a.wav", "x/a.flac"]);
        let names: Vec<_> = planned.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["x_a.wav", "b", "x_a.flac"]);
        let [clash] = &clashes[..] else { panic!("{clashes:?}") };
        let ImportOutcome::Failed(error) = &clash.outcome else { panic!("{clash:?}") };
        assert_eq!(clash.file.path, Path::new("x_a.wav"));
        assert!(error.to_string().contains("would both be named \"x_a.wav\""), "{error}");
    }
}
