//! The local file system, with relative paths as keys.

mod claim;
mod draft;
mod durable;
mod object;
mod owner;

use std::{
    fmt,
    fs::{self, File, FileType},
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use self::{
    claim::LocalClaim,
    draft::{LocalDraft, remove_dead, touch},
    object::LocalObject,
    owner::Reach,
};
use crate::{
    Claim, Draft, Entries, Entry, ObjectWriter, Part, RecordingName, Storage, WriteStorage,
    layout::METADATA, path_text, storage::DRAFT_PREFIX,
};

/// A store in a directory.
///
/// Symbolic links below the directory are rejected, so that an untrusted store cannot expose
/// files outside of it. Files are synced to the disk before they get their name. Drafts of dead
/// writers are removed by the next writer, which looks for them once a minute: on the same machine
/// those without a lock, on others those untouched for a day.
#[derive(Clone, Debug)]
pub struct LocalStorage {
    root: PathBuf,
    /// How far locks reach, once something was written.
    reach: Arc<OnceLock<Reach>>,
    /// When the directory was last searched for drafts of dead writers.
    swept: Arc<Mutex<Option<Instant>>>,
}

impl LocalStorage {
    /// Creates a storage in the directory `root`, which need not exist before writing.
    pub fn new(root: impl AsRef<Path>) -> Self {
        Self { root: root.as_ref().to_owned(), reach: Arc::default(), swept: Arc::default() }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Opens the regular file of a key.
    fn open(&self, key: &str) -> io::Result<File> {
        let (path, kind) = self.plain(key)?;
        // Checked before opening, because opening a pipe waits for a writer.
        if !kind.is_some_and(|kind| kind.is_file()) {
            return Err(io::Error::new(ErrorKind::InvalidData, "not a regular file"));
        }
        File::open(path)
    }

    /// The path of a key, unless a symbolic link is on it.
    fn plain_path(&self, key: &str) -> io::Result<PathBuf> {
        self.plain(key).map(|(path, _)| path)
    }

    /// The path of a key and what is there, unless a symbolic link is on the path.
    fn plain(&self, key: &str) -> io::Result<(PathBuf, Option<FileType>)> {
        let (mut path, mut kind) = (self.root.clone(), None);
        for segment in key.split('/') {
            path.push(segment);
            let found = fs::symlink_metadata(&path)?.file_type();
            if found.is_symlink() {
                let message = "symbolic links within a store are not followed";
                return Err(io::Error::new(ErrorKind::InvalidData, message));
            }
            kind = Some(found);
        }
        Ok((path, kind))
    }

    /// Whether it is time to search the directory for drafts of dead writers, which takes as long as
    /// the store is large.
    fn is_sweep_due(&self) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = swept.is_none_or(|swept| swept.elapsed() > SWEEP_INTERVAL);
        if is_due {
            *swept = Some(Instant::now());
        }
        is_due
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

    /// Creates the directories of an object. The first one of its key must exist, unless it is the
    /// store's own: a recording that was removed meanwhile does not come back.
    fn create_directories(&self, key: &str, directory: &Path) -> io::Result<()> {
        if let Some((first, _)) = key.split_once('/')
            && !self.path(first).is_dir()
        {
            return Err(ErrorKind::NotFound.into());
        }
        fs::create_dir_all(directory)
    }

    /// Returns how far locks of this process reach. The store must exist.
    fn reach(&self) -> io::Result<&Reach> {
        if let Some(reach) = self.reach.get() {
            return Ok(reach);
        }
        let reach = Reach::of(&self.root)?;
        Ok(self.reach.get_or_init(|| reach))
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// Whether something, a recording or not, has this name.
    fn is_taken(&self, name: &RecordingName) -> bool {
        fs::symlink_metadata(self.path(name.as_str())).is_ok()
    }
}

impl PartialEq for LocalStorage {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl Eq for LocalStorage {}

impl fmt::Display for LocalStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        path_text(self.root.as_os_str()).fmt(f)
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
                    let found = format!("{len} bytes");
                    return Err(io::Error::new(ErrorKind::FileTooLarge, found));
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
        self.create_directories(key, directory)?;
        let here = self.reach()?;
        let object = LocalObject::create(directory, path.clone(), here)?;
        // A draft has one writer and is removed as a whole if that dies.
        if key.starts_with(DRAFT_PREFIX) {
            touch(self, key);
        } else {
            remove_dead(directory, object.draft(), here);
        }
        Ok(Box::new(object))
    }

    fn begin(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        if self.is_taken(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Ok(Box::new(LocalDraft::begin(self, name)?))
    }

    fn begin_replacement(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        Ok(Box::new(LocalDraft::begin(self, name)?))
    }

    fn claim(&self, name: &RecordingName) -> io::Result<Box<dyn Claim>> {
        Ok(Box::new(LocalClaim::take(self, name)?))
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
    if !entry.file_type()?.is_dir() {
        return Ok(Some(Entry::Other(name)));
    }
    let document = fs::symlink_metadata(entry.path().join(METADATA));
    let version = document.as_ref().ok().and_then(version);
    let is_recording = is_document(&name, document);
    Ok(Some(if is_recording { Entry::Recording { name, version } } else { Entry::Other(name) }))
}

/// The version of a document. None if it is so young that another change might leave the same time.
fn version(document: &fs::Metadata) -> Option<String> {
    let modified = document.modified().ok()?;
    let age = SystemTime::now().duration_since(modified).ok()?;
    let since = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (age > TIME_STEP).then(|| format!("{}-{}", document.len(), since.as_nanos()))
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

/// More than the precision of times in file systems, which is two seconds in FAT.
const TIME_STEP: Duration = Duration::from_secs(3);

/// Time between two searches for drafts of dead writers.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Bytes reserved at first: a read of several chunks.
const RESERVED: usize = 1024 * 1024;
