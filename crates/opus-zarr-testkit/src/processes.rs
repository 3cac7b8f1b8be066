//! Tests that run in a process of their own.

use std::{env, process::Command};

/// Returns a command that runs one ignored test of the running test executable: the one with
/// this name in a module, whose path `module_path!()` gives.
pub fn this_test(module: &str, name: &str) -> Command {
    // The test harness leaves out the name of the crate.
    let path = format!("{module}::{name}");
    let (_, path) = path.split_once("::").unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", path, "--ignored", "--nocapture"]);
    command
}
