use std::ops::Range;

use opus_packet::CodedPos;

use crate::{Error, IndexRead, IndexRow, builder::check_row, error::Reason};

/// The index of consecutive packets: of a whole recording or a piece of one.
///
/// Invariants:
///
/// - A span has at least one row.
/// - Every packet has at least one byte and lasts a multiple of 120 samples, up to 5760.
/// - Samples are counted without gap or overlap, and below 2^64.
/// - Packets lie in the blob in their order and do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    first_packet: u64,
    rows: Vec<IndexRow>,
}

impl Span {
    /// Parses untrusted rows. `first_packet` is the number of the first one in the recording,
    /// `start` its first coded sample, and `blob_length` the length of the blob in bytes.
    pub fn parse(
        first_packet: u64,
        start: CodedPos,
        rows: Vec<IndexRow>,
        blob_length: u64,
    ) -> Result<Self, Error> {
        let (mut coded_pos, mut blob_pos) = (start.get(), 0);
        for (number, row) in rows.iter().enumerate() {
            let packet = first_packet.saturating_add(u64::try_from(number).unwrap_or(u64::MAX));
            blob_pos = check_row(row, packet, coded_pos, blob_pos)?;
            coded_pos = row.last + 1;
            if blob_pos > blob_length {
                let IndexRow { offset, length, .. } = *row;
                return Err(Reason::BeyondBlob { packet, offset, length, blob_length }.into());
            }
        }
        if rows.is_empty() {
            return Err(Reason::Empty.into());
        }
        Ok(Self { first_packet, rows })
    }

    /// Restores a span from rows that were one, or a piece of one, before they were packed.
    pub(crate) fn unpacked(first_packet: u64, rows: Vec<IndexRow>) -> Self {
        Self { first_packet, rows }
    }

    /// The numbers of the packets in the recording.
    pub fn packets(&self) -> Range<u64> {
        self.first_packet..self.packet_number(self.rows.len())
    }

    /// The coded samples of the packets.
    pub fn samples(&self) -> Range<CodedPos> {
        let start = self.rows.first().map_or(0, |row| row.first);
        let end = self.rows.last().map_or(0, |row| row.last + 1);
        CodedPos::new(start)..CodedPos::new(end)
    }

    /// The bytes of the blob from the first byte of the first packet to the last byte of the
    /// last one, including what the container stores between packets.
    pub fn bytes(&self) -> Range<u64> {
        let start = self.rows.first().map_or(0, |row| row.offset);
        let end = self.rows.last().map_or(0, |row| row.offset + row.length);
        start..end
    }

    /// The rows, one per packet.
    pub fn rows(&self) -> &[IndexRow] {
        &self.rows
    }

    /// Finds the numbers of the packets that hold the samples of a half-open range, by binary
    /// search. Returns an empty range if `samples` is empty or lies outside.
    pub fn find(&self, samples: &Range<CodedPos>) -> Range<u64> {
        let found = self.positions(samples);
        self.packet_number(found.start)..self.packet_number(found.end)
    }

    /// Returns the piece of the span that [`find`](Self::find) finds.
    pub fn narrow(&self, samples: &Range<CodedPos>) -> Option<Self> {
        let found = self.positions(samples);
        let first_packet = self.packet_number(found.start);
        let rows = self.rows.get(found).filter(|rows| !rows.is_empty())?.to_vec();
        Some(Self { first_packet, rows })
    }

    /// Appends the packets that follow the last one.
    pub fn append(&mut self, next: Self) -> Result<(), Error> {
        if let Some(row) = next.rows.first() {
            check_row(row, self.packets().end, self.samples().end.get(), self.bytes().end)?;
        }
        self.rows.extend(next.rows);
        Ok(())
    }

    fn positions(&self, samples: &Range<CodedPos>) -> Range<usize> {
        let start = self.rows.partition_point(|row| row.last < samples.start.get());
        if samples.is_empty() {
            return start..start;
        }
        let end = self.rows.partition_point(|row| row.first < samples.end.get());
        start..end.max(start)
    }

    fn packet_number(&self, position: usize) -> u64 {
        // Rows are in memory, so their number does not overflow.
        self.first_packet.saturating_add(u64::try_from(position).unwrap_or(u64::MAX))
    }
}

