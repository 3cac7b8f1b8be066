use std::{num::NonZeroU8, ops::Range};

use opus_packet::{CodedPos, multistream_duration};
use opus_packet_index::{IndexRow, Span};

use crate::{
    Error, PacketDecoder,
    cut::{Cut, Placed},
    error::Reason,
};

/// The bytes to read, the packets to decode and the samples to keep for one range.
///
/// A plan does no I/O: the caller reads [`bytes`](Self::bytes) by any means and passes them to
/// [`decode`](Self::decode).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPlan {
    span: Span,
    target: Range<CodedPos>,
}

impl SegmentPlan {
    /// Plans to decode all packets of `span` and to keep the samples of `target`.
    pub fn new(span: Span, target: Range<CodedPos>) -> Result<Self, Error> {
        check_covered(&span, &target)?;
        Ok(Self { span, target })
    }

    /// The bytes to read from the blob.
    pub fn bytes(&self) -> Range<u64> {
        self.span.bytes()
    }

    /// The numbers of the packets to decode.
    pub fn packets(&self) -> Range<u64> {
        self.span.packets()
    }

    /// Resets the decoder and decodes the plan. `blob` must hold the bytes named by
    /// [`bytes`](Self::bytes). Returns interleaved samples.
    pub fn decode<S: Copy + Default, D: PacketDecoder<S>>(
        &self,
        blob: &[u8],
        mut decoder: D,
    ) -> Result<Vec<S>, Error> {
        decoder.reset().map_err(|error| Reason::Reset(error.into()))?;
        let layout = decoder.layout();
        let target = layout.rate.samples(&self.target);
        let mut cut = Cut::new(target.clone());
        check_packets(&self.span, blob, layout.streams)?;
        // The rows in memory hold these samples, which bounds the length.
        let len = usize::try_from(target.end - target.start).unwrap_or(0) * layout.channels;
        let (mut samples, mut filled) = (vec![S::default(); len], 0);
        for number in 0..self.span.rows().len() {
            let packet = packet(&self.span, number, blob)?;
            let room = samples.get_mut(filled..).unwrap_or_default();
            filled += cut.decode(&mut decoder, packet, target.end, room)?;
        }
        Ok(samples)
    }
}

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
