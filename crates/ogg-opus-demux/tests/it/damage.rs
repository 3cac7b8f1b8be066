//! Damaged streams: reading ends without a panic, returns nothing that was not in the stream,
//! and shifts nothing in time.

use std::collections::HashSet;

use crate::common::{
    outcome::{LinkRead, Outcome, read},
    repair_checksums,
    source::{Source, SourceLink, sources},
};
use ogg_opus_demux::{FindingKind, Note, Violation};
use proptest::{collection::vec, prelude::*, sample::Index};

proptest! {
    #[test]
    fn an_undamaged_stream_is_read_whole(source in sources()) {
        let outcome = read(&source.to_pages().concat()).unwrap();
        let wrong: Vec<_> = outcome.findings.iter().filter(|finding| {
            let is_short = matches!(
                finding.kind,
                FindingKind::Timeline(_)
                    | FindingKind::Violation(Violation::GranuleBelowPreSkip { .. })
            );
            finding.is_violation() && !is_short
        }).collect();
        prop_assert!(wrong.is_empty(), "{:?}", wrong);
        prop_assert_eq!(outcome.links.len(), source.links.len());
        for (link, source) in outcome.links.iter().zip(&source.links) {
            prop_assert_eq!(link.packets.len(), source.packets.len());
            check_times(link, source)?;
        }
    }

    /// Lost, damaged and repeated pages and junk, anywhere after the first page of a link and
    /// before its end.
    #[test]
    fn rule_25_nothing_shifts_in_time(source in sources(), damages in vec(damage(), 1..6)) {
        let original = read(&source.to_pages().concat()).unwrap();
        let (stream, hit) = damaged(&source, &places_in_the_middle(&source), &damages);
        let outcome = read(&stream).unwrap();
        prop_assert!(outcome.findings.len() < 10 + 10 * source.pages.len());
        prop_assert_eq!(outcome.links.len(), source.links.len());
        for (number, (link, source)) in outcome.links.iter().zip(&source.links).enumerate() {
            check_times(link, source)?;
            check_complete(link, source, &hit)?;
            check_length(link, &original.links[number], source)?;
        }
    }

    /// The same with late and early pages.
    #[test]
    fn rule_05_pages_in_disorder_shift_nothing(
        source in sources(), damages in vec(damage(), 0..3), swaps in vec(any::<(Index, Index)>(), 1..4),
    ) {
        let mut moved = source.clone();
        let places = places_in_the_middle(&source);
        for (one, other) in swaps.iter().filter(|_| !places.is_empty()) {
            moved.pages.swap(*one.get(&places), *other.get(&places));
        }
        let (stream, _) = damaged(&moved, &places, &damages);
        let outcome = read(&stream).unwrap();
        for link in &outcome.links {
            check_times(link, source.link(link.serial).unwrap())?;
        }
    }

    /// For any damage to a stream with checksums, only packets of the source, in order.
    #[test]
    fn any_damage_returns_only_packets_of_the_source(
        source in sources(), damages in vec(any_damage(), 1..6),
    ) {
        let mut pages = source.to_pages();
        damages.iter().for_each(|damage| damage.apply(&mut pages));
        if let Ok(outcome) = read(&pages.concat()) {
            for link in &outcome.links {
                check_order(link, source.link(link.serial).unwrap())?;
            }
        }
    }

    /// Repaired checksums hide the damage, so any packets may be read, but without a panic: see
    /// `common::outcome`.
    #[test]
    fn any_damage_with_right_checksums_does_no_harm(
        source in sources(), damages in vec(any_damage(), 1..6),
    ) {
        let mut pages = source.to_pages();
        damages.iter().for_each(|damage| damage.apply(&mut pages));
        let mut stream = pages.concat();
        repair_checksums(&mut stream);
        if let Ok(outcome) = read(&stream) {
            prop_assert!(outcome.findings.len() <= 1001);
        }
    }
}

/// Checks that every packet keeps its position relative to the first one.
fn check_times(link: &LinkRead, source: &SourceLink) -> Result<(), TestCaseError> {
    check_order(link, source)?;
    let mut start = None;
    for packet in link.packets.iter().filter(|packet| !packet.is_concealment) {
        let original = source.find(&packet.data).unwrap().position;
        let start = *start.get_or_insert(original);
        prop_assert_eq!(packet.position, original - start);
    }
    Ok(())
}

