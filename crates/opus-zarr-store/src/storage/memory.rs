use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Claim, Draft, Entries, Entry, ObjectWriter, Part, RecordingName, Storage, WriteStorage,
    layout::METADATA,
    recording::document_key,
    storage::{CLAIM_WAIT, DRAFT_PREFIX, is_foreign},
};

/// A store in memory, for tests and temporary data. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryStorage {
    objects: Arc<Mutex<BTreeMap<String, Arc<[u8]>>>>,
    drafts: Arc<AtomicU64>,
    /// The names of claimed recordings.
    claims: Arc<(Mutex<BTreeSet<RecordingName>>, Condvar)>,
}

impl MemoryStorage {
    /// Creates an empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Arc<[u8]>>> {
        // No code that holds the lock can panic in the middle of a change.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn object(&self, key: &str) -> io::Result<Arc<[u8]>> {
        self.objects().get(key).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn contains(&self, name: &RecordingName) -> bool {
        self.objects().contains_key(&document_key(name))
    }

    /// Removes everything below a key.
    fn remove_all(&self, prefix: &str) {
        let below = format!("{prefix}/");
        self.objects().retain(|key, _| !key.starts_with(&below));
    }
}

/// Prints no objects, which may be large.
impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStorage")
    }
}

impl fmt::Display for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory:")
    }
}

impl Storage for MemoryStorage {
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        let object = self.object(key)?;
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        let bytes = match part {
            Part::Range(range) => object.get(at(range.start)..at(range.end)),
            Part::Last(count) => object.get(object.len().saturating_sub(at(count))..),
            Part::Whole(limit) if at(limit) < object.len() => {
                let found = format!("{} bytes", object.len());
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, found));
            }
            Part::Whole(_) => Some(&*object),
        };
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn entries(&self) -> io::Result<Entries<'_>> {
        let objects = self.objects();
        let mut entries: Vec<Entry> = objects
            .keys()
            .filter(|key| !key.starts_with(DRAFT_PREFIX))
            .map(|key| match key.split_once('/') {
                Some((name, _)) if objects.contains_key(&format!("{name}/{METADATA}")) => {
                    Entry::Recording { name: name.to_owned(), version: None }
                }
                Some((name, _)) => Entry::Other(name.to_owned()),
                None => Entry::Other(key.clone()),
            })
            .collect();
        // The keys are sorted, so equal entries are adjacent.
        entries.dedup();
        Ok(Box::new(entries.into_iter().map(Ok)))
    }

    fn writing(&self) -> io::Result<&dyn WriteStorage> {
        Ok(self)
    }
}

impl WriteStorage for MemoryStorage {
    fn create(&self, key: &str) -> io::Result<Box<dyn ObjectWriter>> {
        Ok(Box::new(MemoryObject { storage: self.clone(), key: key.to_owned(), bytes: Vec::new() }))
    }

