use std::ops::Range;

use audioadapter_buffers::number_to_float::InterleavedNumbers;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use opus_encode::SampleSource;

/// Audio at another sample rate.
///
/// Of `n` samples come `ceil(n * to / from)`: those whose time lies before the end of the
/// source. Sample `k` is the audio at time `k / to`: nothing is shifted. Up to 95 % of half
/// the lower rate, and to 20 kHz from 44.1 kHz on, levels change by less than 0.1 dB; what the
/// new rate cannot carry comes out more than 100 dB weaker.
///
/// Memory is that of a block, some 2,048 samples at the lower rate; of two rates without a
/// common divisor it is two seconds.
pub struct Resampled<S> {
    source: S,
    channels: usize,
    from: u64,
    to: u64,
    fft: Fft<f64>,
    /// A block of the source, and what it becomes.
    input: Vec<f32>,
    output: Vec<f32>,
    /// Which frames of `output` are still to be given.
    ready: Range<usize>,
    /// Frames that are before the first one of the audio: the delay of the filter.
    skip: usize,
    /// Frames taken from the source, and given.
    taken: u64,
    given: u64,
    is_at_end: bool,
}

/// Two sample rates between which there is no resampling here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no resampling from {from} to {to} Hz, expected rates of 1 to {MAX_RATE} Hz")]
pub struct InvalidRates {
    from: u32,
    to: u32,
}

