//! What the index costs: at most 3 bytes a packet where lengths vary, and 1 % of the
//! blob where they do not.
//!
//! `cargo test --test index_size -- --nocapture` prints the figures of
//! `docs/benchmarks.md`.

use std::{fs::File, io::BufWriter, path::Path};

use magnum_opus::{Application, Bitrate, Channels, Encoder};
use ogg_opus_demux::OggOpusWriter;
use opus_packet::{OpusHead, OpusTags};
use opus_zarr::Recording;
use opus_zarr_testkit::{
    Random, every_opus_file,
    recordings::{MONO, STEREO, all, import_to, store_of},
};
use tempfile::TempDir;

/// Samples of a packet: 20 ms at 48 kHz.
const PACKET: usize = 960;
/// 200 s: a full chunk of the index.
const PACKETS: usize = 10_000;

#[test]
fn speech_of_varying_bitrate() {
    let (_folder, recording) = encode(&cuts(MONO), 1, 24_000, true);
    assert!(bytes_per_packet("speech, mono, 24 kb/s VBR", &recording) <= 3.0);
}

#[test]
fn wildlife_of_varying_bitrate() {
    let (_folder, recording) = encode(&cuts(STEREO), 2, 64_000, true);
    assert!(bytes_per_packet("chirps and wind, stereo, 64 kb/s VBR", &recording) <= 3.0);
}

#[test]
fn music_of_varying_bitrate() {
    let (_folder, recording) = encode(&music(), 2, 128_000, true);
    assert!(bytes_per_packet("chords and drums, stereo, 128 kb/s VBR", &recording) <= 3.0);
}

/// The more bytes a packet has, the more its length and place say that cannot be known
/// before; but the less they are beside it.
#[test]
fn music_of_a_high_bitrate() {
    let (_folder, recording) = encode(&music(), 2, 256_000, true);
    bytes_per_packet("chords and drums, stereo, 256 kb/s VBR", &recording);
    let (index, blob) = sizes(&recording);
    assert!(index * 100 <= blob, "{index} bytes of index for {blob} of blob");
}

#[test]
fn speech_of_constant_bitrate() {
    let (_folder, recording) = encode(&cuts(MONO), 1, 24_000, false);
    bytes_per_packet("speech, mono, 24 kb/s CBR", &recording);
    let (index, blob) = sizes(&recording);
    assert!(index * 100 <= blob, "{index} bytes of index for {blob} of blob");
}

/// Of real files: these are short, and pay for a part-filled chunk.
#[test]
fn real_files() {
    let Some(mut files) = every_opus_file() else { return };
    let bytes =
        |file: &opus_zarr_testkit::CorpusFile| file.path.metadata().map_or(0, |file| file.len());
    files.sort_by_key(|file| std::cmp::Reverse(bytes(file)));
    for file in files.iter().take(20) {
        let folder = tempfile::tempdir().unwrap();
        let Ok(imported) = import_to(&file.path, folder.path(), "it") else { continue };
        for recording in imported.recordings.iter().filter(|it| it.info().packet_count > 2000) {
            assert!(bytes_per_packet(&file.name, recording) <= 4.0);
        }
    }
}

/// Bytes of the index of a recording for each of its packets.
fn bytes_per_packet(what: &str, recording: &Recording) -> f64 {
    let (packets, (index, blob)) = (recording.info().packet_count, sizes(recording));
    let each = decimal(index) / decimal(packets);
    let percent = 100.0 * decimal(index) / decimal(blob);
    println!("{what}: {packets} packets, {each:.2} bytes each, {percent:.2} % of the blob");
    each
}

fn sizes(recording: &Recording) -> (u64, u64) {
    (recording.index_info().unwrap().bytes, recording.info().blob_bytes)
}

fn decimal(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

/// Imports what libopus makes of interleaved samples.
fn encode(
    samples: &[i16],
    channels: u8,
    bits_per_second: i32,
    is_variable: bool,
) -> (TempDir, Recording) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("it.opus");
    write(&file, samples, channels, encoder(channels, bits_per_second, is_variable));
    let recording = import_to(&file, folder.path().join("store"), "it").unwrap().into_first();
    (folder, recording)
}

