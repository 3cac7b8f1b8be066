//! Demuxing a stream in memory, beside the `ogg` crate and beside the layer below
//! (pages and checksums without packets): `cargo bench --bench demux`.

use std::{hint::black_box, io::Cursor};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ogg_opus_demux::{OggOpusReader, PageReader};

#[path = "../tests/support/mod.rs"]
mod support;

fn demux(criterion: &mut Criterion) {
    let mut stream = Vec::new();
    support::long::write_hours(6, &mut stream);
    let mut group = criterion.benchmark_group("demux 6 h of 24 kb/s");
    group.throughput(Throughput::Bytes(stream.len().try_into().unwrap()));
    group.sample_size(20);

    group.bench_function("pages and checksums alone", |bencher| {
        bencher.iter(|| {
            let mut pages = PageReader::new(stream.as_slice());
            while let Some(page) = pages.next_page().unwrap() {
                black_box(page);
            }
        });
    });
    group.bench_function("OggOpusReader", |bencher| {
        bencher.iter(|| {
            let mut reader = OggOpusReader::new(stream.as_slice()).unwrap();
            while let Some(packet) = reader.next_ogg_packet().unwrap() {
                black_box(packet);
            }
        });
    });
    group.bench_function("ogg crate", |bencher| {
        bencher.iter(|| {
            let mut reader = ogg::PacketReader::new(Cursor::new(&stream));
            while let Some(packet) = reader.read_packet().unwrap() {
                black_box(packet);
            }
        });
    });
}

criterion_group!(benches, demux);
criterion_main!(benches);
