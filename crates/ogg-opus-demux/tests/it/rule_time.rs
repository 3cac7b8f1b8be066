//! Rules 21 to 25, about granule positions: a loss becomes a gap of exactly its length, so that
//! nothing after it shifts.

use crate::common::{
    NO_GRANULE, PRE_SKIP, RawPage, header_pages, nth, nth_page,
    outcome::{Outcome, at, gap, read, read_valid, read_with},
    packet_of, plain,
    refused::offset_of,
    to_stream, with_headers,
};
use ogg_opus_demux::{
    CodedPos, ErrorKind, FindingKind, Gap, Note, OggOpusReader, Options, OpusHead, Violation,
};

const DAY: u64 = 24 * 3600 * 48_000;

fn inferred(offset: u64, position: u64, samples: u64) -> (u64, FindingKind) {
    at(offset, Note::Gap(Gap::new(CodedPos::new(position), samples).inferred(true)))
}

fn read_pages(pages: &[RawPage]) -> Outcome {
    read(&to_stream(pages)).unwrap()
}

#[test]
fn rule_21_packet_durations_replace_a_missing_granule_position() {
    let mut pages = plain(4);
    pages[3].granule = NO_GRANULE;
    let outcome = read_pages(&pages);
    assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
    assert_eq!(outcome.found(), [at(offset_of(&pages, 3), Violation::NoGranule)]);
    pages[2].granule = NO_GRANULE;
    let outcome = read_pages(&pages);
    assert_eq!((outcome.story().as_str(), outcome.violations()), ("0@0 1@960 2@1920 3@2880", 2));
}

#[test]
fn rule_21_packets_before_the_first_granule_position_count() {
    let mut pages = plain(2);
    pages[2].granule = NO_GRANULE;
    pages[3].granule = 1500;
    let outcome = read_pages(&pages);
    assert_eq!(outcome.found(), [at(offset_of(&pages, 2), Violation::NoGranule)]);
    assert_eq!(outcome.link().lengths(), (1920, 420));
}

/// The page after the loss does not state its length, but the next one does.
#[test]
fn rule_21_a_loss_before_a_page_without_a_granule_position_is_kept() {
    let mut pages = plain(6);
    pages[4].granule = NO_GRANULE;
    pages.remove(3);
    let outcome = read_pages(&pages);
    assert_eq!(outcome.story(), "0@0 2@960 -960@1920 3@2880 4@3840 5@4800");
}

#[test]
fn rule_21_granule_positions_of_2_to_the_63_and_more_are_ignored() {
    for found in [1 << 63, u64::MAX - 1] {
        let mut pages = plain(4);
        pages[3].granule = found;
        let outcome = read_pages(&pages);
        assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
        assert_eq!(
            outcome.found(),
            [at(offset_of(&pages, 3), Violation::GranuleOverflow { found })]
        );
    }
}

#[test]
fn rule_21_granule_positions_up_to_2_to_the_63_are_counted() {
    let most = u64::try_from(i64::MAX).unwrap();
    let mut pages = plain(3);
    pages[2..].iter_mut().for_each(|page| page.granule += most - 2880);
    assert_eq!(read_valid(&to_stream(&pages)).link().lengths(), (2880, 0));
    // Nothing overflows at the end of the range.
    pages[4].granule = most;
    pages[3].granule = most;
    pages[2].granule = most;
    assert_eq!(read_pages(&pages).story(), "0@0 1@960 2@1920");
}

#[test]
fn rule_22_a_live_start_is_noted() {
    let mut pages = plain(3);
    pages[2..].iter_mut().for_each(|page| page.granule += 5_000_000);
    let outcome = read_valid(&to_stream(&pages));
    assert_eq!(
        (outcome.story().as_str(), outcome.link().lengths()),
        ("0@0 1@960 2@1920", (2880, 0))
    );
    let start = Note::LiveStart { samples: 5_000_000 };
    assert_eq!(outcome.found(), [at(offset_of(&pages, 2), start)]);
}

#[test]
fn rule_22_a_first_page_before_zero_is_kept_unless_it_is_the_last() {
    let (samples, found) = (960, 959);
    let mut pages = plain(3);
    pages[2].granule = found;
    let outcome = read_pages(&pages);
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    let before = Violation::GranuleBeforeStart { samples, found };
    assert_eq!(outcome.found()[0], at(offset_of(&pages, 2), before));
    let only = with_headers([nth_page(2, 500, 0).last()]);
    assert_eq!(read_valid(&to_stream(&only)).link().lengths(), (960, 460));
    let found = u64::from(PRE_SKIP) - 1;
    let only = with_headers([nth_page(2, found, 0).last()]);
    let outcome = read_pages(&only);
    assert_eq!((outcome.story().as_str(), outcome.link().lengths()), ("0@0", (960, 0)));
    let below = Violation::GranuleBelowPreSkip { pre_skip: PRE_SKIP.into(), found };
    assert_eq!(outcome.found()[0], at(offset_of(&only, 2), below));
}

