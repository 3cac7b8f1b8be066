//! An object store with the prefix of our keys, and the requests made to it.

use std::{
    fmt,
    io::{self, ErrorKind},
    sync::Arc,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore,
    PutMode, PutOptions, PutPayload, UpdateVersion, path::Path,
};
use opus_zarr_store::Part;

use crate::fault::{io_error, is_beyond_end};

#[derive(Clone)]
pub(crate) struct Bucket {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Empty, or ends with `/`.
    prefix: String,
}

/// A listed object.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) tag: Tag,
}

/// The tag of an object, which changes whenever it is written. `None` if the store has no tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag(Option<String>);

impl Tag {
    /// Creates a tag without quotes, which some stores use only in some answers.
    pub(crate) fn new(e_tag: Option<&str>) -> Self {
        Self(e_tag.map(|tag| tag.trim_matches('"').to_owned()))
    }

    /// Whether both can be of the same object.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        self.0.is_none() || other.0.is_none() || self == other
    }
}

/// Prints the prefix only: a client may print secrets, and one in memory prints its content.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({:?})", self.prefix)
    }
}

impl Bucket {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: &Path) -> Self {
        let prefix = prefix.as_ref();
        let slash = if prefix.is_empty() { "" } else { "/" };
        Self { store, prefix: format!("{prefix}{slash}") }
    }

    /// The path of a key, unescaped: `Path::from` would escape the names of recordings.
    pub(crate) fn path(&self, key: &str) -> Result<Path, Error> {
        Ok(Path::parse(format!("{}{key}", self.prefix))?)
    }

    fn key(&self, path: &Path) -> Option<String> {
        path.as_ref().strip_prefix(&self.prefix).map(str::to_owned)
    }

    /// Reads a part of an object with one ranged request.
    pub(crate) async fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        let range = match &part {
            Part::Range(range) if range.is_empty() => return Ok(Vec::new()),
            Part::Last(0) => return Ok(Vec::new()),
            Part::Range(range) => Some(GetRange::Bounded(range.clone())),
            Part::Last(count) => Some(GetRange::Suffix(*count)),
            Part::Whole(_) => None,
        };
        let found = match (self.get(key, range).await, &part) {
            // Azure does not support ranges from the end.
            (Err(Error::NotSupported { .. }), Part::Last(count)) => {
                self.get_last(key, *count).await
            }
            (found, _) => found,
        };
        let found = match (found, &part) {
            (Err(error), Part::Last(_)) if is_beyond_end(&error) => return Ok(Vec::new()),
            (Err(error), Part::Range(_)) if is_beyond_end(&error) => {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            (found, _) => found.map_err(io_error)?,
        };
        match part {
            Part::Range(range) if found.range != range => Err(ErrorKind::UnexpectedEof.into()),
            Part::Whole(limit) if found.meta.size > limit => Err(too_large(found.meta.size)),
            _ => body(found).await,
        }
    }

    pub(crate) async fn get(&self, key: &str, range: Option<GetRange>) -> Result<GetResult, Error> {
        let options = GetOptions::new().with_range(range);
        self.store.get_opts(&self.path(key)?, options).await
    }

    /// Reads the end of an object, after a first request for its length.
    async fn get_last(&self, key: &str, count: u64) -> Result<GetResult, Error> {
        let size = self.get(key, Some(GetRange::Bounded(0..1))).await?.meta.size;
        self.get(key, Some(GetRange::Bounded(size.saturating_sub(count)..size))).await
    }

    /// Reads a small object and its version, if it exists.
    pub(crate) async fn get_small(&self, key: &str) -> io::Result<Option<(Vec<u8>, ObjectMeta)>> {
        let found = match self.get(key, None).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(io_error)?,
        };
        let meta = found.meta.clone();
        if meta.size > MAX_SMALL {
            return Err(too_large(meta.size));
        }
        Ok(Some((body(found).await?, meta)))
    }

    pub(crate) async fn exists(&self, key: &str) -> io::Result<bool> {
        match self.get(key, Some(GetRange::Bounded(0..1))).await {
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) if is_beyond_end(&error) => Ok(true),
            found => found.map(|_| true).map_err(io_error),
        }
    }

    /// The tag of an object that is not empty.
    pub(crate) async fn tag(&self, key: &str) -> Result<Tag, Error> {
        let found = self.get(key, Some(GetRange::Bounded(0..1))).await?;
        Ok(Tag::new(found.meta.e_tag.as_deref()))
    }

    pub(crate) async fn put(
        &self,
        key: &str,
        bytes: impl Into<PutPayload>,
        mode: PutMode,
    ) -> Result<UpdateVersion, Error> {
        let options = PutOptions::from(mode);
        let put = self.store.put_opts(&self.path(key)?, bytes.into(), options).await?;
        Ok(put.into())
    }

    /// Copies an object within the store.
    pub(crate) async fn copy(&self, from: &str, to: &str) -> Result<(), Error> {
        let options = CopyOptions::new().with_mode(CopyMode::Overwrite);
        self.store.copy_opts(&self.path(from)?, &self.path(to)?, options).await
    }

    /// Lists everything below a key.
    pub(crate) async fn list(&self, below: &str) -> io::Result<Vec<Listed>> {
        let path = self.path(below).map_err(io_error)?;
        let found: Vec<ObjectMeta> =
            self.store.list(Some(&path)).try_collect().await.map_err(io_error)?;
        let listed = |meta: ObjectMeta| {
            let key = self.key(&meta.location)?;
            Some(Listed { key, tag: Tag::new(meta.e_tag.as_deref()) })
        };
        Ok(found.into_iter().filter_map(listed).collect())
    }

    /// Lists the names of prefixes, and of objects, directly in the store.
    pub(crate) async fn names(&self) -> io::Result<(Vec<String>, Vec<String>)> {
        let path = self.path("").map_err(io_error)?;
        let path = (!self.prefix.is_empty()).then_some(&path);
        let found = self.store.list_with_delimiter(path).await.map_err(io_error)?;
        let prefixes = found.common_prefixes.iter().filter_map(|path| self.key(path)).collect();
        let objects = found.objects.iter().filter_map(|one| self.key(&one.location)).collect();
        Ok((prefixes, objects))
    }

    /// Removes objects, ignoring missing ones.
    pub(crate) async fn delete(&self, keys: impl IntoIterator<Item = String>) -> io::Result<()> {
        let paths: Vec<_> = keys.into_iter().map(|key| self.path(&key)).collect();
        let mut removed = self.store.delete_stream(stream::iter(paths).boxed());
        let mut result = Ok(());
        while let Some(one) = removed.next().await {
            match one {
                Err(Error::NotFound { .. }) | Ok(_) => {}
                Err(error) => result = Err(io_error(error)),
            }
        }
        result
    }
}

fn too_large(bytes: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("{bytes} bytes"))
}

/// Reads the body of a response and checks its length.
async fn body(found: GetResult) -> io::Result<Vec<u8>> {
    let expected = found.range.end.saturating_sub(found.range.start);
    let bytes = found.bytes().await.map_err(io_error)?;
    if u64::try_from(bytes.len()) != Ok(expected) {
        let message = format!("the store sent {} bytes, expected {expected}", bytes.len());
        return Err(io::Error::new(ErrorKind::InvalidData, message));
    }
    Ok(bytes.into())
}

/// Documents have at most as many, and leases much fewer.
const MAX_SMALL: u64 = 16 * 1024 * 1024;
