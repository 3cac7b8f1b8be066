use std::ops::Range;

use audioadapter_buffers::number_to_float::InterleavedNumbers;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use opus_encode::{SampleBuffer, SampleSource};

use crate::{Error, error::Reason};

/// Resamples a [`SampleSource`] to another rate.
///
/// `n` samples become `ceil(n * to / from)`, those whose time lies before the end of the source.
/// Sample `k` is the audio at time `k / to`, so nothing shifts. Levels change by less than 0.1 dB up
/// to 95 % of half the lower rate, and up to 20 kHz from 44.1 kHz on. Frequencies that the new rate
/// cannot carry are attenuated by more than 100 dB.
///
/// Memory holds a block of about 2,048 samples at the lower rate, or two seconds for two rates
/// without a common divisor.
///
/// ```
/// use opus_encode::{SampleBuffer, SliceSource};
/// use opus_transcode::Resampled;
///
/// let second = vec![0.25; 44_100];
/// let mut resampled = Resampled::new(SliceSource::new(&second, 1, 44_100), 48_000)?;
/// let mut memory = vec![0.0; 50_000];
/// let mut buffer = SampleBuffer::new(&mut memory, 1);
/// buffer.fill_from(&mut resampled).expect("samples in memory can be read");
/// assert_eq!(buffer.samples().len(), 48_000);
/// # Ok::<(), opus_transcode::Error>(())
/// ```
pub struct Resampled<S> {
    source: S,
    channels: usize,
    from: u32,
    to: u32,
    fft: Fft<f64>,
    /// A block of the source, and its resampled counterpart.
    input: Vec<f32>,
    output: Vec<f32>,
    /// The frames of `output` that were not returned yet.
    ready: Range<usize>,
    /// Frames before the first one of the audio, due to the delay of the filter.
    skip: usize,
    /// Frames read from the source, and returned.
    taken: u64,
    given: u64,
    is_at_end: bool,
}

