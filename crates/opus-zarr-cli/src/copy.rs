use std::{
    fmt,
    time::{Duration, Instant},
};

use indicatif::HumanBytes;
use opus_zarr::{RecordingInfo, Store};
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    nearest::or_nearest,
    output::{Line, Output},
    path::PathField,
    place::{Found, InStore, StorePlace},
    several::{for_each, unless_foreign, while_waiting},
};

/// Copy recordings to another store or name
///
/// The recording is read, checked and written; within one store it may be linked or copied in place.
/// --all skips recordings that the target already holds with the same audio, so an interrupted copy can
/// simply be run again.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Recording to copy; with --all a store
    #[arg(value_name = "STORE[/NAME]")]
    from: StorePlace,
    /// Target store (created if missing), optionally with a new name
    #[arg(value_name = "STORE[/NAME]")]
    to: StorePlace,
    /// Copy every recording of a store
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    match (args.from.find()?, args.all) {
        (Found::Recording(source), false) => copy_one(args, &source, output),
        (Found::Store(store), true) => copy_all(args, &store, output),
        (Found::Store(_), false) => Err(is_the_other(args, "a store", "a recording")),
        (Found::Recording(_), true) => Err(is_the_other(args, "a recording", "a store")),
    }
}

fn copy_one(args: &Args, source: &InStore, output: &mut Output) -> Result<(), Failure> {
    // A recording that cannot be copied creates no store.
    let (store, name) = (&source.store, &source.place.name);
    or_nearest(store.open_recording(name), store, name)?;
    let target = target_of(args, source, output)?;
    copy(source, &target, output)
}

fn copy_all(args: &Args, store: &Store, output: &mut Output) -> Result<(), Failure> {
    let sources = args.from.recordings_of(store)?;
    let into = open_or_make(&args.to, output)?;
    for_each(&sources, output, |source, output| {
        let name = &source.place.name;
        let target = args.to.with(&into, name.clone());
        if !into.contains(name)? {
            return unless_foreign(copy(source, &target, output), output);
        }
        let (from, there) = (store.open_recording(name)?, into.open_recording(name)?);
        if from.info().blob_sha256 == there.info().blob_sha256 {
            output.data(&Copied::new(source, &target, from.info(), None))
        } else {
            let message = format!("{} already exists with different audio", target.place);
            Err(Failure::new(Exit::Error, message).with_hint(format!(
                "copy it under a new name: `opus-zarr copy {} {}/NAME`",
                source.place, args.to
            )))
        }
    })
}

fn is_the_other(args: &Args, is: &str, expected: &str) -> Failure {
    let hint = if args.all {
        "omit --all to copy a single recording"
    } else {
        "use --all to copy every recording of a store"
    };
    Failure::usage(format!("{} is {is}, expected {expected}", args.from)).with_hint(hint)
}

/// Decides where a recording goes: into an existing store, under a new name in one, or into a new
/// store.
fn target_of(args: &Args, source: &InStore, output: &Output) -> Result<InStore, Failure> {
    let open = |place: &StorePlace| {
        // An open store copies within itself without reading.
        if *place == source.place.store { Ok(source.store.clone()) } else { place.open() }
    };
    let name = &source.place.name;
    if let Ok(store) = open(&args.to) {
        return Ok(args.to.with(&store, name.clone()));
    }
    if let Ok(place) = args.to.as_recording()
        && let Ok(store) = open(&place.store)
    {
        return Ok(InStore { store, place });
    }
    Ok(args.to.with(&open_or_make(&args.to, output)?, name.clone()))
}

fn open_or_make(place: &StorePlace, output: &Output) -> Result<Store, Failure> {
    match place.open() {
        Err(failure) if failure.exit == Exit::Missing => {
            let store = place.open_or_create()?;
            output.messages().note(format!("created store {place}"));
            Ok(store)
        }
        result => result,
    }
}

fn copy(source: &InStore, target: &InStore, output: &mut Output) -> Result<(), Failure> {
    let began = Instant::now();
    let (from, to) = (&source.place, &target.place);
    let copied = while_waiting(output.messages(), format!("copying {from}"), || {
        source.store.copy_recording(&from.name, &target.store, &to.name)
    })?;
    output.data(&Copied::new(source, target, copied.info(), Some(began.elapsed())))
}

#[derive(Serialize)]
struct Copied {
    #[serde(flatten)]
    recording: PathField,
    #[serde(flatten)]
    to: PathField,
    bytes: u64,
    blob_sha256: String,
    /// False if the target already held the recording.
    is_copied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_seconds: Option<f64>,
}

impl Copied {
    fn new(
        source: &InStore,
        target: &InStore,
        info: &RecordingInfo,
        took: Option<Duration>,
    ) -> Self {
        Self {
            recording: source.place.field("recording"),
            to: target.place.field("to"),
            bytes: info.blob_bytes,
            blob_sha256: info.blob_sha256.clone(),
            is_copied: took.is_some(),
            elapsed_seconds: took.map(|took| took.as_secs_f64()),
        }
    }
}

impl Line for Copied {
    const TYPE: &'static str = "copied";
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recording, to, bytes, elapsed_seconds, .. } = self;
        match elapsed_seconds {
            Some(elapsed_seconds) => {
                write!(
                    f,
                    "{recording} copied to {to} ({}, {elapsed_seconds:.1} s)",
                    HumanBytes(*bytes)
                )
            }
            None => write!(f, "{recording} already exists as {to}"),
        }
    }
}
