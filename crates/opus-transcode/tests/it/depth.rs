//! The encoder knows how finely the source was quantized.

use std::{f32::consts::TAU, fs, path::Path, process::Command};

use ogg_opus_demux::OggOpusReader;
use opus_transcode::{AudioFile, Bitrate, ReadOptions, SampleDepth, TranscodeOptions, Transcoder};

use crate::audio::{has_ffmpeg, make, say_skipped, tone};

/// Names, how ffmpeg writes them, and the bits of a sample.
const KINDS: [(&str, &[&str], u8); 19] = [
    ("u8.wav", &["-c:a", "pcm_u8"], 8),
    ("s16.wav", &["-c:a", "pcm_s16le"], 16),
    ("s24.wav", &["-c:a", "pcm_s24le"], 24),
    ("s32.wav", &["-c:a", "pcm_s32le"], 24),
    ("f32.wav", &["-c:a", "pcm_f32le"], 24),
    ("law.wav", &["-c:a", "pcm_mulaw"], 16),
    ("ms.wav", &["-c:a", "adpcm_ms"], 16),
    ("s16.aiff", &["-c:a", "pcm_s16be"], 16),
    ("f32.aif", &["-c:a", "pcm_f32be", "-f", "aiff"], 24),
    ("s16.caf", &["-c:a", "pcm_s16be"], 16),
    ("alac.caf", &["-c:a", "alac", "-sample_fmt", "s16p"], 16),
    ("alac24.m4a", &["-c:a", "alac", "-sample_fmt", "s32p"], 24),
    ("alac.mka", &["-c:a", "alac", "-sample_fmt", "s16p"], 16),
    ("s16.flac", &["-c:a", "flac", "-sample_fmt", "s16"], 16),
    ("s24.flac", &["-c:a", "flac", "-sample_fmt", "s32"], 24),
    ("flac.oga", &["-c:a", "flac", "-sample_fmt", "s16"], 16),
    ("flac.mka", &["-c:a", "flac", "-sample_fmt", "s16"], 16),
    ("lame.mp3", &["-c:a", "libmp3lame", "-b:a", "192k"], 24),
    ("aac.m4a", &["-c:a", "aac", "-b:a", "192k"], 24),
];

#[test]
fn every_kind_of_file_states_its_depth() {
    if !has_ffmpeg() {
        return say_skipped("depths: no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let samples = tone(48_000, 2, 4_800);
    for (name, options, bits) in KINDS {
        let path = make(folder.path(), &samples, 48_000, 2, name, options);
        let file = AudioFile::open(&path, &ReadOptions::default()).unwrap();
        assert_eq!(file.format().depth.get(), bits, "{name}");
        let transcoder = Transcoder::new(file, &TranscodeOptions::default()).unwrap();
        // With fewer, libopus saves too much.
        let expected = SampleDepth::of_bits(bits.max(16).into());
        assert_eq!(transcoder.settings().depth, expected, "{name}");
    }
}

#[test]
fn the_valid_bits_of_an_extensible_format_count() {
    let mut file = fs::read(testdata("wave/whole.wav")).unwrap();
    let at = file.windows(4).position(|four| four == b"fmt ").unwrap();
    let extended = [&[40, 0, 0, 0, 0xfe, 0xff, 1, 0][..], &file[at + 12..at + 24]].concat();
    let more = [22, 0, 12, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38];
    let all = [&b"fmt "[..], &extended, &more, &[0x9b, 0x71]].concat();
    file.splice(at..at + 24, all);
    let path = tempfile::NamedTempFile::new().unwrap();
    fs::write(path.path(), file).unwrap();
    let file = AudioFile::open(path.path(), &ReadOptions::default()).unwrap();
    assert_eq!(file.format().depth.get(), 12);
}

fn testdata(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// Quiet nights are what field recorders hold. Without the depth, dither alone takes 3.4 times the
/// bytes that opusenc needs, and a decaying pluck 2.4 times.
#[test]
fn quiet_audio_takes_the_bytes_that_opusenc_takes() {
    if Command::new("opusenc").arg("-V").output().is_err() {
        return say_skipped("bytes of quiet audio: no opusenc");
    }
    for (what, rate, sound) in [
        ("dither", 48_000, dither as fn(usize, u32, &mut Random) -> f32),
        ("plucks", 48_000, plucks),
        ("resampled dither", 44_100, dither),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quiet.wav");
        write_wave(&path, rate, sound);
        let (ours, theirs) = (our_bytes(&path), bytes_of_opusenc(&path));
        let ratio = ours as f64 / theirs as f64;
        println!("{what}: {ours} bytes, {ratio:.3} times opusenc's");
        assert!((0.95..1.05).contains(&ratio), "{what}: {ours} bytes, opusenc {theirs}");
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 40) as f32 / 16_777_216.0
    }
}

/// Returns -1, 0 or 1: silence with triangular dither.
fn dither(_: usize, _: u32, random: &mut Random) -> f32 {
    (random.next() + random.next() - 1.0).round()
}

/// Every ten seconds a string that soon sounds below the last bit.
fn plucks(at: usize, rate: u32, random: &mut Random) -> f32 {
    let time = (at % (10 * rate as usize)) as f32 / rate as f32;
    let partial = |n: f32| (TAU * 220.0 * n * time).sin() * (-time * (1.0 + n)).exp() / n;
    let string: f32 = (1..=8_u8).map(|n| partial(n.into())).sum();
    (12_000.0 * string + random.next() + random.next() - 1.0).round()
}

/// Writes a minute of stereo in 16 bits.
fn write_wave(path: &Path, rate: u32, sound: fn(usize, u32, &mut Random) -> f32) {
    let mut random = Random(1);
    let frames = 60 * rate as usize;
    let samples = (0..2 * frames).map(|at| sound(at / 2, rate, &mut random) as i16);
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let len = data.len() as u32;
    let header = [
        &b"RIFF"[..],
        &(36 + len).to_le_bytes(),
        b"WAVEfmt \x10\0\0\0\x01\0\x02\0",
        &rate.to_le_bytes(),
        &(4 * rate).to_le_bytes(),
        b"\x04\0\x10\0data",
        &len.to_le_bytes(),
    ];
    fs::write(path, [header.concat(), data].concat()).unwrap();
}

fn our_bytes(path: &Path) -> usize {
    let file = AudioFile::open(path, &ReadOptions::default()).unwrap();
    let options = TranscodeOptions::default().bitrate(Bitrate::bits_per_second(128_000));
    let mut transcoder = Transcoder::new(file, &options).unwrap();
    let mut bytes = 0;
    while let Some(packet) = transcoder.next_packet().unwrap() {
        bytes += packet.data.len();
    }
    bytes
}

fn bytes_of_opusenc(path: &Path) -> usize {
    let opus = path.with_extension("opus");
    let mut command = Command::new("opusenc");
    command.args(["--quiet", "--bitrate", "128"]).args([path, &opus]);
    assert!(command.output().unwrap().status.success());
    let mut reader = OggOpusReader::strict(fs::File::open(opus).unwrap()).unwrap();
    let mut bytes = 0;
    while let Some(packet) = reader.next_located().unwrap() {
        bytes += packet.data.len();
    }
    bytes
}
