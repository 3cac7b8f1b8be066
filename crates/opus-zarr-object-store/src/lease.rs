//! Leases, which decide who may write a recording. Object stores have no locks, but they can create
//! an object only if it is absent, and replace one only if it is unchanged.
//!
//! A lease is an object `.opus-zarr-leases/<name>/<generation>`, which its writer replaces from
//! time to time. It holds no time. Whoever finds one watches by its own clock whether it changes
//! within the duration of a lease. If it does not, its writer is considered dead, and a successor
//! creates the next generation; only one of several successors can. The successor then checks the
//! old lease once more. A writer renews its lease before it checks for a newer one. At most one of a
//! slow writer and its successor therefore proceeds.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{BuildHasher, RandomState},
    io,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use object_store::{Error, PutMode, UpdateVersion};
use opus_zarr_store::RecordingName;
use tokio::{sync::Mutex, time::sleep};

use crate::{
    bucket::Bucket,
    fault::{busy, io_error, is_unclear},
};

/// The prefix of all leases, which no recording name can have.
pub(crate) const LEASES: &str = ".opus-zarr-leases";

/// A lease that was ours when last checked.
pub(crate) struct Lease {
    bucket: Bucket,
    name: RecordingName,
    generation: u64,
    writer: String,
    duration: Duration,
    /// Whether it replaced the lease of a dead writer.
    is_taken_over: bool,
    is_lost: AtomicBool,
    /// When the last successful renewal began.
    renewed: std::sync::Mutex<Instant>,
    renewal: Mutex<Renewal>,
}

struct Renewal {
    count: u64,
    version: UpdateVersion,
}

/// The result of watching a lease.
enum Watched {
    Dead(Vec<u8>),
    Gone,
}

impl Lease {
    /// Takes the lease of a name. Waits for the duration of a lease if another writer has one and
    /// stays silent.
    pub(crate) async fn take(
        bucket: &Bucket,
        name: &RecordingName,
        duration: Duration,
    ) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let found = generations(bucket, name).await?;
            let Some((&generation, key)) = found.last_key_value() else {
                return Self::create(bucket, name, duration, 1, None).await;
            };
            match watch(bucket, key, duration).await? {
                Watched::Dead(content) => {
                    tracing::info!(%name, "taking over from a silent writer");
                    let old = Some((key.as_str(), content.as_slice()));
                    return Self::create(bucket, name, duration, generation + 1, old).await;
                }
                Watched::Gone => {}
            }
        }
        Err(busy("other writers keep beginning and ending"))
    }

    /// Creates a generation unless another writer does. `old` is the lease being taken over.
    async fn create(
        bucket: &Bucket,
        name: &RecordingName,
        duration: Duration,
        generation: u64,
        old: Option<(&str, &[u8])>,
    ) -> io::Result<Self> {
        let (writer, key) = (unique(), lease_key(name, generation));
        let began = Instant::now();
        let put = bucket.put(&key, content(&writer, 0), PutMode::Create).await;
        let version = match put {
            Ok(version) => version,
            // A request whose answer was lost is retried and meets its own result.
            Err(error) => match ours(bucket, &key, &writer).await {
                Ok(Some(version)) => version,
                Ok(None) if !is_unclear(&error) => return Err(create_error(error)),
                _ => return Err(io_error(error)),
            },
        };
        let lease = Self {
            bucket: bucket.clone(),
            name: name.clone(),
            generation,
            writer,
            duration,
            is_taken_over: old.is_some(),
            is_lost: AtomicBool::new(false),
            renewed: std::sync::Mutex::new(began),
            renewal: Mutex::new(Renewal { count: 0, version }),
        };
        if let Some((old, watched)) = old
            && let Some((now, _)) = bucket.get_small(old).await?
            && now != watched
        {
            lease.give_back().await;
            return Err(busy("its writer is slow, but alive"));
        }
        if let Err(error) = lease.check_highest().await {
            lease.give_back().await;
            return Err(error);
        }
        Ok(lease)
    }

    /// Whether it replaced the lease of a dead writer.
    pub(crate) fn is_taken_over(&self) -> bool {
        self.is_taken_over
    }

    /// Whether another writer is known to have taken over.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// Fails if the lease is lost. Asks the store only if the last renewal is older than a lease
    /// lasts, so that a writer that was suspended for long does not proceed.
    pub(crate) async fn check(&self) -> io::Result<()> {
        if self.is_lost() {
            return Err(lost());
        }
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.elapsed() < self.duration { Ok(()) } else { self.confirm().await }
    }

    /// Renews the lease, then checks that nobody has taken over. In this order, because a later
    /// successor then sees the renewal.
    pub(crate) async fn confirm(&self) -> io::Result<()> {
        self.renew().await?;
        self.check_highest().await
    }

    /// Keeps renewing the lease until it is lost.
    pub(crate) async fn keep(self: Arc<Self>) {
        while !self.is_lost() {
            sleep(self.duration / 4).await;
            // Checked before renewing, because an old generation should disappear.
            let kept = match self.check_highest().await {
                Ok(()) => self.renew().await,
                Err(error) => Err(error),
            };
            if let Err(error) = kept {
                let (name, error) = (&self.name, error.to_string());
                tracing::warn!(%name, error, "cannot renew the lease");
            }
        }
    }

    async fn renew(&self) -> io::Result<()> {
        let mut renewal = self.renewal.lock().await;
        for _ in 0..2 {
            let began = Instant::now();
            let next = content(&self.writer, renewal.count + 1);
            let mode = PutMode::Update(renewal.version.clone());
            match self.bucket.put(&self.key(), next, mode).await {
                Ok(version) => {
                    *renewal = Renewal { count: renewal.count + 1, version };
                    *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = began;
                    return Ok(());
                }
                Err(Error::Precondition { .. } | Error::NotFound { .. }) => {}
                Err(error) => return Err(io_error(error)),
            }
            // An earlier renewal of ours may have succeeded without an answer.
            match ours(&self.bucket, &self.key(), &self.writer).await? {
                Some(version) => *renewal = Renewal { count: renewal.count + 1, version },
                None => break,
            }
        }
        self.is_lost.store(true, Ordering::Release);
        Err(lost())
    }

    async fn check_highest(&self) -> io::Result<()> {
        let highest = generations(&self.bucket, &self.name).await?;
        if highest.last_key_value().is_some_and(|(last, _)| *last == self.generation) {
            return Ok(());
        }
        self.is_lost.store(true, Ordering::Release);
        Err(lost())
    }

    /// Removes the leases of dead writers.
    pub(crate) async fn remove_older(&self) -> io::Result<()> {
        let older = generations(&self.bucket, &self.name).await?;
        let older = older.into_iter().filter(|(number, _)| *number < self.generation);
        let keys: Vec<String> = older.map(|(_, key)| key).collect();
        if keys.is_empty() {
            return Ok(());
        }
        self.bucket.delete(keys).await
    }

    /// Removes the lease. A failure is harmless, because the lease then expires.
    pub(crate) async fn give_back(&self) {
        // Wait for a renewal in progress.
        let _renewal = self.renewal.lock().await;
        if let Err(error) = self.bucket.delete([self.key()]).await {
            tracing::warn!(key = self.key(), %error, "cannot remove a lease");
        }
    }

    fn key(&self) -> String {
        lease_key(&self.name, self.generation)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({})", self.key())
    }
}

