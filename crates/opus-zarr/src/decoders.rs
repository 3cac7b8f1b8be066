use std::{
    num::NonZeroUsize,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use opus_packet::OpusHead;
use opus_segment_decode::{LibopusDecoder, Output};

use crate::{Error, agreed::Agreed, error::Reason};

/// Idle decoders, kept because creating one takes longer than resetting it.
#[derive(Debug, Default)]
pub(crate) struct Decoders {
    output: Output,
    idle: Mutex<Vec<LibopusDecoder>>,
    agreed: Agreed,
}

impl Decoders {
    /// Creates a pool of decoders with this output, if the stream supports it.
    pub(crate) fn new(head: &OpusHead, output: Output) -> Result<Self, Error> {
        let decoder = LibopusDecoder::with_output(head, &output).map_err(Reason::Decoder)?;
        Ok(Self { output, idle: Mutex::new(vec![decoder]), agreed: Agreed::default() })
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
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let decoder = idle.map_or_else(|| LibopusDecoder::with_output(head, &self.output), Ok);
        Ok(decoder.map_err(Reason::Decoder)?)
    }

    /// Returns a decoder to the pool.
    pub(crate) fn put(&self, decoder: LibopusDecoder) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(decoder);
    }
}

/// The number of processors. Asking the system takes as long as a short read.
pub(crate) fn processors() -> NonZeroUsize {
    static PROCESSORS: OnceLock<NonZeroUsize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
}
