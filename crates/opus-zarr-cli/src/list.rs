use std::{fmt, ops::ControlFlow};

use indicatif::HumanBytes;
use opus_zarr::Recording;
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    output::{Line, Output},
    place::StorePlace,
    text::{Clock, bits_per_second, one_line, seconds},
};

/// List the recordings of a store: length, channels, size, bit rate, read mode, start, name
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory or URL
    store: StorePlace,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let (mut failed, mut told) = (None::<Failure>, Ok(()));
    Recording::open_each(&args.store.open()?, |name, opened| {
        match opened {
            Ok(recording) => told = output.data(&Listed::of(&recording)),
            Err(error) => {
                let failure = Failure::from(error);
                output.messages().warn(format!("{name}: {}", failure.message));
                let is_damaged = |failure: &Failure| failure.exit == Exit::Damaged;
                failed = failed.take().filter(is_damaged).or(Some(failure));
            }
        }
        if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    told?;
    failed.map_or(Ok(()), Err)
}

/// The line about a recording.
#[derive(Serialize)]
struct Listed {
    name: String,
    /// Real seconds.
    seconds: f64,
    samples: u64,
    channels: u8,
    blob_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_per_second: Option<u64>,
    is_exact: bool,
    /// In UTC, or by the recorder's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    source: String,
    /// All bytes of that name, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_hex: Option<String>,
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
            source_hex: info.source.name_hex.clone(),
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
        let start = one_line(self.start.as_deref().unwrap_or("-"));
        let Self { channels, name, .. } = self;
        write!(
            f,
            "{:>13}  {channels:>2} ch  {size:>10}  {rate:>4} kb/s  {exact:<6}  {start:<24}  {name}",
            Clock(length)
        )
    }
}
