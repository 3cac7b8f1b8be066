//! Imports of many files at a time.

mod plan;
mod present;
mod work;

use std::{num::NonZeroUsize, ops::ControlFlow, thread, time::Duration};

use opus_zarr_store::{RecordingName, Store};

pub use self::plan::{ImportPlan, PlannedFile, SkippedFiles, Unreadable};
use self::{
    present::Present,
    work::{Run, import_all},
};
use crate::{Error, ImportOptions, Imported};

/// How [`import_many`] imports.
///
/// ```
/// use opus_zarr::{ImportManyOptions, ImportOptions};
///
/// let options = ImportManyOptions::new(ImportOptions::default()).stop_on_failure(true);
/// assert!(!options.dry_run);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportManyOptions {
    /// How each file is imported.
    pub import: ImportOptions,
    /// Files at a time. All processors by default, which the files share.
    pub jobs: NonZeroUsize,
    /// Whether the first file that fails ends the import of all others.
    pub stop_on_failure: bool,
    /// Whether to change nothing, and only find out what would be done.
    pub dry_run: bool,
}

/// What [`import_many`] tells while it works.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportEvent {
    /// How far all files are, at least ten times a second.
    Progress(ImportManyProgress),
    /// A file is done.
    File(Box<FileImport>),
}

/// How far an import of many files is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportManyProgress {
    /// Files that are done.
    pub files: usize,
    /// Files of the plan.
    pub total_files: usize,
    /// Bytes of source files that are done, of a file underway the share that is done.
    pub bytes: u64,
    /// Bytes of all source files.
    pub total_bytes: u64,
    /// Audio that was written.
    pub audio: Duration,
    /// Time since the import began.
    pub elapsed: Duration,
    /// How long the rest will take at this pace, once there is one.
    pub left: Option<Duration>,
}

/// A file, and what became of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct FileImport {
    /// The file.
    pub file: PlannedFile,
    /// What became of it.
    pub outcome: ImportOutcome,
}

/// What became of a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportOutcome {
    /// It was imported.
    Imported(Imported),
    /// An earlier import had made the same recording, with the same settings.
    Present {
        /// Its name, which may differ from the planned one.
        name: RecordingName,
        /// Whether it was given the sync map that it lacked.
        is_synced: bool,
    },
    /// It would be imported, but for [`dry_run`](ImportManyOptions::dry_run).
    Planned,
    /// It could not be imported.
    Failed(Error),
    /// It was broken off, or never begun.
    Left,
}

/// How many files came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportTally {
    /// Files that were imported.
    pub imported: usize,
    /// Files whose recordings were there.
    pub present: usize,
    /// Files that would be imported.
    pub planned: usize,
    /// Files that could not be imported.
    pub failed: usize,
    /// Files that were broken off, or never begun.
    pub left: usize,
}

/// Imports the files of a plan, several at a time, and tells `watch` what becomes of them, in this
/// thread. A file that fails does not stop the others.
///
/// Importing again completes an interrupted import: files that were imported with the same
/// settings are [`Present`](ImportOutcome::Present), found by the hash of their content and only
/// hashed if the store holds a recording of a file of the same length. A file whose name is taken by
/// a recording of the same file with other settings fails with an error of the kind
/// [`OtherSettings`](crate::ErrorKind::OtherSettings), which names them.
///
/// When `watch` breaks off, files underway end without a trace in the store; they and
/// the rest are told as [`Left`](ImportOutcome::Left).
///
/// ```no_run
/// use std::ops::ControlFlow;
///
/// use opus_zarr::{ImportEvent, ImportManyOptions, ImportOutcome, ImportPlan, Store, import_many};
///
/// # fn main() -> Result<(), opus_zarr::Error> {
/// let plan = ImportPlan::of(["/media/card"])?;
/// let store = Store::open_or_create("archive.zarr")?;
/// let tally = import_many(&store, &plan, &ImportManyOptions::default(), |event| {
///     if let ImportEvent::File(done) = event
///         && let ImportOutcome::Failed(error) = done.outcome
///     {
///         eprintln!("{error}");
///     }
///     ControlFlow::Continue(())
/// })?;
/// println!("{} imported, {} already present", tally.imported, tally.present);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The store cannot be listed, or no thread started. What goes wrong with a file is its
/// [`ImportOutcome`].
pub fn import_many(
    store: &Store,
    plan: &ImportPlan,
    options: &ImportManyOptions,
    mut watch: impl FnMut(ImportEvent) -> ControlFlow<()>,
) -> Result<ImportTally, Error> {
    let present = Present::of(store)?;
    let jobs = options.jobs.get().min(plan.files.len()).max(1);
    // The files share the processors.
    let mut import = options.import.clone();
    let threads = import.transcode.threads.get() / jobs;
    import.transcode.threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    let run = Run::new(store, &present, &plan.files, options, &import);
    import_all(&run, jobs, &mut watch)
}

impl ImportManyOptions {
    /// Imports each file in this way.
    pub fn new(import: ImportOptions) -> Self {
        let jobs = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { import, jobs, stop_on_failure: false, dry_run: false }
    }

    /// Sets how many files are imported at a time.
    #[must_use]
    pub fn jobs(self, jobs: NonZeroUsize) -> Self {
        Self { jobs, ..self }
    }

    /// Sets whether the first file that fails ends the import of all others.
    #[must_use]
    pub fn stop_on_failure(self, stop_on_failure: bool) -> Self {
        Self { stop_on_failure, ..self }
    }

    /// Sets whether to change nothing, and only find out what would be done.
    #[must_use]
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }
}

impl Default for ImportManyOptions {
    fn default() -> Self {
        Self::new(ImportOptions::default())
    }
}

impl ImportTally {
    fn add(&mut self, outcome: &ImportOutcome) {
        let count = match outcome {
            ImportOutcome::Imported(_) => &mut self.imported,
            ImportOutcome::Present { .. } => &mut self.present,
            ImportOutcome::Planned => &mut self.planned,
            ImportOutcome::Failed(_) => &mut self.failed,
            ImportOutcome::Left => &mut self.left,
        };
        *count += 1;
    }
}
