use std::fmt;

use clap::CommandFactory;
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
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "opus-zarr", &mut script);
    let script = String::from_utf8_lossy(&script).trim_end().to_owned();
    output.data(&Completions { shell: args.shell.to_string(), script })
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
