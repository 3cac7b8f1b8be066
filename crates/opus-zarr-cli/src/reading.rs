//! The options that decide what is read from a file, whether it is shown or imported.

use std::{num::NonZeroU64, path::PathBuf};

use opus_zarr::{ImportOptions, NamePattern, RawFormat, RawStream, StartSource, Zone};

use crate::text::at_least_one;

#[derive(clap::Args)]
pub(crate) struct Reading {
    /// Refuse a file that has any fault, instead of reporting the fault and reading the rest
    #[arg(long)]
    strict: bool,
    /// Read only this stream or track, counted from 1 as `inspect` shows them [default: all]
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroU64>)]
    track: Option<NonZeroU64>,
    /// Read Opus packets without a container
    #[arg(long, value_name = "FORM")]
    raw: Option<Raw>,
    /// Decoder for audio other than Opus
    #[arg(long, value_name = "DECODER", default_value = "own")]
    decoder: Decoder,
    /// Where to look for the start time [default: everywhere, most reliable source first]
    #[arg(long, value_name = "WHERE")]
    time_from: Option<TimeFrom>,
    /// Form of the date and time in file names, such as `%Y%m%d_%H%M%S` [default: those of known
    /// recorders]
    #[arg(long, value_name = "PATTERN", value_parser = name_pattern)]
    name_time: Option<NamePattern>,
    /// Time zone of recorders that do not state theirs, such as `Europe/Zurich` or `+02:00`
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    tz: Option<Zone>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Raw {
    /// Self-delimited packets, back to back (RFC 6716 appendix B)
    SelfDelimited,
    /// The files that libopus's `opus_demo` writes
    OpusDemo,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Decoder {
    /// The decoders built into this program
    Own,
    /// The ffmpeg program, which must be installed
    Ffmpeg,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum TimeFrom {
    Guano,
    Wamd,
    Audiomoth,
    Harp,
    Bext,
    Ixml,
    FileName,
    Tag,
}

impl Reading {
    pub(crate) fn options(&self) -> ImportOptions {
        let mut options = ImportOptions::default();
        options.strict = self.strict;
        options.stream = self.track.map(NonZeroU64::get);
        options.raw = self.raw.map(|raw| RawStream::new(raw.format()));
        options.ffmpeg = matches!(self.decoder, Decoder::Ffmpeg).then(|| PathBuf::from("ffmpeg"));
        options.start_from = self.time_from.map(TimeFrom::source);
        options.name_time.clone_from(&self.name_time);
        options.zone.clone_from(&self.tz);
        options
    }
}

impl Raw {
    fn format(self) -> RawFormat {
        match self {
            Self::SelfDelimited => RawFormat::SelfDelimited,
            Self::OpusDemo => RawFormat::OpusDemo,
        }
    }
}

impl TimeFrom {
    fn source(self) -> StartSource {
        match self {
            Self::Guano => StartSource::Guano,
            Self::Wamd => StartSource::Wamd,
            Self::Audiomoth => StartSource::AudioMothComment,
            Self::Harp => StartSource::Harp,
            Self::Bext => StartSource::Bext,
            Self::Ixml => StartSource::Ixml,
            Self::FileName => StartSource::FileName,
            Self::Tag => StartSource::Tag,
        }
    }
}

fn name_pattern(text: &str) -> Result<NamePattern, String> {
    text.parse::<NamePattern>().map_err(|error| error.to_string())
}

/// The hint for a file that only ffmpeg may read.
pub(crate) const TRY_FFMPEG: &str = "try --decoder ffmpeg, if ffmpeg is installed";
