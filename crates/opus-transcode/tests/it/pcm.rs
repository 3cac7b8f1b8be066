//! PCM of every encoding that ffmpeg writes to a container is converted bit for bit, or refused.

use std::{fs, path::Path, process::Command};

use opus_transcode::{AudioFile, Error, ReadOptions};

use crate::audio::{ffmpeg_decodes, has_ffmpeg, say_skipped, tone};

const CODECS: [&str; 15] = [
    "pcm_s8",
    "pcm_u8",
    "pcm_s16le",
    "pcm_s16be",
    "pcm_s24le",
    "pcm_s24be",
    "pcm_s32le",
    "pcm_s32be",
    "pcm_f32le",
    "pcm_f32be",
    "pcm_f64le",
    "pcm_f64be",
    "pcm_alaw",
    "pcm_mulaw",
    "pcm_s64le",
];

const FILES: [&str; 7] = ["x.mov", "x.mp4", "x.caf", "x.aiff", "x.w64", "x.wav", "x.mka"];

/// What symphonia does not read.
const REFUSED: [&str; 8] = [
    "x.mov pcm_alaw",
    "x.mov pcm_mulaw",
    "x.mov pcm_s64le",
    "x.caf pcm_s8",
    "x.mka pcm_u8",
    "x.mka pcm_alaw",
    "x.mka pcm_mulaw",
    "x.mka pcm_s64le",
];

#[test]
fn pcm_is_exact_or_refused_in_every_container() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut wrong, mut right) = (Vec::new(), 0);
    for channels in [1, 2] {
        let raw = folder.path().join("raw");
        let source = tone(32_000, channels, 5_003);
        fs::write(&raw, source.iter().flat_map(|one| one.to_le_bytes()).collect::<Vec<_>>())
            .unwrap();
        let files = if channels == 1 { &FILES[..1] } else { &FILES };
        for (name, codec) in files.iter().flat_map(|name| CODECS.map(|codec| (name, codec))) {
            let path = folder.path().join(name);
            if !write(&raw, channels, codec, &path) {
                continue;
            }
            match read(&path) {
                Ok(samples) if samples == ffmpeg_decodes(&path) => right += 1,
                Ok(_) => wrong.push(format!("{name} {codec} {channels}: other samples")),
                Err(_) if REFUSED.contains(&&*format!("{name} {codec}")) => {}
                Err(error) => wrong.push(format!("{name} {codec} {channels}: {error}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(right > 50, "{right}");
}

/// Returns whether ffmpeg writes this encoding to this container.
fn write(raw: &Path, channels: usize, codec: &str, path: &Path) -> bool {
    let channels = channels.to_string();
    let input = ["-v", "quiet", "-y", "-f", "f32le", "-ar", "32000", "-ac", &channels, "-i"];
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.arg("-nostdin").args(input).arg(raw).args(["-c:a", codec]).arg(path);
    ffmpeg.status().unwrap().success()
}

fn read(path: &Path) -> Result<Vec<f32>, Error> {
    let mut file = AudioFile::open(path, &ReadOptions::default())?;
    let (mut all, mut buffer) = (Vec::new(), vec![0.0; 1000 * file.channels()]);
    loop {
        let samples = file.read_samples(&mut buffer)?;
        if samples.is_empty() {
            return Ok(all);
        }
        all.extend_from_slice(samples);
    }
}
