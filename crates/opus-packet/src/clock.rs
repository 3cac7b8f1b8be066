//! Coded and play samples, and the one place where they meet. The project's
//! `docs/time.md` has a picture.

use core::{fmt, ops::Range};

/// A position in coded samples: per channel, at 48 kHz, counted from the first sample of the
/// first packet. Packets and indexes count these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodedPos(u64);

/// A position in play samples: per channel, at 48 kHz, counted after the pre-skip. Listeners
/// count these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayPos(u64);

/// Which of the coded samples play: the only bridge between the two clocks.
///
/// ```
/// use opus_packet::{PlayPos, Timeline};
///
/// // Ten packets of 20 ms, 312 samples of pre-skip, 648 trimmed at the end.
/// let timeline = Timeline::new(312, 10 * 960, 648)?;
/// assert_eq!(timeline.play_length(), 8640);
/// let coded = timeline.coded(PlayPos::new(0)..PlayPos::new(480))?;
/// assert_eq!((coded.start.get(), coded.end.get()), (312, 792));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

/// A timeline that trims more samples than it has.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{coded_length} coded samples, expected at least the pre-skip of {pre_skip} and the end trim of \
     {end_trim} together, and at most 2^63 - 1"
)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names the fields")]
pub struct InvalidTimeline {
    pub pre_skip: u16,
    pub coded_length: u64,
    pub end_trim: u64,
}

/// A sample range that is not valid. The message states the valid range.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidRange {
    #[error("sample range {start}..{start} is empty; valid ranges lie in 0..{play_length}")]
    Empty { start: PlayPos, play_length: u64 },
    #[error("sample range {start}..{end} is reversed; valid ranges lie in 0..{play_length}")]
    Reversed { start: PlayPos, end: PlayPos, play_length: u64 },
    #[error("sample range {start}..{end} is out of range; valid ranges lie in 0..{play_length}")]
    OutOfRange { start: PlayPos, end: PlayPos, play_length: u64 },
}

impl Timeline {
    /// A timeline of `coded_length` samples, the sum of all packet durations. The first
    /// `pre_skip` and the last `end_trim` of them do not play (RFC 7845 sections 4.2 and 4.4).
    ///
    /// # Errors
    ///
    /// More is trimmed than `coded_length`, or `coded_length` exceeds `i64::MAX`.
    pub fn new(pre_skip: u16, coded_length: u64, end_trim: u64) -> Result<Self, InvalidTimeline> {
        let play_length = coded_length
            .checked_sub(end_trim)
            .and_then(|kept| kept.checked_sub(u64::from(pre_skip)))
            .filter(|_| i64::try_from(coded_length).is_ok())
            .ok_or(InvalidTimeline::new(pre_skip, coded_length, end_trim))?;
        Ok(Self { pre_skip: u64::from(pre_skip), play_length, coded_length })
    }

    /// The same, but trims no more than there is, so that nothing plays rather than less than
    /// nothing.
    ///
    /// # Errors
    ///
    /// `coded_length` exceeds `i64::MAX`.
    pub fn clamped(
        pre_skip: u16,
        coded_length: u64,
        end_trim: u64,
    ) -> Result<Self, InvalidTimeline> {
        let pre_skip = u16::try_from(coded_length).map_or(pre_skip, |coded| coded.min(pre_skip));
        let end_trim = end_trim.min(coded_length.saturating_sub(u64::from(pre_skip)));
        Self::new(pre_skip, coded_length, end_trim)
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

    /// Converts a half-open range of play samples to coded samples.
    ///
    /// # Errors
    ///
    /// The range is empty, reversed, or reaches beyond [`play_length`](Self::play_length).
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

impl InvalidTimeline {
    /// The values that do not fit together.
    pub fn new(pre_skip: u16, coded_length: u64, end_trim: u64) -> Self {
        Self { pre_skip, coded_length, end_trim }
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

    /// The position `samples` earlier, or the first position.
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
    fn trimming_more_than_is_coded_is_refused() {
        assert!(Timeline::new(312, 311, 0).is_err());
        assert!(Timeline::new(312, 960, 649).is_err());
        assert!(Timeline::new(0, 1 << 63, 0).is_err());
        assert_eq!(Timeline::new(312, 960, 648).unwrap().play_length(), 0);
    }

    #[test]
    fn a_clamped_timeline_plays_nothing_rather_than_less() {
        assert_eq!(Timeline::clamped(312, 311, 5), Timeline::new(311, 311, 0));
        assert_eq!(Timeline::clamped(312, 960, 649), Timeline::new(312, 960, 648));
        assert_eq!(Timeline::clamped(312, 960, 5), Timeline::new(312, 960, 5));
        assert!(Timeline::clamped(0, 1 << 63, 0).is_err());
    }

    #[test]
    fn a_wrong_range_names_the_valid_one() {
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
