//! Reading one second at random from a store, beside libopus alone on the same
//! packets in memory, and beside decoding from the start:
//! `cargo bench --bench read`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ogg_opus_demux::OggOpusReader;
use opus_segment_decode::{LibopusDecoder, PacketDecoder};
use opus_zarr::Recording;
use support::{Random, counter::cost, long::import_hours};

#[path = "../tests/support/mod.rs"]
mod support;

/// Packets of one second and of the pre-roll, as every read decodes them.
const PACKETS: usize = 50 + 4 + 1;

fn one_second(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one second of 24 kb/s mono speech");
    let directory = tempfile::tempdir().unwrap();
    for hours in [1, 6] {
        let recording = import_hours(hours, directory.path());
        print_costs(hours, &recording);
        let end = recording.info().play_length - 48_000;
        let mut random = Random(1);
        group.bench_function(format!("read from a store, {hours} h"), |bencher| {
            bencher.iter_batched(
                || random.below(end),
                |at| recording.read::<i16>(at..at + 48_000).unwrap(),
                BatchSize::SmallInput,
            );
        });
        if hours == 1 {
            let packets = packets(&recording);
            let mut decoder = decoder(&recording);
            let end = u64::try_from(packets.len() - PACKETS).unwrap();
            group.bench_function("libopus alone, packets in memory", |bencher| {
                bencher.iter_batched(
                    || usize::try_from(random.below(end)).unwrap(),
                    |first| decode(&mut decoder, &packets[first..first + PACKETS]),
                    BatchSize::SmallInput,
                );
            });
            group.sample_size(10);
            group.bench_function("from the start to minute 10", |bencher| {
                bencher.iter(|| decode(&mut decoder, &packets[..600 * 50]));
            });
            group.sample_size(100);
        }
    }
}

fn print_costs(hours: u64, recording: &Recording) {
    let mut random = Random(2);
    let (mut bytes, mut packets) = (0, 0);
    for _ in 0..1000 {
        let at = random.below(recording.info().play_length - 48_000);
        let (_, cost) = cost(|| recording.read::<i16>(at..at + 48_000).unwrap());
        bytes += cost.bytes;
        packets += cost.packets;
    }
    println!(
        "{hours} h, {} bytes of Opus: one second reads {} bytes and decodes {} packets (mean of 1000)",
        recording.info().blob_bytes,
        bytes / 1000,
        packets / 1000
    );
}

fn decode(decoder: &mut LibopusDecoder, packets: &[Vec<u8>]) {
    let mut pcm = [0i16; 5760];
    PacketDecoder::<i16>::reset(decoder).unwrap();
    for packet in packets {
        black_box(decoder.decode(packet, &mut pcm).unwrap());
    }
}

fn decoder(recording: &Recording) -> LibopusDecoder {
    let reader = OggOpusReader::new(recording.ogg_opus()).unwrap();
    LibopusDecoder::new(reader.head()).unwrap()
}

fn packets(recording: &Recording) -> Vec<Vec<u8>> {
    let mut reader = OggOpusReader::new(recording.ogg_opus()).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_ogg_packet().unwrap() {
        packets.push(packet.data.to_vec());
    }
    packets
}

criterion_group!(benches, one_second);
criterion_main!(benches);
