use std::ops::Range;

use opus_packet::CodedPos;

use crate::{IndexRow, Span, builder::SHORTEST};

/// A span in 6 bytes per packet, where a [`Span`] takes 40, for caches of many packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedSpan {
    first_packet: u64,
    rows: Box<[PackedRow]>,
    /// The position of every [`STRIDE`]th packet, starting with the first.
    marks: Box<[Mark]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackedRow {
    length: u16,
    /// Bytes between the previous packet and this one.
    gap: u16,
    /// Duration in units of 2.5 ms.
    units: u8,
}

/// The first coded sample of a packet, and the byte where the gap before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    first: u64,
    offset: u64,
}

impl PackedSpan {
    /// Packs a span. Returns `None` if the length of a packet, or the gap before it, exceeds
    /// 16 bits.
    pub fn pack(span: &Span) -> Option<Self> {
        let (mut rows, mut marks) = (Vec::with_capacity(span.rows().len()), Vec::new());
        let mut end = span.bytes().start;
        for row in span.rows() {
            if rows.len() % STRIDE == 0 {
                marks.push(Mark { first: row.first, offset: end });
            }
            rows.push(PackedRow {
                length: row.length.try_into().ok()?,
                gap: (row.offset - end).try_into().ok()?,
                units: (row.duration / SHORTEST).try_into().ok()?,
            });
            end = row.offset + row.length;
        }
        let (rows, marks) = (rows.into_boxed_slice(), marks.into_boxed_slice());
        Some(Self { first_packet: span.packets().start, rows, marks })
    }

    /// Returns the same piece as [`Span::narrow`].
    pub fn narrow(&self, samples: &Range<CodedPos>) -> Option<Span> {
        let (start, end) = (samples.start.get(), samples.end.get());
        if start >= end {
            return None;
        }
        let mark = self.marks.partition_point(|mark| mark.first <= start).saturating_sub(1);
        let Mark { mut first, mut offset } = *self.marks.get(mark)?;
        let mut number = self.first_packet.saturating_add(u64::try_from(mark * STRIDE).ok()?);
        let mut found = Vec::new();
        for packed in self.rows.get(mark * STRIDE..)? {
            if first >= end {
                break;
            }
            let row = packed.row(first, offset);
            if start <= row.last {
                found.push(row);
            } else {
                number += 1;
            }
            (first, offset) = (row.last + 1, row.offset + row.length);
        }
        (!found.is_empty()).then(|| Span::unpacked(number, found))
    }
}

impl PackedRow {
    fn row(self, first: u64, end_before: u64) -> IndexRow {
        let duration = u64::from(self.units) * SHORTEST;
        IndexRow {
            offset: end_before + u64::from(self.gap),
            length: self.length.into(),
            duration,
            first,
            last: first + duration - 1,
        }
    }
}

/// The most packets that a lookup walks through to find one.
const STRIDE: usize = 64;

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
    fn a_row_beyond_16_bits_is_not_packed() {
        let most = u64::from(u16::MAX);
        assert!(PackedSpan::pack(&span(&[(0, 1, 1), (most + 1, 1, 1)], 0, 0, 0)).is_none());
        assert!(PackedSpan::pack(&span(&[(0, most + 1, 1)], 0, 0, 0)).is_none());
        let far = span(&[(1 << 20, most, 48), (most, most, 48)], 7, 1 << 50, 1 << 60);
        let packed = PackedSpan::pack(&far).unwrap();
        assert_eq!(packed.narrow(&far.samples()), Some(far));
    }

    proptest! {
        #[test]
        fn narrow_matches_that_of_the_span(
            packets in prop::collection::vec((0u64..100, 1u64..500, 1u32..=48), 1..300),
            first_packet in 0u64..1 << 40, start in 0u64..1 << 40, offset in 0u64..1 << 40,
            a in 0u64..1 << 22, b in 0u64..1 << 22,
        ) {
            let span = span(&packets, first_packet, start, offset);
            let packed = PackedSpan::pack(&span).unwrap();
            let len = span.samples().end.get() - start;
            // Inside, outside, empty and reversed.
            let at = |place: u64| CodedPos::new((start + place % (2 * len)).saturating_sub(len / 2));
            for range in [at(a)..at(b), at(a)..at(a), at(b)..at(a), span.samples()] {
                prop_assert_eq!(packed.narrow(&range), span.narrow(&range), "{:?}", range);
            }
        }
    }
}
