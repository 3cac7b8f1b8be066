use std::{
    env,
    io::{self, Write},
    path::PathBuf,
    process::Command,
};

use opus_encode::{Application, Bitrate, Channels, Encoder, Options};

use crate::{
    Encoded,
    audio::{noise, snr},
    encode,
};

#[test]
fn packets_do_not_depend_on_the_number_of_threads() {
    for channels in [Channels::MONO, Channels::STEREO, Channels::new(6).unwrap()] {
        let samples = noise(48_000 * 23 + 77, usize::from(channels.count()));
        for application in [Application::Audio, Application::Voip] {
            let mut options = Options::new(channels);
            options.application = application;
            let single = encode(&samples, &options, 1);
            for threads in [2, 5] {
                let together = encode(&samples, &options, threads);
                assert!(single.packets == together.packets, "{channels:?}, {threads} threads");
                assert_eq!(single.timeline, together.timeline);
                assert_eq!(single.sync_points, together.sync_points);
                assert!(single.sync_points.len() > 20);
            }
        }
    }
}

/// Compares each second with the source. Those with a seam in the middle must be as good as the
/// others.
#[test]
fn seams_are_as_good_as_the_rest() {
    let samples = noise(48_000 * 65, 1);
    let mut options = Options::new(Channels::MONO);
    options.bitrate = Bitrate::bits_per_second(64_000);
    let decoded = encode(&samples, &options, 2).decode();
    let around = |second: usize| {
        // The packet of the sync point is audible from its pre-skip on.
        let at = 48_000 * second - 312;
        snr(&samples[at..at + 960], &decoded[at..at + 960])
    };
    let mean = |seconds: &[usize]| {
        seconds.iter().map(|&second| around(second)).sum::<f64>() / seconds.len() as f64
    };
    let (seams, others): (Vec<usize>, Vec<usize>) = (1..64).partition(|second| second % 10 == 0);
    let (seams, others) = (mean(&seams), mean(&others));
    assert!((seams - others).abs() < 0.5, "{seams:.2} dB at seams, {others:.2} dB elsewhere");
}

/// Measures, in real recordings, what the 60 ms after seams lose against a single encoder.
#[test]
fn seams_are_as_good_as_the_rest_in_real_audio() {
    let recordings = "tyiannak+pyAudioAnalysis/pyAudioAnalysis/data";
    for path in [
        format!("{recordings}/recording1.wav"),
        "eshaz+wasm-audio-decoders/test/data/ogg.vorbis.chained2.ogg".to_owned(),
        "kitzeslab+opensoundscape/tests/audio/1min.wav".to_owned(),
    ] {
        let Some(samples) = corpus(&path) else { return };
        let (mut lost, mut windows) = (0.0, 0);
        for shift in 0..6 {
            let samples = &samples[shift * 37_777..];
            let mut options = Options::new(Channels::MONO);
            options.bitrate = Bitrate::bits_per_second(64_000);
            let cut = encode(samples, &options, 2);
            let (whole, cut) = (encode_whole(samples, &options, &cut).decode(), cut.decode());
            for seam in (480_000..cut.len() - 4800).step_by(480_000) {
                for window in 0..3 {
                    let start = seam - 312 + window * 960;
                    let range = start..start + 960;
                    let snr = |other: &[f32]| snr(&samples[range.clone()], &other[range.clone()]);
                    (lost, windows) = (lost + snr(&whole) - snr(&cut), windows + 1);
                }
            }
        }
        let lost = lost / f64::from(windows);
        assert!(windows >= 60 && lost < 0.5, "{path}: {lost:.2} dB lost in {windows} windows");
    }
}

fn encode_whole(samples: &[f32], options: &Options, like: &Encoded) -> Encoded {
    let mut encoder = Encoder::new(options).unwrap();
    let len = like.packets.len() * options.frame_len();
    let mut samples = samples.to_vec();
    samples.resize(len, 0.0);
    let frames = samples.chunks_exact(options.frame_len());
    let packets = frames.map(|frame| encoder.encode(frame).unwrap().data.to_vec()).collect();
    Encoded { head: like.head.clone(), packets, timeline: like.timeline, sync_points: Vec::new() }
}

/// Returns a minute of a recording, mono, at 48 kHz.
fn corpus(path: &str) -> Option<Vec<f32>> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus"));
    let corpus = env::var_os("OPUS_ZARR_CORPUS").map_or_else(beside, PathBuf::from);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-t", "60", "-i"]).arg(corpus.join(path));
    command.args(["-map", "0:a", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]);
    if !corpus.exists() {
        // The test harness would swallow `eprintln!`.
        let _ = writeln!(io::stderr(), "SKIPPED: no corpus of real recordings");
        return None;
    }
    let pcm = command.output().unwrap().stdout;
    assert!(!pcm.is_empty(), "ffmpeg cannot decode {path}");
    Some(pcm.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect())
}
