//! The threads that import, and how far they are.

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use opus_zarr_store::{RecordingName, Start, Store};

use super::{
    FileImport, ImportEvent, ImportManyOptions, ImportManyProgress, ImportOutcome, ImportTally,
    PlannedFile, PresentNotes,
    present::{Found, find},
};
use crate::{
    Error, ErrorKind, ImportOptions, Imported, Progress, Recording, Stage, StartChange,
    error::Reason,
    import,
    import::{add_notes, lacks_sync, planned_start},
    progress::Watch,
};

/// The state that the threads share.
pub(super) struct Run<'a> {
    store: &'a Store,
    files: &'a [PlannedFile],
    import: &'a ImportOptions,
    stops: bool,
    is_dry: bool,
    settle: Duration,
    next: AtomicUsize,
    is_over: AtomicBool,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Default)]
struct State {
    files: usize,
    bytes: u64,
    audio: Duration,
}

/// Imports all files with this many threads, while the current one reports what they do.
pub(super) fn import_all(
    run: &Run<'_>,
    jobs: usize,
    watch: &mut dyn FnMut(ImportEvent) -> ControlFlow<()>,
) -> Result<ImportTally, Error> {
    let (sender, done) = mpsc::channel();
    thread::scope(|scope| {
        for number in 0..jobs {
            let sender = sender.clone();
            let spawned = thread::Builder::new().spawn_scoped(scope, move || run.work(&sender));
            if let (Err(source), 0) = (spawned, number) {
                return Err(Error::from(Reason::Thread { source }));
            }
        }
        drop(sender);
        Ok(run.tell(&done, watch))
    })
}

impl<'a> Run<'a> {
    pub(super) fn new(
        store: &'a Store,
        files: &'a [PlannedFile],
        options: &ImportManyOptions,
        import: &'a ImportOptions,
    ) -> Self {
        Self {
            store,
            files,
            import,
            stops: options.stop_on_failure,
            is_dry: options.dry_run,
            settle: options.settle,
            next: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            began: Instant::now(),
            state: Mutex::default(),
        }
    }

    fn tell(
        &self,
        done: &Receiver<FileImport>,
        watch: &mut dyn FnMut(ImportEvent) -> ControlFlow<()>,
    ) -> ImportTally {
        let mut tally = ImportTally::default();
        loop {
            let mut flow = match done.recv_timeout(INTERVAL) {
                Err(RecvTimeoutError::Disconnected) => return tally,
                Err(RecvTimeoutError::Timeout) => ControlFlow::Continue(()),
                Ok(file) => {
                    tally.add(&file.outcome);
                    watch(ImportEvent::File(Box::new(file)))
                }
            };
            if flow.is_continue() && !self.is_over.load(Ordering::Relaxed) {
                flow = watch(ImportEvent::Progress(self.progress()));
            }
            if flow.is_break() {
                self.is_over.store(true, Ordering::Relaxed);
            }
        }
    }

