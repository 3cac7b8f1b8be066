//! symphonia, kept from taking the program along.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use symphonia::core::errors::{Error as SymphoniaError, Result as SymphoniaResult};

/// What a call came to that gave nothing.
pub(crate) enum Fault {
    Error(SymphoniaError),
    /// What it was called on must not be used again.
    Panic(String),
}

/// Calls it; a panic becomes a fault. symphonia has no `unsafe` that a panic could leave half
/// done, and what panicked is dropped unused. The hook for panics still runs, and by default
/// prints. Where panics abort, they do.
pub(crate) fn guarded<T>(call: impl FnOnce() -> SymphoniaResult<T>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(Fault::Error),
        Err(payload) => Err(Fault::Panic(message(payload.as_ref()))),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".into())
}
