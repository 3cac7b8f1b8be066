//! Files and directories into a store: many at once, what is there already passed over, one that is
//! broken told and left behind.

mod options;
mod plan;
mod present;
mod progress;
mod report;
mod work;

use std::{num::NonZeroUsize, path::PathBuf, thread};

use self::{
    options::Encoding,
    plan::{Plan, Planned, plan},
    present::Present,
    report::Report,
    work::{Run, import_all},
};
use crate::{
    failure::{Exit, Failure},
    interrupt,
    output::Output,
    place::StorePlace,
    text::at_least_one,
};

/// Import audio files, or directories of them, into a store
///
/// What is Opus keeps its packets; any other audio is encoded. A file that is in the store already, with
/// the same content and settings, is passed over: an import that was broken off goes on where it
/// was when it is started again.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files, or with -r directories
    #[arg(required = true, value_name = "SRC")]
    sources: Vec<PathBuf>,
    /// A directory or a URL; made if there is nothing
    store: StorePlace,
    /// Take directories, with all audio files in them
    #[arg(long, short)]
    recursive: bool,
    /// How many files at once [default: as many as there are processors]
    #[arg(long, short, value_name = "N", value_parser = at_least_one::<NonZeroUsize>)]
    jobs: Option<NonZeroUsize>,
    /// Name of the recording, of a single file [default: the name of the file without extension, behind
    /// those of the directories it was found in]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    encoding: Encoding,
    /// What to do when a file cannot be imported
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    on_error: OnError,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OnError {
    /// Go on with the others
    Skip,
    /// Begin no other, break off those that are being imported
    Stop,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let Plan { files: planned, unreadable } =
        plan(&args.sources, args.recursive, args.name.as_deref(), output.messages())?;
    let options = args.encoding.options()?;
    let present = Present::of(&args.store)?;
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZeroUsize::get).min(planned.len()).max(1);
    let store = match args.dry_run {
        true => None,
        false => Some(args.store.open_or_create()?),
    };
    // From here on there is something that could be left half done.
    interrupt::defer();
    let run = Run {
        store: store.as_ref(),
        present: &present,
        options: &options,
        jobs,
        stops: args.on_error == OnError::Stop,
    };
    let mut report = Report::new(planned.len());
    let messages = output.messages().clone();
    import_all(&run, &planned, &messages, |done| report.add(done, output))?;
    conclude(report, &planned, unreadable, output)
}

/// The summary, and what the exit code says.
fn conclude(
    mut report: Report,
    planned: &[Planned],
    unreadable: usize,
    output: &mut Output,
) -> Result<(), Failure> {
    match (planned.len(), report.take_failure()) {
        (1, Some(failure)) => return Err(failure),
        (1, None) => {}
        _ => report.summarise(output)?,
    }
    if interrupt::check().is_err() {
        let (left, all) = (report.left(), planned.len());
        return Err(Failure::new(
            Exit::Interrupted,
            format!("interrupted: {left} of {all} files are left"),
        )
        .with_hint("the same command again goes on with them; nothing is half imported"));
    }
    let message = match (report.failed(), unreadable) {
        (0, 0) => return Ok(()),
        (0, _) => "some of what is to be imported cannot be read: see above".to_owned(),
        (failed, _) => {
            format!("{failed} of {} files could not be imported: see above", planned.len())
        }
    };
    Err(Failure::new(Exit::SomeFailed, message))
}
