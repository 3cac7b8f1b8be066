//! Contains panics of symphonia.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use symphonia::core::errors::{Error as SymphoniaError, Result as SymphoniaResult};

/// Why a call failed.
pub(crate) enum Fault {
    Error(SymphoniaError),
    /// The object must not be used again.
    Panic(String),
}

/// Calls `call` and turns a panic into a fault. symphonia has no `unsafe` code that a panic could
/// leave half done, and the object is dropped unused. The panic hook still runs, which by default
/// prints. Panics that abort still do.
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
