//! Tests that run in a process of their own.

use std::{env, process::Command};

/// A command that runs one ignored test of the test binary that is running.
pub fn this_test(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    command
}
