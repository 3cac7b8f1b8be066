//! Strict reading of pages, packets and granule positions: one test for every way in which they
//! can be wrong. The error names the problem and its byte.

use std::io::{self, Read};

use crate::common::{
    NO_GRANULE, PRE_SKIP, RawPage, Slow, audio, packet_of,
    refused::{assert_page_error, assert_violation, error_at, offset_of, read, refused_at},
    to_stream, valid_pages, with_headers,
};
use ogg_opus_demux::{
    ErrorKind, FindingKind, InvalidPacket, InvalidPage, InvalidTimeline, Violation,
};

#[test]
fn the_stream_that_the_other_tests_change_is_valid() {
    read(to_stream(&valid_pages()).as_slice()).unwrap();
}

#[test]
fn an_empty_stream_is_refused() {
    let error = read(io::empty()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Unreadable, None));
    assert_eq!(error.to_string(), "expected an Ogg page, found an empty stream");
}

#[test]
fn rule_03_junk_anywhere_is_refused() {
    let pages = valid_pages();
    for at_page in 0..=pages.len() {
        let offset = offset_of(&pages, at_page);
        let mut stream = to_stream(&pages);
        let at = usize::try_from(offset).unwrap();
        stream.splice(at..at, *b"ID3\n");
        assert_page_error(&stream, offset, InvalidPage::Capture { found: *b"ID3\n" });
    }
}

