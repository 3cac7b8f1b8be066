//! Rule 24, about the end trim, and pages on which no packet ends.

use crate::common::{
    NO_GRANULE, RawPage, nth, nth_page,
    outcome::{Outcome, at, gap, read, read_valid},
    packet_of, plain,
    refused::offset_of,
    to_stream, with_headers,
};
use ogg_opus_demux::{FindingKind, Note, Violation};

/// Pages with these numbers of 20 ms packets. Granule positions are the sum of durations
/// times `by / of`, and the last page is marked.
fn scaled(packets: &[u8], by: u64, of: u64) -> Vec<RawPage> {
    let (mut number, mut sequence) = (0, 1);
    let pages = packets.iter().map(|count| {
        sequence += 1;
        let page = (number..number + count)
            .fold(RawPage::new(sequence, 0), |page, n| page.packet(&nth(n)));
        number += count;
        RawPage { granule: 960 * u64::from(number) * by / of, ..page }
    });
    let mut pages = with_headers(pages.collect::<Vec<_>>());
    let last = pages.len() - 1;
    pages[last] = pages[last].clone().last();
    pages
}

fn read_pages(pages: &[RawPage]) -> Outcome {
    read(&to_stream(pages)).unwrap()
}

#[test]
fn rule_24_only_the_last_page_trims_and_only_what_ends_on_it() {
    for (granule, end_trim) in [(2880, 0), (2879, 1), (1920, 960)] {
        let mut pages = plain(3);
        pages[4].granule = granule;
        let outcome = read_valid(&to_stream(&pages));
        assert_eq!(outcome.link().lengths(), (2880, end_trim), "{granule}");
        assert!(outcome.findings.is_empty());
    }
    for found in [1919, 960, 0] {
        let mut pages = plain(3);
        pages[4].granule = found;
        let outcome = read_pages(&pages);
        assert_eq!(outcome.link().lengths(), (2880, 0), "before the page: {found}");
        let wrong = Violation::EndTrim { expected: 2880, found };
        assert_eq!(outcome.found(), [at(offset_of(&pages, 4), wrong)]);
    }
    let mut pages = plain(3);
    pages[4].granule = 2881;
    let jump = Violation::Granule { expected: 2880, found: 2881 };
    assert_eq!(read_pages(&pages).found(), [at(offset_of(&pages, 4), jump)]);
}

#[test]
fn rule_24_a_trim_longer_than_a_packet_is_noted() {
    for packets in [&[10][..], &[3, 10], &[1, 1, 1, 10]] {
        let count = u64::from(packets.iter().sum::<u8>());
        for (samples, is_long) in [(960, false), (961, true), (5000, true), (9000, true)] {
            let mut pages = scaled(packets, 1, 1);
            let last = pages.len() - 1;
            pages[last].granule -= samples;
            let outcome = read_valid(&to_stream(&pages));
            assert_eq!(outcome.link().lengths(), (960 * count, samples));
            let note = at(offset_of(&pages, last), Note::LongTrim { samples, packet: 960 });
            assert_eq!(outcome.found(), Vec::from_iter(is_long.then_some(note)));
        }
    }
}

#[test]
fn rule_24_positions_known_to_be_wrong_trim_nothing() {
    for packets in [&[5, 5][..], &[5, 1], &[50, 3], &[1, 1, 1, 1], &[7, 9, 2, 3, 8]] {
        let count = u64::from(packets.iter().sum::<u8>());
        for (by, of) in [(1, 3), (1, 2), (9, 10), (0, 1), (3, 2)] {
            let pages = scaled(packets, by, of);
            let outcome = read_pages(&pages);
            assert_eq!(outcome.link().lengths(), (960 * count, 0), "{packets:?}, {by} / {of}");
            let last = offset_of(&pages, pages.len() - 1);
            let is_found =
                |(offset, kind): &(u64, FindingKind)| *offset == last && kind.rule().is_some();
            assert!(outcome.found().iter().any(is_found), "{packets:?}, {by} / {of}");
        }
    }
    // On the only page too, if it is impossible.
    for found in [0, 311] {
        let mut pages = scaled(&[50], 0, 1);
        pages[2].granule = found;
        let outcome = read_pages(&pages);
        assert_eq!(outcome.link().lengths(), (48_000, 0));
        let below = Violation::GranuleBelowPreSkip { pre_skip: 312, found };
        assert_eq!(outcome.found(), [at(offset_of(&pages, 2), below)]);
    }
}

