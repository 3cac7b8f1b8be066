//! Ogg Opus streams.

use std::io::Cursor;

use ogg::PacketReader;
use ogg_opus_demux::{Finding, FindingKind, Note};

use crate::reading::{Outcome, check, is_other_stream};

/// Reads arbitrary bytes as an Ogg Opus stream, tolerantly and strictly. Under `cfg(fuzzing)`
/// neither this demuxer nor the `ogg` crate compares checksums, so a fuzzer gets past them.
pub fn demux(stream: &[u8]) {
    let (tolerant, strict) = check(stream, 0);
    compare_with_second_opinion(stream, &strict);
    if tolerant.findings.iter().any(is_other_stream) {
        check(stream, 1);
    }
}

/// The `ogg` crate reads the same packets as the strict reader did of the first link. It knows
/// neither multiplexing nor live streams that were joined.
fn compare_with_second_opinion(stream: &[u8], strict: &Outcome) {
    let is_unknown = |finding: &Finding| {
        is_other_stream(finding) || matches!(finding.kind, FindingKind::Note(Note::LiveJoin { .. }))
    };
    let Some(link) = strict.links.first() else { return };
    if strict.is_cut || strict.findings.iter().any(is_unknown) {
        return;
    }
    let mut reader = PacketReader::new(Cursor::new(stream));
    let second = std::iter::from_fn(|| {
        let packet = reader.read_packet().expect("the strict reader accepts it");
        packet.map(|packet| packet.data)
    });
    let packets = link.packets.iter().filter(|packet| !packet.is_concealment);
    let packets: Vec<_> = packets.map(|packet| packet.data.as_slice()).collect();
    assert!(second.skip(2).take(packets.len()).eq(packets.iter().copied()));
}
