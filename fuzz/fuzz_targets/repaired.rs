//! Any bytes as instructions to build pages: whatever they say, the pages are well
//! formed, so that what is behind them is reached: page numbers, flags, granule
//! positions, chains, multiplexing, losses. (Checksums are not compared under a fuzzer.)
//!
//! Who builds a stream knows the true time of every packet. Each that comes out must
//! stand at it, as far as the granule positions and page numbers do not lie.

#![no_main]

mod builder;
mod common;

use builder::{Builder, Mark, Truth};
use common::{Given, LinkRead, Outcome, check, is_other_stream};
use libfuzzer_sys::fuzz_target;
use ogg_opus_demux::{OggOpusReader, Options, PageReader};

fuzz_target!(|instructions: &[u8]| {
    let (stream, truth) = Builder::new(instructions).build();
    let is_as_built = check_pages(&stream).iter().all(|page| truth.pages.contains(page));
    for track in 0..2 {
        let (outcome, _) = check(&stream, track);
        if is_as_built {
            check_times(&truth, &outcome);
        }
        check_unread(&stream, track, &outcome);
        if !outcome.findings.iter().any(is_other_stream) {
            break;
        }
    }
});

/// Every packet is one that was built, none comes twice in a link, and losses shift none.
fn check_times(truth: &Truth, outcome: &Outcome) {
    for link in &outcome.links {
        let mut reference: Option<(&Mark, u64)> = None;
        let mut last = None;
        for packet in link.packets.iter().filter(|packet| !packet.is_concealment) {
            let Some(mark) = find(truth, link, packet) else {
                // It does not last as long as what its page tells of.
                reference = None;
                continue;
            };
            assert!(last.is_none_or(|last| last < mark.start), "in order");
            last = Some(mark.start);
            match reference {
                _ if !mark.is_told => {}
                Some((before, position)) if before.epoch == mark.epoch => {
                    check_time(before, mark, packet.position - position);
                }
                _ if mark.lost_after.is_none() => reference = Some((mark, packet.position)),
                _ => {}
            }
        }
    }
}

/// What was built there.
fn find<'a>(truth: &'a Truth, link: &LinkRead, packet: &Given) -> Option<&'a Mark> {
    if let Some(offset) = packet.offset {
        let mark = truth.whole.get(&offset).expect("it was built");
        assert_eq!((mark.serial, mark.len), (link.serial, packet.data.len()));
        return Some(mark);
    }
    let mark = truth.divided.get(&(link.serial, packet.data.clone()));
    assert!(mark.is_some() || truth.renumbered.contains(&link.serial), "joined of what was lost");
    mark
}

/// One packet `found` after another. What may differ is in `docs/demuxing.md`: the gap
/// of a page stands before the first loss on it, and is a multiple of 120; before the last
/// page a loss no longer than the trim is not seen, any other ends with a whole packet.
fn check_time(from: &Mark, to: &Mark, found: u64) {
    let expected = to.start - from.start;
    let early = to.odd - from.odd + to.trim.unwrap_or_default();
    let late = to.lost_after.unwrap_or_default() + if to.trim.is_some() { 5760 - 1 } else { 0 };
    let allowed = expected.saturating_sub(early)..=expected + late;
    assert!(allowed.contains(&found), "{found}, not {allowed:?}: {from:?} {to:?}");
}

/// Pages, and what is skipped, are all of the stream. Gives where they begin.
fn check_pages(stream: &[u8]) -> Vec<u64> {
    let mut places = vec![];
    let (mut pages, mut end) = (PageReader::from_slice(stream), 0);
    loop {
        let next =
            pages.next_page().expect("memory can be read").map(|(at, page)| (at, page.len()));
        if let Some(skipped) = pages.skipped() {
            assert_eq!(skipped.offset, end);
            end += skipped.bytes;
        }
        let Some((at, len)) = next else { break };
        assert_eq!(at, end);
        places.push(at);
        end += len as u64;
    }
    assert_eq!((pages.offset(), end), (stream.len() as u64, end));
    places
}

/// Links that are passed over are as many as those that are read.
fn check_unread(stream: &[u8], track: usize, read: &Outcome) {
    if read.error.is_some() || read.is_cut {
        return;
    }
    let options = Options::default().track(track);
    let mut reader = OggOpusReader::with_options(stream, options).expect("it was read before");
    let mut links = 1;
    while reader.next_link().expect("it was read before") {
        links += 1;
    }
    assert_eq!(links, read.links.len());
    assert!(reader.findings().eq(read.findings.iter().cloned()));
}
