//! Recordings that are being changed, under the lease of their name.

use std::{
    fmt,
    io::{self, ErrorKind},
    sync::Arc,
    time::{Duration, Instant},
};

use object_store::{Error, PutMode, UpdateVersion};
use opus_zarr_store::{Claim, RecordingName};
use tokio::time::sleep;

use crate::{
    bucket::Bucket,
    draft::{Session, document_key},
    fault::io_error,
    tasks::Tasks,
};

/// A claimed recording.
pub(crate) struct ObjectClaim {
    claimed: Arc<Claimed>,
    tasks: Tasks,
}

#[derive(Debug)]
struct Claimed {
    bucket: Bucket,
    name: RecordingName,
    session: Session,
    duration: Duration,
}

impl ObjectClaim {
    pub(crate) fn take(
        bucket: Bucket,
        name: RecordingName,
        duration: Duration,
        tasks: Tasks,
    ) -> io::Result<Self> {
        let claimed = tasks.wait(async move { Claimed::take(bucket, name, duration).await })?;
        Ok(Self { claimed: Arc::new(claimed), tasks })
    }
}

impl Claimed {
    async fn take(bucket: Bucket, name: RecordingName, duration: Duration) -> io::Result<Self> {
        let began = Instant::now();
        let session = loop {
            match Session::lease(bucket.clone(), name.clone(), duration).await {
                // Alive, but a claim is soon given up.
                Err(error)
                    if error.kind() == ErrorKind::ResourceBusy && began.elapsed() < duration => {}
                session => break session?,
            }
            sleep(duration / 64).await;
        };
        let claimed = Self { bucket, name, session, duration };
        match claimed.session.list().await {
            Ok(found) if found.is_empty() => {
                claimed.session.end(true).await;
                Err(ErrorKind::NotFound.into())
            }
            Ok(_) => Ok(claimed),
            Err(error) => {
                claimed.session.end(true).await;
                Err(error)
            }
        }
    }

    async fn replace(&self, before: &[u8], after: Vec<u8>) -> io::Result<bool> {
        let key = document_key(&self.name);
        let found = self.bucket.get_small(&key).await?;
        let (found, meta) = found.ok_or(ErrorKind::NotFound)?;
        if found != before {
            return Ok(false);
        }
        self.session.lease.confirm().await?;
        let version = UpdateVersion { e_tag: meta.e_tag, version: meta.version };
        match self.bucket.put(&key, after.clone(), PutMode::Update(version)).await {
            Ok(_) => Ok(true),
            // Without such requests, only the lease protects the document.
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                let put = self.bucket.put(&key, after, PutMode::Overwrite).await;
                put.map(|_| true).map_err(io_error)
            }
            // A request whose answer was lost is retried and meets its own result.
            Err(error) => match self.bucket.get_small(&key).await? {
                Some((found, _)) if found == after => Ok(true),
                Some(_) if matches!(error, Error::Precondition { .. }) => Ok(false),
                Some(_) => Err(io_error(error)),
                None => Err(ErrorKind::NotFound.into()),
            },
        }
    }

    /// Copies everything, and then removes the original.
    async fn rename(&self, to: RecordingName) -> io::Result<()> {
        let found = self.session.list().await?;
        let key = document_key(&self.name);
        let (document, _) = self.bucket.get_small(&key).await?.ok_or(ErrorKind::NotFound)?;
        let target = Session::begin(self.bucket.clone(), to.clone(), self.duration).await?;
        let below = format!("{}/", self.name);
        let copied = async {
            for one in found.iter().filter(|one| one.key != key) {
                let rest = one.key.strip_prefix(&below).unwrap_or(&one.key);
                target.take(&one.key, format!("{to}/{rest}")).await?;
            }
            self.session.lease.confirm().await?;
            target.commit(document).await
        };
        if let Err(error) = copied.await {
            target.discard().await;
            return Err(error);
        }
        let removed = self.session.remove().await;
        if let (Err(_), Ok(true)) = (&removed, self.bucket.exists(&key).await) {
            // The original is still there, so the copy goes.
            if let Err(error) = target.remove().await {
                tracing::warn!(name = %to, %error, "cannot undo a rename");
            }
        }
        target.end(true).await;
        removed
    }

    async fn remove(&self, members: Option<Vec<String>>) -> io::Result<()> {
        let below = format!("{}/", self.name);
        for one in self.session.list().await? {
            let rest = one.key.strip_prefix(&below).unwrap_or(&one.key);
            let member = rest.split('/').next().unwrap_or(rest);
            if members.as_ref().is_some_and(|members| !members.iter().any(|it| it == member)) {
                return Err(io::Error::new(ErrorKind::DirectoryNotEmpty, member.to_owned()));
            }
        }
        self.session.remove().await
    }
}

impl Claim for ObjectClaim {
    fn replace(&self, before: &[u8], after: &[u8]) -> io::Result<bool> {
        let (claimed, before, after) = (self.claimed.clone(), before.to_owned(), after.to_owned());
        self.tasks.wait(async move { claimed.replace(&before, after).await })
    }

    fn rename(self: Box<Self>, to: &RecordingName) -> io::Result<()> {
        let (claimed, to) = (self.claimed.clone(), to.clone());
        self.tasks.wait(async move { claimed.rename(to).await })
    }

    fn remove(self: Box<Self>, members: Option<&[&str]>) -> io::Result<()> {
        let claimed = self.claimed.clone();
        let members = members.map(|all| all.iter().map(|&member| member.to_owned()).collect());
        self.tasks.wait(async move { claimed.remove(members).await })
    }
}

impl fmt::Debug for ObjectClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectClaim").field("claimed", &self.claimed).finish_non_exhaustive()
    }
}

impl Drop for ObjectClaim {
    fn drop(&mut self) {
        let claimed = self.claimed.clone();
        // Fails only if the threads have ended with the program.
        let _ = self.tasks.wait(async move {
            // Objects without a document stay under the lease.
            let found = claimed.session.list().await;
            let document = document_key(&claimed.name);
            let is_clear = found
                .is_ok_and(|found| found.is_empty() || found.iter().any(|one| one.key == document));
            claimed.session.end(is_clear).await;
            Ok(())
        });
    }
}