/// Checks that packets are from the source, in order and without repetition.
fn check_order(link: &LinkRead, source: &SourceLink) -> Result<(), TestCaseError> {
    let mut last = None;
    for packet in link.packets.iter().filter(|packet| !packet.is_concealment) {
        let Some(original) = source.find(&packet.data) else {
            return Err(TestCaseError::fail(format!("{:?} is not in the source", packet.data)));
        };
        prop_assert!(last.is_none_or(|last| last < original.position), "in order");
        last = Some(original.position);
    }
    Ok(())
}

/// Checks that a packet is returned if and only if all its pages survive.
fn check_complete(
    link: &LinkRead,
    source: &SourceLink,
    hit: &HashSet<(u32, u32)>,
) -> Result<(), TestCaseError> {
    let given: HashSet<_> = link.packets.iter().map(|packet| &packet.data).collect();
    for packet in &source.packets {
        let (from, to) = packet.pages;
        let mut pages = (0..=to.wrapping_sub(from)).map(|i| from.wrapping_add(i));
        let survives = pages.all(|page| !hit.contains(&(source.serial, page)));
        prop_assert_eq!(survives, given.contains(&packet.data), "pages {} to {}", from, to);
    }
    Ok(())
}

/// Checks that the link is as long as before, except for losses before its first packet.
fn check_length(
    link: &LinkRead,
    original: &LinkRead,
    source: &SourceLink,
) -> Result<(), TestCaseError> {
    let last_page = source.packets.last().unwrap().pages.1;
    let mut kept = link.packets.iter().filter_map(|packet| source.find(&packet.data)).peekable();
    let Some(first) = kept.peek().map(|packet| packet.position) else { return Ok(()) };
    // The last page differs from the first one only if there is another.
    let (mut is_before, mut is_last) = (false, false);
    for packet in kept {
        is_before |= packet.pages.1 != last_page;
        is_last |= packet.pages.1 == last_page;
    }
    let (Some(timeline), Some(original)) = (link.timeline, original.timeline) else {
        return Ok(());
    };
    if is_before && is_last {
        prop_assert_eq!(timeline.coded_length(), original.coded_length() - first);
        prop_assert_eq!(timeline.end_trim(), original.end_trim());
    }
    Ok(())
}

/// Pages that may be damaged: neither a first page, nor the last of a link, nor, if durations
/// differ, the page that distinguishes a loss from the end trim.
fn places_in_the_middle(source: &Source) -> Vec<usize> {
    let mut places = vec![];
    let pages = || source.pages.iter().enumerate();
    for link in &source.links {
        let its: Vec<_> = pages().filter(|(_, page)| page.serial == link.serial).collect();
        let clean = |&&(_, page): &&(usize, &crate::common::RawPage)| {
            page.flags & 5 == 0 && page.granule != crate::common::NO_GRANULE && page.granule > 0
        };
        let end = if link.is_constant {
            its.last()
        } else {
            its[..its.len() - 1].iter().rev().find(clean)
        };
        let end = end.map_or(0, |&(place, _)| place);
        let free = its.iter().map(|&(place, _)| place).filter(|&place| place < end);
        places.extend(free.filter(|&place| source.pages[place].flags & 2 == 0));
    }
    places
}

#[derive(Clone, Debug)]
enum Damage {
    Drop(Index),
    Flip(Index, Index),
    Cut(Index, Index),
    Repeat(Index),
    /// Bytes before this page.
    Junk(Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        2 => index().prop_map(Damage::Drop),
        2 => (index(), index()).prop_map(|(page, bit)| Damage::Flip(page, bit)),
        1 => (index(), index()).prop_map(|(page, at)| Damage::Cut(page, at)),
        1 => index().prop_map(Damage::Repeat),
        1 => (index(), junk()).prop_map(|(page, junk)| Damage::Junk(page, junk)),
    ]
}

fn junk() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 1..40),
        4 => Just(b"OggS".to_vec()),
        1 => Just(b"OggS\0".repeat(2000)),
        1 => Just(vec![0; 300_000]),
    ]
}

