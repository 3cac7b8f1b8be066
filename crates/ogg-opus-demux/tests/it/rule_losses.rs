//! Losses that are easy to misplace: next to another loss, after a page of another stream, at
//! the end of a page, before the first packet.

use crate::common::{
    NO_GRANULE, RawPage, nth, nth_page,
    outcome::{at, gap, read},
    packet_of, plain,
    refused::{assert_violation, offset_of},
    to_stream, with_headers,
};
use ogg_opus_demux::{OggOpusReader, Violation};
use opus_packet::OpusTags;

/// The page of the other stream has other bytes than the last packet, or none.
#[test]
fn rule_25_a_page_of_another_stream_does_not_change_the_concealment() {
    let silk_20_ms = [0x48, 0, 0];
    let page = |sequence, granule| RawPage::new(sequence, granule).packet(&silk_20_ms);
    for other in [&[][..], &[0xe4; 300]] {
        let other = RawPage::new(1, 0).serial(7).packet(other);
        let first = RawPage::new(0, 0).first().serial(7).packet(b"\x80theora");
        let mut pages = with_headers([page(2, 960), other, page(9, 2880), page(10, 3840)]);
        pages.insert(1, first);
        let outcome = read(&to_stream(&pages)).unwrap();
        let data: Vec<_> =
            outcome.link().packets.iter().map(|packet| packet.data.as_slice()).collect();
        assert_eq!(data, [&silk_20_ms[..], &[0x48], &silk_20_ms, &silk_20_ms]);
    }
}

/// Other packets end on the page where it becomes too long, and the granule position includes
/// them, so the loss follows.
#[test]
fn rule_20_a_packet_that_is_too_long_on_its_first_page_is_dropped() {
    let ended = RawPage::new(4, 2880).continued().packet(&[0; 9]).packet(&nth(2));
    let alone = [
        RawPage::new(4, NO_GRANULE).continued().piece(&[0; 255]),
        RawPage::new(5, 2880).continued().packet(&[0; 9]).packet(&nth(2)),
    ];
    for rest in [&[ended][..], &alone] {
        let begun = nth_page(3, 960, 0).piece(&[0x78; 254 * 255]);
        let sequence = 4 + u32::try_from(rest.len()).unwrap();
        let mut pages = with_headers([RawPage::new(2, NO_GRANULE), begun]);
        pages.extend_from_slice(rest);
        pages.push(nth_page(sequence, 3840, 3).last());
        let outcome = read(&to_stream(&pages)).unwrap();
        assert_eq!(outcome.story(), "0@0 -960@960 2@1920 3@2880");
        let too_long = at(offset_of(&pages, 3), Violation::PacketTooLong { limit: 61_440 });
        assert_eq!(outcome.found(), [too_long, gap(offset_of(&pages, pages.len() - 2), 960, 960)]);
    }
}

/// One granule position covers both losses, so the gap precedes the first of them.
#[test]
fn rule_25_losses_before_and_on_a_page_are_one_gap_before_both() {
    let middle = RawPage::new(5, NO_GRANULE).continued().piece(&packet_of(255));
    let wrong = [0x79, 1];
    let both = RawPage::new(6, 5760).continued().packet(&[9]).packet(&nth(3)).packet(&wrong);
    let pages = with_headers([
        nth_page(2, 960, 0),
        nth_page(3, 1920, 1),
        middle,
        both.packet(&nth(5)),
        nth_page(7, 6720, 6).last(),
    ]);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 -1920@1920 3@3840 5@4800 6@5760");
    let place = offset_of(&pages, 5);
    assert_eq!(outcome.found().last(), Some(&gap(place, 1920, 1920)));
}

/// A packet that has begun was received, so the recording did not join after it.
#[test]
fn rule_04_a_jump_inside_the_first_packet_is_a_loss() {
    let begun = RawPage::new(2, NO_GRANULE).piece(&packet_of(255));
    let pages = with_headers([begun, nth_page(4, 1920, 1), nth_page(5, 2880, 2).last()]);
    assert_violation(&pages, 3, Violation::Sequence { expected: 3, found: 4 });
    assert_eq!(read(&to_stream(&pages)).unwrap().story(), "1@0 2@960");
}

/// As when a program lengthens the tags without renumbering the other pages.
#[test]
fn rule_04_numbers_that_go_back_after_the_headers_are_not_a_live_join() {
    let mut pages = plain(3);
    for (page, sequence) in pages[..2].iter_mut().zip([5, 6]) {
        page.sequence = sequence;
    }
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    let sequence = Violation::Sequence { expected: 7, found: 2 };
    assert_eq!(outcome.found(), [at(offset_of(&pages, 2), sequence)]);
}

/// An invalid granule position does not make a page later than the one before.
#[test]
fn rule_05_a_repeated_page_with_an_invalid_granule_position_is_dropped() {
    for granule in [1 << 63, u64::MAX - 1] {
        let mut pages = plain(4);
        pages[3].granule = granule;
        pages.insert(4, pages[3].clone());
        let outcome = read(&to_stream(&pages)).unwrap();
        assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
        let repeated = Violation::Repeated { expected: 4, found: 3 };
        assert_eq!(outcome.found()[1], at(offset_of(&pages, 4), repeated));
    }
}

/// If each of many short heads copied long tags, the work would be quadratic.
#[test]
fn rule_08_repeated_heads_do_not_copy_the_tags() {
    let mut pages = plain(3);
    let head = pages[0].clone();
    pages.splice(2..2, [head.clone(), head.clone(), head]);
    let stream = to_stream(&pages);
    let mut reader = OggOpusReader::from_slice(&stream).unwrap();
    let before = reader.tags().as_bytes().as_ptr();
    reader.next_located().unwrap();
    assert_eq!(before, reader.tags().as_bytes().as_ptr());
    assert_eq!(reader.tags(), &OpusTags::new("tests", ["TITLE=x"]));
}
