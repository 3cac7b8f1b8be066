//! Rules 12 to 20, about headers and packets, in a tolerant reader. For the errors of a strict
//! one see `strict_headers.rs`.

use crate::common::{
    NO_GRANULE, RawPage, head, header_pages, nth, nth_page,
    outcome::{Outcome, at, gap, read, read_valid},
    packet_of, plain,
    refused::offset_of,
    tags, to_stream, with_headers,
};
use ogg_opus_demux::{ErrorKind, FindingKind, Note, OggOpusReader, Violation};
use opus_packet::{
    InvalidHead, InvalidPacket, InvalidTags, MappingTable, OpusTags, write_self_delimited,
};

/// The plain stream of three packets with another head.
fn with_head(head: &[u8]) -> Vec<u8> {
    let mut pages = plain(3);
    pages[0] = RawPage::new(0, 0).first().packet(head);
    to_stream(&pages)
}

/// The plain stream of three packets with other pages between the head and the audio.
fn with_tag_pages(tag_pages: Vec<RawPage>) -> Vec<RawPage> {
    let mut pages = plain(3);
    let count = u32::try_from(tag_pages.len()).unwrap();
    pages[2..].iter_mut().for_each(|page| page.sequence += count - 1);
    pages.splice(1..2, tag_pages);
    pages
}

#[track_caller]
fn head_error(head: &[u8]) -> InvalidHead {
    let stream = with_head(head);
    let [tolerant, strict] =
        [read(&stream).unwrap_err(), OggOpusReader::strict(&stream[..]).unwrap_err()];
    assert_eq!(tolerant.finding(), strict.finding());
    assert_eq!((tolerant.offset(), tolerant.kind()), (Some(0), ErrorKind::Unreadable));
    let FindingKind::Head(reason) = tolerant.finding().unwrap().kind else { panic!("{tolerant}") };
    reason
}

#[test]
fn rule_12_the_head_is_checked_and_versions_below_16_are_read() {
    assert_eq!(head_error(&head()[..18]), InvalidHead::TooShort { found: 18 });
    for version in [16, 17, 255] {
        let mut head = head();
        head[8] = version;
        assert_eq!(head_error(&head), InvalidHead::Version { found: version });
    }
    for version in 0..16 {
        let mut head = head();
        head[8] = version;
        assert_eq!(read_valid(&with_head(&head)).link().head.to_bytes(), head);
        head.extend([9, 9]);
        let outcome = read_valid(&with_head(&head));
        assert_eq!(outcome.story(), "0@0 1@960 2@1920");
        let extra = (version <= 1).then(|| at(0, Note::ExtraHeadBytes { bytes: 2 }));
        assert_eq!(outcome.found(), Vec::from_iter(extra));
    }
}

#[test]
fn rule_12_other_data_on_the_page_of_the_head_is_dropped() {
    let mut pages = plain(3);
    pages[0] = RawPage::new(0, 0).first().packet(&head()).packet(b"more");
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert_eq!(outcome.found(), [at(0, Violation::HeadNotAlone)]);
}

#[test]
fn rule_12_granule_positions_of_headers_are_ignored() {
    for (page, found) in [(0, 5), (1, 960), (0, NO_GRANULE), (1, NO_GRANULE)] {
        let mut pages = plain(3);
        pages[page].granule = found;
        let outcome = read(&to_stream(&pages)).unwrap();
        assert_eq!(outcome.story(), "0@0 1@960 2@1920");
        let place = offset_of(&pages, page);
        assert_eq!(outcome.found(), [at(place, Violation::HeaderGranule { found })]);
    }
    let mut again = [header_pages(), plain(3)].concat();
    again[2].granule = 7;
    let outcome = read(&to_stream(&again)).unwrap();
    let place = offset_of(&again, 2);
    let granule = Violation::HeaderGranule { found: 7 };
    assert_eq!(outcome.found(), [at(place, Violation::RepeatedHeaders), at(place, granule)]);
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
}

/// OpusHead with this family, number of channels and mapping.
fn head_of(family: u8, channels: u8, mapping: &[u8]) -> Vec<u8> {
    let mut bytes = head();
    (bytes[9], bytes[18]) = (channels, family);
    bytes.extend_from_slice(mapping);
    bytes
}

