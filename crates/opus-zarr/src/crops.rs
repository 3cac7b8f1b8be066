//! Random crops for training, from a catalogue alone.

use std::{num::NonZeroU64, ops::Range, time::Duration};

use sha2::{Digest, Sha256};

use crate::{Catalogue, CatalogueRow};

/// A crop of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Crop<'a> {
    /// The name of the recording.
    pub recording: &'a str,
    /// Its play samples.
    pub range: Range<u64>,
}

/// Draws crops of the recordings in a catalogue, each `length` of real time long, for one of `world`
/// workers with the number `rank`. Opens nothing.
///
/// Every place where a crop fits is equally likely, so a recording twice as long is drawn twice as often.
/// An epoch has as many crops as fit into the recordings side by side, less the rest that does not go
/// evenly into the workers. Worker `rank` draws crop `rank`, `rank + world` and so on of the epoch, so
/// `world` workers together draw what one would.
///
/// Crop `i` follows from the recordings (names, lengths and rates), `seed`, `epoch` and `i` alone: on
/// every machine, in every version, whatever the order of the rows. To resume, skip what was drawn
/// ([`Iterator::nth`] takes no time).
///
/// ```
/// use std::{num::NonZeroU64, time::Duration};
///
/// use opus_zarr::{Catalogue, crops};
///
/// # fn main() -> Result<(), opus_zarr::InvalidCrops> {
/// # let row = serde_json::json!({"name": "station-4", "seconds": 60.0, "samples": 2_880_000,
/// #     "real_rate": 48_000, "channels": 1, "is_exact": true, "bytes": 1, "sha256": "",
/// #     "source": "", "source_sha256": "", "notes": {}, "generation": 0});
/// # let catalogue = Catalogue::from_rows([serde_json::from_value(row).unwrap()]);
/// let (seed, epoch, rank, world) = (7, 0, 0, NonZeroU64::new(2).unwrap());
/// let crops = crops(&catalogue, Duration::from_secs(5), seed, epoch, rank, world)?;
/// assert_eq!(crops.len(), 6); // of 12, since there is another worker
/// for crop in crops.skip(4) {
///     println!("{} {:?}", crop.recording, crop.range);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `length` is shorter than a sample, `rank` is not below `world`, or no recording is long enough.
pub fn crops(
    catalogue: &Catalogue,
    length: Duration,
    seed: u64,
    epoch: u64,
    rank: u64,
    world: NonZeroU64,
) -> Result<Crops<'_>, InvalidCrops> {
    if rank >= world.get() {
        return Err(InvalidCrops::Rank { rank, world });
    }
    let mut places = Vec::new();
    let (mut end, mut count) = (0_u128, 0_u64);
    for row in catalogue.rows() {
        let samples = samples_in(length, row);
        if samples == 0 {
            return Err(InvalidCrops::Length(length));
        }
        let Some(last) = row.samples.checked_sub(samples) else { continue };
        let starts = last.saturating_add(1);
        // In nanoseconds, so that recordings of different rates count by their time.
        let rate = u128::from(row.real_rate.get());
        end += u128::from(starts) * NANOS_PER_SECOND / rate;
        count = count.saturating_add(row.samples / samples);
        places.push(Place { name: &row.name, starts, samples, rate, end });
    }
    if end == 0 {
        return Err(InvalidCrops::TooShort(length));
    }
    let range = 0..count / world;
    Ok(Crops { places, seed, epoch, rank, world: world.get(), range })
}

/// Why no crops can be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCrops {
    /// A crop would hold no sample.
    #[error("expected crops of at least one sample, found {0:?}")]
    Length(Duration),
    /// There is no such worker.
    #[error("expected a rank below {world}, found {rank}")]
    Rank {
        /// The number of the worker.
        rank: u64,
        /// The number of workers.
        world: NonZeroU64,
    },
    /// Nothing to draw from.
    #[error("expected a recording of at least {0:?}, found none")]
    TooShort(Duration),
}

