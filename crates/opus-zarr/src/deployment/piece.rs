//! What a read of a range returns, before anything is read.

use std::{num::NonZeroU32, ops::Range};

use jiff::Timestamp;
use opus_zarr_store::RecordingName;

use super::{
    Member,
    axis::{Axis, Part},
    nanos::{Nanos, silent_sample, timestamp, timestamps},
    reason::TimeReason,
};
use crate::{Error, error::Instant};

/// What becomes of the gaps in a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gaps {
    /// A gap is an error ([`ErrorKind::Gap`](crate::ErrorKind::Gap)).
    #[default]
    Error,
    /// Gaps are silent, so that everything else is at its time.
    Silence,
    /// Each part without gaps is a piece of its own.
    Split,
}

/// A part of a range of time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Segment {
    /// Samples of a recording.
    Recorded {
        /// The recording.
        recording: RecordingName,
        /// Its play samples. Empty if the segment is shorter than a sample.
        samples: Range<u64>,
        /// The time that belongs to it.
        time: Range<Timestamp>,
    },
    /// Nothing was recorded.
    Gap {
        /// For how long.
        time: Range<Timestamp>,
    },
}

impl Segment {
    /// When it begins and ends.
    pub fn time(&self) -> &Range<Timestamp> {
        match self {
            Self::Recorded { time, .. } | Self::Gap { time } => time,
        }
    }

    pub(super) fn of(part: &Part<'_>) -> Self {
        let time = timestamps(part.time());
        match part {
            Part::Recorded { member, samples, .. } => {
                Self::Recorded { recording: member.name.clone(), samples: samples.clone(), time }
            }
            Part::Gap { .. } => Self::Gap { time },
        }
    }
}

/// Samples that follow one another without a gap, or with silence in gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece {
    /// When it begins. Its first sample was recorded then, or less than a sample later.
    pub start: Timestamp,
    /// Channels of all its recordings.
    pub channels: u8,
    /// Samples per second of real time in all its recordings.
    pub real_rate: NonZeroU32,
    /// The recordings and gaps, in order.
    pub segments: Vec<Segment>,
    pub(super) runs: Vec<Run>,
}

/// Samples of one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    Recorded(Member, Range<u64>),
    /// Silence, counted like [play samples](Piece::samples) from some sample on.
    Silent(Range<i128>),
}

impl Piece {
    /// Samples per channel at 48 kHz or, where more or less than 48,000 of them make a second,
    /// at [`real_rate`](Self::real_rate).
    pub fn samples(&self) -> u64 {
        self.runs.iter().map(Run::samples).fold(0, u64::saturating_add)
    }

    /// How many of them are silent because nothing was recorded.
    pub fn silent_samples(&self) -> u64 {
        let silent = self.runs.iter().filter(|run| matches!(run, Run::Silent(_)));
        silent.map(Run::samples).fold(0, u64::saturating_add)
    }

    /// The samples that are silent because nothing was recorded, counted from the start of the piece.
    pub fn silences(&self) -> impl Iterator<Item = Range<u64>> {
        let mut end = 0_u64;
        self.runs.iter().filter_map(move |run| {
            let start = end;
            end = end.saturating_add(run.samples());
            matches!(run, Run::Silent(_)).then_some(start..end)
        })
    }

    /// A part of the piece: these of its samples.
    pub(super) fn part(&self, samples: &Range<u64>) -> Self {
        let (mut runs, mut start) = (Vec::new(), 0_u64);
        for run in &self.runs {
            let end = start.saturating_add(run.samples());
            let shared = samples.start.max(start)..samples.end.min(end);
            if shared.start < shared.end {
                runs.push(run.part(shared.start - start..shared.end - start));
            }
            start = end;
        }
        Self { runs, segments: Vec::new(), ..self.clone() }
    }

    fn new(member: &Member, start: Nanos) -> Self {
        let Member { channels, real_rate, .. } = *member;
        let (segments, runs) = (Vec::new(), Vec::new());
        Self { start: timestamp(start), channels, real_rate, segments, runs }
    }

    fn push(&mut self, part: &Part<'_>) {
        self.segments.push(Segment::of(part));
        self.runs.extend(Run::of(part, self.real_rate));
    }
}

impl Run {
    fn samples(&self) -> u64 {
        match self {
            Self::Recorded(_, samples) => samples.end - samples.start,
            Self::Silent(samples) => u64::try_from(samples.end - samples.start).unwrap_or(u64::MAX),
        }
    }

    /// These of its samples, counted from its start.
    fn part(&self, samples: Range<u64>) -> Self {
        match self {
            Self::Recorded(member, all) => {
                Self::Recorded(member.clone(), all.start + samples.start..all.start + samples.end)
            }
            Self::Silent(all) => Self::Silent(
                all.start + i128::from(samples.start)..all.start + i128::from(samples.end),
            ),
        }
    }

    /// None if the part has no sample.
    fn of(part: &Part<'_>, rate: NonZeroU32) -> Option<Self> {
        let run = match part {
            Part::Recorded { member, samples, .. } => {
                Self::Recorded((*member).clone(), samples.clone())
            }
            Part::Gap { time, anchor } => Self::Silent(
                silent_sample(*anchor, rate, time.start)..silent_sample(*anchor, rate, time.end),
            ),
        };
        (run.samples() > 0).then_some(run)
    }
}

/// Divides a range into pieces: one, unless it is split at gaps.
pub(super) fn pieces(axis: &Axis, range: &Range<Nanos>, gaps: Gaps) -> Result<Vec<Piece>, Error> {
    let first = check(axis, range)?;
    let (mut pieces, mut open) = (Vec::new(), None::<Piece>);
    for part in axis.parts(range) {
        let is_gap = matches!(part, Part::Gap { .. });
        let is_silent = is_gap && Run::of(&part, first.real_rate).is_some();
        match gaps {
            Gaps::Error if is_silent => {
                return Err(Error::from(TimeReason::Gap {
                    time: Instant::range(timestamps(part.time())),
                }));
            }
            Gaps::Split if is_gap => pieces.extend(open.take()),
            _ => open.get_or_insert_with(|| Piece::new(first, part.time().start)).push(&part),
        }
    }
    pieces.extend(open);
    pieces.retain(|piece| piece.samples() > 0);
    Ok(pieces)
}

/// Checks that a range can be read as one; returns its first recording.
fn check<'a>(axis: &'a Axis, range: &Range<Nanos>) -> Result<&'a Member, Error> {
    if range.start >= range.end {
        return Err(Error::from(TimeReason::EmptyTime { time: Instant::range(timestamps(range)) }));
    }
    let mut first = None;
    for part in axis.parts(range) {
        let Part::Recorded { member, .. } = part else { continue };
        check_same(first.get_or_insert(member), member)?;
    }
    first.ok_or_else(|| {
        let (before, after) = axis.around(range.start);
        Error::from(TimeReason::NothingRecorded {
            time: Instant::range(timestamps(range)),
            before: before.map(|member| (member.name.clone(), member.time().end.into())),
            after: after.map(|member| (member.name.clone(), member.start.into())),
        })
    })
}

fn check_same(first: &Member, other: &Member) -> Result<(), Error> {
    let names = || (first.name.clone(), other.name.clone());
    if first.channels != other.channels {
        let channels = (first.channels, other.channels);
        return Err(Error::from(TimeReason::DifferentChannels { names: names(), channels }));
    }
    if first.real_rate != other.real_rate {
        let rates = (first.real_rate.get(), other.real_rate.get());
        return Err(Error::from(TimeReason::DifferentRates { names: names(), rates }));
    }
    Ok(())
}
