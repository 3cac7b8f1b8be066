use std::{error::Error, fmt, io, iter};

use opus_zarr::{DecodeError, DecodeErrorKind, StoreError, StoreErrorKind};
use opus_zarr_object_store::{Error as ObjectStoreError, Provider};

use crate::text::why_not_exact;

/// Why the command, or one of its inputs, failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One line: what failed, where, why.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// The exit codes, as listed by `--help` and the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The reader of standard output went away, which is not an error.
    Unread = 0,
    Error = 1,
    Usage = 2,
    SomeFailed = 3,
    Damaged = 4,
    Missing = 10,
    Locked = 11,
    Interrupted = 130,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        #[allow(clippy::as_conversions, reason = "the numbers are given above")]
        let code = self as u8;
        code
    }
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// A file that the command itself reads or writes.
    pub(crate) fn io(action: &str, path: impl fmt::Debug, error: &io::Error) -> Self {
        Self::new(Exit::Error, format!("cannot {action} {path:?}: {error}"))
    }
}

impl From<opus_zarr::Error> for Failure {
    fn from(error: opus_zarr::Error) -> Self {
        use opus_zarr::Error::{
            BeyondEnd, Blob, Cancelled, IsAStore, NoStart, NotExact, Read, SameName, Store,
        };
        let message = error.to_string();
        match error {
            Store(error) => error.into(),
            Cancelled => Self::interrupted(),
            Blob { reason, .. } => {
                Self::of_reading(store_error_in(&reason).map_or(Exit::Damaged, exit_of), message)
            }
            Read { reason, .. } => Self::of_reading(exit_of_read(&reason), message),
            NotExact { reason: opus_zarr::NotExact::OtherRate { .. }, .. } => {
                Self::new(Exit::Error, message).with_hint("omit --rate or --exact")
            }
            NotExact { recording, reason } => Self::new(
                Exit::Error,
                format!(
                    "recording \"{recording}\" cannot be read exactly: {}",
                    why_not_exact(&reason)
                ),
            )
            .with_hint(format!(
                "build a sync map with `opus-zarr sync STORE/{recording}`, or use --approximate"
            )),
            IsAStore { .. } => Self::usage(message).with_hint(
                "write the store last: `opus-zarr import SRC... STORE`; copy recordings with `opus-zarr copy`",
            ),
            SameName { .. } => Self::usage(message).with_hint(
                "import them one by one with --name, or from the directory above with -r",
            ),
            BeyondEnd { .. } => Self::new(Exit::Error, message)
                .with_hint("omit the end to read to the end of the recording: `T0..`"),
            NoStart { .. } => Self::new(Exit::Error, message).with_hint(
                "use --time, which counts from the start, or import it again with --time-from and --tz",
            ),
            _ => Self::new(Exit::Error, message),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::of_reading(exit_of(&error), with_causes(&error));
        let is_refused = error.kind() == StoreErrorKind::PermissionDenied;
        match (failure.exit, error.operation().and(error.object())) {
            (Exit::Locked, _) => {
                failure.with_hint("wait for the other writer to finish, then try again")
            }
            (Exit::Error, Some(object)) => {
                let provider = Provider::of_url(object);
                Self { hint: provider.and_then(|it| hint_of(it, is_refused)), ..failure }
            }
            _ => failure,
        }
    }
}

impl Failure {
    /// Adds a hint to a failure that found damage.
    fn of_reading(exit: Exit, message: String) -> Self {
        let failure = Self::new(exit, message);
        match exit {
            Exit::Damaged => failure.with_hint("locate the damage with `opus-zarr verify`"),
            _ => failure,
        }
    }
}

/// Joins an error and its causes in one line.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let chain = iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn exit_of(error: &StoreError) -> Exit {
    match error.kind() {
        StoreErrorKind::NotAStore
        | StoreErrorKind::IsARecording
        | StoreErrorKind::NoSuchRecording => Exit::Missing,
        StoreErrorKind::Busy => Exit::Locked,
        // A recording that exists has all its objects.
        StoreErrorKind::Damaged | StoreErrorKind::Inconsistent | StoreErrorKind::MissingObject => {
            Exit::Damaged
        }
        StoreErrorKind::InvalidName => Exit::Usage,
        StoreErrorKind::Cancelled => Exit::Interrupted,
        _ => Exit::Error,
    }
}

