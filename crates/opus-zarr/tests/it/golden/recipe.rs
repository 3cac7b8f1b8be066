//! How the golden store and its source files were made.

use std::fs;

use ogg::{PacketWriteEndInfo, PacketWriter};
use ogg_opus_demux::PageReader;
use opus_packet::{ChannelMapping, OpusHead, OpusTags, write_self_delimited};

use opus_zarr_testkit::{
    recordings::{MONO, STEREO, stream_of},
    stream::{PACKET, Pages},
};

use super::{golden, import_all};

/// Writes `testdata/golden/`. A released layout keeps its golden store for ever, so this never
/// replaces one. (Before its release, layout 1 got sync maps, then names of dimensions and a generation.)
///
/// `cargo test -p opus-zarr write_the_golden_store -- --ignored`
#[test]
#[ignore = "the golden store exists; this shows how it was made"]
fn write_the_golden_store() {
    let store = golden("layout-1.zarr");
    assert!(!store.exists(), "{} exists and must not be replaced", store.display());
    fs::create_dir_all(golden("")).unwrap();
    for (file, bytes) in [("notes.opus", notes()), ("trio.opus", trio())] {
        fs::write(golden(file), bytes).unwrap();
    }
    import_all(&store);
}

/// Two seconds of speech with an end trim. The file is canonical, so the blob equals it.
fn notes() -> Vec<u8> {
    let mut stream = stream_of(MONO).shortened(100);
    stream.last_granule -= 700;
    stream.write(Pages::OfOneSecond)
}

/// Three seconds of birds left and right and of speech between them: mapping family 1, with an output
/// gain, a tag too long to copy, half a second lost, and another loss before the end, whose length
/// the source leaves open.
fn trio() -> Vec<u8> {
    let pages = whole_trio();
    let lost = |number: usize| [4, 6].contains(&number);
    let kept = pages.into_iter().enumerate().filter(|(number, _)| !lost(*number));
    kept.flat_map(|(_, page)| page).collect()
}

/// The pages, half a second each.
fn whole_trio() -> Vec<Vec<u8>> {
    let mapping = ChannelMapping::parse(1, 3, &[2, 1, 0, 2, 1]).unwrap();
    let head = OpusHead::new(1, 312, 44_100).unwrap().with_mapping(mapping).with_output_gain(-256);
    let long = format!("NOTE={}", "so ".repeat(1400));
    let tags = OpusTags::new("opus-zarr golden store", ["TITLE=Trio", &long, "ARTIST=Vögel"]);
    let mut writer = PacketWriter::new(Vec::new());
    for header in [head.to_bytes(), tags.as_bytes().to_vec()] {
        writer.write_packet(header, 3, PacketWriteEndInfo::EndPage, 0).unwrap();
    }
    let (birds, speech) = (stream_of(STEREO).packets, stream_of(MONO).packets);
    let packets = birds.iter().zip(&speech[20..]).take(150);
    for ((birds, speech), number) in packets.zip(1..) {
        let mut packet = Vec::new();
        write_self_delimited(birds, &mut packet).unwrap();
        packet.extend_from_slice(speech);
        let end = match number {
            150 => PacketWriteEndInfo::EndStream,
            _ if number % 25 == 0 => PacketWriteEndInfo::EndPage,
            _ => PacketWriteEndInfo::NormalPacket,
        };
        writer.write_packet(packet, 3, end, number * PACKET).unwrap();
    }
    pages_of(&writer.into_inner())
}

fn pages_of(file: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = PageReader::new(file);
    let mut starts = Vec::new();
    while let Some((at, _)) = reader.next_page().unwrap() {
        starts.push(usize::try_from(at).unwrap());
    }
    let ends = starts[1..].iter().copied().chain([file.len()]);
    starts.iter().zip(ends).map(|(&start, end)| file[start..end].to_vec()).collect()
}
