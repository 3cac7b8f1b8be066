//! Decoding with an ffmpeg process, if ffmpeg is installed.

use std::fs;

use opus_transcode::{AudioInput, ErrorKind, FfmpegInput};

use crate::audio::{ffmpeg_decodes, has_ffmpeg, make, say_skipped, tone};

#[test]
fn ffmpeg_decodes_other_formats() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(44_100, 2, 100_000);
    let path = make(folder.path(), &source, 44_100, 2, "tone.wma", &["-c:a", "wmav2"]);
    let error = AudioInput::open(&path, 0).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let mut input = FfmpegInput::open("ffmpeg", &path, 0).unwrap();
    assert_eq!((input.rate(), input.channels()), (44_100, 2));
    assert!(input.version().starts_with("ffmpeg version"));
    let (mut all, mut buffer) = (Vec::new(), vec![0.0; 2 * 1000 + 1]);
    loop {
        let samples = input.read_samples(&mut buffer).unwrap();
        all.extend_from_slice(samples);
        if samples.len() < 2 * 1000 {
            break;
        }
    }
    assert!(input.read_samples(&mut buffer).unwrap().is_empty());
    assert_eq!(all, ffmpeg_decodes(&path));
}

#[test]
fn the_error_says_why_ffmpeg_fails() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise");
    fs::write(&path, "not audio").unwrap();
    let error = FfmpegInput::open("ffmpeg", &path, 0).err().unwrap().to_string();
    assert!(error.contains("Invalid data found"), "{error}");
    let error = FfmpegInput::open("no-such-ffmpeg", &path, 0).err().unwrap();
    assert_eq!(
        (error.kind(), &*error.to_string()),
        (ErrorKind::Ffmpeg, "cannot start \"no-such-ffmpeg\"")
    );
    assert!(format!("{error:?}").starts_with("cannot start \"no-such-ffmpeg\": No such file"));
}

#[test]
fn dropping_the_input_kills_ffmpeg() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = make(folder.path(), &tone(48_000, 1, 2_000_000), 48_000, 1, "long.wav", &[]);
    let mut input = FfmpegInput::open("ffmpeg", &path, 0).unwrap();
    assert_eq!(input.read_samples(&mut [0.0; 10]).unwrap().len(), 10);
    drop(input);
    // No process holds the pipe or the file any more.
    let left = fs::read_dir("/proc").map_or(0, |processes| {
        let needle = path.to_str().unwrap();
        let command = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("cmdline")).ok();
        processes.flatten().filter_map(command).filter(|line| line.contains(needle)).count()
    });
    assert_eq!(left, 0);
}
