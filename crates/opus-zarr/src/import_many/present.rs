//! What the store already holds.

use std::{collections::HashMap, ops::ControlFlow, path::Path, sync::atomic::AtomicBool};

use opus_zarr_store::{RecordingName, SourceId, Store};

use super::PlannedFile;
use crate::{
    Error, ImportOptions, Recording,
    import::{Held, compare},
    in_order::in_order,
    source::SourceFile,
};

/// The recordings of a store by the lengths of the files that they came from, so that only files of
/// these lengths need to be hashed. Whether a recording is what an import would make is up to
/// [`compare`].
pub(super) struct Present {
    by_length: HashMap<u64, Vec<Known>>,
}

struct Known {
    name: RecordingName,
    sha256: String,
    /// Whether the recording is a later stream of its file: `name.2`. Of the recordings of a file
    /// the first stream is written last, so only that one proves an import complete.
    is_later_stream: bool,
}

/// What the store holds of a file.
pub(super) enum Found {
    Nothing,
    /// A recording that the import would make. `recordings` also has those of later streams.
    Same {
        name: RecordingName,
        recordings: Vec<Recording>,
    },
}

impl Present {
    pub(super) fn of(store: &Store) -> Result<Self, Error> {
        let names = store.recordings()?.collect::<Result<Vec<_>, _>>()?;
        let mut by_length: HashMap<u64, Vec<Known>> = HashMap::new();
        let source_of = |name: &RecordingName| store.source_of(name);
        in_order(&names, source_of, |name, source| {
            // A damaged recording counts as absent. The import fails when it needs the name.
            if let Ok(Some(source)) = source {
                by_length.entry(source.bytes).or_default().push(Known::of(name.clone(), source));
            }
            ControlFlow::Continue(())
        });
        by_length
            .values_mut()
            .for_each(|known| known.sort_by(|one, other| one.name.cmp(&other.name)));
        Ok(Self { by_length })
    }

    /// Looks for what an import of a file would make, under whatever name.
    ///
    /// # Errors
    ///
    /// The name of the file is taken by a recording of the same file with other settings.
    pub(super) fn find(
        &self,
        store: &Store,
        file: &PlannedFile,
        options: &ImportOptions,
        is_given_up: &AtomicBool,
    ) -> Result<Found, Error> {
        let Some(candidates) = self.by_length.get(&file.bytes) else { return Ok(Found::Nothing) };
        let sha256 = SourceFile::open(&file.path, is_given_up)?.sha256();
        let mut candidates: Vec<&Known> =
            candidates.iter().filter(|known| known.sha256 == sha256).collect();
        candidates.sort_by_key(|known| known.name != file.name);
        let (mut first, mut recordings, mut other) = (None, Vec::new(), None);
        for known in candidates {
            // Deleted or damaged by now.
            let Ok(recording) = Recording::open(store, known.name.as_str()) else { continue };
            let held = compare(&file.path, &sha256, options.stream, options, recording.info())?;
            match held {
                Held::Same => {
                    first = first.or_else(|| (!known.is_later_stream).then_some(&known.name));
                    recordings.push(recording);
                }
                held if known.name == file.name => {
                    other = held.error(&file.path, store, &file.name);
                }
                Held::OtherSettings(_) | Held::OtherFile => {}
            }
        }
        match (first, other) {
            (Some(name), _) => Ok(Found::Same { name: name.clone(), recordings }),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(Found::Nothing),
        }
    }

    /// Returns the error of importing a file under a name that another file has taken.
    pub(super) fn other_file(store: &Store, path: &Path, name: &RecordingName) -> Option<Error> {
        let is_taken = Recording::open(store, name.as_str()).is_ok();
        if is_taken { Held::OtherFile.error(path, store, name) } else { None }
    }
}

impl Known {
    fn of(name: RecordingName, source: SourceId) -> Self {
        let is_later_stream = source.stream > 1 && ends_in_number(name.as_str());
        Self { name, sha256: source.sha256, is_later_stream }
    }
}

fn ends_in_number(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, number)| number.parse::<u64>().is_ok())
}
