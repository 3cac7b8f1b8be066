use std::fmt;

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::Shell;
use serde::Serialize;

use crate::{
    Cli,
    failure::Failure,
    output::{Line, Output},
};

/// Write a completion script for a shell
///
/// For bash: opus-zarr completions bash > ~/.local/share/bash-completion/completions/opus-zarr
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Shell to complete for
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let script = match args.shell {
        Shell::Bash => for_bash(),
        shell => generate(shell, Cli::command()),
    };
    output.data(&Completions { shell: args.shell.to_string(), script })
}

/// Works around two faults of `clap_complete` 4.6.
fn for_bash() -> String {
    // For paths of any kind, the script would split names at spaces and not descend into directories.
    let as_file = |arg: Arg| match arg.get_value_hint() {
        ValueHint::AnyPath => arg.value_hint(ValueHint::FilePath),
        _ => arg,
    };
    let command = Cli::command().mut_subcommands(|verb| verb.mut_args(as_file));
    // The script sets `cmd` to one name and branches on another, as the hyphen of `opus-zarr` is escaped
    // in two ways (clap-rs/clap#6421). No option of a verb would be offered.
    generate(Shell::Bash, command).replace("opus__subcmd__zarr", "opus__zarr")
}

fn generate(shell: Shell, mut command: Command) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "opus-zarr", &mut script);
    String::from_utf8_lossy(&script).trim_end().to_owned()
}

#[derive(Serialize)]
struct Completions {
    shell: String,
    script: String,
}

impl Line for Completions {
    const TYPE: &'static str = "completions";
}

impl fmt::Display for Completions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.script.fmt(f)
    }
}
