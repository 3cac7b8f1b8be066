//! What sync points cost: bytes, and sound in the windows of 20 ms after them.

use std::time::Duration;

use opus_encode::{Encoder, Options, SyncInterval, SyncPoint};

use crate::audio::{NEVER, PRE_SKIP, decode, energy, options, quantile, recordings, snr};

const WINDOW: usize = 960;
/// Windows from the start of a sync point on that count as affected by it.
const AFFECTED: usize = 4;

pub(crate) fn measure() {
    println!("with against without sync points (mean, 5th percentile or 95th of windows)");
    for (name, samples) in recordings() {
        let samples = &samples[..samples.len().min(48_000 * 60)];
        for bits in [24_000, 32_000, 64_000, 96_000, 160_000] {
            let (without, _) = encode(samples, &options(bits).sync_interval(NEVER));
            let distances: &[u64] = if bits == 64_000 { &[240, 400, 1000] } else { &[400] };
            for &millis in distances {
                let interval = SyncInterval(Duration::from_millis(millis));
                let (with, points) = encode(samples, &options(bits).sync_interval(interval));
                let bytes =
                    |packets: &[Vec<u8>]| packets.iter().map(Vec::len).sum::<usize>() as f64;
                let larger = 100.0 * (bytes(&with) / bytes(&without) - 1.0);
                let (with, without) = (decode(&with), decode(&without));
                let samples = &samples[..with.len() - PRE_SKIP];
                let loss = snr(samples, &with) - snr(samples, &without);
                println!(
                    "| {name} | {} | {millis} | {} | {larger:+.1} % | {loss:+.2} | {} |",
                    bits / 1000,
                    delays(&points),
                    Windows::compare(samples, &with, &without, &points).summary()
                );
            }
        }
    }
}

fn encode(samples: &[f32], options: &Options) -> (Vec<Vec<u8>>, Vec<SyncPoint>) {
    let mut encoder = Encoder::new(options).unwrap();
    let frames = samples.chunks_exact(options.frame_len());
    let packets = frames.map(|frame| encoder.encode(frame).unwrap().data.to_vec()).collect();
    (packets, encoder.drain_sync_points().collect())
}

/// Returns after how many ms decoders are exact: the median and the most.
fn delays(points: &[SyncPoint]) -> String {
    let delays = points.iter().map(|point| (point.exact_from.get() - point.start.get()) / 48);
    let mut all: Vec<u64> = delays.collect();
    all.sort_unstable();
    format!("{}, {}", quantile(&all, 0.5), quantile(&all, 1.0))
}

/// What windows lose in SNR and in log-spectral distance (dB). First those after sync points, then
/// the others.
#[derive(Default)]
struct Windows {
    snr: [Vec<f64>; 2],
    distance: [Vec<f64>; 2],
}

impl Windows {
    fn compare(source: &[f32], with: &[f32], without: &[f32], points: &[SyncPoint]) -> Self {
        let mut windows = Self::default();
        let starts: Vec<usize> =
            points.iter().map(|point| point.start.get() as usize / WINDOW).collect();
        for number in starts[0]..source.len() / WINDOW - 1 {
            // The packet of a sync point is audible from its pre-skip on.
            let start = number * WINDOW - PRE_SKIP;
            let signal = &source[start..start + WINDOW];
            // The SNR of silence is undefined.
            if energy(signal.iter().copied()) < WINDOW as f64 * 1e-7 {
                continue;
            }
            let start_before = starts[starts.partition_point(|&start| start <= number) - 1];
            let place = usize::from(number - start_before >= AFFECTED);
            let [with, without] = [with, without].map(|all| &all[start + PRE_SKIP..][..WINDOW]);
            windows.add(place, signal, with, without);
        }
        windows
    }

    fn add(&mut self, place: usize, signal: &[f32], with: &[f32], without: &[f32]) {
        let noise = |other: &[f32]| {
            energy(signal.iter().zip(other).map(|(a, b)| a - b)).max(WINDOW as f64 * 1e-12)
        };
        self.snr[place].push(10.0 * (noise(without) / noise(with)).log10());
        let distance = |other: &[f32]| log_spectral_distance(signal, other);
        self.distance[place].push(distance(with) - distance(without));
    }

    fn summary(mut self) -> String {
        let mut cells = Vec::new();
        for (all, share) in [(&mut self.snr, 0.05), (&mut self.distance, 0.95)] {
            for values in all {
                values.sort_unstable_by(f64::total_cmp);
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let worst = quantile(values, share);
                cells.push(format!("{mean:+.2} ({worst:+.1}) of {}", values.len()));
            }
        }
        cells.join(" | ")
    }
}

/// Returns the RMS difference of two power spectra in dB, over 50 bands of 400 Hz, from 60 dB below
/// the loudest of the first on.
fn log_spectral_distance(signal: &[f32], other: &[f32]) -> f64 {
    let [signal, other] = [signal, other].map(bands);
    let floor = signal.iter().copied().fold(0.0, f64::max) * 1e-6 + 1e-12;
    let difference = |(a, b): (&f64, &f64)| (10.0 * ((a + floor) / (b + floor)).log10()).powi(2);
    (signal.iter().zip(&other).map(difference).sum::<f64>() / signal.len() as f64).sqrt()
}

fn bands(window: &[f32]) -> Vec<f64> {
    let mut spectrum: Vec<(f64, f64)> = (0..1024)
        .map(|at| {
            let sample = window.get(at).copied().map_or(0.0, f64::from);
            let weight = (std::f64::consts::PI * (at as f64 + 0.5) / WINDOW as f64).sin().powi(2);
            (sample * weight, 0.0)
        })
        .collect();
    transform(&mut spectrum);
    let power = |&(re, im): &(f64, f64)| re * re + im * im;
    // 47 Hz each.
    spectrum[..425].chunks(8).map(|bins| bins.iter().map(power).sum()).collect()
}

/// The fast Fourier transform, for a power of two.
fn transform(values: &mut [(f64, f64)]) {
    let half = values.len() / 2;
    if half == 0 {
        return;
    }
    let mut even: Vec<_> = values.iter().copied().step_by(2).collect();
    let mut odd: Vec<_> = values.iter().copied().skip(1).step_by(2).collect();
    transform(&mut even);
    transform(&mut odd);
    for at in 0..half {
        let (sin, cos) = (-std::f64::consts::PI * at as f64 / half as f64).sin_cos();
        let (re, im) = odd[at];
        let turned = (re * cos - im * sin, re * sin + im * cos);
        values[at] = (even[at].0 + turned.0, even[at].1 + turned.1);
        values[at + half] = (even[at].0 - turned.0, even[at].1 - turned.1);
    }
}
