use std::ops::Range;

use opus_packet::CodedPos;

use crate::{IndexRow, Span};

/// A span in 12 bytes a packet, where a [`Span`] takes 40: to keep many at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedSpan {
    first_packet: u64,
    /// Where the span begins and ends, in coded samples.
    samples: Range<u64>,
    /// Where it begins in the blob.
    blob_start: u64,
    rows: Vec<PackedRow>,
}

/// Counted from the start of the span. A packet lasts up to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackedRow {
    offset: u32,
    length: u32,
    first: u32,
}

impl PackedSpan {
    /// The same packets; none if they are too many, or lie too far apart, for 32 bits.
    pub fn pack(span: &Span) -> Option<Self> {
        let (samples, blob_start) = (span.samples(), span.bytes().start);
        let samples = samples.start.get()..samples.end.get();
        u32::try_from(samples.end - samples.start).ok()?;
        let pack = |row: &IndexRow| {
            Some(PackedRow {
                offset: u32::try_from(row.offset - blob_start).ok()?,
                length: u32::try_from(row.length).ok()?,
                first: u32::try_from(row.first - samples.start).ok()?,
            })
        };
        let rows = span.rows().iter().map(pack).collect::<Option<_>>()?;
        Some(Self { first_packet: span.packets().start, samples, blob_start, rows })
    }

    /// The piece that [`Span::narrow`] gives.
    pub fn narrow(&self, samples: &Range<CodedPos>) -> Option<Span> {
        let (start, end) = (samples.start.get(), samples.end.get().min(self.samples.end));
        if start >= end || end <= self.samples.start {
            return None;
        }
        // Of those that begin no later than the start the last one holds it.
        let begins = |row: &PackedRow| self.samples.start + u64::from(row.first);
        let from = self.rows.partition_point(|row| begins(row) <= start).saturating_sub(1);
        let to = self.rows.partition_point(|row| begins(row) < end);
        let rows: Vec<_> = (from..to).filter_map(|place| self.row(place)).collect();
        let first_packet = self.first_packet.saturating_add(u64::try_from(from).ok()?);
        (!rows.is_empty()).then(|| Span::unpacked(first_packet, rows))
    }

    fn row(&self, place: usize) -> Option<IndexRow> {
        let PackedRow { offset, length, first } = *self.rows.get(place)?;
        let next = self.rows.get(place + 1).map(|next| self.samples.start + u64::from(next.first));
        let (first, end) =
            (self.samples.start + u64::from(first), next.unwrap_or(self.samples.end));
        Some(IndexRow {
            offset: self.blob_start + u64::from(offset),
            length: length.into(),
            duration: end - first,
            first,
            last: end - 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::IndexBuilder;

    fn span(packets: &[(u64, u64, u32)], first_packet: u64, start: u64, offset: u64) -> Span {
        let (mut builder, mut rows, mut at) = (IndexBuilder::default(), Vec::new(), 0);
        for &(gap, length, units) in packets {
            rows.push(builder.push(at + gap, length, units * 120).unwrap());
            at += gap + length;
        }
        for row in &mut rows {
            row.offset += offset;
            row.first += start;
            row.last += start;
        }
        Span::parse(first_packet, CodedPos::new(start), rows, u64::MAX).unwrap()
    }

    #[test]
    fn what_is_too_wide_is_not_packed() {
        assert!(
            PackedSpan::pack(&span(&[(0, 1, 1), (u64::from(u32::MAX), 1, 1)], 0, 0, 0)).is_none()
        );
        assert!(PackedSpan::pack(&span(&[(0, u64::from(u32::MAX) + 1, 1)], 0, 0, 0)).is_none());
        let far = span(&[(0, 1, 1), (u64::from(u32::MAX) - 1, 1, 1)], 7, 1 << 50, 1 << 60);
        let packed = PackedSpan::pack(&far).unwrap();
        assert_eq!(packed.narrow(&far.samples()), Some(far));
    }

    proptest! {
        #[test]
        fn narrow_is_that_of_the_span(
            packets in prop::collection::vec((0u64..100, 1u64..500, 1u32..=48), 1..100),
            first_packet in 0u64..1 << 40, start in 0u64..1 << 40, offset in 0u64..1 << 40,
            a in 0u64..1 << 20, b in 0u64..1 << 20,
        ) {
            let span = span(&packets, first_packet, start, offset);
            let packed = PackedSpan::pack(&span).unwrap();
            let len = span.samples().end.get() - start;
            // Inside and outside, empty and reversed.
            let at = |place: u64| CodedPos::new((start + place % (2 * len)).saturating_sub(len / 2));
            for range in [at(a)..at(b), at(a)..at(a), at(b)..at(a), span.samples()] {
                prop_assert_eq!(packed.narrow(&range), span.narrow(&range), "{:?}", range);
            }
        }
    }
}
