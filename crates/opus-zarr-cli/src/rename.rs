use std::fmt;

use opus_zarr::{RecordingName, Store, StoreError, StoreErrorKind};
use serde::Serialize;

use crate::{
    failure::Failure,
    interrupt,
    nearest::with_nearest,
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
    let store = place.open_store()?;
    if let Err(error) = store.rename_recording(&place.name, &args.to) {
        return Err(explained(args, &store, error));
    }
    let to = RecordingPlace { store: place.store.clone(), name: args.to.clone() };
    output.data(&Renamed { recording: place.field("recording"), to: to.field("to") })
}

/// Says what is the case if an earlier rename was interrupted, or has happened.
fn explained(args: &Args, store: &Store, error: StoreError) -> Failure {
    let (from, to) = (&args.recording, &args.to);
    let (kind, mut failure) = (error.kind(), Failure::from(error));
    match (kind, store.open_recording(&from.name), store.open_recording(to)) {
        (StoreErrorKind::NoSuchRecording, _, Ok(_)) => {
            failure.message +=
                &format!(", but there is \"{to}\": it may have been renamed already");
            failure
        }
        (StoreErrorKind::RecordingExists, Ok(one), Ok(other)) => {
            let is_same = one.info().blob_sha256 == other.info().blob_sha256;
            let hint = if is_same && !are_two(store, &from.name, to) {
                failure.message += ", which is this one";
                "choose another name".to_owned()
            } else if is_same {
                failure.message +=
                    ", with the same audio: an earlier rename may have been interrupted";
                format!(
                    "compare both with `opus-zarr info`, then finish with `opus-zarr rm {from}`"
                )
            } else {
                "choose another name".to_owned()
            };
            failure.with_hint(hint)
        }
        _ => with_nearest(failure, store, from.name.as_str()),
    }
}

/// Whether both names are listed. Where case does not matter, two names can lead to one recording, and
/// deleting one of them would delete both.
fn are_two(store: &Store, one: &RecordingName, other: &RecordingName) -> bool {
    let is_listed = |name: &RecordingName| {
        let mut names = store.recordings().into_iter().flatten().flatten();
        names.any(|listed| listed == *name)
    };
    one != other && is_listed(one) && is_listed(other)
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
