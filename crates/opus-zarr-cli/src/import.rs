//! Imports files and directories into a store.

mod names;
mod options;
mod places;
mod progress;
mod report;

use std::{ffi::OsString, num::NonZeroUsize, ops::ControlFlow, path::Path, time::Duration};

use clap::ValueHint;
use opus_zarr::{
    ImportEvent, ImportManyOptions, ImportPlan, ImportTally, Store, StoreError, import_many,
    store::path_text,
};

use self::{names::Names, options::Encoding, places::split, progress::Bar, report::Report};
use crate::{
    failure::{Exit, Failure},
    interrupt,
    meta::Note,
    output::{Messages, Output},
    reading::Reading,
    text::{at_least_one, count},
};

/// Import audio files into a store
///
/// Opus packets are stored unchanged; other audio is encoded. A file is skipped if the recording of its
/// name already holds it with the same settings, so an interrupted import can simply be run again.
/// The same audio under another name becomes another recording.
#[derive(clap::Args)]
#[command(override_usage = "opus-zarr import [OPTIONS] <SRC>... <STORE>")]
pub(crate) struct Args {
    /// Files, or directories with -r; then the store, a directory or URL that is created if missing
    #[arg(required = true, value_name = "SRC>... <STORE", value_hint = ValueHint::AnyPath)]
    paths: Vec<OsString>,
    /// Import directories and every audio file in them
    #[arg(long, short)]
    recursive: bool,
    /// Number of files to import at a time [default: the number of processors]
    #[arg(long, short, value_name = "N", value_parser = at_least_one::<NonZeroUsize>)]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    names: Names,
    /// Set a note on every recording; a value that parses as JSON is stored as JSON, any other as text
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Note>,
    /// Replace a recording of the same name that came from another file, as when its file has grown
    /// since, or from the same one with other settings; notes on it stay
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    encoding: Encoding,
    /// Leave files modified within this time for the next run, because they may still be growing; 0
    /// imports them at once
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = settle)]
    settle: Duration,
    /// What to do when a file cannot be imported
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    on_error: OnError,
    /// Show what would be imported without changing anything
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OnError {
    /// Continue with the other files
    Skip,
    /// Cancel the other files
    Stop,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let (sources, store) = split(&args.paths)?;
    let mut plan = plan(args, &sources, output.messages())?;
    let clashes = std::mem::take(&mut plan.clashes);
    let mut import = args.encoding.add_to(args.reading.options()).replace(args.replace);
    import.notes = args.set.iter().map(|note| (note.key.clone(), note.value.clone())).collect();
    let mut options = ImportManyOptions::new(import)
        .stop_on_failure(args.on_error == OnError::Stop)
        .dry_run(args.dry_run)
        .settle(args.settle);
    if let Some(jobs) = args.jobs {
        options = options.jobs(jobs);
    }
    let store = store.open_or_create()?;
    // From here on an interruption could leave something half done.
    interrupt::defer();
    let mut report = Report::new(plan.files.len() + clashes.len());
    for clash in clashes {
        report.add(clash, output)?;
        if args.on_error == OnError::Stop {
            return Err(report.take_failure().unwrap_or_else(Failure::interrupted));
        }
    }
    let mut bar = Bar::new(output.messages());
    let mut told = Ok(());
    let tally = import_many(&store, &plan, &options, |event| {
        told = std::mem::replace(&mut told, Ok(())).and_then(|()| match event {
            ImportEvent::Progress(progress) => {
                bar.show(&progress);
                Ok(())
            }
            ImportEvent::File(done) => report.add(*done, output),
            _ => Ok(()),
        });
        if told.is_ok() { interrupt::flow() } else { ControlFlow::Break(()) }
    });
    bar.finish();
    told?;
    conclude(report, tally?, &plan, output)
}

fn plan(args: &Args, sources: &[&Path], messages: &Messages) -> Result<ImportPlan, Failure> {
    if !args.recursive
        && let Some(directory) =
            sources.iter().find(|path| path.is_dir() && Store::open(path).is_err())
    {
        return Err(Failure::usage(format!("{directory:?} is a directory"))
            .with_hint("use -r to import every audio file in it"));
    }
    let mut plan = ImportPlan::named(sources, &args.names.template())?;
    for skipped in &plan.skipped {
        let (directory, files) =
            (path_text(skipped.directory.as_os_str()), count(skipped.files, "file"));
        messages.note(format!("{directory}: skipped {files} (not an audio extension)"));
    }
    for unreadable in &plan.unreadable {
        messages.warn(format!("skipped {unreadable}"));
    }
    let number = plan.files.len();
    match (args.names.single(), plan.files.as_mut_slice()) {
        (_, []) => return Err(Failure::new(Exit::Error, "no audio files to import")),
        (None, _) => {}
        (Some(name), [file]) => file.name = name.parse().map_err(StoreError::from)?,
        (Some(_), _) => {
            let message = format!("--name accepts a single file, but {number} were given");
            return Err(Failure::usage(message)
                .with_hint("omit --name to name each recording after its file, or use --prefix or --name-pattern"));
        }
    }
    Ok(plan)
}

/// Parses `0`, `30s`, `1m` or `2h`.
fn settle(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time such as 30s, 1m or 2h, or 0".to_owned();
    let (number, unit) = match text.trim().split_at_checked(text.trim().len().saturating_sub(1)) {
        _ if text.trim() == "0" => return Ok(Duration::ZERO),
        Some((number, "s")) => (number, 1),
        Some((number, "m")) => (number, 60),
        Some((number, "h")) => (number, 3600),
        _ => return Err(expected()),
    };
    let seconds = number.trim_end().parse::<u32>().map_err(|_| expected())?;
    Ok(Duration::from_secs(u64::from(seconds) * unit))
}

/// Writes the summary, and decides about the exit code.
fn conclude(
    mut report: Report,
    tally: ImportTally,
    plan: &ImportPlan,
    output: &mut Output,
) -> Result<(), Failure> {
    let (files, failed) = (report.planned(), report.failed());
    match (files, report.take_failure()) {
        (1, Some(failure)) => return Err(failure),
        (1, None) => {}
        _ => report.summarise(output)?,
    }
    if interrupt::check().is_err() {
        let message = format!("interrupted: {} of {files} files not imported", tally.left);
        return Err(Failure::new(Exit::Interrupted, message)
            .with_hint("run the same command again to continue; no file is half imported"));
    }
    // What a looping link leads to is imported in its own place.
    let unreadable = plan.unreadable.iter().any(|unreadable| !unreadable.is_loop);
    let message = match (failed, unreadable) {
        (0, false) => return Ok(()),
        (0, true) => "some files or directories could not be read (see above)".to_owned(),
        (failed, _) => format!("{failed} of {files} files could not be imported (see above)"),
    };
    Err(Failure::new(Exit::SomeFailed, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("0", 0), ("0s", 0), ("90s", 90), ("1m", 60), (" 2 h", 7200)] {
            assert_eq!(settle(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "1", "60", "-1m", "1.5m", "1d", "1ä", "99999999999s"] {
            assert!(settle(text).is_err(), "{text}");
        }
    }
}
