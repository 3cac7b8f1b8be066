//! Rules 1 to 6, about pages: what a tolerant reader finds, and what it still returns. Each
//! stream is also read strictly: see `common::outcome`.

use crate::common::{
    NO_GRANULE, RawPage, header_pages, nth, nth_page,
    outcome::{at, gap, read, read_valid, skipped},
    packet_of, plain,
    refused::offset_of,
    tags, to_stream, with_headers,
};
use std::io::Read;

use ogg_opus_demux::{FindingKind, InvalidPage, Note, OggOpusReader, Violation};
use opus_packet::OpusHead;

/// Byte positions as indices.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

/// The expected finding of a wrong checksum.
fn wrong_checksum(stream: &[u8], page_at: u64, before: u32) -> InvalidPage {
    let field = index(page_at) + 22;
    let stored = u32::from_le_bytes(stream[field..field + 4].try_into().unwrap());
    InvalidPage::Checksum { stored, computed: before }
}

#[test]
fn rule_01_one_bad_byte_loses_one_page() {
    let pages = plain(5);
    let good = to_stream(&pages);
    let (place, next) = (offset_of(&pages, 4), offset_of(&pages, 5));
    for at_byte in [22, 28, 31] {
        let mut stream = good.clone();
        stream[index(place) + at_byte] ^= 0x10;
        let outcome = read(&stream).unwrap();
        assert_eq!(outcome.story(), "0@0 1@960 -960@1920 3@2880 4@3840", "byte {at_byte}");
        let [(first, FindingKind::Skipped { bytes, .. }), rest @ ..] = &outcome.found()[..] else {
            panic!("{:?}", outcome.findings)
        };
        assert_eq!((*first, *bytes), (place, next - place));
        let sequence = Violation::Sequence { expected: 4, found: 5 };
        assert_eq!(rest, [at(next, sequence), gap(next, 1920, 960)]);
    }
}

/// The claimed length includes the next two pages.
#[test]
fn rule_01_the_pages_that_a_wrong_length_claims_are_not_lost() {
    let pages = plain(6);
    let mut stream = to_stream(&pages);
    let (place, next) = (offset_of(&pages, 4), offset_of(&pages, 5));
    stream[index(place) + 27] = 80;
    let outcome = read(&stream).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 -960@1920 3@2880 4@3840 5@4800");
    assert!(matches!(&outcome.found()[0], (offset, FindingKind::Skipped { bytes, .. })
        if (*offset, *bytes) == (place, next - place)));
}

#[test]
fn rule_01_a_page_inside_a_page_with_a_wrong_checksum_is_found() {
    let inner = nth_page(4, 2880, 2);
    let mut outer = RawPage::new(4, 2880).packet(&inner.to_bytes()).to_bytes();
    let computed = u32::from_le_bytes(outer[22..26].try_into().unwrap());
    outer[22] ^= 1;
    let pages = plain(4);
    let stream = [to_stream(&pages[..4]), outer.clone(), to_stream(&pages[5..])].concat();
    let place = offset_of(&pages, 4);
    let outcome = read(&stream).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
    assert_eq!(outcome.found(), [skipped(place, 28, wrong_checksum(&stream, place, computed))]);
}

#[test]
fn rule_01_capture_pattern_and_version_are_required() {
    let pages = plain(4);
    let place = offset_of(&pages, 4);
    let len = offset_of(&pages, 5) - place;
    let mut version = pages.clone();
    version[4].version = 1;
    let stream = to_stream(&version);
    let outcome = read(&stream).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 -960@1920 3@2880");
    assert_eq!(outcome.found()[0], skipped(place, len, InvalidPage::Version { found: 1 }));
    let mut stream = to_stream(&pages);
    stream[index(place)] = b'0';
    let found = *b"0ggS";
    let outcome = read(&stream).unwrap();
    assert_eq!(outcome.found()[0], skipped(place, len, InvalidPage::Capture { found }));
}

