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

/// Creates a file that must not exist, and locks it as long as it is open, so that
/// a draft can be told from what a dead writer left.
pub(crate) fn create_file(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let file = file.map_err(io_error("create", path))?;
    file.lock().map_err(io_error("lock", path))?;
    Ok(file)
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
    create_file(path).and_then(|file| write_and_sync(file, path, bytes)).map(drop)
}

/// Replaces a file, or creates it: readers see the old content or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let (draft, file) = create_draft(path)?;
    write_and_sync(file, &draft, bytes)
        // Locked until it has its name.
        .and_then(|_file| fs::rename(&draft, path).map_err(io_error("replace", path)))
        .inspect_err(|_| drop(fs::remove_file(&draft)))?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Creates a draft beside `path`. Another process may take one that is not locked
/// yet for what a dead writer left and remove it: then there is another name.
pub(crate) fn create_draft(path: &Path) -> Result<(PathBuf, File), Error> {
    loop {
        let draft = draft_path(path);
        let file = create_file(&draft).inspect_err(|_| drop(fs::remove_file(&draft)))?;
        if draft.exists() {
            return Ok((draft, file));
        }
    }
}

fn write_and_sync(mut file: File, path: &Path, bytes: &[u8]) -> Result<File, Error> {
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io_error("write", path))?;
    Ok(file)
}

/// A name beside `path` that no other process or thread uses.
fn draft_path(path: &Path) -> PathBuf {
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

/// Removes the drafts in a directory whose writer is dead: nobody holds their lock.
/// That it cannot is no reason not to write.
pub(crate) fn remove_dead_drafts(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if !entry.file_name().to_string_lossy().starts_with(DRAFT_PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(&path) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        tracing::info!(path = %path.display(), "removing what a dead writer left");
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "cannot remove a draft");
        }
    }
}

/// How the names of unfinished files and directories begin. Recordings cannot
/// have such a name.
pub(crate) const DRAFT_PREFIX: &str = ".opus-zarr-draft-";
