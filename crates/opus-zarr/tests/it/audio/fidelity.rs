//! The fidelity of encoded audio: its position and signal-to-noise ratio.

use std::ops::Range;

use realfft::num_complex::Complex;

use super::spectrum::{Fft, count};

/// The lowest frequency that is compared, in Hz. The encoder removes DC.
const LOWEST: f64 = 50.0;
/// The lowest frequency for finding the position, in Hz. The encoder's filter advances lower ones.
const LOWEST_OF_LAG: f64 = 300.0;
/// The highest frequency that is compared, in Hz. Opus has nothing above.
const HIGHEST: f64 = 20_000.0;
/// The highest part of the source's rate that is compared. Above, resamplers differ.
const PASSED: f64 = 0.45;
const RATE: f64 = 48_000.0;
/// Audio that is not louder has neither position nor noise: -80 dB of full scale.
const SILENCE: f64 = 1e-4;

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fidelity {
    /// How much later than the source it is, in samples at 48 kHz.
    pub(crate) lag: i64,
    /// The signal-to-noise ratio of all channels together, in dB.
    pub(crate) snr: f64,
}

/// Compares two pieces of audio at 48 kHz that begin at the same time. The source had this rate.
/// Returns `None` if it is silent.
pub(crate) fn compare(
    recording: &[f32],
    source: &[f32],
    channels: usize,
    rate: u32,
) -> Option<Fidelity> {
    let highest = HIGHEST.min(PASSED * f64::from(rate));
    let frames = (recording.len().min(source.len())) / channels;
    let fft = Fft::new((frames.max(2)).next_power_of_two());
    let channel = |of: &[f32], number: usize| {
        let samples = of[..frames * channels].iter().skip(number).step_by(channels);
        let samples: Vec<f64> = samples.map(|sample| f64::from(*sample)).collect();
        band(&fft, &samples, LOWEST..highest)
    };
    let (mut signal, mut noise, mut loudest) = (0.0, 0.0, (Vec::new(), Vec::new()));
    for number in 0..channels {
        let (ours, theirs) = (channel(recording, number), channel(source, number));
        noise += ours.iter().zip(&theirs).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        signal += energy(&theirs);
        if number == 0 || energy(&theirs) > energy(&loudest.1) {
            loudest = (ours, theirs);
        }
    }
    if (energy(&loudest.1) / count(frames.max(1))).sqrt() < SILENCE {
        return None;
    }
    let [ours, theirs] = [loudest.0, loudest.1].map(|all| band(&fft, &all, LOWEST_OF_LAG..highest));
    Some(Fidelity { lag: lag(&ours, &theirs), snr: 10.0 * (signal / noise).log10() })
}

/// Returns the lag of the smallest difference, up to `REACH` samples either way. A steady tone fits
/// at many lags: the nearest that fits well counts, and 0 unless another fits better by half.
fn lag(recording: &[f64], source: &[f64]) -> i64 {
    const REACH: usize = 8192;
    const WINDOW: usize = 65_536;
    let starts = (0..source.len().max(1)).step_by(WINDOW / 4);
    let window = |at: usize| &source[at..(at + WINDOW).min(source.len())];
    let loudest = starts.max_by(|a, b| energy(window(*a)).total_cmp(&energy(window(*b)))).unwrap();
    let window = window(loudest);
    // From `REACH` before the window to `REACH` after it.
    let around: Vec<f64> = (loudest..loudest + window.len() + 2 * REACH)
        .map(|at| at.checked_sub(REACH).and_then(|at| recording.get(at)).copied().unwrap_or(0.0))
        .collect();
    let products = correlation(&around, window);
    let (mut under, all) = (energy(&around[..window.len()]), energy(window));
    let mut differences = Vec::new();
    for shift in 0..2 * REACH {
        differences.push(under + all - 2.0 * products[shift]);
        under += around[shift + window.len()].powi(2) - around[shift].powi(2);
    }
    let smallest = |shifts: Range<usize>| {
        shifts.min_by(|a, b| differences[*a].total_cmp(&differences[*b])).unwrap()
    };
    let (near, best) = (smallest(REACH - 32..REACH + 33), smallest(0..2 * REACH));
    let is_near = differences[near] <= (2.0 * differences[best]).max(0.01 * all);
    let best = if is_near { near } else { best };
    if differences[REACH] <= 1.5 * differences[best].max(0.0) {
        return 0;
    }
    i64::try_from(best).unwrap() - i64::try_from(REACH).unwrap()
}

/// Returns the correlation of `window` with `around` for every shift.
fn correlation(around: &[f64], window: &[f64]) -> Vec<f64> {
    let fft = Fft::new(around.len().next_power_of_two());
    let (around, window) = (fft.forward(around), fft.forward(window));
    let product = around.iter().zip(&window).map(|(a, b)| a * b.conj()).collect();
    fft.inverse(product)
}

/// Returns the part of the samples between these frequencies.
fn band(fft: &Fft, samples: &[f64], limits: Range<f64>) -> Vec<f64> {
    let mut spectrum = fft.forward(samples);
    for (bin, value) in spectrum.iter_mut().enumerate() {
        let frequency = count(bin) / count(fft.len) * RATE;
        if !limits.contains(&frequency) {
            *value = Complex::default();
        }
    }
    let mut limited = fft.inverse(spectrum);
    limited.truncate(samples.len());
    limited
}

fn energy(samples: &[f64]) -> f64 {
    samples.iter().map(|sample| sample * sample).sum()
}