    fn begin(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        if self.contains(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.begin_replacement(name)
    }

    fn begin_replacement(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let (storage, name) = (self.clone(), name.clone());
        Ok(Box::new(MemoryDraft { storage, name, prefix: format!("{DRAFT_PREFIX}{number}") }))
    }

    fn claim(&self, name: &RecordingName) -> io::Result<Box<dyn Claim>> {
        let (claims, freed) = &*self.claims;
        let claims = claims.lock().unwrap_or_else(PoisonError::into_inner);
        let is_claimed = |claims: &mut BTreeSet<RecordingName>| claims.contains(name);
        let waited = freed.wait_timeout_while(claims, CLAIM_WAIT, is_claimed);
        let (mut claims, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        if !self.contains(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        claims.insert(name.clone());
        Ok(Box::new(MemoryClaim { storage: self.clone(), name: name.clone() }))
    }
}

struct MemoryObject {
    storage: MemoryStorage,
    key: String,
    bytes: Vec<u8>,
}

impl io::Write for MemoryObject {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ObjectWriter for MemoryObject {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.storage.objects().insert(self.key, self.bytes.into());
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryDraft {
    storage: MemoryStorage,
    name: RecordingName,
    prefix: String,
}

impl Draft for MemoryDraft {
    fn prefix(&self) -> &str {
        &self.prefix
    }

    fn take(&self, from: &str, to: &str) -> io::Result<()> {
        let object = self.storage.object(from)?;
        self.storage.objects().insert(format!("{}/{to}", self.prefix), object);
        Ok(())
    }

    fn commit(self: Box<Self>, document: &[u8]) -> io::Result<()> {
        let mut objects = self.storage.objects();
        if objects.contains_key(&document_key(&self.name)) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        move_all(&mut objects, &self.prefix, self.name.as_str());
        objects.insert(document_key(&self.name), document.into());
        Ok(())
    }

    fn replace(
        self: Box<Self>,
        claim: Box<dyn Claim>,
        document: &[u8],
        members: &[&str],
    ) -> io::Result<()> {
        let mut objects = self.storage.objects();
        if !objects.contains_key(&document_key(&self.name)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        refuse_foreign(&objects, &self.name, Some(members))?;
        let below = format!("{}/", self.name);
        objects.retain(|key, _| !key.starts_with(&below));
        move_all(&mut objects, &self.prefix, self.name.as_str());
        objects.insert(document_key(&self.name), document.into());
        drop(objects);
        drop(claim);
        Ok(())
    }
}

impl Drop for MemoryDraft {
    fn drop(&mut self) {
        self.storage.remove_all(&self.prefix);
    }
}

#[derive(Debug)]
struct MemoryClaim {
    storage: MemoryStorage,
    name: RecordingName,
}

impl Claim for MemoryClaim {
    fn replace(&self, before: &[u8], after: &[u8]) -> io::Result<bool> {
        let mut objects = self.storage.objects();
        let document = objects.get_mut(&document_key(&self.name));
        let document = document.ok_or(io::ErrorKind::NotFound)?;
        let is_same = **document == *before;
        if is_same {
            *document = after.into();
        }
        Ok(is_same)
    }

    fn rename(self: Box<Self>, to: &RecordingName) -> io::Result<()> {
        let mut objects = self.storage.objects();
        if objects.contains_key(&document_key(to)) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        move_all(&mut objects, self.name.as_str(), to.as_str());
        Ok(())
    }

    fn remove(self: Box<Self>, members: Option<&[&str]>) -> io::Result<()> {
        refuse_foreign(&self.storage.objects(), &self.name, members)?;
        self.storage.remove_all(self.name.as_str());
        Ok(())
    }
}

impl Drop for MemoryClaim {
    fn drop(&mut self) {
        let (claims, freed) = &*self.storage.claims;
        claims.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
        freed.notify_all();
    }
}

/// Fails if a recording has a member that is none of these.
fn refuse_foreign(
    objects: &BTreeMap<String, Arc<[u8]>>,
    name: &RecordingName,
    members: Option<&[&str]>,
) -> io::Result<()> {
    let below = format!("{name}/");
    let mut found = objects.keys().filter_map(|key| key.strip_prefix(&below)?.split('/').next());
    match found.find(|member| is_foreign(member, members)) {
        Some(foreign) => Err(io::Error::new(io::ErrorKind::DirectoryNotEmpty, foreign.to_owned())),
        None => Ok(()),
    }
}

/// Moves the objects below one prefix to another.
fn move_all(objects: &mut BTreeMap<String, Arc<[u8]>>, from: &str, to: &str) {
    let below = format!("{from}/");
    let keys: Vec<String> = objects.keys().filter(|key| key.starts_with(&below)).cloned().collect();
    for key in keys {
        if let (Some(object), Some(rest)) = (objects.remove(&key), key.strip_prefix(&below)) {
            objects.insert(format!("{to}/{rest}"), object);
        }
    }
}
