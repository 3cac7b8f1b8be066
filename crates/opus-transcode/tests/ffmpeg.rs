//! The process of ffmpeg, where there is one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::fs;

use opus_transcode::{AudioInput, Error, FfmpegInput};
use support::{has_ffmpeg, make, say_skipped, tone};

#[test]
fn what_is_not_decoded_here_comes_through_ffmpeg() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(44_100, 2, 100_000);
    let path = make(folder.path(), &source, 44_100, 2, "tone.wma", &["-c:a", "wmav2"]);
    let error = AudioInput::open(&path, 0).err().unwrap();
    assert!(matches!(error, Error::UnknownFormat { .. }), "{error}");
    let mut input = FfmpegInput::open("ffmpeg", &path, 0).unwrap();
    assert_eq!((input.rate(), input.channels()), (44_100, 2));
    assert!(input.version().starts_with("ffmpeg version"));
    let (mut all, mut buffer) = (Vec::new(), vec![0.0; 2 * 1000 + 1]);
    loop {
        let frames = input.read(&mut buffer).unwrap();
        all.extend_from_slice(&buffer[..frames * 2]);
        if frames < 1000 {
            break;
        }
    }
    assert_eq!(input.read(&mut buffer).unwrap(), 0);
    assert_eq!(all, support::ffmpeg_decodes(&path));
}

#[test]
fn why_ffmpeg_fails_is_said() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise");
    fs::write(&path, "this is no audio").unwrap();
    let error = FfmpegInput::open("ffmpeg", &path, 0).err().unwrap().to_string();
    assert!(error.contains("Invalid data found"), "{error}");
    let error = FfmpegInput::open("no-such-ffmpeg", &path, 0).err().unwrap().to_string();
    assert!(error.starts_with("cannot start \"no-such-ffmpeg\""), "{error}");
}

#[test]
fn an_ffmpeg_that_is_dropped_is_dead() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = make(folder.path(), &tone(48_000, 1, 2_000_000), 48_000, 1, "long.wav", &[]);
    let mut input = FfmpegInput::open("ffmpeg", &path, 0).unwrap();
    assert_eq!(input.read(&mut [0.0; 10]).unwrap(), 10);
    drop(input);
    // Nobody is left who holds the pipe or the file.
    let left = fs::read_dir("/proc").map_or(0, |processes| {
        let needle = path.to_str().unwrap();
        let command = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("cmdline")).ok();
        processes.flatten().filter_map(command).filter(|line| line.contains(needle)).count()
    });
    assert_eq!(left, 0);
}
