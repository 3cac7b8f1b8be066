mod axis;
mod days;
mod member;
mod nanos;
mod piece;
mod read;
mod reason;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroUsize,
    ops::{ControlFlow, Range},
};

use jiff::{SignedDuration, Timestamp};
use opus_segment_decode::Output;
use opus_zarr_store::{RecordingName, Store};

pub(crate) use self::reason::TimeReason;
pub use self::{
    axis::Overlap,
    days::Day,
    member::Member,
    piece::{Gaps, Piece, Segment},
    read::{InexactPart, UtcSamples},
};
use self::{
    axis::{Axis, Part},
    nanos::{nanos, timestamps},
};
use crate::{Catalogue, Error, ReadMode, Recording, RecordingFilter, Selection};

/// Recordings of a store on one clock: those of a recorder that closed a file and opened another,
/// or that slept in between.
///
/// Every sample has a time of day, and a range of time has the samples recorded in it, whichever
/// recordings they are in. So however time is cut into adjacent ranges, their samples are those of the
/// whole.
///
/// - A recording that begins at most two samples before or after the end of the one before it
///   follows it directly.
/// - Where recordings overlap by more, the one that began earlier is used, and
///   [`overlaps`](Self::overlaps) names both.
/// - Between recordings there are gaps, and [`Gaps`] says what becomes of them.
/// - Recordings at an unknown time are not on the clock ([`undated`](Self::undated)).
///
/// ```no_run
/// use opus_zarr::{Deployment, Gaps, RecordingFilter, Store, Timestamp};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::open("season.zarr")?;
/// let weiher = RecordingFilter::default().note("site", "weiher");
/// let deployment = Deployment::open(&store, &weiher)?;
/// let (from, to): (Timestamp, Timestamp) =
///     ("2026-05-12T01:00:00Z".parse()?, "2026-05-12T02:00:00Z".parse()?);
/// println!("recorded: {:#}", deployment.coverage(from..to).recorded);
/// for piece in deployment.read_utc::<f32>(from..to, Gaps::Split)? {
///     println!("{}: {} samples", piece.piece.start, piece.samples.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Deployment {
    store: Store,
    axis: Axis,
    undated: Vec<RecordingName>,
    unopened: Vec<(RecordingName, Error)>,
    output: Output,
    mode: Option<ReadMode>,
    threads: Option<NonZeroUsize>,
}

/// How much of a range was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coverage {
    /// Time that was recorded.
    pub recorded: SignedDuration,
    /// Times that were not, in order.
    pub gaps: Vec<Range<Timestamp>>,
}

impl Deployment {
    /// Opens the recordings that match a filter, several at a time, and keeps what the clock needs to
    /// know about them.
    ///
    /// # Errors
    ///
    /// The store cannot be listed.
    pub fn open(store: &Store, filter: &RecordingFilter) -> Result<Self, Error> {
        let (mut members, mut undated, mut unopened) = (Vec::new(), Vec::new(), Vec::new());
        Recording::open_matching(store, filter, |name, opened| {
            match opened.map(|recording| Member::of(name.clone(), recording.info())) {
                Ok(Some(member)) => members.push(member),
                Ok(None) => undated.push(name),
                Err(error) => unopened.push((name, error)),
            }
            ControlFlow::Continue(())
        })?;
        Ok(Self { undated, unopened, ..Self::of_members(store, members) })
    }

    /// Arranges the recordings of a catalogue that match a filter, without opening any. A read fails with
    /// the kind [`Changed`](crate::ErrorKind::Changed) if a recording is not what its row says.
    pub fn of_catalogue(store: &Store, catalogue: &Catalogue, filter: &RecordingFilter) -> Self {
        let rows = catalogue.rows().iter().filter(|row| filter.matches_row(row));
        let (mut members, mut undated) = (Vec::new(), Vec::new());
        for row in rows {
            match (Member::of_row(row), row.name.parse()) {
                (Some(member), _) => members.push(member),
                (None, Ok(name)) => undated.push(name),
                (None, Err(_)) => {}
            }
        }
        Self { undated, ..Self::of_members(store, members) }
    }

    /// Arranges recordings that are known already. Reads open them.
    pub fn of_members(store: &Store, members: Vec<Member>) -> Self {
        Self {
            store: store.clone(),
            axis: Axis::new(members),
            undated: Vec::new(),
            unopened: Vec::new(),
            output: Output::default(),
            mode: None,
            threads: None,
        }
    }

    /// The recordings of known time, in the order of their starts.
    pub fn recordings(&self) -> &[Member] {
        self.axis.members()
    }

    /// Recordings at an unknown time, by name.
    pub fn undated(&self) -> &[RecordingName] {
        &self.undated
    }

    /// Recordings that could not be opened, and why.
    pub fn unopened(&self) -> &[(RecordingName, Error)] {
        &self.unopened
    }

    /// Recordings of the same time, in order.
    pub fn overlaps(&self) -> &[Overlap] {
        self.axis.overlaps()
    }

    /// From the first sample to the end of the last. None if no recording has a known time.
    pub fn span(&self) -> Option<Range<Timestamp>> {
        self.axis.span().map(|span| timestamps(&span))
    }

    /// Returns the range that a selection stands for, from the first sample and to the end of the last
    /// where it is open.
    ///
    /// # Errors
    ///
    /// The selection is not in time of day, or no recording has a known time.
    pub fn select(&self, selection: &Selection) -> Result<Range<Timestamp>, Error> {
        let text = || selection.to_string();
        let nothing = || Error::from(TimeReason::NothingDated { selection: text() });
        let not_time = || Error::from(TimeReason::NotTimeOfDay { selection: text() });
        selection.times(&self.span().ok_or_else(nothing)?).ok_or_else(not_time)
    }

    /// The recordings and gaps of a range, in order. Together they are the range.
    pub fn segments(&self, range: Range<Timestamp>) -> Vec<Segment> {
        self.axis.parts(&nanos(&range)).map(|part| Segment::of(&part)).collect()
    }

    /// How much of a range was recorded.
    pub fn coverage(&self, range: Range<Timestamp>) -> Coverage {
        let mut coverage = Coverage { recorded: SignedDuration::ZERO, gaps: Vec::new() };
        for part in self.axis.parts(&nanos(&range)) {
            let time = timestamps(part.time());
            match part {
                Part::Recorded { .. } => coverage.recorded += time.start.duration_until(time.end),
                Part::Gap { .. } => coverage.gaps.push(time),
            }
        }
        coverage
    }

    /// What a read of a range returns: one piece or, with [`Gaps::Split`], one per part without gaps.
    ///
    /// # Errors
    ///
    /// Nothing was recorded in the range; it has a gap, with [`Gaps::Error`]; or its recordings
    /// differ in their channels or rates.
    pub fn pieces(&self, range: Range<Timestamp>, gaps: Gaps) -> Result<Vec<Piece>, Error> {
        piece::pieces(&self.axis, &nanos(&range), gaps)
    }

    /// Changes the rate and channels of reads, like [`Recording::set_output`].
    pub fn set_output(&mut self, output: Output) {
        self.output = output;
    }

    /// Reads all recordings in this mode, instead of each [in its best](Recording::read_mode).
    pub fn set_read_mode(&mut self, mode: ReadMode) {
        self.mode = Some(mode);
    }

    /// Sets the number of threads that decode, like [`Recording::set_threads`].
    pub fn set_threads(&mut self, threads: NonZeroUsize) {
        self.threads = Some(threads);
    }
}
