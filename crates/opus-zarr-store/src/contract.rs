//! Checks the contracts of the storage traits, for their implementers.

mod reading;
mod writing;

use std::{
    fmt::{self, Debug},
    io::{self, ErrorKind},
};

use crate::{
    AsyncStorage, Storage,
    storage::{Ready, ready},
};

use self::{reading::Reading, writing::Writing};

/// How a storage breaks the contract of its traits.
#[derive(thiserror::Error)]
#[error("{storage}: {rule}: {found}")]
pub struct BrokenContract {
    storage: String,
    rule: &'static str,
    found: String,
}

/// Checks that a storage keeps the contract of [`Storage`], by reading only. `objects` are the
/// keys and bytes of all objects it holds; at least one must be longer than 10 bytes.
///
/// For tests of implementers; nothing else in this crate calls it.
///
/// ```
/// use std::io::Write;
///
/// use opus_zarr_store::{MemoryStorage, WriteStorage, check_storage};
///
/// let storage = MemoryStorage::new();
/// let mut object = storage.create("a/zarr.json")?;
/// object.write_all(b"hello, reader")?;
/// object.finish()?;
/// check_storage(&storage, &[("a/zarr.json", b"hello, reader")])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_storage(
    storage: &dyn Storage,
    objects: &[(&str, &[u8])],
) -> Result<(), BrokenContract> {
    ready(check_async_storage(&Ready(storage), objects))
}

/// Checks that a storage keeps the contract of [`AsyncStorage`], like [`check_storage`].
pub async fn check_async_storage(
    storage: &dyn AsyncStorage,
    objects: &[(&str, &[u8])],
) -> Result<(), BrokenContract> {
    let reading = Reading { storage, objects };
    reading.parts().await?;
    reading.entries().await
}

/// Checks that a storage keeps the contracts of [`Storage`] and
/// [`WriteStorage`](crate::WriteStorage), as far as one process can observe them. The storage
/// must be empty. If it keeps the contracts, it is empty again afterwards.
///
/// For tests of implementers; nothing else in this crate calls it.
///
/// ```
/// opus_zarr_store::check_write_storage(&opus_zarr_store::MemoryStorage::new())?;
/// # Ok::<(), opus_zarr_store::BrokenContract>(())
/// ```
pub fn check_write_storage(storage: &dyn Storage) -> Result<(), BrokenContract> {
    let writing = Writing { storage };
    writing.objects()?;
    writing.recordings()?;
    writing.drafts()?;
    writing.removal()
}

type Checked<T = ()> = Result<T, BrokenContract>;

impl BrokenContract {
    fn new(storage: &dyn fmt::Display, rule: &'static str, found: impl ToString) -> Self {
        Self { storage: storage.to_string(), rule, found: found.to_string() }
    }
}

/// The same line as [`Display`](fmt::Display), because a test that fails prints this.
impl Debug for BrokenContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Expects a result to fail with one of these kinds.
fn expect_error<T>(
    storage: &dyn fmt::Display,
    rule: &'static str,
    result: io::Result<T>,
    kinds: &[ErrorKind],
) -> Checked {
    match result.map_err(|error| error.kind()) {
        Err(kind) if kinds.contains(&kind) => Ok(()),
        result => {
            let found = format!("expected {kinds:?}, found {:?}", result.err());
            Err(BrokenContract::new(storage, rule, found))
        }
    }
}

/// Expects a rule to hold.
fn expect(
    storage: &dyn fmt::Display,
    rule: &'static str,
    holds: bool,
    found: impl Debug,
) -> Checked {
    if holds { Ok(()) } else { Err(BrokenContract::new(storage, rule, format!("found {found:?}"))) }
}

/// How reading a missing object fails.
const ABSENT: &[ErrorKind] = &[ErrorKind::NotFound, ErrorKind::NotADirectory];
