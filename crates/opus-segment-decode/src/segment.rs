use std::{num::NonZeroU8, ops::Range};

use opus_packet::{CodedPos, multistream_duration};
use opus_packet_index::{IndexRow, Span};

use crate::{Error, cut::Placed, error::Reason};

/// Consecutive packets and their bytes, which fit together.
#[derive(Debug)]
pub(crate) struct Segment {
    span: Span,
    blob: Vec<u8>,
}

impl Segment {
    /// Checks the durations of the index against the packets before anything is decoded: the
    /// index of another blob may be valid in itself.
    pub(crate) fn new(span: Span, blob: Vec<u8>, streams: NonZeroU8) -> Result<Self, Error> {
        for (packet, row) in span.packets().zip(span.rows()) {
            let data = packet_bytes(row, span.bytes().start, &blob);
            let found = multistream_duration(data, streams)
                .map_err(|source| Reason::IndexedPacket { packet, source })?;
            if u64::from(found) != row.duration {
                return Err(Reason::IndexedDuration { packet, indexed: row.duration, found }.into());
            }
        }
        tracing::trace!(
            bytes = span.bytes().end - span.bytes().start,
            packets = span.packets().end - span.packets().start,
            "decode segment"
        );
        Ok(Self { span, blob })
    }

    pub(crate) fn samples(&self) -> Range<CodedPos> {
        self.span.samples()
    }

    pub(crate) fn rows(&self) -> &[IndexRow] {
        self.span.rows()
    }

    /// The row of the packet that holds a sample, or the number of rows if all lie before it.
    pub(crate) fn row_at(&self, position: CodedPos) -> usize {
        self.rows().partition_point(|row| row.last < position.get())
    }

    /// Returns the packet of a row.
    pub(crate) fn packet(&self, row: usize) -> Result<Placed<'_>, Error> {
        let span = &self.span;
        let number = span.packets().start.saturating_add(u64::try_from(row).unwrap_or(u64::MAX));
        let row = span.rows().get(row).ok_or(Reason::IndexRows)?;
        let data = packet_bytes(row, span.bytes().start, &self.blob);
        // At most 5760, an invariant of the span.
        let duration = u32::try_from(row.duration).unwrap_or(u32::MAX);
        Ok(Placed { number, data, duration, position: CodedPos::new(row.first) })
    }
}

/// Checks that an index returned the requested packets: it may break its contract.
pub(crate) fn check_covered(span: &Span, range: &Range<CodedPos>) -> Result<(), Error> {
    let covered = span.samples();
    if range.start < covered.start || range.end > covered.end {
        let error = opus_packet_index::Error::not_covered(range, &covered);
        return Err(Reason::IndexRange(error).into());
    }
    if span.rows().is_empty() {
        return Err(Reason::IndexRows.into());
    }
    Ok(())
}

fn packet_bytes<'a>(row: &IndexRow, blob_start: u64, blob: &'a [u8]) -> &'a [u8] {
    let start = row.offset - blob_start;
    usize::try_from(start)
        .ok()
        .zip(usize::try_from(row.length).ok())
        .and_then(|(start, length)| blob.get(start..)?.get(..length))
        .unwrap_or_default()
}