/// Decides whether a range could not be read because bytes are damaged, or because they could not be
/// read.
fn exit_of_read(reason: &DecodeError) -> Exit {
    match reason.kind() {
        DecodeErrorKind::IndexRead
        | DecodeErrorKind::BlobRead
        | DecodeErrorKind::SourceRead
        | DecodeErrorKind::SyncRead => store_error_in(reason).map_or(Exit::Error, exit_of),
        DecodeErrorKind::IndexMismatch
        | DecodeErrorKind::SyncMismatch
        | DecodeErrorKind::Decode => Exit::Damaged,
        _ => Exit::Error,
    }
}

/// Finds the error of a store among the causes of an error.
fn store_error_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a StoreError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The source of an `io::Error` is that of the error inside.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    None
}

impl From<ObjectStoreError> for Failure {
    fn from(error: ObjectStoreError) -> Self {
        let hint = error.provider().and_then(|provider| hint_of(provider, true));
        Self { hint, ..Self::usage(with_causes(&error)) }
    }
}

/// Names the variables that configure S3.
fn hint_of(provider: Provider, is_refused: bool) -> Option<String> {
    let hint = if is_refused {
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to authenticate"
    } else {
        "set AWS_REGION to the region; for a server other than Amazon's, set AWS_ENDPOINT to its URL \
         (and AWS_ALLOW_HTTP=true for http)"
    };
    (provider == Provider::S3).then(|| hint.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, sync::Arc};

    use opus_zarr_store::{
        BlobRead, Description, Entries, OpusHead, OpusTags, Part, Source, Storage, Store, StoredAs,
        Timeline, WriteStorage,
    };

    use super::*;

    /// A storage in which another writer is always busy.
    #[derive(Debug)]
    struct Busy;

    impl fmt::Display for Busy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("s3://bucket/a.zarr")
        }
    }

    impl Storage for Busy {
        fn read(&self, _: &str, _: Part) -> io::Result<Vec<u8>> {
            Ok(br#"{"attributes":{"opus_zarr":{"layout":1}}}"#.to_vec())
        }

        fn entries(&self) -> io::Result<Entries<'_>> {
            Ok(Box::new(iter::empty()))
        }

        fn writing(&self) -> io::Result<&dyn WriteStorage> {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "its writer is alive"))
        }
    }

    #[test]
    fn a_name_that_another_writer_holds_is_locked() {
        let store = Store::open_in(Arc::new(Busy)).unwrap();
        let failure = Failure::from(store.create_recording(&"a".parse().unwrap()).unwrap_err());
        assert_eq!((failure.exit, failure.exit.code()), (Exit::Locked, 11));
        assert!(failure.message.ends_with("\"s3://bucket/a.zarr\": its writer is alive"));
        assert!(failure.hint.is_some_and(|hint| hint.starts_with("wait for the other writer")));
    }

    /// A demuxer reads a store through `io::Error`, whose source is not the error inside.
    #[test]
    fn the_error_of_a_store_is_found_among_the_causes() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open_or_create(root.path()).unwrap();
        let writer = store.create_recording(&"a".parse().unwrap()).unwrap();
        let (mut blob, mut index) = (writer.blob().unwrap(), writer.index().unwrap());
        blob.write_all(b"packet").unwrap();
        index.push(0, 6, 960).unwrap();
        let description = Description::new(
            OpusHead::new(1, 0, 0).unwrap(),
            OpusTags::new("", []),
            Timeline::new(0, 960, 0).unwrap(),
            Source::new("a", StoredAs::Remuxed),
        );
        let (blob, index) = (blob.finish().unwrap(), index.finish().unwrap());
        let recording = writer.commit(description, &blob, &index).unwrap();
        fs::remove_file(root.path().join("a/opus_blob/c/0")).unwrap();
        let lost = recording.read(0..6, &mut Vec::new()).unwrap_err();
        assert_eq!(lost.kind(), StoreErrorKind::MissingObject);
        let within = io::Error::other(io::Error::other(lost));
        assert_eq!(store_error_in(&within).map(exit_of), Some(Exit::Damaged));
        assert!(store_error_in(&io::Error::other("something else")).is_none());
    }
}
