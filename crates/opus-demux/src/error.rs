use std::{error, fmt, io};

use opus_packet::{InvalidHead, TooMuchLost};

use crate::{Finding, FindingKind, finding::convert, ogg};

/// Why a file could not be read.
///
/// `Display` is one line that names the byte, what was expected and what was found. It does
/// not repeat [`source`](error::Error::source).
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    offset: Option<u64>,
    message: String,
    /// How long the byte position at the start of the message is.
    place: usize,
    cause: Cause,
    unusable: Vec<Finding>,
}

enum Cause {
    None,
    Io(io::Error),
    Finding(Finding),
}

/// What a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file cannot be opened, or is not a regular file.
    Open,
    /// Reading failed.
    Io,
    /// The file is intact as far as it was read, but holds no Opus. It may hold other audio.
    NoOpus,
    /// The file is of another container than the reader expects.
    WrongContainer,
    /// No Opus track has the requested number.
    NoSuchTrack,
    /// The file uses a feature that is not supported, such as encryption.
    Unsupported,
    /// A part without which nothing can be read is missing or damaged.
    Unreadable,
    /// A strict reader found a violation: see [`Error::finding`].
    Violation,
    /// More audio is missing than a recording can lack.
    TooMuchLost,
}

/// Why a file of one container could not be read.
pub(crate) trait Reason: fmt::Display {
    fn kind(&self) -> ErrorKind;
}

impl Error {
    pub(crate) fn at(offset: u64, reason: impl Reason) -> Self {
        let place = format!("byte {offset}: ");
        let message = format!("{place}{reason}");
        let mut error = Self::new(reason.kind(), Some(offset), message, Cause::None);
        error.0.place = place.len();
        error
    }

    /// An error that concerns no particular byte.
    pub(crate) fn whole(reason: impl Reason) -> Self {
        Self::new(reason.kind(), None, reason.to_string(), Cause::None)
    }

    pub(crate) fn read(offset: u64, source: io::Error) -> Self {
        let message = format!("byte {offset}: cannot read");
        Self::new(ErrorKind::Io, Some(offset), message, Cause::Io(source))
    }

    pub(crate) fn open(source: io::Error) -> Self {
        Self::new(ErrorKind::Open, None, "cannot open the file".to_owned(), Cause::Io(source))
    }

    fn new(kind: ErrorKind, offset: Option<u64>, message: String, cause: Cause) -> Self {
        Self(Box::new(Inner { kind, offset, message, place: 0, cause, unusable: Vec::new() }))
    }

    /// Adds what makes each Opus track of the file unusable.
    pub(crate) fn with_unusable(mut self, unusable: Vec<Finding>) -> Self {
        self.0.unusable = unusable;
        self
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Byte position in the file; `None` if the error concerns no particular byte.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// The message without the byte position.
    pub(crate) fn reason(&self) -> &str {
        self.0.message.get(self.0.place..).unwrap_or_default()
    }

    /// The violation that a strict reader refused.
    pub fn finding(&self) -> Option<&Finding> {
        if let Cause::Finding(finding) = &self.0.cause { Some(finding) } else { None }
    }

    /// What makes each Opus track unusable, if the file has some but can be read; its other tracks
    /// may hold good audio. The error itself is about the first one.
    pub fn unusable(&self) -> &[Finding] {
        &self.0.unusable
    }

    /// The error of the underlying reader, or this error if it is another.
    pub fn into_io(self) -> Result<io::Error, Self> {
        match *self.0 {
            Inner { cause: Cause::Io(source), .. } => Ok(source),
            inner => Err(Self(Box::new(inner))),
        }
    }
}

/// A strict reader refuses a violation.
impl<K: fmt::Display> From<opus_packet::Finding<K>> for Error
where
    FindingKind: From<K>,
{
    fn from(finding: opus_packet::Finding<K>) -> Self {
        let (offset, message) = (finding.offset, finding.to_string());
        let finding = Finding::new(offset, finding.kind.into());
        Self::new(ErrorKind::Violation, Some(offset), message, Cause::Finding(finding))
    }
}

impl From<ogg::Error> for Error {
    fn from(error: ogg::Error) -> Self {
        let kind = match error.kind() {
            ogg::ErrorKind::Io => ErrorKind::Io,
            ogg::ErrorKind::NoOpus => ErrorKind::NoOpus,
            ogg::ErrorKind::NoSuchTrack => ErrorKind::NoSuchTrack,
            ogg::ErrorKind::Violation => ErrorKind::Violation,
            ogg::ErrorKind::TooMuchLost => ErrorKind::TooMuchLost,
            _ => ErrorKind::Unreadable,
        };
        let (offset, message) = (error.offset(), error.to_string());
        let unusable = error.unusable().iter().cloned().map(convert).collect();
        let finding = error.finding().filter(|_| kind == ErrorKind::Violation);
        let cause = match finding {
            Some(finding) => Cause::Finding(convert(finding.clone())),
            None => error.into_io().map_or(Cause::None, Cause::Io),
        };
        Self::new(kind, offset, message, cause).with_unusable(unusable)
    }
}

impl Reason for InvalidHead {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unreadable
    }
}

impl Reason for TooMuchLost {
    fn kind(&self) -> ErrorKind {
        ErrorKind::TooMuchLost
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// The message and its cause, since `main() -> Result` prints this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.cause {
            Cause::Io(source) => write!(f, "{self}: {source}"),
            Cause::Finding(_) | Cause::None => write!(f, "{self}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        if let Cause::Io(source) = &self.0.cause { Some(source) } else { None }
    }
}
