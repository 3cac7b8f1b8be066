//! Objects being written: locked files with unique names next to their final places.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{draft::warn_if_left, durable::sync_dir, owner::Reach};
use crate::ObjectWriter;

/// A file being written next to its final place.
pub(super) struct LocalObject {
    /// Open, and therefore locked, until it has its final name; `None` from then on.
    out: Option<BufWriter<File>>,
    draft: PathBuf,
    path: PathBuf,
}

impl LocalObject {
    pub(super) fn create(directory: &Path, path: PathBuf, here: &Reach) -> io::Result<Self> {
        let (draft, file) = create_locked(directory, here)?;
        let out = BufWriter::with_capacity(BUFFER_LEN, file);
        Ok(Self { out: Some(out), draft, path })
    }

    pub(super) fn draft(&self) -> &Path {
        &self.draft
    }
}

impl Write for LocalObject {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.as_mut().map_or(Ok(0), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl ObjectWriter for LocalObject {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.flush()?;
        if let Some(out) = &self.out {
            out.get_ref().sync_all()?;
        }
        fs::rename(&self.draft, &self.path)?;
        self.out = None;
        self.path.parent().map_or(Ok(()), sync_dir)
    }
}

impl Drop for LocalObject {
    fn drop(&mut self) {
        if self.out.is_some() {
            warn_if_left(&self.draft, fs::remove_file(&self.draft));
        }
    }
}

/// Creates a locked file with a unique name. Before it is locked, another process may take it for
/// the remains of a dead writer and remove it; then another name is tried.
fn create_locked(directory: &Path, here: &Reach) -> io::Result<(PathBuf, File)> {
    loop {
        let path = directory.join(here.unique_name());
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        if !here.has_locks() {
            return Ok((path, file));
        }
        file.lock().inspect_err(|_| drop(fs::remove_file(&path)))?;
        if path.exists() {
            return Ok((path, file));
        }
    }
}

/// Large enough to make few system calls for large objects.
const BUFFER_LEN: usize = 256 * 1024;
