use std::io::{Read, Seek, SeekFrom};

use crate::Error;

/// A file of known length.
#[derive(Debug)]
pub(crate) struct Input<R> {
    inner: R,
    len: u64,
}

impl<R: Read + Seek> Input<R> {
    pub(crate) fn new(mut inner: R) -> Result<Self, Error> {
        let len = inner.seek(SeekFrom::End(0)).map_err(|source| Error::Io { offset: 0, source })?;
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
            .map_err(|source| Error::Io { offset, source })
    }

    /// Fills `buffer` from where the file stands; `offset` is that place, for the error.
    pub(crate) fn read_on(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.inner.read_exact(buffer).map_err(|source| Error::Io { offset, source })
    }

    /// Fills `buffer` from `offset` on. That the file has so many bytes there is the
    /// caller's to check.
    pub(crate) fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.seek(offset)?;
        self.read_on(offset, buffer)
    }

    /// `N` bytes at `offset`; none if the file does not have them.
    pub(crate) fn array<const N: usize>(&mut self, offset: u64) -> Result<Option<[u8; N]>, Error> {
        let mut bytes = [0; N];
        if self.left(offset) < wide(N) {
            return Ok(None);
        }
        self.read_at(offset, &mut bytes)?;
        Ok(Some(bytes))
    }

    /// A part of the file: at most `limit` bytes, and as many as there are.
    pub(crate) fn bytes(&mut self, offset: u64, len: u64, limit: usize) -> Result<Vec<u8>, Error> {
        let len = usize::try_from(len.min(self.left(offset))).unwrap_or(limit).min(limit);
        let mut bytes = vec![0; len];
        self.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }
}

pub(crate) fn wide(len: usize) -> u64 {
    // usize has at most 64 bits on every platform of Rust.
    u64::try_from(len).unwrap_or(u64::MAX)
}
