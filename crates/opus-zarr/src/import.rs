mod audio_track;
mod exact;
mod notes;
mod opus;
mod record;
mod restart;
mod same;
mod transcode;

use std::{ops::ControlFlow, path::Path};

use opus_zarr_store::{RecordingName, Store};

pub use self::{
    audio_track::AudioTrack,
    opus::start_of_stream,
    restart::StartChange,
    same::{Difference, Setting},
};
pub(crate) use self::{
    exact::lacks_sync,
    notes::add_notes,
    record::SERIAL,
    restart::planned_start,
    same::{Held, compare, list},
};
use self::{opus::OpusFile, transcode::AudioSource};
use crate::{
    Error, ErrorKind, Finding, ImportOptions, Recording,
    error::{NotAudio, Reason},
    progress::{Progress, Watch},
    survey::Refusal,
};

/// The result of an import.
#[derive(Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The recordings, at least one, in the order of the streams in the file.
    pub recordings: Vec<Recording>,
    /// How many of them an earlier import of the same file had written. They were not written
    /// again.
    pub earlier: usize,
    /// How many of them [replaced](ImportOptions::replace) one.
    pub replaced: usize,
    /// The starts of earlier recordings that were changed, because this import looks for them in another
    /// way.
    pub starts: Vec<StartChange>,
    /// The findings about the file. A file with very many has only the first.
    pub findings: Vec<Finding>,
}

/// Imports an audio file into a store. Opus in Ogg, WebM, Matroska, MP4 or CAF, detected by
/// content, keeps its packets; other audio is encoded. `watch` follows the import and can cancel
/// it ([`Progress`]); pass [`unwatched`](crate::unwatched) if nobody does.
///
/// A file with several streams (tracks, links of a chain) becomes several recordings: `name`,
/// `name.2`, `name.3` and so on. Faults of the file are reported as findings, and lost audio is
/// concealed so that time does not shift.
///
/// Each recording appears complete or not at all. `name` is written last, so its presence means
/// the import is complete. A name in use is an error unless it holds exactly what this import
/// would write: the same file, by its SHA-256, with the same encoder settings. Then that recording is
/// returned; a sync map that it lacks and that this import would build ([`ImportOptions::exact`]) is
/// added, and so are missing [notes](ImportOptions::notes). If the options say how to look for the start
/// ([`zone`](ImportOptions::zone), [`name_time`](ImportOptions::name_time),
/// [`start_from`](ImportOptions::start_from)) and another one is found, it replaces the recorded start
/// ([`StartChange`]). Importing again therefore completes an interrupted import. A file that cannot be
/// imported changes nothing: a store from [`Store::open_or_create`] is created when its first recording is written.
///
/// Memory does not grow with the file, except by about 2 kB for an hour of audio, for the
/// attributes, and by about 12 bytes for a packet in MP4, for its tables.
///
/// ```no_run
/// use opus_zarr::{ImportOptions, Store, import, unwatched};
///
/// # fn main() -> Result<(), opus_zarr::Error> {
/// let store = Store::open_or_create("archive.zarr")?;
/// let options = ImportOptions::default().strict(true);
/// let imported = import("station-4.webm", &store, "station-4", &options, unwatched)?;
/// for finding in &imported.findings {
///     eprintln!("{finding}");
/// }
/// let recording = imported.into_first();
/// println!("{:?}", recording.info().duration());
/// # Ok(())
/// # }
/// ```
pub fn import(
    source: impl AsRef<Path>,
    store: &Store,
    name: &str,
    options: &ImportOptions,
    mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Imported, Error> {
    let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
    let watch = &mut Watch::new(&mut watch);
    ImportFile::open(source.as_ref(), options, watch)?.import(store, &name, watch)
}

/// A file that can be imported.
enum ImportFile<'a> {
    Opus(OpusFile<'a>),
    Audio(AudioSource<'a>),
}

impl<'a> ImportFile<'a> {
    /// Opens a file with Opus, or else as other audio, which is decoded.
    fn open(
        path: &'a Path,
        options: &'a ImportOptions,
        watch: &mut Watch<'_>,
    ) -> Result<Self, Error> {
        match OpusFile::survey(path, options, watch) {
            Ok(file) => Ok(Self::Opus(file)),
            Err(Refusal { error, of_opus: Some(findings) }) => {
                Self::open_audio(path, options, error, findings)
            }
            Err(Refusal { error, of_opus: None }) => Err(error),
        }
    }

    /// `findings` say what is wrong with the Opus of the file, if it has any.
    fn open_audio(
        path: &'a Path,
        options: &'a ImportOptions,
        no_opus: Error,
        findings: Vec<Finding>,
    ) -> Result<Self, Error> {
        match AudioSource::open(path, options, findings) {
            Ok(file) => Ok(Self::Audio(file)),
            // There is nothing but unusable Opus.
            Err(_) if no_opus.kind() != ErrorKind::UnknownFormat => Err(no_opus),
            Err(error) if error.kind() == ErrorKind::UnknownFormat => {
                // The first error says more about the file.
                Err(match no_opus.into_reason() {
                    Reason::Source { path, source } => {
                        Reason::NotAudio { path, source: NotAudio(source) }.into()
                    }
                    reason => reason.into(),
                })
            }
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
    /// Returns the first recording, which for most files is the only one.
    ///
    /// # Panics
    ///
    /// If `recordings` was emptied: an import returns at least one.
    pub fn into_first(self) -> Recording {
        self.recordings.into_iter().next().expect("an import makes at least one recording")
    }
}
