//! The `opus-zarr` command, a shell over the library.

#![forbid(unsafe_code)]

mod bench;
mod catalogue;
mod completions;
mod copy;
mod deployed;
mod export;
mod extract;
mod failure;
mod import;
mod info;
mod inspect;
mod interrupt;
mod list;
mod manual;
mod matching;
mod meta;
mod moment;
mod nearest;
mod output;
mod path;
mod place;
mod plot;
mod range;
mod reading;
mod reads;
mod recorder;
mod reindex;
mod rename;
mod rm;
mod serve;
mod several;
mod sound;
mod sync;
mod target;
mod text;
mod threads;
mod verify;

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{failure::Failure, output::Output};

/// Keep long audio recordings compressed as Opus inside Zarr, and read any sample range exactly
#[derive(Parser)]
#[command(name = "opus-zarr", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    output: output::Args,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Import(Box<import::Args>),
    List(list::Args),
    Info(info::Args),
    Inspect(Box<inspect::Args>),
    Extract(Box<extract::Args>),
    Export(export::Args),
    Verify(verify::Args),
    Reindex(reindex::Args),
    Sync(sync::Args),
    Plot(Box<plot::Args>),
    Copy(copy::Args),
    Rename(rename::Args),
    Rm(rm::Args),
    Meta(Box<meta::Args>),
    Catalogue(catalogue::Args),
    Serve(serve::Args),
    Bench(bench::Args),
    Completions(completions::Args),
    Man(manual::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return tell(&told),
    };
    let mut output = Output::new(&cli.output);
    let done = interrupt::catch(output.messages().clone()).and_then(|()| cli.verb.run(&mut output));
    match done.and_then(|()| output.finish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output.failed(&failure),
    }
}

/// Prints the help, or what is wrong with the arguments.
fn tell(told: &clap::Error) -> ExitCode {
    match (told.print().and_then(|()| stdout().flush()), told.exit_code()) {
        (Err(error), 0) => {
            let failure = output::unwritten(&error);
            if failure.exit != failure::Exit::Unread {
                // Nothing could report a second error.
                let _ = writeln!(stderr(), "error: {}", failure.message);
            }
            ExitCode::from(failure.exit.code())
        }
        (_, 0) => ExitCode::SUCCESS,
        _ => ExitCode::from(failure::Exit::Usage.code()),
    }
}

impl Verb {
    fn run(self, output: &mut Output) -> Result<(), Failure> {
        if self.does_work() {
            output.work_on();
        }
        match self {
            Self::Import(args) => import::run(&args, output),
            Self::Info(args) => info::run(&args, output),
            Self::Inspect(args) => inspect::run(&args, output),
            Self::List(args) => list::run(&args, output),
            Self::Extract(args) => extract::run(&args, output),
            Self::Export(args) => export::run(&args, output),
            Self::Verify(args) => verify::run(&args, output),
            Self::Reindex(args) => reindex::run(&args, output),
            Self::Sync(args) => sync::run(&args, output),
            Self::Plot(args) => plot::run(&args, output),
            Self::Copy(args) => copy::run(&args, output),
            Self::Rename(args) => rename::run(&args, output),
            Self::Rm(args) => rm::run(&args, output),
            Self::Meta(args) => meta::run(&args, output),
            Self::Catalogue(args) => catalogue::run(&args, output),
            Self::Serve(args) => serve::run(&args, output),
            Self::Bench(args) => bench::run(&args, output),
            Self::Completions(args) => completions::run(&args, output),
            Self::Man(args) => manual::run(&args, output),
        }
    }
}

impl Verb {
    /// Whether the verb does something besides showing what it found.
    fn does_work(&self) -> bool {
        match self {
            Self::Import(_)
            | Self::Extract(_)
            | Self::Export(_)
            | Self::Verify(_)
            | Self::Reindex(_)
            | Self::Sync(_)
            | Self::Copy(_)
            | Self::Rename(_)
            | Self::Rm(_)
            | Self::Meta(_)
            | Self::Catalogue(_) => true,
            Self::List(_)
            | Self::Info(_)
            | Self::Inspect(_)
            | Self::Plot(_)
            | Self::Serve(_)
            | Self::Bench(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

const EXIT_CODES: &str = "\
STORE is a directory or a URL (s3://bucket/archive.zarr); STORE/NAME is a recording in it.

Exit codes: 0 done; 1 error; 2 usage error; 3 some inputs failed; 4 damage found;
5 the store cannot be read right now, which is not damage; 10 no such store or recording; 11 locked by another writer; 130 interrupted";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