#[test]
fn rule_13_channels_and_mappings_are_checked() {
    let channels = |family, found| InvalidHead::Channels { family, found };
    for (family, count) in [(0, 0), (0, 3), (1, 0), (1, 9), (255, 0)] {
        let mapping: &[u8] = if family == 0 { &[] } else { &[1, 0] };
        assert_eq!(head_error(&head_of(family, count, mapping)), channels(family, count));
    }
    for (streams, coupled) in [(0, 0), (1, 2), (255, 1), (128, 128)] {
        let error = head_error(&head_of(1, 1, &[streams, coupled, 0]));
        assert_eq!(error, InvalidHead::Streams { streams, coupled });
    }
    let index = InvalidHead::Index { channel: 1, index: 2, decoded: 2 };
    assert_eq!(head_error(&head_of(1, 2, &[1, 1, 0, 2])), index);
    let short = InvalidHead::MappingTooShort { found: 3, expected: 4 };
    assert_eq!(head_error(&head_of(1, 2, &[1, 1, 0])), short);
}

#[test]
fn rule_14_families_are_checked() {
    for family in [2, 3] {
        for found in [0, 2, 5, 7, 8, 10, 15, 228, 255] {
            let error = head_error(&head_of(family, found, &[1, 0]));
            assert_eq!(error, InvalidHead::Channels { family, found });
        }
    }
    for family in [4, 239, 240, 254] {
        let error = head_error(&head_of(family, 2, &[]));
        assert_eq!(error, InvalidHead::UnsupportedFamily { family, channels: 2 });
    }
    let matrix = [1, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
    let head = head_of(3, 4, &matrix);
    let outcome = read_valid(&with_head(&head));
    assert_eq!(outcome.link().head.mapping().table(), MappingTable::Matrix(&matrix[2..]));
    let short = InvalidHead::MappingTooShort { found: 9, expected: 10 };
    assert_eq!(head_error(&head_of(3, 4, &matrix[..9])), short);
}

/// A packet of several streams of 20 ms, identified by its second byte.
fn multistream(streams: u8, n: u8) -> Vec<u8> {
    let mut bytes = vec![];
    for stream in 1..streams {
        // In self-delimited framing, the second byte is the length.
        let packet = [vec![0x78], vec![stream; usize::from(n)]].concat();
        write_self_delimited(&packet, &mut bytes).unwrap();
    }
    bytes.extend(if streams == 1 { nth(n) } else { vec![0x78, n] });
    bytes
}

fn multistream_pages(head: &[u8], streams: u8) -> Vec<RawPage> {
    let mut pages = vec![RawPage::new(0, 0).first().packet(head), header_pages()[1].clone()];
    pages.extend((0..4).map(|n| {
        let page = RawPage::new(2 + u32::from(n), 960 * (u64::from(n) + 1));
        page.packet(&multistream(streams, n + 1))
    }));
    pages[5] = pages[5].clone().last();
    pages
}

#[test]
fn rule_13_and_14_packets_of_several_streams_are_read() {
    let matrix = [vec![2, 2], vec![0; 2 * 4 * 4]].concat();
    let many = [vec![200, 55], (0..=254).collect::<Vec<u8>>()].concat();
    let heads = [
        (head_of(1, 6, &[4, 2, 0, 4, 1, 2, 3, 5]), 4),
        (head_of(1, 2, &[2, 0, 1, 255]), 2),
        (head_of(2, 6, &[5, 1, 0, 1, 2, 3, 4, 5]), 5),
        (head_of(3, 4, &matrix), 2),
        (head_of(255, 3, &[3, 0, 2, 1, 0]), 3),
        (head_of(255, 255, &many), 200),
    ];
    for (head, streams) in heads {
        let mut pages = multistream_pages(&head, streams);
        let outcome = read_valid(&to_stream(&pages));
        assert_eq!(outcome.story(), "1@0 2@960 3@1920 4@2880");
        assert_eq!(outcome.link().head.to_bytes(), head);
        pages.remove(3);
        let outcome = read(&to_stream(&pages)).unwrap();
        assert_eq!(outcome.story(), "1@0 -960@960 3@1920 4@2880", "{streams} streams");
    }
}

#[test]
fn rule_18_streams_of_a_packet_have_the_same_duration() {
    let mut pages = multistream_pages(&head_of(1, 2, &[2, 0, 0, 1]), 2);
    pages[3] = RawPage::new(3, 1920).packet(&[0x78, 1, 7, 0x70, 9]);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "1@0 -960@960 3@1920 4@2880");
    let reason = InvalidPacket::UnequalStreams { stream: 1, found: 480, expected: 960 };
    let place = offset_of(&pages, 3) + 28;
    assert_eq!(outcome.found()[0], (place, FindingKind::Packet { packet: 1, reason }));
}

