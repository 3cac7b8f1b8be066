//! What an object store says went wrong, as I/O errors of one line.

use std::{
    error::Error as StdError,
    io::{self, ErrorKind},
    iter,
};

use object_store::Error;

/// The same with the kind that [`Part`](opus_zarr_store::Part) and others name.
pub(crate) fn io_error(error: Error) -> io::Error {
    let message = message(&error);
    match is_of_credentials(&message) {
        true => io::Error::new(
            ErrorKind::PermissionDenied,
            format!("no credentials are set, and this machine is given none ({message})"),
        ),
        false => io::Error::new(kind_of(&error), message),
    }
}

/// What an error says, and what is behind it: clients keep to themselves that a
/// connection was refused.
fn message(error: &Error) -> String {
    let said = error.to_string();
    match chain(error).last().map(ToString::to_string) {
        Some(cause) if !said.contains(&cause) => one_line(&format!("{}: {cause}", brief(&said))),
        _ => one_line(&brief(&said)),
    }
}

/// The same without what clients tell of themselves, around the request that failed.
fn brief(said: &str) -> String {
    let request = said.split_once(PERFORMING).map_or(said, |(_, request)| request);
    match request.split_once(SETTINGS).map(|(start, rest)| (start, rest.split_once(" - "))) {
        Some((start, Some((_, end)))) => format!("{start} - {end}"),
        _ => request.to_owned(),
    }
}

/// Whether it was the machine that was asked for credentials, which a client does that has
/// none: only that of a cloud gives some.
fn is_of_credentials(message: &str) -> bool {
    CREDENTIALS.iter().any(|path| message.contains(path))
}

/// Why another must not write now.
pub(crate) fn busy(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::ResourceBusy, reason)
}

/// Whether the object ends before the range that was asked for. What says so has types
/// that cannot be named outside their crate, but for the text.
pub(crate) fn is_beyond_end(error: &Error) -> bool {
    chain(error).any(|error| {
        let text = error.to_string();
        text.contains("416 Range Not Satisfiable") || text.starts_with("Wanted range starting at")
    })
}

/// Whether what was asked for may be done nevertheless, or may yet be: the store did not
/// refuse it, the answer was lost.
pub(crate) fn is_unclear(error: &Error) -> bool {
    !matches!(
        error,
        Error::NotFound { .. }
            | Error::InvalidPath { .. }
            | Error::NotSupported { .. }
            | Error::AlreadyExists { .. }
            | Error::Precondition { .. }
            | Error::NotImplemented { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
    )
}

/// A message without its line breaks: the answers of servers have some. Of a long one the
/// beginning.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(MAX_MESSAGE).collect()
}

fn kind_of(error: &Error) -> ErrorKind {
    match error {
        Error::NotFound { .. } => ErrorKind::NotFound,
        Error::AlreadyExists { .. } => ErrorKind::AlreadyExists,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            ErrorKind::PermissionDenied
        }
        Error::InvalidPath { .. } => ErrorKind::InvalidInput,
        Error::NotSupported { .. } | Error::NotImplemented { .. } => ErrorKind::Unsupported,
        error if has_timed_out(error) => ErrorKind::TimedOut,
        _ => ErrorKind::Other,
    }
}

#[cfg(any(feature = "aws", feature = "azure", feature = "gcp", feature = "http"))]
fn has_timed_out(error: &Error) -> bool {
    use object_store::client::{HttpError, HttpErrorKind};
    let http =
        |error: &(dyn StdError + 'static)| error.downcast_ref::<HttpError>().map(HttpError::kind);
    chain(error).any(|error| http(error) == Some(HttpErrorKind::Timeout))
}

#[cfg(not(any(feature = "aws", feature = "azure", feature = "gcp", feature = "http")))]
fn has_timed_out(_: &Error) -> bool {
    false
}

/// An error and what led to it.
fn chain(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    iter::successors(Some(first), |error: &&(dyn StdError + 'static)| (*error).source())
}

/// What clients put before the request that failed, and behind it what they were set to.
const PERFORMING: &str = " error: Error performing ";
const SETTINGS: &str = ", max_retries: ";
/// Where machines of clouds answer who they are: Amazon's (two versions, and in containers),
/// Google's, Azure's.
const CREDENTIALS: [&str; 5] = [
    "/latest/api/token",
    "/latest/meta-data/",
    "//169.254.170.2/",
    "/computeMetadata/",
    "/metadata/identity/",
];
/// In characters.
const MAX_MESSAGE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_servers_become_one_line_of_bounded_length() {
        assert_eq!(one_line("a\r\n  <b>\tc</b>\n"), "a <b> c</b>");
        assert_eq!(one_line(&"é".repeat(10_000)).chars().count(), MAX_MESSAGE);
    }

    #[test]
    fn a_message_says_what_was_asked_of_whom_and_what_became_of_it() {
        let of = |source: &str| message(&Error::Generic { store: "S3", source: source.into() });
        assert_eq!(
            of("Error performing GET http://x/y in 1s, after 6 retries, max_retries: 6, \
                retry_timeout: 45s - HTTP error: refused"),
            "GET http://x/y in 1s, after 6 retries - HTTP error: refused"
        );
        assert_eq!(of("disk full, max_retries: 6"), "Generic S3 error: disk full, max_retries: 6");
    }

    #[test]
    fn what_a_store_refused_is_clear_and_what_else_failed_is_not() {
        let source = || "x".into();
        let refused = Error::Precondition { path: String::new(), source: source() };
        assert!(!is_unclear(&refused));
        assert!(is_unclear(&Error::Generic { store: "S3", source: source() }));
    }
}
