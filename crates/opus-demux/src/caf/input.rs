use std::io::{Read, Seek, SeekFrom};

use crate::caf::Error;

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

    /// Fills `buffer` from `offset` on. That the file has so many bytes there is the
    /// caller's to check.
    pub(crate) fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.inner
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.inner.read_exact(buffer))
            .map_err(|source| Error::Io { offset, source })
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

    /// At most `limit` bytes of a part of the file.
    pub(crate) fn bytes(&mut self, offset: u64, len: u64, limit: usize) -> Result<Vec<u8>, Error> {
        let len = usize::try_from(len.min(self.left(offset))).unwrap_or(limit).min(limit);
        let mut bytes = vec![0; len];
        self.read_at(offset, &mut bytes)?;
        Ok(bytes)
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
    /// How many to read at once.
    ahead: usize,
}

impl Window {
    pub(crate) fn new(ahead: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, ahead }
    }

    /// `len` bytes at `offset`, or as many as there are up to `end` (and the end of the
    /// file).
    pub(crate) fn get<R: Read + Seek>(
        &mut self,
        input: &mut Input<R>,
        offset: u64,
        len: usize,
        end: u64,
    ) -> Result<&[u8], Error> {
        let available = end.min(input.len()).saturating_sub(offset);
        let len = usize::try_from(available).unwrap_or(len).min(len);
        if !self.holds(offset, len) {
            let ahead = self.ahead.max(len);
            let ahead = usize::try_from(available).unwrap_or(ahead).min(ahead);
            self.bytes.clear();
            self.bytes.resize(ahead, 0);
            self.start = offset;
            input.read_at(offset, &mut self.bytes)?;
        }
        Ok(self.held(offset, len).unwrap_or_default())
    }

    fn holds(&self, offset: u64, len: usize) -> bool {
        self.held(offset, len).is_some()
    }

    fn held(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let at = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(at..at.checked_add(len)?)
    }
}

pub(crate) fn wide(len: usize) -> u64 {
    // usize has at most 64 bits on every platform of Rust.
    u64::try_from(len).unwrap_or(u64::MAX)
}
