//! Demuxes a large file in memory and compares with libogg, the `ogg` crate, the layer below
//! (pages and checksums without packets), the same reader without checksums, and a bare walk:
//! `cargo bench --bench demux`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ogg::{PacketWriteEndInfo, PacketWriter};
use ogg_opus_demux::{Input, OggOpusReader, PageReader};
use opus_packet::{OpusHead, OpusTags};

mod demuxers;

fn demux(criterion: &mut Criterion) {
    for (name, packets_per_page) in [("50 packets per page", 50), ("1 packet per page", 1)] {
        let file = file(packets_per_page);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(file.len().try_into().unwrap()));
        group.sample_size(10);
        let mut bench = |name: &str, walk: &dyn Fn() -> (u64, u64)| {
            group.bench_function(name, |bencher| bencher.iter(|| black_box(walk())));
        };
        bench("bare walk", &|| demuxers::bare_walk(&file));
        bench("OggOpusReader, slice, without checksums", &|| demuxers::without_checksums(&file));
        bench("OggOpusReader, slice", &|| packets(OggOpusReader::from_slice(&file).unwrap()));
        bench("OggOpusReader, Read", &|| packets(OggOpusReader::new(file.as_slice()).unwrap()));
        bench("PageReader, slice", &|| pages(&file));
        bench("libogg", &|| demuxers::libogg::packets(&file));
        bench("ogg crate", &|| demuxers::ogg_crate(&file));
    }
}

fn packets(mut reader: OggOpusReader<impl Input>) -> (u64, u64) {
    let (mut count, mut position) = (0, 0);
    while let Some(packet) = reader.next_located().unwrap() {
        count += 1;
        position = packet.position.get();
        black_box(packet);
    }
    (count, position)
}

fn pages(file: &[u8]) -> (u64, u64) {
    let mut pages = PageReader::from_slice(file);
    let (mut count, mut bytes) = (0, 0);
    while let Some((_, page)) = pages.next_page().unwrap() {
        count += 1;
        bytes += u64::try_from(page.len()).unwrap();
    }
    (count, bytes)
}

/// 256 MB of CELT packets of 20 ms at 64 kb/s.
fn file(packets_per_page: u64) -> Vec<u8> {
    let head = OpusHead::new(1, 312, 48_000).unwrap();
    let mut writer = PacketWriter::new(Vec::new());
    let end = PacketWriteEndInfo::EndPage;
    writer.write_packet(head.to_bytes(), 1, end, 0).unwrap();
    writer.write_packet(OpusTags::new("", []).as_bytes().to_vec(), 1, end, 0).unwrap();
    let (mut packet, mut random) = (vec![0; 160], 1u64);
    for number in 1..=1_600_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        packet
            .iter_mut()
            .skip(1)
            .step_by(7)
            .zip(random.to_le_bytes())
            .for_each(|(to, from)| *to = from);
        packet[0] = 0xf8;
        let end = match number % packets_per_page {
            0 => PacketWriteEndInfo::EndPage,
            _ => PacketWriteEndInfo::NormalPacket,
        };
        writer.write_packet(packet.clone(), 1, end, number * 960).unwrap();
    }
    writer.into_inner()
}

criterion_group!(benches, demux);
criterion_main!(benches);
