//! Whether the seams between segments differ from the rest: compares each window of 20 ms with
//! that of a single encoder without seams.

use crate::audio::{PRE_SKIP, decode, encode, encode_whole, energy, options, quantile, recordings};

/// The length of a segment, and how many shifts of a recording move the seams.
const SEGMENT: usize = 480_000;
const SHIFTS: usize = 8;

pub(crate) fn measure() {
    println!(
        "SNR against a whole encode, mean, 5th to 95th percentile; energy error without and with seams, mean"
    );
    for (name, samples) in recordings() {
        let samples = &samples[..samples.len().min(48_000 * 90)];
        for bits in [24_000, 64_000, 160_000] {
            let mut windows: [Vec<Window>; 5] = Default::default();
            for shift in 0..SHIFTS {
                collect(&samples[shift * 37_777..], bits, &mut windows);
            }
            for (place, windows) in PLACES.into_iter().zip(&windows) {
                println!("| {name} | {} | {place} | {} |", bits / 1000, summary(windows));
            }
        }
    }
}

const PLACES: [&str; 5] = ["20 ms before", "0 to 20 ms", "20 to 40 ms", "40 to 60 ms", "elsewhere"];

/// Values in dB.
struct Window {
    snr: f64,
    /// The difference in loudness from the source, without and with seams.
    errors: [f64; 2],
}

fn collect(samples: &[f32], bits: u32, windows: &mut [Vec<Window>; 5]) {
    let options = options(bits);
    let whole = decode(&encode_whole(samples, &options));
    let cut = decode(&encode(samples, &options, 2));
    for start in (960..whole.len() - 960).step_by(960) {
        let source = &samples[start - PRE_SKIP..start - PRE_SKIP + 960];
        let signal = energy(source.iter().copied());
        // The SNR of silence is undefined.
        if signal < 960.0 * 1e-7 {
            continue;
        }
        let [whole, cut] = [&whole, &cut].map(|decoded| &decoded[start..start + 960]);
        let noise = |other: &[f32]| energy(source.iter().zip(other).map(|(a, b)| a - b));
        let louder = |other: &[f32]| 10.0 * (energy(other.iter().copied()) / signal).log10().abs();
        let window = Window {
            snr: 10.0 * (noise(whole) / noise(cut)).log10(),
            errors: [louder(whole), louder(cut)],
        };
        let place = match (start + 960) % SEGMENT {
            _ if start + 960 < SEGMENT => 4,
            0 => 0,
            after => (after / 960).min(4),
        };
        windows[place].push(window);
    }
}

fn summary(windows: &[Window]) -> String {
    let mut all: Vec<f64> = windows.iter().map(|window| window.snr).collect();
    all.sort_unstable_by(f64::total_cmp);
    let count = windows.len() as f64;
    let mean = all.iter().sum::<f64>() / count;
    let error = |which: usize| windows.iter().map(|one| one.errors[which]).sum::<f64>() / count;
    format!(
        "{count} | {mean:+.2} | {:+.1} to {:+.1} | {:.2}, {:.2}",
        quantile(&all, 0.05),
        quantile(&all, 0.95),
        error(0),
        error(1)
    )
}
