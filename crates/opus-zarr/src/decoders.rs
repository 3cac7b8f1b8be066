use std::{num::NonZeroUsize, sync::OnceLock, thread};

use opus_packet::OpusHead;
use opus_segment_decode::{LibopusDecoder, Output};

use crate::{Error, agreed::Agreed, error::Reason, pool::Pool};

/// Decoders for reads of a recording with one output, and what these found out.
#[derive(Debug, Default)]
pub(crate) struct Decoders {
    output: Output,
    pool: Pool<LibopusDecoder>,
    agreed: Agreed,
}

impl Decoders {
    /// Creates a pool of decoders with this output, if the stream supports it.
    pub(crate) fn new(head: &OpusHead, output: Output) -> Result<Self, Error> {
        let decoder = LibopusDecoder::with_output(head, &output).map_err(Reason::Decoder)?;
        let decoders = Self { output, ..Self::default() };
        decoders.put(decoder);
        Ok(decoders)
    }

    /// What decoders agreed on, for this output.
    pub(crate) fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    /// Takes an idle decoder, or creates one.
    pub(crate) fn take(&self, head: &OpusHead) -> Result<LibopusDecoder, Error> {
        let decoder = self.pool.take(|| LibopusDecoder::with_output(head, &self.output));
        Ok(decoder.map_err(Reason::Decoder)?)
    }

    /// Returns a decoder to the pool.
    pub(crate) fn put(&self, decoder: LibopusDecoder) {
        self.pool.put(decoder);
    }
}

/// The number of processors. Asking the system takes as long as a short read.
pub(crate) fn processors() -> NonZeroUsize {
    static PROCESSORS: OnceLock<NonZeroUsize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
}
