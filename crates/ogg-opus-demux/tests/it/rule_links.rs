//! Rules 7 to 11, about multiplexed and chained streams.

use crate::common::{
    RawPage, SERIAL, header_pages, nth, nth_page,
    outcome::{LinkRead, at, read, read_track, read_valid, read_with},
    packet_of, plain,
    refused::offset_of,
    tags, to_stream, with_headers, with_serial,
};
use ogg_opus_demux::{
    ErrorKind, FindingKind, InvalidPage, Note, OggOpusReader, Options, Violation,
};
use opus_packet::{InvalidHead, OpusHead, OpusTags};

const SKELETON: &[u8] = b"fishead\0and so on";
const THEORA: &[u8] = b"\x80theora and so on";

fn first(serial: u32, packet: &[u8]) -> RawPage {
    RawPage::new(0, 0).first().serial(serial).packet(packet)
}

/// A page of another stream.
fn other(serial: u32, sequence: u32) -> RawPage {
    RawPage::new(sequence, 77_777).serial(serial).packet(&[9; 300])
}

fn other_stream(serial: u32, codec: &'static str) -> Note {
    Note::OtherStream { serial, codec }
}

/// A link cut from a live stream, with 2 channels and 5 packets, its own pre-skip and tags.
fn other_link(serial: u32) -> Vec<RawPage> {
    let head = OpusHead::new(2, 3840, 44_100).unwrap().with_output_gain(-256);
    let tags = OpusTags::new("other", ["TITLE=other"]);
    let audio = (0..5u8).map(|n| {
        let granule = 5_000_000 + 960 * (u64::from(n) + 1);
        nth_page(2 + u32::from(n), granule, 10 + n)
    });
    let mut pages = vec![
        RawPage::new(0, 0).first().packet(&head.to_bytes()),
        RawPage::new(1, 0).packet(tags.as_bytes()),
    ];
    pages.extend(audio);
    pages[6] = RawPage { granule: 5_000_000 + 4700, ..pages[6].clone().last() };
    with_serial(pages, serial)
}

const OTHER_STORY: &str = "10@0 11@960 12@1920 13@2880 14@3840";

#[track_caller]
fn assert_other_link(link: &LinkRead, serial: u32) {
    assert_eq!((link.head.channels(), link.head.pre_skip()), (2, 3840));
    assert_eq!(link.head.output_gain(), -256);
    assert_eq!(link.tags, OpusTags::new("other", ["TITLE=other"]).as_bytes());
    assert_eq!((link.serial, link.story().as_str()), (serial, OTHER_STORY));
    assert_eq!(link.lengths(), (4800, 100));
}

#[test]
fn rule_07_other_streams_are_skipped() {
    let mut pages = plain(3);
    pages.insert(0, first(1, SKELETON));
    pages.insert(2, first(2, THEORA));
    pages.insert(3, first(3, b"whatever"));
    pages.insert(5, other(2, 1));
    pages.insert(7, other(1, 99));
    pages.insert(8, other(3, 5).continued());
    pages.push(other(1, 100).last());
    let outcome = read_valid(&to_stream(&pages));
    assert_eq!((outcome.story().as_str(), outcome.link().tracks), ("0@0 1@960 2@1920", 1));
    let expected = [(0, 1, "a Skeleton track"), (2, 2, "Theora"), (3, 3, "an unknown codec")]
        .map(|(page, serial, codec)| at(offset_of(&pages, page), other_stream(serial, codec)));
    assert_eq!(outcome.found(), expected);
}

#[test]
fn rule_07_either_of_two_opus_streams_can_be_read() {
    let (one, two) = (plain(4), other_link(7));
    let mut pages = vec![one[0].clone(), two[0].clone()];
    pages.extend(two[1..3].iter().chain(&one[1..4]).chain(&two[3..]).chain(&one[4..]).cloned());
    let stream = to_stream(&pages);
    let outcome = read_valid(&stream);
    assert_eq!((outcome.link().serial, outcome.link().tracks), (SERIAL, 2));
    assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
    let other = |serial, track| Note::OtherTrack { serial, track };
    assert_eq!(outcome.found(), [at(offset_of(&pages, 1), other(7, 1))]);
    let outcome = read_track(&stream, 1).unwrap();
    assert_other_link(outcome.link(), 7);
    assert_eq!(outcome.found()[0], at(0, other(SERIAL, 0)));
    assert!(read_track(&stream, 2).is_err(), "there are two");
}

#[test]
fn rule_07_a_loss_in_one_stream_does_not_affect_the_other() {
    let (one, two) = (plain(5), other_link(7));
    let mut pages: Vec<_> =
        one.iter().zip(&two).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    let lost = pages.iter().rposition(|page| page.serial == 7 && page.sequence == 4).unwrap();
    pages.remove(lost);
    let stream = to_stream(&pages);
    assert_eq!(read_valid(&stream).violations(), 0);
    let outcome = read_track(&stream, 1).unwrap();
    assert_eq!(outcome.story(), "10@0 11@960 -960@1920 13@2880 14@3840");
}

