//! The local file system, with relative paths as keys.

use std::{
    fmt,
    fs::{self, File, FileType, OpenOptions, TryLockError},
    io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    Draft, Entries, Entry, ObjectWriter, Part, RecordingName, Storage, WriteStorage,
    layout::METADATA, storage::DRAFT_PREFIX,
};

/// A store in a directory.
///
/// Symbolic links below the directory are rejected, so that an untrusted store cannot expose
/// files outside of it. Files are synced to the disk before they get their name. A writer locks
/// its drafts while it lives; a draft without a lock belongs to a dead writer and is removed by
/// the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalStorage {
    root: PathBuf,
}

impl LocalStorage {
    /// Creates a storage in the directory `root`, which need not exist before writing.
    pub fn new(root: impl AsRef<Path>) -> Self {
        Self { root: root.as_ref().to_owned() }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Opens the regular file of a key.
    fn open(&self, key: &str) -> io::Result<File> {
        let path = self.plain_path(key)?;
        // Checked before opening, because opening a pipe waits for a writer.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        File::open(path)
    }

    /// The path of a key, unless a symbolic link is on it.
    fn plain_path(&self, key: &str) -> io::Result<PathBuf> {
        let mut path = self.root.clone();
        for segment in key.split('/') {
            path.push(segment);
            if fs::symlink_metadata(&path)?.file_type().is_symlink() {
                return Err(io::Error::other("symbolic links within a store are not followed"));
            }
        }
        Ok(path)
    }

    /// Rejects a key whose parent directories include a symbolic link. A link at the key itself is
    /// replaced, not followed.
    fn refuse_links_above(&self, key: &str) -> io::Result<()> {
        let Some((directory, _)) = key.rsplit_once('/') else { return Ok(()) };
        match self.plain_path(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result.map(drop),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// Whether something, a recording or not, has this name.
    fn is_taken(&self, name: &RecordingName) -> bool {
        fs::symlink_metadata(self.path(name.as_str())).is_ok()
    }
}

impl fmt::Display for LocalStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.display().fmt(f)
    }
}

impl Storage for LocalStorage {
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        let mut file = self.open(key)?;
        let (start, len) = match part {
            Part::Range(range) => (range.start, range.end.saturating_sub(range.start)),
            Part::Last(count) => {
                let len = file.metadata()?.len();
                (len.saturating_sub(count), count.min(len))
            }
            Part::Whole(limit) => {
                let len = file.metadata()?.len();
                if len > limit {
                    return Err(ErrorKind::FileTooLarge.into());
                }
                (0, len)
            }
        };
        // Reserve no more than several chunks need before bytes arrive to fill it.
        let mut bytes = Vec::with_capacity(usize::try_from(len).map_or(0, |len| len.min(RESERVED)));
        file.seek(SeekFrom::Start(start))?;
        file.take(len).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()) != Ok(len) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    fn entries(&self) -> io::Result<Entries<'_>> {
        let entries = fs::read_dir(&self.root)?;
        Ok(Box::new(entries.filter_map(|entry| listed(entry).transpose())))
    }

    fn writing(&self) -> io::Result<&dyn WriteStorage> {
        Ok(self)
    }
}

impl WriteStorage for LocalStorage {
    fn create(&self, key: &str) -> io::Result<Box<dyn ObjectWriter>> {
        self.refuse_links_above(key)?;
        let path = self.path(key);
        let directory = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(directory)?;
        // A draft has one writer and is removed as a whole if that dies.
        if !key.starts_with(DRAFT_PREFIX) {
            remove_dead_drafts(directory);
        }
        let (draft, file) = create_draft_file(directory)?;
        let out = BufWriter::with_capacity(BUFFER_LEN, file);
        Ok(Box::new(LocalObject { out: Some(out), draft, path }))
    }

    fn begin(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        if self.is_taken(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        remove_dead_drafts(&self.root);
        let (prefix, lock) = create_draft_directory(&self.root)?;
        let (storage, name) = (self.clone(), name.clone());
        Ok(Box::new(LocalDraft { storage, name, prefix, _lock: lock, is_committed: false }))
    }

    fn remove(&self, name: &RecordingName) -> io::Result<()> {
        let path = self.plain_path(name.as_str())?;
        // Anything but a recording is not ours to delete.
        self.plain_path(&format!("{name}/{METADATA}")).map_err(|error| match error.kind() {
            ErrorKind::NotADirectory => ErrorKind::NotFound.into(),
            _ => error,
        })?;
        remove_dead_drafts(&self.root);
        let gone = self.path(&unique_name());
        rename_for_good(&path, &gone, &self.root)?;
        // The recording is gone. If its files cannot be removed now, the next writer does it.
        warn_if_left(&gone, fs::remove_dir_all(&gone));
        Ok(())
    }
}

/// A file being written next to its final place, under a unique name.
struct LocalObject {
    /// Open, and therefore locked, until it has its final name; `None` from then on.
    out: Option<BufWriter<File>>,
    draft: PathBuf,
    path: PathBuf,
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

/// A recording being written: a directory that is locked while its writer lives.
#[derive(Debug)]
struct LocalDraft {
    storage: LocalStorage,
    name: RecordingName,
    prefix: String,
    _lock: File,
    is_committed: bool,
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

