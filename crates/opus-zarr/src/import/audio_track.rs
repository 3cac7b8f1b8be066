use std::{num::NonZeroU32, path::Path};

use opus_transcode::{AudioFile, Error, ErrorKind, ReadOptions, Transcoder};
use opus_zarr_store::Start;

use crate::{
    Finding, ImportOptions, RecorderMetadata,
    origin::{Origin, Samples},
};

/// A track of a file with audio other than Opus, as an import reads it.
///
/// ```no_run
/// use opus_zarr::{AudioTrack, ImportOptions};
///
/// # fn main() -> Result<(), opus_zarr::AudioError> {
/// let mut track = AudioTrack::open("station-4.wav", &ImportOptions::default(), 1)?;
/// println!("{} samples per channel", track.read_to_end()?);
/// for finding in track.findings() {
///     println!("{finding}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct AudioTrack {
    number: u64,
    pub(super) file: AudioFile,
    pub(super) origin: Origin,
    warnings: Vec<String>,
}

impl AudioTrack {
    /// Opens a track, counted from 1.
    pub fn open(
        path: impl AsRef<Path>,
        options: &ImportOptions,
        number: u64,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut file = open(path, options, number)?;
        let format = file.format();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let tags = file.tags().iter().map(|tag| (tag.name.as_str(), tag.value.as_str()));
        let samples = Samples::of(&format);
        let is_first = format.begins_with_file;
        let origin = Origin::of(&file.chunks(), tags, &file_name, is_first, samples, options);
        if origin.is_triggered {
            file.fill_triggered();
        }
        let warnings = options.transcode.warnings(&format);
        Ok(Self { number, file, origin, warnings })
    }

    /// Returns the tracks that an import takes, counted from 1, and why it leaves out the others, except
    /// those with Opus. If it takes none, opening the first one says why.
    pub fn importable(
        path: impl AsRef<Path>,
        options: &ImportOptions,
    ) -> Result<(Vec<u64>, Vec<Finding>), Error> {
        let (path, mut count) = (path.as_ref(), MOST_UNREADABLE);
        let (mut tracks, mut left_out) = (Vec::new(), Vec::new());
        for number in 1.. {
            if number > count {
                break;
            }
            let opened = Self::open(path, options, number).and_then(|track| {
                count = u64::try_from(track.file.format().tracks).unwrap_or(u64::MAX);
                track.can_be_encoded(options)
            });
            let reason = match opened {
                Ok(true) => {
                    tracks.push(number);
                    continue;
                }
                Ok(false) => "nothing to play (no samples)".to_owned(),
                Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                Err(error) if error.kind() == ErrorKind::Opus => continue,
                Err(error) if ends_tracks(error.kind()) => break,
                Err(error) => error.to_string(),
            };
            let message = format!("{reason}; not imported");
            left_out.push(Finding { stream: number, is_violation: true, message });
        }
        Ok((tracks, left_out))
    }

    /// Returns whether there are samples to encode; an error if they cannot be.
    fn can_be_encoded(mut self, options: &ImportOptions) -> Result<bool, Error> {
        let rate = self.file.rate().saturating_mul(self.origin.time_expansion.get());
        options.transcode.check_rate(rate)?;
        let mut frame = vec![0.0; self.file.channels()];
        let has_samples = !self.file.read_samples(&mut frame)?.is_empty();
        Transcoder::check(&self.file.format(), &options.transcode)?;
        Ok(has_samples)
    }

    /// Returns when an import says that the track began. The findings say what is doubtful about that.
    pub fn start(&self) -> Option<&Start> {
        self.origin.start.as_ref()
    }

    /// Returns the tags that an import keeps: those of the file, and those in its chunks.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let in_chunks =
            self.origin.tags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.file.tags().iter().map(|tag| (tag.name.as_str(), tag.value.as_str())).chain(in_chunks)
    }

    /// Returns what the recorder wrote into the file.
    pub fn recorder(&self) -> RecorderMetadata {
        RecorderMetadata::of_file(&self.file.chunks(), self.tags())
    }

    /// Returns how many times slower the file plays than the sound was.
    pub fn time_expansion(&self) -> NonZeroU32 {
        self.origin.time_expansion
    }

    /// Returns the file, with its format, chunks and tags.
    pub fn file(&self) -> &AudioFile {
        &self.file
    }

    /// Reads all samples. Returns how many there are per channel.
    pub fn read_to_end(&mut self) -> Result<u64, Error> {
        let mut buffer = vec![0.0; self.file.channels() * 4096];
        while !self.file.read_samples(&mut buffer)?.is_empty() {}
        Ok(self.file.frames_read())
    }

    /// Returns the findings of an import, complete once all samples were read.
    pub fn findings(&self) -> Vec<Finding> {
        findings(self.number, &self.file, &self.warnings, &self.origin)
    }
}

/// Returns whether no other track can be opened either.
fn ends_tracks(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NoTrack | ErrorKind::NotRegular | ErrorKind::UnknownFormat)
}

/// How many unreadable tracks may precede the first readable one, which states their number.
const MOST_UNREADABLE: u64 = 8;

/// Opens a track, counted from 1.
pub(super) fn open(path: &Path, options: &ImportOptions, number: u64) -> Result<AudioFile, Error> {
    let track = number.checked_sub(1).and_then(|track| usize::try_from(track).ok());
    let reading = ReadOptions::default().track(track.unwrap_or(usize::MAX));
    AudioFile::open(path, &reading.ffmpeg(options.ffmpeg.clone()))
}

/// Returns the findings about a file, and about what a recording will lack.
pub(super) fn findings(
    stream: u64,
    file: &AudioFile,
    warnings: &[String],
    origin: &Origin,
) -> Vec<Finding> {
    let finding = |is_violation| move |message| Finding { stream, is_violation, message };
    let faults = file.findings().into_iter().map(finding(true));
    let warnings = warnings.iter().chain(&origin.findings);
    faults.chain(warnings.cloned().map(finding(false))).collect()
}
