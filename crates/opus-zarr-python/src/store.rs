use std::ops::ControlFlow;

use opus_zarr::{Catalogue, CatalogueRow, NameGlob, RecordingFilter, Timestamp, VerifyOptions};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    deployment::Deployment,
    error::{raised, with_causes},
    forked::Forked,
    place::{Options, storage_of},
    recording::{Recording, of_other_process},
    times::invalid,
};

/// A store that is open.
#[pyclass(frozen, module = "opus_zarr._opus_zarr")]
pub(crate) struct Store(Forked<opus_zarr::Store>);

impl Store {
    pub(crate) fn new(store: opus_zarr::Store) -> Self {
        Self(Forked::new(store))
    }

    pub(crate) fn open(&self) -> PyResult<&opus_zarr::Store> {
        self.0.get().ok_or_else(of_other_process)
    }
}

#[pymethods]
impl Store {
    /// Opens the store at a path or URL, or creates it.
    #[staticmethod]
    fn at(py: Python<'_>, place: &str, options: Option<Options>, create: bool) -> PyResult<Self> {
        let opened = py.detach(|| {
            let storage = storage_of(place, options)?;
            let opened = match create {
                true => opus_zarr::Store::open_or_create_in(storage),
                false => opus_zarr::Store::open_in(storage),
            };
            opened.map_err(raised)
        });
        Ok(Self::new(opened?))
    }

    /// Names of all recordings that match one of these patterns, sorted.
    fn names(&self, py: Python<'_>, patterns: Vec<String>) -> PyResult<Vec<String>> {
        let (store, filter) = (self.open()?, filter_of(patterns, Vec::new(), None, None)?);
        let names = py.detach(|| -> Result<Vec<String>, opus_zarr::Error> {
            let mut names = Vec::new();
            for name in store.recordings()? {
                names.push(name?.to_string());
            }
            names.retain(|name| filter.matches_name(name));
            names.sort();
            Ok(names)
        });
        names.map_err(raised)
    }

    fn recording(&self, py: Python<'_>, name: &str) -> PyResult<Recording> {
        let store = self.open()?;
        let opened = py.detach(|| opus_zarr::Recording::open(store, name));
        Ok(Recording::new(opened.map_err(raised)?))
    }

    /// The rows of the catalogue, each as JSON, after those of an earlier one; and what failed, by name.
    fn catalogue(
        &self,
        py: Python<'_>,
        earlier: Vec<String>,
    ) -> PyResult<(Vec<String>, Vec<Failed>)> {
        let (store, earlier) = (self.open()?, catalogue_of(&earlier)?);
        let mut failed = Vec::new();
        let updated = py.detach(|| {
            earlier
                .update(store, |name, error| failed.push((name.to_string(), with_causes(&error))))
        });
        let (catalogue, _) = updated.map_err(raised)?;
        let rows = catalogue.rows().iter().map(serde_json::to_string).collect::<Result<_, _>>();
        Ok((rows.map_err(|it| invalid(&it))?, failed))
    }

    /// The recordings that match on one clock; from a catalogue if there is one.
    #[allow(clippy::too_many_arguments, reason = "Python names them")]
    fn deployment(
        &self,
        py: Python<'_>,
        names: Vec<String>,
        notes: Vec<(String, String)>,
        since: Option<i128>,
        until: Option<i128>,
        catalogue: Option<Vec<String>>,
    ) -> PyResult<Deployment> {
        let (store, filter) = (self.open()?, filter_of(names, notes, since, until)?);
        let catalogue = catalogue.map(|rows| catalogue_of(&rows)).transpose()?;
        let opened = py.detach(|| match &catalogue {
            Some(catalogue) => Ok(opus_zarr::Deployment::of_catalogue(store, catalogue, &filter)),
            None => opus_zarr::Deployment::open(store, &filter),
        });
        Ok(Deployment::new(opened.map_err(raised)?))
    }

    /// Verifies a recording; returns its faults and what cannot be read, one line each.
    fn verify(&self, py: Python<'_>, name: &str) -> PyResult<(Vec<String>, Vec<String>)> {
        let store = self.open()?;
        let mut looked = Ok(());
        let verified = py.detach(|| {
            opus_zarr::verify(store, name, &VerifyOptions::default(), |_| {
                looked = Python::attach(|py| py.check_signals());
                if looked.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
        });
        looked?;
        let verified = verified.map_err(raised)?;
        let lines = |faults: &opus_zarr::Faults<opus_zarr::Fault>| {
            faults.listed().iter().map(ToString::to_string).collect()
        };
        Ok((lines(&verified.faults), lines(&verified.unreadable)))
    }
}

/// A recording that could not be opened, and why.
type Failed = (String, String);

fn filter_of(
    names: Vec<String>,
    notes: Vec<(String, String)>,
    since: Option<i128>,
    until: Option<i128>,
) -> PyResult<RecordingFilter> {
    let mut filter = RecordingFilter::default();
    for name in names {
        filter = filter.names(name.parse::<NameGlob>().map_err(|it| invalid(&it))?);
    }
    for (key, value) in notes {
        filter = filter.note(key, value);
    }
    let time = |nanos: i128| Timestamp::from_nanosecond(nanos).map_err(|it| invalid(&it));
    if let Some(since) = since {
        filter = filter.since(time(since)?);
    }
    match until {
        Some(until) => Ok(filter.until(time(until)?)),
        None => Ok(filter),
    }
}

pub(crate) fn catalogue_of(rows: &[String]) -> PyResult<Catalogue> {
    let rows: Result<Vec<CatalogueRow>, _> =
        rows.iter().map(|row| serde_json::from_str(row)).collect();
    rows.map(Catalogue::from_rows)
        .map_err(|error| PyValueError::new_err(format!("not a row of a catalogue: {error}")))
}