#[test]
fn rule_02_a_header_that_claims_bytes_beyond_the_end_hides_no_page() {
    let pages = plain(5);
    let mut stream = to_stream(&pages);
    let (place, next) = (offset_of(&pages, 3), offset_of(&pages, 4));
    stream[index(place) + 26] = 255;
    let outcome = read(&stream).unwrap();
    assert_eq!(outcome.story(), "0@0 -960@960 2@1920 3@2880 4@3840");
    let [(offset, FindingKind::Skipped { bytes, reason }), ..] = &outcome.found()[..] else {
        panic!("{:?}", outcome.findings)
    };
    assert_eq!((*offset, *bytes), (place, next - place));
    assert!(matches!(reason, InvalidPage::Truncated { .. }), "{reason}");
}

/// Searching a long rest would take time.
#[test]
fn rule_03_a_strict_reader_does_not_search_after_an_error() {
    let stream = to_stream(&plain(3));
    let mut rest = stream.as_slice().chain(std::io::repeat(0).take(1 << 30));
    let mut reader = OggOpusReader::strict(&mut rest).unwrap();
    let error = loop {
        if let Err(error) = reader.next_located() {
            break error;
        }
    };
    let kind = &error.finding().unwrap().kind;
    assert!(
        matches!(kind, FindingKind::Skipped { reason: InvalidPage::Capture { .. }, .. }),
        "{error}"
    );
    let left = rest.get_ref().1.limit();
    assert!(left > (1 << 30) - (1 << 20), "only {left} bytes are left");
}

#[test]
fn rule_03_junk_anywhere_is_skipped_and_changes_nothing_else() {
    let pages = plain(4);
    let id3v2 = [b"ID3\x04\0\0\0\0\x0f\x76".as_slice(), &[0; 2038]].concat();
    let id3v1 = [b"TAG".as_slice(), &[b' '; 125]].concat();
    let long = vec![b'O'; 300_000];
    let expected = read_valid(&to_stream(&pages));
    for junk in [&id3v2[..], &id3v1, b"O", b"OggS", b"Ogg", &long] {
        for at_page in 0..=pages.len() {
            let place = offset_of(&pages, at_page);
            let mut stream = to_stream(&pages);
            stream.splice(index(place)..index(place), junk.iter().copied());
            let outcome = read(&stream).unwrap();
            let len = u64::try_from(junk.len()).unwrap();
            let [(offset, FindingKind::Skipped { bytes, .. })] = &outcome.found()[..] else {
                panic!("{:?}", outcome.findings)
            };
            assert_eq!((*offset, *bytes), (place, len));
            assert_eq!(outcome.story(), expected.story());
            assert_eq!(outcome.link().timeline, expected.link().timeline);
        }
    }
}

#[test]
fn rule_03_junk_in_several_places_is_skipped() {
    let pages = plain(3);
    let mut stream = vec![7; 600_000];
    for page in &pages {
        stream.extend(page.to_bytes());
        stream.extend(b"OggSOggS junk OggS\0");
    }
    let outcome = read(&stream).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert_eq!(outcome.findings.len(), 6);
}

#[test]
fn rule_04_page_numbers_wrap() {
    let mut pages = plain(5);
    for (page, sequence) in pages.iter_mut().zip([u32::MAX - 3, u32::MAX - 2, u32::MAX - 1]) {
        page.sequence = sequence;
    }
    for (page, sequence) in pages[3..].iter_mut().zip([u32::MAX, 0, 1, 2]) {
        page.sequence = sequence;
    }
    assert_eq!(read_valid(&to_stream(&pages)).story(), "0@0 1@960 2@1920 3@2880 4@3840");
    pages.remove(4);
    let place = offset_of(&pages, 4);
    let outcome = read(&to_stream(&pages)).unwrap();
    let sequence = Violation::Sequence { expected: 0, found: 1 };
    assert_eq!(outcome.found(), [at(place, sequence), gap(place, 960 * 2, 960)]);
}

