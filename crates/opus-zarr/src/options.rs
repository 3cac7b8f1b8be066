use std::path::PathBuf;

use opus_demux::RawStream;
use opus_transcode::TranscodeOptions;
use recorder_metadata::{NamePattern, Source as StartSource, Zone};
use serde_json::{Map, Value};

/// Options of an [`import`](crate::import()).
///
/// ```
/// use opus_zarr::{ImportOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let options = ImportOptions::default().exact(true).zone("Europe/Zurich".parse()?);
/// assert_eq!((options.exact, options.strict), (Some(true), false));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Makes the first violation of a format an error. Otherwise violations become
    /// [findings](crate::Finding), lost audio is concealed, and the import continues. Audio that is not
    /// Opus is decoded twice, since nothing is written until all of it was found intact.
    pub strict: bool,
    /// Whether to replace a recording of the same name that came from another file, as when its file has
    /// grown since, or from the same one with other settings:
    /// [`Store::replace_recording`](crate::Store::replace_recording). Otherwise it is an error.
    pub replace: bool,
    /// Notes on each recording, which are written with it. A recording that an earlier import wrote gets
    /// those that it lacks, and keeps those with another value.
    pub notes: Map<String, Value>,
    /// The stream of the file to import, counted from 1. None imports every stream that has
    /// something to play.
    pub stream: Option<u64>,
    /// Whether to build a sync map, so that reads are exact. None builds one for audio that is
    /// encoded here with sync points, where it follows from the packets, and for an Opus stream with
    /// a SILK or hybrid packet, as most speech has: without a map, only a read from the start is
    /// sure to be exact there. An Opus stream that is all CELT, as most music, gets none.
    ///
    /// A map that does not follow from the packets is measured. That takes the work of three to four
    /// full decodes, in as many threads as [`TranscodeOptions::threads`] says.
    /// [`Recording::build_sync`](crate::Recording::build_sync) can do it later.
    pub exact: Option<bool>,
    /// How to read a file without a container. None if the file has one.
    pub raw: Option<RawStream>,
    /// How to encode audio that is not Opus.
    pub transcode: TranscodeOptions,
    /// The `ffmpeg` program to decode audio that is not Opus. None uses the built-in decoders.
    pub ffmpeg: Option<PathBuf>,
    /// The time zone of clock readings to which the file adds none. None leaves it unknown.
    pub zone: Option<Zone>,
    /// The form of dates and times in file names. None recognises those of recorders.
    pub name_time: Option<NamePattern>,
    /// The only place to look for the start time. None looks everywhere and uses the most
    /// reliable one.
    pub start_from: Option<StartSource>,
}

impl ImportOptions {
    /// How to read the Opus streams of a file.
    pub fn demuxing(&self) -> opus_demux::Options {
        let mut options = opus_demux::Options::default().strict(self.strict);
        options.raw.clone_from(&self.raw);
        options
    }

    /// Whether any option decides about the start. Only then does an import change the start of a
    /// recording that an earlier one made.
    pub(crate) fn says_how_to_start(&self) -> bool {
        self.zone.is_some() || self.name_time.is_some() || self.start_from.is_some()
    }

    /// Sets whether to replace a recording of the same name.
    #[must_use]
    pub fn replace(self, replace: bool) -> Self {
        Self { replace, ..self }
    }

    /// Adds a note on each recording.
    #[must_use]
    pub fn note(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.notes.insert(key.into(), value.into());
        self
    }

    /// Sets whether the first violation of a format is an error.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Selects one stream of the file, counted from 1.
    #[must_use]
    pub fn stream(mut self, stream: u64) -> Self {
        self.stream = Some(stream);
        self
    }

    /// Sets whether to build a sync map.
    #[must_use]
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = Some(exact);
        self
    }

    /// Reads the file as a raw stream, without a container.
    #[must_use]
    pub fn raw(mut self, raw: RawStream) -> Self {
        self.raw = Some(raw);
        self
    }

    /// Sets how to encode audio that is not Opus.
    #[must_use]
    pub fn transcode(mut self, transcode: TranscodeOptions) -> Self {
        self.transcode = transcode;
        self
    }

    /// Decodes audio that is not Opus with this `ffmpeg` program.
    #[must_use]
    pub fn ffmpeg(mut self, program: impl Into<PathBuf>) -> Self {
        self.ffmpeg = Some(program.into());
        self
    }

    /// Sets the time zone of clock readings to which the file adds none.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = Some(zone);
        self
    }

    /// Sets the form of dates and times in file names.
    #[must_use]
    pub fn name_time(mut self, pattern: NamePattern) -> Self {
        self.name_time = Some(pattern);
        self
    }

    /// Sets the only place to look for the start time.
    #[must_use]
    pub fn start_from(mut self, source: StartSource) -> Self {
        self.start_from = Some(source);
        self
    }
}
