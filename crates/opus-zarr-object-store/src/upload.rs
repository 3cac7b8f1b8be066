//! Objects being written.

use std::{
    io::{self, Write},
    sync::Arc,
};

use object_store::{Error, MultipartUpload, PutMode, PutMultipartOptions};
use opus_zarr_store::ObjectWriter;

use crate::{bucket::Bucket, bucket::Tag, draft::Session, fault::io_error, tasks::Tasks};

/// An object being written. Up to one part is buffered, so that a small object takes one request
/// and a large one takes no more memory than that.
pub(crate) struct Upload {
    bucket: Bucket,
    tasks: Tasks,
    key: String,
    /// The session of the draft that it belongs to.
    session: Option<Arc<Session>>,
    part: Vec<u8>,
    multipart: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    pub(crate) fn new(
        bucket: Bucket,
        tasks: Tasks,
        key: &str,
        session: Option<Arc<Session>>,
    ) -> Self {
        let key = key.to_owned();
        Self { bucket, tasks, key, session, part: Vec::new(), multipart: None }
    }

    /// Sends the buffer as a part of a larger object.
    fn send_part(&mut self) -> io::Result<()> {
        let part = std::mem::take(&mut self.part);
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        let (session, mut multipart) = (self.session.clone(), self.multipart.take());
        let (multipart, result) = self.tasks.wait(async move {
            let result = send(&bucket, &key, session.as_deref(), &mut multipart, part).await;
            Ok((multipart, result))
        })?;
        // Kept, so that it is aborted if the part was not sent.
        self.multipart = multipart;
        result
    }

    /// Completes a large object.
    fn complete(&mut self) -> io::Result<()> {
        if !self.part.is_empty() {
            self.send_part()?;
        }
        let Some(mut multipart) = self.multipart.take() else { return Ok(()) };
        let (key, session) = (self.key.clone(), self.session.clone());
        self.tasks.wait(async move {
            if let Err(error) = check(session.as_deref()).await {
                abort(multipart, &key).await;
                return Err(error);
            }
            let result = multipart.complete().await;
            if result.is_err() {
                abort(multipart, &key).await;
            }
            let result = result.map(|done| Tag::new(done.e_tag.as_deref()));
            written(session.as_deref(), key, result)
        })
    }

    /// Writes a small object.
    fn put(&mut self) -> io::Result<()> {
        let part = std::mem::take(&mut self.part);
        let (bucket, key, session) = (self.bucket.clone(), self.key.clone(), self.session.clone());
        self.tasks.wait(async move {
            check(session.as_deref()).await?;
            let result = bucket.put(&key, part, PutMode::Overwrite).await;
            let result = result.map(|version| Tag::new(version.e_tag.as_deref()));
            written(session.as_deref(), key, result)
        })
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PART_LEN.saturating_sub(self.part.len());
        let (now, _) = bytes.split_at(room.min(bytes.len()));
        self.part.extend_from_slice(now);
        if self.part.len() == PART_LEN {
            self.send_part()?;
        }
        Ok(now.len())
    }

    /// Does nothing, because parts have a fixed length.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ObjectWriter for Upload {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.multipart.is_some() { self.complete() } else { self.put() }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(multipart) = self.multipart.take() else { return };
        let key = self.key.clone();
        // Fails only if the threads have ended with the program.
        let _ = self.tasks.wait(async move {
            abort(multipart, &key).await;
            Ok(())
        });
    }
}

/// Sends a part, beginning the object with the first one.
async fn send(
    bucket: &Bucket,
    key: &str,
    session: Option<&Session>,
    multipart: &mut Option<Box<dyn MultipartUpload>>,
    part: Vec<u8>,
) -> io::Result<()> {
    check(session).await?;
    let multipart = match multipart {
        Some(multipart) => multipart,
        None => multipart.insert(begin(bucket, key).await.map_err(io_error)?),
    };
    multipart.put_part(part.into()).await.map_err(io_error)
}

async fn begin(bucket: &Bucket, key: &str) -> Result<Box<dyn MultipartUpload>, Error> {
    bucket.store.put_multipart_opts(&bucket.path(key)?, PutMultipartOptions::default()).await
}

async fn abort(mut multipart: Box<dyn MultipartUpload>, key: &str) {
    if let Err(error) = multipart.abort().await {
        let error = io_error(error);
        tracing::warn!(key, %error, "cannot remove the parts of an unfinished object");
    }
}

async fn check(session: Option<&Session>) -> io::Result<()> {
    match session {
        Some(session) => session.lease.check().await,
        None => Ok(()),
    }
}

fn written(session: Option<&Session>, key: String, result: Result<Tag, Error>) -> io::Result<()> {
    match session {
        Some(session) => session.written(key, result),
        None => result.map(drop).map_err(io_error),
    }
}

/// Bytes of a part. A shard of the blob takes two and a bit. S3 accepts 10,000 parts of at least 5
/// MiB.
const PART_LEN: usize = 8 * 1024 * 1024;
