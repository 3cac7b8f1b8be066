//! Strict reading of headers: one test for every way in which they can be wrong. The error
//! names the problem and its byte.

use std::{
    io::{self, BufRead, Cursor, Read},
    iter,
};

use crate::common::{
    NO_GRANULE, RawPage, audio, head, header_pages, packet_of,
    refused::{assert_violation, error_at, offset_of, refused_at},
    tags, to_stream, valid_pages,
};
use ogg_opus_demux::{ErrorKind, FindingKind, OggOpusReader, Violation};
use opus_packet::{InvalidHead, InvalidTags};

#[test]
fn rule_08_another_codec_is_named() {
    let page = RawPage::new(0, 0).first().packet(b"\x01vorbis and so on");
    let error = error_at(page.to_bytes().as_slice(), 0);
    assert_eq!(error.kind(), ErrorKind::NoOpus);
    assert_eq!(error.to_string(), "byte 0: the Ogg stream holds Vorbis, expected Opus");
}

#[test]
fn rule_07_a_stream_begins_with_a_first_page() {
    let pages = [RawPage::new(0, 0).packet(&head()), RawPage::new(1, 0).packet(&tags())];
    assert_violation(&pages, 0, Violation::NoFirstPage);
    let pages = [RawPage::new(0, 0).first().continued().packet(&head())];
    assert_violation(&pages, 0, Violation::ContinuedWithoutStart);
}

#[test]
fn rule_12_an_opus_head_is_checked() {
    let page = RawPage::new(0, 0).first().packet(&head()[..18]);
    let error = error_at(page.to_bytes().as_slice(), 0);
    let too_short = FindingKind::Head(InvalidHead::TooShort { found: 18 });
    assert_eq!(error.finding().unwrap().kind, too_short);
}

#[test]
fn rule_12_opus_head_has_a_page_of_its_own() {
    let with_more = RawPage::new(0, 0).first().packet(&head()).packet(&tags());
    assert_violation(&[with_more], 0, Violation::HeadNotAlone);
    let with_a_piece = RawPage::new(0, 0).first().packet(&head()).piece(&[0; 255]);
    assert_violation(&[with_a_piece], 0, Violation::HeadNotAlone);
    let mut long_head = head();
    long_head[8] = 2;
    long_head.resize(255, 0);
    let unfinished = RawPage::new(0, 0).first().piece(&long_head);
    assert_violation(&[unfinished], 0, Violation::HeadNotAlone);
}

#[test]
fn rule_12_granule_positions_of_headers_are_zero() {
    for (page, found) in [(0, 1), (1, 960), (0, NO_GRANULE), (1, NO_GRANULE)] {
        let mut pages = valid_pages();
        pages[page].granule = found;
        assert_violation(&pages, page, Violation::HeaderGranule { found });
    }
}

#[test]
fn rule_17_opus_tags_are_checked() {
    let pages = [header_pages()[0].clone(), RawPage::new(1, 0).packet(b"OpusTags\x01")];
    let expected = offset_of(&pages, 1) + 28;
    let truncated = InvalidTags::Truncated { what: "vendor string", offset: 8 };
    let found = refused_at(to_stream(&pages).as_slice(), expected);
    assert_eq!(found, FindingKind::Tags(truncated));
}

#[test]
fn rule_17_a_stream_without_tags_is_incomplete() {
    assert_violation(&header_pages()[..1], 1, Violation::NoTags);
    let unfinished = RawPage::new(1, NO_GRANULE).piece(&[0; 255]);
    assert_violation(&[header_pages()[0].clone(), unfinished], 2, Violation::NoTags);
}

#[test]
fn rule_17_no_audio_begins_on_the_page_of_the_tags() {
    let whole = RawPage::new(1, 0).packet(&tags()).packet(&packet_of(10));
    assert_violation(&[header_pages()[0].clone(), whole], 1, Violation::TagsNotAlone);
    let begun = RawPage::new(1, 0).packet(&tags()).piece(&packet_of(255));
    assert_violation(&[header_pages()[0].clone(), begun], 1, Violation::TagsNotAlone);
}

/// At most the limit is kept in memory, and a tolerant reader continues after them.
#[test]
fn rule_17_endless_tags_are_dropped() {
    let limit = 120 * 1024 * 1024;
    let page_body = vec![0; 255 * 255];
    let page = |sequence| {
        let page = RawPage::new(sequence, NO_GRANULE).piece(&page_body);
        if sequence == 1 { page } else { page.continued() }
    };
    let fitting = limit / page_body.len();
    let head = header_pages()[0].to_bytes();
    let offset = head.len() + fitting * page(1).to_bytes().len();
    let offset = u64::try_from(offset).unwrap();
    let last = u32::try_from(fitting + 10).unwrap();
    let after = [
        RawPage::new(last, 0).continued().packet(b"their end"),
        audio(last + 1, 960),
        audio(last + 2, 1920).last(),
    ];
    let stream = || {
        let pages = (1..last).map(|sequence| page(sequence).to_bytes());
        let pages = pages.chain(after.iter().map(RawPage::to_bytes));
        Chunks { chunks: iter::once(head.clone()).chain(pages), current: Cursor::default() }
    };
    assert_eq!(refused_at(stream(), offset), Violation::TagsTooLong { limit }.into());
    let mut reader = OggOpusReader::new(stream()).unwrap();
    while reader.next_located().unwrap().is_some() {}
    assert_eq!(reader.timeline().unwrap().coded_length(), 1920);
    let first = reader.findings().next().unwrap();
    assert_eq!((first.offset, first.kind), (offset, Violation::TagsTooLong { limit }.into()));
}

/// A stream of which only a part is in memory.
struct Chunks<I> {
    chunks: I,
    current: Cursor<Vec<u8>>,
}

impl<I: Iterator<Item = Vec<u8>>> Read for Chunks<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.current.fill_buf()?.is_empty() {
            self.current = Cursor::new(self.chunks.next().unwrap_or_default());
        }
        self.current.read(buffer)
    }
}
