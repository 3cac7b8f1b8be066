//! Reproducible random numbers.

use std::ops::Range;

/// A generator that gives the same numbers in every run (splitmix64). The field is the seed.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// Returns a number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// Returns a range within `0..end` of 1 to `longest` samples. Every order of magnitude is
    /// equally likely.
    pub fn range(&mut self, end: u64, longest: u64) -> Range<u64> {
        let longest = longest.min(end);
        let octave = self.below(u64::from(longest.ilog2()) + 1);
        let len = (1 + self.below(2 << octave)).min(longest);
        let start = self.below(end - len + 1);
        start..start + len
    }
}
