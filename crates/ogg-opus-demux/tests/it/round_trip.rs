//! Whatever is written is read back, by this crate and by the `ogg` crate.

use std::io::Cursor;

use crate::common::{
    RawPage, SERIAL, head,
    packets::{Packet, packets},
    paginate, tags, to_stream,
};
use ogg::{PacketReader, PacketWriteEndInfo, PacketWriter};
use ogg_opus_demux::{OggOpusReader, OggOpusWriter, PageReader};
use opus_packet::{OpusHead, OpusTags, SAMPLE_RATE, Timeline};
use proptest::{collection::vec, prelude::*, sample::Index};

/// A packet as the reader returned it.
#[derive(Debug, PartialEq)]
struct ReadPacket {
    data: Vec<u8>,
    duration: u32,
    position: u64,
    offset: Option<u64>,
}

fn read(stream: &[u8]) -> (Vec<ReadPacket>, Timeline) {
    let mut reader = OggOpusReader::strict(stream).expect("the headers are valid");
    let mut packets = vec![];
    while let Some(packet) = reader.next_located().expect("the stream is valid") {
        packets.push(ReadPacket {
            data: packet.data.to_vec(),
            duration: packet.duration,
            position: packet.position.get(),
            offset: packet.offset,
        });
    }
    (packets, reader.timeline().expect("all packets are read"))
}

/// Checks packets, durations, positions and offsets.
fn check(read: &[ReadPacket], written: &[Packet], stream: &[u8]) -> Result<(), TestCaseError> {
    prop_assert_eq!(read.len(), written.len());
    let mut position = 0;
    for (packet, (data, duration)) in read.iter().zip(written) {
        prop_assert_eq!(&packet.data, data);
        prop_assert_eq!((packet.duration, packet.position), (*duration, position));
        position += u64::from(*duration);
        if let Some(offset) = packet.offset {
            prop_assert!(stream[usize::try_from(offset).unwrap()..].starts_with(data));
        }
    }
    Ok(())
}

fn samples(packets: &[Packet]) -> u64 {
    packets.iter().map(|(_, duration)| u64::from(*duration)).sum()
}

/// The packets of all pages as the `ogg` crate reads them, including headers.
fn second_opinion(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = PacketReader::new(Cursor::new(stream));
    let mut packets = vec![];
    while let Some(packet) = reader.read_packet().expect("the stream is valid") {
        packets.push(packet.data);
    }
    packets
}

/// Checks that no page lasts longer than a second.
fn check_page_durations(stream: &[u8], packets: &[Packet]) -> Result<(), TestCaseError> {
    let mut durations = packets.iter().map(|(_, duration)| *duration);
    let mut pages = PageReader::new(stream);
    let mut headers = 0;
    while headers < 2 {
        headers += pages.next_page().unwrap().unwrap().1.packets_ended();
    }
    while let Some((_, page)) = pages.next_page().unwrap() {
        let on_page: u32 = durations.by_ref().take(page.packets_ended()).sum();
        prop_assert!((1..=SAMPLE_RATE).contains(&on_page), "{} samples", on_page);
    }
    prop_assert_eq!(durations.next(), None);
    Ok(())
}

prop_compose! {
    fn head_and_tags()(
        channels in 1u8..=2, pre_skip: u16, rate: u32, gain: i16,
        comments in vec("[A-Z]{1,8}=.{0,20}", 0..4), picture in prop_oneof![9 => Just(0), 1 => 0usize..200_000],
    ) -> (OpusHead, OpusTags) {
        let head = OpusHead::new(channels, pre_skip, rate).expect("mono or stereo");
        let picture = format!("METADATA_BLOCK_PICTURE={}", "A".repeat(picture));
        let comments = comments.iter().map(String::as_str).chain([picture.as_str()]);
        (head.with_output_gain(gain), OpusTags::new("round trip", comments))
    }
}

proptest! {
    #[test]
    fn the_reader_returns_what_the_writer_wrote(
        (head, tags) in head_and_tags(), serial: u32,
        packets in packets(1..120), trim: Index,
    ) {
        let coded_length = samples(&packets);
        prop_assume!(coded_length >= u64::from(head.pre_skip()));
        let trimmable = (coded_length - u64::from(head.pre_skip())).min(u64::from(packets.last().unwrap().1));
        let end_trim = trim.index(usize::try_from(trimmable + 1).unwrap());
        let end_trim = u64::try_from(end_trim).unwrap();

        let mut writer = OggOpusWriter::new(vec![], serial, &head, &tags).unwrap();
        for (packet, _) in &packets {
            writer.write(packet).unwrap();
        }
        let stream = writer.finish(end_trim).unwrap();

        let reader = OggOpusReader::strict(stream.as_slice()).unwrap();
        prop_assert_eq!((reader.head(), reader.tags(), reader.serial()), (&head, &tags, serial));
        let (read, timeline) = read(&stream);
        check(&read, &packets, &stream)?;
        prop_assert!(read.iter().all(|packet| packet.offset.is_some()));
        prop_assert_eq!(timeline, Timeline::new(head.pre_skip(), coded_length, end_trim).unwrap());
        check_page_durations(&stream, &packets)?;
        let headers = [head.to_bytes(), tags.as_bytes().to_vec()];
        let all: Vec<_> = headers.into_iter().chain(packets.into_iter().map(|(data, _)| data)).collect();
        prop_assert_eq!(second_opinion(&stream), all);
    }

    #[test]
    fn the_reader_returns_what_the_ogg_crate_wrote(
        packets in packets(1..120), page_ends in vec(prop::bool::weighted(0.02), 120),
    ) {
        let mut writer = PacketWriter::new(vec![]);
        writer.write_packet(head(), SERIAL, PacketWriteEndInfo::EndPage, 0).unwrap();
        writer.write_packet(tags(), SERIAL, PacketWriteEndInfo::EndPage, 0).unwrap();
        let mut granule = 0;
        for (i, (packet, duration)) in packets.iter().enumerate() {
            granule += u64::from(*duration);
            let end = if i + 1 == packets.len() {
                PacketWriteEndInfo::EndStream
            } else if page_ends[i] {
                PacketWriteEndInfo::EndPage
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            writer.write_packet(packet.as_slice(), SERIAL, end, granule).unwrap();
        }
        let stream = writer.into_inner();
        prop_assume!(granule >= u64::from(crate::common::PRE_SKIP));
        let (read, timeline) = read(&stream);
        check(&read, &packets, &stream)?;
        prop_assert_eq!((timeline.coded_length(), timeline.end_trim()), (granule, 0));
    }

    #[test]
    fn the_reader_joins_packets_on_pages_of_any_length(
        packets in packets(1..40), page_segments in vec(1usize..=255, 1..9),
    ) {
        prop_assume!(samples(&packets) >= u64::from(crate::common::PRE_SKIP));
        let pages = paginate(&packets, &page_segments);
        let stream = to_stream(&pages);
        let (read, _) = read(&stream);
        check(&read, &packets, &stream)?;
        let divided = read.iter().filter(|packet| packet.offset.is_none()).count();
        prop_assert_eq!(divided, divided_packets(&pages));
        let all: Vec<_> = [head(), tags()].into_iter().chain(packets.into_iter().map(|(data, _)| data)).collect();
        prop_assert_eq!(second_opinion(&stream), all);
    }
}

/// The number of packets that end on another page than they begin.
fn divided_packets(pages: &[RawPage]) -> usize {
    let ends_one = |page: &&RawPage| page.lacing.iter().any(|&value| value < 255);
    pages.iter().filter(|page| page.flags & 1 != 0).filter(ends_one).count()
}
