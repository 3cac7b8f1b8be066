//! Spectra, by FFT.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

/// Returns the energy between each two of these frequencies, given as parts of the sample rate.
pub(crate) fn band_energies(samples: &[f64], limits: &[f64]) -> Vec<f64> {
    const LEN: usize = 4096;
    let turn = std::f64::consts::TAU / count(LEN);
    let hann: Vec<f64> = (0..LEN).map(|at| 0.5 - 0.5 * (turn * count(at)).cos()).collect();
    let fft = Fft::new(LEN);
    let mut energies = vec![0.0; limits.len() - 1];
    // The first and the last window extend beyond the audio, so that all samples count equally.
    for start in (0..samples.len() + LEN / 2).step_by(LEN / 2) {
        let at = |place: usize| (start + place).checked_sub(LEN / 2);
        let sample = |place| at(place).and_then(|at| samples.get(at)).copied().unwrap_or(0.0);
        let windowed: Vec<f64> = (0..LEN).map(|place| sample(place) * hann[place]).collect();
        for (bin, value) in fft.forward(&windowed).iter().enumerate() {
            let frequency = count(bin) / count(LEN);
            let band = limits.partition_point(|limit| *limit <= frequency);
            if (1..limits.len()).contains(&band) {
                energies[band - 1] += value.norm_sqr();
            }
        }
    }
    energies
}

pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

pub(crate) struct Fft {
    pub(crate) len: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl Fft {
    pub(crate) fn new(len: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(len), planner.plan_fft_inverse(len));
        Self { len, forward, inverse }
    }

    /// Returns the spectrum of the samples, padded with silence.
    pub(crate) fn forward(&self, samples: &[f64]) -> Vec<Complex<f64>> {
        let mut input = samples.to_vec();
        input.resize(self.len, 0.0);
        let mut spectrum = self.forward.make_output_vec();
        self.forward.process(&mut input, &mut spectrum).unwrap();
        spectrum
    }

    pub(crate) fn inverse(&self, mut spectrum: Vec<Complex<f64>>) -> Vec<f64> {
        // Those of real samples are real, except for rounding.
        spectrum[0].im = 0.0;
        spectrum[self.len / 2].im = 0.0;
        let mut samples = self.inverse.make_output_vec();
        self.inverse.process(&mut spectrum, &mut samples).unwrap();
        samples.iter().map(|sample| sample / count(self.len)).collect()
    }
}
