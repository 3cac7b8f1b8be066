//! Changes of directories that survive a crash of the machine.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::Path,
};

use crate::storage::NO_REPLACEMENT;

/// Renames a directory in `parent` durably. On failure, restores the old name so that an error
/// leaves everything as it was.
pub(super) fn rename_for_good(from: &Path, to: &Path, parent: &Path) -> io::Result<()> {
    fs::rename(from, to).map_err(explain)?;
    sync_dir(parent).inspect_err(|_| {
        if let Err(error) = fs::rename(to, from) {
            tracing::warn!(path = %to.display(), %error, "cannot undo a rename");
        }
    })
}

/// Says what an error means that concerns two places on one disk.
fn explain(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::CrossesDevices => io::Error::new(error.kind(), OVERLAY),
        _ => error,
    }
}

const OVERLAY: &str = "the file system cannot rename directories, like some overlays; \
                       use a store in an ordinary directory";

/// Exchanges two directories in `parent` durably. On failure, restores the old names.
pub(super) fn exchange_for_good(one: &Path, other: &Path, parent: &Path) -> io::Result<()> {
    exchange(one, other)?;
    sync_dir(parent).inspect_err(|_| {
        if let Err(error) = exchange(one, other) {
            tracing::warn!(path = %other.display(), %error, "cannot undo an exchange");
        }
    })
}

/// Exchanges two directories in one step.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(io::Error::from) {
        // The file system does not know the flag, the kernel does not know the call, or the directory
        // is in a lower layer of an overlay.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::CrossesDevices
            ) =>
        {
            Err(io::Error::new(ErrorKind::Unsupported, NO_REPLACEMENT))
        }
        exchanged => exchanged,
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::new(ErrorKind::Unsupported, NO_REPLACEMENT))
}

/// Syncs the entries of a directory to the disk, if the file system can. Shared folders of virtual
/// machines, for example, refuse it.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            tracing::debug!(path = %path.display(), %error, "cannot sync a directory");
            Ok(())
        }
        synced => synced,
    }
}

/// Syncs a directory and all directories in it.
pub(super) fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_dir(path)
}
