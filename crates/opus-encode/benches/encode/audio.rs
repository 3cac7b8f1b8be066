//! Audio from the corpus, encoded and decoded.

use std::{env, num::NonZeroUsize, path::PathBuf, process::Command};

use opus_encode::{Bitrate, Channels, EncodedStream, Encoder, Options, OpusHead, SliceSource};
use opus_segment_decode::{LibopusDecoder, PacketDecoder};

/// Returns recordings by name, mono at 48 kHz.
pub(crate) fn recordings() -> Vec<(&'static str, Vec<f32>)> {
    let recordings = "tyiannak+pyAudioAnalysis/pyAudioAnalysis/data";
    let mut speech = decode_file(&format!("{recordings}/recording1.wav"));
    speech.extend(decode_file(&format!("{recordings}/recording2.wav")));
    speech.extend(decode_file(&format!("{recordings}/recording3.wav")));
    let music = decode_file("eshaz+wasm-audio-decoders/test/data/ogg.vorbis.chained2.ogg");
    let wildlife = decode_file("kitzeslab+opensoundscape/tests/audio/1min.wav");
    vec![("speech", speech), ("music", music), ("wildlife", wildlife)]
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
