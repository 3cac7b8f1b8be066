//! Compares building a sync map, with one thread and with two, with a full decode:
//! `cargo bench --bench exact`. `benches/peers` measures reads.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::{
    fs::File,
    hint::black_box,
    num::NonZeroUsize,
    path::Path,
    time::{Duration, Instant},
};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
use opus_packet::{OpusHead, OpusTags};
use opus_segment_decode::{LibopusDecoder, PacketDecoder, build_sync_map};
use opus_zarr::Recording;
use opus_zarr_testkit::{long::write_hours, recordings::import_to, tones};

fn main() {
    println!("decoder {:?}", LibopusDecoder::identity().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_hours(1, File::create(path("speech")).unwrap());
    measure(folder.path(), "speech");
    for (name, channels) in [("CELT-mono", 1), ("CELT-stereo", 2)] {
        write_tones(&path(name), channels);
        measure(folder.path(), name);
    }
}

fn measure(folder: &Path, name: &str) {
    let imported = import_to(folder.join(name), folder.join("store"), name).unwrap();
    let recording = imported.into_first();
    let (head, packets) = packets(&recording);
    let full = time(|| decode(&head, &packets));
    println!("{name}: {:.0?}, full decode {full:.2?}", recording.info().duration());
    for threads in [1, 2] {
        let map = time(|| make_sync_map(&recording, threads));
        let decodes = map.as_secs_f64() / full.as_secs_f64();
        println!("  sync map, {threads} threads: {map:.2?}, {decodes:.2} decodes");
    }
}

fn make_sync_map(recording: &Recording, threads: usize) {
    let source = OggOpusReader::strict(recording.ogg_opus()).unwrap();
    let (head, threads) = (source.head().clone(), NonZeroUsize::new(threads).unwrap());
    black_box(build_sync_map(source, threads, || LibopusDecoder::unmixed(&head)).unwrap());
}

fn packets(recording: &Recording) -> (OpusHead, Vec<Vec<u8>>) {
    let mut reader = OggOpusReader::strict(recording.ogg_opus()).unwrap();
    let (head, mut packets) = (reader.head().clone(), Vec::new());
    while let Some(packet) = reader.next_located().unwrap() {
        packets.push(packet.data.to_vec());
    }
    (head, packets)
}

fn decode(head: &OpusHead, packets: &[Vec<u8>]) {
    let mut decoder = LibopusDecoder::new(head).unwrap();
    let mut pcm = [0f32; 5760 * 2];
    for packet in packets {
        black_box(decoder.decode(packet, &mut pcm).unwrap());
    }
}

/// Writes twenty minutes.
fn write_tones(path: &Path, channels: u8) {
    let head = OpusHead::new(channels, 312, 48_000).unwrap();
    let tags = OpusTags::new("bench", Vec::<&str>::new());
    let mut writer = OggOpusWriter::new(File::create(path).unwrap(), 1, &head, &tags).unwrap();
    for packet in tones::packets(channels, 20 * 60 * 50) {
        writer.write(&packet).unwrap();
    }
    writer.finish(0).unwrap();
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
