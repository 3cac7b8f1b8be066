use std::ops::Range;

use opus_packet::{CodedPos, SAMPLE_RATE};

/// The sample rate and channels that a decoder returns. The default is 48 kHz and all
/// channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// Samples per second and channel.
    pub rate: OutputRate,
    /// The channels to return.
    pub channels: ChannelSelection,
}

/// A sample rate that Opus decodes to natively (RFC 6716 section 2).
///
/// Positions are still counted at 48 kHz: sample `n` of the output is the one at coded sample
/// `n` times the [`divisor`](Self::divisor). Adjacent ranges therefore give adjacent output at
/// any rate. Audio coded as CELT is placed to the sample. At rates below 24 kHz, libopus
/// returns audio coded as SILK up to two samples (at 48 kHz) early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputRate {
    /// 48 kHz, the rate at which Opus counts.
    #[default]
    Hz48000,
    /// 24 kHz.
    Hz24000,
    /// 16 kHz.
    Hz16000,
    /// 12 kHz.
    Hz12000,
    /// 8 kHz.
    Hz8000,
}

/// The channels of a stream to return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelSelection {
    /// All channels, in stream order.
    #[default]
    All,
    /// These channels, in this order, counted from 0.
    Only(Vec<u8>),
    /// One channel, mixed from all: half of each channel for stereo; half of each side of the
    /// stereo downmix in RFC 7845 section 5.1.1.5 for surround; the first, omnidirectional
    /// channel for ambisonics; equal shares for discrete channels.
    Mono,
}

/// A sample rate that Opus does not decode to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("output rate of {found} Hz, expected 48000, 24000, 16000, 12000 or 8000")]
#[non_exhaustive]
pub struct InvalidRate {
    /// The rejected rate in Hz.
    pub found: u32,
}

impl Output {
    /// Sets the sample rate.
    #[must_use]
    pub fn rate(self, rate: OutputRate) -> Self {
        Self { rate, ..self }
    }

    /// Sets the channels to return.
    #[must_use]
    pub fn channels(self, channels: ChannelSelection) -> Self {
        Self { channels, ..self }
    }
}

impl ChannelSelection {
    /// Number of channels selected from a stream of `channels` channels.
    pub fn count(&self, channels: u8) -> usize {
        match self {
            Self::All => channels.into(),
            Self::Only(only) => only.len(),
            Self::Mono => 1,
        }
    }
}

impl OutputRate {
    /// Samples per second.
    pub const fn hz(self) -> u32 {
        SAMPLE_RATE / self.divisor()
    }

    /// Coded samples (at 48 kHz) per output sample.
    pub const fn divisor(self) -> u32 {
        match self {
            Self::Hz48000 => 1,
            Self::Hz24000 => 2,
            Self::Hz16000 => 3,
            Self::Hz12000 => 4,
            Self::Hz8000 => 6,
        }
    }

    /// The numbers of the output samples that lie in a range of coded samples.
    pub fn samples(self, coded: &Range<CodedPos>) -> Range<u64> {
        let divisor = u64::from(self.divisor());
        coded.start.get().div_ceil(divisor)..coded.end.get().div_ceil(divisor)
    }
}

impl TryFrom<u32> for OutputRate {
    type Error = InvalidRate;

    fn try_from(hz: u32) -> Result<Self, InvalidRate> {
        [Self::Hz48000, Self::Hz24000, Self::Hz16000, Self::Hz12000, Self::Hz8000]
            .into_iter()
            .find(|rate| rate.hz() == hz)
            .ok_or(InvalidRate { found: hz })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_rates_of_opus_are_valid() {
        for hz in [48_000, 24_000, 16_000, 12_000, 8000] {
            assert_eq!(OutputRate::try_from(hz).unwrap().hz(), hz);
        }
        assert_eq!(
            OutputRate::try_from(44_100).unwrap_err().to_string(),
            "output rate of 44100 Hz, expected 48000, 24000, 16000, 12000 or 8000"
        );
    }

    proptest! {
        #[test]
        fn adjacent_ranges_give_adjacent_output(
            hz in prop::sample::select(vec![48_000u32, 24_000, 16_000, 12_000, 8000]),
            a in 0..u64::MAX / 2, b in 0..1u64 << 40, c in 0..1u64 << 40,
        ) {
            let rate = OutputRate::try_from(hz).unwrap();
            let at = CodedPos::new;
            let (first, second) = (rate.samples(&(at(a)..at(a + b))), rate.samples(&(at(a + b)..at(a + b + c))));
            prop_assert_eq!(first.end, second.start);
            prop_assert_eq!(rate.samples(&(at(a)..at(a + b + c))), first.start..second.end);
            // A range of whole output samples has the same length wherever it starts.
            let whole = b - b % u64::from(rate.divisor());
            let samples = rate.samples(&(at(a)..at(a + whole)));
            prop_assert_eq!(samples.end - samples.start, whole / u64::from(rate.divisor()));
        }
    }
}
