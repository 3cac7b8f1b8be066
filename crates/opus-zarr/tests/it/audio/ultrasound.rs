//! Audio above 48 kHz: its energy before and after, and its time.

use std::{path::Path, time::Duration};

use opus_transcode::{AudioFile, ReadOptions};
use opus_zarr::{Error, ImportOptions, Recording, Ultrasound};
use tempfile::TempDir;

use opus_zarr_testkit::{CorpusFile, every_file, fast_folder, recordings::import_with};

use super::spectrum::band_energies;

/// The sample rate of the bats in the corpus.
const BAT_RATE: u32 = 250_000;
/// An eighth of their bandwidth, in Hz.
const BAND: f64 = 15_625.0;

struct Stored {
    recording: Recording,
    /// The store of the recording.
    _folder: TempDir,
}

fn import(path: &Path, ultrasound: Ultrasound) -> Result<Stored, Error> {
    let mut options = ImportOptions::default().exact(false);
    options.transcode.ultrasound = ultrasound;
    let folder = fast_folder();
    let imported = import_with(path, folder.path(), "it", &options)?;
    Ok(Stored { recording: imported.into_first(), _folder: folder })
}

fn files_of(repository: &str) -> Option<Vec<CorpusFile>> {
    let is_of = |file: &CorpusFile| file.relative.starts_with(repository);
    let files: Vec<_> = every_file()?.into_iter().filter(is_of).collect();
    assert_eq!(files.len(), 3, "{repository}");
    Some(files)
}

fn samples_of_file(path: &Path) -> Vec<f64> {
    let mut file = AudioFile::open(path, &ReadOptions::default()).unwrap();
    assert_eq!(file.format().channels, 1);
    let mut samples = vec![0.0; 1 << 20];
    let room = samples.len();
    let samples = file.read_samples(&mut samples).unwrap();
    assert!(samples.len() < room);
    samples.iter().map(|sample| f64::from(*sample)).collect()
}

fn samples_of_recording(recording: &Recording) -> Vec<f64> {
    let samples = recording.read::<f32>(0..recording.info().play_length).unwrap();
    samples.into_iter().map(f64::from).collect()
}

/// Returns the levels in dB of the bands between these frequencies in Hz.
fn levels(samples: &[f64], rate: u32, limits: &[f64]) -> Vec<f64> {
    let rate = f64::from(rate);
    let limits: Vec<f64> = limits.iter().map(|limit| limit / rate).collect();
    // Per second, not per sample.
    band_energies(samples, &limits).iter().map(|energy| 10.0 * (energy / rate).log10()).collect()
}

/// Levels below 20/48 of the rate, 104 kHz, stay the same. Opus codes nothing above.
#[test]
fn kept_ultrasound_has_its_energy_below_104_khz() {
    let Some(files) = files_of("mbsantiago+pytadarida") else { return };
    let limits: Vec<f64> = (0..=8).map(|band| f64::from(band) * BAND).collect();
    for file in &files {
        let stored = import(&file.path, Ultrasound::Keep).unwrap();
        let source = samples_of_file(&file.path);
        let kept = samples_of_recording(&stored.recording);
        assert_eq!(kept.len(), source.len(), "{}: other length", file.name);
        let before = levels(&source, BAT_RATE, &limits);
        let after = levels(&kept, BAT_RATE, &limits);
        let what = format!("{}: {before:.1?} became {after:.1?}", file.name);
        for band in 0..6 {
            assert!((after[band] - before[band]).abs() < 0.5, "{what}");
        }
        // The band from 93.75 to 109.375 kHz.
        assert!(after[6] < before[6] + 0.5 && after[6] > before[6] - 3.0, "{what}");
        assert!(after[7] < before[7] - 20.0, "{what}");
    }
}

