//! Every container × codec × layout that ffmpeg writes, read next to ffmpeg's own decoder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use opus_transcode::{AudioFile, Error, ErrorKind, ReadOptions};

use crate::audio::{has_ffmpeg, lag, say_skipped, snr, tone};

const FRAMES: usize = 12_347;
const RATE: u32 = 48_000;
const LAYOUTS: [usize; 3] = [1, 2, 6];

/// Containers by extension, options, and the codecs that ffmpeg 5.1 writes into them.
const TABLE: [(&str, &[&str], &str); 25] = [
    (
        "wav",
        &[],
        "u8 s16le s24le s32le s64le f32le f64le alaw mulaw ima_wav ms mp3 flac aac vorbis",
    ),
    ("rf64", &["-f", "wav", "-rf64", "always"], "u8 s16le s24le s32le f32le f64le alaw mulaw"),
    ("w64", &[], "u8 s16le s24le s32le s64le f32le f64le alaw mulaw mp3 flac"),
    ("aiff", &[], "u8 s8 s16le s16be s24be s32be f32be f64be alaw mulaw"),
    ("au", &[], "s8 s16be s24be s32be f32be f64be alaw mulaw"),
    ("caf", &[], "s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be alaw mulaw"),
    ("caf", &[], "alac flac mp3 opus"),
    ("mov", &[], "u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be alaw mulaw"),
    ("mov", &[], "s64le alac aac mp3 vorbis"),
    ("mp4", &[], "alac flac aac mp3 vorbis opus"),
    ("m4a", &[], "alac aac"),
    ("mka", &[], "u8 s16le s16be s24le s24be s32le s32be f32le f64le alaw mulaw s64le"),
    ("mka", &[], "alac flac aac mp3 vorbis opus"),
    ("webm", &[], "vorbis opus"),
    ("ogg", &[], "flac vorbis opus"),
    ("flac", &[], "flac"),
    ("mp3", &[], "mp3"),
    ("aac", &[], "aac"),
    ("voc", &[], "u8 s16le alaw mulaw"),
    ("avi", &[], "u8 s16le mp3 aac"),
    ("ac3", &[], "ac3"),
    ("nut", &[], "s16le"),
    ("ts", &[], "mp3 aac"),
    ("wv", &[], "wavpack"),
    ("spx", &["-ar", "16000"], "speex"),
];

/// What we refuse: containers, codecs (none for all), channels (0 for all), and what the error names.
const REFUSED: [(&str, &str, usize, &str); 16] = [
    // Nobody else reads these in RIFF.
    ("wav w64", "flac", 0, "FLAC"),
    ("wav", "aac", 0, "AAC"),
    ("wav", "vorbis", 0, "Vorbis"),
    // ffmpeg states 16 bits, and reads noise.
    ("mov", "s64le", 0, "no audio track of a known kind"),
    // No standard defines these.
    ("mov", "vorbis", 0, "no audio track of a known kind"),
    ("mp4", "vorbis", 0, "an unknown codec"),
    // The file lacks the header that describes the frames.
    ("caf", "flac", 0, "FLAC"),
    // Opus is not transcoded: `opus-demux` reads its packets.
    ("caf mp4 mka webm ogg", "opus", 0, "Opus needs no transcoding"),
    // symphonia decodes one or two channels.
    ("mov mp4 m4a mka aac", "aac", 6, "AAC"),
    ("voc", "", 0, "Creative Voice"),
    ("avi", "", 0, "AVI"),
    ("ac3", "", 0, "AC-3"),
    ("nut", "", 0, "NUT"),
    ("ts", "", 0, "MPEG transport stream"),
    ("wv", "", 0, "WavPack"),
    ("spx", "", 0, "Speex"),
];

/// A file that ffmpeg wrote.
struct Sample {
    container: &'static str,
    codec: &'static str,
    channels: usize,
    path: PathBuf,
}

