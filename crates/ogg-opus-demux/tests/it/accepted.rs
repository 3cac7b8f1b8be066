//! Unusual but valid streams, which a strict reader accepts.

use std::io::{self, Read, Write};

use crate::common::{
    NO_GRANULE, PRE_SKIP, RawPage, audio, head, header_pages, outcome, packet_of, tags, to_stream,
    valid_pages, with_headers,
};
use ogg_opus_demux::{Error, OggOpusReader};
use opus_packet::{PacketSource, Timeline};

/// A packet, the position of its first sample, and its offset.
type PlacedPacket = (Vec<u8>, u64, Option<u64>);

#[track_caller]
fn read(stream: &[u8]) -> (Vec<PlacedPacket>, Timeline) {
    let mut outcome = outcome::read_valid(stream);
    assert_eq!(outcome.links.len(), 1);
    let link = outcome.links.remove(0);
    let packets = link.packets.into_iter();
    let packets = packets.map(|packet| (packet.data, packet.position, packet.offset));
    (packets.collect(), link.timeline.unwrap())
}

#[track_caller]
fn read_pages(pages: &[RawPage]) -> (Vec<PlacedPacket>, Timeline) {
    read(&to_stream(pages))
}

/// Coded samples and end trim.
fn lengths(timeline: Timeline) -> (u64, u64) {
    assert_eq!(timeline.pre_skip(), u64::from(PRE_SKIP));
    (timeline.coded_length(), timeline.end_trim())
}

#[test]
fn a_plain_stream_is_read() {
    let pages = valid_pages();
    let stream = to_stream(&pages);
    let (packets, timeline) = read(&stream);
    assert_eq!(lengths(timeline), (2880, 0));
    assert_eq!(
        packets.iter().map(|(_, position, _)| *position).collect::<Vec<_>>(),
        [0, 960, 1920]
    );
    for (data, _, offset) in packets {
        assert_eq!(data, packet_of(10));
        assert!(stream[usize::try_from(offset.unwrap()).unwrap()..].starts_with(&data));
    }
}

#[test]
fn headers_are_returned_unchanged() {
    let stream = to_stream(&valid_pages());
    let reader = OggOpusReader::new(stream.as_slice()).unwrap();
    assert_eq!(reader.head().to_bytes(), head());
    assert_eq!(reader.tags().as_bytes(), tags());
    assert_eq!(reader.serial(), crate::common::SERIAL);
    assert_eq!(reader.timeline(), None, "not known before the end");
}

#[test]
fn a_reader_is_a_packet_source() {
    let stream = to_stream(&valid_pages());
    let mut source: Box<dyn PacketSource<Error = Error>> =
        Box::new(OggOpusReader::new(stream.as_slice()).unwrap());
    let mut durations = vec![];
    while let Some(packet) = source.next_packet().unwrap() {
        durations.push(packet.duration);
    }
    assert_eq!(durations, [960, 960, 960]);
}

#[test]
fn rule_04_a_recording_of_a_live_stream_lacks_pages_after_the_headers() {
    let (packets, timeline) = read_pages(&with_headers([audio(500, 960), audio(501, 1920).last()]));
    assert_eq!((packets.len(), lengths(timeline)), (2, (1920, 0)));
}

#[test]
fn rule_04_page_numbers_wrap() {
    let wrapping =
        [audio(u32::MAX - 1, 960), audio(u32::MAX, 1920), audio(0, 2880), audio(1, 3840)];
    assert_eq!(lengths(read_pages(&with_headers(wrapping)).1), (3840, 0));
    let mut headers = valid_pages();
    for (page, sequence) in headers.iter_mut().zip([u32::MAX, 0, 1, 2, 3]) {
        page.sequence = sequence;
    }
    assert_eq!(read_pages(&headers).0.len(), 3);
}

#[test]
fn rule_22_a_piece_of_a_longer_stream_begins_at_coded_position_0() {
    let start = 5_000_000_000;
    let pages = with_headers([audio(2, start + 960), audio(3, start + 1800).last()]);
    let (packets, timeline) = read_pages(&pages);
    assert_eq!((packets[0].1, packets[1].1), (0, 960));
    assert_eq!(lengths(timeline), (1920, 120));
}

#[test]
fn rule_10_the_last_page_need_not_be_marked() {
    let (packets, timeline) = read_pages(&with_headers([audio(2, 960), audio(3, 1920)]));
    assert_eq!((packets.len(), lengths(timeline)), (2, (1920, 0)));
}

#[test]
fn rule_24_a_last_page_without_packets_trims_nothing() {
    for granule in [1920, NO_GRANULE] {
        let nil = RawPage::new(4, granule).last();
        let (_, timeline) = read_pages(&with_headers([audio(2, 960), audio(3, 1920), nil]));
        assert_eq!(lengths(timeline), (1920, 0), "granule {granule}");
    }
}

#[test]
fn rule_24_the_last_page_trims_what_ends_on_it() {
    let two =
        |granule| with_headers([audio(2, 960), audio(3, granule).packet(&packet_of(10)).last()]);
    for (granule, end_trim) in [(2880, 0), (2879, 1), (961, 1919), (960, 1920)] {
        assert_eq!(lengths(read_pages(&two(granule)).1), (2880, end_trim), "granule {granule}");
    }
}

