//! Imports of many files at a time.

mod plan;
mod present;
mod template;
mod work;

use std::{num::NonZeroUsize, ops::ControlFlow, thread, time::Duration};

use opus_zarr_store::{RecordingName, Start, Store};

use self::work::{Run, import_all};
pub use self::{
    plan::{ImportPlan, PlannedFile, SkippedFiles, Unreadable},
    template::{InvalidTemplate, NameTemplate},
};
use crate::{Error, Finding, ImportOptions, Imported, StartChange};

/// Options of [`import_many`].
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
    /// Options for each file.
    pub import: ImportOptions,
    /// Files imported at a time: by default as many as processors. The files share the processors.
    pub jobs: NonZeroUsize,
    /// Whether the first file that fails ends the import of all others.
    pub stop_on_failure: bool,
    /// Whether to change nothing, and only report what would be imported.
    pub dry_run: bool,
    /// Leaves a file that was modified within this time, because it may still be growing. Zero, the
    /// default, imports every file.
    pub settle: Duration,
}

/// A report of [`import_many`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportEvent {
    /// The progress of all files, at least ten times a second.
    Progress(ImportManyProgress),
    /// A file is done.
    File(Box<FileImport>),
}

/// The progress of an import of many files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportManyProgress {
    /// Files done.
    pub files: usize,
    /// Files in the plan.
    pub total_files: usize,
    /// Bytes of source files done, including the finished share of files underway.
    pub bytes: u64,
    /// Bytes of all source files.
    pub total_bytes: u64,
    /// Length of the audio written.
    pub audio: Duration,
    /// Time since the import began.
    pub elapsed: Duration,
    /// Time that the rest takes at the pace so far. None at the start.
    pub left: Option<Duration>,
}

/// A file and its outcome.
#[derive(Debug)]
#[non_exhaustive]
pub struct FileImport {
    /// The file.
    pub file: PlannedFile,
    /// The outcome of its import.
    pub outcome: ImportOutcome,
}

/// The outcome of the import of a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportOutcome {
    /// The file was imported.
    Imported(Imported),
    /// An earlier import with the same settings wrote the recording.
    Present {
        /// The name of the recording. It differs from the planned one if the file was imported before
        /// another one of a similar name was there: `a` instead of `a.wav`.
        name: RecordingName,
        /// Whether this import added a missing sync map.
        is_synced: bool,
        /// What happened to the [notes](ImportOptions::notes) of this import.
        notes: PresentNotes,
        /// The starts that changed, because this import looks for them in another way than the earlier
        /// one. In a [dry run](ImportManyOptions::dry_run), those that would change.
        starts: Vec<StartChange>,
    },
    /// The file would be imported without [`dry_run`](ImportManyOptions::dry_run).
    Planned {
        /// When its first recording began, as far as the beginning of the file tells.
        start: Option<Start>,
        /// What is doubtful about that.
        findings: Vec<Finding>,
    },
    /// The file was modified too short a time ago: see [`settle`](ImportManyOptions::settle). A later
    /// import takes it.
    Unsettled {
        /// Time since it was modified.
        age: Duration,
    },
    /// The file could not be imported.
    Failed(Error),
    /// The import of the file was cancelled or never began.
    Left,
}

/// What an import did with its [notes](ImportOptions::notes) about a file whose recordings were present,
/// by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresentNotes {
    /// Missing notes, which the import added.
    pub added: Vec<String>,
    /// Notes with another value, which the recordings keep.
    pub kept: Vec<String>,
}

/// The number of files for each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportTally {
    /// Files that were imported.
    pub imported: usize,
    /// Files whose recordings an earlier import wrote.
    pub present: usize,
    /// Files that would be imported.
    pub planned: usize,
    /// Files that may still be growing.
    pub unsettled: usize,
    /// Files that could not be imported.
    pub failed: usize,
    /// Files whose import was cancelled or never began.
    pub left: usize,
}

/// Imports the files of a plan, several at a time, and reports each to `watch`, in the calling
/// thread. A file that fails does not stop the others.
///
/// Importing again completes an interrupted import: a file is [`Present`](ImportOutcome::Present) if
/// the recording of its name was made from the same content with the same settings. It is only hashed
/// if that recording came from a file of the same length. The same audio under another name becomes
/// another recording. A file whose name is taken by a recording of the same file with other settings
/// fails with an error of the kind [`OtherSettings`](crate::ErrorKind::OtherSettings), which names them.
///
/// If `watch` breaks off, files underway leave no trace in the store. They and the remaining files
/// are reported as [`Left`](ImportOutcome::Left).
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
/// No thread started. The error of a file is in its [`ImportOutcome`].
pub fn import_many(
    store: &Store,
    plan: &ImportPlan,
    options: &ImportManyOptions,
    mut watch: impl FnMut(ImportEvent) -> ControlFlow<()>,
) -> Result<ImportTally, Error> {
    let jobs = options.jobs.get().min(plan.files.len()).max(1);
    // The files share the processors.
    let mut import = options.import.clone();
    let threads = import.transcode.threads.get() / jobs;
    import.transcode.threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    let run = Run::new(store, &plan.files, options, &import);
    import_all(&run, jobs, &mut watch)
}

impl ImportManyOptions {
    /// Creates options that import each file with `import`.
    pub fn new(import: ImportOptions) -> Self {
        let jobs = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let settle = Duration::ZERO;
        Self { import, jobs, stop_on_failure: false, dry_run: false, settle }
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

    /// Sets whether to change nothing, and only report what would be imported.
    #[must_use]
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// Sets how long a file must not have been modified to be imported.
    #[must_use]
    pub fn settle(self, settle: Duration) -> Self {
        Self { settle, ..self }
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
            ImportOutcome::Planned { .. } => &mut self.planned,
            ImportOutcome::Unsettled { .. } => &mut self.unsettled,
            ImportOutcome::Failed(_) => &mut self.failed,
            ImportOutcome::Left => &mut self.left,
        };
        *count += 1;
    }
}
