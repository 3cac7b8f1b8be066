//! Writes the files of a recorder's card, for docs/tour.md:
//! `cargo run --release --example field_recordings FOLDER`.
//!
//! The card holds two recordings of dawn, one of them cut off by an empty battery, bats at 384 kHz,
//! an empty file, and the recorder's settings.

use std::{
    env,
    f64::consts::TAU,
    fs, io,
    path::Path,
    process::ExitCode,
    time::{Duration, SystemTime},
};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: field_recordings FOLDER");
        return ExitCode::from(2);
    };
    match field_recordings(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

pub fn field_recordings(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("bats"))?;
    fs::write(folder.join("CONFIG.TXT"), "Sample rate (Hz): 48000\nGain: Medium\n")?;
    let whole = wave(48_000, &dawn(1, 30), Some("2026-05-12T03:45:00+02:00"));
    fs::write(folder.join("20260512_034500.WAV"), whole)?;
    let mut cut_off = wave(48_000, &dawn(2, 17), None);
    // The recorder writes the sizes last, so the battery ran out before.
    for size in [4..8, 40..44] {
        cut_off[size].fill(0);
    }
    fs::write(folder.join("20260512_040000.WAV"), cut_off)?;
    fs::write(folder.join("20260512_041500.WAV"), [])?;
    let bats = wave(384_000, &bats(), Some("2026-05-12T22:15:00+02:00"));
    fs::write(folder.join("bats/20260512_221500.WAV"), bats)?;
    for file in ["20260512_034500.WAV", "20260512_040000.WAV", "20260512_041500.WAV"] {
        age(&folder.join(file))?;
    }
    age(&folder.join("bats/20260512_221500.WAV"))
}

/// The card was written long ago. `import` leaves files alone that were modified just now.
fn age(file: &Path) -> io::Result<()> {
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 60 * 60);
    fs::File::options().append(true).open(file)?.set_modified(yesterday)
}

/// Wind and whistling birds.
fn dawn(seed: u64, seconds: u32) -> Vec<i16> {
    const RATE: f64 = 48_000.0;
    let mut random = Random(seed);
    let mut wind = 0.0;
    let mut samples: Vec<f64> = (0..seconds * 48_000)
        .map(|_| {
            wind += 0.02 * (random.next() - 0.5 - wind);
            0.15 * wind + 0.004 * (random.next() - 0.5)
        })
        .collect();
    let mut at = 0.5;
    while at < f64::from(seconds) - 1.5 {
        let (pitch, notes) = (2500.0 + 4000.0 * random.next(), 2.0 + 5.0 * random.next());
        for note in 0..notes as usize {
            let length = 0.06 + 0.1 * random.next();
            let slope = 2500.0 * (random.next() - 0.4);
            let start = ((at + note as f64 * 0.19) * RATE) as usize;
            let loudness = 0.05 + 0.2 * random.next();
            let mut phase = 0.0;
            for step in 0..(length * RATE) as usize {
                let part = step as f64 / (length * RATE);
                phase += TAU * (pitch + slope * part + 60.0 * (TAU * 28.0 * part).sin()) / RATE;
                samples[start + step] += loudness * (TAU / 2.0 * part).sin().powi(2) * phase.sin();
            }
        }
        at += 1.2 + 1.6 * random.next();
    }
    samples.into_iter().map(|sample| (sample * 32_767.0) as i16).collect()
}

/// Two seconds of a hunting bat: sweeps from 85 to 42 kHz, faster and faster.
fn bats() -> Vec<i16> {
    const RATE: f64 = 384_000.0;
    let mut random = Random(3);
    let mut samples: Vec<f64> = (0..768_000).map(|_| 0.004 * (random.next() - 0.5)).collect();
    let (mut at, mut pause) = (0.08, 0.11);
    while at < 1.95 {
        let length = (pause * 0.06_f64).clamp(0.0015, 0.006);
        let mut phase = 0.0;
        for step in 0..(length * RATE) as usize {
            let part = step as f64 / (length * RATE);
            phase += TAU * (42_000.0 + 43_000.0 * (1.0 - part).powi(2)) / RATE;
            samples[(at * RATE) as usize + step] += 0.35 * (TAU / 2.0 * part).sin() * phase.sin();
        }
        at += pause;
        pause = if at > 1.2 { (pause * 0.86).max(0.012) } else { pause };
    }
    samples.into_iter().map(|sample| (sample * 32_767.0) as i16).collect()
}

/// A WAVE file, optionally with a GUANO chunk as bat recorders write it.
fn wave(rate: u32, samples: &[i16], timestamp: Option<&str>) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let guano = timestamp.map(|timestamp| {
        let text = format!(
            "GUANO|Version: 1.0\nMake: Field Recorders\nModel: FR-2\nTimestamp: {timestamp}\nSamplerate: {rate}\nLoc Position: 46.95 7.45\nNote: by the pond\n"
        );
        text.into_bytes()
    });
    let mut file = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
    file.extend(16_u32.to_le_bytes());
    file.extend([1, 0, 1, 0]);
    file.extend(rate.to_le_bytes());
    file.extend((rate * 2).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    chunk(&mut file, b"data", &data);
    if let Some(guano) = guano {
        chunk(&mut file, b"guan", &guano);
    }
    let size = file.len() as u32 - 8;
    file[4..8].copy_from_slice(&size.to_le_bytes());
    file
}

fn chunk(file: &mut Vec<u8>, id: &[u8; 4], content: &[u8]) {
    file.extend(id);
    file.extend((content.len() as u32).to_le_bytes());
    file.extend(content);
    file.extend(vec![0; content.len() % 2]);
}

/// A linear congruential generator (Knuth's MMIX), the same on every machine.
struct Random(u64);

impl Random {
    /// A number from 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1 << 24)
    }
}