    /// Syncs everything to the disk before writing the document.
    fn commit(mut self: Box<Self>, document: &[u8]) -> io::Result<()> {
        let (storage, draft) = (&self.storage, self.storage.path(&self.prefix));
        sync_tree(&draft)?;
        let mut object = storage.create(&format!("{}/{METADATA}", self.prefix))?;
        object.write_all(document)?;
        object.finish()?;
        let path = storage.path(self.name.as_str());
        rename_for_good(&draft, &path, &storage.root).map_err(|error| match error.kind() {
            ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory => {
                ErrorKind::AlreadyExists.into()
            }
            _ => error,
        })?;
        self.is_committed = true;
        Ok(())
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

/// Classifies a directory entry. Returns `None` for a draft.
fn listed(entry: io::Result<fs::DirEntry>) -> io::Result<Option<Entry>> {
    let entry = entry?;
    let name = match entry.file_name().into_string() {
        Ok(name) if name.starts_with(DRAFT_PREFIX) => return Ok(None),
        Ok(name) => name,
        // Recording names are UTF-8.
        Err(name) => return Ok(Some(Entry::Other(name.to_string_lossy().into_owned()))),
    };
    let is_recording = entry.file_type()?.is_dir()
        && is_document(&name, fs::symlink_metadata(entry.path().join(METADATA)));
    Ok(Some(if is_recording { Entry::Recording(name) } else { Entry::Other(name) }))
}

/// Whether a document exists. Assumes so if that cannot be determined, so that opening the
/// recording reports why.
fn is_document<T>(name: &str, found: io::Result<T>) -> bool {
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(_) => name.parse::<RecordingName>().is_ok(),
        Ok(_) => true,
    }
}

/// Warns if a draft could not be removed, unless another process has removed it already.
fn warn_if_left(path: &Path, removed: io::Result<()>) {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "cannot remove a draft");
        }
        _ => {}
    }
}

/// Renames a directory in `parent` durably. On failure, restores the old name so that an error
/// leaves everything as it was.
fn rename_for_good(from: &Path, to: &Path, parent: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_dir(parent).inspect_err(|_| {
        if let Err(error) = fs::rename(to, from) {
            tracing::warn!(path = %to.display(), %error, "cannot undo a rename");
        }
    })
}

/// Creates a locked file with a unique name. Before it is locked, another process may take it for
/// the remains of a dead writer and remove it; then another name is tried.
fn create_draft_file(directory: &Path) -> io::Result<(PathBuf, File)> {
    loop {
        let path = directory.join(unique_name());
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.lock().inspect_err(|_| drop(fs::remove_file(&path)))?;
        if path.exists() {
            return Ok((path, file));
        }
    }
}

/// Creates a locked directory with a unique name, like [`create_draft_file`]. Returns its key.
fn create_draft_directory(root: &Path) -> io::Result<(String, File)> {
    loop {
        let name = unique_name();
        let path = root.join(&name);
        fs::create_dir(&path)?;
        let lock = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            lock => lock?,
        };
        match lock.try_lock() {
            Ok(()) if path.exists() => return Ok((name, lock)),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                drop(fs::remove_dir(&path));
                return Err(error);
            }
        }
    }
}

/// A name that no other process or thread uses or has used.
fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{DRAFT_PREFIX}{}-{count}-{now}", std::process::id())
}

/// Syncs the entries of a directory to the disk.
fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Syncs a directory and all directories in it.
fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_dir(path)
}

/// Removes drafts in a directory whose writers are dead, which is when nobody holds their lock.
/// Failing to do so does not prevent writing.
fn remove_dead_drafts(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(DRAFT_PREFIX) {
            continue;
        }
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        let Some(lock) = lockable(&path, kind) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        tracing::info!(path = %path.display(), "removing the remains of a dead writer");
        let removed =
            if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        warn_if_left(&path, removed);
    }
}

/// Opens something with the name of a draft, unless it is of a type that no writer creates.
fn lockable(path: &Path, kind: FileType) -> Option<File> {
    (kind.is_dir() || kind.is_file()).then(|| File::open(path).ok()).flatten()
}

/// Bytes reserved at first: a read of several chunks.
const RESERVED: usize = 1024 * 1024;
/// Large enough to make few system calls for large objects.
const BUFFER_LEN: usize = 256 * 1024;
