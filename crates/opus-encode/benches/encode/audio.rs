//! Audio from the corpus, encoded and decoded.

use std::{env, num::NonZeroUsize, path::PathBuf, process::Command, time::Duration};

use opus_encode::{
    Bitrate, Channels, EncodedStream, Encoder, Options, OpusHead, SliceSource, SyncInterval,
};
use opus_segment_decode::{LibopusDecoder, PacketDecoder};

/// Returns recordings by name, mono at 48 kHz.
pub(crate) fn recordings() -> Vec<(&'static str, Vec<f32>)> {
    let recordings = "tyiannak+pyAudioAnalysis/pyAudioAnalysis/data";
    let mut speech = decode_file(&format!("{recordings}/recording1.wav"));
    speech.extend(decode_file(&format!("{recordings}/recording2.wav")));
    speech.extend(decode_file(&format!("{recordings}/recording3.wav")));
    let music = decode_file("eshaz+wasm-audio-decoders/test/data/ogg.vorbis.chained2.ogg");
    let wildlife = decode_file("kitzeslab+opensoundscape/tests/audio/1min.wav");
    let bats = decode_file(
        "YvesBas+Tadarida-D/test_sample/input/Car450735-2014-Pass2-A1-20140828_211651_000.wav",
    );
    let dictation =
        decode_file(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/field-notes.opus"));
    vec![
        ("speech", speech),
        ("music", music),
        ("wildlife", wildlife),
        ("bats", bats),
        ("rain", rain()),
        ("dictation", dictation),
    ]
}

/// Returns a minute of hiss with 60 drops a second, each a decaying tone: the corpus has no rain.
fn rain() -> Vec<f32> {
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((state >> 40) as f32) / 16_777_216.0
    };
    let mut low = 0.0;
    let mut samples: Vec<f32> = (0..48_000 * 60)
        .map(|_| {
            let white = random() + random() - 1.0;
            low += 0.1 * (white - low);
            0.01 * white + 0.02 * low
        })
        .collect();
    for _ in 0..60 * 60 {
        let start = (random() * 47_900.0 * 60.0) as usize;
        let (loudness, length) = (0.004 * 30f32.powf(random()), 20.0 + 280.0 * random());
        let pitch = 0.1 + 1.1 * random();
        for (at, sample) in (0_u16..2000).zip(&mut samples[start..]) {
            let at = f32::from(at);
            *sample += loudness * (-at / length).exp() * (pitch * at + 1.0).sin();
        }
    }
    samples
}

fn decode_file(path: &str) -> Vec<f32> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus"));
    let corpus = env::var_os("OPUS_ZARR_CORPUS").map_or_else(beside, PathBuf::from);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(corpus.join(path));
    command.args(["-map", "0:a", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]);
    let pcm = command.output().unwrap().stdout;
    assert!(!pcm.is_empty(), "ffmpeg cannot decode {path}");
    pcm.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

pub(crate) fn options(bits: u32) -> Options {
    Options::new(Channels::MONO).bitrate(Bitrate::bits_per_second(bits))
}

/// Encodes in segments.
pub(crate) fn encode(samples: &[f32], options: &Options, threads: usize) -> Vec<Vec<u8>> {
    let threads = NonZeroUsize::new(threads).unwrap();
    let mut stream =
        EncodedStream::new(SliceSource::new(samples, 1, 48_000), options, threads).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = stream.next_packet().unwrap() {
        packets.push(packet.data.to_vec());
    }
    packets
}

/// Encodes with one encoder from start to end.
pub(crate) fn encode_whole(samples: &[f32], options: &Options) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(options).unwrap();
    let frames = samples.chunks_exact(options.frame_len());
    frames.map(|frame| encoder.encode(frame).unwrap().data.to_vec()).collect()
}

pub(crate) fn decoder() -> LibopusDecoder {
    LibopusDecoder::new(&OpusHead::new(1, PRE_SKIP as u16, 0).unwrap()).unwrap()
}

/// Decodes all samples, including those that do not play.
pub(crate) fn decode(packets: &[Vec<u8>]) -> Vec<f32> {
    let (mut decoder, mut all, mut pcm) = (decoder(), Vec::new(), vec![0f32; 5760]);
    for packet in packets {
        let len = decoder.decode(packet, &mut pcm).unwrap();
        all.extend_from_slice(&pcm[..len]);
    }
    all
}

/// An interval beyond the recording: no sync points, but in the same mode.
pub(crate) const NEVER: SyncInterval = SyncInterval(Duration::from_secs(1_000_000));

pub(crate) const PRE_SKIP: usize = 312;

pub(crate) fn energy(samples: impl Iterator<Item = f32>) -> f64 {
    samples.map(|sample| f64::from(sample).powi(2)).sum()
}

/// Returns the SNR in dB of audio that was decoded from the start.
pub(crate) fn snr(signal: &[f32], decoded: &[f32]) -> f64 {
    let noise = energy(signal.iter().zip(&decoded[PRE_SKIP..]).map(|(a, b)| a - b));
    10.0 * (energy(signal.iter().copied()) / noise).log10()
}

/// Returns the value below which this share lies.
pub(crate) fn quantile<T: Copy>(sorted: &[T], share: f64) -> T {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
