//! The size of the index: at most 3 bytes per packet at a variable bit rate, and at most 1 % of the
//! blob at a constant or high one.
//!
//! `cargo test -p opus-zarr index_size -- --nocapture` prints the figures in `docs/benchmarks.md`.

use std::{fs::File, io::BufWriter, path::Path};

use magnum_opus::{Application, Bitrate, Channels, Encoder};
use ogg_opus_demux::OggOpusWriter;
use opus_packet::{OpusHead, OpusTags};
use opus_zarr::Recording;
use opus_zarr_testkit::{
    Random, fast_folder,
    recordings::{MONO, STEREO, all, import_to, store_of},
    stored::{Stored, every_stored_file},
};
use tempfile::TempDir;

/// The duration of a packet: 20 ms in samples at 48 kHz.
const PACKET: usize = 960;
/// 200 s: a full chunk of the index.
const PACKETS: usize = 10_000;

#[test]
fn speech_at_a_variable_bit_rate() {
    let (_folder, recording) = encode(&cuts(MONO), 1, 24_000, true);
    assert!(bytes_per_packet("speech, mono, 24 kb/s VBR", &recording) <= 3.0);
}

#[test]
fn wildlife_at_a_variable_bit_rate() {
    let (_folder, recording) = encode(&cuts(STEREO), 2, 64_000, true);
    assert!(bytes_per_packet("chirps and wind, stereo, 64 kb/s VBR", &recording) <= 3.0);
}

#[test]
fn music_at_a_variable_bit_rate() {
    let (_folder, recording) = encode(&music(), 2, 128_000, true);
    assert!(bytes_per_packet("chords and drums, stereo, 128 kb/s VBR", &recording) <= 3.0);
}

/// The lengths of large packets are less predictable, but take less space relative to the packets.
#[test]
fn music_at_a_high_bit_rate() {
    let (_folder, recording) = encode(&music(), 2, 256_000, true);
    bytes_per_packet("chords and drums, stereo, 256 kb/s VBR", &recording);
    let (index, blob) = sizes(&recording);
    assert!(index * 100 <= blob, "{index} bytes of index for {blob} of blob");
}

#[test]
fn speech_at_a_constant_bit_rate() {
    let (_folder, recording) = encode(&cuts(MONO), 1, 24_000, false);
    bytes_per_packet("speech, mono, 24 kb/s CBR", &recording);
    let (index, blob) = sizes(&recording);
    assert!(index * 100 <= blob, "{index} bytes of index for {blob} of blob");
}

/// Real files are short, and pay for a chunk that is partly empty.
#[test]
fn the_largest_real_files() {
    let Some(mut files) = every_stored_file() else { return };
    let bytes = |stored: &Stored| stored.file.path.metadata().map_or(0, |file| file.len());
    files.sort_by_key(|stored| std::cmp::Reverse(bytes(stored)));
    for stored in files.iter().take(20) {
        let Ok(imported) = &stored.outcome else { continue };
        for recording in imported.recordings.iter().filter(|it| it.info().packet_count > 2000) {
            assert!(bytes_per_packet(&stored.file.name, recording) <= 4.0);
        }
    }
}

/// Bytes of index per packet.
fn bytes_per_packet(what: &str, recording: &Recording) -> f64 {
    let (packets, (index, blob)) = (recording.info().packet_count, sizes(recording));
    let each = decimal(index) / decimal(packets);
    let percent = 100.0 * decimal(index) / decimal(blob);
    println!("{what}: {packets} packets, {each:.2} bytes each, {percent:.2} % of the blob");
    each
}

fn sizes(recording: &Recording) -> (u64, u64) {
    (recording.index_info().unwrap().unwrap().bytes, recording.info().blob_bytes)
}

fn decimal(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

/// Encodes interleaved samples by libopus and imports the result.
fn encode(
    samples: &[i16],
    channels: u8,
    bits_per_second: i32,
    is_variable: bool,
) -> (TempDir, Recording) {
    let folder = fast_folder();
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

/// Random pieces of a recording in `testdata/`, each at its own level and with its own hiss, so that
/// no packet repeats.
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

/// Chords of plucked strings, left and right, over drums at two beats per second.
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

/// One period of a sound with eight harmonics.
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
    reason = "an index into a table"
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
