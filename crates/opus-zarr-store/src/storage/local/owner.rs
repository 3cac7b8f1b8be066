//! Whose a draft or a claim is, and whether its owner is alive.
//!
//! A process that dies loses its locks, which tells the others on the same machine. A lock on a network
//! file system may not reach other mounts, though, even on the same machine, and some file systems
//! have none. So the names of drafts state how far the locks of their owner reach. Beyond that, only time
//! tells: what nobody has touched for long has no owner.

use std::{
    collections::hash_map::RandomState,
    fs::{self, File, FileType, TryLockError},
    hash::{BuildHasher, Hasher},
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use crate::storage::DRAFT_PREFIX;

/// How far the locks of this process in a directory reach: everything on one mount of one running machine.
/// `None` if the directory has no locks, or the machine cannot be told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reach(Option<String>);

impl Reach {
    pub(super) fn of(directory: &Path) -> io::Result<Self> {
        let has_locks = match File::open(directory)?.try_lock() {
            Ok(()) | Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => false,
        };
        let here = || Some(format!("{}.{:x}", machine()?, device(directory)?));
        Ok(Self(has_locks.then(here).flatten()))
    }

    /// A name for a draft that nobody else uses or has used.
    pub(super) fn unique_name(&self) -> String {
        // Processes in containers share their numbers, and clocks can be equal.
        let random = || RandomState::new().build_hasher().finish();
        let (reach, process) = (self.0.as_deref().unwrap_or(NOWHERE), std::process::id());
        format!("{DRAFT_PREFIX}{reach}-{process}-{:016x}{:016x}", random(), random())
    }

    pub(super) fn has_locks(&self) -> bool {
        self.0.is_some()
    }

    /// Whether locks tell if the owner of something with this name is alive.
    pub(super) fn includes(&self, name: &str) -> bool {
        let owner = name.strip_prefix(DRAFT_PREFIX).and_then(|rest| rest.split('-').next());
        self.has_locks() && self.0.as_deref() == owner
    }
}

/// A draft without an owner.
pub(super) struct Dead {
    /// Held until the draft is removed, so that no owner who has just created it takes it for its own.
    _lock: Option<File>,
}

impl Dead {
    /// Returns a draft that has no owner any more. `now` is the time by the clock of the file system.
    pub(super) fn find(
        path: &Path,
        name: &str,
        kind: FileType,
        here: &Reach,
        now: SystemTime,
    ) -> Option<Self> {
        if !(kind.is_dir() || kind.is_file()) {
            return None; // No writer creates anything else.
        }
        if here.includes(name) {
            let file = File::open(path).ok()?;
            file.try_lock().ok()?;
            return Some(Self { _lock: Some(file) });
        }
        let is_forgotten = modified(path).is_some_and(|then| is_older(then, now, FORGOTTEN));
        is_forgotten.then_some(Self { _lock: None })
    }
}

/// Whether something was touched longer ago than this.
pub(super) fn is_older(then: SystemTime, now: SystemTime, age: Duration) -> bool {
    now.duration_since(then).is_ok_and(|passed| passed > age)
}

pub(super) fn modified(path: &Path) -> Option<SystemTime> {
    fs::symlink_metadata(path).ok()?.modified().ok()
}

/// Identifies the running machine, containers on it included.
fn machine() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    (digits.len() == 12).then_some(digits)
}

#[cfg(unix)]
fn device(path: &Path) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::dev(&fs::metadata(path).ok()?))
}

#[cfg(not(unix))]
fn device(_: &Path) -> Option<u64> {
    None
}

/// Stands for a reach that nobody shares.
const NOWHERE: &str = "x";
/// Writers touch their drafts whenever they begin an object, of 16 MiB at most.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);
