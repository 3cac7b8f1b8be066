//! Writes and reads files with samples.

use std::{
    f64::consts::TAU,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use opus_transcode::{AudioFile, AudioFormat, ReadOptions};

/// Reads an audio file like any other program.
pub(crate) fn read(file: &Path) -> (AudioFormat, Vec<f32>) {
    let mut audio = AudioFile::open(file, &ReadOptions::default()).unwrap();
    let format = audio.format();
    let (mut samples, mut buffer) = (Vec::new(), vec![0.0; 1000 * format.channels]);
    loop {
        let read = audio.read_samples(&mut buffer).unwrap();
        if read.is_empty() {
            break;
        }
        samples.extend_from_slice(read);
    }
    assert_eq!(audio.findings(), [""; 0], "{file:?}");
    (format, samples)
}

/// Reads an audio file whose samples must all be 16-bit.
pub(crate) fn read_i16(file: &Path) -> (AudioFormat, Vec<i16>) {
    let (format, samples) = read(file);
    let whole = samples.iter().map(|sample| {
        let sample = sample * 32_768.0;
        assert!((-32_768.0..32_768.0).contains(&sample) && sample.fract() == 0.0, "{sample}");
        #[allow(clippy::cast_possible_truncation, clippy::as_conversions, reason = "as asserted")]
        let whole = sample as i16;
        whole
    });
    (format, whole.collect())
}

/// Writes a WAV file with a tone in each channel, the first the quietest.
pub(crate) fn write_tones(file: &Path, rate: u32, channels: u16, samples: u32, hz: f64) {
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
    wav.extend(channels.to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * u32::from(channels) * 2).to_le_bytes());
    wav.extend((channels * 2).to_le_bytes());
    wav.extend(b"\x10\0data");
    wav.extend((samples * u32::from(channels) * 2).to_le_bytes());
    for sample in 0..samples {
        let phase = TAU * hz * f64::from(sample) / f64::from(rate);
        for channel in 1..=channels {
            #[allow(clippy::cast_possible_truncation, clippy::as_conversions, reason = "a tone")]
            let value = (phase.sin() * 2000.0 * f64::from(channel)) as i16;
            wav.extend(value.to_le_bytes());
        }
    }
    fs::write(file, wav).unwrap();
}

/// Returns what a successful command writes to standard output, which is not text.
pub(crate) fn stdout_of(folder: &Path, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opus-zarr"));
    let output = command.current_dir(folder).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    output.stdout
}

/// Returns the names in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Flips a bit in the middle of the audio of a recording.
pub(crate) fn damage(recording: &Path) {
    let shard = recording.join("opus_blob/c/0");
    let mut bytes = fs::read(&shard).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(shard, bytes).unwrap();
}
