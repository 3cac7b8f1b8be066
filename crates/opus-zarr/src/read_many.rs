use std::{
    num::NonZeroUsize,
    ops::{ControlFlow, Range},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use opus_segment_decode::Sample;

use crate::{Error, ReadMode, Recording, decoders::processors};

/// The limits of [`Recording::read_many`]. By default as many workers as processors, and ten
/// seconds each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadLimits {
    /// Threads that read and decode.
    pub workers: NonZeroUsize,
    /// Samples per channel that a worker decodes at a time to serve several ranges. A single range
    /// may be longer.
    pub samples: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        let workers = processors();
        Self { workers, samples: 10 * 48_000 }
    }
}

impl ReadLimits {
    /// Sets the number of threads that read and decode.
    #[must_use]
    pub const fn workers(self, workers: NonZeroUsize) -> Self {
        Self { workers, ..self }
    }

    /// Sets the samples per channel that a worker decodes at a time.
    #[must_use]
    pub const fn samples(self, samples: u64) -> Self {
        Self { samples, ..self }
    }
}

impl Recording {
    /// Reads many ranges of play samples on several threads, each like [`read`](Self::read). The
    /// results are in the order of the ranges. A range that fails does not affect the others.
    ///
    /// Ranges are read in the order of their positions. If reads are exact, ranges that overlap or
    /// lie near one another are decoded together. Otherwise each is decoded separately, so that its
    /// samples do not depend on the others.
    ///
    /// ```no_run
    /// use opus_zarr::{ReadLimits, Recording, Store};
    ///
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// let recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
    /// // A second from every minute of the first hour.
    /// let ranges: Vec<_> = (0..60).map(|minute| minute * 2_880_000).map(|at| at..at + 48_000).collect();
    /// for samples in recording.read_many::<f32>(&ranges, ReadLimits::default()) {
    ///     let energy: f32 = samples?.iter().map(|sample| sample * sample).sum();
    ///     println!("{energy}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_many<S: Sample>(
        &self,
        ranges: &[Range<u64>],
        limits: ReadLimits,
    ) -> Vec<Result<Vec<S>, Error>> {
        let near = match self.read_mode() {
            ReadMode::Exact => Some(limits.samples),
            ReadMode::Agreed | ReadMode::Approximate { .. } => None,
        };
        let groups = groups(ranges, near);
        // Threads that are left over share the work on long ranges.
        let threads = limits.workers.get() / groups.len().max(1);
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                let read = self.read_group(ranges, group, threads);
                results.lock().unwrap_or_else(PoisonError::into_inner).extend(read);
            }
        };
        thread::scope(|scope| {
            for _ in 1..limits.workers.get().min(groups.len()) {
                // If no thread starts, this one does all the work.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_unstable_by_key(|(number, _)| *number);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Reads many ranges like [`read_many`](Self::read_many), but passes each to `each` as soon as
    /// it is read, with its number in `ranges`: in the order of their positions, until `each` breaks
    /// off. Memory holds 16 million samples at a time, or a single range if
    /// that is longer.
    ///
    /// ```no_run
    /// # use std::ops::ControlFlow;
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// # let store = opus_zarr::Store::open("archive.zarr")?;
    /// # let recording = opus_zarr::Recording::open(&store, "station-4")?;
    /// let calls = [48_000..96_000, 480_000..528_000];
    /// recording.read_each::<f32>(&calls, Default::default(), |number, samples| {
    ///     println!("call {number}: {:?} samples", samples.map(|samples| samples.len()));
    ///     ControlFlow::Continue(())
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_each<S: Sample>(
        &self,
        ranges: &[Range<u64>],
        limits: ReadLimits,
        mut each: impl FnMut(usize, Result<Vec<S>, Error>) -> ControlFlow<()>,
    ) {
        let mut ordered: Vec<(usize, Range<u64>)> = ranges.iter().cloned().enumerate().collect();
        ordered.sort_by_key(|(_, range)| range.start);
        let (numbers, ordered): (Vec<_>, Vec<_>) = ordered.into_iter().unzip();
        let mut numbers = numbers.into_iter();
        for piece in pieces(&ordered, self.info().channels.into()) {
            for (number, samples) in numbers.by_ref().zip(self.read_many(piece, limits)) {
                if each(number, samples).is_break() {
                    return;
                }
            }
        }
    }

    /// Reads the ranges with these numbers, which lie near one another.
    fn read_group<S: Sample>(
        &self,
        ranges: &[Range<u64>],
        group: &[usize],
        threads: NonZeroUsize,
    ) -> Vec<(usize, Result<Vec<S>, Error>)> {
        let members = || group.iter().filter_map(|&number| Some((number, ranges.get(number)?)));
        let start = members().map(|(_, range)| range.start).min().unwrap_or_default();
        let end = members().map(|(_, range)| range.end).max().unwrap_or_default();
        // On damage, the others are still read one by one.
        let all = match group.len() {
            0 | 1 => None,
            _ => self.read_in::<S>(threads, start..end).ok(),
        };
        let channels = self.output().channels.count(self.info().channels);
        // Adjacent ranges give adjacent samples at every rate.
        let place = |at: u64| match at - start {
            0 => Some(0),
            _ => {
                let frames = usize::try_from(self.sample_count(start..at).ok()?).ok()?;
                frames.checked_mul(channels)
            }
        };
        let part = |all: &[S], range: &Range<u64>| {
            all.get(place(range.start)?..place(range.end)?).map(<[S]>::to_vec)
        };
        members()
            .map(|(number, range)| {
                let cut = all.as_ref().and_then(|all| part(all, range));
                (number, cut.map_or_else(|| self.read_in(threads, range.clone()), Ok))
            })
            .collect()
    }
}

/// Groups the numbers of the ranges in the order of their positions. Neighbours form a group if all
/// of it spans at most `near` samples. Invalid ranges stay alone.
fn groups(ranges: &[Range<u64>], near: Option<u64>) -> Vec<Vec<usize>> {
    let mut order: Vec<(usize, &Range<u64>)> = ranges.iter().enumerate().collect();
    order.sort_by_key(|(_, range)| range.start);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut open: Option<Range<u64>> = None;
    for (number, range) in order {
        let all = open.as_ref().map(|open| open.start..open.end.max(range.end));
        let fits = |all: &Range<u64>| near.is_some_and(|near| all.end - all.start <= near);
        let gap = open.as_ref().map_or(u64::MAX, |open| range.start.saturating_sub(open.end));
        match (all.filter(fits), groups.last_mut()) {
            (Some(all), Some(group)) if gap <= NEAR && !range.is_empty() => {
                group.push(number);
                open = Some(all);
            }
            _ => {
                groups.push(vec![number]);
                open = (!range.is_empty()).then(|| range.clone());
            }
        }
    }
    groups
}

/// Splits ranges into pieces that are read together: neighbours that fit into memory, or one
/// range.
fn pieces(mut ranges: &[Range<u64>], channels: u64) -> Vec<&[Range<u64>]> {
    let mut pieces = Vec::new();
    while !ranges.is_empty() {
        let mut samples = 0u64;
        let fits = |range: &&Range<u64>| {
            let length = range.end.saturating_sub(range.start);
            samples = samples.saturating_add(length.saturating_mul(channels));
            samples <= HELD
        };
        let count = ranges.iter().take_while(fits).count().max(1);
        let (piece, rest) = ranges.split_at(count);
        pieces.push(piece);
        ranges = rest;
    }
    pieces
}

/// Samples of all channels that [`Recording::read_each`] holds: 64 MiB of `f32`.
const HELD: u64 = 16 << 20;

/// Half a second: decoding a gap of this length is cheaper than starting again after it.
const NEAR: u64 = 24_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ranges_are_read_together_up_to_the_limit() {
        #[allow(clippy::reversed_empty_ranges, reason = "users make mistakes")]
        let ranges = [900_000..901_000, 0..1000, 25_000..26_000, 20_000..20_000, 500..600, 9..3];
        assert_eq!(
            groups(&ranges, Some(48_000)),
            [vec![1], vec![5], vec![4], vec![3], vec![2], vec![0]]
        );
        let ranges = [900_000..901_000, 0..1000, 25_000..26_000, 500..600];
        assert_eq!(groups(&ranges, Some(48_000)), [vec![1, 3, 2], vec![0]]);
        assert_eq!(groups(&ranges, Some(20_000)), [vec![1, 3], vec![2], vec![0]]);
        assert_eq!(groups(&ranges, None).len(), 4);
        assert!(groups(&[], None).is_empty());
    }

    #[test]
    fn pieces_fit_into_memory() {
        let half = HELD / 4;
        let ranges = [half, half, 1, HELD, half, half - 1, 1, 1].map(|length| 5..5 + length);
        let lengths: Vec<usize> = pieces(&ranges, 2).iter().map(|piece| piece.len()).collect();
        assert_eq!(lengths, [2, 1, 1, 3, 1]);
        assert!(pieces(&[], 2).is_empty());
    }
}
