use std::ops::Range;

use opus_packet::CodedPos;

use crate::InvalidIndex;

/// The first coded sample of every chunk of an index that is kept in chunks, so
/// that a search needs to read one chunk and not the index.
///
/// Invariants: the first is 0; they increase; all are below `coded_len`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    firsts: Vec<u64>,
    coded_len: u64,
}

impl Checkpoints {
    /// Parses the checkpoints of an index of `packets` packets in chunks of
    /// `rows_per_chunk`, which counts `coded_len` samples.
    pub fn parse(
        firsts: Vec<u64>,
        rows_per_chunk: u64,
        packets: u64,
        coded_len: u64,
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
            if found <= previous || found >= coded_len {
                return Err(InvalidIndex::CheckpointOrder { number, found, previous, coded_len });
            }
        }
        Ok(Self { firsts, coded_len })
    }

    /// Which chunks hold the packets of a half-open range of samples, by binary
    /// search. Empty if the range is, or begins at or after the end.
    pub fn chunks(&self, samples: &Range<CodedPos>) -> Range<usize> {
        if samples.is_empty() || samples.start.get() >= self.coded_len {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(range: Range<u64>) -> Range<CodedPos> {
        CodedPos::new(range.start)..CodedPos::new(range.end)
    }

    #[test]
    fn chunks_of_a_range() {
        let checkpoints = Checkpoints::parse(vec![0, 100, 200], 10, 25, 250).unwrap();
        assert_eq!(checkpoints.chunks(&coded(0..100)), 0..1);
        assert_eq!(checkpoints.chunks(&coded(0..101)), 0..2);
        assert_eq!(checkpoints.chunks(&coded(99..100)), 0..1);
        assert_eq!(checkpoints.chunks(&coded(100..101)), 1..2);
        assert_eq!(checkpoints.chunks(&coded(150..250)), 1..3);
        assert_eq!(checkpoints.chunks(&coded(250..260)), 0..0);
        assert_eq!(checkpoints.chunks(&coded(50..50)), 0..0);
    }

    #[test]
    fn wrong_checkpoints_are_named() {
        let parse = |firsts: &[u64]| Checkpoints::parse(firsts.to_vec(), 10, 25, 250).unwrap_err();
        assert_eq!(parse(&[0, 100]), InvalidIndex::CheckpointCount { found: 2, expected: 3 });
        assert_eq!(parse(&[5, 100, 200]), InvalidIndex::FirstCheckpoint { found: 5 });
        assert!(matches!(
            parse(&[0, 100, 100]),
            InvalidIndex::CheckpointOrder { number: 2, found: 100, previous: 100, .. }
        ));
        assert!(matches!(parse(&[0, 100, 250]), InvalidIndex::CheckpointOrder { number: 2, .. }));
        assert_eq!(Checkpoints::parse(vec![], 10, 0, 0), Err(InvalidIndex::Empty));
    }
}
