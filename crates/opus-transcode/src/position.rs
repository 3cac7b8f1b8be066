//! How far a file was read.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{Error, input::open_regular};

/// How many bytes of a file were read.
#[derive(Clone, Debug)]
pub struct Position(pub(crate) Arc<AtomicU64>);

impl Position {
    /// Returns the position after the last byte that was read.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file that publishes its position.
pub(crate) struct Counted {
    file: File,
    position: Arc<AtomicU64>,
}

impl Counted {
    pub(crate) fn open(path: &Path, position: Arc<AtomicU64>) -> Result<Self, Error> {
        Ok(Self { file: open_regular(path)?, position })
    }
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        self.position.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = self.file.seek(to)?;
        self.position.store(position, Ordering::Relaxed);
        Ok(position)
    }
}
