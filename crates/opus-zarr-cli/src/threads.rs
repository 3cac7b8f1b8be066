use std::num::NonZeroUsize;

use opus_zarr::Recording;

use crate::text::at_least_one;

/// How many threads decode.
#[derive(clap::Args)]
pub(crate) struct Threads {
    /// Number of threads that decode [default: the number of processors]
    #[arg(long = "threads", value_name = "N", value_parser = at_least_one::<NonZeroUsize>)]
    pub(crate) number: Option<NonZeroUsize>,
}

impl Threads {
    /// Sets the threads of the recording.
    pub(crate) fn apply(&self, recording: &mut Recording) {
        if let Some(threads) = self.number {
            recording.set_threads(threads);
        }
    }
}
