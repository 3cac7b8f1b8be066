use std::{num::NonZeroU8, ops::Range};

use opus_packet::{CodedPos, multistream_duration};
use opus_packet_index::{IndexRow, InvalidIndex, Span};

use crate::{
    Error, PacketDecoder,
    cut::{Cut, Placed},
};

/// What to read, to decode and to drop for one range of samples.
///
/// Pure: a caller reads [`bytes`](Self::bytes) in whatever way it likes and gives
/// them to [`decode`](Self::decode).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPlan {
    span: Span,
    target: Range<CodedPos>,
}

impl SegmentPlan {
    /// A plan to decode all packets of `span` and to keep the samples of `target`.
    pub fn new(span: Span, target: Range<CodedPos>) -> Result<Self, InvalidIndex> {
        check_covered(&span, &target)?;
        Ok(Self { span, target })
    }

    /// The bytes of the blob to read.
    pub fn bytes(&self) -> Range<u64> {
        self.span.bytes()
    }

    /// Numbers of the packets to decode.
    pub fn packets(&self) -> Range<u64> {
        self.span.packets()
    }

    /// Decodes. `blob` must hold what [`bytes`](Self::bytes) names; the samples
    /// are interleaved. The decoder is reset first.
    pub fn decode<S: Copy + Default, D: PacketDecoder<S>>(
        &self,
        blob: &[u8],
        mut decoder: D,
    ) -> Result<Vec<S>, Error> {
        decoder.reset().map_err(|error| Error::Reset { source: error.into() })?;
        let layout = decoder.layout();
        let target = layout.rate.samples(&self.target);
        let mut cut = Cut::new(target.clone());
        check_packets(&self.span, blob, layout.streams)?;
        // The rows hold these samples, so the length is one that memory can bear.
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

/// An index that keeps no contract may give other packets than those that were asked for.
pub(crate) fn check_covered(span: &Span, range: &Range<CodedPos>) -> Result<(), InvalidIndex> {
    let covered = span.samples();
    match range.start < covered.start || range.end > covered.end {
        true => Err(InvalidIndex::not_covered(range, &covered)),
        false => Ok(()),
    }
}

/// An index of another blob may be valid in itself; its durations give it away, before
/// anything is decoded by it.
pub(crate) fn check_packets(span: &Span, blob: &[u8], streams: NonZeroU8) -> Result<(), Error> {
    for (packet, row) in span.packets().zip(span.rows()) {
        let data = packet_bytes(row, span.bytes().start, blob);
        let found = multistream_duration(data, streams)
            .map_err(|reason| Error::IndexedPacket { packet, reason })?;
        if u64::from(found) != row.duration {
            return Err(Error::IndexedDuration { packet, indexed: row.duration, found });
        }
    }
    Ok(())
}

/// The packet of a row of `span`, whose bytes `blob` holds and whose packets are checked.
pub(crate) fn packet<'a>(span: &Span, row: usize, blob: &'a [u8]) -> Result<Placed<'a>, Error> {
    let number = span.packets().start.saturating_add(u64::try_from(row).unwrap_or(u64::MAX));
    let found = span.rows().get(row);
    let row = found.ok_or(Error::IndexRange { reason: InvalidIndex::Empty })?;
    let data = packet_bytes(row, span.bytes().start, blob);
    // At most 5760: an invariant of the span.
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
