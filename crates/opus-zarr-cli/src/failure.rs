use std::{error::Error, fmt, io, iter};

use opus_zarr::{ErrorKind, RecordingName, StoreError};
use opus_zarr_object_store::{Error as ObjectStoreError, Provider};

use crate::text::why_not_exact;

/// Why the command, or one of its inputs, failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One line: what failed, where, why.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// Whether the failure is about something that belongs to another program.
    pub(crate) is_foreign: bool,
    /// Whether other files would fail alike.
    pub(crate) is_lasting: bool,
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
    /// The store cannot be read right now, which is not damage.
    Unreadable = 5,
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
        Self { exit, message: message.into(), hint: None, is_foreign: false, is_lasting: false }
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

    /// Keeps the failure that decides the exit code of a verb that continues after some: damage, or else
    /// the last one.
    pub(crate) fn decide(kept: &mut Option<Self>, failure: Self) {
        if !kept.as_ref().is_some_and(|kept| kept.exit == Exit::Damaged) {
            *kept = Some(failure);
        }
    }

    /// A file that the command itself reads or writes.
    pub(crate) fn io(action: &str, path: impl fmt::Debug, error: &io::Error) -> Self {
        use io::ErrorKind::{
            NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let is_full = matches!(error.kind(), StorageFull | QuotaExceeded);
        let is_lasting =
            is_full || matches!(error.kind(), NotFound | PermissionDenied | ReadOnlyFilesystem);
        let hint = is_full.then(|| "free some space, then try again".to_owned());
        let message = format!("cannot {action} {path:?}: {error}");
        Self { hint, is_lasting, ..Self::new(Exit::Error, message) }
    }
}

impl From<opus_zarr::Error> for Failure {
    fn from(error: opus_zarr::Error) -> Self {
        let exit = if error.is_unreadable() { Exit::Unreadable } else { exit_of(error.kind()) };
        if exit == Exit::Interrupted {
            return Self::interrupted();
        }
        let message = match error.not_exact() {
            Some(reason) => format!("{error}: {}", why_not_exact(reason)),
            None => with_causes(&error),
        };
        let is_foreign = error.kind() == ErrorKind::NotARecording;
        Self { hint: hint_for(&error), is_foreign, ..Self::new(exit, message) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        opus_zarr::Error::from(error).into()
    }
}

fn exit_of(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::NotAStore
        | ErrorKind::IsARecording
        | ErrorKind::NoSuchRecording
        | ErrorKind::NotARecording => Exit::Missing,
        ErrorKind::Busy => Exit::Locked,
        ErrorKind::Damaged => Exit::Damaged,
        ErrorKind::InvalidName | ErrorKind::IsAStore | ErrorKind::SameName => Exit::Usage,
        ErrorKind::Cancelled => Exit::Interrupted,
        _ => Exit::Error,
    }
}

fn hint_for(error: &opus_zarr::Error) -> Option<String> {
    let hint = match error.kind() {
        ErrorKind::Busy => "wait for the other writer to finish, then try again",
        ErrorKind::Damaged => "locate the damage with `opus-zarr verify`",
        ErrorKind::TooLarge => "move large annotations to a file or an array of their own",
        ErrorKind::Changed => "update the catalogue with `opus-zarr catalogue STORE -o FILE`",
        ErrorKind::SourceChanged => "import it again once it is complete",
        ErrorKind::Replaced => "look at the new recording, then try again",
        ErrorKind::NotARecording => "delete it with the program that wrote it",
        ErrorKind::HoldsForeign => "use --foreign to delete that too",
        ErrorKind::IsAStore => {
            "write the store last: `opus-zarr import SRC... STORE`; copy recordings with `opus-zarr copy`"
        }
        ErrorKind::SameName => {
            "add the name of the directory with --name-pattern '{parent}_{stem}', or import from the directory above with -r"
        }
        ErrorKind::Gap => {
            "pass --gaps silence to fill gaps with silence, --gaps split to write a file for each part without gaps, or a range without gaps (--gaps error, the default)"
        }
        ErrorKind::NothingRecorded => "`opus-zarr list` shows when recordings began",
        ErrorKind::DifferentChannels | ErrorKind::DifferentRates => {
            "select the recordings of one recorder with a pattern for names (STORE/weiher_*) or --where KEY=VALUE"
        }
        ErrorKind::BeyondEnd => "omit the end to read to the end of the recording: `T0..`",
        ErrorKind::UnknownStart => {
            "use --time, which counts from the start, or set the start with `opus-zarr meta --start`"
        }
        ErrorKind::NotExact => {
            let name = error.recording().map_or("NAME", RecordingName::as_str);
            return Some(format!("build a sync map with `opus-zarr sync STORE/{name}`"));
        }
        ErrorKind::PermissionDenied | ErrorKind::Storage => {
            let is_refused = error.kind() == ErrorKind::PermissionDenied;
            let provider = error.object().and_then(Provider::of_url);
            match provider.and_then(|provider| hint_of(provider, is_refused)) {
                Some(hint) => return Some(hint),
                None if !error.is_unreadable() => return None,
                None if is_refused => "check the permissions, then try again",
                None => TRY_AGAIN,
            }
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What to do about a store that cannot be read right now.
pub(crate) const TRY_AGAIN: &str =
    "this is not damage: check the permissions, the disk and the connection, then try again";

/// Joins an error and its causes in one line.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let chain = iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
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
    use std::sync::Arc;

    use opus_zarr_store::{Entries, Part, Storage, Store, WriteStorage};

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
}