#[test]
fn rule_23_a_jump_of_granule_positions_is_not_a_gap() {
    for found in [0, 960, 1919, 1921, 2880, 1_000_000_000_000] {
        let mut pages = plain(4);
        pages[3].granule = found;
        let outcome = read_pages(&pages);
        assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
        let jump = Violation::Granule { expected: 1920, found };
        assert_eq!(outcome.found()[0], at(offset_of(&pages, 3), jump));
    }
}

/// After a jump, counting continues from the new position.
#[test]
fn rule_23_a_jump_is_reported_once() {
    let mut pages = plain(5);
    pages[4..].iter_mut().for_each(|page| page.granule += 10_000);
    let outcome = read_pages(&pages);
    assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880 4@3840");
    let jump = Violation::Granule { expected: 2880, found: 12_880 };
    assert_eq!(outcome.found(), [at(offset_of(&pages, 4), jump)]);
}

#[test]
fn rule_25_a_loss_of_any_length_is_a_gap_of_that_length() {
    for lost in 1..=12 {
        for page in 3..=4 {
            let mut pages = plain(20);
            pages.drain(page..page + lost);
            let outcome = read_pages(&pages);
            let samples = 960 * u64::try_from(lost).unwrap();
            let position = 960 * u64::try_from(page - 2).unwrap();
            assert_eq!(outcome.found()[1], gap(offset_of(&pages, page), position, samples));
            for packet in outcome.link().packets.iter().filter(|packet| !packet.is_concealment) {
                assert_eq!(packet.position, 960 * u64::from(packet.data[1]));
            }
            assert_eq!(outcome.link().lengths(), (19_200, 0));
        }
    }
}

/// With the mode, bandwidth and frame size of the packet before, then with shorter frames.
#[test]
fn rule_25_concealment_continues_the_packet_before() {
    let silk_20_ms = [0x48, 0, 0];
    let page = |sequence, granule| RawPage::new(sequence, granule).packet(&silk_20_ms);
    // The example of RFC 7845 section 4.1: 95 ms are lost.
    let pages =
        with_headers([page(2, 960), page(9, 960 + 95 * 48 + 960), page(10, 960 * 3 + 95 * 48)]);
    let outcome = read_pages(&pages);
    let packets = &outcome.link().packets;
    let concealed: Vec<_> = packets.iter().filter(|packet| packet.is_concealment).collect();
    let data: Vec<_> = concealed.iter().map(|packet| packet.data.as_slice()).collect();
    assert_eq!(data, [&[0x4b, 4][..], &[0x40], &[0xa8]]);
    let places: Vec<_> = packets.iter().map(|packet| (packet.position, packet.duration)).collect();
    assert_eq!(places[1..5], [(960, 3840), (4800, 480), (5280, 240), (5520, 960)]);
}

#[test]
fn rule_25_an_uneven_loss_is_rounded_down() {
    let mut pages = plain(5);
    pages[4..].iter_mut().for_each(|page| page.granule += 100);
    pages.remove(3);
    let outcome = read_pages(&pages);
    assert_eq!(outcome.story(), "0@0 -960@960 2@1920 3@2880 4@3840");
    let place = offset_of(&pages, 3);
    assert_eq!(
        outcome.found()[1..],
        [at(place, Violation::UnevenLoss { samples: 1060 }), gap(place, 960, 960)]
    );
    // Too little to conceal.
    let mut pages = plain(5);
    pages[4..].iter_mut().for_each(|page| page.granule -= 850);
    pages.remove(3);
    assert_eq!(read_pages(&pages).story(), "0@0 2@960 3@1920 4@2880");
}

/// As when a program leaves out pages without advancing the time.
#[test]
fn rule_25_a_jump_of_page_numbers_without_lost_time_is_not_a_gap() {
    let mut pages = plain(4);
    pages[4..].iter_mut().for_each(|page| page.sequence += 7);
    let outcome = read_pages(&pages);
    assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
    let place = offset_of(&pages, 4);
    assert_eq!(outcome.found(), [at(place, Violation::Sequence { expected: 4, found: 11 })]);
}

#[test]
fn rule_25_before_the_last_page_a_loss_is_inferred() {
    for (lost, end_trim) in [(1, 0), (1, 206), (3, 959), (10, 1)] {
        let mut pages = plain(15);
        let last = pages.len() - 1;
        pages[last].granule -= end_trim;
        pages.drain(last - lost..last);
        let outcome = read_pages(&pages);
        let last = pages.len() - 1;
        let samples = 960 * u64::try_from(lost).unwrap();
        assert_eq!(outcome.link().lengths(), (14_400, end_trim), "{lost} pages, {end_trim}");
        let expected = inferred(offset_of(&pages, last), 14_400 - 960 - samples, samples);
        assert_eq!(outcome.found()[1], expected);
    }
}