    fn progress(&self) -> ImportManyProgress {
        let State { files, bytes, audio } = *self.lock();
        let total_bytes = self.files.iter().map(|file| file.bytes).sum();
        let elapsed = self.began.elapsed();
        let done = ratio(bytes, total_bytes);
        let left = Duration::try_from_secs_f64(elapsed.as_secs_f64() * (1.0 - done) / done);
        let total_files = self.files.len();
        ImportManyProgress {
            files,
            total_files,
            bytes,
            total_bytes,
            audio,
            elapsed,
            left: left.ok(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, done: &Sender<FileImport>) {
        while let Some(file) = self.files.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = match self.flow() {
                ControlFlow::Break(()) => ImportOutcome::Left,
                ControlFlow::Continue(()) => self.one(file),
            };
            if self.stops && matches!(outcome, ImportOutcome::Failed(_)) {
                self.is_over.store(true, Ordering::Relaxed);
            }
            // The receiver lives as long as this thread.
            let _ = done.send(FileImport { file: file.clone(), outcome });
        }
    }

    fn flow(&self) -> ControlFlow<()> {
        if self.is_over.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn one(&self, file: &PlannedFile) -> ImportOutcome {
        let mut share = Share { run: self, total: file.bytes, bytes: 0, audio: Duration::ZERO };
        let outcome = self.import(file, &mut share).unwrap_or_else(|error| match error {
            error if error.kind() == ErrorKind::Cancelled => ImportOutcome::Left,
            error => ImportOutcome::Failed(error),
        });
        share.finish();
        outcome
    }

    fn import(&self, file: &PlannedFile, share: &mut Share<'_>) -> Result<ImportOutcome, Error> {
        if let Some(age) = age(&file.path).filter(|age| *age < self.settle) {
            return Ok(ImportOutcome::Unsettled { age });
        }
        let found = find(self.store, file, self.import, &self.is_over)?;
        if let Found::Same { name, recordings } = found {
            return self.complete(file, name, recordings, share);
        }
        if self.is_dry {
            let (start, findings) = planned_start(&file.path, self.import);
            return Ok(ImportOutcome::Planned { start, findings });
        }
        let imported = match self.import_file(file, share) {
            // Another program may have written this very recording in the meantime.
            Err(error) if error.kind() == ErrorKind::RecordingExists => {
                self.import_file(file, share)?
            }
            imported => imported?,
        };
        if imported.earlier == imported.recordings.len() {
            let (name, mut notes) = (file.name.clone(), PresentNotes::default());
            for recording in &imported.recordings {
                notes.merge(PresentNotes::of(recording, &self.import.notes));
            }
            let starts = imported.starts;
            return Ok(ImportOutcome::Present { name, is_synced: false, notes, starts });
        }
        Ok(ImportOutcome::Imported(imported))
    }

    fn import_file(&self, file: &PlannedFile, share: &mut Share<'_>) -> Result<Imported, Error> {
        import(&file.path, self.store, file.name.as_str(), self.import, |progress| {
            share.tell(progress);
            self.flow()
        })
    }

    /// Adds missing notes, changes starts, and builds missing sync maps that an import would build.
    fn complete(
        &self,
        file: &PlannedFile,
        name: RecordingName,
        recordings: Vec<(Recording, Option<Start>)>,
        share: &mut Share<'_>,
    ) -> Result<ImportOutcome, Error> {
        let (mut is_synced, mut notes) = (false, PresentNotes::default());
        let mut starts = Vec::new();
        for (mut recording, start) in recordings {
            if self.is_dry {
                starts.extend(start.map(|start| StartChange::planned(&recording, start)));
                continue;
            }
            notes.merge(add_notes(&mut recording, &self.import.notes)?);
            let start = start.map(|start| StartChange::make(&mut recording, start));
            starts.extend(start.transpose()?);
            is_synced |= self.sync(file, &mut recording, share)?;
        }
        Ok(ImportOutcome::Present { name, is_synced, notes, starts })
    }

    /// Builds a missing sync map that an import would build.
    fn sync(
        &self,
        file: &PlannedFile,
        recording: &mut Recording,
        share: &mut Share<'_>,
    ) -> Result<bool, Error> {
        if !lacks_sync(&file.path, self.import, recording.info(), |_| self.flow())? {
            return Ok(false);
        }
        let mut watch = |progress: &Progress| {
            share.tell(progress);
            self.flow()
        };
        recording.replace_sync(self.import.transcode.threads, &mut Watch::new(&mut watch))?;
        Ok(true)
    }
}

/// The share that a file has in the progress of all.
struct Share<'a> {
    run: &'a Run<'a>,
    total: u64,
    bytes: u64,
    audio: Duration,
}

impl Share<'_> {
    fn tell(&mut self, progress: &Progress) {
        let bytes = scaled(self.total, done_of(progress)).max(self.bytes);
        let audio = match progress.stage {
            Stage::Write => progress.audio.max(self.audio),
            _ => self.audio,
        };
        self.set(bytes, audio);
    }

    /// Counts the file as done, whatever its outcome.
    fn finish(mut self) {
        let (total, audio) = (self.total, self.audio);
        self.set(total, audio);
        self.run.lock().files += 1;
    }

    fn set(&mut self, bytes: u64, audio: Duration) {
        let mut state = self.run.lock();
        state.bytes += bytes - self.bytes;
        state.audio += audio - self.audio;
        (self.bytes, self.audio) = (bytes, audio);
    }
}

/// Returns the time since a regular file was modified. A clock that is ahead counts as one that is
/// behind, so that a file is never young for ever. What cannot be asked is left to the import.
fn age(path: &Path) -> Option<Duration> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let since = SystemTime::now().duration_since(metadata.modified().ok()?);
    Some(since.unwrap_or_else(|ahead| ahead.duration()))
}

/// Estimates the share of a file that is done, from how long the stages take. Measuring a sync map
/// decodes the file several times.
fn done_of(progress: &Progress) -> f64 {
    let (before, share) = match (progress.stage, progress.measures_sync) {
        (Stage::Survey, _) => (0.0, 0.02),
        (Stage::Write, false) => (0.02, 0.93),
        (Stage::Index, false) => (0.95, 0.05),
        (Stage::Write, true) => (0.02, 0.02),
        (Stage::Index, true) => (0.04, 0.01),
        (_, true) => (0.05, 0.95),
        // Encoded audio that needs a measured map all the same, or a map alone.
        (_, false) => (0.0, 1.0),
    };
    before + share * ratio(progress.bytes, progress.total_bytes)
}

#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "an estimate")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).min(1.0) }
}

#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "an estimate")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the whole")]
fn scaled(whole: u64, share: f64) -> u64 {
    ((whole as f64 * share) as u64).min(whole)
}

/// Time between two calls for progress.
const INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_map_takes_most_of_a_file() {
        let at = |stage, measures_sync, bytes| {
            let (elapsed, audio) = (Duration::ZERO, Duration::ZERO);
            let total_bytes = 100;
            done_of(&Progress {
                stage,
                bytes,
                total_bytes,
                audio,
                elapsed,
                left: None,
                measures_sync,
            })
        };
        assert!(at(Stage::Index, true, 100) < 0.1);
        assert!((at(Stage::Sync, true, 100) - 1.0).abs() < 1e-9);
        assert!((at(Stage::Index, false, 100) - 1.0).abs() < 1e-9);
        let stages = [Stage::Survey, Stage::Write, Stage::Index, Stage::Sync];
        for (before, after) in stages.iter().zip(&stages[1..]) {
            let gap = at(*after, true, 0) - at(*before, true, 100);
            assert!(gap.abs() < 1e-9, "{before:?}: {gap}");
        }
    }
}
