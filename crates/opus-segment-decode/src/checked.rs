use std::{num::NonZeroU8, ops::Range};

use opus_packet::{CodedPos, multistream_duration};
use opus_packet_index::{IndexRow, Span};

use crate::{Error, cut::Placed, error::Reason};

/// Checks that an index returned the requested packets: it may break its contract.
pub(crate) fn check_covered(span: &Span, range: &Range<CodedPos>) -> Result<(), Error> {
    let covered = span.samples();
    if range.start < covered.start || range.end > covered.end {
        let error = opus_packet_index::Error::not_covered(range, &covered);
        return Err(Reason::IndexRange(error).into());
    }
    Ok(())
}

/// Checks the durations of the index against the packets before anything is decoded: the
/// index of another blob may be valid in itself.
pub(crate) fn check_packets(span: &Span, blob: &[u8], streams: NonZeroU8) -> Result<(), Error> {
    for (packet, row) in span.packets().zip(span.rows()) {
        let data = packet_bytes(row, span.bytes().start, blob);
        let found = multistream_duration(data, streams)
            .map_err(|source| Reason::IndexedPacket { packet, source })?;
        if u64::from(found) != row.duration {
            return Err(Reason::IndexedDuration { packet, indexed: row.duration, found }.into());
        }
    }
    Ok(())
}

/// Returns the packet of a row of `span`. `blob` holds its bytes, and its packets are checked.
pub(crate) fn packet<'a>(span: &Span, row: usize, blob: &'a [u8]) -> Result<Placed<'a>, Error> {
    let number = span.packets().start.saturating_add(u64::try_from(row).unwrap_or(u64::MAX));
    let found = span.rows().get(row);
    let row = found.ok_or(Reason::IndexRows)?;
    let data = packet_bytes(row, span.bytes().start, blob);
    // At most 5760, an invariant of the span.
    let duration = u32::try_from(row.duration).unwrap_or(u32::MAX);
    Ok(Placed { number, data, duration, position: CodedPos::new(row.first) })
}

fn packet_bytes<'a>(row: &IndexRow, blob_start: u64, blob: &'a [u8]) -> &'a [u8] {
    let start = row.offset - blob_start;
    usize::try_from(start)
        .ok()
        .zip(usize::try_from(row.length).ok())
        .and_then(|(start, length)| blob.get(start..)?.get(..length))
        .unwrap_or_default()
}
