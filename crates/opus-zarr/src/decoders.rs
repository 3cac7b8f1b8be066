use std::sync::{Mutex, PoisonError};

use opus_packet::OpusHead;
use opus_segment_decode::LibopusDecoder;

use crate::Error;

/// Decoders at rest: to make one takes longer than to reset it.
#[derive(Debug, Default)]
pub(crate) struct Decoders(Mutex<Vec<LibopusDecoder>>);

impl Decoders {
    /// Lends a decoder of one kind of stream to `work`.
    pub(crate) fn lend<T>(
        &self,
        head: &OpusHead,
        work: impl FnOnce(&mut LibopusDecoder) -> T,
    ) -> Result<T, Error> {
        let rested = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut decoder = match rested {
            Some(decoder) => decoder,
            None => LibopusDecoder::new(head)?,
        };
        let result = work(&mut decoder);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(decoder);
        Ok(result)
    }
}
