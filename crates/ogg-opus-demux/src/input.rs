use std::io::{self, ErrorKind, Read};

use crate::page::MAX_PAGE_LEN;

/// Bytes in their order, of which a window is seen: a slice, whose window is all that
/// is left of it, or a stream behind a buffer.
///
/// Contract for implementers:
///
/// - What [`unread`](Self::unread) shows changes only through the other two methods,
///   and then only by losing bytes at its start or gaining some at its end.
/// - After [`fill`](Self::fill) gave false, no byte will ever be gained.
pub trait Input {
    /// The bytes that have been read and not consumed.
    fn unread(&self) -> &[u8];

    /// Moves past so many unread bytes, or past all if they are fewer.
    fn consume(&mut self, count: usize);

    /// Makes at least `needed` bytes unread, `needed` being no more than the longest
    /// page has (65,307); false if the bytes end before.
    fn fill(&mut self, needed: usize) -> io::Result<bool>;
}

impl Input for &[u8] {
    #[inline]
    fn unread(&self) -> &[u8] {
        self
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        *self = self.get(count..).unwrap_or_default();
    }

    #[inline]
    fn fill(&mut self, needed: usize) -> io::Result<bool> {
        Ok(needed <= self.len())
    }
}

/// Reads a stream through a buffer of constant size.
#[derive(Debug)]
pub struct Buffered<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: Read> Buffered<R> {
    /// Reads from `inner`. There is no need to wrap it in a `BufReader`.
    pub fn new(inner: R) -> Self {
        Self { inner, buffer: vec![0; BUFFER_LEN].into_boxed_slice(), start: 0, end: 0 }
    }
}

impl<R: Read> Input for Buffered<R> {
    #[inline]
    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    #[inline]
    fn fill(&mut self, needed: usize) -> io::Result<bool> {
        if self.end - self.start >= needed { Ok(true) } else { self.read(needed) }
    }
}

impl<R: Read> Buffered<R> {
    fn read(&mut self, needed: usize) -> io::Result<bool> {
        if self.start + needed > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end - self.start < needed {
            match self.inner.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => return Ok(false),
                Ok(count) => self.end = self.buffer.len().min(self.end + count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Room for the longest page, and few system calls. Under a fuzzer no more than
/// that room, so that pages often lie across its end.
const BUFFER_LEN: usize = if cfg!(fuzzing) { MAX_PAGE_LEN } else { 256 * 1024 };
const _: () = assert!(BUFFER_LEN >= MAX_PAGE_LEN);
