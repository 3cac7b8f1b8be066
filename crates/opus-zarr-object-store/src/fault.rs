//! Errors of object stores as I/O errors of one line.

use std::{
    error::Error as StdError,
    io::{self, ErrorKind},
    iter,
};

use object_store::Error;

/// Converts an error to one with the kind that [`Part`](opus_zarr_store::Part) and the storage
/// traits name.
pub(crate) fn io_error(error: Error) -> io::Error {
    let message = message(&error);
    if is_of_credentials(&message) {
        let message =
            format!("no credentials found, neither set nor provided by this machine ({message})");
        return io::Error::new(ErrorKind::PermissionDenied, message);
    }
    io::Error::new(kind_of(&error), message)
}

/// The message of an error and its last cause. Clients omit causes such as a refused connection.
fn message(error: &Error) -> String {
    let said = error.to_string();
    match chain(error).last().map(ToString::to_string) {
        Some(cause) if !said.contains(&cause) => one_line(&format!("{}: {cause}", brief(&said))),
        _ => one_line(&brief(&said)),
    }
}

/// Shortens a message to the failed request, without the settings that clients add.
fn brief(said: &str) -> String {
    let request = said.split_once(PERFORMING).map_or(said, |(_, request)| request);
    match request.split_once(SETTINGS).map(|(start, rest)| (start, rest.split_once(" - "))) {
        Some((start, Some((_, end)))) => format!("{start} - {end}"),
        _ => request.to_owned(),
    }
}

/// Whether the client asked the machine for credentials, which it does without any of its own.
/// Only machines of clouds provide some.
fn is_of_credentials(message: &str) -> bool {
    CREDENTIALS.iter().any(|path| message.contains(path))
}

/// The error of a writer that finds another one.
pub(crate) fn busy(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::ResourceBusy, reason)
}

/// Whether the object ends before the requested range. The types of these errors are private to
/// their crate, so only their text tells.
pub(crate) fn is_beyond_end(error: &Error) -> bool {
    chain(error).any(|error| {
        let text = error.to_string();
        text.contains("416 Range Not Satisfiable") || text.starts_with("Wanted range starting at")
    })
}

/// Whether a request may have taken effect, or may yet: the store did not refuse it, but its answer
/// was lost.
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

/// A message in one line, shortened. Answers of servers have several.
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
        // Plain web servers do not know the methods of WebDAV.
        error if has_status(error, &["405 Method Not Allowed", "501 Not Implemented"]) => {
            ErrorKind::Unsupported
        }
        // A bucket that does not exist cannot be listed.
        error if has_status(error, &["404 Not Found"]) => ErrorKind::NotFound,
        error if has_timed_out(error) => ErrorKind::TimedOut,
        _ => ErrorKind::Other,
    }
}

#[cfg(feature = "__client")]
fn has_timed_out(error: &Error) -> bool {
    use object_store::client::{HttpError, HttpErrorKind};
    let http =
        |error: &(dyn StdError + 'static)| error.downcast_ref::<HttpError>().map(HttpError::kind);
    chain(error).any(|error| http(error) == Some(HttpErrorKind::Timeout))
}

#[cfg(not(feature = "__client"))]
fn has_timed_out(_: &Error) -> bool {
    false
}

/// Whether a server answered with one of these. The text tells, as in [`is_beyond_end`].
fn has_status(error: &Error, codes: &[&str]) -> bool {
    chain(error).any(|error| codes.iter().any(|code| error.to_string().contains(code)))
}

/// An error and its causes.
fn chain(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    iter::successors(Some(first), |error: &&(dyn StdError + 'static)| (*error).source())
}

/// The texts that clients put before the failed request and after it, before their settings.
const PERFORMING: &str = " error: Error performing ";
const SETTINGS: &str = ", max_retries: ";
/// Where machines of clouds provide credentials: Amazon (two versions, and in containers), Google,
/// Azure.
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
    fn a_message_names_the_request_and_its_result() {
        let of = |source: &str| message(&Error::Generic { store: "S3", source: source.into() });
        assert_eq!(
            of("Error performing GET http://x/y in 1s, after 6 retries, max_retries: 6, \
                retry_timeout: 45s - HTTP error: refused"),
            "GET http://x/y in 1s, after 6 retries - HTTP error: refused"
        );
        assert_eq!(of("disk full, max_retries: 6"), "Generic S3 error: disk full, max_retries: 6");
    }

    #[test]
    fn a_refused_request_is_clear_and_any_other_failure_is_not() {
        let source = || "x".into();
        let refused = Error::Precondition { path: String::new(), source: source() };
        assert!(!is_unclear(&refused));
        assert!(is_unclear(&Error::Generic { store: "S3", source: source() }));
    }
}