/// The damaged stream, and the lost pages by serial and sequence number.
fn damaged(
    source: &Source,
    places: &[usize],
    damages: &[Damage],
) -> (Vec<u8>, HashSet<(u32, u32)>) {
    let mut bytes = source.to_pages();
    let mut hit = HashSet::new();
    for damage in damages {
        if let Damage::Junk(page, junk) = damage {
            let page = page.get_mut(&mut bytes);
            *page = [junk.as_slice(), page].concat();
            continue;
        }
        let (Damage::Drop(page)
        | Damage::Flip(page, _)
        | Damage::Cut(page, _)
        | Damage::Repeat(page)) = damage
        else {
            continue;
        };
        if places.is_empty() {
            continue;
        }
        let place = *page.get(places);
        let page = &source.pages[place];
        match damage {
            Damage::Repeat(_) => bytes[place] = bytes[place].repeat(2),
            _ => bytes[place] = damage.of_one_page(&page.to_bytes()),
        }
        if !matches!(damage, Damage::Repeat(_)) {
            hit.insert((page.serial, page.sequence));
        } else if hit.contains(&(page.serial, page.sequence)) {
            bytes[place] = vec![];
        }
    }
    (bytes.concat(), hit)
}

impl Damage {
    /// The rest of a page, with a wrong checksum.
    fn of_one_page(&self, page: &[u8]) -> Vec<u8> {
        let mut page = page.to_vec();
        match self {
            Self::Flip(_, bit) => {
                let bit = bit.index(page.len() * 8);
                page[bit / 8] ^= 1 << (bit % 8);
            }
            Self::Cut(_, at) => page.truncate(at.index(page.len())),
            _ => page.clear(),
        }
        page
    }
}

#[derive(Clone, Debug)]
enum AnyDamage {
    One(Damage),
    /// A byte in the header of the page or soon after it.
    Overwrite(Index, usize, u8),
    RepeatBefore(Index, Index),
    Swap(Index, Index),
    EndStream(Index),
}

fn any_damage() -> impl Strategy<Value = AnyDamage> {
    let index = any::<Index>;
    prop_oneof![
        4 => damage().prop_map(AnyDamage::One),
        3 => (index(), 0usize..60, any::<u8>()).prop_map(|(page, at, byte)| AnyDamage::Overwrite(page, at, byte)),
        1 => (index(), index()).prop_map(|(page, before)| AnyDamage::RepeatBefore(page, before)),
        1 => (index(), index()).prop_map(|(one, other)| AnyDamage::Swap(one, other)),
        1 => index().prop_map(AnyDamage::EndStream),
    ]
}

impl AnyDamage {
    fn apply(&self, pages: &mut Vec<Vec<u8>>) {
        let count = pages.len();
        match self {
            Self::One(Damage::Drop(page)) if count > 1 => drop(pages.remove(page.index(count))),
            Self::One(Damage::Junk(page, junk)) => pages.insert(page.index(count), junk.clone()),
            Self::One(Damage::Repeat(page)) => *page.get_mut(pages) = page.get(pages).repeat(2),
            Self::One(damage @ (Damage::Flip(page, _) | Damage::Cut(page, _))) => {
                let page: &mut Vec<u8> = page.get_mut(pages);
                *page = if page.is_empty() { vec![] } else { damage.of_one_page(page) };
            }
            Self::One(_) => {}
            Self::Overwrite(page, at, byte) => {
                page.get_mut(pages).get_mut(*at).into_iter().for_each(|at| *at = *byte);
            }
            Self::RepeatBefore(page, before) => {
                pages.insert(before.index(count), page.get(pages).clone());
            }
            Self::Swap(one, other) => pages.swap(one.index(count), other.index(count)),
            Self::EndStream(page) => pages.truncate(page.index(count) + 1),
        }
    }
}

#[test]
fn gaps_have_the_length_of_their_concealment() {
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&(sources(), vec(damage(), 1..6)), |(source, damages)| {
            let (stream, _) = damaged(&source, &places_in_the_middle(&source), &damages);
            let outcome: Outcome = read(&stream).unwrap();
            let given = outcome.links.iter().flat_map(|link| &link.packets);
            let concealed: u64 =
                given.filter(|packet| packet.is_concealment).map(|packet| packet.duration).sum();
            let told = outcome.findings.iter().map(|finding| match finding.kind {
                FindingKind::Note(Note::Gap(gap)) => gap.samples,
                _ => 0,
            });
            prop_assert_eq!(concealed, told.sum::<u64>());
            Ok(())
        })
        .unwrap();
}