fn encoder(channels: u8, bits_per_second: i32, is_variable: bool) -> Encoder {
    let (channels, kind) = match channels {
        1 => (Channels::Mono, Application::Voip),
        _ => (Channels::Stereo, Application::Audio),
    };
    let mut encoder = Encoder::new(48_000, channels, kind).unwrap();
    encoder.set_bitrate(Bitrate::Bits(bits_per_second)).unwrap();
    encoder.set_vbr(is_variable).unwrap();
    encoder.set_vbr_constraint(false).unwrap();
    encoder
}

fn write(file: &Path, samples: &[i16], channels: u8, mut encoder: Encoder) {
    let head = OpusHead::new(channels, 312, 48_000).unwrap();
    let tags = OpusTags::new("test", []);
    let out = BufWriter::new(File::create(file).unwrap());
    let mut writer = OggOpusWriter::new(out, 1, &head, &tags).unwrap();
    for packet in samples.chunks_exact(PACKET * usize::from(channels)) {
        writer.write(&encoder.encode_vec(packet, 4000).unwrap()).unwrap();
    }
    writer.finish(0).unwrap();
}

/// A recording of `testdata/` in random pieces, each at a level and over a hiss of its
/// own, so that packets do not repeat as they would if it were looped.
fn cuts(file: &str) -> Vec<i16> {
    let (_store, recording) = store_of(file);
    let (samples, channels) = (all::<i16>(&recording), usize::from(recording.info().channels));
    let (mut random, mut out) = (Random(1), Vec::new());
    while out.len() < PACKETS * PACKET * channels {
        let len = channels * small(random.below(100_000) + 10_000);
        let start = channels * small(random.below(wide((samples.len() - len) / channels)));
        let (level, hiss) = (3000 + random.below(7000), 2 + random.below(100));
        out.extend(samples[start..start + len].iter().map(|&sample| {
            let sample = i64::from(sample) * i64::try_from(level).unwrap() / 10_000;
            let noise = i64::try_from(random.below(2 * hiss)).unwrap() - 50;
            i16::try_from(sample + noise).unwrap_or_default()
        }));
    }
    out.truncate(PACKETS * PACKET * channels);
    out
}

/// Chords of plucked strings, left and right, over drums: two beats a second.
fn music() -> Vec<i16> {
    let table = string();
    let mut random = Random(2);
    let mut out = Vec::new();
    while out.len() < PACKETS * PACKET * 2 {
        let beat = 18_000 + random.below(12_000);
        let notes: Vec<(u64, u64)> =
            (0..4).map(|_| (random.below(25) + 36, random.below(9))).collect();
        let drum = random.below(3);
        for at in 0..beat {
            let fade = f64::from(u32::try_from(at).unwrap());
            let mut sides = [0.0; 2];
            for (key, side) in &notes {
                let step = 110.0 * 2f64.powf((decimal(*key) - 36.0) / 12.0) * 2048.0 / 48_000.0;
                let sample = table[whole(fade * step) % 2048] * (-fade / 15_000.0).exp();
                sides[0] += sample * decimal(8 - side) / 8.0;
                sides[1] += sample * decimal(*side) / 8.0;
            }
            let noise = decimal(random.below(2000)) - 1000.0;
            let hit = decimal(drum) * noise * (-fade / 2500.0).exp() * 2.0;
            out.extend(sides.map(|side| clip(2500.0 * side + hit)));
        }
    }
    out.truncate(PACKETS * PACKET * 2);
    out
}

/// A period of a sound with eight harmonics.
fn string() -> Vec<f64> {
    let phase = |at: u32| f64::from(at) * std::f64::consts::TAU / 2048.0;
    let tone = |at| (1..=8).map(|n| (phase(at) * f64::from(n)).sin() / f64::from(n)).sum();
    (0..2048).map(tone).collect()
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it saturates")]
fn clip(sample: f64) -> i16 {
    sample as i16
}

#[allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is a place in a table"
)]
fn whole(number: f64) -> usize {
    number as usize
}

fn small(number: u64) -> usize {
    number.try_into().unwrap()
}

fn wide(number: usize) -> u64 {
    number.try_into().unwrap()
}
