use std::ops::Range;

use opus_packet::{CodedPos, SAMPLE_RATE};

/// What a decoder gives: at which rate, and of which channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Samples per second.
    pub rate: OutputRate,
    /// Channels.
    pub channels: ChannelSelection,
}

/// A sample rate that Opus decodes to by itself (RFC 6716 section 2).
///
/// Positions stay those at 48 kHz: sample n of the output is the one at coded sample n times
/// the [`divisor`](Self::divisor). So ranges that follow one another give output that follows
/// one another, whatever the rate. (What is coded as CELT is there to the sample; what is
/// coded as SILK libopus gives up to two samples at 48 kHz earlier at rates below 24 kHz.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutputRate {
    /// 48 kHz, at which Opus counts.
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

/// Which channels of a stream are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ChannelSelection {
    /// All, in the order of the stream.
    #[default]
    All,
    /// These, in this order, counted from 0.
    Only(Vec<u8>),
    /// One, mixed of all: half of each channel of stereo; of surround half of both sides of
    /// the stereo that RFC 7845 section 5.1.1.5 makes; of ambisonics the channel without a
    /// direction, the first; of discrete channels the same share of each.
    Mono,
}

/// A sample rate that Opus does not decode to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("output at {found} Hz, expected 48000, 24000, 16000, 12000 or 8000")]
#[allow(missing_docs, reason = "the message says what the field is")]
pub struct InvalidRate {
    pub found: u32,
}

impl OutputRate {
    /// Samples per second.
    pub const fn hz(self) -> u32 {
        SAMPLE_RATE / self.divisor()
    }

    /// For so many samples at 48 kHz there is one.
    pub const fn divisor(self) -> u32 {
        match self {
            Self::Hz48000 => 1,
            Self::Hz24000 => 2,
            Self::Hz16000 => 3,
            Self::Hz12000 => 4,
            Self::Hz8000 => 6,
        }
    }

    /// The numbers of the samples whose places lie in a range of coded samples.
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
    fn rates_are_those_of_opus() {
        for hz in [48_000, 24_000, 16_000, 12_000, 8000] {
            assert_eq!(OutputRate::try_from(hz).unwrap().hz(), hz);
        }
        assert_eq!(
            OutputRate::try_from(44_100).unwrap_err().to_string(),
            "output at 44100 Hz, expected 48000, 24000, 16000, 12000 or 8000"
        );
    }

    proptest! {
        #[test]
        fn ranges_that_follow_one_another_give_output_that_does(
            hz in prop::sample::select(vec![48_000u32, 24_000, 16_000, 12_000, 8000]),
            a in 0..u64::MAX / 2, b in 0..1u64 << 40, c in 0..1u64 << 40,
        ) {
            let rate = OutputRate::try_from(hz).unwrap();
            let at = CodedPos::new;
            let (first, second) = (rate.samples(&(at(a)..at(a + b))), rate.samples(&(at(a + b)..at(a + b + c))));
            prop_assert_eq!(first.end, second.start);
            prop_assert_eq!(rate.samples(&(at(a)..at(a + b + c))), first.start..second.end);
            // A range of whole output samples is as long wherever it starts.
            let whole = b - b % u64::from(rate.divisor());
            let samples = rate.samples(&(at(a)..at(a + whole)));
            prop_assert_eq!(samples.end - samples.start, whole / u64::from(rate.divisor()));
        }
    }
}
