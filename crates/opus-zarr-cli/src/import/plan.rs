//! Which files are imported, and under which names.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
};

use opus_zarr_store::RecordingName;
use walkdir::{DirEntry, WalkDir};

use crate::{
    failure::{Exit, Failure},
    output::Messages,
    text::count,
};

/// A file that is to be imported.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) path: PathBuf,
    pub(super) name: RecordingName,
    pub(super) bytes: u64,
}

/// A file, and what its name is made of.
struct Found {
    path: PathBuf,
    /// Below the directory that was named, or the file name alone.
    relative: PathBuf,
    bytes: u64,
}

/// What an import is to do.
pub(super) struct Plan {
    pub(super) files: Vec<Planned>,
    /// How many files and directories cannot even be looked at, which was told.
    pub(super) unreadable: usize,
}

/// Finds the files. In a directory those with an extension of audio, in the order of their
/// names; whatever is named itself is taken.
pub(super) fn plan(
    sources: &[PathBuf],
    recursive: bool,
    name: Option<&str>,
    messages: &Messages,
) -> Result<Plan, Failure> {
    let (mut found, mut unreadable) = (Vec::new(), 0);
    for source in sources {
        let metadata = fs::metadata(source).map_err(|error| Failure::io("read", source, &error))?;
        match metadata.is_dir() {
            true if opus_zarr::Store::open(source).is_ok() => {
                return Err(Failure::usage(format!("{source:?} is a store, expected audio files"))
                    .with_hint(
                        "the store stands last: `opus-zarr import SRC... STORE`; \
                         `opus-zarr copy` copies recordings",
                    ));
            }
            true if recursive => unreadable += walk(source, &mut found, messages)?,
            true => {
                return Err(Failure::usage(format!("{source:?} is a directory"))
                    .with_hint("with -r all audio files in it are imported"));
            }
            false => found.push(Found {
                path: source.clone(),
                relative: source.file_name().unwrap_or_default().into(),
                bytes: metadata.len(),
            }),
        }
    }
    match (name, found.len()) {
        (_, 0) => Err(Failure::new(Exit::Error, "there are no audio files to import")),
        (None, _) => Ok(Plan { files: with_names(found)?, unreadable }),
        (Some(name), 1) => {
            let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
            let planned =
                |found: Found| Planned { path: found.path, name: name.clone(), bytes: found.bytes };
            Ok(Plan { files: found.into_iter().map(planned).collect(), unreadable })
        }
        (Some(_), many) => {
            Err(Failure::usage(format!("--name is for one file, and these are {many}"))
                .with_hint("without it each is named by its file"))
        }
    }
}

/// Gives how many cannot be looked at.
fn walk(root: &Path, found: &mut Vec<Found>, messages: &Messages) -> Result<usize, Failure> {
    let (mut others, mut unreadable) = (0u64, 0);
    let is_visible = |entry: &DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let entries = WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_visible);
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                messages.warn(format!("passed over: {}", fault_of(&error)));
                // What a link leads back to is looked at in its own place.
                unreadable += usize::from(error.loop_ancestor().is_none());
                continue;
            }
        };
        if !entry.file_type().is_file() {
            continue;
        }
        if !is_audio(entry.path()) {
            others += 1;
            continue;
        }
        let fault = |error| Failure::new(Exit::Error, format!("cannot read {}", fault_of(&error)));
        let bytes = entry.metadata().map_err(fault)?.len();
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned();
        found.push(Found { path: entry.into_path(), relative, bytes });
    }
    if others > 0 {
        let files = count(others, "file");
        messages.note(format!("{}: {files} left alone, by extension no audio", root.display()));
    }
    Ok(unreadable)
}

fn fault_of(error: &walkdir::Error) -> String {
    match (error.path(), error.io_error()) {
        (Some(path), Some(error)) => format!("{path:?}: {error}"),
        _ => error.to_string(),
    }
}

fn is_audio(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}

