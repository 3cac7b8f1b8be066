use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use indicatif::HumanBytes;
use opus_zarr::{Recording, Store};
use opus_zarr_store::RecordingName;
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    output::{Line, Output},
    place::{StorePlace, names_in},
    text::{Clock, bits_per_second, seconds},
};

/// List the recordings of a store: length, size, whether reads are exact, start, name
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A directory or a URL
    store: StorePlace,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let mut damaged = None;
    for_each(&args.store.open()?, |name, opened| match opened {
        Ok(recording) => output.data(&Listed::of(&recording)),
        Err(failure) => {
            output.messages().warn(format!("{name}: {}", failure.message));
            damaged = Some(failure);
            Ok(())
        }
    })?;
    damaged.map_or(Ok(()), Err)
}

/// Opens all recordings of a store, in the order of their names, but for those that were deleted meanwhile. From
/// far away each takes a while, so several are opened at once.
pub(crate) fn for_each(
    store: &Store,
    mut each: impl FnMut(RecordingName, Result<Recording, Failure>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for names in names_in(store)?.chunks(HELD_AT_ONCE) {
        for (name, opened) in open_all(store, names) {
            match opened {
                Err(failure) if failure.exit == Exit::Missing => {}
                opened => each(name, opened)?,
            }
        }
    }
    Ok(())
}

fn open_all(
    store: &Store,
    names: &[RecordingName],
) -> Vec<(RecordingName, Result<Recording, Failure>)> {
    let (next, opened) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(names.len())));
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let recording = Recording::open_in(store, name.as_str()).map_err(Failure::from);
            opened.lock().unwrap_or_else(PoisonError::into_inner).push((name.clone(), recording));
        }
    };
    thread::scope(|scope| {
        for _ in 1..OPENED_AT_ONCE.min(names.len()) {
            // Without threads the one that is there does all.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut opened = opened.into_inner().unwrap_or_else(PoisonError::into_inner);
    opened.sort_by(|(one, _), (other, _)| one.cmp(other));
    opened
}

/// A recording in a line.
#[derive(Serialize)]
struct Listed {
    name: String,
    /// Real ones, at which it was recorded.
    seconds: f64,
    samples: u64,
    channels: u8,
    blob_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_per_second: Option<u64>,
    is_exact: bool,
    /// In UTC, or by the clock of the recorder.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    source: String,
}

impl Listed {
    fn of(recording: &Recording) -> Self {
        let info = recording.info();
        let length = recording.time_of(info.play_length);
        let start = info.start.as_ref();
        Self {
            name: recording.name().to_owned(),
            seconds: seconds(length),
            samples: info.play_length,
            channels: info.channels,
            blob_bytes: info.blob_bytes,
            bits_per_second: bits_per_second(info.blob_bytes, length),
            is_exact: recording.exactness().is_ok(),
            start: start.map(|start| start.utc.clone().unwrap_or_else(|| start.local.clone())),
            source: info.source.name.clone(),
        }
    }
}

impl Line for Listed {
    const TYPE: &'static str = "recording";
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = std::time::Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        let size = HumanBytes(self.blob_bytes).to_string();
        let rate = self.bits_per_second.unwrap_or_default() / 1000;
        let exact = if self.is_exact { "exact" } else { "approx" };
        let start = self.start.as_deref().unwrap_or("-");
        let Self { channels, name, .. } = self;
        write!(
            f,
            "{:>13}  {channels:>2} ch  {size:>10}  {rate:>4} kb/s  {exact:<6}  {start:<24}  {name}",
            Clock(length)
        )
    }
}

const OPENED_AT_ONCE: usize = 16;
const HELD_AT_ONCE: usize = 256;
