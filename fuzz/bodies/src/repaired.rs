//! Ogg Opus streams of well-formed pages.

use ogg_opus_demux::{OggOpusReader, Options, PageReader};

use crate::{
    builder::{Builder, Mark, Truth},
    reading::{Given, LinkRead, Outcome, check, is_other_stream},
};

/// Builds pages by the instructions in arbitrary bytes. The pages are well formed, so that a fuzzer
/// reaches what is behind them: page numbers, flags, granule positions, chains, multiplexing, losses.
///
/// The builder knows the true time of every packet. Each packet read must be at that time, as far as
/// the granule positions and page numbers do not lie.
pub fn repaired(instructions: &[u8]) {
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
}

/// Every packet was built, occurs once in its link, and is not shifted by losses.
fn check_times(truth: &Truth, outcome: &Outcome) {
    for link in &outcome.links {
        let mut reference: Option<(&Mark, u64)> = None;
        let mut last = None;
        for packet in link.packets.iter().filter(|packet| !packet.is_concealment) {
            let Some(mark) = find(truth, link, packet) else {
                // Its duration differs from what its page accounts for.
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

/// Returns the packet that was built there.
fn find<'a>(truth: &'a Truth, link: &LinkRead, packet: &Given) -> Option<&'a Mark> {
    if let Some(offset) = packet.offset {
        let mark = truth.whole.get(&offset).expect("not a packet that was built");
        assert_eq!((mark.serial, mark.len), (link.serial, packet.data.len()));
        return Some(mark);
    }
    let mark = truth.divided.get(&(link.serial, packet.data.clone()));
    assert!(mark.is_some() || truth.renumbered.contains(&link.serial), "joined across a loss");
    mark
}

/// Checks the time from one packet to another. `docs/demuxing.md` says what may differ: the gap of
/// a page comes before the first loss on it and is a multiple of 120; before the last page, a loss
/// no longer than the trim goes unnoticed, and any other ends with a whole packet.
fn check_time(from: &Mark, to: &Mark, found: u64) {
    let expected = to.start - from.start;
    let early = to.odd - from.odd + to.trim.unwrap_or_default();
    let late = to.lost_after.unwrap_or_default() + if to.trim.is_some() { 5760 - 1 } else { 0 };
    let allowed = expected.saturating_sub(early)..=expected + late;
    assert!(allowed.contains(&found), "{found}, not {allowed:?}: {from:?} {to:?}");
}

/// Pages and skipped bytes cover the whole stream. Returns where the pages begin.
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

/// Skipping links finds as many as reading them.
fn check_unread(stream: &[u8], track: usize, read: &Outcome) {
    if read.error.is_some() || read.is_cut {
        return;
    }
    let options = Options::default().track(track);
    let mut reader = OggOpusReader::with_options(stream, options).expect("read before");
    let mut links = 1;
    while reader.next_link().expect("read before") {
        links += 1;
    }
    assert_eq!(links, read.links.len());
    assert!(reader.findings().eq(read.findings.iter().cloned()));
}
