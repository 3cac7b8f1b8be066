//! Makes, reads and compares audio.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use opus_transcode::{AudioInput, Error};

pub(crate) fn say_skipped(what: &str) {
    // Bypasses the capture of the test harness, so that a skipped test is visible.
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}

/// Returns all samples, read in pieces of an odd size.
pub(crate) fn read_all(input: &mut AudioInput) -> Result<Vec<f32>, Error> {
    let channels = input.format().channels;
    let mut all = Vec::new();
    let mut buffer = vec![0.0; 4099 * channels];
    loop {
        let samples = input.read_samples(&mut buffer)?;
        all.extend_from_slice(samples);
        if samples.len() < 4099 * channels {
            return Ok(all);
        }
    }
}

/// Returns the samples of the first audio track.
pub(crate) fn ffmpeg_decodes(path: &Path) -> Vec<f32> {
    let output = Command::new("ffmpeg")
        .args(["-v", "quiet", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-f", "f32le", "-c:a", "pcm_f32le", "-"])
        .output()
        .unwrap();
    let sample = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    output.stdout.chunks_exact(4).map(sample).collect()
}

/// Returns by how many frames `ours` is later than `theirs` (at most 5000 either way), where they
/// correlate best. Returns `None` if they do not correlate.
pub(crate) fn lag(ours: &[f32], theirs: &[f32], channels: usize) -> Option<i64> {
    const MAX: i64 = 5000;
    const WINDOW: usize = 16_384;
    if snr(ours, theirs, 0) > 20.0 {
        return Some(0);
    }
    // The first channel, where it is loudest.
    let of = |all: &[f32]| all.iter().step_by(channels).copied().collect::<Vec<f32>>();
    let (ours, theirs) = (of(ours), of(theirs));
    let at = loudest(&theirs, WINDOW)?;
    let window = &theirs[at..(at + WINDOW).min(theirs.len())];
    let correlation = |lag: i64| {
        let from = at as i64 + lag;
        let mut product = 0.0;
        let mut energy = 1e-12;
        for (index, sample) in window.iter().enumerate() {
            let other = usize::try_from(from + index as i64).ok().and_then(|at| ours.get(at));
            let other = f64::from(other.copied().unwrap_or(0.0));
            product += f64::from(*sample) * other;
            energy += other * other;
        }
        product / energy.sqrt()
    };
    let energy: f64 = window.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let best = (-MAX..=MAX).map(|lag| (lag, correlation(lag)));
    let (lag, product) = best.max_by(|one, other| one.1.total_cmp(&other.1))?;
    (product > 0.5 * energy.sqrt()).then_some(lag)
}

fn loudest(samples: &[f32], window: usize) -> Option<usize> {
    let energy = |at: &usize| -> f32 {
        samples[*at..(*at + window).min(samples.len())].iter().map(|sample| sample * sample).sum()
    };
    let starts = (0..samples.len()).step_by(window);
    starts.max_by(|one, other| energy(one).total_cmp(&energy(other)))
}

/// Returns the SNR in dB over the common part if `ours` is later by `lag` samples.
pub(crate) fn snr(ours: &[f32], theirs: &[f32], lag: i64) -> f64 {
    let ours = &ours[(lag.max(0) as usize).min(ours.len())..];
    let theirs = &theirs[((-lag).max(0) as usize).min(theirs.len())..];
    let (mut signal, mut noise) = (0.0, 0.0);
    for (one, other) in ours.iter().zip(theirs) {
        signal += f64::from(*other).powi(2);
        noise += (f64::from(*one) - f64::from(*other)).powi(2);
    }
    if noise == 0.0 { f64::INFINITY } else { 10.0 * (signal / noise).log10() }
}

pub(crate) fn has_ffmpeg() -> bool {
    Command::new("ffmpeg").arg("-version").output().is_ok_and(|output| output.status.success())
}

/// Returns sweeps that differ in each channel, so that only the true lag fits.
pub(crate) fn tone(rate: u32, channels: usize, frames: usize) -> Vec<f32> {
    let sample = |index: usize| {
        let time = (index / channels) as f64 / f64::from(rate);
        let (start, slope) = (200.0 + 150.0 * (index % channels) as f64, 900.0);
        let phase = std::f64::consts::TAU * (start + slope * time / 2.0) * time;
        (0.5 * phase.sin() * (1.0 - (-time * 300.0).exp())) as f32
    };
    (0..frames * channels).map(sample).collect()
}

/// Makes a file of these samples with ffmpeg.
pub(crate) fn make(
    folder: &Path,
    samples: &[f32],
    rate: u32,
    channels: usize,
    name: &str,
    options: &[&str],
) -> PathBuf {
    let (raw, path) = (folder.join("raw"), folder.join(name));
    fs::write(&raw, samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>())
        .unwrap();
    let (rate, channels) = (rate.to_string(), channels.to_string());
    let output = Command::new("ffmpeg")
        .args([
            "-nostdin", "-v", "error", "-y", "-f", "f32le", "-ar", &rate, "-ac", &channels, "-i",
        ])
        .arg(&raw)
        .args(options)
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}
