//! Rule 7, about first pages in the middle of a stream: if the stream goes on after them, they
//! cost nothing else.

use crate::common::{
    RawPage, SERIAL, head, nth_page,
    outcome::{Outcome, at, gap, read, read_track, read_valid},
    plain,
    refused::{assert_violation, offset_of},
    source::{Source, sources},
    tags, to_stream, with_headers, with_serial,
};
use ogg_opus_demux::{FindingKind, InvalidPage, Note, OggOpusReader, Violation};
use opus_packet::{OpusHead, OpusTags};
use proptest::{collection::vec, prelude::*, sample::Index};

const STORY: &str = "0@0 1@960 2@1920 3@2880";

fn stray(serial: u32) -> RawPage {
    let head = OpusHead::new(2, 77, 0).unwrap().to_bytes();
    RawPage::new(0, 0).first().serial(serial).packet(&head)
}

fn tags_of(serial: u32) -> RawPage {
    RawPage::new(1, 0).serial(serial).packet(&tags())
}

fn read_pages(pages: &[RawPage]) -> Outcome {
    read(&to_stream(pages)).unwrap()
}

fn stray_head(pages: &[RawPage], place: usize) -> (u64, FindingKind) {
    at(offset_of(pages, place), Violation::StrayHead { serial: pages[place].serial })
}

/// Heads of any kind, alone or with other pages of their stream.
fn interruptions() -> Vec<Vec<RawPage>> {
    let bad = RawPage::new(0, 0).first().serial(7).packet(b"OpusHead");
    let long = OpusTags::new("long", [format!("A={}", "b".repeat(400)).as_str()]);
    let long_tags = [
        RawPage::new(1, u64::MAX).serial(7).piece(&long.as_bytes()[..255]),
        RawPage::new(2, 0).serial(7).continued().packet(&long.as_bytes()[255..]),
    ];
    let seventh = RawPage { sequence: 70, ..stray(SERIAL) };
    vec![
        vec![stray(7)],
        vec![stray(7).last()],
        vec![bad.clone()],
        vec![RawPage::new(0, 0).first().serial(7).packet(&head()[..18])],
        vec![stray(SERIAL)],
        vec![seventh],
        vec![RawPage { serial: SERIAL, ..bad }],
        vec![stray(7), tags_of(7)],
        [vec![stray(7)], long_tags.to_vec()].concat(),
        vec![stray(7), RawPage::new(1, 0).serial(7)],
        vec![stray(7), tags_of(9)],
    ]
}

#[test]
fn rule_07_a_stray_head_costs_nothing_else() {
    for interruption in interruptions() {
        for place in 2..=5 {
            let mut pages = plain(4);
            pages.splice(place..place, interruption.clone());
            let outcome = read_pages(&pages);
            assert_eq!(outcome.story(), STORY, "{place}: {interruption:?}");
            assert_eq!(outcome.link().lengths(), (3840, 0));
            assert_eq!(outcome.found(), [stray_head(&pages, place)]);
            assert_violation(&pages, place, Violation::StrayHead { serial: pages[place].serial });
        }
    }
}

#[test]
fn rule_07_several_stray_heads_cost_nothing_else() {
    let other = RawPage::new(0, 0).first().serial(9).packet(b"\x80theora");
    let row = [stray(7), stray(8), other, stray(7)];
    for place in 2..=5 {
        let mut pages = plain(4);
        pages.splice(place..place, row.clone());
        let outcome = read_pages(&pages);
        let found = |n| stray_head(&pages, place + n);
        let theora = Note::OtherStream { serial: 9, codec: "Theora" };
        let theora = at(offset_of(&pages, place + 2), theora);
        assert_eq!(outcome.found(), [found(0), found(1), theora, found(3)]);
        assert_eq!(outcome.story(), STORY);
    }
    // Before each page.
    let mut pages = plain(4);
    (2..=5).rev().for_each(|place| pages.insert(place, stray(7)));
    let outcome = read_pages(&pages);
    assert_eq!((outcome.story().as_str(), outcome.violations()), (STORY, 4));
}

