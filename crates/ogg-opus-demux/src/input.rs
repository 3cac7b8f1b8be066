use std::io::{self, ErrorKind, Read};

use crate::page::MAX_PAGE_LEN;

/// A window onto bytes in order: the rest of a slice, or a stream behind a buffer.
///
/// Contract for implementers:
///
/// - Only the other two methods change the bytes of [`unread`](Self::unread), by removing
///   some at its start or adding some at its end.
/// - Once [`fill`](Self::fill) has returned false, no bytes are ever added.
pub trait Input {
    /// The bytes that were read but not consumed.
    fn unread(&self) -> &[u8];

    /// Moves past `count` unread bytes, or past all if there are fewer.
    fn consume(&mut self, count: usize);

    /// Makes at least `needed` bytes unread. Returns false if the bytes end before. `needed` is
    /// at most the length of the longest page, 65,307.
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
    /// Reads from `inner`, which needs no `BufReader` of its own.
    pub fn new(inner: R) -> Self {
        Self::with_capacity(inner, BUFFER_LEN)
    }

    /// The same, with a buffer of `capacity` bytes. [`fill`](Input::fill) returns false for
    /// more than that. Pages need 65,307 bytes.
    pub fn with_capacity(inner: R, capacity: usize) -> Self {
        Self { inner, buffer: vec![0; capacity].into_boxed_slice(), start: 0, end: 0 }
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

/// Room for the longest page, and few system calls. Fuzzing uses the smallest buffer, so that
/// pages often cross its end.
const BUFFER_LEN: usize = if cfg!(fuzzing) { MAX_PAGE_LEN } else { 256 * 1024 };
const _: () = assert!(BUFFER_LEN >= MAX_PAGE_LEN);
