//! Recordings on one clock: which of them each instant belongs to. Pure, and knows nothing but times
//! and lengths.

use std::{iter, ops::Range};

use jiff::Timestamp;
use opus_zarr_store::RecordingName;

use super::{
    Member,
    nanos::{Nanos, length_of, shared, since, timestamps},
};

/// Recordings ordered in time, and the stretches of time that belong to them.
#[derive(Clone, Debug, Default)]
pub(super) struct Axis {
    members: Vec<Member>,
    /// In order, without overlap. A recording has at most one.
    stretches: Vec<Stretch>,
    overlaps: Vec<Overlap>,
}

/// The time that belongs to a recording.
#[derive(Clone, Debug)]
struct Stretch {
    /// Number of the recording.
    member: usize,
    /// When its first sample is taken to have been recorded.
    start: Nanos,
    owned: Range<Nanos>,
}

/// Two recordings of the same time, of which the later one is left out. A recording has at most
/// 16 of these.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overlap {
    /// The recording that began earlier, or whose name comes first.
    pub used: RecordingName,
    /// The recording of which this time is not used.
    pub ignored: RecordingName,
    /// The time that both recorded.
    pub time: Range<Timestamp>,
}

/// A part of the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Recorded { member: &'a Member, samples: Range<u64>, time: Range<Nanos> },
    Gap { time: Range<Nanos>, anchor: Nanos },
}

impl Part<'_> {
    pub(super) fn time(&self) -> &Range<Nanos> {
        match self {
            Self::Recorded { time, .. } | Self::Gap { time, .. } => time,
        }
    }
}

impl Axis {
    pub(super) fn new(mut members: Vec<Member>) -> Self {
        members.sort_by(|a, b| a.start.cmp(&b.start).then_with(|| a.name.cmp(&b.name)));
        let mut axis = Self::default();
        for (number, member) in members.iter().enumerate() {
            axis.place(number, member, &members);
        }
        Self { members, ..axis }
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn overlaps(&self) -> &[Overlap] {
        &self.overlaps
    }

    pub(super) fn span(&self) -> Option<Range<Nanos>> {
        Some(self.stretches.first()?.owned.start..self.stretches.last()?.owned.end)
    }

    /// The parts of a range, in order; together they are the range.
    pub(super) fn parts(&self, range: &Range<Nanos>) -> impl Iterator<Item = Part<'_>> {
        let first = self.stretches.partition_point(|stretch| stretch.owned.end <= range.start);
        let (mut next, mut at, end) = (first, range.start, range.end);
        iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let stretch = self.stretches.get(next).filter(|stretch| stretch.owned.start < end);
            let part = match stretch {
                Some(stretch) if stretch.owned.start <= at => {
                    next += 1;
                    self.recorded(stretch, &(at..end))?
                }
                other => self.gap(next, at..other.map_or(end, |stretch| stretch.owned.start)),
            };
            at = part.time().end;
            Some(part)
        })
    }

    /// The recordings before and after a time in which nothing was recorded.
    pub(super) fn around(&self, time: Nanos) -> (Option<&Member>, Option<&Member>) {
        let next = self.stretches.partition_point(|stretch| stretch.owned.end <= time);
        let at = |number: usize| self.members.get(self.stretches.get(number)?.member);
        (next.checked_sub(1).and_then(at), at(next))
    }

    /// Gives a recording, which began no earlier than all before it, the time that is left.
    fn place(&mut self, number: usize, member: &Member, members: &[Member]) {
        let nominal = member.start.as_nanosecond();
        let end = self.stretches.last().map(|stretch| stretch.owned.end);
        let joint = length_of(JOINT, member.real_rate);
        // Times are in whole nanoseconds.
        let is_joined = |end: &Nanos| (nominal - end).abs() <= joint + 1;
        let start = end.filter(is_joined).unwrap_or(nominal);
        let length = member.clock().time_of(member.play_length).as_nanos();
        let whole = start..start + i128::try_from(length).unwrap_or(i128::MAX / 2);
        let owned = start.max(end.unwrap_or(start))..whole.end;
        if owned.start > start {
            self.note_overlaps(member, &(start..owned.start.min(whole.end)), members);
        }
        if !owned.is_empty() {
            self.stretches.push(Stretch { member: number, start, owned });
        }
    }

    fn note_overlaps(&mut self, ignored: &Member, time: &Range<Nanos>, members: &[Member]) {
        let first = self.stretches.partition_point(|stretch| stretch.owned.end <= time.start);
        let owners = self.stretches.get(first..).unwrap_or_default().iter().take(MOST_OVERLAPS);
        let overlap = |owner: &Stretch| {
            let time = shared(&owner.owned, time);
            Some(Overlap {
                used: members.get(owner.member).filter(|_| !time.is_empty())?.name.clone(),
                ignored: ignored.name.clone(),
                time: timestamps(&time),
            })
        };
        self.overlaps.extend(owners.filter_map(overlap));
    }

    fn recorded(&self, stretch: &Stretch, window: &Range<Nanos>) -> Option<Part<'_>> {
        let member = self.members.get(stretch.member)?;
        let time = shared(&stretch.owned, window);
        let sample_at =
            |at: Nanos| member.clock().sample_at(since(stretch.start, at)).min(member.play_length);
        Some(Part::Recorded { member, samples: sample_at(time.start)..sample_at(time.end), time })
    }

    /// A gap before a stretch. Silence in it begins where the recording before it ends. Before the
    /// first recording it ends where that begins.
    fn gap(&self, next: usize, time: Range<Nanos>) -> Part<'_> {
        let before = next.checked_sub(1).and_then(|before| self.stretches.get(before));
        let after = self.stretches.get(next);
        let anchor = before.map(|stretch| stretch.owned.end);
        let anchor =
            anchor.or_else(|| after.map(|stretch| stretch.owned.start)).unwrap_or(time.start);
        Part::Gap { time, anchor }
    }
}

/// Samples by which recordings that follow one another may lie apart or overlap.
const JOINT: u32 = 2;

const MOST_OVERLAPS: usize = 16;
