//! The rate of a file.

use std::ops::Range;

use opus_zarr::{ChannelSelection, Output, OutputRate, Recording};

use super::{Bits, Format, Sound, kept::Kept};
use crate::failure::{Exit, Failure};

/// The rate of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    /// One at which Opus decodes.
    Decoded(OutputRate),
    /// That of the source.
    Native,
}

/// Parses `24000` or `native`.
pub(crate) fn parse_rate(text: &str) -> Result<Rate, String> {
    if text == "native" {
        return Ok(Rate::Native);
    }
    let hz: u32 = text.parse().map_err(|_| format!("invalid rate {text:?}"))?;
    hz.try_into().map(Rate::Decoded).map_err(|error: opus_zarr::InvalidRate| error.to_string())
}

impl Rate {
    /// Sets the output of a recording.
    pub(crate) fn apply(
        self,
        recording: &mut Recording,
        channels: ChannelSelection,
    ) -> Result<(), Failure> {
        let rate = match self {
            Self::Decoded(rate) => rate,
            Self::Native => decoded_at_source_rate(recording).unwrap_or_default(),
        };
        Ok(recording.set_output(Output::default().rate(rate).channels(channels))?)
    }

    /// Whether samples are resampled after they are decoded.
    pub(crate) fn is_resampled(self, recording: &Recording) -> bool {
        self == Self::Native && decoded_at_source_rate(recording).is_none()
    }

    /// Describes a range of a recording that was prepared for this rate.
    pub(crate) fn sound(
        self,
        recording: &Recording,
        range: &Range<u64>,
        as_what: (Format, Bits),
    ) -> Result<Sound, Failure> {
        let sound = Sound::of(recording, range, as_what)?;
        match self {
            Self::Decoded(_) => Ok(sound),
            Self::Native => sound.at_source_rate(recording, range),
        }
    }
}

impl Sound {
    /// Describes the same range at the rate of the source, unless Opus decodes at that rate.
    pub(crate) fn at_source_rate(
        self,
        recording: &Recording,
        range: &Range<u64>,
    ) -> Result<Self, Failure> {
        if decoded_at_source_rate(recording).is_some() {
            return Ok(self);
        }
        let info = recording.info();
        let rate = u64::from(recording.source_rate()) * u64::from(info.real_rate.get());
        let (Ok(rate), 0) = (u32::try_from(rate / 48_000), rate % 48_000) else {
            let message = format!(
                "recording \"{}\": its source was sampled at no whole number of Hz",
                recording.name()
            );
            return Err(Failure::new(Exit::Error, message)
                .with_hint("omit --rate to write all samples at their true rate"));
        };
        let kept = Kept::of(info, *range == (0..info.play_length), rate);
        let samples = recording.count_at_source_rate(range.clone());
        Ok(Self { rate, samples, kept, is_resampled: true, ..self })
    }
}

/// The rate of the source, if Opus decodes at it.
fn decoded_at_source_rate(recording: &Recording) -> Option<OutputRate> {
    OutputRate::try_from(recording.source_rate()).ok()
}

/// Returns the written samples per second of real time.
pub(super) fn real_rate(recording: &Recording) -> Result<u32, Failure> {
    let (rate, output) = (recording.info().real_rate.get(), recording.output().rate);
    match rate % output.divisor() {
        0 => Ok(rate / output.divisor()),
        _ => Err(Failure::new(
            Exit::Error,
            format!(
                "recording \"{}\" has {rate} Hz, which cannot be divided by {} to a whole rate",
                recording.name(),
                output.divisor()
            ),
        )
        .with_hint("omit --rate to write all samples at their true rate")),
    }
}
