use std::{fmt, time::Instant};

use indicatif::HumanBytes;
use serde::Serialize;

use crate::{
    failure::Failure,
    interrupt,
    output::{Line, Output},
    path::PathField,
    place::RecordingPlace,
    several::{each_once, for_each, while_waiting},
};

/// Rebuild the index of recordings from their audio
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(required = true, value_name = "STORE/NAME")]
    recordings: Vec<RecordingPlace>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    // An interruption between index and attributes would leave a recording without an index.
    interrupt::defer();
    for_each(&each_once(&args.recordings), output, |place, output| {
        let began = Instant::now();
        let mut recording = place.open()?;
        let made = while_waiting(output.messages(), format!("reindexing {place}"), || {
            recording.rebuild_index(|_| interrupt::flow())
        });
        made?;
        output.data(&Reindexed {
            recording: place.field("recording"),
            packets: recording.info().packet_count,
            index_bytes: recording.index_info()?.map_or(0, |index| index.bytes),
            elapsed_seconds: began.elapsed().as_secs_f64(),
        })
    })
}

#[derive(Serialize)]
struct Reindexed {
    #[serde(flatten)]
    recording: PathField,
    packets: u64,
    index_bytes: u64,
    elapsed_seconds: f64,
}

impl Line for Reindexed {
    const TYPE: &'static str = "reindexed";
}

impl fmt::Display for Reindexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recording, packets, index_bytes, elapsed_seconds } = self;
        let bytes = HumanBytes(*index_bytes);
        write!(
            f,
            "{recording}: rebuilt the index of {packets} packets, {bytes}, in {elapsed_seconds:.1} s"
        )
    }
}