#[test]
fn rule_25_a_loss_before_the_first_page_is_not_a_gap() {
    let mut pages = plain(5);
    pages.remove(2);
    let outcome = read_valid(&to_stream(&pages));
    assert_eq!(outcome.story(), "1@0 2@960 3@1920 4@2880");
}

#[test]
fn rule_25_all_gaps_together_last_at_most_a_day_more_than_the_audio() {
    // A day more than the audio before it.
    let (most, unit) = (DAY + 1920, 120);
    let mut pages = plain(4);
    pages[4..].iter_mut().for_each(|page| page.granule += most + unit);
    pages[4..].iter_mut().for_each(|page| page.sequence += 1);
    let error = read(&to_stream(&pages)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooMuchLost);
    assert_eq!(error.offset(), Some(offset_of(&pages, 4)));
    let expected = format!("{} samples are lost after 1920 were read", most + unit);
    assert!(error.to_string().contains(&expected), "{error}");
    let (outcome, error) = read_with(&to_stream(&pages)[..], Options::default());
    assert_eq!((outcome.links[0].story().as_str(), error.is_some()), ("0@0 1@960", true));
}

#[test]
fn rule_25_a_gap_of_a_day_is_filled_with_short_packets() {
    let mut pages = plain(4);
    pages[4..].iter_mut().for_each(|page| page.granule += DAY);
    pages[4..].iter_mut().for_each(|page| page.sequence += 1);
    let stream = to_stream(&pages);
    let mut reader = OggOpusReader::from_slice(&stream).unwrap();
    let (mut filled, mut count) = (0, 0);
    while let Some(packet) = reader.next_located().unwrap() {
        if packet.is_concealment {
            assert_eq!(packet.data, [0x7b, 6]);
            filled += u64::from(packet.duration);
            count += 1;
        }
    }
    assert_eq!((filled, count), (DAY, DAY / 5760));
    assert_eq!(reader.timeline().unwrap().coded_length(), DAY + 3840);
}

#[test]
fn rule_25_a_gap_may_follow_a_gap() {
    let mut pages = plain(9);
    pages.remove(7);
    pages.remove(5);
    pages.remove(3);
    let outcome = read_pages(&pages);
    assert_eq!(
        outcome.story(),
        "0@0 -960@960 2@1920 -960@2880 4@3840 -960@4800 6@5760 7@6720 8@7680"
    );
}

#[test]
fn rule_25_the_gap_is_where_the_dropped_packet_was() {
    // Both the lost page and the cut packet precede all packets of the page.
    let long = packet_of(300);
    let mut pages = with_headers([
        nth_page(2, 960, 0),
        nth_page(3, 1920, 1).piece(&long[..255]),
        RawPage::new(4, 3840).continued().packet(&long[255..]).packet(&nth(3)),
        nth_page(5, 4800, 4).last(),
    ]);
    pages.remove(3);
    let outcome = read_pages(&pages);
    assert_eq!(outcome.story(), "0@0 -1920@960 3@2880 4@3840");
    assert_eq!(outcome.found()[1], gap(offset_of(&pages, 3), 960, 1920));
}

#[test]
fn a_stream_shorter_than_its_pre_skip_plays_nothing() {
    let head = OpusHead::new(1, 1000, 0).unwrap();
    let mut pages = plain(1);
    pages[0] = RawPage::new(0, 0).first().packet(&head.to_bytes());
    let outcome = read_pages(&pages);
    assert_eq!((outcome.story().as_str(), outcome.link().timeline), ("0@0", None));
    let headers_only = header_pages();
    assert_eq!(read_pages(&headers_only).link().packets, []);
}

#[test]
fn at_most_a_thousand_findings_are_kept() {
    let mut pages = plain(255);
    let page = |n: u32| nth_page(2 + 2 * n, 960 * u64::from(n + 1), 0);
    pages.splice(2.., (0..1500).map(page));
    let stream = to_stream(&pages);
    let mut reader = OggOpusReader::from_slice(&stream).unwrap();
    while reader.next_located().unwrap().is_some() {}
    let findings: Vec<_> = reader.findings().collect();
    assert_eq!(findings.len(), 1001);
    // 1499 jumps and the missing last page.
    let omitted = FindingKind::Note(Note::Omitted { count: 500 });
    assert_eq!(findings[1000].kind, omitted);
    assert_eq!(reader.findings().count(), 0);
}
