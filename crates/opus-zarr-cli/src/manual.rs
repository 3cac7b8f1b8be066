use std::{fmt, fs, path::PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use serde::Serialize;

use crate::{
    Cli, EXIT_CODES,
    failure::{Exit, Failure},
    output::{Line, Output},
    path::PathField,
    target::Target,
};

/// Write the manual as pages for man
///
/// To read the page of a verb: opus-zarr man -o DIR, then man DIR/opus-zarr-list.1
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory for the pages of all verbs [default: the main page on standard output]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Overwrite existing pages
    #[arg(long, requires = "output")]
    force: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(directory) = &args.output else { return output.data(&Page::of(&command)?) };
    fs::create_dir_all(directory).map_err(|error| Failure::io("create", directory, &error))?;
    for command in command.get_subcommands().chain([&command]) {
        let page = Page::of(command)?;
        let path = directory.join(&page.name);
        let mut target = Target::file(&path, args.force)?;
        target.write(page.text.as_bytes())?;
        let bytes = target.finish()?;
        output.data(&Written { output: PathField::new("output", &path), bytes })?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Page {
    name: String,
    text: String,
}

impl Page {
    fn of(command: &Command) -> Result<Self, Failure> {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        let man = Man::new(command.clone().after_help(EXIT_CODES))
            .title(name)
            .source(concat!("opus-zarr ", env!("CARGO_PKG_VERSION")))
            .manual("opus-zarr");
        let mut text = Vec::new();
        man.render(&mut text).map_err(|error| {
            Failure::new(Exit::Error, format!("cannot write {name}.1: {error}"))
        })?;
        // The text below --help becomes sections of the page.
        let text = String::from_utf8_lossy(&text)
            .replace(".SH EXTRA", ".SH STORES")
            .replace("\nExit codes: ", "\n.SH \"EXIT STATUS\"\n");
        Ok(Self { name: format!("{name}.1"), text: text.trim_end().to_owned() })
    }
}

impl Line for Page {
    const TYPE: &'static str = "manual";
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// A page that was written to a file.
#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    output: PathField,
    bytes: u64,
}

impl Line for Written {
    const TYPE: &'static str = "written";
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.output.fmt(f)
    }
}
