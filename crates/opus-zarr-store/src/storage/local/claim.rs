//! Recordings that are being changed: a locked file in the recording's directory.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant, SystemTime},
};

use super::{
    LocalStorage,
    draft::{LocalDraft, remove_dead, remove_tree},
    durable::rename_for_good,
    owner::{Reach, is_older, modified},
};
use crate::{
    Claim, Draft, RecordingName, WriteStorage,
    layout::METADATA,
    storage::{CLAIM_WAIT, is_foreign},
};

/// A claimed recording.
#[derive(Debug)]
pub(super) struct LocalClaim {
    storage: LocalStorage,
    name: RecordingName,
    claim: ClaimFile,
}

impl LocalClaim {
    pub(super) fn take(storage: &LocalStorage, name: &RecordingName) -> io::Result<Self> {
        let directory = storage.plain_path(name.as_str())?;
        // Anything but a recording is not ours to change.
        storage.plain_path(&format!("{name}/{METADATA}")).map_err(|error| match error.kind() {
            ErrorKind::NotADirectory => ErrorKind::NotFound.into(),
            _ => error,
        })?;
        let here = storage.reach()?;
        let began = Instant::now();
        loop {
            if let Some(claim) = ClaimFile::take(&directory, here)? {
                remove_dead(&directory, &claim.path, here);
                return Ok(Self { storage: storage.clone(), name: name.clone(), claim });
            }
            if began.elapsed() > CLAIM_WAIT {
                let path = directory.join(CLAIM);
                let message =
                    format!("another process is changing it; if there is none, delete {path:?}");
                return Err(io::Error::new(ErrorKind::ResourceBusy, message));
            }
            sleep(PAUSE);
        }
    }

    fn document(&self) -> PathBuf {
        self.directory().join(METADATA)
    }

    fn directory(&self) -> PathBuf {
        self.storage.path(self.name.as_str())
    }
}

impl Claim for LocalClaim {
    fn replace(&self, before: &[u8], after: &[u8]) -> io::Result<bool> {
        let mut object = self.storage.create(&format!("{}/{METADATA}", self.name))?;
        object.write_all(after)?;
        // Compared last, since programs that do not know claims may write it meanwhile.
        let is_same = holds(&self.document(), before)?;
        if is_same {
            object.finish()?;
        }
        Ok(is_same)
    }

    fn rename(self: Box<Self>, to: &RecordingName) -> io::Result<()> {
        if self.storage.is_taken(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let (from, path) = (self.directory(), self.storage.path(to.as_str()));
        match rename_for_good(&from, &path, self.storage.root()) {
            Ok(()) => self.claim.end_in(&path),
            Err(error) if error.kind() == ErrorKind::CrossesDevices => return self.move_to(to),
            Err(error) => return Err(taken(error, &path)),
        }
        Ok(())
    }

    fn remove(self: Box<Self>, members: Option<&[&str]>) -> io::Result<()> {
        let directory = self.directory();
        refuse_foreign(&directory, members)?;
        let gone = self.storage.path(&self.storage.reach()?.unique_name());
        match rename_for_good(&directory, &gone, self.storage.root()) {
            Ok(()) => {
                self.claim.close();
                remove_tree(&gone);
                Ok(())
            }
            // A lower layer of an overlay. Without its document, the recording is gone.
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                fs::remove_file(self.document())?;
                self.claim.close();
                fs::remove_dir_all(directory)
            }
            Err(error) => Err(error),
        }
    }
}

impl LocalClaim {
    /// Moves a recording whose directory cannot be renamed: one in a lower layer of an overlay.
    fn move_to(self: Box<Self>, to: &RecordingName) -> io::Result<()> {
        let draft = LocalDraft::begin(&self.storage, to)?;
        let document = fs::read(self.document())?;
        for file in files_in(&self.directory())? {
            let key = file.strip_prefix(self.directory()).unwrap_or(&file).to_string_lossy();
            if key != METADATA && key != CLAIM {
                draft.take(&format!("{}/{key}", self.name), &key)?;
            }
        }
        Box::new(draft).commit(&document)?;
        self.remove(None)
    }
}

