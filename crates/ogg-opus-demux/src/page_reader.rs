use std::io::{ErrorKind, Read};

use crate::{
    Error, Page,
    page::{MAX_PAGE_LEN, required_len},
};

/// Gives the pages of a file or stream one after the other, in bounded memory.
///
/// Strict: whatever is not a valid page is an error with its byte offset.
#[derive(Debug)]
pub struct PageReader<R> {
    inner: R,
    buffer: Box<[u8]>,
    /// The page that was given last, then what has been read beyond it.
    start: usize,
    page_end: usize,
    end: usize,
    /// Byte position in the stream of `start`.
    offset: u64,
}

impl<R: Read> PageReader<R> {
    /// Reads pages from `inner`. There is no need to wrap it in a `BufReader`.
    pub fn new(inner: R) -> Self {
        let buffer = vec![0; BUFFER_LEN].into_boxed_slice();
        Self { inner, buffer, start: 0, page_end: 0, end: 0, offset: 0 }
    }

    /// The next page and its byte position in the stream, or `None` at the end.
    pub fn next_page(&mut self) -> Result<Option<(u64, Page<'_>)>, Error> {
        self.offset = self.page_end_offset();
        self.start = self.page_end;
        if !self.fill(1)? {
            return Ok(None);
        }
        let mut needed = 1;
        loop {
            let more = required_len(self.unread())
                .map_err(|reason| Error::Page { offset: self.offset, reason })?;
            // A page that the end of the stream cuts off: parsing says so below.
            if more <= needed || !self.fill(more)? {
                break;
            }
            needed = more;
        }
        let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
        let page =
            Page::parse(unread).map_err(|reason| Error::Page { offset: self.offset, reason })?;
        self.page_end = self.start + page.len();
        Ok(Some((self.offset, page)))
    }

    /// Byte position in the stream of the page that was given last; at the end,
    /// the length of the stream.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn page_end_offset(&self) -> u64 {
        // A page is at most 65,307 bytes long.
        self.offset + u64::try_from(self.page_end - self.start).unwrap_or_default()
    }

    /// Byte position in the stream up to which has been read.
    fn end_offset(&self) -> u64 {
        // No more than the buffer is long.
        self.offset + u64::try_from(self.end - self.start).unwrap_or_default()
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until `needed` bytes lie behind `start`; false if the stream ends
    /// before.
    fn fill(&mut self, needed: usize) -> Result<bool, Error> {
        if self.start + needed > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.page_end, self.end) = (0, self.end - self.start);
            self.start = 0;
        }
        while self.end - self.start < needed {
            match self.inner.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => return Ok(false),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::Io { offset: self.end_offset(), source }),
            }
        }
        Ok(true)
    }
}

impl<R> PageReader<R> {
    /// The page that was given last.
    pub(crate) fn page_bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.page_end).unwrap_or_default()
    }
}

/// Room for the longest page, and few system calls. Under a fuzzer no more than
/// that room, so that pages often lie across its end.
const BUFFER_LEN: usize = if cfg!(fuzzing) { MAX_PAGE_LEN } else { 256 * 1024 };
const _: () = assert!(BUFFER_LEN >= MAX_PAGE_LEN);
