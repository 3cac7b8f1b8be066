use std::{ops::ControlFlow, path::PathBuf};

use opus_zarr::{
    ImportEvent, ImportManyOptions, ImportManyProgress, ImportOptions, ImportOutcome, ImportPlan,
    NameTemplate, Ultrasound,
};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    error::{raised, with_causes},
    store::Store,
    times::invalid,
};

/// What became of a file: its path, the name of its recording, the outcome in a word, and what is to be
/// said about it.
type Outcome = (PathBuf, String, &'static str, Vec<String>);

/// How to import, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    exact: Option<bool>,
    ultrasound: String,
    zone: Option<String>,
    replace: bool,
    names: String,
    /// JSON.
    notes: String,
    dry_run: bool,
}

/// Imports files and directories. `progress` is called with files and seconds done now and then.
#[pyfunction]
pub(crate) fn import_many(
    py: Python<'_>,
    sources: Vec<PathBuf>,
    store: &Store,
    settings: Settings,
    progress: Option<Py<PyAny>>,
) -> PyResult<Vec<Outcome>> {
    let store = store.open()?;
    let template: NameTemplate = settings.names.parse().map_err(|it| invalid(&it))?;
    let mut options = ImportManyOptions::new(settings.import()?);
    options.dry_run = settings.dry_run;
    py.detach(|| {
        let plan = ImportPlan::named(sources, &template).map_err(raised)?;
        let (mut outcomes, mut looked) = (Vec::new(), Ok(()));
        outcomes.extend(plan.clashes.iter().map(outcome_of));
        let done = opus_zarr::import_many(store, &plan, &options, |event| {
            match event {
                ImportEvent::File(done) => outcomes.push(outcome_of(&done)),
                ImportEvent::Progress(now) => looked = report(progress.as_ref(), &now),
                _ => {}
            }
            if looked.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        looked?;
        done.map_err(raised)?;
        Ok(outcomes)
    })
}

impl Settings {
    fn import(&self) -> PyResult<ImportOptions> {
        let mut options = ImportOptions::default().replace(self.replace);
        options.exact = self.exact;
        options.notes = serde_json::from_str(&self.notes).map_err(|it| invalid(&it))?;
        options.transcode.ultrasound = match &*self.ultrasound {
            "keep" => Ultrasound::Keep,
            "downsample" => Ultrasound::Downsample,
            "reject" => Ultrasound::Reject,
            other => {
                return Err(PyValueError::new_err(format!(
                    "unknown ultrasound {other:?}: expected \"keep\", \"downsample\" or \"reject\""
                )));
            }
        };
        match &self.zone {
            Some(zone) => Ok(options.zone(zone.parse().map_err(|it| invalid(&it))?)),
            None => Ok(options),
        }
    }
}

fn report(progress: Option<&Py<PyAny>>, now: &ImportManyProgress) -> PyResult<()> {
    Python::attach(|py| {
        py.check_signals()?;
        let Some(progress) = progress else { return Ok(()) };
        let at = (now.files, now.total_files, now.bytes, now.total_bytes);
        progress.call1(py, at).map(drop)
    })
}

fn outcome_of(done: &opus_zarr::FileImport) -> Outcome {
    let (word, lines) = match &done.outcome {
        ImportOutcome::Imported(imported) => {
            ("imported", imported.findings.iter().map(ToString::to_string).collect())
        }
        ImportOutcome::Present { .. } => ("present", Vec::new()),
        ImportOutcome::Planned { findings, .. } => {
            ("planned", findings.iter().map(ToString::to_string).collect())
        }
        ImportOutcome::Unsettled { .. } => ("unsettled", Vec::new()),
        ImportOutcome::Failed(error) => ("failed", vec![with_causes(error)]),
        _ => ("left", Vec::new()),
    };
    let name = match &done.outcome {
        ImportOutcome::Present { name, .. } => name,
        _ => &done.file.name,
    };
    (done.file.path.clone(), name.to_string(), word, lines)
}
