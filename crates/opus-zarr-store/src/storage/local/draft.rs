//! Recordings being written: directories with unique names, locked where that is possible.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, SystemTime},
};

use super::{
    LocalStorage,
    claim::{refuse_foreign, taken},
    durable::{exchange_for_good, rename_for_good, sync_tree},
    owner::{Dead, Reach},
};
use crate::{Claim, Draft, RecordingName, WriteStorage, layout::METADATA, storage::DRAFT_PREFIX};

/// A recording being written.
#[derive(Debug)]
pub(super) struct LocalDraft {
    storage: LocalStorage,
    name: RecordingName,
    prefix: String,
    /// Held while the writer lives.
    _lock: Option<File>,
    is_committed: bool,
}

impl LocalDraft {
    pub(super) fn begin(storage: &LocalStorage, name: &RecordingName) -> io::Result<Self> {
        let here = storage.reach()?.clone();
        let (prefix, lock) = create_locked(storage.root(), &here)?;
        let (storage, name) = (storage.clone(), name.clone());
        let draft = Self { storage, name, prefix, _lock: lock, is_committed: false };
        if draft.storage.is_sweep_due() {
            remove_dead(draft.storage.root(), &draft.storage.path(&draft.prefix), &here);
        }
        Ok(draft)
    }
}

impl Draft for LocalDraft {
    fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Creates a hard link if the file system supports it, or a copy. A link is safe because
    /// objects are replaced, never changed in place.
    fn take(&self, from: &str, to: &str) -> io::Result<()> {
        // Only a regular file is an object.
        let mut file = self.storage.open(from)?;
        let key = format!("{}/{to}", self.prefix);
        let path = self.storage.path(&key);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        if fs::hard_link(self.storage.path(from), path).is_ok() {
            return Ok(());
        }
        let mut object = self.storage.create(&key)?;
        io::copy(&mut file, &mut object)?;
        object.finish()
    }

    fn commit(mut self: Box<Self>, document: &[u8]) -> io::Result<()> {
        let draft = self.complete(document)?;
        let path = self.storage.path(self.name.as_str());
        rename_for_good(&draft, &path, self.storage.root()).map_err(|error| taken(error, &path))?;
        self.is_committed = true;
        Ok(())
    }

    /// Exchanges the directories. The old recording is a draft then, which the next writer removes if
    /// this one dies.
    fn replace(
        mut self: Box<Self>,
        claim: Box<dyn Claim>,
        document: &[u8],
        members: &[&str],
    ) -> io::Result<()> {
        let draft = self.complete(document)?;
        let path = self.storage.path(self.name.as_str());
        refuse_foreign(&path, Some(members))?;
        exchange_for_good(&draft, &path, self.storage.root())?;
        self.is_committed = true;
        // Its file is in the old recording, whose directory can be removed once none is open.
        drop(claim);
        remove_tree(&draft);
        Ok(())
    }
}

impl LocalDraft {
    /// Syncs everything to the disk, then writes the document. Returns the path of the draft.
    fn complete(&self, document: &[u8]) -> io::Result<PathBuf> {
        let draft = self.storage.path(&self.prefix);
        sync_tree(&draft)?;
        let mut object = self.storage.create(&format!("{}/{METADATA}", self.prefix))?;
        object.write_all(document)?;
        object.finish()?;
        Ok(draft)
    }
}

impl Drop for LocalDraft {
    fn drop(&mut self) {
        if !self.is_committed {
            let path = self.storage.path(&self.prefix);
            warn_if_left(&path, fs::remove_dir_all(&path));
        }
    }
}

/// Touches the draft that a key belongs to, so that others see that its writer is alive.
pub(super) fn touch(storage: &LocalStorage, key: &str) {
    let draft = key.split('/').next().unwrap_or(key);
    let touched = File::open(storage.path(draft)).and_then(|it| it.set_modified(SystemTime::now()));
    if let Err(error) = touched {
        tracing::debug!(draft, %error, "cannot touch a draft");
    }
}

/// Removes drafts in a directory whose owners are dead. `fresh` was just made there, which tells the
/// time of the file system. Failing to remove them does not prevent writing.
pub(super) fn remove_dead(directory: &Path, fresh: &Path, here: &Reach) {
    let Some(now) = super::owner::modified(fresh) else { return };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        if !name.starts_with(DRAFT_PREFIX) || path == fresh {
            continue;
        }
        if let Some(dead) = Dead::find(&path, &name, kind, here, now) {
            tracing::info!(path = %path.display(), "removing the remains of a dead writer");
            if kind.is_dir() {
                remove_tree(&path);
            } else {
                warn_if_left(&path, fs::remove_file(&path));
            }
            drop(dead);
        }
    }
}

/// Removes a directory that has no owner. If that fails now, the next writer does it.
pub(super) fn remove_tree(path: &Path) {
    let mut removed = fs::remove_dir_all(path);
    // On network file systems, a file that was just closed may stay for a moment.
    for _ in 0..5 {
        match &removed {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => sleep(PAUSE),
            _ => break,
        }
        removed = fs::remove_dir_all(path);
    }
    warn_if_left(path, removed);
}

const PAUSE: Duration = Duration::from_millis(20);

/// Warns if a draft could not be removed, unless another process has removed it already.
pub(super) fn warn_if_left(path: &Path, removed: io::Result<()>) {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "cannot remove a draft");
        }
        _ => {}
    }
}

/// Creates a directory with a unique name, locked if possible. Returns its key. Before it is locked,
/// another process may take it for the remains of a dead writer and remove it; then another name is
/// tried.
fn create_locked(root: &Path, here: &Reach) -> io::Result<(String, Option<File>)> {
    loop {
        let name = here.unique_name();
        let path = root.join(&name);
        fs::create_dir(&path)?;
        if !here.has_locks() {
            return Ok((name, None));
        }
        let lock = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            lock => lock?,
        };
        match lock.try_lock() {
            Ok(()) if path.exists() => return Ok((name, Some(lock))),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                drop(fs::remove_dir(&path));
                return Err(error);
            }
        }
    }
}
