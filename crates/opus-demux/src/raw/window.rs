use std::io::{ErrorKind, Read};

use crate::raw::Error;

/// A stream behind a buffer of constant size, and how far it was read.
#[derive(Debug)]
pub(crate) struct Window<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Byte position in the stream of what is unread.
    offset: u64,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(inner: R) -> Self {
        let buffer = vec![0; BUFFER_LEN].into_boxed_slice();
        Self { inner, buffer, start: 0, end: 0, offset: 0 }
    }

    pub(crate) fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset = self.offset.saturating_add(wide(count));
    }

    /// Makes at least `needed` bytes unread, no more than the longest packet and its
    /// header have; false if the stream ends before.
    pub(crate) fn fill(&mut self, needed: usize) -> Result<bool, Error> {
        while self.end - self.start < needed {
            if !self.more()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads at least one more byte; false at the end, or when there is no room.
    pub(crate) fn more(&mut self) -> Result<bool, Error> {
        if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        loop {
            match self.inner.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(count) => {
                    self.end = self.buffer.len().min(self.end + count);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    let offset = self.offset.saturating_add(wide(self.unread().len()));
                    return Err(Error::Io { offset, source });
                }
            }
        }
    }
}

pub(crate) fn wide(len: usize) -> u64 {
    // usize has at most 64 bits on every platform of Rust.
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A longer packet of one stream is no audio (RFC 7845 section 6): 48 frames of 1275
/// bytes, and some framing.
pub(crate) const MAX_PACKET_LEN: usize = 61_440;
/// Room for the longest packet, its header, and as much again so that few bytes are
/// moved. Under a fuzzer hardly more than that packet.
const BUFFER_LEN: usize = if cfg!(fuzzing) { MAX_PACKET_LEN + 16 } else { 256 * 1024 };
