//! Rule 7, about streams that are multiplexed: one that cannot be read costs no other.

use crate::common::{
    RawPage, SERIAL, head,
    outcome::{at, read, read_track, read_valid},
    plain,
    refused::{assert_violation, offset_of, refused_at},
    tags, to_stream, with_serial,
};
use ogg_opus_demux::{ErrorKind, FindingKind, InvalidHead, Note, OggOpusReader, Violation};
use opus_packet::OpusHead;

/// Heads that cannot be used.
fn bad_heads() -> Vec<Vec<u8>> {
    let changed = |place: usize, byte: u8| {
        let mut head = head();
        head[place] = byte;
        head
    };
    let family_1 = [changed(18, 1), vec![1, 2, 0]].concat();
    vec![
        b"OpusHead".to_vec(),
        head()[..18].to_vec(),
        changed(8, 16),
        changed(9, 0),
        changed(9, 3),
        changed(18, 7),
        changed(18, 1),
        family_1,
    ]
}

/// Streams in turns, page by page.
fn multiplexed(streams: &[Vec<RawPage>]) -> Vec<RawPage> {
    let longest = streams.iter().map(Vec::len).max().unwrap();
    let pages = (0..longest).flat_map(|n| streams.iter().filter_map(move |pages| pages.get(n)));
    pages.cloned().collect()
}

fn with_head(mut pages: Vec<RawPage>, head: &[u8]) -> Vec<RawPage> {
    pages[0] = RawPage::new(0, 0).first().serial(pages[0].serial).packet(head);
    pages
}

fn reason(head: &[u8]) -> FindingKind {
    FindingKind::Head(OpusHead::parse(head).unwrap_err())
}

#[test]
fn rule_07_a_bad_head_costs_no_other_track() {
    for bad in bad_heads() {
        for place in 0..3 {
            let mut streams = vec![plain(3), with_serial(plain(4), 7)];
            streams.insert(place, with_head(with_serial(plain(5), 5), &bad));
            let pages = multiplexed(&streams);
            let stream = to_stream(&pages);
            for (track, serial, count) in [(0, SERIAL, 3), (1, 7, 4)] {
                let outcome = read_track(&stream, track).unwrap();
                let link = outcome.link();
                assert_eq!((link.serial, link.tracks, link.packets.len()), (serial, 2, count));
                let (other, number) = if track == 0 { (7, 1) } else { (SERIAL, 0) };
                let other = Note::OtherTrack { serial: other, track: number };
                let of_other = pages
                    .iter()
                    .position(|page| page.serial == if track == 0 { 7 } else { SERIAL });
                let mut expected = [
                    at(offset_of(&pages, place), reason(&bad)),
                    at(offset_of(&pages, of_other.unwrap()), other),
                ];
                expected.sort_by_key(|(offset, _)| *offset);
                assert_eq!(outcome.found(), expected);
            }
            assert!(read_track(&stream, 2).is_err(), "two can be read");
            let found = refused_at(&stream[..], offset_of(&pages, place));
            assert_eq!(found, reason(&bad));
        }
    }
}

#[test]
fn rule_07_several_bad_heads_cost_no_good_one() {
    let bad = bad_heads();
    for good in 0..bad.len() {
        let streams = bad
            .iter()
            .zip(1..)
            .map(|(head, serial)| with_head(with_serial(plain(2), serial), head));
        let mut streams: Vec<_> = streams.collect();
        streams[good] = plain(3);
        let outcome = read(&to_stream(&multiplexed(&streams))).unwrap();
        assert_eq!((outcome.story().as_str(), outcome.violations()), ("0@0 1@960 2@1920", 7));
    }
}

#[test]
fn rule_07_without_a_usable_head_the_first_reason_is_the_error() {
    let streams = [
        with_serial(vec![RawPage::new(0, 0).first().packet(b"\x80theora")], 3),
        with_head(plain(2), b"OpusHead"),
        with_head(with_serial(plain(2), 7), &head()[..18]),
    ];
    let pages = multiplexed(&streams);
    let error = read(&to_stream(&pages)).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Unreadable, Some(offset_of(&pages, 1))));
    let found = error.finding().unwrap().kind.clone();
    assert_eq!(found, FindingKind::Head(InvalidHead::TooShort { found: 8 }));
}

/// In every link, a track is one of those that can be read there.
#[test]
fn rule_07_tracks_are_counted_in_every_link() {
    let link = |serial: u32, bad: usize| {
        let mut streams: Vec<_> = [(0, 2), (1, 3), (2, 4u8)]
            .map(|(number, count)| with_serial(plain(count), serial + number))
            .into();
        streams[bad] = with_head(streams[bad].clone(), b"OpusHead");
        multiplexed(&streams)
    };
    let stream = to_stream(&[link(10, 0), link(20, 1), link(30, 2)].concat());
    for (track, serials) in [(0, [11, 20, 30]), (1, [12, 22, 31])] {
        let outcome = read_track(&stream, track).unwrap();
        let found: Vec<_> = outcome.links.iter().map(|link| link.serial).collect();
        assert_eq!((found.as_slice(), outcome.violations()), (&serials[..], 3));
    }
}

/// A head that comes twice counts once, and a damaged copy of it does not count.
#[test]
fn rule_08_a_damaged_copy_of_a_head_replaces_no_good_one() {
    let mut pages = plain(3);
    pages.insert(1, RawPage::new(0, 0).first().packet(b"OpusHead"));
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(
        (outcome.story().as_str(), outcome.link().tags.clone()),
        ("0@0 1@960 2@1920", tags())
    );
    assert_eq!(outcome.found(), [at(offset_of(&pages, 1), reason(b"OpusHead"))]);
    pages.swap(0, 1);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert_violation(&pages, 1, Violation::RepeatedHeaders);
}

/// What follows the last link that can be read is found as well.
#[test]
fn rule_08_a_last_link_that_cannot_be_read_is_reported() {
    for bad in bad_heads() {
        for rest in [0, 1, 5] {
            let last = with_head(with_serial(plain(3), 5), &bad);
            let pages = [plain(2), last[..=rest.min(4)].to_vec()].concat();
            let stream = to_stream(&pages);
            let mut reader = OggOpusReader::from_slice(&stream).unwrap();
            while reader.next_located().unwrap().is_some() {}
            assert_eq!(reader.findings().count(), 0);
            assert!(!reader.next_link().unwrap());
            let found: Vec<_> = reader.findings().map(|found| (found.offset, found.kind)).collect();
            assert_eq!(found, [at(offset_of(&pages, 4), reason(&bad))]);
        }
    }
    assert_eq!(read_valid(&to_stream(&plain(2))).links.len(), 1);
}
