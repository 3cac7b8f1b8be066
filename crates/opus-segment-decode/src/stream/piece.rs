use crate::{Error, PacketDecoder, RangeDecoder};

/// A part of a range. Another thread may have decoded its samples in advance.
#[derive(Debug)]
pub(super) struct Piece<D, S> {
    pub(super) range: RangeDecoder<D, S>,
    /// Samples decoded in advance; the first `taken` are gone.
    samples: Vec<S>,
    taken: usize,
    /// The error that follows them.
    failed: Option<Error>,
}

impl<D: PacketDecoder<S>, S: Copy + Default> Piece<D, S> {
    /// `samples` is an empty buffer.
    pub(super) fn new(range: RangeDecoder<D, S>, samples: Vec<S>) -> Self {
        Self { range, samples, taken: 0, failed: None }
    }

    /// Decodes everything that was supplied, unless it is cancelled.
    pub(super) fn decode(&mut self, is_cancelled: impl Fn() -> bool) {
        while !is_cancelled() {
            match self.range.append(&mut self.samples) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    self.failed = Some(error);
                    return;
                }
            }
        }
    }

    /// Fills `out` like [`RangeDecoder::read`].
    pub(super) fn read(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let ready = self.samples.get(self.taken..).unwrap_or_default();
        let count = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..count), ready.get(..count)) {
            out.copy_from_slice(ready);
        }
        self.taken += count;
        if count > 0 || out.is_empty() {
            return Ok(count);
        }
        self.failed.take().map_or_else(|| self.range.read(out), Err)
    }

    /// Number of samples to come up to the end of the range, over all channels.
    pub(super) fn left(&self) -> usize {
        self.range.left().saturating_add(self.samples.len() - self.taken)
    }

    /// Returns the decoder and the emptied buffer for another piece.
    pub(super) fn into_parts(mut self) -> (D, Vec<S>) {
        self.samples.clear();
        (self.range.into_decoder(), self.samples)
    }
}