/// Wrong positions are forgiven once a page is right again.
#[test]
fn rule_24_a_jump_before_the_last_pages_does_not_keep_the_end() {
    let mut pages = plain(6);
    pages[3..].iter_mut().for_each(|page| page.granule += 10_000);
    pages[7].granule -= 100;
    let outcome = read_pages(&pages);
    assert_eq!((outcome.violations(), outcome.link().lengths()), (1, (5760, 100)));
    // A loss neither makes them right nor wrong.
    pages.remove(5);
    let outcome = read_pages(&pages);
    assert_eq!((outcome.violations(), outcome.link().lengths()), (2, (5760, 100)));
}

#[test]
fn rule_25_a_loss_that_only_an_empty_page_shows_is_a_gap() {
    for lost in 1..=4 {
        for (is_last, rest) in [(true, 0), (false, 0), (false, 3)] {
            let mut pages = plain(9);
            pages[10].flags = 0;
            let empty = RawPage::new(11, 8640);
            pages.push(if is_last { empty.last() } else { empty });
            pages.extend(
                (0..rest).map(|n| nth_page(12 + u32::from(n), 9600 + 960 * u64::from(n), 9 + n)),
            );
            let from = 11 - lost;
            pages.drain(from..11);
            let outcome = read_pages(&pages);
            let samples = 960 * u64::try_from(lost).unwrap();
            let place = offset_of(&pages, from);
            let sequence =
                Violation::Sequence { expected: u32::try_from(from).unwrap(), found: 11 };
            let expected = [at(place, sequence), gap(place, 8640 - samples, samples)];
            assert_eq!(outcome.found()[..2], expected);
            assert_eq!(
                (outcome.violations(), outcome.link().lengths()),
                (1, (8640 + 960 * u64::from(rest), 0))
            );
        }
    }
}

#[test]
fn rule_25_a_gap_shown_by_an_empty_page_is_rounded_down() {
    let mut pages = plain(3);
    pages[4] = RawPage::new(5, 1920 + 1001).last();
    let outcome = read_pages(&pages);
    let place = offset_of(&pages, 4);
    let uneven = at(place, Violation::UnevenLoss { samples: 1001 });
    assert_eq!(outcome.found()[1..], [uneven, gap(place, 1920, 960)]);
    assert_eq!(outcome.link().lengths(), (2880, 0));
}

/// In any place, with or without a loss before it.
#[test]
fn rule_23_an_impossible_position_of_an_empty_page_is_reported_and_ignored() {
    for place in 3..=6 {
        for sequence_lost in [0, 1] {
            for found in [0, 1, 10_000_000_000_000, 1 << 62, 1 << 63] {
                let mut pages = plain(4);
                pages[5].granule -= 100;
                let mut empty = nil_before(&mut pages, place, sequence_lost);
                empty.granule = found;
                pages.insert(place, empty);
                let outcome = read_pages(&pages);
                assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
                assert_eq!(outcome.link().lengths(), (3840, 100));
                let expected =
                    if place == 6 { 3740 } else { 960 * u64::try_from(place - 2).unwrap() };
                let wrong = Violation::EmptyPageGranule { expected, found };
                assert!(
                    outcome.found().contains(&at(offset_of(&pages, place), wrong)),
                    "{place} {found}"
                );
            }
        }
    }
}

/// An empty page before this one, after `lost` lost page numbers.
fn nil_before(pages: &mut [RawPage], place: usize, lost: u32) -> RawPage {
    let sequence = u32::try_from(place).unwrap() + lost;
    for page in &mut pages[place..] {
        page.sequence += 1 + lost;
    }
    RawPage::new(sequence, 0)
}

/// A page with a piece of a packet has no position of its own.
#[test]
fn rule_23_a_piece_of_a_packet_has_no_position() {
    let long = packet_of(600);
    let pages = |granule| {
        with_headers([
            nth_page(2, 960, 0).piece(&long[..255]),
            RawPage::new(3, granule).continued().piece(&long[255..510]),
            RawPage::new(4, 1920).continued().packet(&long[510..]),
            nth_page(5, 2880, 2).last(),
        ])
    };
    for granule in [NO_GRANULE, 960] {
        assert_eq!(read_valid(&to_stream(&pages(granule))).story(), "0@0 0@960 2@1920");
    }
    for found in [0, 1920, 1 << 62] {
        let pages = pages(found);
        let outcome = read_pages(&pages);
        assert_eq!(
            (outcome.story().as_str(), outcome.link().lengths()),
            ("0@0 0@960 2@1920", (2880, 0))
        );
        let wrong = Violation::EmptyPageGranule { expected: 960, found };
        assert_eq!(outcome.found(), [at(offset_of(&pages, 3), wrong)]);
    }
}
