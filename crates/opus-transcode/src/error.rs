use std::{error::Error as StdError, fmt, io};

use opus_encode::ErrorKind as EncodeKind;
use symphonia::core::errors::Error as SymphoniaError;
use wave_demux::ErrorKind as WaveKind;

/// Why a file cannot be opened, read further or transcoded.
///
/// `Display` is one line that does not repeat [`source`](StdError::source).
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Reason>);

/// What went wrong, as far as a caller may want to branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Reading failed; `source()` is the I/O error.
    Io,
    /// The path is not a regular file.
    NotRegular,
    /// The file is in none of the known formats.
    UnknownFormat,
    /// The file has no track with this number.
    NoTrack,
    /// The file has no audio track of a known kind.
    NoAudio,
    /// The format is known, but this crate does not decode or resample such audio.
    Unsupported,
    /// The file is damaged or makes no sense.
    Malformed,
    /// The track holds Opus, which needs no transcoding.
    Opus,
    /// The audio is encrypted.
    Encrypted,
    /// The audio is sampled above 48 kHz, and the options reject that.
    Ultrasound,
    /// The options are invalid.
    InvalidOption,
    /// The decoder panicked, which is a bug in it.
    Decoder,
    /// ffmpeg did not start, or failed.
    Ffmpeg,
    /// The source of samples to resample failed, or breaks its contract.
    Source,
    /// The encoder failed.
    Encoder,
}

impl Error {
    /// Returns the kind of error.
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Reason::Io(_) => ErrorKind::Io,
            Reason::NotRegular => ErrorKind::NotRegular,
            Reason::UnknownFormat { .. } => ErrorKind::UnknownFormat,
            Reason::NoTrack { .. } => ErrorKind::NoTrack,
            Reason::NoAudio { .. } => ErrorKind::NoAudio,
            Reason::Unsupported { .. }
            | Reason::NoDecoder { .. }
            | Reason::HeAac { .. }
            | Reason::Foreign { .. }
            | Reason::Private { .. }
            | Reason::Channels { .. }
            | Reason::Rates { .. } => ErrorKind::Unsupported,
            Reason::Malformed { .. }
            | Reason::NothingDecodes { .. }
            | Reason::FormatChanged { .. }
            | Reason::TooMuchLost { .. } => ErrorKind::Malformed,
            Reason::Opus { .. } => ErrorKind::Opus,
            Reason::Encrypted => ErrorKind::Encrypted,
            Reason::Ultrasound { .. } => ErrorKind::Ultrasound,
            Reason::Panicked { .. } => ErrorKind::Decoder,
            Reason::FfmpegStart { .. } | Reason::Ffmpeg { .. } => ErrorKind::Ffmpeg,
            Reason::Wave(error) => of_wave(error.kind()),
            Reason::Source(_) => ErrorKind::Source,
            Reason::Encode(error) => of_encode(error.kind()),
        }
    }

    /// Returns the byte position in the file, if known.
    pub fn offset(&self) -> Option<u64> {
        match &*self.0 {
            Reason::Wave(error) => Some(error.offset()),
            _ => None,
        }
    }

    /// Returns the frame (samples per channel from the start) at which decoding stopped, if known.
    pub fn frame(&self) -> Option<u64> {
        match *self.0 {
            Reason::FormatChanged { frame, .. }
            | Reason::TooMuchLost { frame, .. }
            | Reason::Panicked { frame, .. } => Some(frame),
            _ => None,
        }
    }

    /// Returns whether [`FfmpegInput`](crate::FfmpegInput) may well decode what this crate does not.
    pub fn may_be_known_to_ffmpeg(&self) -> bool {
        matches!(
            &*self.0,
            Reason::UnknownFormat { .. }
                | Reason::NoAudio { .. }
                | Reason::Unsupported { .. }
                | Reason::NoDecoder { .. }
                | Reason::HeAac { .. }
                | Reason::Foreign { .. }
        ) || matches!(&*self.0, Reason::Wave(error) if error.kind() == WaveKind::UnsupportedEncoding)
    }

    /// Wraps the error of a source of samples, unless it is one of these errors already.
    pub(crate) fn of_source(error: Box<dyn StdError + Send + Sync>) -> Self {
        error.downcast().map_or_else(|other| Reason::Source(other).into(), |own| *own)
    }

    /// Wraps an error of the encoder, or unwraps that of the source it read from.
    pub(crate) fn of_encode(error: opus_encode::Error) -> Self {
        error.into_source().map_or_else(|error| Reason::Encode(error).into(), Self::of_source)
    }
}

