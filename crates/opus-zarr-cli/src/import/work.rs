//! Imports on several threads.

use std::{
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Sender},
    },
    thread,
};

use opus_zarr::{ImportOptions, Recording, Store, import_watched};
use opus_zarr_store::Error as StoreError;

use super::{
    plan::Planned,
    present::{Found, Present},
    progress::{FileProgress, Overall},
    report::{Done, Outcome},
};
use crate::{
    failure::{Exit, Failure},
    interrupt,
    output::Messages,
};

/// What all files have in common.
pub(super) struct Run<'a> {
    /// None: it is only said what would be done.
    pub(super) store: Option<&'a Store>,
    pub(super) present: &'a Present,
    pub(super) options: &'a ImportOptions,
    /// Files at once.
    pub(super) jobs: usize,
    /// Whether the first failure stops the others.
    pub(super) stops: bool,
}

/// Imports them all, and gives each to `each` when it is done. Those that were not begun are
/// [`Outcome::Left`].
pub(super) fn import_all(
    run: &Run<'_>,
    planned: &[Planned],
    messages: &Messages,
    mut each: impl FnMut(Done) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let overall = Overall::new(planned.len(), planned.iter().map(|it| it.bytes).sum(), messages);
    let workers = Workers {
        run,
        planned,
        overall: &overall,
        next: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    };
    let (sender, done) = mpsc::channel();
    let result = thread::scope(|scope| {
        for number in 0..run.jobs {
            let (workers, sender) = (&workers, sender.clone());
            let spawned = thread::Builder::new().spawn_scoped(scope, move || workers.work(&sender));
            if let (Err(error), 0) = (spawned, number) {
                return Err(Failure::new(Exit::Error, format!("cannot start a thread: {error}")));
            }
        }
        drop(sender);
        done.iter().try_for_each(|done| {
            each(done).inspect_err(|_| workers.is_over.store(true, Ordering::Relaxed))
        })
    });
    overall.finish();
    result
}

struct Workers<'a> {
    run: &'a Run<'a>,
    planned: &'a [Planned],
    overall: &'a Overall,
    next: AtomicUsize,
    is_over: AtomicBool,
}

impl Workers<'_> {
    fn work(&self, done: &Sender<Done>) {
        while let Some(planned) = self.planned.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = match self.flow() {
                ControlFlow::Break(()) => Done::new(planned, Outcome::Left),
                ControlFlow::Continue(()) => self.one(planned),
            };
            if self.run.stops && outcome.outcome.is_failure() {
                self.is_over.store(true, Ordering::Relaxed);
            }
            // Nobody hears any more: then all is over, too.
            let _ = done.send(outcome);
        }
    }

    fn one(&self, planned: &Planned) -> Done {
        let mut progress = self.overall.file(planned.bytes);
        let done = self.import(planned, &mut progress).unwrap_or_else(|failure| {
            match failure.exit == Exit::Interrupted {
                true => Done::new(planned, Outcome::Left),
                false => Done::new(planned, Outcome::Failed(failure)),
            }
        });
        progress.finish();
        done
    }

    fn import(&self, planned: &Planned, progress: &mut FileProgress<'_>) -> Result<Done, Failure> {
        let Planned { path, name, bytes } = planned;
        let other = match self.run.present.find(path, *bytes, name, self.run.options)? {
            Found::Same { name, without_sync } => {
                return self.pass_over(planned, name, &without_sync);
            }
            Found::Other { name } => Some(name),
            Found::Nothing => None,
        };
        let Some(store) = self.run.store else {
            return Ok(Done::new(planned, Outcome::Planned).called([name.to_string()]));
        };
        let options = self.options();
        let mut import = || {
            import_watched(path, store, name.as_str(), &options, &mut |told| {
                progress.tell(told);
                self.flow()
            })
        };
        let imported = match import() {
            // Another may have written it meanwhile, of this very file: then it is there now.
            Err(opus_zarr::Error::Store(StoreError::RecordingExists { .. })) => {
                let there = import().map_err(|error| advised(error, other))?;
                let names = there.recordings.iter().map(|it| it.name().to_owned());
                return Ok(Done::new(planned, Outcome::Present).called(names));
            }
            imported => imported.map_err(|error| advised(error, other))?,
        };
        let findings = imported.findings.iter().map(ToString::to_string);
        Ok(Done::new(planned, Outcome::Imported).holding(&imported.recordings).finding(findings))
    }

    /// Of a file that is there, at most sync maps are missing.
    fn pass_over(
        &self,
        planned: &Planned,
        name: &str,
        without_sync: &[&str],
    ) -> Result<Done, Failure> {
        let done = Done::new(planned, Outcome::Present).called([name.to_owned()]);
        match self.run.store {
            Some(store) if self.run.options.exact == Some(true) && !without_sync.is_empty() => {
                for name in without_sync {
                    Recording::open_in(store, name)?.build_sync_watched(&mut |_| self.flow())?;
                }
                Ok(done.saying("now with a sync map"))
            }
            _ => Ok(done),
        }
    }

    /// Several files at once share the processors.
    fn options(&self) -> ImportOptions {
        let mut options = self.run.options.clone();
        let threads = options.transcode.threads.get() / self.run.jobs;
        options.transcode.threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        options
    }

    fn flow(&self) -> ControlFlow<()> {
        match self.is_over.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => interrupt::flow(),
        }
    }
}

/// What to do about a file that cannot be imported; `other` is what it became earlier, in another
/// way.
fn advised(error: opus_zarr::Error, other: Option<&str>) -> Failure {
    let is_taken = matches!(error, opus_zarr::Error::Store(StoreError::RecordingExists { .. }));
    let is_for_ffmpeg = match &error {
        opus_zarr::Error::Audio { reason, .. } => reason.may_be_known_to_ffmpeg(),
        _ => false,
    };
    let failure = Failure::from(error);
    match (is_taken, other) {
        (true, Some(name)) => failure.with_hint(format!(
            "it is of this very file, imported in another way: `opus-zarr rm STORE/{name}` first, or give a --name"
        )),
        (true, None) => failure.with_hint(
            "it is of another file, or damaged, as `opus-zarr verify` says; --name gives this one another",
        ),
        (false, _) if is_for_ffmpeg => {
            failure.with_hint("--decoder ffmpeg asks it, if it is installed")
        }
        (false, _) => failure,
    }
}
