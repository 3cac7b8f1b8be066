//! Whether the store holds what an import of a file would make.

use std::sync::atomic::AtomicBool;

use opus_zarr_store::{RecordingName, Start, Store};

use super::PlannedFile;
use crate::{
    Error, ImportOptions, Recording,
    import::{Held, compare},
    source::SourceFile,
};

/// What the store holds of a file.
pub(super) enum Found {
    Nothing,
    /// A recording that the import would make, apart from its start. `recordings` also has those of later
    /// streams, each with the start that it gets if the import finds another one.
    Same {
        name: RecordingName,
        recordings: Vec<(Recording, Option<Start>)>,
    },
}

/// Looks for what an import of a file would make, under the name of its recording. Audio under another
/// name does not count: every name gets a recording of its own. The file is only read if it has the
/// length of the one that the recording came from.
///
/// # Errors
///
/// The name is taken by a recording of another file, or of the same file with other settings.
pub(super) fn find(
    store: &Store,
    file: &PlannedFile,
    options: &ImportOptions,
    is_given_up: &AtomicBool,
) -> Result<Found, Error> {
    let mut source = Source { file, options, is_given_up, sha256: None };
    let mut taken = None;
    for name in [Some(&file.name), file.stem.as_ref()].into_iter().flatten() {
        let recording = match Recording::open(store, name.as_str()) {
            Ok(recording) => recording,
            Err(error) if error.is_unreadable() => return Err(error),
            // A damaged recording counts as absent. The import fails when it needs the name.
            Err(_) => continue,
        };
        match source.compare(&recording)? {
            held @ (Held::Same | Held::OtherStart(_)) => {
                let recordings = source.with_later(store, (recording, held.start()))?;
                return Ok(Found::Same { name: name.clone(), recordings });
            }
            // The import replaces it.
            _ if options.replace => {}
            other if *name == file.name => taken = other.error(&file.path, store, name),
            _ => {}
        }
    }
    taken.map_or(Ok(Found::Nothing), Err)
}

/// A file that is compared with recordings.
struct Source<'a> {
    file: &'a PlannedFile,
    options: &'a ImportOptions,
    is_given_up: &'a AtomicBool,
    /// Once a recording came from a file of the same length.
    sha256: Option<String>,
}

impl Source<'_> {
    fn compare(&mut self, recording: &Recording) -> Result<Held, Error> {
        let Self { file, options, .. } = *self;
        let info = recording.info();
        if info.source.bytes != file.bytes {
            return Ok(Held::OtherFile);
        }
        let sha256 = match self.sha256.take() {
            Some(sha256) => sha256,
            None => SourceFile::open(&file.path, self.is_given_up)?.sha256(),
        };
        let sha256 = self.sha256.insert(sha256);
        compare(&file.path, sha256, options.stream, options, info)
    }

    /// Adds the recordings of the later streams of the file: `name.2`, `name.3` and so on. That of the
    /// first stream is written last, so all exist.
    fn with_later(
        &mut self,
        store: &Store,
        first: (Recording, Option<Start>),
    ) -> Result<Vec<(Recording, Option<Start>)>, Error> {
        let name = first.0.name().to_owned();
        let mut recordings = vec![first];
        for number in 2_u64.. {
            let Ok(later) = Recording::open(store, &format!("{name}.{number}")) else { break };
            match self.compare(&later)? {
                held @ (Held::Same | Held::OtherStart(_)) => recordings.push((later, held.start())),
                Held::OtherSettings(_) | Held::OtherFile => break,
            }
        }
        Ok(recordings)
    }
}