fn of_wave(kind: WaveKind) -> ErrorKind {
    match kind {
        WaveKind::Io => ErrorKind::Io,
        WaveKind::NotWave => ErrorKind::UnknownFormat,
        WaveKind::UnsupportedEncoding | WaveKind::UnsupportedLayout => ErrorKind::Unsupported,
        _ => ErrorKind::Malformed,
    }
}

fn of_encode(kind: EncodeKind) -> ErrorKind {
    match kind {
        EncodeKind::InvalidOption => ErrorKind::InvalidOption,
        EncodeKind::Source | EncodeKind::InvalidSource => ErrorKind::Source,
        _ => ErrorKind::Encoder,
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Reason::Io(error).into()
    }
}

/// Prints the message and its causes, since `main() -> Result` shows errors with `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        opus_packet::fmt_with_causes(self, f)
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("cannot read the file")]
    Io(#[source] io::Error),
    #[error("expected a regular file; pipes and devices cannot be read twice")]
    NotRegular,
    #[error(
        "expected WAV, AIFF, CAF, FLAC, Ogg, MP3, AAC (ADTS), MP4, Matroska or WebM, found none of them; try ffmpeg"
    )]
    UnknownFormat { source: SymphoniaError },
    #[error("cannot read the {container} file")]
    Malformed { container: &'static str, source: SymphoniaError },
    #[error(
        "expected one of {tracks} audio tracks (from 0) in the {container} file, found no track {asked}"
    )]
    NoTrack { container: &'static str, asked: usize, tracks: usize },
    #[error(transparent)]
    Wave(wave_demux::Error),
    #[error("expected 1 to 255 channels, found {found}")]
    Channels { found: usize },
    #[error("expected at most 48000 Hz, since ultrasound is rejected, found {rate} Hz")]
    Ultrasound { rate: u32 },
    #[error(
        "cannot resample {channels} channels from {from} to {to} Hz; expected rates of 1 to {most} Hz"
    )]
    Rates { channels: usize, from: u32, to: u32, most: u32 },
    #[error("cannot read the samples to resample")]
    Source(#[source] Box<dyn StdError + Send + Sync>),
    #[error(transparent)]
    Encode(opus_encode::Error),
    #[error("the audio is encrypted")]
    Encrypted,
    #[error("the {container} file has no audio track of a known kind; try ffmpeg")]
    NoAudio { container: &'static str },
    #[error("cannot decode Opus in {container}: Opus needs no transcoding")]
    Opus { container: &'static str },
    #[error("cannot decode {codec} in {container}: {reason}; try ffmpeg")]
    Unsupported { container: &'static str, codec: &'static str, reason: &'static str },
    #[error("cannot decode {codec} in {container}; try ffmpeg")]
    NoDecoder { container: &'static str, codec: &'static str, source: SymphoniaError },
    /// Decoded as plain AAC it would have half the bandwidth at half the rate.
    #[error("cannot decode HE-AAC ({rate} Hz with spectral band replication); use ffmpeg")]
    HeAac { rate: u32 },
    #[error("cannot decode {name}; use ffmpeg")]
    Foreign { name: &'static str },
    /// A format of one manufacturer, which ffmpeg does not know.
    #[error("cannot decode {name}; convert it to WAV with {tool}")]
    Private { name: &'static str, tool: &'static str },
    #[error("no packet of the {codec} track decodes; the file may be encrypted or damaged")]
    NothingDecodes { codec: &'static str, source: Option<SymphoniaError> },
    #[error(
        "frame {frame}: expected {channels} channels at {rate} Hz as before, found {found_channels} at {found_rate} Hz"
    )]
    FormatChanged { frame: u64, channels: usize, rate: u32, found_channels: usize, found_rate: u32 },
    #[error("frame {frame}: expected at most 24 hours of lost audio, found {lost} lost frames")]
    TooMuchLost { frame: u64, lost: u64 },
    /// A bug of the decoder, triggered by a damaged file.
    #[error("frame {frame}: the decoder panicked ({reason}); this is a bug in the decoder")]
    Panicked { frame: u64, reason: String },
    #[error("cannot start \"{program}\"")]
    FfmpegStart { program: String, source: io::Error },
    #[error("ffmpeg cannot read the file: {reason}")]
    Ffmpeg { reason: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_each_cause_once() {
        let error = Error::from(Reason::Io(io::Error::other("the card is gone")));
        assert_eq!(format!("{error:?}"), "cannot read the file: the card is gone");
        let same = Error::of_source(Box::new(error));
        assert_eq!(same.kind(), ErrorKind::Io);
        let error = Error::of_source("a foreign error".into());
        assert_eq!(format!("{error:?}"), "cannot read the samples to resample: a foreign error");
        assert_eq!(error.kind(), ErrorKind::Source);
    }
}
