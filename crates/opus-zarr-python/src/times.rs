use opus_zarr::{LocalSelection, Selection};
use pyo3::{PyResult, exceptions::PyValueError};

use crate::error::with_causes;

/// Finds the times that a range such as `03:00..04:00` means, on a date and in a zone where it states
/// none.
pub(crate) fn parse_times(
    range: &str,
    on: Option<&str>,
    zone: Option<&str>,
) -> PyResult<Selection> {
    let on = on.map(str::parse::<jiff::civil::Date>).transpose().map_err(|it| invalid(&it))?;
    let zone = zone.map(str::parse).transpose().map_err(|it| invalid(&it))?;
    let local: LocalSelection = range.parse().map_err(|it| invalid(&it))?;
    let (selection, _) = local.resolve(on, zone.as_ref()).map_err(|it| invalid(&it))?;
    Ok(selection)
}

pub(crate) fn invalid(error: &dyn std::error::Error) -> pyo3::PyErr {
    PyValueError::new_err(with_causes(error))
}