/// Audible sound stays; the calls above 20 kHz are lost.
#[test]
fn downsampled_ultrasound_has_its_energy_below_20_khz() {
    let Some(files) = files_of("mbsantiago+pytadarida") else { return };
    let limits = [0.0, 4_000.0, 8_000.0, 12_000.0, 16_000.0, 20_000.0, 24_000.0];
    for file in &files {
        let stored = import(&file.path, Ultrasound::Downsample).unwrap();
        let before = levels(&samples_of_file(&file.path), BAT_RATE, &limits);
        let after = levels(&samples_of_recording(&stored.recording), 48_000, &limits);
        let what = format!("{}: {before:.1?} became {after:.1?}", file.name);
        for band in 0..5 {
            assert!((after[band] - before[band]).abs() < 1.5, "{what}");
        }
        assert!(after[5] < before[5] - 20.0, "{what}");
    }
}

#[test]
fn ultrasound_keeps_its_time() {
    let Some(files) = files_of("mbsantiago+pytadarida") else { return };
    for file in &files {
        let kept = import(&file.path, Ultrasound::Keep).unwrap();
        let lost = import(&file.path, Ultrasound::Downsample).unwrap();
        let (kept, lost) = (&kept.recording, &lost.recording);
        assert_eq!((kept.info().real_rate.get(), lost.info().real_rate.get()), (BAT_RATE, 48_000));
        let end = |recording: &Recording| recording.time_of(recording.info().play_length);
        // One sample at 48 kHz.
        assert!(end(lost).abs_diff(end(kept)) < Duration::from_nanos(20_834), "{}", file.name);
        // The loudest ten milliseconds.
        let source = samples_of_file(&file.path);
        let energy = |call: &&[f64]| product(call, call);
        let calls = source.chunks_exact(2_500).enumerate();
        let (number, call) = calls.max_by(|a, b| energy(&a.1).total_cmp(&energy(&b.1))).unwrap();
        let number = u32::try_from(number).unwrap();
        let time = Duration::from_millis(10) * number..Duration::from_millis(10) * (number + 1);
        let range = kept.samples_of(time.clone());
        let number = u64::from(number);
        assert_eq!(range, number * 2_500..(number + 1) * 2_500);
        assert_eq!(lost.samples_of(time.clone()), number * 480..(number + 1) * 480);
        assert_eq!(kept.time_of(range.start)..kept.time_of(range.end), time);
        let read: Vec<f64> = kept.read::<f32>(range).unwrap().into_iter().map(f64::from).collect();
        let likeness = product(&read, call) / (product(&read, &read) * product(call, call)).sqrt();
        assert!(likeness > LIKENESS, "{}: {likeness}", file.name);
    }
}

/// A shift by one sample leaves much less.
const LIKENESS: f64 = 0.9;

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The first and the last of these files say in a chunk of Wildlife Acoustics that they play ten times
/// slower than they were recorded.
#[test]
fn time_expansion_is_undone() {
    let Some(files) = files_of("YvesBas+Tadarida-D") else { return };
    for (file, recorded) in files.iter().zip([Some(192_000), None, Some(384_000)]) {
        let stored = import(&file.path, Ultrasound::Downsample).unwrap();
        let info = stored.recording.info();
        // All of them play for 50 seconds.
        let (rate, seconds) = if recorded.is_some() { (480_000, 5) } else { (48_000, 50) };
        assert_eq!((info.play_length, info.real_rate.get()), (2_400_000, rate), "{}", file.name);
        assert_eq!(stored.recording.time_of(info.play_length), Duration::from_secs(seconds));
        let second = Duration::from_secs(1)..Duration::from_secs(2);
        let rate = u64::from(rate);
        assert_eq!(stored.recording.samples_of(second), rate..2 * rate);
        let refused = recorded.map(|rate| format!("found {rate} Hz"));
        match (import(&file.path, Ultrasound::Reject), refused) {
            (Ok(_), None) => {}
            (Err(error), Some(text)) => assert!(format!("{error:?}").contains(&text), "{error:?}"),
            (_, expected) => panic!("{}: expected {expected:?}", file.name),
        }
    }
}