#[test]
fn rule_04_a_jump_after_the_headers_is_a_live_join() {
    let pages = with_headers([nth_page(500, 48_960, 0), nth_page(501, 49_920, 1).last()]);
    let outcome = read_valid(&to_stream(&pages));
    assert_eq!(outcome.story(), "0@0 1@960");
    let place = offset_of(&pages, 2);
    let (pages, samples) = (498, 48_000);
    let expected = [at(place, Note::LiveJoin { pages }), at(place, Note::LiveStart { samples })];
    assert_eq!(outcome.found(), expected);
}

#[test]
fn rule_04_a_live_join_inside_a_packet_loses_that_packet() {
    let cut = RawPage::new(77, 1920).continued().packet(&[5; 40]).packet(&nth(0));
    let outcome = read(&to_stream(&with_headers([cut, nth_page(78, 2880, 1).last()]))).unwrap();
    assert_eq!(outcome.violations(), 0, "the rest of a packet is not a violation");
    assert_eq!(outcome.story(), "0@0 1@960");
}

#[test]
fn rule_04_a_jump_between_the_headers_is_a_loss() {
    let mut pages = plain(2);
    pages.iter_mut().skip(1).for_each(|page| page.sequence += 1);
    let place = offset_of(&pages, 1);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.found(), [at(place, Violation::Sequence { expected: 1, found: 2 })]);
    assert_eq!((outcome.link().tags.clone(), outcome.story().as_str()), (tags(), "0@0 1@960"));
}

#[test]
fn rule_05_a_repeated_page_is_dropped() {
    for (repeated, before) in [(2, 3), (2, 5), (3, 5), (1, 2), (1, 4)] {
        let mut pages = plain(4);
        pages.insert(before, pages[repeated].clone());
        let place = offset_of(&pages, before);
        let expected = u32::try_from(before).unwrap();
        let found = u32::try_from(repeated).unwrap();
        let outcome = read(&to_stream(&pages)).unwrap();
        assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880", "{repeated} before {before}");
        assert_eq!(outcome.found(), [at(place, Violation::Repeated { expected, found })]);
    }
}

#[test]
fn rule_05_a_late_page_is_dropped() {
    let mut pages = plain(5);
    pages.swap(3, 4);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 -960@960 2@1920 3@2880 4@3840");
    let (early, late) = (offset_of(&pages, 3), offset_of(&pages, 4));
    let expected = [
        at(early, Violation::Sequence { expected: 3, found: 4 }),
        gap(early, 960, 960),
        at(late, Violation::Repeated { expected: 5, found: 3 }),
    ];
    assert_eq!(outcome.found(), expected);
}

#[test]
fn rule_05_a_repeated_piece_does_not_enter_a_packet() {
    let long = packet_of(700);
    let mut pages = with_headers([
        nth_page(2, 960, 0).piece(&long[..255]),
        RawPage::new(3, NO_GRANULE).continued().piece(&long[255..510]),
        RawPage::new(4, 1920).continued().packet(&long[510..]).last(),
    ]);
    pages.insert(4, pages[3].clone());
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.link().packets[1].data, long);
    assert_eq!(outcome.findings.len(), 1);
}

#[test]
fn rule_05_repeated_header_pages_are_read_once() {
    let mut pages = plain(3);
    pages.insert(1, pages[0].clone());
    let place = offset_of(&pages, 1);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert_eq!(outcome.found(), [at(place, Violation::RepeatedHeaders)]);
    let pages = [header_pages(), plain(3)].concat();
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.found(), [at(offset_of(&pages, 2), Violation::RepeatedHeaders)]);
    assert_eq!(
        (outcome.link().tags.clone(), outcome.story().as_str()),
        (tags(), "0@0 1@960 2@1920")
    );
}

