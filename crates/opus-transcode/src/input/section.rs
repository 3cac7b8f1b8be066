//! A part of a file that acts as a file.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use symphonia::core::io::MediaSource;

/// A byte range of a file. It may claim to be longer than it is, because symphonia rejects MP4 boxes
/// that end after the file, together with their packets.
pub(crate) struct Section<R> {
    file: R,
    bytes: Range<u64>,
    at: u64,
    is_cut_off: bool,
    is_streamed: bool,
    patches: Vec<Patch>,
}

/// Bytes to read instead of those of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    /// Position in the file.
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Patch {
    /// Replaces bytes in `buffer`, which begins at `start`.
    fn apply(&self, start: u64, buffer: &mut [u8]) {
        for (at, byte) in (self.at..).zip(&self.bytes) {
            let place = at.checked_sub(start).and_then(|place| usize::try_from(place).ok());
            if let Some(target) = place.and_then(|place| buffer.get_mut(place)) {
                *target = *byte;
            }
        }
    }
}

impl<R: Read + Seek> Section<R> {
    pub(crate) fn new(mut file: R, bytes: Range<u64>) -> io::Result<Self> {
        let is_cut_off = file.seek(SeekFrom::End(0))? < bytes.end;
        file.seek(SeekFrom::Start(bytes.start))?;
        Ok(Self {
            file,
            at: bytes.start,
            bytes,
            is_cut_off,
            is_streamed: false,
            patches: Vec::new(),
        })
    }

    /// Replaces bytes.
    pub(crate) fn patched(self, patches: Vec<Patch>) -> Self {
        Self { patches, ..self }
    }

    /// Disables seeking and hides the length, because symphonia rejects Matroska files that point
    /// beyond their end.
    pub(crate) fn streamed(self) -> Self {
        Self { is_streamed: true, ..self }
    }

    /// Returns where a position in the file lies in the section.
    pub(crate) fn place_of(&self, at: u64) -> u64 {
        at.saturating_sub(self.bytes.start)
    }

    /// Returns whether the section claims to be longer than it is.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }
}

impl<R: Read> Read for Section<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        let count = self.file.read(buffer.get_mut(..count).unwrap_or_default())?;
        let read = buffer.get_mut(..count).unwrap_or_default();
        self.patches.iter().for_each(|patch| patch.apply(self.at, read));
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

impl<R: Seek> Seek for Section<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(offset) => self.bytes.start.checked_add(offset),
            SeekFrom::End(offset) => self.bytes.end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        let at = at.filter(|at| *at >= self.bytes.start).ok_or(io::ErrorKind::InvalidInput)?;
        self.at = self.file.seek(SeekFrom::Start(at))?;
        Ok(self.at - self.bytes.start)
    }
}

impl<R: Read + Seek + Send + Sync> MediaSource for Section<R> {
    fn is_seekable(&self) -> bool {
        !self.is_streamed
    }

    fn byte_len(&self) -> Option<u64> {
        (!self.is_streamed).then_some(self.bytes.end - self.bytes.start)
    }
}

/// A source that is read twice, one reader after the other.
pub(crate) struct Shared<R>(Arc<Mutex<R>>);

impl<R> Shared<R> {
    pub(crate) fn new(source: R) -> Self {
        Self(Arc::new(Mutex::new(source)))
    }

    fn source(&self) -> MutexGuard<'_, R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Read> Read for Shared<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source().read(buffer)
    }
}

impl<R: Seek> Seek for Shared<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source().seek(to)
    }
}

impl<R: MediaSource> MediaSource for Shared<R> {
    fn is_seekable(&self) -> bool {
        self.source().is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        self.source().byte_len()
    }
}

/// Returns up to `len` bytes, fewer at the end of the file.
pub(crate) fn bytes(file: &mut (impl Read + Seek), at: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_section_counts_from_its_own_start() {
        let mut section = Section::new(Cursor::new(b"0123456789"), 2..6).unwrap();
        let mut read = || {
            let mut text = String::new();
            section.read_to_string(&mut text).map(|_| text)
        };
        assert_eq!(read().unwrap(), "2345");
        assert_eq!(section.seek(SeekFrom::End(-1)).unwrap(), 3);
        assert_eq!(section.seek(SeekFrom::Current(-2)).unwrap(), 1);
        assert!(section.seek(SeekFrom::Current(-2)).is_err());
        let mut two = [0; 2];
        section.read_exact(&mut two).unwrap();
        assert_eq!((two, section.stream_position().unwrap()), (*b"34", 3));
    }

    #[test]
    fn patches_replace_bytes_wherever_reads_begin() {
        for piece in 1..5 {
            let patch = Patch { at: 4, bytes: b"ab".to_vec() };
            let section = Section::new(Cursor::new(b"0123456789"), 2..8).unwrap();
            let mut section = section.patched(vec![patch]);
            let (mut all, mut buffer) = (Vec::new(), vec![0; piece]);
            while let count @ 1.. = section.read(&mut buffer).unwrap() {
                all.extend_from_slice(&buffer[..count]);
            }
            assert_eq!(all, b"23ab67");
        }
    }
}
