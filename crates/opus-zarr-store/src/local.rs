//! The local file system: every error names the action and the path.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::Error;

/// Turns an I/O error into one that says what was done to what.
pub(crate) fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Io { action, path: path.to_owned(), source }
}

/// Creates a file that must not exist.
pub(crate) fn create_file(path: &Path) -> Result<File, Error> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(io_error("create", path))
}

pub(crate) fn create_dir_all(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(io_error("create directory", path))
}

/// Makes sure that what a directory lists is on the disk.
pub(crate) fn sync_dir(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(io_error("sync directory", path))
}

/// Writes a new file to the disk.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = create_file(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io_error("write", path))
}

/// Replaces a file, or creates it: readers see the old content or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let draft = draft_path(path);
    write_new(&draft, bytes)
        .and_then(|()| fs::rename(&draft, path).map_err(io_error("replace", path)))
        .inspect_err(|_| drop(fs::remove_file(&draft)))?;
    sync_dir(directory)
}

/// A name beside `path` that no other process or thread uses.
pub(crate) fn draft_path(path: &Path) -> PathBuf {
    path.with_file_name(unique_name())
}

/// A file name that no other process or thread uses, nor has one that died.
pub(crate) fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{DRAFT_PREFIX}{}-{count}-{now}", std::process::id())
}

/// Reads a range of a file: exactly its bytes, or an error.
pub(crate) fn read_range(path: &Path, range: Range<u64>) -> Result<Vec<u8>, Error> {
    let len = range.end.saturating_sub(range.start);
    tracing::trace!(path = %path.display(), offset = range.start, bytes = len, "ranged read");
    let mut file = File::open(path).map_err(io_error("open", path))?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(range.start))
        .and_then(|_| file.take(len).read_to_end(&mut bytes))
        .map_err(io_error("read", path))?;
    if u64::try_from(bytes.len()) != Ok(len) {
        let reason = format!("the file ends after {} of them", bytes.len());
        let path = path.to_owned();
        return Err(Error::Damaged { path, offset: range.start, end: range.end, reason });
    }
    Ok(bytes)
}

/// Reads a whole file that must not be longer than `limit` bytes.
pub(crate) fn read_whole(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(io_error("open", path))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io_error("read", path))?;
    tracing::trace!(path = %path.display(), offset = 0, bytes = bytes.len(), "whole read");
    if u64::try_from(bytes.len()).is_ok_and(|len| len > limit) {
        let reason = format!("longer than {limit} bytes");
        return Err(Error::Metadata { path: path.to_owned(), reason });
    }
    Ok(bytes)
}

/// How the names of unfinished files and directories begin. Recordings cannot
/// have such a name.
pub(crate) const DRAFT_PREFIX: &str = ".opus-zarr-draft-";
