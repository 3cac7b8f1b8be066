use std::ops::Range;

use opus_packet::{CodedPos, MAX_PACKET_DURATION};

use crate::{Error, builder::SHORTEST, error::Reason};

/// The first coded sample of every chunk of an index stored in chunks, so that a lookup
/// reads one chunk instead of the whole index.
///
/// Invariants:
///
/// - The first checkpoint is 0.
/// - Checkpoints increase and lie below `coded_length`.
/// - The packets of a chunk can last as long as its checkpoints are apart. A range of samples
///   therefore lies in no more chunks than it needs.
///
/// ```
/// use opus_packet_index::{Checkpoints, CodedPos};
///
/// // 25 packets in chunks of 10, 5000 coded samples in all.
/// let checkpoints = Checkpoints::parse(vec![0, 2000, 4000], 10, 25, 5000)?;
/// assert_eq!(checkpoints.chunks(&(CodedPos::new(1999)..CodedPos::new(2001))), 0..2);
/// # Ok::<(), opus_packet_index::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    firsts: Vec<u64>,
    coded_length: u64,
}

impl Checkpoints {
    /// Parses the checkpoints of an index of `packets` packets in chunks of
    /// `rows_per_chunk`, with `coded_length` samples (per channel at 48 kHz) in all.
    pub fn parse(
        firsts: Vec<u64>,
        rows_per_chunk: u64,
        packets: u64,
        coded_length: u64,
    ) -> Result<Self, Error> {
        let expected = packets.div_ceil(rows_per_chunk.max(1));
        let found = firsts.len();
        if u64::try_from(found) != Ok(expected) {
            return Err(Reason::CheckpointCount { found, expected }.into());
        }
        match firsts.first() {
            None => return Err(Reason::Empty.into()),
            Some(0) => {}
            Some(&found) => return Err(Reason::FirstCheckpoint { found }.into()),
        }
        for ((number, &found), &previous) in firsts.iter().enumerate().skip(1).zip(&firsts) {
            if found <= previous || found >= coded_length {
                let order = Reason::CheckpointOrder { number, found, previous, coded_length };
                return Err(order.into());
            }
        }
        check_steps(&firsts, rows_per_chunk, packets, coded_length)?;
        Ok(Self { firsts, coded_length })
    }

    /// Finds the chunks that hold the packets of a half-open range of coded samples, by
    /// binary search. Returns an empty range for an empty range, and for one that starts at
    /// the end or later.
    pub fn chunks(&self, samples: &Range<CodedPos>) -> Range<usize> {
        if samples.is_empty() || samples.start.get() >= self.coded_length {
            return 0..0;
        }
        let after_start = self.firsts.partition_point(|&first| first <= samples.start.get());
        let end = self.firsts.partition_point(|&first| first < samples.end.get());
        after_start.saturating_sub(1)..end
    }

    /// The first coded sample of a chunk.
    pub fn first(&self, chunk: usize) -> Option<CodedPos> {
        self.firsts.get(chunk).copied().map(CodedPos::new)
    }

    /// The first coded samples of all chunks.
    pub fn firsts(&self) -> &[u64] {
        &self.firsts
    }
}

/// Checks that every chunk lasts between 120 and 5760 samples per packet.
fn check_steps(
    firsts: &[u64],
    rows_per_chunk: u64,
    packets: u64,
    coded_length: u64,
) -> Result<(), Reason> {
    let ends = firsts.iter().skip(1).chain([&coded_length]);
    let mut rest = packets;
    for (number, (first, end)) in firsts.iter().zip(ends).enumerate() {
        let (packets, found) = (rest.min(rows_per_chunk), end.saturating_sub(*first));
        rest -= packets;
        let longest = packets.saturating_mul(u64::from(MAX_PACKET_DURATION));
        if found < packets.saturating_mul(SHORTEST) || found > longest {
            return Err(Reason::CheckpointStep { number, packets, found });
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
    fn a_range_maps_to_its_chunks() {
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
    fn an_error_names_the_wrong_checkpoint() {
        let parse = |firsts: &[u64]| Checkpoints::parse(firsts.to_vec(), 10, 25, 5000).unwrap_err();
        assert_eq!(parse(&[0, 2000]), Reason::CheckpointCount { found: 2, expected: 3 }.into());
        assert_eq!(parse(&[5, 2000, 4000]), Reason::FirstCheckpoint { found: 5 }.into());
        let order = |found, coded_length| {
            Error::from(Reason::CheckpointOrder { number: 2, found, previous: 2000, coded_length })
        };
        assert_eq!(parse(&[0, 2000, 2000]), order(2000, 5000));
        assert_eq!(parse(&[0, 2000, 5000]), order(5000, 5000));
        assert_eq!(Checkpoints::parse(vec![], 10, 0, 0), Err(Reason::Empty.into()));
    }

    /// Otherwise a second of audio could lie in as many chunks as it has samples.
    #[test]
    fn checkpoints_are_only_as_far_apart_as_packets_can_last() {
        let parse = |firsts: &[u64], coded_length| {
            Checkpoints::parse(firsts.to_vec(), 10, 25, coded_length).map(drop)
        };
        let step =
            |number, packets, found| Err(Reason::CheckpointStep { number, packets, found }.into());
        assert_eq!(parse(&[0, 1199, 2400], 3000), step(0, 10, 1199));
        assert_eq!(parse(&[0, 1200, 2399], 3000), step(1, 10, 1199));
        assert_eq!(parse(&[0, 1200, 2400], 2999), step(2, 5, 599));
        assert_eq!(parse(&[0, 1200, 2400], 3000), Ok(()));
        assert_eq!(parse(&[0, 1200, 2400], 2400 + 5 * 5760), Ok(()));
        assert_eq!(parse(&[0, 1200, 2400], 2401 + 5 * 5760), step(2, 5, 5 * 5760 + 1));
        assert_eq!(parse(&[0, 57_601, 115_200], 120_000), step(0, 10, 57_601));
    }
}
