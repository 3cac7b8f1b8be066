use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{Container, DETECTION_LEN, Error};

/// A file that is imported, told from others by what is in it.
pub(crate) struct SourceFile {
    path: PathBuf,
    pub(crate) bytes: u64,
    sha256: [u8; 32],
}

impl SourceFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let (bytes, sha256) = read_through(path, &mut io::sink())?;
        Ok(Self { path: path.to_owned(), bytes, sha256 })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// File name, without directories.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// SHA-256 of the file, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Copies the file, byte for byte.
    pub(crate) fn copy_to(&self, out: &mut impl io::Write) -> Result<(), Error> {
        self.check(read_through(&self.path, out)?)
    }

    /// An error if the file is not what it was.
    pub(crate) fn check_unchanged(&self) -> Result<(), Error> {
        self.check(read_through(&self.path, &mut io::sink())?)
    }

    fn check(&self, now: (u64, [u8; 32])) -> Result<(), Error> {
        match now == (self.bytes, self.sha256) {
            true => Ok(()),
            false => Err(Error::SourceChanged { path: self.path.clone() }),
        }
    }
}

/// Opens a regular file: one that gives the same when it is read a second time.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    let fault = |source| Error::OpenSource { path: path.to_owned(), source };
    // Before it is opened: to open a pipe waits for a writer.
    let kind = fs::metadata(path).map_err(fault)?.file_type();
    if kind.is_dir() {
        return Err(fault(io::ErrorKind::IsADirectory.into()));
    }
    if !kind.is_file() {
        return Err(fault(io::Error::other("not a regular file")));
    }
    File::open(path).map_err(fault)
}

/// Tells the container by the content of a file.
pub(crate) fn detect(path: &Path) -> Result<Container, Error> {
    let mut start = Vec::new();
    let len = u64::try_from(DETECTION_LEN).unwrap_or(u64::MAX);
    open(path)?
        .take(len)
        .read_to_end(&mut start)
        .map_err(|source| Error::ReadSource { path: path.to_owned(), source })?;
    Container::detect(&start)
        .map_err(|reason| Error::UnknownContainer { path: path.to_owned(), reason })
}

/// Copies a file; gives its length and SHA-256.
fn read_through(path: &Path, out: &mut impl io::Write) -> Result<(u64, [u8; 32]), Error> {
    let mut input = Hashing { inner: open(path)?, sha256: Sha256::new(), bytes: 0 };
    io::copy(&mut input, out).map_err(|error| copy_error(path, error))?;
    Ok((input.bytes, input.sha256.finalize().into()))
}

/// A failure to copy is one of the store, or else of reading the file.
pub(crate) fn copy_error(path: &Path, error: io::Error) -> Error {
    match error.downcast::<opus_zarr_store::Error>() {
        Ok(store) => store.into(),
        Err(source) => Error::ReadSource { path: path.to_owned(), source },
    }
}

/// Hashes and counts what is read.
struct Hashing<R> {
    inner: R,
    sha256: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.sha256.update(out.get(..count).unwrap_or_default());
        self.bytes += u64::try_from(count).unwrap_or_default();
        Ok(count)
    }
}
