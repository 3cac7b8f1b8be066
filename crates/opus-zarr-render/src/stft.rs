//! Spectra over time.

use std::{f64::consts::TAU, fmt, ops::Range, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

use crate::number::{float, single, size};

/// Computes the power of windows of samples, by frequency.
#[derive(Clone)]
pub struct Stft {
    fft: Arc<dyn RealToComplex<f32>>,
    /// A Hann window, scaled so that a full-scale sine has power 1.
    window: Vec<f32>,
}

/// Buffers of an [`Stft`]; each thread needs its own.
#[derive(Debug)]
pub struct Work {
    input: Vec<f32>,
    output: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Stft {
    /// Uses windows of `window` samples, padded with zeros to get enough frequencies.
    pub fn new(window: usize, padded: usize) -> Self {
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
    pub fn window(&self) -> usize {
        self.window.len()
    }

    /// Returns the number of frequencies, from 0 to half the sample rate.
    pub fn bins(&self) -> usize {
        self.fft.len() / 2 + 1
    }

    /// Returns buffers.
    pub fn work(&self) -> Work {
        Work {
            input: self.fft.make_input_vec(),
            output: self.fft.make_output_vec(),
            scratch: self.fft.make_scratch_vec(),
        }
    }

    /// Adds the power of a window to `power`. Missing samples count as silence.
    pub fn add(&self, work: &mut Work, samples: &[f32], power: &mut [f32]) {
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

impl fmt::Debug for Stft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (window, bins) = (self.window(), self.bins());
        f.debug_struct("Stft").field("window", &window).field("bins", &bins).finish()
    }
}

/// Returns the greatest power in each of a number of rows, so that the level of a tone does not depend on the
/// height of the rows. The rows lie between two numbers of frequencies, from the lowest up.
pub fn rows(power: &[f32], rows: usize, band: &Range<f64>) -> Vec<f32> {
    let count = float(u64::try_from(rows).unwrap_or(u64::MAX)).max(1.0);
    let step = (band.end - band.start) / count;
    let edge = |row: usize| band.start + float(u64::try_from(row).unwrap_or(u64::MAX)) * step;
    (0..rows)
        .map(|row| {
            let first = size(edge(row));
            let last = size(edge(row + 1).ceil()).max(first + 1);
            let row = power.get(first..last.min(power.len())).unwrap_or_default();
            row.iter().copied().fold(0.0, f32::max)
        })
        .collect()
}

/// Returns a power in decibels, at least -200.
pub fn decibels(power: f32) -> f32 {
    10.0 * power.max(SILENCE).log10()
}

/// The lowest power: -200 dB.
const SILENCE: f32 = 1e-20;

#[cfg(test)]
mod tests {
    use super::*;

    fn spectrum(window: usize, padded: usize, cycles: f64, amplitude: f64) -> Vec<f32> {
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
        let full = spectrum(512, 512, 40.0, 1.0);
        assert!(full[40].abs() < 0.01, "{}", full[40]);
        assert!(full.iter().enumerate().all(|(bin, db)| bin.abs_diff(40) < 2 || *db < -100.0));
        assert!((spectrum(512, 512, 40.0, 0.1)[40] + 20.0).abs() < 0.01);
    }

    #[test]
    fn padding_refines_frequencies_and_keeps_levels() {
        let padded = spectrum(256, 1024, 20.0, 1.0);
        assert_eq!(padded.len(), 513);
        assert!(padded[80].abs() < 0.01, "{}", padded[80]);
        assert!(padded.iter().all(|db| *db <= padded[80] + 0.001));
    }

    #[test]
    fn a_tone_lights_the_row_of_its_frequency() {
        let stft = Stft::new(512, 1024);
        let samples: Vec<f32> = (0..512)
            .map(|n| (single(f64::from(n)) * 6000.0 / 48_000.0 * std::f32::consts::TAU).sin())
            .collect();
        let mut power = vec![0.0; stft.bins()];
        stft.add(&mut stft.work(), &samples, &mut power);
        let loudest =
            |rows: &[f32]| (0..rows.len()).max_by(|a, b| rows[*a].total_cmp(&rows[*b])).unwrap();
        // 6 kHz of 24, and of 12.
        assert!(loudest(&rows(&power, 400, &(0.0..512.0))).abs_diff(100) <= 1);
        assert!(loudest(&rows(&power, 400, &(0.0..256.0))).abs_diff(200) <= 1);
        // The level does not depend on where the row begins.
        assert!((rows(&power, 5, &(0.0..512.0))[1] - 1.0).abs() < 0.01);
    }
}