/// The earlier tags and head stay. Another head begins another link.
#[test]
fn rule_05_headers_do_not_change_once_returned() {
    let mut pages = plain(3);
    pages.insert(2, pages[0].clone());
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(
        (outcome.link().tags.clone(), outcome.story().as_str()),
        (tags(), "0@0 1@960 2@1920")
    );
    let mut other = plain(3);
    other[0] = RawPage::new(0, 0).first().packet(&OpusHead::new(2, 0, 0).unwrap().to_bytes());
    let pages = [header_pages(), other].concat();
    let outcome = read(&to_stream(&pages)).unwrap();
    let channels: Vec<_> = outcome.links.iter().map(|link| link.head.channels()).collect();
    assert_eq!(channels, [1, 2]);
    assert_eq!(outcome.links[1].story(), "0@0 1@960 2@1920");
    let reused = Violation::SerialReused { serial: crate::common::SERIAL };
    assert_eq!(outcome.found()[0], at(offset_of(&pages, 2), reused));
}

/// If a muxer never counts, times distinguish its pages.
#[test]
fn rule_05_page_numbers_may_all_be_zero() {
    let mut pages = plain(4);
    pages.iter_mut().for_each(|page| page.sequence = 0);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
    assert_eq!(outcome.link().tags, tags());
    assert!(outcome.found().iter().all(|(_, kind)| matches!(
        kind,
        FindingKind::Violation(Violation::Sequence { .. })
            | FindingKind::Note(Note::LiveJoin { .. })
    )));
}

#[test]
fn rule_06_a_packet_without_its_start_is_dropped() {
    let flagged = RawPage::new(3, 2880).continued().packet(&nth(1)).packet(&nth(2));
    let pages = with_headers([nth_page(2, 960, 0), flagged, nth_page(4, 3840, 3).last()]);
    let place = offset_of(&pages, 3);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 -960@960 2@1920 3@2880");
    let expected = [at(place, Violation::ContinuedWithoutStart), gap(place, 960, 960)];
    assert_eq!(outcome.found(), expected);
}

#[test]
fn rule_06_a_packet_that_is_not_continued_is_dropped() {
    let begun = nth_page(2, 960, 0).piece(&packet_of(255));
    let next = RawPage::new(3, 2880).packet(&nth(2));
    let pages = with_headers([begun, next, nth_page(4, 3840, 3).last()]);
    let place = offset_of(&pages, 3);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 -960@960 2@1920 3@2880");
    assert_eq!(outcome.found(), [at(place, Violation::NotContinued), gap(place, 960, 960)]);
}

/// Neither the piece before the lost page nor the one after it is returned, nor both joined.
#[test]
fn rule_06_a_packet_whose_middle_is_lost_is_dropped() {
    let long = packet_of(765);
    let mut pages = with_headers([
        nth_page(2, 960, 0).piece(&long[..255]),
        RawPage::new(3, NO_GRANULE).continued().piece(&long[255..510]),
        RawPage::new(4, 2880).continued().packet(&long[510..]).packet(&nth(2)),
        nth_page(5, 3840, 3).last(),
    ]);
    pages.remove(3);
    let place = offset_of(&pages, 3);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 -960@960 2@1920 3@2880");
    let sequence = Violation::Sequence { expected: 3, found: 4 };
    assert_eq!(outcome.found(), [at(place, sequence), gap(place, 960, 960)]);
}

/// The page where the dropped packet ends returns nothing. The page after it states the time.
#[test]
fn rule_06_a_page_may_hold_only_a_dropped_packet() {
    let long = packet_of(500);
    let mut pages = with_headers([
        nth_page(2, 960, 0).piece(&long[..255]),
        RawPage::new(3, NO_GRANULE).continued(),
        RawPage::new(4, 1920).continued().packet(&long[255..]),
        nth_page(5, 2880, 2).last(),
    ]);
    pages.remove(3);
    assert_eq!(read(&to_stream(&pages)).unwrap().story(), "0@0 -960@960 2@1920");
    // The same on the last page: a loss at the end is concealed as well.
    pages.pop();
    pages[3] = pages[3].clone().last();
    assert_eq!(read(&to_stream(&pages)).unwrap().story(), "0@0 -960@960");
}
