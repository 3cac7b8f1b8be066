//! Compares building an index with only demuxing, and finds packets in memory and in a store:
//! `cargo bench --bench index`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ogg_opus_demux::OggOpusReader;
use opus_packet::CodedPos;
use opus_packet_index::{IndexBuilder, IndexRow, Span};
use opus_zarr_testkit::Random;

fn build(criterion: &mut Criterion) {
    let mut stream = Vec::new();
    opus_zarr_testkit::long::write_hours(1, &mut stream);
    let mut group = criterion.benchmark_group("index of 1 h (180,000 packets)");
    group.throughput(Throughput::Elements(180_000));
    group.bench_function("only demux", |bencher| {
        bencher.iter(|| {
            let mut reader = OggOpusReader::new(stream.as_slice()).unwrap();
            while let Some(packet) = reader.next_located().unwrap() {
                black_box(packet);
            }
        });
    });
    group.bench_function("demux and index", |bencher| bencher.iter(|| rows(&stream)));
}

fn find(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("find the packets of one second");
    for hours in [1, 6] {
        let mut stream = Vec::new();
        opus_zarr_testkit::long::write_hours(hours, &mut stream);
        let len = stream.len().try_into().unwrap();
        let index = Span::parse(0, CodedPos::new(0), rows(&stream), len).unwrap();
        let end = index.samples().end.get() - 48_000;
        let mut random = Random(1);
        group.bench_function(format!("in memory, {hours} h"), |bencher| {
            bencher.iter_batched(
                || random.below(end),
                |at| index.find(&(CodedPos::new(at)..CodedPos::new(at + 48_000))),
                BatchSize::SmallInput,
            );
        });
        let directory = tempfile::tempdir().unwrap();
        let recording = opus_zarr_testkit::long::import_hours(hours, directory.path());
        let end = recording.info().play_length - 48_000;
        group.bench_function(format!("in a store, {hours} h"), |bencher| {
            bencher.iter_batched(
                || random.below(end),
                |at| recording.find(at..at + 48_000).unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
}

fn rows(stream: &[u8]) -> Vec<IndexRow> {
    let mut reader = OggOpusReader::new(stream).unwrap();
    let (mut builder, mut rows) = (IndexBuilder::default(), Vec::new());
    while let Some(packet) = reader.next_located().unwrap() {
        let length = packet.data.len().try_into().unwrap();
        rows.push(builder.push(packet.offset.unwrap(), length, packet.duration).unwrap());
    }
    rows
}

criterion_group!(benches, build, find);
criterion_main!(benches);
