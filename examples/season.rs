//! Writes the cards of two recorders after a fortnight, for docs/season.md:
//! `cargo run --release --example season FOLDER`.
//!
//! Both recorders ran by the same schedule, so their files have the same names. One stood at a pond
//! (`weiher`). The other, on a moor, was an hour ahead and gained 40 seconds; it also recorded ultrasound
//! at dusk. A detector has listed its calls in `detections.csv`.

use std::{
    env,
    error::Error,
    f64::consts::TAU,
    fs::{self, File},
    io::Write,
    path::Path,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use hound::{SampleFormat, WavSpec, WavWriter};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: season FOLDER");
        return ExitCode::from(2);
    };
    match season(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

pub fn season(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut random = Random(1);
    for station in ["weiher", "moor"] {
        fs::create_dir_all(folder.join(station))?;
    }
    let mut detections = File::create(folder.join("detections.csv"))?;
    writeln!(detections, "file,start_time,end_time,label,score")?;
    for day in 17..=30 {
        for station in ["weiher", "moor"] {
            for (hour, second) in SCHEDULE {
                let name = format!("{station}/202610{day}_{hour:02}00{second:02}.WAV");
                let at = write(&folder.join(&name), 16_000, SECONDS, 2500.0, &mut random)?;
                let (end, score) = (at + 0.3, 0.5 + random.next() / 2.0);
                writeln!(detections, "{name},{at:.2},{end:.2},Turdus merula,{score:.2}")?;
            }
        }
        let dusk = format!("moor/202610{day}_190000.WAV");
        write(&folder.join(dusk), 192_000, 0.5, 45_000.0, &mut random)?;
    }
    Ok(())
}

/// Hours and seconds at which a recorder begins a file. The second file of an hour begins where the first
/// ends.
const SCHEDULE: [(u32, u32); 4] = [(6, 0), (6, 2), (7, 0), (7, 2)];
const SECONDS: f64 = 2.0;

/// Writes noise with a whistle, and returns when that begins.
fn write(
    path: &Path,
    rate: u32,
    seconds: f64,
    pitch: f64,
    random: &mut Random,
) -> Result<f64, Box<dyn Error>> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let at = 0.1 + (seconds - 0.5).max(0.0) * random.next();
    let mut file = WavWriter::create(path, spec)?;
    for sample in 0..(seconds * f64::from(rate)) as u32 {
        let time = f64::from(sample) / f64::from(rate) - at;
        let is_call = (0.0..0.3).contains(&time);
        let call = if is_call { 0.3 * (TAU * pitch * time).sin() } else { 0.0 };
        let noise = 0.01 * (random.next() - 0.5);
        file.write_sample(((call + noise) * 32_767.0) as i16)?;
    }
    file.finalize()?;
    // The card was written long ago. `import` leaves files alone that were modified just now.
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 60 * 60);
    File::options().append(true).open(path)?.set_modified(yesterday)?;
    Ok(at)
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
