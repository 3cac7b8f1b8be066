use std::io::{Read, Seek, SeekFrom};

use crate::{Error, error::Reason};

/// A file of known length.
#[derive(Debug)]
pub(crate) struct Input<R> {
    inner: R,
    len: u64,
}

impl<R: Read + Seek> Input<R> {
    pub(crate) fn new(mut inner: R) -> Result<Self, Error> {
        let len =
            inner.seek(SeekFrom::End(0)).map_err(|source| Reason::Io { offset: 0, source })?;
        Ok(Self { inner, len })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn left(&self, offset: u64) -> u64 {
        self.len.saturating_sub(offset)
    }

    pub(crate) fn seek(&mut self, offset: u64) -> Result<(), Error> {
        self.inner
            .seek(SeekFrom::Start(offset))
            .map(|_| ())
            .map_err(|source| Reason::Io { offset, source }.into())
    }

    /// Fills `buffer` from the current position, which is `offset` (used only in errors).
    pub(crate) fn read_on(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.inner.read_exact(buffer).map_err(|source| Reason::Io { offset, source }.into())
    }

    /// Fills `buffer` from `offset`. The caller checks that the file holds that many bytes.
    pub(crate) fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.seek(offset)?;
        self.read_on(offset, buffer)
    }

    /// Returns `N` bytes at `offset`; `None` if the file ends before.
    pub(crate) fn array<const N: usize>(&mut self, offset: u64) -> Result<Option<[u8; N]>, Error> {
        let mut bytes = [0; N];
        if self.left(offset) < wide(N) {
            return Ok(None);
        }
        self.read_at(offset, &mut bytes)?;
        Ok(Some(bytes))
    }

    /// Returns up to `len` bytes at `offset`: at most `limit`, fewer at the end of the file.
    pub(crate) fn bytes(&mut self, offset: u64, len: u64, limit: usize) -> Result<Vec<u8>, Error> {
        let len = usize::try_from(len.min(self.left(offset))).unwrap_or(limit).min(limit);
        let mut bytes = vec![0; len];
        self.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }
}

pub(crate) fn wide(len: usize) -> u64 {
    // Lossless: usize has at most 64 bits on every Rust platform.
    u64::try_from(len).unwrap_or(u64::MAX)
}
