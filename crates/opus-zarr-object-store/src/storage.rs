use std::{
    collections::{HashMap, HashSet},
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use object_store::{ObjectStore, path::Path};
use opus_zarr_store::{
    AsyncStorage, Claim, Draft, Entries, EntriesFuture, Entry, ObjectWriter, Part, PartFuture,
    RecordingName, Storage, WriteStorage,
};

use crate::{
    Error,
    bucket::Bucket,
    claim::ObjectClaim,
    draft::{ObjectDraft, Session, document_key},
    error::Reason,
    fault::one_line,
    lease::{LEASES, leased_names},
    tasks::Tasks,
    upload::Upload,
    url,
};

/// A store in an object store. Clones share connections and threads.
///
/// Requests run on threads of the storage, so it can be used from any thread and any async runtime.
/// The methods of [`Storage`] block the calling thread; those of [`AsyncStorage`] do not.
#[derive(Clone)]
pub struct ObjectStorage {
    bucket: Bucket,
    tasks: Tasks,
    place: String,
    lease: Duration,
    is_read_only: bool,
    /// The recordings that this process is writing, by name.
    sessions: Arc<Mutex<HashMap<String, Weak<Session>>>>,
}

impl ObjectStorage {
    /// Creates a storage for the store below a prefix, possibly empty, of an object store.
    /// Messages call it `place`.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        place: impl Into<String>,
    ) -> Result<Self, Error> {
        let place = place.into();
        let prefix = Path::parse(prefix).map_err(|error| Reason::Settings {
            place: place.clone(),
            reason: one_line(&error.to_string()),
            provider: None,
        })?;
        let tasks = Tasks::start();
        let tasks = tasks.map_err(|source| Reason::Threads { place: place.clone(), source })?;
        Ok(Self {
            bucket: Bucket::new(store, &prefix),
            tasks,
            place,
            lease: LEASE,
            is_read_only: false,
            sessions: Arc::default(),
        })
    }

    /// Opens the store at a URL such as `s3://bucket/prefix`. Other settings come from the
    /// environment: the variables `AWS_*`, `GOOGLE_*` and `AZURE_*` that `object_store` knows,
    /// among them `AWS_ENDPOINT` and `AWS_ALLOW_HTTP`.
    ///
    /// Stores at `http` and `https` URLs can only be read, unless the host belongs to Amazon S3,
    /// Cloudflare R2 or Azure.
    pub fn from_url(url: &str) -> Result<Self, Error> {
        Self::of(url, url::environment(), Vec::new())
    }

    /// Opens the store at a URL with these options instead of the environment, named as in
    /// `object_store`: `aws_endpoint`, `timeout`. An unknown option is an error.
    pub fn from_url_with<K: AsRef<str>, V: Into<String>>(
        url: &str,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, Error> {
        Self::of(url, Vec::new(), url::named(options))
    }

    pub(crate) fn of(
        url: &str,
        environment: url::Options,
        options: url::Options,
    ) -> Result<Self, Error> {
        let opened = url::open(&url::parse(url)?, environment, options)?;
        let mut storage = Self::new(opened.store, &opened.prefix, opened.place)?;
        storage.is_read_only = opened.is_read_only;
        Ok(storage)
    }

    /// Sets how long a writer may stay silent before others consider it dead. The default is 60
    /// seconds. All writers of a store must use the same duration. A writer renews its lease four
    /// times in it.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// The recordings that this process is writing.
    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Weak<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recording being written that an object belongs to.
    fn session_of(&self, key: &str) -> Option<Arc<Session>> {
        self.sessions().get(key.split('/').next()?)?.upgrade()
    }
}

/// Prints the place only: a client may print secrets, and one in memory prints its content.
impl fmt::Debug for ObjectStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectStorage({})", self.place)
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

    /// Takes one list request, and if leases exist another one and a request for each lease. Lists
    /// a prefix without a lease as a recording, without reading its document. Holds all names in
    /// memory, because leases must be listed after names: otherwise a recording begun in between
    /// would seem complete.
    fn entries(&self) -> io::Result<Entries<'_>> {
        let bucket = self.bucket.clone();
        let entries = self.tasks.wait(async move { entries(&bucket).await })?;
        Ok(Box::new(entries.into_iter().map(Ok)))
    }

    fn writing(&self) -> io::Result<&dyn WriteStorage> {
        if self.is_read_only {
            let message = "a store on a web server is read-only";
            return Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, message));
        }
        Ok(self)
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

    /// If another writer has a lease for the name, waits up to the duration of a lease to see
    /// whether it is alive.
    fn begin(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        let (bucket, lease, owned) = (self.bucket.clone(), self.lease, name.clone());
        let session = self.tasks.wait(async move { Session::begin(bucket, owned, lease).await })?;
        let session = Arc::new(session);
        let mut sessions = self.sessions();
        sessions.retain(|_, session| session.strong_count() > 0);
        sessions.insert(name.as_str().to_owned(), Arc::downgrade(&session));
        Ok(Box::new(ObjectDraft::new(session, self.tasks.clone())))
    }

    /// If another writer has a lease for the name, waits up to the duration of a lease to see
    /// whether it is alive.
    fn claim(&self, name: &RecordingName) -> io::Result<Box<dyn Claim>> {
        let (bucket, tasks) = (self.bucket.clone(), self.tasks.clone());
        Ok(Box::new(ObjectClaim::take(bucket, name.clone(), self.lease, tasks)?))
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
    let recordings = prefixes.map(|name| {
        if name.starts_with('.') {
            Entry::Other(name)
        } else {
            Entry::Recording { name, version: None }
        }
    });
    Ok(recordings.chain(objects.into_iter().map(Entry::Other)).collect())
}

/// Long enough for several slow requests with retries.
const LEASE: Duration = Duration::from_secs(60);
