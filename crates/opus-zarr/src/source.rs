use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use opus_demux::{ErrorKind, open_file};
use sha2::{Digest, Sha256};

use crate::{Error, error::Reason, progress::Watch};

/// A source file, identified by its content.
pub(crate) struct SourceFile {
    path: PathBuf,
    pub(crate) bytes: u64,
    sha256: [u8; 32],
}

impl SourceFile {
    /// Hashes the file, or gives up when `is_given_up` is set.
    pub(crate) fn open(path: &Path, is_given_up: &AtomicBool) -> Result<Self, Error> {
        let (bytes, sha256) = hash(path, is_given_up)?;
        Ok(Self { path: path.to_owned(), bytes, sha256 })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of the file, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Copies the file, byte for byte. The hash of the copy shows whether the file has changed.
    pub(crate) fn copy_to(
        &self,
        out: &mut impl io::Write,
        watch: &mut Watch<'_>,
    ) -> Result<(), Error> {
        read_through(&self.path, |piece| {
            out.write_all(piece).map_err(|error| copy_error(&self.path, error))?;
            watch.bytes(piece.len())
        })
    }

    /// Checks that the file has not changed.
    pub(crate) fn check_unchanged(&self) -> Result<(), Error> {
        if hash(&self.path, &AtomicBool::new(false))? == (self.bytes, self.sha256) {
            return Ok(());
        }
        Err(Reason::SourceChanged { path: self.path.clone() }.into())
    }
}

/// Opens a regular file, which can be read several times.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    open_file(path).map_err(|error| demux_error(path, error))
}

/// Converts the error of a demuxer in a file.
pub(crate) fn demux_error(path: &Path, reason: opus_demux::Error) -> Error {
    let (path, kind) = (path.to_owned(), reason.kind());
    match reason.into_io() {
        Ok(source) if kind == ErrorKind::Open => Error::from(Reason::OpenSource { path, source }),
        Ok(source) => Error::from(Reason::ReadSource { path, source }),
        Err(reason) => Error::from(Reason::Source { path, source: reason }),
    }
}

/// Returns the length of a file in bytes.
pub(crate) fn file_len(path: &Path) -> Result<u64, Error> {
    let file = open(path)?;
    let fault = |source| Error::from(Reason::ReadSource { path: path.to_owned(), source });
    Ok(file.metadata().map_err(fault)?.len())
}

/// Returns the length and SHA-256 of a file.
fn hash(path: &Path, is_given_up: &AtomicBool) -> Result<(u64, [u8; 32]), Error> {
    let (mut sha256, mut bytes) = (Sha256::new(), 0);
    read_through(path, |piece| {
        sha256.update(piece);
        bytes += u64::try_from(piece.len()).unwrap_or_default();
        if is_given_up.load(Ordering::Relaxed) {
            Err(Error::from(Reason::Cancelled))
        } else {
            Ok(())
        }
    })?;
    Ok((bytes, sha256.finalize().into()))
}

/// Reads a whole file, in pieces large enough to make the cost of system calls negligible.
fn read_through(
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut file = open(path)?;
    let mut piece = vec![0; PIECE_LEN];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => each(piece.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(Error::from(Reason::ReadSource { path: path.to_owned(), source }));
            }
        }
    }
}

/// Converts an error of copying a file into a store: either writing failed, or reading the file.
pub(crate) fn copy_error(path: &Path, error: io::Error) -> Error {
    match error.downcast::<opus_zarr_store::Error>() {
        Ok(store) => store.into(),
        Err(source) => Error::from(Reason::ReadSource { path: path.to_owned(), source }),
    }
}

const PIECE_LEN: usize = 256 * 1024;
