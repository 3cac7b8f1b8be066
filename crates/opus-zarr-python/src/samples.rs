use std::time::{Duration, Instant};

use numpy::PyReadwriteArrayDyn;
use opus_zarr::{Error, Sample};
use pyo3::{exceptions::PyValueError, prelude::*};

/// An array to fill, of either type that a decoder returns.
#[derive(FromPyObject)]
pub(crate) enum Array<'py> {
    F32(PyReadwriteArrayDyn<'py, f32>),
    I16(PyReadwriteArrayDyn<'py, i16>),
}

/// Something that fills a buffer of either type.
pub(crate) trait Fill: Send {
    /// Fills all of `out`, and asks `watch` now and then whether to go on.
    fn fill<S: Sample + Send>(self, out: &mut [S], watch: &mut Watch) -> PyResult<()>;
}

impl Array<'_> {
    /// Has the array filled without the interpreter's lock.
    pub(crate) fn fill_with(&mut self, py: Python<'_>, fill: impl Fill) -> PyResult<()> {
        let mut watch = Watch::new();
        match self {
            Self::F32(array) => {
                let out = array.as_slice_mut().map_err(not_contiguous)?;
                py.detach(|| fill.fill(out, &mut watch))
            }
            Self::I16(array) => {
                let out = array.as_slice_mut().map_err(not_contiguous)?;
                py.detach(|| fill.fill(out, &mut watch))
            }
        }
    }
}

/// Looks for Ctrl-C while the interpreter's lock is not held.
pub(crate) struct Watch(Instant);

impl Watch {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    /// Raises what a handler of a signal raised since the last look.
    pub(crate) fn look(&mut self) -> PyResult<()> {
        if self.0.elapsed() < OFTEN {
            return Ok(());
        }
        self.0 = Instant::now();
        Python::attach(|py| py.check_signals())
    }
}

/// Fills a buffer piece by piece from `read`, which returns how much it has read.
pub(crate) fn fill_from<S>(
    out: &mut [S],
    watch: &mut Watch,
    mut read: impl FnMut(&mut [S]) -> Result<usize, Error>,
) -> PyResult<()> {
    let mut filled = 0;
    while filled < out.len() {
        let end = out.len().min(filled + PIECE);
        let count =
            read(out.get_mut(filled..end).unwrap_or_default()).map_err(crate::error::raised)?;
        if count == 0 {
            return Err(PyValueError::new_err(format!(
                "array of {} samples, expected {filled}",
                out.len()
            )));
        }
        filled += count;
        watch.look()?;
    }
    Ok(())
}

fn not_contiguous(_: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err("expected a C-contiguous array")
}

const OFTEN: Duration = Duration::from_millis(50);

/// Samples of all channels between two looks at the clock.
const PIECE: usize = 1 << 18;