#[test]
fn everything_that_ffmpeg_writes_is_read_like_ffmpeg_or_refused_by_name() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let found: Vec<(usize, Vec<String>)> = thread::scope(|scope| {
        let work = |channels: usize| check(folder.path(), channels);
        let running = LAYOUTS.map(|channels| scope.spawn(move || work(channels)));
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let read: usize = found.iter().map(|(read, _)| read).sum();
    let wrong: Vec<_> = found.into_iter().flat_map(|(_, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "{read} right, {} wrong: {wrong:#?}", wrong.len());
    assert!(read > 200, "{read}");
}

/// Returns how many files were read, and what is wrong about others.
fn check(folder: &Path, channels: usize) -> (usize, Vec<String>) {
    let source = noisy_tone(channels);
    let (mut read, mut wrong) = (0, Vec::new());
    for (number, (container, options, codecs)) in TABLE.iter().enumerate() {
        let folder = folder.join(format!("{number}-{channels}"));
        fs::create_dir(&folder).unwrap();
        let name = |codec: &str| folder.join(format!("{codec}.{}", extension(container)));
        let codecs = codecs.split(' ').filter(|codec| channels <= most_channels(codec));
        let samples: Vec<Sample> =
            codecs.map(|codec| Sample { container, codec, channels, path: name(codec) }).collect();
        write(&folder, &source, channels, options, &samples);
        let theirs = decode(&folder, &samples);
        for (sample, theirs) in samples.iter().zip(theirs) {
            match judge(sample, &source, &theirs) {
                Ok(true) => read += 1,
                Ok(false) => {}
                Err(text) => wrong.push(format!("{container} {} {channels}: {text}", sample.codec)),
            }
        }
    }
    (read, wrong)
}

/// Returns whether a file was read, and not refused as expected, or what is wrong.
fn judge(sample: &Sample, source: &[f32], theirs: &[f32]) -> Result<bool, String> {
    let Sample { container, codec, channels, path } = sample;
    if !path.exists() {
        // Another version of ffmpeg may write less; the test counts what was read.
        return Ok(false);
    }
    let refused = REFUSED.iter().find(|(containers, codecs, layout, _)| {
        containers.split(' ').any(|one| one == *container)
            && (codecs.is_empty() || codecs.split(' ').any(|one| one == *codec))
            && (*layout == 0 || layout == channels)
    });
    let (ours, findings) = match (read(path), refused) {
        (Err(error), Some((.., name))) => {
            use ErrorKind::{NoAudio, Opus, Unsupported};
            let is_typed = matches!(error.kind(), NoAudio | Opus | Unsupported);
            let is_named = is_typed && error.to_string().contains(name);
            return if is_named {
                Ok(false)
            } else {
                Err(format!("{:?}: {error:?}", error.kind()))
            };
        }
        (Ok(_), Some(_)) => return Err("read although it is to be refused".into()),
        (Err(error), None) => return Err(format!("{:?}: {error:?}", error.kind())),
        (Ok(read), None) => read,
    };
    let (frames, lag) = (ours.len() / channels, lag(&ours, source, *channels));
    let text = |what: &str| {
        let theirs = theirs.len() / channels;
        format!("{what}: {frames} frames, ffmpeg {theirs}, lag {lag:?}, {findings:?}")
    };
    let Some((after, min_snr)) = lossy(container, codec) else {
        // ffmpeg counts the padding after the samples in RF64 and W64.
        let padding = if matches!(*container, "rf64" | "w64") { 8 } else { 0 };
        let is_long = (FRAMES..=FRAMES + padding).contains(&frames);
        return if ours == theirs && is_long { Ok(true) } else { Err(text("differs")) };
    };
    let like_theirs = DELAYS
        .map(|delay| snr(&ours, theirs, -delay * i64::try_from(*channels).unwrap()))
        .into_iter()
        .fold(0.0, f64::max);
    let like_source = snr(&ours, source, 0);
    let is_long = (FRAMES..=FRAMES + after).contains(&frames);
    if lag == Some(0) && is_long && like_theirs >= 60.0 && like_source >= min_snr {
        return Ok(true);
    }
    Err(text(&format!("{like_source:.0} dB, {like_theirs:.0} dB to ffmpeg")))
}

/// Frames that ffmpeg plays before the audio: none, or the delay of AAC, of LAME, or of any MP3.
const DELAYS: [i64; 4] = [0, 1024, 1105, 1057];

/// Returns how many frames may follow the source, and the SNR; `None` for lossless codecs.
fn lossy(container: &str, codec: &str) -> Option<(usize, f64)> {
    Some(match (codec, container) {
        ("alaw" | "mulaw", _) => return None,
        ("mp3", "mp3" | "mp4" | "mov") => (0, 15.0),
        ("mp3", _) => (2304, 15.0),
        ("aac", "mp4" | "m4a" | "mov") => (0, 15.0),
        ("aac", _) => (1024, 15.0),
        ("vorbis", "ogg") => (0, 8.0),
        // The file does not state where its last block ends.
        ("vorbis", _) => (1024, 8.0),
        ("ima_wav" | "ms", _) => (2048, 10.0),
        _ => return None,
    })
}

fn most_channels(codec: &str) -> usize {
    match codec {
        "mp3" | "ima_wav" | "ms" | "wavpack" | "speex" => 2,
        _ => 6,
    }
}

fn extension(container: &str) -> &str {
    if container == "rf64" { "wav" } else { container }
}

/// Sweeps with noise 30 dB below.
fn noisy_tone(channels: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32 * 0.03
    });
    tone(RATE, channels, FRAMES).into_iter().zip(noise).map(|(tone, noise)| tone + noise).collect()
}

