//! The text of errors.

use std::{error::Error, iter::successors};

/// Returns an error and all its causes on one line, as `anyhow` shows them with `{:#}`.
pub fn chain(error: &dyn Error) -> String {
    let causes = successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