#[test]
fn an_error_does_not_depend_on_how_the_bytes_arrive() {
    let stream = [to_stream(&valid_pages()).as_slice(), b"\x98OggS"].concat();
    let error = read(Slow::new(&stream)).unwrap_err();
    assert_eq!(error.to_string(), read(stream.as_slice()).unwrap_err().to_string());
    assert!(error.to_string().ends_with(r#"found "\x98Ogg""#), "{error}");
    assert!(format!("{error:?}").ends_with(r#"found "\x98Ogg""#), "{error:?}");
}

#[test]
fn rule_01_other_page_versions_are_refused() {
    let mut pages = valid_pages();
    pages[3].version = 1;
    let offset = offset_of(&pages, 3);
    assert_page_error(&to_stream(&pages), offset, InvalidPage::Version { found: 1 });
}

#[test]
fn rule_11_a_stream_cut_inside_a_page_is_refused() {
    let pages = valid_pages();
    let stream = to_stream(&pages);
    let offset = offset_of(&pages, 4);
    let at = usize::try_from(offset).unwrap();
    for (available, needed) in [(1, 27), (26, 27), (27, 28), (28, 38), (37, 38)] {
        let cut = &stream[..at + available];
        assert_page_error(cut, offset, InvalidPage::Truncated { needed, available });
    }
}

#[test]
fn rule_01_a_wrong_checksum_is_refused() {
    let pages = valid_pages();
    let mut stream = to_stream(&pages);
    let offset = offset_of(&pages, 2);
    let field = usize::try_from(offset).unwrap() + 22;
    let computed = u32::from_le_bytes(stream[field..field + 4].try_into().unwrap());
    stream[field] ^= 1;
    let stored = computed ^ 1;
    assert_page_error(&stream, offset, InvalidPage::Checksum { stored, computed });
}

#[test]
fn rule_05_lost_repeated_and_swapped_pages_are_refused() {
    let mut lost = valid_pages();
    lost.remove(3);
    assert_violation(&lost, 3, Violation::Sequence { expected: 3, found: 4 });
    let mut repeated = valid_pages();
    repeated.insert(3, repeated[2].clone());
    assert_violation(&repeated, 3, Violation::Repeated { expected: 3, found: 2 });
    let mut swapped = valid_pages();
    swapped.swap(3, 4);
    assert_violation(&swapped, 3, Violation::Sequence { expected: 3, found: 4 });
    let mut headers = valid_pages();
    headers[1].sequence = 2;
    assert_violation(&headers, 1, Violation::Sequence { expected: 1, found: 2 });
}

#[test]
fn rule_10_nothing_follows_the_last_page() {
    let mut pages = valid_pages();
    pages[3] = pages[3].clone().last();
    assert_violation(&pages, 4, Violation::AfterLastPage);
    let mut pages = valid_pages();
    pages[0] = pages[0].clone().last();
    assert_violation(&pages, 1, Violation::AfterLastPage);
}

#[test]
fn rule_06_a_page_continues_a_packet_if_and_only_if_one_is_open() {
    let mut pages = valid_pages();
    pages[3] = pages[3].clone().continued();
    assert_violation(&pages, 3, Violation::ContinuedWithoutStart);
    let begun = audio(2, 960).piece(&packet_of(255));
    let pages = with_headers([begun.clone(), audio(3, 1920)]);
    assert_violation(&pages, 3, Violation::NotContinued);
    let pages = with_headers([begun]);
    assert_violation(&pages, 3, Violation::UnfinishedPacket);
}

#[test]
fn rule_20_packets_have_at_most_61440_bytes() {
    let limit = 61_440;
    let pages = with_headers([audio(2, 960), RawPage::new(3, 1920).packet(&vec![0; limit + 1])]);
    assert_violation(&pages, 3, Violation::PacketTooLong { limit });
    let begun = audio(2, 960).piece(&[0; 240 * 255]);
    let rest = RawPage::new(3, 1920).continued().packet(&[0; 241]);
    assert_violation(&with_headers([begun, rest]), 3, Violation::PacketTooLong { limit });
}

#[test]
fn rule_18_an_invalid_packet_is_refused_with_its_number_and_offset() {
    let bad = [0x79, 1];
    let pages = with_headers([audio(2, 960), audio(3, 2880).packet(&bad)]);
    let place = offset_of(&pages, 4) - 2;
    let reason = InvalidPacket::OddPair { found: 1 };
    let found = refused_at(to_stream(&pages).as_slice(), place);
    assert_eq!(found, FindingKind::Packet { packet: 2, reason });
}

#[test]
fn rule_18_an_invalid_packet_in_two_pieces_has_the_offset_of_its_last_page() {
    let mut bad = packet_of(300);
    bad[0] = 0x79;
    let begun = RawPage::new(2, NO_GRANULE).piece(&bad[..255]);
    let rest = RawPage::new(3, 1920).continued().packet(&bad[255..]);
    let pages = with_headers([begun, rest]);
    let place = offset_of(&pages, 3);
    let reason = InvalidPacket::OddPair { found: 299 };
    let found = refused_at(to_stream(&pages).as_slice(), place);
    assert_eq!(found, FindingKind::Packet { packet: 0, reason });
}

#[test]
fn rule_19_an_empty_packet_is_refused() {
    let pages = with_headers([audio(2, 960).packet(&[])]);
    let place = offset_of(&pages, 3);
    let found = refused_at(to_stream(&pages).as_slice(), place);
    assert_eq!(found, FindingKind::Packet { packet: 1, reason: InvalidPacket::Empty });
}

#[test]
fn rule_21_a_page_where_a_packet_ends_has_a_granule_position() {
    let mut pages = valid_pages();
    pages[3].granule = NO_GRANULE;
    assert_violation(&pages, 3, Violation::NoGranule);
}

#[test]
fn rule_23_granule_positions_count_every_sample() {
    for found in [0, 960, 1919, 1921, 2880] {
        let mut pages = valid_pages();
        pages[3].granule = found;
        assert_violation(&pages, 3, Violation::Granule { expected: 1920, found });
    }
    let mut pages = valid_pages();
    pages[4].granule = 2881;
    assert_violation(&pages, 4, Violation::Granule { expected: 2880, found: 2881 });
}

#[test]
fn rule_22_no_stream_begins_before_its_first_sample() {
    let mut pages = valid_pages();
    pages[2].granule = 959;
    assert_violation(&pages, 2, Violation::GranuleBeforeStart { samples: 960, found: 959 });
}

#[test]
fn rule_22_the_end_trim_leaves_the_pre_skip() {
    let pre_skip = u64::from(PRE_SKIP);
    let found = pre_skip - 1;
    let only = with_headers([audio(2, found).last()]);
    assert_violation(&only, 2, Violation::GranuleBelowPreSkip { pre_skip, found });
}

#[test]
fn rule_24_the_last_position_follows_from_those_before() {
    let mut pages = valid_pages();
    pages[4].granule = 1919;
    assert_violation(&pages, 4, Violation::EndTrim { expected: 2880, found: 1919 });
    pages.insert(4, RawPage::new(4, 1919));
    let empty = Violation::EmptyPageGranule { expected: 1920, found: 1919 };
    assert_violation(&pages, 4, empty);
}

#[test]
fn rule_21_granule_positions_of_2_to_the_63_and_more_are_refused() {
    let found = 1 << 63;
    let pages = with_headers([audio(2, found)]);
    assert_violation(&pages, 2, Violation::GranuleOverflow { found });
}

#[test]
fn a_stream_lasts_at_least_its_pre_skip() {
    let short = RawPage::new(2, 120).packet(&[0xe0]);
    let trimmed = RawPage::new(3, 240).packet(&[0xe0]).last();
    for pages in [with_headers([]), with_headers([short.clone()]), with_headers([short, trimmed])] {
        let end = offset_of(&pages, pages.len());
        let coded_length = 120 * u64::try_from(pages.len() - 2).unwrap();
        let reason = InvalidTimeline::new(PRE_SKIP, coded_length, 0);
        let found = refused_at(to_stream(&pages).as_slice(), end);
        assert_eq!(found, FindingKind::Timeline(reason));
    }
}

#[test]
fn a_failed_read_is_an_error_with_its_offset() {
    let stream = to_stream(&valid_pages());
    for at in [0, 1, 30, 100, stream.len()] {
        let broken = stream[..at].chain(Broken);
        let expected = u64::try_from(at).unwrap();
        let error = error_at(broken, expected);
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.to_string(), format!("byte {at}: cannot read"), "no cause");
        assert_eq!(format!("{error:?}"), format!("byte {at}: cannot read: timed out"));
        assert_eq!(error.into_io().unwrap().kind(), io::ErrorKind::TimedOut);
    }
}

/// A failed disk.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::TimedOut.into())
    }
}
