//! Ctrl-C and the signals that ask a process to end.
//!
//! A command that could leave something half done [defers](defer) signals to points where nothing is,
//! and [checks](check) there. A second signal ends the process even then. All other commands end
//! immediately, since whatever the library writes appears completely or not at all.

use std::{
    fs, io,
    ops::ControlFlow,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
    iterator::Signals,
};

use crate::{
    failure::{Exit, Failure},
    output::Messages,
};

static IS_DEFERRED: AtomicBool = AtomicBool::new(false);
static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Makes signals end the process with a message. Signals that were ignored when it started, as `nohup`
/// and shells do, stay ignored.
pub(crate) fn catch(messages: Messages) -> Result<(), Failure> {
    let ignored = ignored();
    let is_caught = |signal: &i32| ignored >> (signal - 1) & 1 == 0;
    let caught = || [SIGHUP, SIGINT, SIGTERM].into_iter().filter(is_caught);
    let watched = Signals::new(caught()).and_then(|signals| watch(signals, messages));
    // Where no thread starts, signals end the process without a message.
    watched
        .or_else(|_| caught().try_for_each(end_at))
        .map_err(|error| Failure::new(Exit::Error, format!("cannot catch signals: {error}")))
}

/// Makes a signal end the process at once.
fn end_at(signal: i32) -> io::Result<()> {
    let always = Arc::new(AtomicBool::new(true));
    let code = Exit::Interrupted.code().into();
    flag::register_conditional_shutdown(signal, code, always).map(drop)
}

fn watch(mut signals: Signals, messages: Messages) -> io::Result<()> {
    let watching = thread::Builder::new().spawn(move || {
        for _ in signals.forever() {
            let is_second = IS_INTERRUPTED.swap(true, Ordering::SeqCst);
            if is_second || !IS_DEFERRED.load(Ordering::SeqCst) {
                let failure = Failure::interrupted();
                messages.failure(&failure);
                process::exit(failure.exit.code().into());
            }
        }
    });
    watching.map(drop)
}

/// The signals that this process ignores, one per bit from the lowest. Only Linux tells without unsafe
/// code.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
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
