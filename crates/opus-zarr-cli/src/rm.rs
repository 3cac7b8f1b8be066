use std::{
    fmt,
    io::{IsTerminal, Write, stderr, stdin},
};

use indicatif::{HumanBytes, HumanDuration};
use opus_zarr::StoreErrorKind;
use serde::Serialize;

use crate::{
    failure::{Exit, Failure, with_causes},
    interrupt,
    nearest::or_nearest,
    output::{Line, Output},
    path::PathField,
    place::RecordingPlace,
    several::{each_once, for_each},
};

/// Delete recordings permanently
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(required = true, value_name = "STORE/NAME")]
    recordings: Vec<RecordingPlace>,
    /// Delete without asking
    #[arg(long, short)]
    yes: bool,
    /// Also delete what other programs have added to the recordings
    #[arg(long)]
    foreign: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let recordings = each_once(&args.recordings);
    if !args.yes {
        ask(&recordings, output)?;
    }
    interrupt::defer();
    for_each(&recordings, output, |place, output| {
        let store = place.open_store()?;
        let deleted = match args.foreign {
            true => store.delete_recording_with_foreign(&place.name),
            false => store.delete_recording(&place.name),
        };
        or_nearest(deleted, &store, &place.name)?;
        output.data(&Deleted { recording: place.field("recording") })
    })
}

/// Fails unless a person confirms.
fn ask(recordings: &[RecordingPlace], output: &Output) -> Result<(), Failure> {
    if output.is_json() || !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Failure::usage(
            "nothing deleted: cannot ask for confirmation without a terminal",
        )
        .with_hint("use --yes to delete without asking"));
    }
    let mut question = String::new();
    for place in recordings {
        question += &format!("{place}: {}\n", described(place)?);
    }
    question += "Delete permanently? [y/N] ";
    let unasked = |error| Failure::io("ask on", "the terminal", &error);
    let mut terminal = stderr();
    terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).map_err(unasked)?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(unasked)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Error, "nothing deleted")),
    }
}

/// Describes what would be deleted. Damaged recordings can be deleted too.
fn described(place: &RecordingPlace) -> Result<String, Failure> {
    let store = place.open_store()?;
    match store.open_recording(&place.name) {
        Ok(recording) => {
            let info = recording.info();
            let (duration, bytes) = (HumanDuration(info.duration()), HumanBytes(info.blob_bytes));
            Ok(format!("{duration}, {bytes}, imported from {:?}", info.source.name))
        }
        Err(error) if error.kind() == StoreErrorKind::NoSuchRecording => {
            or_nearest(Err(error), &store, &place.name)
        }
        Err(error) => Ok(with_causes(&error)),
    }
}

#[derive(Serialize)]
struct Deleted {
    #[serde(flatten)]
    recording: PathField,
}

impl Line for Deleted {
    const TYPE: &'static str = "deleted";
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} deleted", self.recording)
    }
}