/// Writes all samples with one process, or each with its own if that fails.
fn write(folder: &Path, source: &[f32], channels: usize, options: &[&str], samples: &[Sample]) {
    let raw = folder.join("raw");
    fs::write(&raw, source.iter().flat_map(|one| one.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    let run = |samples: &[Sample]| {
        let (rate, channels) = (RATE.to_string(), channels.to_string());
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-y", "-f", "f32le"]);
        ffmpeg.args(["-ar", &rate, "-ac", &channels, "-i"]).arg(&raw);
        for sample in samples {
            ffmpeg.args(encoder(sample.codec)).args(options).arg(&sample.path);
        }
        ffmpeg.output().unwrap().status.success()
    };
    if !run(samples) {
        for sample in samples {
            if !run(std::slice::from_ref(sample)) {
                let _ = fs::remove_file(&sample.path);
            }
        }
    }
}

fn encoder(codec: &str) -> Vec<String> {
    let name = match codec {
        "alac" | "flac" | "aac" | "ac3" | "wavpack" => codec.to_owned(),
        "mp3" => "libmp3lame".to_owned(),
        "vorbis" | "opus" | "speex" => format!("lib{codec}"),
        "ima_wav" | "ms" => format!("adpcm_{codec}"),
        pcm => format!("pcm_{pcm}"),
    };
    let rest = match codec {
        "mp3" => "-b:a 256k",
        "aac" => "-b:a 320k",
        "vorbis" => "-q:a 9",
        "alac" => "-sample_fmt s32p",
        _ => "-strict -2",
    };
    [&["-c:a".to_owned(), name][..], &rest.split(' ').map(str::to_owned).collect::<Vec<_>>()]
        .concat()
}

/// Returns what ffmpeg decodes of each sample, with one process for all.
fn decode(folder: &Path, samples: &[Sample]) -> Vec<Vec<f32>> {
    let written: Vec<_> = samples.iter().filter(|sample| sample.path.exists()).collect();
    let raw = |number: usize| folder.join(format!("{number}.f32"));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "quiet"]);
    for sample in &written {
        ffmpeg.arg("-i").arg(&sample.path);
    }
    for number in 0..written.len() {
        ffmpeg.args(["-map", &format!("{number}:a:0"), "-f", "f32le"]).arg(raw(number));
    }
    ffmpeg.output().unwrap();
    let mut number = 0;
    let mut read = |sample: &Sample| {
        if !sample.path.exists() {
            return Vec::new();
        }
        number += 1;
        let bytes = fs::read(raw(number - 1)).unwrap_or_default();
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    };
    samples.iter().map(&mut read).collect()
}

fn read(path: &Path) -> Result<(Vec<f32>, Vec<String>), Error> {
    let mut file = AudioFile::open(path, &ReadOptions::default())?;
    let (mut all, mut buffer) = (Vec::new(), vec![0.0; 1000 * file.channels()]);
    loop {
        let samples = file.read_samples(&mut buffer)?;
        if samples.is_empty() {
            return Ok((all, file.findings()));
        }
        all.extend_from_slice(samples);
    }
}
