mod opus;
mod record;
mod same;
mod transcode;

use std::{ops::ControlFlow, path::Path};

use opus_transcode::ErrorKind;
use opus_zarr_store::{RecordingName, Store};

pub use self::same::{Difference, Setting};
pub(crate) use self::same::{Held, compare, list};
use self::{opus::OpusFile, transcode::AudioSource};
use crate::{
    Error, Finding, ImportOptions, Recording,
    progress::{Progress, Watch, go_on},
};

/// What an import made.
#[derive(Debug)]
pub struct Imported {
    /// The recordings, at least one, in the order of the streams in the file.
    pub recordings: Vec<Recording>,
    /// How many of them an earlier import had made, of the same file: they were not written again.
    pub earlier: usize,
    /// What there is to know about the file; of very many only the first.
    pub findings: Vec<Finding>,
}

/// Imports an audio file into a store that is made if there is none. One with Opus (in Ogg,
/// WebM, Matroska, MP4 or CAF, told by its content) keeps its packets; any other is encoded.
///
/// A file with several streams (tracks, links of a chain) becomes as many recordings:
/// `name`, `name.2`, `name.3` and so on. What is wrong with the file is reported, lost
/// audio is concealed so that time does not shift. Each recording appears complete, or
/// not at all, and `name` as the last one: where it is, all are. A name that is taken is an
/// error, unless by what this import would make of that stream: the same file, by its SHA-256, with
/// the same settings of the encoder and the same start. Then that recording is given, with a
/// sync map if it is to have one; so an import that was cut short goes on where it was. Memory does not grow with the file (by some 2 kB an hour of audio, for the
/// attributes; with MP4 by some 12 bytes a packet, for its tables).
pub fn import(
    path: impl AsRef<Path>,
    store: impl AsRef<Path>,
    name: &str,
) -> Result<Imported, Error> {
    import_with(path, store, name, &ImportOptions::default())
}

/// The same, with options.
pub fn import_with(
    path: impl AsRef<Path>,
    store: impl AsRef<Path>,
    name: &str,
    options: &ImportOptions,
) -> Result<Imported, Error> {
    let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
    let mut tell = go_on;
    let watch = &mut Watch::new(&mut tell);
    // A file that cannot be imported makes no store.
    let file = ImportFile::open(path.as_ref(), options, watch)?;
    file.import(&Store::open_or_create(store)?, &name, watch)
}

/// The same, into a store that is open: in whatever storage it is kept.
pub fn import_into(
    path: impl AsRef<Path>,
    store: &Store,
    name: &str,
    options: &ImportOptions,
) -> Result<Imported, Error> {
    import_watched(path, store, name, options, &mut go_on)
}

/// The same, and tells `tell` how far it is, at least at each second of audio, in this thread.
/// When `tell` breaks off, the import ends with [`Error::Cancelled`] and nothing of it appears in the store.
/// With more than one recording in the file, those that are complete stay.
pub fn import_watched(
    path: impl AsRef<Path>,
    store: &Store,
    name: &str,
    options: &ImportOptions,
    tell: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Imported, Error> {
    let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
    let watch = &mut Watch::new(tell);
    ImportFile::open(path.as_ref(), options, watch)?.import(store, &name, watch)
}

/// A file that can be imported.
enum ImportFile<'a> {
    Opus(OpusFile<'a>),
    Audio(AudioSource<'a>),
}

impl<'a> ImportFile<'a> {
    /// What holds Opus is never decoded. All else is, if it is audio.
    fn open(
        path: &'a Path,
        options: &'a ImportOptions,
        watch: &mut Watch<'_>,
    ) -> Result<Self, Error> {
        match OpusFile::survey(path, options, watch) {
            Ok(file) => Ok(Self::Opus(file)),
            Err(no_opus) if no_opus.says_no_opus() => match AudioSource::open(path, options) {
                Ok(file) => Ok(Self::Audio(file)),
                // What the file looks like says more.
                Err(Error::Audio { reason, .. }) if reason.kind() == ErrorKind::UnknownFormat => {
                    Err(no_opus)
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn import(
        self,
        store: &Store,
        name: &RecordingName,
        watch: &mut Watch<'_>,
    ) -> Result<Imported, Error> {
        match self {
            Self::Opus(file) => file.import(store, name, watch),
            Self::Audio(file) => file.import(store, name, watch),
        }
    }
}

impl Imported {
    /// The first recording: of most files the only one.
    ///
    /// # Panics
    ///
    /// Never, if `recordings` is as the import gave it.
    pub fn into_first(self) -> Recording {
        self.recordings.into_iter().next().expect("an import makes at least one recording")
    }
}
