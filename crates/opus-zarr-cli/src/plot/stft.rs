use std::{f64::consts::TAU, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

use super::number::{float, single};

/// Computes the power of windows of samples, by frequency.
pub(crate) struct Stft {
    fft: Arc<dyn RealToComplex<f32>>,
    /// A Hann window, scaled so that a full-scale sine has power 1.
    window: Vec<f32>,
}

/// Buffers of a transform; each thread needs its own.
pub(crate) struct Work {
    input: Vec<f32>,
    output: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Stft {
    /// Uses windows of `window` samples, padded with zeros to get enough frequencies.
    pub(crate) fn new(window: usize, padded: usize) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(padded.max(window));
        let length = float(u64::try_from(window).unwrap_or(u64::MAX));
        let hann = |n: u64| (1.0 - (TAU * float(n) / length).cos()) / 2.0;
        // Half of a sine's amplitude is at its frequency and half at its mirror image, and a Hann
        // window passes half of it.
        let scale = 4.0 / length;
        let window = (0..).take(window).map(|n| single(hann(n) * scale)).collect();
        Self { fft, window }
    }

    /// Returns the samples of a window.
    pub(crate) fn window(&self) -> usize {
        self.window.len()
    }

    /// Returns the number of frequencies, from 0 to half the sample rate.
    pub(crate) fn bins(&self) -> usize {
        self.fft.len() / 2 + 1
    }

    pub(crate) fn work(&self) -> Work {
        Work {
            input: self.fft.make_input_vec(),
            output: self.fft.make_output_vec(),
            scratch: self.fft.make_scratch_vec(),
        }
    }

    /// Adds the power of a window to `power`. Missing samples count as silence.
    pub(crate) fn add(&self, work: &mut Work, samples: &[f32], power: &mut [f32]) {
        let Work { input, output, scratch } = work;
        input.fill(0.0);
        for ((to, sample), weight) in input.iter_mut().zip(samples).zip(&self.window) {
            *to = sample * weight;
        }
        // The buffers have the planned lengths.
        let done = self.fft.process_with_scratch(input, output, scratch);
        debug_assert!(done.is_ok(), "{done:?}");
        power.iter_mut().zip(output).for_each(|(power, value)| *power += value.norm_sqr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decibels(window: usize, padded: usize, cycles: f64, amplitude: f64) -> Vec<f32> {
        let stft = Stft::new(window, padded);
        let length = float(u64::try_from(window).unwrap());
        let sine = |n: u64| single(amplitude * (TAU * cycles * float(n) / length).sin());
        let samples: Vec<f32> = (0..).take(window).map(sine).collect();
        let mut power = vec![0.0; stft.bins()];
        stft.add(&mut stft.work(), &samples, &mut power);
        power.iter().map(|power| 10.0 * power.log10()).collect()
    }

    #[test]
    fn a_sine_appears_only_at_its_frequency() {
        let full = decibels(512, 512, 40.0, 1.0);
        assert!(full[40].abs() < 0.01, "{}", full[40]);
        assert!(full.iter().enumerate().all(|(bin, db)| bin.abs_diff(40) < 2 || *db < -100.0));
        assert!((decibels(512, 512, 40.0, 0.1)[40] + 20.0).abs() < 0.01);
    }

    #[test]
    fn padding_refines_frequencies_and_keeps_levels() {
        let padded = decibels(256, 1024, 20.0, 1.0);
        assert_eq!(padded.len(), 513);
        assert!(padded[80].abs() < 0.01, "{}", padded[80]);
        assert!(padded.iter().all(|db| *db <= padded[80] + 0.001));
    }
}
