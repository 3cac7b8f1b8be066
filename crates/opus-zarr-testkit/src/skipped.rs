//! Saying which part of a test did not run.

use std::io::{self, Write};

/// Says what was not tested and why, for example because a tool is missing.
///
/// Not through `eprintln!`: the test harness hides its output when the test passes.
pub fn say_skipped(what: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED: {what}");
}