impl<S: SampleSource> Resampled<S> {
    /// Resamples a source of so many interleaved channels from one rate to another, in Hz.
    pub fn new(source: S, channels: usize, from: u32, to: u32) -> Result<Self, InvalidRates> {
        let refused = InvalidRates { from, to };
        let usable = 1..=MAX_RATE;
        if !usable.contains(&from) || !usable.contains(&to) || channels == 0 {
            return Err(refused);
        }
        let size = |rate: u32| usize::try_from(rate).unwrap_or(usize::MAX);
        let fft = Fft::new_custom(
            size(from),
            size(to),
            block_len(from, to),
            1,
            channels,
            WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .map_err(|_| refused)?;
        let (input, output) = (fft.input_frames_next(), fft.output_frames_next());
        Ok(Self {
            source,
            channels,
            from: from.into(),
            to: to.into(),
            skip: fft.output_delay(),
            input: vec![0.0; input * channels],
            output: vec![0.0; output * channels],
            fft,
            ready: 0..0,
            taken: 0,
            given: 0,
            is_at_end: false,
        })
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// Takes a block from the source and makes what comes of it ready.
    fn next_block(&mut self) -> Result<(), S::Error> {
        let frames = if self.is_at_end { 0 } else { self.source.read(&mut self.input)? };
        self.taken += u64::try_from(frames).unwrap_or(u64::MAX);
        if let Some(silence) = self.input.get_mut(frames * self.channels..) {
            self.is_at_end |= !silence.is_empty();
            silence.fill(0.0);
        }
        self.transform();
        let len = self.output.len() / self.channels;
        let skipped = self.skip.min(len);
        self.skip -= skipped;
        self.ready = skipped..len;
        Ok(())
    }

    /// Makes the output of the input. In `f64`, which takes no longer and is right to `f32`
    /// with blocks of any length.
    fn transform(&mut self) {
        let frames = |samples: &[f32]| samples.len() / self.channels;
        let (from, to) = (frames(&self.input), frames(&self.output));
        let input = InterleavedNumbers::<_, f64>::new(&self.input[..], self.channels, from);
        let output = InterleavedNumbers::<_, f64>::new_mut(&mut self.output[..], self.channels, to);
        // Both buffers are as long as the resampler asked for, and it always asks for the same.
        let (input, mut output) = (input.expect("whole frames"), output.expect("whole frames"));
        self.fft.process_into_buffer(&input, &mut output, None).expect("a block of the fixed size");
    }

    /// How many frames may still be given: at the end of the source not more than its length.
    fn left(&self) -> u64 {
        match self.is_at_end {
            true => resampled_len(self.taken, self.from, self.to) - self.given,
            false => u64::MAX,
        }
    }
}

impl<S: SampleSource> SampleSource for Resampled<S> {
    type Error = S::Error;

    fn read(&mut self, samples: &mut [f32]) -> Result<usize, S::Error> {
        let wanted = samples.len() / self.channels;
        let mut filled = 0;
        while filled < wanted && self.left() > 0 {
            if self.ready.is_empty() {
                self.next_block()?;
                continue;
            }
            let left = usize::try_from(self.left()).unwrap_or(usize::MAX);
            let frames = self.ready.len().min(wanted - filled).min(left);
            let from = self.output.get(self.ready.start * self.channels..);
            let to = samples.get_mut(filled * self.channels..(filled + frames) * self.channels);
            if let (Some(from), Some(to)) = (from, to) {
                let from = from.get(..to.len()).unwrap_or_default();
                to.copy_from_slice(from);
            }
            self.ready.start += frames;
            self.given += u64::try_from(frames).unwrap_or(u64::MAX);
            filled += frames;
        }
        Ok(filled)
    }
}

/// How many samples `samples` at one rate are at another.
pub fn resampled_len(samples: u64, from: u64, to: u64) -> u64 {
    let len = (u128::from(samples) * u128::from(to)).div_ceil(u128::from(from.max(1)));
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// How many samples of the source are transformed at once. The filter is as long as a block, and
/// its edge as steep as that is long at the lower rate. Even on both sides, so that the
/// middle of the filter falls on a sample.
fn block_len(from: u32, to: u32) -> usize {
    let gcd = gcd(from, to);
    let (unit_in, unit_out) = (from / gcd, to / gcd);
    let units = (BLOCK / unit_in.min(unit_out)).max(1).next_multiple_of(2);
    usize::try_from(units * unit_in).unwrap_or(usize::MAX)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// In samples at the lower rate.
const BLOCK: u32 = 2048;

/// Above that of every recorder, and a bound for memory.
const MAX_RATE: u32 = 1_000_000;

#[cfg(test)]
#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a test may round")]
mod tests {
    use std::{convert::Infallible, f64::consts::TAU};

    use proptest::prelude::*;

    use super::*;

    /// A second of a tone, faded in and out.
    struct Tone {
        hz: f64,
        rate: u32,
        at: u32,
    }

    impl SampleSource for Tone {
        type Error = Infallible;

        fn read(&mut self, samples: &mut [f32]) -> Result<usize, Infallible> {
            let mut frames = 0;
            for sample in samples.iter_mut().take((self.rate - self.at) as usize) {
                let time = f64::from(self.at) / f64::from(self.rate);
                *sample = tone(self.hz, time) as f32;
                self.at += 1;
                frames += 1;
            }
            Ok(frames)
        }
    }

    fn tone(hz: f64, time: f64) -> f64 {
        0.5 * (TAU * hz * time).sin() * (TAU / 2.0 * time).sin().powi(2)
    }

    fn resampled(hz: f64, rate: u32, piece: usize) -> Vec<f32> {
        let mut resampled = Resampled::new(Tone { hz, rate, at: 0 }, 1, rate, 48_000).unwrap();
        let (mut all, mut buffer) = (Vec::new(), vec![0.0; piece]);
        loop {
            match resampled.read(&mut buffer).unwrap() {
                0 => return all,
                frames => all.extend(&buffer[..frames]),
            }
        }
    }

    /// In dB against a tone that is let through.
    fn level(samples: impl Iterator<Item = f64>) -> f64 {
        10.0 * (samples.map(|x| x * x).sum::<f64>() / (48_000.0 * 3.0 / 64.0)).log10()
    }

    #[test]
    fn what_both_rates_carry_stays_what_and_where_it_is() {
        for rate in RATES {
            let half = f64::from(rate.min(48_000)) / 2.0;
            let top = if rate > 44_000 { 20_000.0 } else { 0.95 * half };
            for hz in [0.001 * half, 0.3 * half, 0.7 * half, top] {
                let samples = resampled(hz, rate, 1000);
                assert_eq!(samples.len(), 48_000, "{rate} Hz");
                let ideal = (0..).map(|k| tone(hz, f64::from(k) / 48_000.0));
                let error = level(samples.iter().zip(ideal).map(|(x, y)| f64::from(*x) - y));
                assert!(error < -100.0, "{hz} Hz at {rate} Hz: {error} dB");
            }
        }
    }

    #[test]
    fn what_the_new_rate_cannot_carry_is_gone() {
        for rate in RATES.into_iter().filter(|rate| *rate > 50_000) {
            let half = f64::from(rate) / 2.0;
            for hz in [24_500.0, 28_000.0, 47_900.0, 0.5 * half, 0.99 * half] {
                if hz >= 24_500.0 && hz < half {
                    let alias = level(resampled(hz, rate, 4096).into_iter().map(f64::from));
                    assert!(alias < -100.0, "{hz} Hz at {rate} Hz: {alias} dB");
                }
            }
        }
    }

    #[test]
    fn rates_that_are_none_are_refused() {
        for (from, to) in [(0, 48_000), (48_000, 0), (u32::MAX, 48_000)] {
            let source = Tone { hz: 1.0, rate: 0, at: 0 };
            assert!(Resampled::new(source, 1, from, to).is_err(), "{from} to {to}");
        }
    }

    const RATES: [u32; 15] = [
        8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 44_101, 50_000, 96_000, 192_000,
        250_000, 256_000, 384_000, 500_000,
    ];

    /// So many frames of a ramp, its second channel negated.
    struct Ramp(u32, u32);

    impl SampleSource for Ramp {
        type Error = Infallible;

        fn read(&mut self, samples: &mut [f32]) -> Result<usize, Infallible> {
            let frames = samples.len().min(2 * (self.1 - self.0) as usize) / 2;
            for frame in samples.chunks_exact_mut(2).take(frames) {
                let value = f64::from(self.0) as f32 / 65_536.0;
                frame.copy_from_slice(&[value, -value]);
                self.0 += 1;
            }
            Ok(frames)
        }
    }

    proptest! {
        #[test]
        fn lengths_are_exact_and_pieces_do_not_matter(
            len in 0_u32..20_000,
            rate in prop::sample::select(&RATES[..]),
            pieces in prop::collection::vec(1_usize..5000, 1..10),
        ) {
            let new = || Resampled::new(Ramp(0, len), 2, rate, 48_000).unwrap();
            let expected = resampled_len(len.into(), rate.into(), 48_000) as usize;
            let mut whole = vec![0.0; 2 * expected + 2];
            prop_assert_eq!(new().read(&mut whole).unwrap(), expected);

            let (mut source, mut all) = (new(), Vec::<f32>::new());
            for piece in pieces.into_iter().cycle() {
                let mut buffer = vec![0.0; 2 * piece];
                let frames = source.read(&mut buffer).unwrap();
                all.extend(&buffer[..2 * frames]);
                if frames < piece {
                    break;
                }
            }
            prop_assert_eq!(source.read(&mut [0.0; 2]).unwrap(), 0);
            prop_assert_eq!(&all[..], &whole[..2 * expected]);
            prop_assert!(all.chunks(2).all(|frame| frame[0] == -frame[1]));
        }
    }
}
