//! Coded and play samples, and the one place where they meet. The picture is in
//! the project's `docs/time.md`.

use core::{fmt, ops::Range};

/// A position in coded samples: per channel, at 48 kHz, from the first sample
/// of the first packet. What packets and indexes count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodedPos(u64);

/// A position in play samples: per channel, at 48 kHz, after pre-skip and
/// before end trim. What a listener counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayPos(u64);

/// Which of the coded samples play: the only bridge between the two clocks.
///
/// Invariants:
///
/// - `pre_skip + play_length <= coded_length`
/// - `coded_length <= i64::MAX`, so that sums of two positions cannot overflow
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    pre_skip: u64,
    play_length: u64,
    coded_length: u64,
}

/// A timeline that leaves less than nothing to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{coded_length} coded samples (of at most 2^63 - 1), expected no fewer than the pre-skip of \
     {pre_skip} and the end trim of {end_trim} together"
)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub struct InvalidTimeline {
    pub pre_skip: u16,
    pub coded_length: u64,
    pub end_trim: u64,
}

/// A range that cannot be read; the text says which range is valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum InvalidRange {
    #[error("sample range {start}..{start} is empty; valid ranges lie in 0..{play_length}")]
    Empty { start: PlayPos, play_length: u64 },
    #[error("sample range {start}..{end} is reversed; valid ranges lie in 0..{play_length}")]
    Reversed { start: PlayPos, end: PlayPos, play_length: u64 },
    #[error("sample range {start}..{end} is out of range; valid ranges lie in 0..{play_length}")]
    OutOfRange { start: PlayPos, end: PlayPos, play_length: u64 },
}

impl Timeline {
    /// `coded_length` is the sum of all packet durations; of these samples the
    /// first `pre_skip` and the last `end_trim` do not play
    /// (RFC 7845 sections 4.2 and 4.4).
    pub fn new(pre_skip: u16, coded_length: u64, end_trim: u64) -> Result<Self, InvalidTimeline> {
        let play_length = coded_length
            .checked_sub(end_trim)
            .and_then(|kept| kept.checked_sub(u64::from(pre_skip)))
            .filter(|_| i64::try_from(coded_length).is_ok())
            .ok_or(InvalidTimeline { pre_skip, coded_length, end_trim })?;
        Ok(Self { pre_skip: u64::from(pre_skip), play_length, coded_length })
    }

    /// Samples that play, per channel.
    pub const fn play_length(&self) -> u64 {
        self.play_length
    }

    /// Samples in all packets, per channel.
    pub const fn coded_length(&self) -> u64 {
        self.coded_length
    }

    /// Coded samples at the start that do not play.
    pub const fn pre_skip(&self) -> u64 {
        self.pre_skip
    }

    /// Coded samples at the end that do not play.
    pub const fn end_trim(&self) -> u64 {
        self.coded_length - self.pre_skip - self.play_length
    }

    /// The coded samples of a half-open range of play samples.
    pub fn coded(&self, play: Range<PlayPos>) -> Result<Range<CodedPos>, InvalidRange> {
        let Range { start, end } = play;
        let play_length = self.play_length;
        if start > end {
            return Err(InvalidRange::Reversed { start, end, play_length });
        }
        if end.0 > play_length {
            return Err(InvalidRange::OutOfRange { start, end, play_length });
        }
        if start == end {
            return Err(InvalidRange::Empty { start, play_length });
        }
        Ok(CodedPos(start.0 + self.pre_skip)..CodedPos(end.0 + self.pre_skip))
    }
}

impl CodedPos {
    /// The position with this many samples before it.
    pub const fn new(samples: u64) -> Self {
        Self(samples)
    }

    /// Samples before this position.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position `samples` earlier, but not before the first sample.
    pub const fn saturating_sub(self, samples: u64) -> Self {
        Self(self.0.saturating_sub(samples))
    }
}

impl PlayPos {
    /// The position with this many samples before it.
    pub const fn new(samples: u64) -> Self {
        Self(samples)
    }

    /// Samples before this position.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CodedPos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PlayPos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn play(range: Range<u64>) -> Range<PlayPos> {
        PlayPos::new(range.start)..PlayPos::new(range.end)
    }

    #[test]
    fn pre_skip_and_end_trim_do_not_play() {
        let timeline = Timeline::new(312, 1920, 648).unwrap();
        assert_eq!(timeline.play_length(), 960);
        assert_eq!(timeline.end_trim(), 648);
        assert_eq!(timeline.coded(play(0..960)), Ok(CodedPos(312)..CodedPos(1272)));
    }

    #[test]
    fn more_trimmed_than_coded_is_refused() {
        assert!(Timeline::new(312, 311, 0).is_err());
        assert!(Timeline::new(312, 960, 649).is_err());
        assert!(Timeline::new(0, 1 << 63, 0).is_err());
        assert_eq!(Timeline::new(312, 960, 648).unwrap().play_length(), 0);
    }

    #[test]
    fn a_wrong_range_is_told_the_valid_one() {
        let timeline = Timeline::new(0, 960, 0).unwrap();
        let text = |range| timeline.coded(play(range)).unwrap_err().to_string();
        let (five, two) = (5, 2);
        assert_eq!(text(5..5), "sample range 5..5 is empty; valid ranges lie in 0..960");
        assert_eq!(text(five..two), "sample range 5..2 is reversed; valid ranges lie in 0..960");
        assert_eq!(text(9..961), "sample range 9..961 is out of range; valid ranges lie in 0..960");
        assert!(text(u64::MAX - 1..u64::MAX).contains("out of range"));
    }

    proptest! {
        #[test]
        fn valid_ranges_keep_their_length_and_stay_inside(
            pre_skip: u16, start in 0u64..1 << 40, len in 1u64..1 << 40,
            rest in 0u64..10_000, end_trim in 0u64..10_000,
        ) {
            let end = start + len;
            let coded_length = u64::from(pre_skip) + end + rest + end_trim;
            let timeline = Timeline::new(pre_skip, coded_length, end_trim).unwrap();
            let coded = timeline.coded(play(start..end)).unwrap();
            prop_assert_eq!(coded.end.0 - coded.start.0, len);
            prop_assert!(coded.start.0 >= u64::from(pre_skip));
            prop_assert!(coded.end.0 <= coded_length - end_trim);
        }
    }
}
