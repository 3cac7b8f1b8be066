use std::sync::{Mutex, PoisonError};

use opus_packet::OpusHead;
use opus_segment_decode::{LibopusDecoder, Output};

use crate::{Error, error::Reason};

/// Decoders at rest: to make one takes longer than to reset it.
#[derive(Debug, Default)]
pub(crate) struct Decoders {
    output: Output,
    rested: Mutex<Vec<LibopusDecoder>>,
}

impl Decoders {
    /// Of this output, if the stream has it.
    pub(crate) fn new(head: &OpusHead, output: Output) -> Result<Self, Error> {
        let decoder = LibopusDecoder::with_output(head, &output).map_err(Reason::Decoder)?;
        Ok(Self { output, rested: Mutex::new(vec![decoder]) })
    }

    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    /// A decoder of one kind of stream.
    pub(crate) fn take(&self, head: &OpusHead) -> Result<LibopusDecoder, Error> {
        let rested = self.rested.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let decoder = rested.map_or_else(|| LibopusDecoder::with_output(head, &self.output), Ok);
        Ok(decoder.map_err(Reason::Decoder)?)
    }

    /// Puts it back.
    pub(crate) fn put(&self, decoder: LibopusDecoder) {
        self.rested.lock().unwrap_or_else(PoisonError::into_inner).push(decoder);
    }
}
