//! Recordings being written, under their final keys.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, ErrorKind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use object_store::{Error, PutMode};
use opus_zarr_store::{Draft, RecordingName};
use tokio::task::JoinHandle;

use crate::{
    bucket::{Bucket, Listed, Tag},
    fault::{busy, io_error, is_unclear},
    lease::Lease,
    tasks::Tasks,
};

/// The state of a writer while it writes a recording.
#[derive(Debug)]
pub(crate) struct Session {
    bucket: Bucket,
    name: RecordingName,
    pub(crate) lease: Arc<Lease>,
    written: Mutex<BTreeMap<String, Tag>>,
    /// Whether an object may yet appear, and whether the document may.
    is_unclear: AtomicBool,
    is_commit_unclear: AtomicBool,
    keeper: JoinHandle<()>,
}

/// A recording being written.
pub(crate) struct ObjectDraft {
    session: Arc<Session>,
    tasks: Tasks,
    is_committed: bool,
}

impl Session {
    /// Begins a recording.
    pub(crate) async fn begin(
        bucket: Bucket,
        name: RecordingName,
        duration: Duration,
    ) -> io::Result<Self> {
        let document = document_key(&name);
        if bucket.exists(&document).await? {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let session = Self::lease(bucket, name, duration).await?;
        match session.clear().await {
            Ok(()) => Ok(session),
            Err(error) => {
                let is_clear = error.kind() == ErrorKind::AlreadyExists;
                session.end(is_clear || !session.lease.is_taken_over()).await;
                Err(error)
            }
        }
    }

    /// Takes the lease of a name and keeps renewing it.
    pub(crate) async fn lease(
        bucket: Bucket,
        name: RecordingName,
        duration: Duration,
    ) -> io::Result<Self> {
        let lease = Arc::new(Lease::take(&bucket, &name, duration).await?);
        let keeper = tokio::spawn(lease.clone().keep());
        Ok(Self {
            bucket,
            name,
            lease,
            written: Mutex::default(),
            is_unclear: AtomicBool::new(false),
            is_commit_unclear: AtomicBool::new(false),
            keeper,
        })
    }

    /// Removes the remains of a dead writer, now that nobody else can commit the recording.
    async fn clear(&self) -> io::Result<()> {
        let found = self.list().await?;
        let is_there = found.iter().any(|one| one.key == document_key(&self.name));
        if is_there {
            // Its writer died after committing it.
            self.lease.remove_older().await?;
        }
        // Without the lease of a dead writer, these objects may belong to somebody.
        if is_there || !(found.is_empty() || self.lease.is_taken_over()) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        if !found.is_empty() {
            tracing::info!(name = %self.name, "removing the remains of a dead writer");
            self.lease.confirm().await?;
            self.bucket.delete(found.into_iter().map(|one| one.key)).await?;
        }
        self.lease.remove_older().await
    }

    /// Notes a written object.
    pub(crate) fn written(&self, key: String, result: Result<Tag, Error>) -> io::Result<()> {
        match result {
            Ok(tag) => {
                self.objects().insert(key, tag);
                Ok(())
            }
            Err(error) => {
                if is_unclear(&error) {
                    self.is_unclear.store(true, Ordering::Release);
                }
                Err(io_error(error))
            }
        }
    }

    pub(crate) async fn take(&self, from: &str, to: String) -> io::Result<()> {
        self.lease.check().await?;
        let copied = match self.bucket.copy(from, &to).await {
            // The answer has no tag.
            Ok(()) => self.bucket.tag(&to).await,
            Err(error) => Err(error),
        };
        self.written(to, copied)
    }

    pub(crate) async fn commit(&self, document: Vec<u8>) -> io::Result<()> {
        self.lease.confirm().await?;
        self.check_written(&self.list().await?)?;
        let key = document_key(&self.name);
        let put = self.bucket.put(&key, document.clone(), PutMode::Create).await;
        let is_ours = put.is_ok();
        if let Err(error) = put {
            self.is_commit_unclear.store(is_unclear(&error), Ordering::Release);
            // A request whose answer was lost is retried and meets its own result. After a takeover
            // it may meet a late write of the dead writer, which will be undone.
            match self.bucket.get_small(&key).await {
                Ok(Some((found, _))) if found == document && !self.lease.is_taken_over() => {}
                _ => return Err(io_error(error)),
            }
        }
        self.check_committed(&key, is_ours).await
    }

    /// Removes the document again if the lease was lost while it was written, in a request that
    /// took longer than a lease lasts. Keeps it if it may be that of a successor with equal
    /// content.
    async fn check_committed(&self, key: &str, is_ours: bool) -> io::Result<()> {
        let Err(error) = self.lease.confirm().await else { return Ok(()) };
        if !self.lease.is_lost() {
            tracing::warn!(name = %self.name, %error, "cannot check the lease again");
            return Ok(());
        }
        if is_ours {
            self.bucket.delete([key.to_owned()]).await?;
        }
        Err(error)
    }

    /// Checks that exactly the objects of this writer exist.
    fn check_written(&self, found: &[Listed]) -> io::Result<()> {
        if found.iter().any(|one| one.key == document_key(&self.name)) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let written = self.objects();
        let is_ours = |one: &Listed| written.get(&one.key).is_some_and(|tag| tag.fits(&one.tag));
        if found.len() != written.len() || !found.iter().all(is_ours) {
            return Err(busy("objects were written by another writer, or are missing"));
        }
        Ok(())
    }

    /// Removes a recording, if it exists, beginning with its document.
    pub(crate) async fn remove(&self) -> io::Result<()> {
        let found = self.list().await?;
        if found.is_empty() {
            self.lease.remove_older().await?;
            return Err(ErrorKind::NotFound.into());
        }
        let document = document_key(&self.name);
        let (first, rest): (Vec<_>, Vec<_>) =
            found.into_iter().map(|one| one.key).partition(|key| *key == document);
        self.lease.confirm().await?;
        if !first.is_empty() {
            self.bucket.delete(first).await?;
        }
        self.bucket.delete(rest).await?;
        self.lease.remove_older().await
    }

    /// Removes everything written. If something may be left, the lease stays until it expires, so
    /// that everything without a lease is complete.
    pub(crate) async fn discard(&self) {
        let removed = self.remove_written().await;
        if let Err(error) = &removed {
            tracing::warn!(name = %self.name, %error, "cannot remove an unfinished recording");
        }
        let is_unclear = |flag: &AtomicBool| flag.load(Ordering::Acquire);
        let is_clear = !is_unclear(&self.is_unclear) && !is_unclear(&self.is_commit_unclear);
        self.end(removed.is_ok() && is_clear).await;
    }

    async fn remove_written(&self) -> io::Result<()> {
        // A document that may yet appear needs its objects until the lease expires.
        if self.is_commit_unclear.load(Ordering::Acquire) {
            return Ok(());
        }
        self.lease.confirm().await?;
        let found = self.list().await?;
        if found.iter().any(|one| one.key == document_key(&self.name)) {
            return Err(busy("the recording has a document"));
        }
        if found.is_empty() {
            return Ok(());
        }
        self.bucket.delete(found.into_iter().map(|one| one.key)).await
    }

    /// Stops renewing the lease, and returns it or lets it expire.
    pub(crate) async fn end(&self, give_back: bool) {
        self.keeper.abort();
        if give_back && !self.lease.is_lost() {
            self.lease.give_back().await;
        }
    }

    pub(crate) async fn list(&self) -> io::Result<Vec<Listed>> {
        self.bucket.list(self.name.as_str()).await
    }

    fn objects(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Tag>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl ObjectDraft {
    pub(crate) fn new(session: Arc<Session>, tasks: Tasks) -> Self {
        Self { session, tasks, is_committed: false }
    }
}

impl Draft for ObjectDraft {
    fn prefix(&self) -> &str {
        self.session.name.as_str()
    }

    fn take(&self, from: &str, to: &str) -> io::Result<()> {
        let (session, from) = (self.session.clone(), from.to_owned());
        let to = format!("{}/{to}", session.name);
        self.tasks.wait(async move { session.take(&from, to).await })
    }

    fn commit(mut self: Box<Self>, document: &[u8]) -> io::Result<()> {
        let (session, document) = (self.session.clone(), document.to_owned());
        self.tasks.wait(async move {
            session.commit(document).await?;
            session.end(true).await;
            Ok(())
        })?;
        self.is_committed = true;
        Ok(())
    }
}

impl fmt::Debug for ObjectDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectDraft").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Drop for ObjectDraft {
    fn drop(&mut self) {
        if self.is_committed {
            return;
        }
        let session = self.session.clone();
        // Fails only if the threads have ended with the program.
        let _ = self.tasks.wait(async move {
            session.discard().await;
            Ok(())
        });
    }
}

pub(crate) fn document_key(name: &RecordingName) -> String {
    format!("{name}/zarr.json")
}
