//! The README's lines for NumPy: zarr-python reads the blob, libsndfile decodes it.

use std::{fs, path::Path, process::Command};

use opus_zarr::{Recording, Store};
use opus_zarr_testkit::{
    fast_folder,
    python::run,
    recordings::{DTX, MONO, STEREO, import_to},
    root, testdata,
};

use super::python;

/// What follows the README's lines.
const WRITE: &str = r"
import sys
assert audio.samplerate == 48_000
samples.astype('<f4').tofile(sys.argv[1])
second.astype('<f4').tofile(sys.argv[2])
open(sys.argv[3], 'wb').write(packet)
";

/// Values differ by less where libopus conceals what is missing, or decodes from a place within.
const CLOSE: f32 = 0.01;

#[test]
fn the_lines_of_the_readme_give_our_samples() {
    let Some(python) = python("nothing was decoded with soundfile") else { return };
    let folder = fast_folder();
    let store = folder.path().join("a.zarr");
    let golden = Store::open(testdata("golden/layout-1.zarr")).unwrap();
    for (rate, channels) in [(8_000, 1), (22_050, 2), (48_000, 6), (96_000, 1)] {
        let wave = folder.path().join(format!("{rate}.wav"));
        write_wave(&wave, rate, channels);
        import_to(&wave, &store, &rate.to_string()).unwrap();
    }
    for file in [MONO, STEREO, DTX] {
        import_to(testdata(file), &store, file).unwrap();
    }
    let copied = Store::open(&store).unwrap();
    let trio = "trio".parse().unwrap();
    golden.copy_recording(&trio, &copied, &trio).unwrap();

    for (name, tolerance) in [
        ("8000", 0.0),
        ("22050", 0.0),
        ("48000", 0.0),
        ("96000", 0.0),
        (MONO, 0.0),
        (STEREO, 0.0),
        (DTX, CLOSE),
        ("trio", CLOSE),
    ] {
        let recording = Recording::open(&copied, name).unwrap();
        let [samples, second, packet] =
            ["samples", "second", "packet"].map(|it| folder.path().join(it));
        let code = readme().replace("/tmp/archive.zarr", store.to_str().unwrap());
        let code = code.replace("\"chirps\"", &format!("{name:?}")) + WRITE;
        run(Command::new(&python)
            .args(["-I", "-W", "error", "-c", &code])
            .args([&samples, &second, &packet]));
        let ours: Vec<f32> = recording.read(0..recording.info().play_length).unwrap();
        assert_close(&floats(&samples), &ours, tolerance, name);
        let channels = usize::from(recording.info().channels);
        let range = &ours[48_000 * channels..ours.len().min(96_000 * channels)];
        assert_close(&floats(&second), range, CLOSE, name);
        assert!(!fs::read(&packet).unwrap().is_empty());
    }
}

/// Returns the one block of Python in the README that reads without our package.
fn readme() -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks =
        readme.split("\n```python\n").skip(1).map(|rest| rest.split_once("\n```\n").unwrap().0);
    let foreign: Vec<&str> = blocks.filter(|code| !code.contains("import opus_zarr")).collect();
    let [code] = foreign[..] else { panic!("{} blocks of Python", foreign.len()) };
    code.to_owned()
}

#[track_caller]
fn assert_close(theirs: &[f32], ours: &[f32], tolerance: f32, name: &str) {
    assert_eq!(theirs.len(), ours.len(), "{name}");
    let differences = theirs.iter().zip(ours).map(|(theirs, ours)| (theirs - ours).abs());
    let most = differences.fold(0.0, f32::max);
    assert!(most <= tolerance, "{name}: {most}");
    assert!(ours.iter().any(|sample| sample.abs() > 10.0 * CLOSE), "{name} is too quiet to tell");
}

fn floats(file: &Path) -> Vec<f32> {
    let bytes = fs::read(file).unwrap();
    bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
}

/// A tone of its own for each channel, for a bit more than two seconds.
fn write_wave(file: &Path, rate: u32, channels: u16) {
    let (bits_per_sample, sample_format) = (16, hound::SampleFormat::Int);
    let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample, sample_format };
    let mut writer = hound::WavWriter::create(file, spec).unwrap();
    for sample in 0..rate * 21 / 10 {
        for channel in 0..channels {
            let seconds = f64::from(sample) / f64::from(rate);
            let hertz = 300.0 + 170.0 * f64::from(channel);
            let value = (seconds * hertz * std::f64::consts::TAU).sin() * 16_000.0;
            #[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it fits")]
            writer.write_sample(value.round() as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
}