/// An index in memory.
impl IndexRead for Span {
    type Error = Error;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Error> {
        let covered = self.samples();
        let outside = samples.start < covered.start || samples.end > covered.end;
        if samples.is_empty() || outside {
            return Err(Error::not_covered(&samples, &covered));
        }
        self.narrow(&samples).ok_or_else(|| Reason::Empty.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ErrorKind, IndexBuilder};

    fn coded(range: Range<u64>) -> Range<CodedPos> {
        CodedPos::new(range.start)..CodedPos::new(range.end)
    }

    /// Rows of packets with these (gap before, length, 2.5-ms units).
    fn rows(packets: &[(u64, u64, u32)]) -> Vec<IndexRow> {
        let mut builder = IndexBuilder::default();
        let mut at = 0;
        let push = |&(gap, length, units): &(u64, u64, u32)| {
            let row = builder.push(at + gap, length, units * 120).unwrap();
            at += gap + length;
            row
        };
        packets.iter().map(push).collect()
    }

    fn whole(rows: Vec<IndexRow>) -> Span {
        let end = rows.last().map_or(0, |row| row.offset + row.length);
        Span::parse(0, CodedPos::new(0), rows, end).unwrap()
    }

    #[test]
    fn find_is_exact_at_packet_borders() {
        let span = whole(rows(&[(0, 10, 8), (3, 10, 8), (0, 5, 4)]));
        assert_eq!(span.find(&coded(0..960)), 0..1);
        assert_eq!(span.find(&coded(0..961)), 0..2);
        assert_eq!(span.find(&coded(959..960)), 0..1);
        assert_eq!(span.find(&coded(960..961)), 1..2);
        assert_eq!(span.find(&coded(1919..1921)), 1..3);
        assert_eq!(span.find(&coded(2400..2500)), 3..3);
        assert_eq!(span.find(&coded(5..5)), 0..0);
        let reversed = Range { start: CodedPos::new(1000), end: CodedPos::new(5) };
        assert_eq!(span.find(&reversed), 1..1);
        let error = IndexRead::span(&span, reversed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "coded samples 1000..5 requested, but the index covers 0..2400"
        );
    }

    #[test]
    fn an_error_names_the_packet_and_the_rule() {
        let good = rows(&[(0, 10, 8), (3, 10, 8)]);
        let parse = |rows, len| Span::parse(7, CodedPos::new(0), rows, len).unwrap_err();
        assert_eq!(parse(vec![], 23), Reason::Empty.into());
        assert_eq!(
            parse(good.clone(), 22),
            Reason::BeyondBlob { packet: 8, offset: 13, length: 10, blob_length: 22 }.into()
        );
        let damaged = |change: fn(&mut IndexRow)| {
            let mut rows = good.clone();
            change(&mut rows[1]);
            parse(rows, 23)
        };
        assert_eq!(damaged(|row| row.length = 0), Reason::Length { packet: 8 }.into());
        assert_eq!(
            damaged(|row| row.duration = 961),
            Reason::Duration { packet: 8, found: 961 }.into()
        );
        let samples = |first, last| {
            Error::from(Reason::Samples { packet: 8, first, last, duration: 960, expected: 960 })
        };
        assert_eq!(damaged(|row| row.first += 1), samples(961, 1919));
        assert_eq!(damaged(|row| row.last += 1), samples(960, 1920));
        assert_eq!(
            damaged(|row| row.offset = 9),
            Reason::Offset { packet: 8, found: 9, expected: 10 }.into()
        );
        let overflow = damaged(|row| row.offset = u64::MAX);
        assert_eq!((overflow.kind(), overflow.packet()), (ErrorKind::Row, Some(8)));
        assert!(format!("{overflow:?}").starts_with("packet 8: 10 bytes at byte 1844674407370955"));
    }

    proptest! {
        #[test]
        fn narrow_covers_exactly_the_packets_of_the_range(
            packets in prop::collection::vec((0u64..100, 1u64..500, 1u32..=48), 1..200),
            a: prop::sample::Index, b: prop::sample::Index,
        ) {
            let span = whole(rows(&packets));
            let end = span.samples().end.get();
            let size = usize::try_from(end).unwrap();
            let (a, b) = (a.index(size), b.index(size));
            let range = coded(a.min(b).try_into().unwrap()..(a.max(b) + 1).try_into().unwrap());
            let piece = span.span(range.clone()).unwrap();
            prop_assert!(piece.samples().start <= range.start && range.end <= piece.samples().end);
            let (first, last) = (piece.rows()[0], piece.rows()[piece.rows().len() - 1]);
            prop_assert!(range.start.get() <= first.last && last.first < range.end.get());
            prop_assert_eq!(piece.packets(), span.find(&range));
        }

        #[test]
        fn appended_pieces_make_the_whole(
            packets in prop::collection::vec((0u64..100, 1u64..500, 1u32..=48), 2..200),
            cut: prop::sample::Index,
        ) {
            let span = whole(rows(&packets));
            let cut = span.rows()[1 + cut.index(packets.len() - 1)].first;
            let end = span.samples().end.get();
            let mut left = span.narrow(&coded(0..cut)).unwrap();
            left.append(span.narrow(&coded(cut..end)).unwrap()).unwrap();
            prop_assert_eq!(&left, &span);
            prop_assert!(left.append(span.narrow(&coded(0..cut)).unwrap()).is_err());
        }

        #[test]
        fn any_numbers_are_a_span_or_an_error(numbers: Vec<[u64; 5]>, start: u64, first_packet: u64, blob_length: u64) {
            let rows = numbers.into_iter().map(|[offset, length, duration, first, last]| {
                IndexRow { offset, length, duration, first, last }
            });
            if let Ok(span) = Span::parse(first_packet, CodedPos::new(start), rows.collect(), blob_length) {
                prop_assert!(span.bytes().end <= blob_length);
            }
        }
    }
}