/// Returns the files below a directory.
fn files_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => files.extend(files_in(&entry.path())?),
            false => files.push(entry.path()),
        }
    }
    Ok(files)
}

/// Fails if a recording has a member that is none of these.
pub(super) fn refuse_foreign(directory: &Path, members: Option<&[&str]>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let member = entry?.file_name();
        let member = member.to_string_lossy();
        if is_foreign(&member, members) {
            return Err(io::Error::new(ErrorKind::DirectoryNotEmpty, member.into_owned()));
        }
    }
    Ok(())
}

/// Whether a file holds these bytes. Reads no more of it than that takes.
fn holds(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut found = Vec::new();
    if u64::try_from(bytes.len()) == Ok(len) {
        file.take(len).read_to_end(&mut found)?;
    }
    Ok(found == bytes)
}

/// Says that a name is taken if a directory could not be renamed to it for that reason, which network
/// file systems report in other ways.
pub(super) fn taken(error: io::Error, to: &Path) -> io::Error {
    match error.kind() {
        ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory => ErrorKind::AlreadyExists.into(),
        _ if to.symlink_metadata().is_ok() => ErrorKind::AlreadyExists.into(),
        _ => error,
    }
}

/// The file of a claim. It exists while somebody claims the recording, and names the owner.
#[derive(Debug)]
struct ClaimFile {
    path: PathBuf,
    /// Locked while the owner lives.
    lock: File,
}

impl ClaimFile {
    /// Takes the claim unless a living process may have it.
    fn take(directory: &Path, here: &Reach) -> io::Result<Option<Self>> {
        let path = directory.join(CLAIM);
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Self::take_over(path, here);
            }
            Err(error) => return Err(error),
        };
        let named = file.write_all(here.unique_name().as_bytes());
        named.inspect_err(|_| drop(fs::remove_file(&path)))?;
        Ok(Self::locked(path, file, here))
    }

    /// Takes the claim of a dead process.
    fn take_over(path: PathBuf, here: &Reach) -> io::Result<Option<Self>> {
        let mut owner = String::new();
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(mut file) => {
                file.read_to_string(&mut owner)?;
                file
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let now = SystemTime::now();
        let is_older_than = |age| modified(&path).is_some_and(|then| is_older(then, now, age));
        // An owner writes its name at once.
        let is_nameless = owner.is_empty() && is_older_than(NAMELESS);
        if here.includes(&owner) || is_nameless {
            return Ok(Self::locked(path, file, here));
        }
        // One whose locks cannot be seen works for seconds.
        if is_older_than(FORGOTTEN) {
            drop(fs::remove_file(&path));
        }
        Ok(None)
    }

    /// Locks the file, if that is possible, and checks that it is still the file of the claim.
    fn locked(path: PathBuf, file: File, here: &Reach) -> Option<Self> {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return None,
            // Without locks, whoever created the file has the claim.
            Err(TryLockError::Error(_)) if here.has_locks() => return None,
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        is_at(&file, &path).then_some(Self { path, lock: file })
    }

    /// Ends the claim of a recording that was renamed.
    fn end_in(mut self, directory: &Path) {
        self.path = directory.join(CLAIM);
    }

    /// Ends the claim of a recording that is gone, whose directory can be removed as soon as no file in it
    /// is open: network file systems keep those under another name.
    fn close(mut self) {
        self.path = PathBuf::new();
    }
}

/// Leaves the claim of somebody else alone, who may have the name of a removed recording by now.
impl Drop for ClaimFile {
    fn drop(&mut self) {
        if is_at(&self.lock, &self.path) {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Whether a file still has this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: io::Result<fs::Metadata>| found.ok().map(|it| (it.dev(), it.ino()));
    let found = place(file.metadata());
    found.is_some() && found == place(fs::symlink_metadata(path))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Begins like a draft, so that it does not count as a member of the recording.
const CLAIM: &str = ".opus-zarr-draft-claim";
const PAUSE: Duration = Duration::from_millis(20);
const NAMELESS: Duration = Duration::from_secs(10);
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::DRAFT_PREFIX;

    #[test]
    fn a_claim_is_no_member() {
        assert!(CLAIM.starts_with(DRAFT_PREFIX));
    }
}
