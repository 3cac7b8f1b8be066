use std::io;

/// Why a file could not be read, or read on. `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot read the file: {0}")]
    Io(#[from] io::Error),
    #[error("expected a regular file: a pipe or a device cannot be read twice")]
    NotRegular,
    #[error(
        "expected WAV, AIFF, CAF, FLAC, Ogg, MP3, AAC (ADTS), MP4, Matroska or WebM, found none of them ({reason}); ffmpeg may know it"
    )]
    UnknownFormat { reason: String },
    #[error("the {container} file cannot be read: {reason}")]
    Malformed { container: &'static str, reason: String },
    #[error(
        "no audio track {asked} in the {container} file, expected one of the {tracks} (from 0)"
    )]
    NoTrack { container: &'static str, asked: usize, tracks: usize },
    #[error(transparent)]
    Wave(#[from] wave_demux::Error),
    #[error("{found} channels, expected 1 to 255")]
    Channels { found: usize },
    #[error(
        "sampled at {rate} Hz, expected no more than 48000 Hz, since ultrasound is to be rejected"
    )]
    Ultrasound { rate: u32 },
    #[error(transparent)]
    Rates(#[from] crate::InvalidRates),
    #[error(transparent)]
    Encode(#[from] opus_encode::EncodeError),
    #[error("the audio is encrypted")]
    Encrypted,
    #[error(
        "the {container} file has no audio track of a kind that is known here; ffmpeg may know more"
    )]
    NoAudio { container: &'static str },
    #[error("{codec} in {container} is not decoded here ({reason}); ffmpeg may, if it is asked to")]
    Unsupported { container: &'static str, codec: String, reason: String },
    /// Decoded as plain AAC it would be half the band at half the rate.
    #[error(
        "the audio is HE-AAC ({rate} Hz with spectral band replication), which is not decoded here: read it with ffmpeg (`FfmpegInput`)"
    )]
    HeAac { rate: u32 },
    #[error(
        "the packets of the {codec} track do not decode ({reason}); is it encrypted or damaged?"
    )]
    NothingDecodes { codec: &'static str, reason: String },
    #[error(
        "frame {frame}: expected {channels} channels at {rate} Hz as before, found {found_channels} at {found_rate} Hz"
    )]
    FormatChanged { frame: u64, channels: usize, rate: u32, found_channels: usize, found_rate: u32 },
    #[error("frame {frame}: {lost} frames are lost, expected no more than 24 hours")]
    TooMuchLost { frame: u64, lost: u64 },
    /// A bug of the decoder that a damaged file brought out.
    #[error(
        "frame {frame}: the decoder gave up ({reason}); this is a fault of it, whatever the file holds"
    )]
    Panicked { frame: u64, reason: String },
    #[error("cannot start \"{program}\": {source}")]
    FfmpegStart { program: String, source: io::Error },
    #[error("ffmpeg cannot read the file: {reason}")]
    Ffmpeg { reason: String },
}

impl Error {
    /// Whether what is not decoded here may well be by [`FfmpegInput`](crate::FfmpegInput).
    pub fn may_be_known_to_ffmpeg(&self) -> bool {
        matches!(
            self,
            Self::UnknownFormat { .. }
                | Self::NoAudio { .. }
                | Self::Unsupported { .. }
                | Self::HeAac { .. }
        )
    }
}