impl<S: SampleSource> Resampled<S> {
    /// Resamples `source` to a rate of `to` Hz.
    pub fn new(source: S, to: u32) -> Result<Self, Error> {
        let (from, channels) = (source.rate(), source.channels());
        check_rate(channels, from, to)?;
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
        .map_err(|_| Reason::Rates { channels, from, to, most: MAX_RATE })?;
        let (input, output) = (fft.input_frames_next(), fft.output_frames_next());
        Ok(Self {
            source,
            channels,
            from,
            to,
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

    /// Returns the source.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Reads a block from the source and resamples it.
    fn next_block(&mut self) -> Result<(), Error> {
        let mut block = SampleBuffer::new(&mut self.input, self.channels);
        if !self.is_at_end {
            block.fill_from(&mut self.source).map_err(Error::of_encode)?;
        }
        self.is_at_end |= block.room() > 0;
        let samples = block.samples().len();
        self.taken += u64::try_from(samples / self.channels).unwrap_or(u64::MAX);
        self.input.get_mut(samples..).unwrap_or_default().fill(0.0);
        self.transform();
        let len = self.output.len() / self.channels;
        let skipped = self.skip.min(len);
        self.skip -= skipped;
        self.ready = skipped..len;
        Ok(())
    }

    /// Resamples the input to the output. Uses `f64`, which is as fast and exact to `f32` for blocks
    /// of any length.
    fn transform(&mut self) {
        let frames = |samples: &[f32]| samples.len() / self.channels;
        let (from, to) = (frames(&self.input), frames(&self.output));
        let input = InterleavedNumbers::<_, f64>::new(&self.input[..], self.channels, from);
        let output = InterleavedNumbers::<_, f64>::new_mut(&mut self.output[..], self.channels, to);
        // Both buffers have the length that the resampler asked for, which never changes.
        let (input, mut output) = (input.expect("whole frames"), output.expect("whole frames"));
        self.fft.process_into_buffer(&input, &mut output, None).expect("a block of the fixed size");
    }

    /// Returns how many frames are left, which is unlimited before the end of the source.
    fn left(&self) -> u64 {
        if self.is_at_end {
            resampled_len(self.taken, self.from.into(), self.to.into()) - self.given
        } else {
            u64::MAX
        }
    }
}

impl<S: SampleSource> SampleSource for Resampled<S> {
    type Error = Error;

    fn channels(&self) -> usize {
        self.channels
    }

    fn rate(&self) -> u32 {
        self.to
    }

    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Error> {
        while self.ready.is_empty() && self.left() > 0 {
            self.next_block()?;
        }
        let left = usize::try_from(self.left()).unwrap_or(usize::MAX);
        let end = self.ready.end.min(self.ready.start.saturating_add(left));
        let ready = self.ready.start * self.channels..end * self.channels;
        let samples = self.output.get(ready).unwrap_or_default();
        let frames = (samples.len() - buffer.write(samples).len()) / self.channels;
        self.ready.start += frames;
        self.given += u64::try_from(frames).unwrap_or(u64::MAX);
        Ok(())
    }
}

/// Returns how many samples at rate `to` last as long as `samples` at rate `from`, rounded up.
pub fn resampled_len(samples: u64, from: u64, to: u64) -> u64 {
    let len = (u128::from(samples) * u128::from(to)).div_ceil(u128::from(from.max(1)));
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Returns how many samples of the source form a block. The filter is as long as a block, and its
/// edge gets steeper with the length at the lower rate. The length is even at both rates, so that
/// the middle of the filter falls on a sample.
fn block_len(from: u32, to: u32) -> usize {
    let gcd = gcd(from, to);
    let (unit_in, unit_out) = (from / gcd, to / gcd);
    let units = (BLOCK / unit_in.min(unit_out)).min(MAX_BLOCK / unit_in.max(unit_out));
    let units = units.max(1).next_multiple_of(2);
    usize::try_from(units * unit_in).unwrap_or(usize::MAX)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Returns an error if these rates cannot be converted.
pub(crate) fn check_rate(channels: usize, from: u32, to: u32) -> Result<(), Error> {
    let usable = 1..=MAX_RATE;
    if usable.contains(&from) && usable.contains(&to) && channels > 0 {
        return Ok(());
    }
    Err(Reason::Rates { channels, from, to, most: MAX_RATE }.into())
}

/// Samples at the lower rate.
const BLOCK: u32 = 2048;

/// Samples at the higher rate, beyond which rates below 250 Hz get a shorter filter. Bounds the memory.
const MAX_BLOCK: u32 = 400_000;

/// Above the rate of every recorder. Bounds the memory too.
const MAX_RATE: u32 = 1_000_000;

#[cfg(test)]
#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a test may round")]
mod tests {
    use std::{convert::Infallible, f64::consts::TAU};

    use opus_encode::SliceSource;
    use proptest::prelude::*;

    use super::*;
    use crate::ErrorKind;

    /// A second of a tone with fades.
    struct Tone {
        hz: f64,
        rate: u32,
        left: Range<u32>,
    }

    impl SampleSource for Tone {
        type Error = Infallible;

        fn channels(&self) -> usize {
            1
        }

        fn rate(&self) -> u32 {
            self.rate
        }

        fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Infallible> {
            let (hz, rate) = (self.hz, f64::from(self.rate));
            let samples = self.left.by_ref().map(|at| tone(hz, f64::from(at) / rate) as f32);
            // In pieces, as the contract allows.
            buffer.extend(&mut samples.take(777));
            Ok(())
        }
    }

    fn tone(hz: f64, time: f64) -> f64 {
        0.5 * (TAU * hz * time).sin() * (TAU / 2.0 * time).sin().powi(2)
    }

    fn resampled(hz: f64, rate: u32, piece: usize) -> Vec<f32> {
        let tone = Tone { hz, rate, left: 0..rate };
        let mut resampled = Resampled::new(tone, 48_000).unwrap();
        let (mut all, mut memory) = (Vec::new(), vec![0.0; piece]);
        loop {
            let mut buffer = SampleBuffer::new(&mut memory, 1);
            buffer.fill_from(&mut resampled).unwrap();
            if buffer.samples().is_empty() {
                return all;
            }
            all.extend(buffer.samples());
        }
    }

    /// Returns the level in dB relative to a tone that passes.
    fn level(samples: impl Iterator<Item = f64>) -> f64 {
        10.0 * (samples.map(|x| x * x).sum::<f64>() / (48_000.0 * 3.0 / 64.0)).log10()
    }

    #[test]
    fn frequencies_that_both_rates_carry_stay_unchanged() {
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
    fn frequencies_that_the_new_rate_cannot_carry_disappear() {
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
    fn no_rate_takes_much_memory() {
        for from in (1..300).chain([999, 7_919, 999_983, MAX_RATE]) {
            let block = u64::try_from(block_len(from, 48_000)).unwrap();
            let resampled = resampled_len(block, from.into(), 48_000);
            assert!(block.max(resampled) <= 2_000_000, "{from} Hz: {block} to {resampled}");
        }
    }

    #[test]
    fn impossible_rates_are_errors() {
        for (from, to) in [(0, 48_000), (48_000, 0), (u32::MAX, 48_000)] {
            let source = SliceSource::new(&[], 1, from);
            let error = Resampled::new(source, to).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{from} to {to}");
        }
    }

    const RATES: [u32; 15] = [
        8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 44_101, 50_000, 96_000, 192_000,
        250_000, 256_000, 384_000, 500_000,
    ];

    proptest! {
        #[test]
        fn lengths_are_exact_for_any_buffer(
            len in 0_u16..20_000, rate in prop::sample::select(&RATES[..]), piece in 1_usize..5000,
        ) {
            // A ramp, with its second channel negated.
            let ramp = (0..len).flat_map(|at| [f32::from(at), -f32::from(at)]);
            let ramp: Vec<f32> = ramp.map(|value| value / 65_536.0).collect();
            let new = || Resampled::new(SliceSource::new(&ramp, 2, rate), 48_000).unwrap();
            let expected = resampled_len(len.into(), rate.into(), 48_000) as usize;
            let mut memory = vec![0.0; 2 * expected + 2];
            let mut whole = SampleBuffer::new(&mut memory, 2);
            whole.fill_from(&mut new()).unwrap();
            prop_assert_eq!(whole.samples().len(), 2 * expected);
            prop_assert!(whole.samples().chunks(2).all(|frame| frame[0] == -frame[1]));

            let (mut source, mut all, mut memory) = (new(), Vec::<f32>::new(), vec![0.0; 2 * piece]);
            while all.len() < 2 * expected {
                let mut buffer = SampleBuffer::new(&mut memory, 2);
                buffer.fill_from(&mut source).unwrap();
                prop_assert!(!buffer.samples().is_empty());
                all.extend(buffer.samples());
            }
            prop_assert_eq!(&all[..], whole.samples());
        }
    }

    #[test]
    fn resampled_audio_keeps_the_contract_of_a_source() {
        let samples: Vec<f32> = (0..9_000_u16).map(|at| f32::from(at % 101) / 200.0).collect();
        let source = || Resampled::new(SliceSource::new(&samples, 3, 22_050), 48_000).unwrap();
        opus_encode::check_source(source).unwrap();
        let partial = || Resampled::new(SliceSource::new(&samples, 7, 22_050), 48_000).unwrap();
        let error = opus_encode::check_source(partial).unwrap_err().into_source().unwrap();
        let error = *error.downcast::<Error>().unwrap();
        assert_eq!(error.kind(), ErrorKind::Source);
        assert!(error.to_string().starts_with("expected whole frames of 7 samples"), "{error}");
    }
}
