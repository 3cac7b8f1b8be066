//! Ctrl-C and the signals that ask a process to end.
//!
//! A command that could leave something half done [defers](defer) signals to points where nothing is,
//! and [checks](check) there. A second signal ends the process even then. All other commands end
//! immediately, since whatever the library writes appears completely or not at all.

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

/// Makes signals end the process with a message.
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

/// Makes signals wait for the next [`check`].
pub(crate) fn defer() {
    IS_DEFERRED.store(true, Ordering::SeqCst);
}

/// Fails if a signal has arrived.
pub(crate) fn check() -> Result<(), Failure> {
    if IS_INTERRUPTED.load(Ordering::SeqCst) { Err(Failure::interrupted()) } else { Ok(()) }
}

/// Breaks if a signal has arrived.
pub(crate) fn flow() -> ControlFlow<()> {
    check().map_or(ControlFlow::Break(()), ControlFlow::Continue)
}