#[test]
fn rule_07_pages_of_a_stream_that_did_not_begin_are_reported_once() {
    let mut pages = plain(3);
    pages.insert(2, other(7, 3));
    pages.insert(4, other(7, 4));
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert_eq!(outcome.found(), [at(offset_of(&pages, 2), Violation::ForeignPage { found: 7 })]);
}

#[test]
fn rule_07_another_codec_may_begin_late() {
    let mut pages = plain(3);
    pages.insert(3, first(7, THEORA));
    pages.insert(4, other(7, 1));
    let outcome = read_valid(&to_stream(&pages));
    assert_eq!(outcome.story(), "0@0 1@960 2@1920");
    assert_eq!(outcome.found(), [at(offset_of(&pages, 3), other_stream(7, "another codec"))]);
}

#[test]
fn rule_08_every_link_has_its_own_head_tags_and_clock() {
    let pages = [plain(3), other_link(7), with_serial(plain(2), 9)].concat();
    let outcome = read_valid(&to_stream(&pages));
    assert_eq!(outcome.links.len(), 3);
    assert_eq!(
        (outcome.links[0].story().as_str(), outcome.links[0].lengths()),
        ("0@0 1@960 2@1920", (2880, 0))
    );
    assert_other_link(&outcome.links[1], 7);
    assert_eq!((outcome.links[2].serial, outcome.links[2].tags.clone()), (9, tags()));
    assert_eq!(
        (outcome.links[2].story().as_str(), outcome.links[2].lengths()),
        ("0@0 1@960", (1920, 0))
    );
}

#[test]
fn rule_08_a_serial_number_may_be_used_again() {
    let pages = [plain(3), other_link(SERIAL)].concat();
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_other_link(&outcome.links[1], SERIAL);
    let reused = Violation::SerialReused { serial: SERIAL };
    assert_eq!(outcome.found()[0], at(offset_of(&pages, 5), reused));
    assert_eq!(outcome.violations(), 1);
}

#[test]
fn rule_08_a_link_may_follow_one_that_has_no_last_page() {
    for serial in [7, SERIAL] {
        let mut pages = [plain(3), other_link(serial)].concat();
        pages[4].flags = 0;
        let outcome = read(&to_stream(&pages)).unwrap();
        assert_eq!(outcome.links[0].story(), "0@0 1@960 2@1920");
        assert_other_link(&outcome.links[1], serial);
        assert!(outcome.found().contains(&at(offset_of(&pages, 5), Note::NoLastPage)));
    }
}

/// Open packets and losses of one link must not affect the next.
#[test]
fn rule_08_a_loss_and_an_open_packet_end_with_their_link() {
    let open = nth_page(4, 2880, 2).piece(&packet_of(255));
    let mut pages = [plain(2), vec![open], other_link(7)].concat();
    pages[3].flags = 0;
    pages.remove(3);
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.links[0].story(), "0@0 -960@960 2@1920");
    assert_other_link(&outcome.links[1], 7);
    let end = offset_of(&pages, 4);
    assert!(outcome.found().contains(&at(end, Violation::UnfinishedPacket)));
}

#[test]
fn rule_08_a_link_of_another_codec_does_not_hide_the_others() {
    let theora = vec![first(5, THEORA), other(5, 1), other(5, 2).last()];
    for at_link in 0..3 {
        let mut links = vec![plain(3), other_link(7)];
        links.insert(at_link, theora.clone());
        let stream = to_stream(&links.concat());
        let outcome = read(&stream).unwrap();
        assert_eq!(outcome.links.len(), 2);
        assert_eq!(outcome.links[0].story(), "0@0 1@960 2@1920");
        assert_other_link(&outcome.links[1], 7);
        let (_, error) = read_with(&stream[..], Options::default().strict(true));
        assert!(error.is_none(), "{error:?}");
    }
}

#[test]
fn rule_08_a_track_that_no_link_has_is_an_error() {
    let stream = to_stream(&[plain(3), other_link(7)].concat());
    let (_, error) = read_with(&stream[..], Options::default().track(1));
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::NoSuchTrack);
    assert!(error.to_string().starts_with("no track 1: the links have at most 1"), "{error}");
}

#[test]
fn rule_08_a_link_with_an_unreadable_head_does_not_hide_the_others() {
    for at_link in [0, 5, 12] {
        let mut pages = [plain(3), other_link(7)].concat();
        let mut unreadable = with_serial(plain(2), 5);
        unreadable[0].body[8] = 16;
        pages.splice(at_link..at_link, unreadable);
        let outcome = read(&to_stream(&pages)).unwrap();
        assert_eq!(outcome.links.len(), 2);
        assert_eq!(outcome.links[0].story(), "0@0 1@960 2@1920");
        assert_other_link(&outcome.links[1], 7);
        let reason = FindingKind::Head(InvalidHead::Version { found: 16 });
        assert!(outcome.found().contains(&(offset_of(&pages, at_link), reason)));
    }
}

