//! The directory of several files.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use crate::failure::{Exit, Failure};

/// A directory that is created with its first file.
pub(super) struct Folder<'a> {
    path: &'a Path,
    /// The directories that were created, from the innermost on.
    created: Option<Vec<PathBuf>>,
    /// Keeps other commands out.
    lock: Option<File>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self { path, created: None, lock: None }
    }

    /// Creates the directory if nothing is there, and returns its path.
    pub(super) fn create(&mut self) -> Result<&'a Path, Failure> {
        if self.created.is_none() {
            let missing = self.path.ancestors().take_while(|path| {
                !path.as_os_str().is_empty() && matches!(path.try_exists(), Ok(false))
            });
            self.created = Some(missing.map(Path::to_owned).collect());
            fs::create_dir_all(self.path)
                .map_err(|error| Failure::io("create", self.path, &error))?;
            self.lock = lock(self.path)?;
        }
        Ok(self.path)
    }

    /// Removes the directories that were created, if no file came to stay in them.
    pub(super) fn remove_if_empty(&self) {
        for path in self.created.iter().flatten() {
            // Fails if it is not empty.
            if fs::remove_dir(path).is_err() {
                break;
            }
        }
    }
}

/// Locks a directory, where directories can be locked.
fn lock(path: &Path) -> Result<Option<File>, Failure> {
    let Ok(directory) = File::open(path) else { return Ok(None) };
    match directory.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let message = format!("another extract is writing to {path:?}");
            let hint = "wait until it is done, or pass another directory";
            let failure = Failure::new(Exit::Locked, message).with_hint(hint);
            Err(Failure { is_lasting: true, ..failure })
        }
        _ => Ok(Some(directory)),
    }
}