/// The crops of a worker in an epoch, see [`crops`].
#[derive(Clone, Debug)]
pub struct Crops<'a> {
    places: Vec<Place<'a>>,
    seed: u64,
    epoch: u64,
    rank: u64,
    world: u64,
    /// The crops of this worker that are left.
    range: Range<u64>,
}

/// The crops of a recording.
#[derive(Clone, Debug)]
struct Place<'a> {
    name: &'a str,
    /// Samples at which a crop can start.
    starts: u64,
    /// Samples of a crop.
    samples: u64,
    /// Its samples per second.
    rate: u128,
    /// Where its starts end among those of all recordings, in nanoseconds.
    end: u128,
}

impl<'a> Crops<'a> {
    fn crop(&self, number: u64) -> Option<Crop<'a>> {
        let total = self.places.last()?.end;
        let drawn = self.random(number.saturating_mul(self.world).saturating_add(self.rank));
        let place = scaled(drawn, total);
        let found = self.places.partition_point(|recording| recording.end <= place);
        let before = found.checked_sub(1).and_then(|it| self.places.get(it)).map_or(0, |it| it.end);
        let recording = self.places.get(found)?;
        let start = (place - before) * recording.rate / NANOS_PER_SECOND;
        let start = u64::try_from(start).unwrap_or(u64::MAX).min(recording.starts - 1);
        Some(Crop { recording: recording.name, range: start..start + recording.samples })
    }

    /// A number that follows from the seed, the epoch and the number of the crop.
    fn random(&self, number: u64) -> u64 {
        let mut hash = Sha256::new();
        [self.seed, self.epoch, number].iter().for_each(|part| hash.update(part.to_le_bytes()));
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl<'a> Iterator for Crops<'a> {
    type Item = Crop<'a>;

    fn next(&mut self) -> Option<Crop<'a>> {
        let number = self.range.next()?;
        self.crop(number)
    }

    fn nth(&mut self, skipped: usize) -> Option<Crop<'a>> {
        let number = self.range.nth(skipped)?;
        self.crop(number)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Crops<'_> {}

/// The number `drawn` of 2^64 scaled to `total`, rounded down.
fn scaled(drawn: u64, total: u128) -> u128 {
    let (high, low) = (total >> 64, total & u128::from(u64::MAX));
    let drawn = u128::from(drawn);
    drawn * high + ((drawn * low) >> 64)
}

/// The samples of a crop, rounded to the nearest.
fn samples_in(length: Duration, row: &CatalogueRow) -> u64 {
    let samples = length.as_nanos() * u128::from(row.real_rate.get());
    u64::try_from((samples + NANOS_PER_SECOND / 2) / NANOS_PER_SECOND).unwrap_or(u64::MAX)
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(name: &str, samples: u64, real_rate: u32) -> CatalogueRow {
        let row = serde_json::json!({
            "name": name, "seconds": 0.0, "samples": samples, "real_rate": real_rate, "channels": 1,
            "is_exact": true, "bytes": 0, "sha256": "", "source": "", "source_sha256": "",
            "notes": {}, "generation": 0,
        });
        serde_json::from_value(row).unwrap()
    }

    fn catalogue() -> Catalogue {
        Catalogue::from_rows([
            row("a", 480_000, 48_000),
            row("b", 2_880_000, 48_000),
            row("c", 1_750_000, 250_000),
            row("short", 1000, 48_000),
        ])
    }

    const LENGTH: Duration = Duration::from_millis(2500);

    fn drawn(
        catalogue: &Catalogue,
        seed: u64,
        epoch: u64,
        rank: u64,
        world: u64,
    ) -> Vec<(&str, Range<u64>)> {
        let world = NonZeroU64::new(world).unwrap();
        let crops = crops(catalogue, LENGTH, seed, epoch, rank, world).unwrap();
        crops.map(|crop| (crop.recording, crop.range)).collect()
    }

    /// Computed in Python, from the description in docs/training.md.
    #[test]
    fn crops_are_the_same_in_another_implementation() {
        let catalogue = catalogue();
        let expected = [
            ("b", 2_450_822..2_570_822),
            ("b", 1_755_049..1_875_049),
            ("b", 2_263_404..2_383_404),
            ("b", 2_028_163..2_148_163),
            ("b", 939_530..1_059_530),
            ("c", 214_881..839_881),
        ];
        let drawn = drawn(&catalogue, 7, 4, 1, 4);
        assert_eq!((drawn.len(), &drawn[..6]), (7, &expected[..]));
    }

    #[test]
    fn recordings_are_drawn_by_their_length() {
        let catalogue = catalogue();
        let mut counts = [0_u32; 3];
        for epoch in 0..400 {
            for (name, _) in drawn(&catalogue, 1, epoch, 0, 1) {
                counts[["a", "b", "c"].iter().position(|it| *it == name).unwrap()] += 1;
            }
        }
        // 7.5, 57.5 and 4.5 seconds of starts, 30 crops per epoch.
        for (count, seconds) in counts.into_iter().zip([7.5, 57.5, 4.5]) {
            let expected = 12_000.0 * seconds / 69.5;
            assert!((f64::from(count) - expected).abs() < 4.0 * f64::sqrt(expected), "{counts:?}");
        }
    }

    proptest! {
        #[test]
        fn workers_share_an_epoch_and_resume(
            seed: u64, epoch: u64, world in 1_u64..8, skipped in 0_usize..40,
        ) {
            let catalogue = catalogue();
            let mut reversed = catalogue.rows().to_vec();
            reversed.reverse();
            let alone = drawn(&catalogue, seed, epoch, 0, 1);
            let reversed = Catalogue::from_rows(reversed);
            for rank in 0..world {
                let share = drawn(&reversed, seed, epoch, rank, world);
                let expected = alone.iter().skip(usize::try_from(rank).unwrap());
                let expected = expected.step_by(usize::try_from(world).unwrap()).take(share.len());
                prop_assert!(share.iter().eq(expected));
                let world = NonZeroU64::new(world).unwrap();
                let mut resumed = crops(&catalogue, LENGTH, seed, epoch, rank, world).unwrap();
                prop_assert_eq!(resumed.len(), alone.len() / usize::try_from(world.get()).unwrap());
                let next = resumed.nth(skipped).map(|crop| (crop.recording, crop.range));
                prop_assert_eq!(next.as_ref(), share.get(skipped));
            }
        }

        #[test]
        fn crops_lie_in_their_recordings(
            samples in prop::collection::vec((any::<u64>(), 1..=u32::MAX), 1..4), seed: u64,
        ) {
            let rows = samples.iter().enumerate();
            let rows = rows.map(|(number, (samples, rate))| row(&number.to_string(), *samples, *rate));
            let catalogue = Catalogue::from_rows(rows);
            let Ok(crops) = crops(&catalogue, LENGTH, seed, 0, 0, NonZeroU64::MIN) else {
                return Ok(());
            };
            for crop in crops.take(50) {
                let row = catalogue.row(crop.recording).unwrap();
                prop_assert!(crop.range.end <= row.samples);
                let expected = samples_in(LENGTH, row);
                prop_assert_eq!(crop.range.end - crop.range.start, expected);
            }
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let catalogue = catalogue();
        let crops = |length, rank| crops(&catalogue, length, 0, 0, rank, NonZeroU64::MIN);
        assert!(matches!(crops(Duration::ZERO, 0), Err(InvalidCrops::Length(_))));
        assert!(matches!(crops(LENGTH, 1), Err(InvalidCrops::Rank { rank: 1, .. })));
        assert!(matches!(crops(Duration::from_secs(61), 0), Err(InvalidCrops::TooShort(_))));
        assert!(crops(Duration::from_secs(60), 0).is_ok());
    }
}
