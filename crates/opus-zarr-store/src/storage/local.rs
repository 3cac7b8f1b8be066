//! The local file system. Keys are relative paths.

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
/// Symbolic links below the directory are refused, so that a store from elsewhere shows
/// nothing that is not in it. Files are synced to the disk before they get their name.
/// What a writer has not finished is locked while it lives; what is not locked is of a
/// dead one, and is removed by the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalStorage {
    root: PathBuf,
}

impl LocalStorage {
    /// The directory `root`, which need not exist before it is written to.
    pub fn new(root: impl AsRef<Path>) -> Self {
        Self { root: root.as_ref().to_owned() }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The regular file of a key, open.
    fn open(&self, key: &str) -> io::Result<File> {
        let path = self.plain_path(key)?;
        // Before it is opened: to open a pipe waits for a writer.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        File::open(path)
    }

    /// The path of a key, if no symbolic link is on it.
    fn plain_path(&self, key: &str) -> io::Result<PathBuf> {
        let mut path = self.root.clone();
        for segment in key.split('/') {
            path.push(segment);
            if fs::symlink_metadata(&path)?.file_type().is_symlink() {
                return Err(io::Error::other("a symbolic link within a store is not followed"));
            }
        }
        Ok(path)
    }

    /// What is written stays in the store as well. What is not there yet is no link, and
    /// one in the place of the object itself is replaced and not followed.
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

    /// The directory of a recording or of something else that has its name.
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
        // No more room than some chunks need, before there are bytes to fill it.
        let mut bytes = Vec::with_capacity(usize::try_from(len).map_or(0, |len| len.min(RESERVED)));
        file.seek(SeekFrom::Start(start))?;
        file.take(len).read_to_end(&mut bytes)?;
        match u64::try_from(bytes.len()) == Ok(len) {
            true => Ok(bytes),
            false => Err(ErrorKind::UnexpectedEof.into()),
        }
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
        // A draft has one writer, and goes as a whole if that dies.
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
        // What is no recording is not ours to delete, whatever its name is.
        self.plain_path(&format!("{name}/{METADATA}")).map_err(|error| match error.kind() {
            ErrorKind::NotADirectory => ErrorKind::NotFound.into(),
            _ => error,
        })?;
        remove_dead_drafts(&self.root);
        let gone = self.path(&unique_name());
        rename_for_good(&path, &gone, &self.root)?;
        // It is not there any more. Held by nobody, it is removed by the next writer if it
        // cannot be now, or by one that is at it already.
        warn_if_left(&gone, fs::remove_dir_all(&gone));
        Ok(())
    }
}

/// A file that is being written, under a name of its own beside its place.
struct LocalObject {
    /// None once it has its name. Open, and so locked, until then.
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

/// A recording that is being written: a directory that is locked while its writer lives.
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

    /// A second name for the same file, where the file system has that, or else a copy:
    /// objects are replaced and never changed.
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

    /// Everything but the document is on the disk before that is written.
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

/// What a directory entry is; none of it if it is a draft.
fn listed(entry: io::Result<fs::DirEntry>) -> io::Result<Option<Entry>> {
    let entry = entry?;
    let name = match entry.file_name().into_string() {
        Ok(name) if name.starts_with(DRAFT_PREFIX) => return Ok(None),
        Ok(name) => name,
        // No recording can have such a name.
        Err(name) => return Ok(Some(Entry::Other(name.to_string_lossy().into_owned()))),
    };
    let is_recording = entry.file_type()?.is_dir()
        && is_document(&name, fs::symlink_metadata(entry.path().join(METADATA)));
    Ok(Some(if is_recording { Entry::Recording(name) } else { Entry::Other(name) }))
}

/// Whether there is a document. Where that cannot be known there is one, so that who opens it is told why.
fn is_document<T>(name: &str, found: io::Result<T>) -> bool {
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(_) => name.parse::<RecordingName>().is_ok(),
        Ok(_) => true,
    }
}

/// That it is gone already is no failure to remove it: another may have done it.
fn warn_if_left(path: &Path, removed: io::Result<()>) {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "cannot remove a draft");
        }
        _ => {}
    }
}

/// Renames a directory in `parent` and makes sure that this lasts. If that fails, the old
/// name is given back, so that who is told of an error finds what there was before.
fn rename_for_good(from: &Path, to: &Path, parent: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_dir(parent).inspect_err(|_| {
        if let Err(error) = fs::rename(to, from) {
            tracing::warn!(path = %to.display(), %error, "cannot take back a new name");
        }
    })
}

/// Creates a file with a name of its own, locked. Another process may take one that is
/// not locked yet for what a dead writer left and remove it: then there is another name.
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

/// The same with a directory; gives its key.
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

/// A name that no other process or thread uses, nor has one that died.
fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{DRAFT_PREFIX}{}-{count}-{now}", std::process::id())
}

/// Makes sure that what a directory lists is on the disk.
fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The same for all directories in it.
fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_dir(path)
}

/// Removes the drafts in a directory whose writer is dead: nobody holds their lock.
/// That it cannot is no reason not to write.
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
        tracing::info!(path = %path.display(), "removing what a dead writer left");
        let is_dir = kind.is_dir();
        warn_if_left(
            &path,
            if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) },
        );
    }
}

/// What has the name of a draft, open, unless it is something that no writer makes.
fn lockable(path: &Path, kind: FileType) -> Option<File> {
    (kind.is_dir() || kind.is_file()).then(|| File::open(path).ok()).flatten()
}

/// What is made room for at once: a read of several chunks.
const RESERVED: usize = 1024 * 1024;
/// Few system calls for large objects.
const BUFFER_LEN: usize = 256 * 1024;