#[test]
fn rule_15_any_pre_skip_applies_even_if_the_stream_starts_late() {
    for start in [0, 1 << 40] {
        for pre_skip in [0u16, 1, 312, 2880] {
            let mut head = head();
            head[10..12].copy_from_slice(&pre_skip.to_le_bytes());
            let mut pages = plain(3);
            pages[0] = RawPage::new(0, 0).first().packet(&head);
            pages[2..].iter_mut().for_each(|page| page.granule += start);
            let outcome = read_valid(&to_stream(&pages));
            let timeline = outcome.link().timeline.unwrap();
            let expected = (u64::from(pre_skip), 2880 - u64::from(pre_skip));
            assert_eq!((timeline.pre_skip(), timeline.play_length()), expected);
        }
    }
    let mut head = head();
    head[10..12].copy_from_slice(&u16::MAX.to_le_bytes());
    let outcome = read(&with_head(&head)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert!(matches!(outcome.found()[0].1, FindingKind::Timeline(_)), "shorter than its pre-skip");
}

#[test]
fn rule_16_the_output_gain_is_not_applied() {
    for gain in [i16::MIN, -1, 0, 256, i16::MAX] {
        let mut head = head();
        head[16..18].copy_from_slice(&gain.to_le_bytes());
        assert_eq!(read_valid(&with_head(&head)).link().head.output_gain(), gain);
    }
}

#[test]
fn rule_17_wrong_tags_are_dropped_and_the_audio_is_not() {
    let bomb = [b"OpusTags\0\0\0\0".as_slice(), &[255; 4]].concat();
    let what = "comment";
    let reason = InvalidTags::Truncated { what, offset: 16 };
    let pages = with_tag_pages(vec![RawPage::new(1, 0).packet(&bomb)]);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert_eq!(outcome.link().tags, OpusTags::new("", []).as_bytes());
    let place = offset_of(&pages, 1) + 28;
    assert_eq!(outcome.found(), [(place, FindingKind::Tags(reason))]);
}

#[test]
fn rule_17_a_stream_without_tags_is_read() {
    let mut pages = plain(3);
    pages.remove(1);
    pages[1..].iter_mut().for_each(|page| page.sequence -= 1);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert_eq!(outcome.found(), [at(offset_of(&pages, 1) + 28, Violation::NoTags)]);
    // The page of the tags is lost.
    let mut pages = plain(3);
    pages.remove(1);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert_eq!(outcome.violations(), 2);
}

#[test]
fn rule_17_audio_on_the_page_of_the_tags_is_read() {
    let mut pages = plain(3);
    let with_audio = RawPage::new(1, 960).packet(&tags()).packet(&nth(0));
    pages.splice(1..3, [with_audio]);
    pages[2..].iter_mut().for_each(|page| page.sequence -= 1);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(
        (outcome.story().as_str(), outcome.link().tags.clone()),
        ("0@0 1@960 2@1920", tags())
    );
    assert_eq!(outcome.found()[0], at(offset_of(&pages, 1), Violation::TagsNotAlone));
}

/// Pictures span pages, and a binary suffix is kept.
#[test]
fn rule_17_long_tags_are_kept_byte_for_byte() {
    let picture = format!("METADATA_BLOCK_PICTURE={}", "A".repeat(500_000));
    let mut tags = OpusTags::new("v", [picture.as_str(), "TITLE=x"]).as_bytes().to_vec();
    tags.extend([1, 0xff, 0, 0x80]);
    tags.extend(vec![0xa5; 70_000]);
    let mut pieces = tags.chunks(255 * 255).peekable();
    let mut tag_pages = vec![];
    while let Some(piece) = pieces.next() {
        let sequence = u32::try_from(tag_pages.len() + 1).unwrap();
        let page = |granule| match sequence {
            1 => RawPage::new(sequence, granule),
            _ => RawPage::new(sequence, granule).continued(),
        };
        let is_last = pieces.peek().is_none();
        tag_pages.push(if is_last { page(0).packet(piece) } else { page(NO_GRANULE).piece(piece) });
    }
    let pages = with_tag_pages(tag_pages);
    let outcome = read_valid(&to_stream(&pages));
    assert!(outcome.link().tags == tags);
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    // Losing a page in the middle loses the tags but no audio.
    let mut lost = pages;
    lost.remove(3);
    let outcome = read(&to_stream(&lost)).unwrap();
    assert_eq!(outcome.link().tags, OpusTags::new("", []).as_bytes());
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
}

/// The invalid packet is the second of three on the page.
fn with_wrong_packet(bad: &[u8]) -> (Vec<RawPage>, Outcome) {
    let page = RawPage::new(3, 960 * 4).packet(&nth(1)).packet(bad).packet(&nth(3));
    let last = nth_page(4, 960 * 5, 4).last();
    let pages = with_headers([nth_page(2, 960, 0), page, last]);
    let outcome = read(&to_stream(&pages)).unwrap();
    (pages, outcome)
}

#[test]
fn rule_18_an_invalid_packet_is_a_gap_in_its_place() {
    let table: [(&[u8], InvalidPacket); 6] = [
        (&[0x79, 1], InvalidPacket::OddPair { found: 1 }),
        (&[0x7a, 9, 1], InvalidPacket::FrameBeyondEnd { claimed: 9, available: 1 }),
        (&[0x7b], InvalidPacket::NoFrameCount),
        (&[0x7b, 0], InvalidPacket::NoFrames { found: 0 }),
        (&[0xe3, 49], InvalidPacket::TooLong { found: 5880 }),
        (&[0x7b, 0x41, 9, 0], InvalidPacket::PaddingBeyondEnd { claimed: 9, available: 1 }),
    ];
    for (bad, reason) in table {
        let (pages, outcome) = with_wrong_packet(bad);
        assert_eq!(outcome.story(), "0@0 1@960 -960@1920 3@2880 4@3840");
        let place = offset_of(&pages, 3);
        let packet = FindingKind::Packet { packet: 2, reason };
        assert_eq!(outcome.found(), [(place + 27 + 3 + 4, packet), gap(place, 1920, 960)]);
    }
}

/// 48 frames of 2.5 ms need all six bits of the count.
#[test]
fn rule_18_a_packet_of_48_frames_lasts_120_ms() {
    let pages = with_headers([RawPage::new(2, 5760).packet(&[0xe3, 48]).last()]);
    assert_eq!(read_valid(&to_stream(&pages)).link().packets[0].duration, 5760);
}

#[test]
fn rule_19_an_empty_packet_is_dropped() {
    let (pages, outcome) = with_wrong_packet(&[]);
    assert_eq!(outcome.story(), "0@0 1@960 -960@1920 3@2880 4@3840");
    let packet = FindingKind::Packet { packet: 2, reason: InvalidPacket::Empty };
    assert_eq!(outcome.found()[0], (offset_of(&pages, 3) + 34, packet));
}

#[test]
fn rule_20_a_packet_of_more_than_61440_bytes_is_dropped() {
    let long = vec![0x78; 61_441];
    let (first, rest) = long.split_at(255 * 100);
    let whole = RawPage::new(3, 1920).packet(&long);
    let begun = RawPage::new(3, NO_GRANULE).piece(first);
    let ended = RawPage::new(4, 1920).continued().packet(rest);
    for middle in [vec![whole], vec![begun, ended]] {
        let sequence = 3 + u32::try_from(middle.len()).unwrap();
        let last = nth_page(sequence, 2880, 2).last();
        let pages = with_headers([vec![nth_page(2, 960, 0)], middle, vec![last]].concat());
        let outcome = read(&to_stream(&pages)).unwrap();
        assert_eq!(outcome.story(), "0@0 -960@960 2@1920");
        let place = offset_of(&pages, pages.len() - 2);
        assert_eq!(outcome.found()[0], at(place, Violation::PacketTooLong { limit: 61_440 }));
    }
}

#[test]
fn rule_20_padding_is_kept() {
    let padded = [&[0x7b, 0x41, 200][..], &packet_of(201)].concat();
    let pages = with_headers([RawPage::new(2, 960).packet(&padded).last()]);
    assert_eq!(read_valid(&to_stream(&pages)).link().packets[0].data, padded);
}