#[test]
fn rule_22_the_only_page_trims_down_to_the_pre_skip() {
    let (packets, timeline) = read_pages(&with_headers([audio(2, u64::from(PRE_SKIP)).last()]));
    assert_eq!(packets.len(), 1);
    assert_eq!((lengths(timeline), timeline.play_length()), ((960, 648), 0));
}

#[test]
fn rule_17_long_tags_span_pages() {
    let mut tags = tags();
    tags.resize(2 * 255 * 255 + 7, 0);
    let (first, rest) = tags.split_at(255 * 255);
    let (second, third) = rest.split_at(255 * 255);
    let pages = [
        header_pages()[0].clone(),
        RawPage::new(1, NO_GRANULE).piece(first),
        RawPage::new(2, NO_GRANULE).continued().piece(second),
        RawPage::new(3, 0).continued().packet(third),
        audio(4, 960),
    ];
    let stream = to_stream(&pages);
    assert_eq!(OggOpusReader::new(stream.as_slice()).unwrap().tags().as_bytes(), tags);
    assert_eq!(read(&stream).0.len(), 1);
}

#[test]
fn a_packet_in_three_pieces_has_all_its_bytes_but_no_offset() {
    let long = packet_of(700);
    let pages = with_headers([
        audio(2, 960).piece(&long[..255]),
        RawPage::new(3, NO_GRANULE).continued().piece(&long[255..510]),
        RawPage::new(4, 2880).continued().packet(&long[510..]).packet(&packet_of(10)),
    ]);
    let (packets, timeline) = read_pages(&pages);
    let found: Vec<_> =
        packets.iter().map(|(data, _, offset)| (data.len(), offset.is_some())).collect();
    assert_eq!(found, [(10, true), (700, false), (10, true)]);
    assert_eq!(packets[1].0, long);
    assert_eq!(lengths(timeline), (2880, 0));
}

#[test]
fn packets_end_at_multiples_of_255_bytes() {
    for len in [254, 255, 256, 510, 1020] {
        let page = RawPage::new(2, 1920).packet(&packet_of(len)).packet(&packet_of(10));
        let (packets, _) = read_pages(&with_headers([page]));
        assert_eq!(packets[0].0, packet_of(len));
        assert_eq!(packets[1].2.unwrap() - packets[0].2.unwrap(), u64::try_from(len).unwrap());
    }
}

#[test]
fn the_last_lacing_value_of_a_packet_may_be_the_only_one_on_the_next_page() {
    let bytes = packet_of(510);
    let end = RawPage::new(3, 960).continued().packet(&[]);
    let (packets, _) = read_pages(&with_headers([RawPage::new(2, NO_GRANULE).piece(&bytes), end]));
    assert_eq!(packets, [(bytes, 0, None)]);
}

#[test]
fn pages_may_be_empty() {
    let empty = |sequence| RawPage::new(sequence, NO_GRANULE);
    let mut pages = vec![header_pages()[0].clone(), empty(1), header_pages()[1].clone()];
    pages[2].sequence = 2;
    pages.extend([empty(3), audio(4, 960), empty(5), audio(6, 1920)]);
    assert_eq!(read_pages(&pages).0.len(), 2);
}

#[test]
fn a_page_may_hold_255_packets() {
    let page = RawPage::new(2, 255 * 960);
    let page = (0..255).fold(page, |page, _| page.packet(&packet_of(254)));
    assert_eq!(read_pages(&with_headers([page])).0.len(), 255);
}

#[test]
fn rule_20_a_packet_may_have_61440_bytes() {
    // One empty frame; then 240 x 254 + 237 bytes of padding.
    let mut packet = [&[0x7b, 0x41][..], &[255; 240], &[237]].concat();
    packet.resize(61_440, 0);
    let (packets, _) = read_pages(&with_headers([RawPage::new(2, 960).packet(&packet)]));
    assert_eq!(packets[0].0, packet);
}

#[test]
fn pages_may_lie_anywhere_in_the_buffer() {
    let page_len = audio(2, 960).to_bytes().len();
    let count = u32::try_from(300_000 / page_len).unwrap();
    let pages = (0..count).map(|i| audio(2 + i, 960 * u64::from(1 + i)));
    let audio: Vec<u8> = pages.flat_map(|page| page.to_bytes()).collect();
    for shift in 0..page_len {
        let mut tags = tags();
        tags.resize(tags.len() + shift, 0);
        let headers = [header_pages()[0].clone(), RawPage::new(1, 0).packet(&tags)];
        let stream = [to_stream(&headers), audio.clone()].concat();
        let (_, timeline) = read(&stream);
        assert_eq!(timeline.coded_length(), 960 * u64::from(count), "shifted by {shift}");
    }
}

#[test]
fn the_end_stays_the_end_when_the_file_grows() {
    let begun = to_stream(&with_headers([audio(2, 960)]));
    let grown = audio(3, 1920).to_bytes();
    let mut reader =
        OggOpusReader::new(Growing([begun.as_slice(), &[], &grown].into_iter())).unwrap();
    assert!(reader.next_located().unwrap().is_some());
    assert!(reader.next_located().unwrap().is_none());
    assert!(reader.next_located().unwrap().is_none());
}

/// Returns each piece in one read. An empty one looks like the end.
struct Growing<I>(I);

impl<'a, I: Iterator<Item = &'a [u8]>> Read for Growing<I> {
    fn read(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
        buffer.write(self.0.next().unwrap_or_default())
    }
}
