//! Files as readers see them: read forwards through a buffer, or at any position.

use std::io::{self, Read, Seek, SeekFrom};

use ogg_opus_demux::{Buffered, Input};
use opus_packet::wide;

use crate::Error;

/// Reads forwards through a buffer and knows its position.
#[derive(Debug)]
pub(crate) struct Forward<R> {
    inner: Buffered<R>,
    /// Byte position of the unread bytes.
    offset: u64,
}

impl<R: Read> Forward<R> {
    /// `capacity` is the most that [`peek`](Self::peek) and [`fill`](Self::fill) can be asked
    /// for.
    pub(crate) fn new(inner: R, capacity: usize) -> Self {
        Self { inner: Buffered::with_capacity(inner, capacity), offset: 0 }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The buffered bytes.
    pub(crate) fn unread(&self) -> &[u8] {
        self.inner.unread()
    }

    /// Moves past `count` buffered bytes, or past all if there are fewer.
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.unread().len());
        self.inner.consume(count);
        self.offset += wide(count);
    }

    /// Buffers at least `needed` bytes. Returns false if the file ends before.
    pub(crate) fn fill(&mut self, needed: usize) -> Result<bool, Error> {
        self.inner.fill(needed).map_err(|source| {
            let offset = self.offset + wide(self.unread().len());
            Error::read(offset, source)
        })
    }

    /// The buffered bytes, which are at least `len` except at the end of the file.
    pub(crate) fn peek(&mut self, len: usize) -> Result<&[u8], Error> {
        self.fill(len)?;
        Ok(self.unread())
    }

    /// Skips bytes by reading them. Returns false if the file ends before.
    pub(crate) fn skip(&mut self, len: u64) -> Result<bool, Error> {
        let mut left = len;
        while left > 0 {
            let available = self.peek(1)?.len();
            if available == 0 {
                return Ok(false);
            }
            let count = usize::try_from(left).map_or(available, |left| left.min(available));
            self.consume(count);
            left -= wide(count);
        }
        Ok(true)
    }
}

/// A file of known length that is read at any position.
#[derive(Debug)]
pub(crate) struct Seekable<R> {
    inner: R,
    len: u64,
    /// Bytes read in advance, since fields lie close together.
    near: Vec<u8>,
    near_start: u64,
}

impl<R: Read + Seek> Seekable<R> {
    pub(crate) fn new(mut inner: R) -> Result<Self, Error> {
        let len = inner.seek(SeekFrom::End(0)).map_err(|source| Error::read(0, source))?;
        Ok(Self { inner, len, near: Vec::new(), near_start: 0 })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// `N` bytes at `offset`; `None` if the file ends before.
    pub(crate) fn array<const N: usize>(&mut self, offset: u64) -> Result<Option<[u8; N]>, Error> {
        let left = self.left(offset);
        if left < wide(N) {
            return Ok(None);
        }
        if self.near(offset).is_none_or(|near| near.len() < N) {
            let len = usize::try_from(left).unwrap_or(NEAR_LEN).min(NEAR_LEN);
            let mut near = vec![0; len];
            self.read_at(offset, &mut near)?;
            (self.near, self.near_start) = (near, offset);
        }
        Ok(self.near(offset).and_then(<[u8]>::first_chunk).copied())
    }

    /// A big-endian word; `None` at the end of the file.
    pub(crate) fn word(&mut self, offset: u64) -> Result<Option<u32>, Error> {
        Ok(self.array(offset)?.map(u32::from_be_bytes))
    }

    /// At most `limit` of the `len` bytes at `offset`.
    pub(crate) fn bytes(&mut self, offset: u64, len: u64, limit: usize) -> Result<Vec<u8>, Error> {
        let len = usize::try_from(len.min(self.left(offset))).unwrap_or(limit).min(limit);
        let mut bytes = vec![0; len];
        self.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }

    fn near(&self, offset: u64) -> Option<&[u8]> {
        let at = usize::try_from(offset.checked_sub(self.near_start)?).ok()?;
        self.near.get(at..)
    }

    /// Fills `buffer` from `offset` on. Callers check that the file has these bytes.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.inner
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.inner.read_exact(buffer))
            .map_err(|source: io::Error| Error::read(offset, source))
    }

    fn left(&self, offset: u64) -> u64 {
        self.len.saturating_sub(offset)
    }
}

/// Some bytes of a file, read in advance.
#[derive(Debug)]
pub(crate) struct Window {
    bytes: Vec<u8>,
    start: u64,
    /// How many bytes to read at a time.
    ahead: usize,
}

impl Window {
    pub(crate) fn new(ahead: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, ahead }
    }

    /// `len` bytes at `offset`, or fewer at `end` or at the end of the file.
    pub(crate) fn get<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
        offset: u64,
        len: usize,
        end: u64,
    ) -> Result<&[u8], Error> {
        let available = end.min(input.len()).saturating_sub(offset);
        let len = usize::try_from(available).unwrap_or(len).min(len);
        if self.held(offset, len).is_none() {
            let ahead = self.ahead.max(len);
            let ahead = usize::try_from(available).unwrap_or(ahead).min(ahead);
            self.bytes.clear();
            self.bytes.resize(ahead, 0);
            self.start = offset;
            input.read_at(offset, &mut self.bytes)?;
        }
        Ok(self.held(offset, len).unwrap_or_default())
    }

    fn held(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let at = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(at..at.checked_add(len)?)
    }
}

const NEAR_LEN: usize = 256;
