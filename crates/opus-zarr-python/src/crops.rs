use std::{num::NonZeroU64, time::Duration};

use opus_zarr::{Catalogue, Crop};
use pyo3::prelude::*;

use crate::{store::catalogue_of, times::invalid};

/// Random crops of the recordings in a catalogue, all of the same length.
#[pyclass(frozen, module = "opus_zarr._opus_zarr")]
pub(crate) struct Crops {
    catalogue: Catalogue,
    length: Duration,
    seed: u64,
    epoch: u64,
    rank: u64,
    world: NonZeroU64,
}

#[pymethods]
impl Crops {
    #[new]
    fn new(
        rows: Vec<String>,
        nanos: u64,
        seed: u64,
        epoch: u64,
        rank: u64,
        world: NonZeroU64,
    ) -> PyResult<Self> {
        let catalogue = catalogue_of(&rows)?;
        let crops =
            Self { catalogue, length: Duration::from_nanos(nanos), seed, epoch, rank, world };
        crops.drawn().map(drop)?;
        Ok(crops)
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.drawn()?.len())
    }

    /// The next crops after as many: the names of their recordings, and their play samples.
    fn draw(&self, skipped: usize, count: usize) -> PyResult<Vec<(String, u64, u64)>> {
        let described =
            |crop: Crop<'_>| (crop.recording.to_owned(), crop.range.start, crop.range.end);
        Ok(self.drawn()?.skip(skipped).take(count).map(described).collect())
    }
}

impl Crops {
    fn drawn(&self) -> PyResult<opus_zarr::Crops<'_>> {
        let Self { catalogue, length, seed, epoch, rank, world } = self;
        opus_zarr::crops(catalogue, *length, *seed, *epoch, *rank, *world)
            .map_err(|it| invalid(&it))
    }
}
