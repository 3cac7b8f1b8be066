use std::fmt;

use opus_zarr::RecordingName;
use serde::Serialize;

use crate::{
    failure::Failure,
    interrupt,
    output::{Line, Output},
    path::PathField,
    place::RecordingPlace,
};

/// Rename a recording within its store
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_name = "STORE/NAME")]
    recording: RecordingPlace,
    /// New name in the same store
    #[arg(value_name = "NEWNAME")]
    to: RecordingName,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    // An interruption halfway would leave both names.
    interrupt::defer();
    let place = &args.recording;
    place.open_store()?.rename_recording(&place.name, &args.to)?;
    let to = RecordingPlace { store: place.store.clone(), name: args.to.clone() };
    output.data(&Renamed { recording: place.field("recording"), to: to.field("to") })
}

#[derive(Serialize)]
struct Renamed {
    #[serde(flatten)]
    recording: PathField,
    #[serde(flatten)]
    to: PathField,
}

impl Line for Renamed {
    const TYPE: &'static str = "renamed";
}

impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is now {}", self.recording, self.to)
    }
}
