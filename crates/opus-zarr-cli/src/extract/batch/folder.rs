//! The directory of the cuts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// A directory that is created with its first file.
pub(super) struct Folder<'a> {
    path: &'a Path,
    /// The directories that were created, from the innermost on.
    created: Option<Vec<PathBuf>>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self { path, created: None }
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