#[test]
fn rule_08_a_link_whose_first_page_is_damaged_does_not_affect_the_others() {
    let mut pages = [plain(3), other_link(5), other_link(7)].concat();
    let place = offset_of(&pages, 5);
    pages[5].version = 1;
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.links.len(), 2);
    assert_eq!(outcome.links[0].story(), "0@0 1@960 2@1920");
    assert_other_link(&outcome.links[1], 7);
    assert_eq!(outcome.violations(), 2, "skipped bytes, and a stream that did not begin");
    assert_eq!(outcome.findings[0].offset, place);
}

#[test]
fn rule_08_links_can_be_skipped_unread() {
    let mut pages = [plain(8), other_link(7)].concat();
    pages.remove(6);
    pages.remove(4);
    let stream = to_stream(&pages);
    let expected = read(&stream).unwrap();
    for packets in 0..9 {
        let mut reader = OggOpusReader::from_slice(&stream).unwrap();
        for _ in 0..packets {
            reader.next_located().unwrap();
        }
        assert!(reader.next_link().unwrap());
        assert_eq!(reader.serial(), 7);
        while reader.next_located().unwrap().is_some() {}
        assert_eq!(reader.timeline(), expected.links[1].timeline);
        assert_eq!(reader.findings().collect::<Vec<_>>(), expected.findings);
        assert!(!reader.next_link().unwrap());
    }
}

#[test]
fn rule_09_a_first_flag_in_the_middle_is_ignored() {
    let mut pages = plain(4);
    pages[3] = pages[3].clone().first();
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
    assert_eq!(outcome.found(), [at(offset_of(&pages, 3), Violation::FirstFlag)]);
    let mut pages = plain(2);
    pages[1] = pages[1].clone().first();
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!((outcome.link().tags.clone(), outcome.story().as_str()), (tags(), "0@0 1@960"));
}

#[test]
fn rule_10_a_stream_need_not_have_a_last_page() {
    let mut pages = plain(3);
    pages[4].flags = 0;
    let stream = to_stream(&pages);
    let outcome = read_valid(&stream);
    assert_eq!(outcome.link().lengths(), (2880, 0));
    assert_eq!(outcome.found(), [at(offset_of(&pages, 5), Note::NoLastPage)]);
}

#[test]
fn rule_10_pages_after_the_last_page_are_read() {
    let mut pages = plain(4);
    pages[3] = pages[3].clone().last();
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
    assert_eq!(outcome.link().lengths(), (3840, 0));
    assert_eq!(outcome.found(), [at(offset_of(&pages, 4), Violation::AfterLastPage)]);
    // An end trim in the middle has no effect.
    pages[3].granule -= 100;
    let outcome = read(&to_stream(&pages)).unwrap();
    assert_eq!(outcome.story(), "0@0 1@960 2@1920 3@2880");
    assert_eq!(outcome.link().lengths(), (3840, 0));
    let jump = Violation::Granule { expected: 2780, found: 2880 };
    assert_eq!(outcome.found()[1], at(offset_of(&pages, 4), jump));
}

#[test]
fn rule_11_a_file_cut_inside_a_page_keeps_the_pages_before() {
    let pages = with_headers([
        nth_page(2, 1920, 0).packet(&nth(1)).piece(&packet_of(255)),
        RawPage::new(3, 2880).continued().packet(&[3; 20]).last(),
    ]);
    let stream = to_stream(&pages);
    let place = offset_of(&pages, 3);
    for cut in usize::try_from(place).unwrap() + 1..stream.len() {
        let outcome = read(&stream[..cut]).unwrap();
        assert_eq!((outcome.story().as_str(), outcome.link().lengths()), ("0@0 1@960", (1920, 0)));
        let end = u64::try_from(cut).unwrap();
        let [(offset, FindingKind::Skipped { bytes, reason }), rest @ ..] = &outcome.found()[..]
        else {
            panic!("{:?}", outcome.findings)
        };
        assert_eq!((*offset, offset + bytes), (place, end));
        assert!(matches!(reason, InvalidPage::Truncated { .. }), "{reason}");
        assert_eq!(rest, [at(end, Violation::UnfinishedPacket), at(end, Note::NoLastPage)]);
    }
}

#[test]
fn rule_11_a_file_cut_in_its_headers_is_reported() {
    let stream = to_stream(&header_pages());
    for cut in 0..stream.len() {
        let result = read(&stream[..cut]);
        if cut < to_stream(&header_pages()[..1]).len() {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unreadable);
            let reason = error.finding().map(|finding| (finding.offset, finding.kind.clone()));
            assert!(
                matches!((cut, reason), (0, None) | (1.., Some((0, FindingKind::Skipped { .. })))),
                "{error}"
            );
            continue;
        }
        let outcome = result.unwrap();
        assert_eq!((outcome.link().packets.len(), outcome.link().timeline), (0, None));
        let end = u64::try_from(cut).unwrap();
        assert!(outcome.found().contains(&at(end, Violation::NoTags)), "{:?}", outcome.findings);
    }
}
