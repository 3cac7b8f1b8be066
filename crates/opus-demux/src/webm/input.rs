use std::io::{ErrorKind, Read};

use crate::webm::{Error, ebml::wide};

/// Reads forwards through a small buffer and knows where it is.
#[derive(Debug)]
pub(crate) struct Input<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Byte position in the file of `start`.
    offset: u64,
    has_ended: bool,
}

impl<R: Read> Input<R> {
    pub(crate) fn new(inner: R) -> Self {
        let buffer = vec![0; BUFFER_LEN].into_boxed_slice();
        Self { inner, buffer, start: 0, end: 0, offset: 0, has_ended: false }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next bytes, at least `len` of them but at the end of the file. `len` is at
    /// most [`MAX_PEEK`].
    pub(crate) fn peek(&mut self, len: usize) -> Result<&[u8], Error> {
        if self.start + len > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end - self.start < len && !self.has_ended {
            self.fill()?;
        }
        Ok(self.buffered())
    }

    /// Passes over bytes by reading them; false if the file ends before.
    pub(crate) fn skip(&mut self, len: u64) -> Result<bool, Error> {
        let mut left = len;
        while left > 0 {
            let available = self.peek(1)?.len();
            if available == 0 {
                return Ok(false);
            }
            let count = usize::try_from(left).map_or(available, |left| left.min(available));
            self.advance(count);
            left -= wide(count);
        }
        Ok(true)
    }

    /// Puts the next bytes in place of `out`; false if the file ends before. Memory
    /// grows with the bytes that are there, not with `len`.
    pub(crate) fn read(&mut self, len: usize, out: &mut Vec<u8>) -> Result<bool, Error> {
        out.clear();
        while out.len() < len {
            let available = self.peek(1)?;
            if available.is_empty() {
                return Ok(false);
            }
            let count = available.len().min(len - out.len());
            out.extend_from_slice(available.get(..count).unwrap_or_default());
            self.advance(count);
        }
        Ok(true)
    }

    fn advance(&mut self, count: usize) {
        self.start += count;
        self.offset += wide(count);
    }

    fn buffered(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads once. There is room, or nothing is buffered.
    fn fill(&mut self) -> Result<(), Error> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        match self.inner.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
            Ok(0) => self.has_ended = true,
            Ok(count) => self.end += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => {
                let offset = self.offset + wide(self.buffered().len());
                return Err(Error::Io { offset, source });
            }
        }
        Ok(())
    }
}

/// The most that [`Input::peek`] can be asked for: two element headers and some bytes.
pub(crate) const MAX_PEEK: usize = 32;
/// Few system calls. Under a fuzzer so small that elements often lie across its end.
const BUFFER_LEN: usize = if cfg!(fuzzing) { 2 * MAX_PEEK } else { 64 * 1024 };
