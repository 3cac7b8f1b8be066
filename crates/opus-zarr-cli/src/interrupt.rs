//! Ctrl-C, and being told to end.
//!
//! A command that would leave something half done [defers](defer) it to where nothing is, and asks
//! there; a second signal ends the process all the same. All other commands end at once: what
//! the library writes appears whole or not at all.

use std::{
    ops::ControlFlow,
    process,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    failure::{Exit, Failure},
    output::Messages,
};

static IS_DEFERRED: AtomicBool = AtomicBool::new(false);
static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on a signal ends the process, and says so.
pub(crate) fn catch(messages: Messages) -> Result<(), Failure> {
    let caught = ctrlc::set_handler(move || {
        let is_second = IS_INTERRUPTED.swap(true, Ordering::SeqCst);
        if is_second || !IS_DEFERRED.load(Ordering::SeqCst) {
            let failure = Failure::interrupted();
            messages.failure(&failure);
            process::exit(failure.exit.code().into());
        }
    });
    caught.map_err(|error| Failure::new(Exit::Error, format!("cannot catch signals: {error}")))
}

/// From now on a signal is only taken note of.
pub(crate) fn defer() {
    IS_DEFERRED.store(true, Ordering::SeqCst);
}

/// An error if it is time to stop.
pub(crate) fn check() -> Result<(), Failure> {
    match IS_INTERRUPTED.load(Ordering::SeqCst) {
        true => Err(Failure::interrupted()),
        false => Ok(()),
    }
}

/// The same for what takes a `ControlFlow`.
pub(crate) fn flow() -> ControlFlow<()> {
    check().map_or(ControlFlow::Break(()), ControlFlow::Continue)
}
