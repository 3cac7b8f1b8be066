//! Several inputs, where one that fails does not stop the others.

use std::{collections::HashSet, fmt::Display, path::PathBuf, thread, time::Duration};

use indicatif::ProgressBar;
use opus_zarr::RecordingName;

use crate::{
    failure::{Exit, Failure},
    interrupt,
    output::{Messages, Output},
    place::{InStore, RecordingPlace},
};

/// Processes each item. Reports the failure of one of several immediately, and their number at the
/// end; returns the failure of a single item. If none of several fails for another reason than that it
/// cannot be read right now, the exit code says so.
pub(crate) fn for_each<T>(
    items: &[T],
    output: &mut Output,
    mut each: impl FnMut(&T, &mut Output) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut failed, mut exit) = (0, Exit::Unreadable);
    for item in items {
        interrupt::check()?;
        match each(item, output).and_then(|()| output.flush()) {
            Ok(()) => {}
            Err(failure) if items.len() == 1 || ends_all(failure.exit) => return Err(failure),
            Err(failure) => {
                output.flush()?;
                output.messages().failure(&failure);
                failed += 1;
                if failure.exit != Exit::Unreadable {
                    exit = Exit::SomeFailed;
                }
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::new(exit, format!("{failed} of {} failed", items.len()))),
    }
}

/// Recordings that were named so far. However it is written, and however often, each is worked on once.
#[derive(Default)]
pub(crate) struct Named(HashSet<(PathBuf, RecordingName)>);

impl Named {
    /// Whether the recording has not been named before.
    pub(crate) fn is_new(&mut self, place: &RecordingPlace) -> bool {
        self.0.insert((place.store.identity(), place.name.clone()))
    }

    /// Leaves out recordings that are named again. Failures stay.
    pub(crate) fn once(found: Vec<Result<InStore, Failure>>) -> Vec<Result<InStore, Failure>> {
        let mut named = Self::default();
        let is_kept = |one: &Result<InStore, Failure>| match one {
            Ok(one) => named.is_new(&one.place),
            Err(_) => true,
        };
        found.into_iter().filter(is_kept).collect()
    }
}

/// Leaves out recordings that are named again.
pub(crate) fn each_once(places: &[RecordingPlace]) -> Vec<RecordingPlace> {
    let mut named = Named::default();
    places.iter().filter(|place| named.is_new(place)).cloned().collect()
}

/// The recordings of a place, or its failure as one more item to report in its turn.
pub(crate) fn each_of<T>(found: Result<Vec<T>, Failure>) -> Vec<Result<T, Failure>> {
    match found {
        Ok(items) => items.into_iter().map(Ok).collect(),
        Err(failure) => vec![Err(failure)],
    }
}

/// Passes over something in a store that belongs to another program, with a note.
pub(crate) fn unless_foreign(result: Result<(), Failure>, output: &Output) -> Result<(), Failure> {
    match result {
        Err(failure) if failure.is_foreign => {
            output.messages().note(format!("left alone: {}", failure.message));
            Ok(())
        }
        result => result,
    }
}

fn ends_all(exit: Exit) -> bool {
    matches!(exit, Exit::Unread | Exit::Interrupted)
}

/// Shows a spinner while work is underway.
pub(crate) fn while_waiting<T>(
    messages: &Messages,
    what: impl Display,
    work: impl FnOnce() -> T,
) -> T {
    let bars = messages.bars();
    if bars.is_hidden() {
        return work();
    }
    let spinner = bars.add(ProgressBar::new_spinner().with_message(what.to_string()));
    // It panics if its thread cannot start.
    if thread::Builder::new().spawn(|| ()).is_ok() {
        spinner.enable_steady_tick(Duration::from_millis(100));
    }
    let result = work();
    spinner.finish_and_clear();
    result
}