/// Pages of the stray stream, and of others that are multiplexed, may lie between.
#[test]
fn rule_07_a_stray_head_costs_no_multiplexed_stream() {
    let video = |sequence| RawPage::new(sequence, 5).serial(9).packet(&[1, 2, 3]);
    let first = RawPage::new(0, 0).first().serial(9).packet(b"\x80theora");
    let mut pages = plain(4);
    pages.insert(1, first);
    pages.splice(4..4, [stray(7), tags_of(7), video(1)]);
    pages.push(RawPage::new(2, 5).serial(7));
    let outcome = read_pages(&pages);
    assert_eq!((outcome.story().as_str(), outcome.violations()), (STORY, 1));
    let two = with_serial(plain(4), 3);
    let mut pages: Vec<_> =
        plain(4).iter().zip(&two).flat_map(|(one, two)| [one.clone(), two.clone()]).collect();
    pages.insert(6, stray(7));
    let stream = to_stream(&pages);
    for track in 0..2 {
        let outcome = read_track(&stream, track).unwrap();
        assert_eq!((outcome.story().as_str(), outcome.violations()), (STORY, 1));
    }
}

#[test]
fn rule_07_a_stray_head_inside_the_tags_costs_nothing() {
    let long = OpusTags::new("long", [format!("A={}", "b".repeat(400)).as_str()]);
    let mut pages = plain(4);
    pages[2..].iter_mut().for_each(|page| page.sequence += 1);
    let of_tags = [
        RawPage::new(1, u64::MAX).piece(&long.as_bytes()[..255]),
        stray(7),
        RawPage::new(2, 0).continued().packet(&long.as_bytes()[255..]),
    ];
    pages.splice(1..2, of_tags);
    let outcome = read_pages(&pages);
    assert_eq!((outcome.story().as_str(), outcome.violations()), (STORY, 1));
    assert_eq!(outcome.link().tags, long.as_bytes());
}

#[test]
fn rule_07_damage_next_to_a_stray_head_is_still_found() {
    let mut pages = plain(4);
    pages.insert(3, stray(7));
    pages.remove(4);
    let outcome = read_pages(&pages);
    assert_eq!(outcome.story(), "0@0 -960@960 2@1920 3@2880");
    let place = offset_of(&pages, 4);
    let lost = at(place, Violation::Sequence { expected: 3, found: 4 });
    assert_eq!(outcome.found(), [stray_head(&pages, 3), lost, gap(place, 960, 960)]);

    let (before, after) = (to_stream(&pages[..4]), to_stream(&pages[4..]));
    let outcome = read(&[before.as_slice(), b"junk", &after].concat()).unwrap();
    let reason = InvalidPage::Capture { found: *b"junk" };
    let junk = (offset_of(&pages, 4), FindingKind::Skipped { bytes: 4, reason });
    assert_eq!(outcome.found()[..2], [stray_head(&pages, 3), junk]);
}

/// A stray head next to the first or after the last page is a stream of its own, without audio.
#[test]
fn rule_07_a_stray_head_at_an_end_is_a_stream_without_audio() {
    for (place, track) in [(0, 1), (1, 0)] {
        let mut pages = plain(4);
        pages.insert(place, stray(7));
        let stream = to_stream(&pages);
        assert_eq!(read_track(&stream, track).unwrap().story(), STORY);
        assert!(read_track(&stream, 1 - track).unwrap().link().packets.is_empty());
    }
    for is_marked in [true, false] {
        let mut pages = plain(4);
        pages[5].flags = if is_marked { 4 } else { 0 };
        pages.push(stray(7));
        let outcome = read_pages(&pages);
        assert_eq!((outcome.links[0].story().as_str(), outcome.links.len()), (STORY, 2));
        assert!(outcome.links[1].packets.is_empty());
    }
}