/// The names that have a lease.
pub(crate) async fn leased_names(bucket: &Bucket) -> io::Result<Vec<String>> {
    let leases = bucket.list(LEASES).await?;
    let name = |key: &str| Some(key.strip_prefix(LEASES)?.split('/').nth(1)?.to_owned());
    Ok(leases.iter().filter_map(|lease| name(&lease.key)).collect())
}

/// The leases of a name by their generations.
async fn generations(bucket: &Bucket, name: &RecordingName) -> io::Result<BTreeMap<u64, String>> {
    let leases = bucket.list(&format!("{LEASES}/{name}")).await?;
    let numbered = leases.into_iter().filter_map(|lease| {
        let number = lease.key.rsplit('/').next()?.parse().ok()?;
        Some((number, lease.key))
    });
    Ok(numbered.collect())
}

/// Watches a lease for its duration. Returns an error if its writer is alive.
async fn watch(bucket: &Bucket, key: &str, duration: Duration) -> io::Result<Watched> {
    let Some((first, _)) = bucket.get_small(key).await? else { return Ok(Watched::Gone) };
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    while began.elapsed() < duration {
        sleep(pause.min(duration / 8)).await;
        pause *= 2;
        match bucket.get_small(key).await? {
            None => return Ok(Watched::Gone),
            Some((now, _)) if now != first => return Err(busy("its writer is alive")),
            Some(_) => {}
        }
    }
    Ok(Watched::Dead(first))
}

/// The version of a lease, if this writer wrote it.
async fn ours(bucket: &Bucket, key: &str, writer: &str) -> io::Result<Option<UpdateVersion>> {
    let found = bucket.get_small(key).await?;
    let found = found.filter(|(bytes, _)| bytes.starts_with(writer.as_bytes()));
    Ok(found.map(|(_, meta)| UpdateVersion { e_tag: meta.e_tag, version: meta.version }))
}

fn content(writer: &str, count: u64) -> String {
    format!("{writer} {count}\n")
}

fn lease_key(name: &RecordingName, generation: u64) -> String {
    format!("{LEASES}/{name}/{generation:020}")
}

fn create_error(error: Error) -> io::Error {
    match error {
        Error::AlreadyExists { .. } => busy("another writer has just begun"),
        error => io_error(error),
    }
}

fn lost() -> io::Error {
    busy("another writer has taken over")
}

/// A unique identifier of a writer.
fn unique() -> String {
    let now = SystemTime::now();
    let half = || RandomState::new().hash_one((now, std::process::id()));
    format!("{:016x}{:016x}", half(), half())
}

/// Changes of a document take less than a second.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// How often a watched lease may disappear.
const ATTEMPTS: usize = 4;
