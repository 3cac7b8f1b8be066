mod columns;
mod file;
mod parquet;

use std::{fmt, path::PathBuf};

use opus_zarr::Catalogue;
use serde::Serialize;

use self::file::Form;
pub(crate) use self::file::read_catalogue;
use crate::{
    failure::Failure,
    output::{Line, Messages, Output},
    path::PathField,
    place::StorePlace,
    target::Target,
    text::count,
};

/// Write a table of all recordings: start, end, length, exactness, position, notes and so on
///
/// If the table exists, it is updated: only recordings that are new or have changed since are opened.
/// Object stores do not tell which have changed, so all are opened there.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory or URL
    store: StorePlace,
    /// The table: a .parquet, .csv or .jsonl file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace FILE even if it is not a catalogue
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let form = Form::of(&args.output)?;
    let previous = match args.output.try_exists() {
        Ok(true) if !args.force => read_catalogue(&args.output)
            .map_err(|failure| failure.with_hint("use --force to replace it"))?,
        _ => Catalogue::default(),
    };
    let store = args.store.open()?;
    let mut failed = None::<Failure>;
    let (catalogue, changes) = previous.update(&store, |name, error| {
        let failure = Failure::from(error);
        output.messages().warn(format!("{name}: {}", failure.message));
        Failure::decide(&mut failed, failure);
    })?;
    warn_of_lost_times(form, &catalogue, output.messages());
    let mut target = Target::file(&args.output, true)?;
    target.write(&form.write(&catalogue)?)?;
    let bytes = target.finish()?;
    let written = Written {
        output: PathField::new("output", &args.output),
        rows: catalogue.rows().len(),
        opened: changes.opened,
        kept: changes.kept,
        gone: changes.gone,
        failed: changes.failed,
        bytes,
    };
    output.data(&written)?;
    failed.map_or(Ok(()), Err)
}

fn warn_of_lost_times(form: Form, catalogue: &Catalogue, messages: &Messages) {
    for row in catalogue.rows().iter().filter(|row| !form.holds_times(row)) {
        let (name, start) = (&row.name, row.start.map_or(String::new(), |start| start.to_string()));
        messages.warn(format!(
            "{name}: written without its times: it begins at {start}, and Parquet holds times from 1677 to 2262; write .csv or .jsonl, or correct the start with `opus-zarr meta --start`"
        ));
    }
}

#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    output: PathField,
    rows: usize,
    opened: usize,
    kept: usize,
    gone: usize,
    failed: usize,
    bytes: u64,
}

impl Line for Written {
    const TYPE: &'static str = "catalogue";
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number: usize, one| count(u64::try_from(number).unwrap_or(u64::MAX), one);
        write!(f, "{}: {}", self.output, count(self.rows, "recording"))?;
        write!(f, " ({} opened, {} unchanged", self.opened, self.kept)?;
        for (number, what) in [(self.gone, "removed"), (self.failed, "failed")] {
            if number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        write!(f, ")")
    }
}
