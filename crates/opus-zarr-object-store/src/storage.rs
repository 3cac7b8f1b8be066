use std::{
    collections::{HashMap, HashSet},
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use object_store::{ObjectStore, path::Path};
use opus_zarr_store::{
    AsyncStorage, Draft, Entries, EntriesFuture, Entry, ObjectWriter, Part, PartFuture,
    RecordingName, Storage, WriteStorage,
};

use crate::{
    Error,
    bucket::Bucket,
    draft::{ObjectDraft, Session, document_key},
    fault::one_line,
    lease::{LEASES, leased_names},
    tasks::Tasks,
    upload::Upload,
    url,
};

/// A store in an object store. Clones share its connections and threads.
///
/// Requests run on threads of its own: it can be used from any thread, also from those of
/// an async runtime, which the blocking methods of [`Storage`] then block; those of
/// [`AsyncStorage`] do not.
#[derive(Clone, Debug)]
pub struct ObjectStorage {
    bucket: Bucket,
    tasks: Tasks,
    place: String,
    lease: Duration,
    is_read_only: bool,
    /// What this process is writing, by name.
    sessions: Arc<Mutex<HashMap<String, Weak<Session>>>>,
}

impl ObjectStorage {
    /// The store below a prefix of an object store, which may be empty. `place` is what
    /// messages call it.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        place: impl Into<String>,
    ) -> Result<Self, Error> {
        let place = place.into();
        let prefix = Path::parse(prefix).map_err(|error| Error::Settings {
            place: place.clone(),
            reason: one_line(&error.to_string()),
        })?;
        let tasks = Tasks::start();
        let tasks = tasks.map_err(|source| Error::Threads { place: place.clone(), source })?;
        Ok(Self {
            bucket: Bucket::new(store, &prefix),
            tasks,
            place,
            lease: LEASE,
            is_read_only: false,
            sessions: Arc::default(),
        })
    }

    /// The store at a URL, such as `s3://bucket/prefix`. What else is needed comes from
    /// the environment: the variables `AWS_*`, `GOOGLE_*` and `AZURE_*` that `object_store`
    /// knows, among them `AWS_ENDPOINT` and `AWS_ALLOW_HTTP`.
    ///
    /// `s3`, `gs`, `az` and their like can be written. What `http` and `https` give can only
    /// be read, unless the host is one of Amazon S3, Cloudflare R2 or Azure.
    pub fn from_url(url: &str) -> Result<Self, Error> {
        Self::from_url_with(url, url::environment())
    }

    /// The same with these options in place of those of the environment, in the names of
    /// `object_store`: `aws_endpoint`, `timeout`. What it does not know is passed over.
    pub fn from_url_with<K: AsRef<str>, V: Into<String>>(
        url: &str,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, Error> {
        let options = options
            .into_iter()
            .map(|(key, value)| (key.as_ref().to_ascii_lowercase(), value.into()));
        let opened = url::open(&url::parse(url)?, options.collect())?;
        let mut storage = Self::new(opened.store, &opened.prefix, opened.place)?;
        storage.is_read_only = opened.is_read_only;
        Ok(storage)
    }

    /// How long a writer may show no life before others take it for dead, in place of 60
    /// seconds. All writers of a store must have the same: a writer renews its lease every
    /// quarter of it.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// The recordings that this process is writing.
    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Weak<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that an object belongs to.
    fn session_of(&self, key: &str) -> Option<Arc<Session>> {
        self.sessions().get(key.split('/').next()?)?.upgrade()
    }
}

impl fmt::Display for ObjectStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl Storage for ObjectStorage {
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        let (bucket, key) = (self.bucket.clone(), key.to_owned());
        self.tasks.wait(async move { bucket.read(&key, part).await })
    }

    /// One list, and if there are leases another one and a request for each of them. A
    /// prefix that is under no lease is given as a recording without a look at its document.
    /// All names are held in memory before the first is given: the leases have to be looked
    /// at after the names, or what a writer begins in between would seem to be complete.
    fn entries(&self) -> io::Result<Entries<'_>> {
        let bucket = self.bucket.clone();
        let entries = self.tasks.wait(async move { entries(&bucket).await })?;
        Ok(Box::new(entries.into_iter().map(Ok)))
    }

    fn writing(&self) -> io::Result<&dyn WriteStorage> {
        match self.is_read_only {
            true => Err(io::Error::new(
                io::ErrorKind::ReadOnlyFilesystem,
                "what a web server gives can only be read",
            )),
            false => Ok(self),
        }
    }
}

impl AsyncStorage for ObjectStorage {
    fn read<'a>(&'a self, key: &'a str, part: Part) -> PartFuture<'a> {
        let (bucket, key) = (self.bucket.clone(), key.to_owned());
        Box::pin(self.tasks.run(async move { bucket.read(&key, part).await }))
    }

    fn entries(&self) -> EntriesFuture<'_> {
        let bucket = self.bucket.clone();
        let listed = self.tasks.run(async move { entries(&bucket).await });
        Box::pin(async move {
            let entries: Entries<'_> = Box::new(listed.await?.into_iter().map(Ok));
            Ok(entries)
        })
    }
}

impl WriteStorage for ObjectStorage {
    fn create(&self, key: &str) -> io::Result<Box<dyn ObjectWriter>> {
        let session = self.session_of(key);
        Ok(Box::new(Upload::new(self.bucket.clone(), self.tasks.clone(), key, session)))
    }

    /// If another writer has a lease for the name, waits whether that shows life: up to the
    /// duration of a lease.
    fn begin(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        let (bucket, lease, owned) = (self.bucket.clone(), self.lease, name.clone());
        let session = self.tasks.wait(async move { Session::begin(bucket, owned, lease).await })?;
        let session = Arc::new(session);
        let mut sessions = self.sessions();
        sessions.retain(|_, session| session.strong_count() > 0);
        sessions.insert(name.as_str().to_owned(), Arc::downgrade(&session));
        Ok(Box::new(ObjectDraft::new(session, self.tasks.clone())))
    }

    fn remove(&self, name: &RecordingName) -> io::Result<()> {
        let (bucket, lease, name) = (self.bucket.clone(), self.lease, name.clone());
        self.tasks.wait(async move {
            let session = Session::lease(bucket, name, lease).await?;
            let removed = session.remove().await;
            // Objects without a document stay under a lease.
            let is_clear = match &removed {
                Ok(()) => true,
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            };
            session.end(is_clear).await;
            removed
        })
    }
}

async fn entries(bucket: &Bucket) -> io::Result<Vec<Entry>> {
    let (prefixes, objects) = bucket.names().await?;
    let mut unfinished = HashSet::new();
    if prefixes.iter().any(|name| name == LEASES) {
        for name in leased_names(bucket).await? {
            let name = name.parse::<RecordingName>();
            let Ok(name) = name else { continue };
            if !bucket.exists(&document_key(&name)).await? {
                unfinished.insert(name.as_str().to_owned());
            }
        }
    }
    let prefixes = prefixes.into_iter().filter(|name| name != LEASES && !unfinished.contains(name));
    let recordings = prefixes.map(|name| match name.starts_with('.') {
        true => Entry::Other(name),
        false => Entry::Recording(name),
    });
    Ok(recordings.chain(objects.into_iter().map(Entry::Other)).collect())
}

/// Long enough for several requests that are slow and sent again.
const LEASE: Duration = Duration::from_secs(60);