/// Names each by its place and its stem. Those that would have the same name keep their extensions.
fn with_names(found: Vec<Found>) -> Result<Vec<Planned>, Failure> {
    let mut stems: HashMap<String, usize> = HashMap::new();
    for file in &found {
        *stems.entry(name_of(&file.relative.with_extension(""))).or_default() += 1;
    }
    let mut taken: HashMap<String, PathBuf> = HashMap::new();
    let mut planned = Vec::with_capacity(found.len());
    for file in found {
        let stem = name_of(&file.relative.with_extension(""));
        let text = match stems.get(&stem) {
            Some(2..) => name_of(&file.relative),
            _ => stem,
        };
        if let Some(other) = taken.insert(text.clone(), file.path.clone()) {
            let message = format!("{other:?} and {:?} would both be named {text:?}", file.path);
            return Err(Failure::usage(message).with_hint(
                "import them one by one with --name, or from the directory above with -r",
            ));
        }
        let name = text.parse().map_err(|error| {
            Failure::usage(format!("{:?}: {error}", file.path))
                .with_hint("--name gives the recording of a file another name")
        })?;
        planned.push(Planned { path: file.path, name, bytes: file.bytes });
    }
    Ok(planned)
}

/// The parts of a path as one name, with what no name may have replaced.
fn name_of(path: &Path) -> String {
    let parts: Vec<_> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy()),
            _ => None,
        })
        .collect();
    let replaced = |c: char| if c.is_control() || r#"/\:*?"<>|"#.contains(c) { '_' } else { c };
    let name: String = parts.join("_").chars().map(replaced).collect();
    possible(&name)
}

/// The name itself if a recording can have it, else what is most like it: of a long one the end, where
/// the file is.
fn possible(name: &str) -> String {
    let from = (name.len().saturating_sub(MOST)..).find(|&at| name.is_char_boundary(at));
    let end = name.get(from.unwrap_or_default()..).unwrap_or(name).trim_end_matches(['.', ' ']);
    let is_reserved = end.starts_with('.') || end.starts_with("__");
    match if is_reserved { end.trim_start_matches(['.', '_']) } else { end } {
        "" => "unnamed".to_owned(),
        "zarr.json" => "zarr_json".to_owned(),
        possible => possible.to_owned(),
    }
}

/// Bytes of the name of a recording.
const MOST: usize = 200;

/// What audio files are called, in lower case.
const EXTENSIONS: [&str; 30] = [
    "3gp", "aac", "ac3", "aif", "aifc", "aiff", "alac", "amr", "ape", "bwf", "caf", "flac", "m4a",
    "m4b", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "oga", "ogg", "opus", "rf64", "w64", "wav",
    "wave", "weba", "webm", "wma",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Result<Vec<String>, Failure> {
        let found =
            paths.iter().map(|path| Found { path: path.into(), relative: path.into(), bytes: 0 });
        Ok(with_names(found.collect())?
            .into_iter()
            .map(|planned| planned.name.to_string())
            .collect())
    }

    #[test]
    fn files_are_named_by_place_and_stem() {
        assert_eq!(
            names(&["a.wav", "night 1/a.wav", "night:1/b.c.flac", "ende..wav"]).unwrap(),
            ["a", "night 1_a", "night_1_b.c", "ende"]
        );
    }

    #[test]
    fn every_file_has_a_name_that_a_recording_can_have() {
        let long = format!("{}/ä{}.wav", "night".repeat(20), "x".repeat(199));
        let paths =
            ["__x.wav", ".-x.wav", "..wav", "zarr.json.wav", "_y.wav", "a /__/ .wav", &long];
        let expected = ["x", "-x", "unnamed", "zarr_json", "_y", "a ____", &"x".repeat(199)];
        assert_eq!(names(&paths).unwrap(), expected);
    }

    #[test]
    fn what_would_have_one_name_keeps_its_extension() {
        assert_eq!(names(&["a.wav", "b.wav", "a.flac"]).unwrap(), ["a.wav", "b", "a.flac"]);
        let failure = names(&["a.wav", "a.wav"]).unwrap_err();
        assert!(failure.message.contains("would both be named"), "{}", failure.message);
    }
}