/// A link that begins although the one before has no last page is still one.
#[test]
fn rule_08_a_link_with_audio_is_not_stray() {
    for serial in [7, SERIAL] {
        for has_tags in [true, false] {
            for count in [1, 4] {
                let mut pages = plain(4);
                pages[5].flags = 0;
                let mut next = with_serial(plain(count), serial);
                if !has_tags {
                    next.remove(1);
                }
                pages.extend(next);
                let outcome = read_pages(&pages);
                assert_eq!(outcome.links.len(), 2, "{serial} {has_tags} {count}");
                assert_eq!(outcome.links[0].story(), STORY);
                assert_eq!(outcome.links[1].packets.len(), usize::from(count));
                assert!(outcome.found().contains(&at(offset_of(&pages, 6), Note::NoLastPage)));
            }
        }
    }
}

/// The findings of a link are taken with it, although it was read ahead.
#[test]
fn rule_08_findings_of_the_next_link_come_with_it() {
    let mut pages = plain(2);
    pages[3].flags = 0;
    let mut next = with_serial(plain(2), 7);
    next[0].granule = 5;
    pages.extend(next);
    let stream = to_stream(&pages);
    let mut reader = OggOpusReader::from_slice(&stream).unwrap();
    while reader.next_located().unwrap().is_some() {}
    let before: Vec<_> = reader.findings().map(|finding| finding.kind).collect();
    assert_eq!(before, [FindingKind::Note(Note::NoLastPage)]);
    assert!(reader.next_link().unwrap());
    let after: Vec<_> = reader.findings().map(|finding| finding.kind).collect();
    assert_eq!(after, [FindingKind::Violation(Violation::HeaderGranule { found: 5 })]);
}

/// An empty first link ends where the next one begins.
#[test]
fn rule_08_a_link_without_audio_is_followed_by_the_next() {
    let mut next = with_serial(plain(4), 7);
    next[5] = nth_page(5, 3840, 3).serial(7).last();
    for first in [with_headers([]), with_headers([])[..1].to_vec()] {
        let mut pages = first.clone();
        pages.push(RawPage::new(9, u64::MAX).serial(8));
        pages.extend(next.clone());
        let outcome = read_pages(&pages);
        assert_eq!(outcome.links.len(), 2);
        assert_eq!(outcome.links[1].story(), STORY);
    }
    assert_eq!(read_valid(&to_stream(&next)).story(), STORY);
}

proptest! {
    /// Stray heads anywhere inside links change neither packets nor times.
    #[test]
    fn rule_07_stray_heads_anywhere_cost_nothing(
        source in sources(), strays in vec((any::<Index>(), 0usize..11), 1..6),
    ) {
        let before = read(&source.to_pages().concat()).unwrap();
        let places = places_inside(&source);
        prop_assume!(!places.is_empty());
        let mut strays: Vec<_> =
            strays.iter().map(|(place, kind)| (*place.get(&places), *kind)).collect();
        strays.sort_unstable();
        strays.dedup_by_key(|(place, _)| *place);
        let mut pages = source.pages.clone();
        for &(place, kind) in strays.iter().rev() {
            let serial = source.pages[place].serial;
            let mut interruption = interruptions()[kind].clone();
            let own = interruption.iter_mut().filter(|page| page.serial == SERIAL);
            own.for_each(|page| page.serial = serial);
            // Its next page would continue the stray one as well as the other.
            let next = source.pages[place].sequence;
            if interruption[0].serial == serial && next == interruption[0].sequence.wrapping_add(1) {
                continue;
            }
            pages.splice(place..place, interruption);
        }
        let after = read(&to_stream(&pages)).unwrap();
        prop_assert_eq!(before.links.len(), after.links.len());
        for (before, after) in before.links.iter().zip(&after.links) {
            prop_assert_eq!(&before.tags, &after.tags);
            prop_assert_eq!(before.story(), after.story());
            prop_assert_eq!(before.timeline, after.timeline);
        }
    }
}

/// The places of pages of audio that continue a link of the reader.
fn places_inside(source: &Source) -> Vec<usize> {
    let is_inside = |&place: &usize| {
        let page = &source.pages[place];
        let before = source.pages[..place].iter().rfind(|one| one.serial == page.serial);
        let serial = source.link(page.serial).is_some();
        serial && page.flags & 2 == 0 && before.is_some_and(|before| before.flags & 2 == 0)
    };
    (0..source.pages.len()).filter(is_inside).collect()
}
