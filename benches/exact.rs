//! What exact reads cost: a sync map, made by one thread and by two, beside a full decode, and
//! one second at random beside an approximate read and beside libopus alone on the packets of
//! that: `cargo bench --bench exact`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::{
    fs::File,
    hint::black_box,
    num::NonZeroUsize,
    path::Path,
    time::{Duration, Instant},
};

use magnum_opus::{Application, Bitrate, Channels, Encoder};
use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
use opus_packet::{OpusHead, OpusTags};
use opus_packet_index::SyncEntry;
use opus_segment_decode::{APPROXIMATE_PRE_ROLL, LibopusDecoder, PacketDecoder, build_sync_map};
use opus_zarr::{ReadMode, Recording, import};
use support::{Random, long::write_hours};

#[path = "../tests/support/mod.rs"]
mod support;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_hours(1, File::create(path("speech")).unwrap());
    measure(folder.path(), "speech");
    for (name, channels, kbps) in [("CELT-mono", 1, 64), ("CELT-stereo", 2, 128)] {
        encode(&path(name), channels, kbps);
        measure(folder.path(), name);
    }
}

fn measure(folder: &Path, name: &str) {
    let imported = import(folder.join(name), folder.join("store"), name).unwrap();
    let mut recording = imported.into_first();
    let packets = packets(&recording);
    let head = OggOpusReader::strict(recording.ogg_opus()).unwrap().head().clone();
    let mut decoder = LibopusDecoder::new(&head).unwrap();
    let (_, full) = time(|| decode(&mut decoder, &packets));
    println!("{name}: {:.0?}, full decode {full:.2?}", recording.info().duration());
    for threads in [1, 2] {
        let (_, map) = time(|| sync_map(&recording, threads));
        println!("  sync map, {threads} threads: {map:.2?}, {:.2} decodes", ratio(map, full));
    }
    recording.build_sync().unwrap();
    let sync = recording.info().sync.as_ref().unwrap();
    println!("  decoder {:?}", sync.decoder);

    let alone = one_second(&recording, |at| {
        let first = usize::try_from(at / 960).unwrap();
        decode(&mut decoder, &packets[first..packets.len().min(first + 55)]);
    });
    let read =
        |mode| move |recording: &Recording, at| recording.read_as::<i16>(mode, at..at + 48_000);
    let approximate = read(ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL });
    let approximate = one_second(&recording, |at| drop(approximate(&recording, at).unwrap()));
    let exact = read(ReadMode::Exact);
    let exact = one_second(&recording, |at| drop(exact(&recording, at).unwrap()));
    for (what, took) in [("libopus alone", alone), ("approximate", approximate), ("exact", exact)] {
        let [p50, p95, p99] = took;
        println!("  {what}: p50 {p50:.2?}, p95 {p95:.2?}, p99 {p99:.2?}");
    }
    println!("  exact {:.2} of approximate", ratio(exact[0], approximate[0]));
}

fn sync_map(recording: &Recording, threads: usize) -> Vec<SyncEntry> {
    let source = OggOpusReader::strict(recording.ogg_opus()).unwrap();
    let (head, threads) = (source.head().clone(), NonZeroUsize::new(threads).unwrap());
    build_sync_map(source, threads, || LibopusDecoder::unmixed(&head)).unwrap()
}

/// The times of reading one second at random.
fn one_second(recording: &Recording, mut read: impl FnMut(u64)) -> [Duration; 3] {
    let mut random = Random(3);
    let end = recording.info().play_length - 48_000;
    let mut times: Vec<Duration> =
        (0..1000).map(|_| random.below(end)).map(|at| time(|| read(at)).1).collect();
    times.sort_unstable();
    [500, 950, 990].map(|place| times[place])
}

fn decode(decoder: &mut LibopusDecoder, packets: &[Vec<u8>]) {
    let mut pcm = [0f32; 5760 * 2];
    PacketDecoder::<f32>::reset(decoder).unwrap();
    for packet in packets {
        black_box(decoder.decode(packet, &mut pcm).unwrap());
    }
}

fn packets(recording: &Recording) -> Vec<Vec<u8>> {
    let mut reader = OggOpusReader::strict(recording.ogg_opus()).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_ogg_packet().unwrap() {
        packets.push(packet.data.to_vec());
    }
    packets
}

/// Twenty minutes of tones that come and go, with noise.
fn encode(path: &Path, channels: u8, kbps: i32) {
    let count = if channels == 1 { Channels::Mono } else { Channels::Stereo };
    let mut encoder = Encoder::new(48_000, count, Application::LowDelay).unwrap();
    encoder.set_bitrate(Bitrate::Bits(kbps * 1000)).unwrap();
    let head = OpusHead::new(channels, 312, 48_000).unwrap();
    let file = File::create(path).unwrap();
    let mut writer =
        OggOpusWriter::new(file, 1, &head, &OpusTags::new("bench", Vec::<&str>::new())).unwrap();
    let mut random = Random(4);
    let mut phases = [0f32; 6];
    for packet in 0..20 * 60 * 50u16 {
        let mut frame = Vec::new();
        for _ in 0..960 {
            for channel in 0..channels {
                let noise = f32::from(u16::try_from(random.below(1 << 16)).unwrap()) / 65_536.0;
                let mut sample = (noise - 0.5) * 0.05;
                for (number, phase) in (1..7u8).zip(&mut phases) {
                    *phase += 0.003 * f32::from(number) * (1.0 + f32::from(packet % 37) / 40.0);
                    sample += (*phase + f32::from(channel)).sin() * 0.08;
                }
                frame.push(sample);
            }
        }
        writer.write(&encoder.encode_vec_float(&frame, 4000).unwrap()).unwrap();
    }
    writer.finish(0).unwrap();
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
