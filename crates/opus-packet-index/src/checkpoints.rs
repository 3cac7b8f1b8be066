use std::ops::Range;

use opus_packet::{CodedPos, MAX_PACKET_DURATION};

use crate::InvalidIndex;

/// The first coded sample of every chunk of an index that is kept in chunks, so
/// that a search needs to read one chunk and not the index.
///
/// Invariants: the first is 0; they increase; all are below `coded_length`; from one to the
/// next it is as far as its packets can last, so that a range of samples lies in no more
/// chunks than it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    firsts: Vec<u64>,
    coded_length: u64,
}

impl Checkpoints {
    /// Parses the checkpoints of an index of `packets` packets in chunks of
    /// `rows_per_chunk`, which counts `coded_length` samples.
    pub fn parse(
        firsts: Vec<u64>,
        rows_per_chunk: u64,
        packets: u64,
        coded_length: u64,
    ) -> Result<Self, InvalidIndex> {
        let expected = packets.div_ceil(rows_per_chunk.max(1));
        let found = firsts.len();
        if u64::try_from(found) != Ok(expected) {
            return Err(InvalidIndex::CheckpointCount { found, expected });
        }
        match firsts.first() {
            None => return Err(InvalidIndex::Empty),
            Some(0) => {}
            Some(&found) => return Err(InvalidIndex::FirstCheckpoint { found }),
        }
        for ((number, &found), &previous) in firsts.iter().enumerate().skip(1).zip(&firsts) {
            if found <= previous || found >= coded_length {
                return Err(InvalidIndex::CheckpointOrder {
                    number,
                    found,
                    previous,
                    coded_length,
                });
            }
        }
        check_steps(&firsts, rows_per_chunk, packets, coded_length)?;
        Ok(Self { firsts, coded_length })
    }

    /// Which chunks hold the packets of a half-open range of samples, by binary
    /// search. Empty if the range is, or begins at or after the end.
    pub fn chunks(&self, samples: &Range<CodedPos>) -> Range<usize> {
        if samples.is_empty() || samples.start.get() >= self.coded_length {
            return 0..0;
        }
        let after_start = self.firsts.partition_point(|&first| first <= samples.start.get());
        let end = self.firsts.partition_point(|&first| first < samples.end.get());
        after_start.saturating_sub(1)..end
    }

    /// First coded sample of a chunk.
    pub fn first(&self, chunk: usize) -> Option<CodedPos> {
        self.firsts.get(chunk).copied().map(CodedPos::new)
    }

    /// First coded samples of all chunks.
    pub fn firsts(&self) -> &[u64] {
        &self.firsts
    }
}

/// Packets last 120 to 5760 samples each.
fn check_steps(
    firsts: &[u64],
    rows_per_chunk: u64,
    packets: u64,
    coded_length: u64,
) -> Result<(), InvalidIndex> {
    let ends = firsts.iter().skip(1).chain([&coded_length]);
    let mut rest = packets;
    for (number, (first, end)) in firsts.iter().zip(ends).enumerate() {
        let (packets, found) = (rest.min(rows_per_chunk), end.saturating_sub(*first));
        rest -= packets;
        let longest = packets.saturating_mul(u64::from(MAX_PACKET_DURATION));
        if found < packets.saturating_mul(120) || found > longest {
            return Err(InvalidIndex::CheckpointStep { number, packets, found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(range: Range<u64>) -> Range<CodedPos> {
        CodedPos::new(range.start)..CodedPos::new(range.end)
    }

    #[test]
    fn chunks_of_a_range() {
        let checkpoints = Checkpoints::parse(vec![0, 2000, 4000], 10, 25, 5000).unwrap();
        assert_eq!(checkpoints.chunks(&coded(0..2000)), 0..1);
        assert_eq!(checkpoints.chunks(&coded(0..2001)), 0..2);
        assert_eq!(checkpoints.chunks(&coded(1999..2000)), 0..1);
        assert_eq!(checkpoints.chunks(&coded(2000..2001)), 1..2);
        assert_eq!(checkpoints.chunks(&coded(3000..5000)), 1..3);
        assert_eq!(checkpoints.chunks(&coded(5000..5010)), 0..0);
        assert_eq!(checkpoints.chunks(&coded(50..50)), 0..0);
    }

    #[test]
    fn wrong_checkpoints_are_named() {
        let parse = |firsts: &[u64]| Checkpoints::parse(firsts.to_vec(), 10, 25, 5000).unwrap_err();
        assert_eq!(parse(&[0, 2000]), InvalidIndex::CheckpointCount { found: 2, expected: 3 });
        assert_eq!(parse(&[5, 2000, 4000]), InvalidIndex::FirstCheckpoint { found: 5 });
        assert!(matches!(
            parse(&[0, 2000, 2000]),
            InvalidIndex::CheckpointOrder { number: 2, found: 2000, previous: 2000, .. }
        ));
        assert!(matches!(parse(&[0, 2000, 5000]), InvalidIndex::CheckpointOrder { number: 2, .. }));
        assert_eq!(Checkpoints::parse(vec![], 10, 0, 0), Err(InvalidIndex::Empty));
    }

    /// Otherwise a second of audio could lie in as many chunks as it has samples.
    #[test]
    fn checkpoints_are_as_far_apart_as_packets_last() {
        let parse = |firsts: &[u64], coded_length| {
            Checkpoints::parse(firsts.to_vec(), 10, 25, coded_length).map(drop)
        };
        let step =
            |number, packets, found| Err(InvalidIndex::CheckpointStep { number, packets, found });
        assert_eq!(parse(&[0, 1199, 2400], 3000), step(0, 10, 1199));
        assert_eq!(parse(&[0, 1200, 2399], 3000), step(1, 10, 1199));
        assert_eq!(parse(&[0, 1200, 2400], 2999), step(2, 5, 599));
        assert_eq!(parse(&[0, 1200, 2400], 3000), Ok(()));
        assert_eq!(parse(&[0, 1200, 2400], 2400 + 5 * 5760), Ok(()));
        assert_eq!(parse(&[0, 1200, 2400], 2401 + 5 * 5760), step(2, 5, 5 * 5760 + 1));
        assert_eq!(parse(&[0, 57_601, 115_200], 120_000), step(0, 10, 57_601));
    }
}
