use std::{error, fmt, io};

use opus_packet::{InvalidPacket, InvalidTimeline, TooMuchLost};

use crate::{Finding, finding::Problem};

/// Why a stream could not be read or written.
///
/// `Display` is one line that names the byte, what was expected and what was found. It does
/// not repeat [`source`](error::Error::source).
pub struct Error(Box<Inner>);

struct Inner {
    offset: Option<u64>,
    reason: Reason,
    unusable: Vec<Finding>,
}

/// What a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Reading or writing failed.
    Io,
    /// The stream is intact as far as it was read, but holds another codec.
    NoOpus,
    /// No link has the requested track.
    NoSuchTrack,
    /// The stream is empty, or no link has a readable head.
    Unreadable,
    /// A strict reader found a violation: see [`Error::finding`].
    Violation,
    /// More audio is missing than a recording can lack.
    TooMuchLost,
    /// The writer was given something that no canonical stream can hold.
    Unwritable,
}

#[derive(thiserror::Error)]
pub(crate) enum Reason {
    #[error("cannot read")]
    Read(#[source] io::Error),
    #[error("cannot write")]
    Write(#[source] io::Error),
    #[error("expected an Ogg page, found an empty stream")]
    Empty,
    #[error("the Ogg stream holds {codec}, expected Opus")]
    NotOpus { codec: &'static str },
    #[error("no track {asked}: the links have at most {tracks} Opus streams, counted from 0")]
    NoSuchTrack { asked: usize, tracks: usize },
    #[error("{}", Problem(&finding.kind))]
    Finding { finding: Finding, kind: ErrorKind },
    #[error("{0}")]
    TooMuchLost(TooMuchLost),
    #[error(
        "OpusHead of {found} bytes, expected at most 65024 so that it fits on one page (RFC 7845 section 3)"
    )]
    HeadTooLong { found: usize },
    #[error("packet {packet}: {reason}")]
    Packet { packet: u64, reason: InvalidPacket },
    #[error(
        "packet {packet} has {found} bytes, expected at most 61440 (RFC 7845 section 6), or 65024 if it has several streams, so that it fits on one page"
    )]
    PacketTooLong { packet: u64, found: usize },
    #[error("no packet was written, expected at least one")]
    NoPackets,
    #[error("end trim of {end_trim} samples, expected at most the {last_page} of the last page")]
    EndTrim { end_trim: u64, last_page: u64 },
    #[error("end of the stream: {0}")]
    Timeline(InvalidTimeline),
}

impl Error {
    pub(crate) fn at(offset: u64, reason: Reason) -> Self {
        Self(Box::new(Inner { offset: Some(offset), reason, unusable: Vec::new() }))
    }

    /// Nothing can be read because of a finding.
    pub(crate) fn unreadable(finding: Finding) -> Self {
        let kind = ErrorKind::Unreadable;
        Self::at(finding.offset, Reason::Finding { finding, kind })
    }

    /// Adds the unusable heads of Opus streams.
    pub(crate) fn with_unusable(mut self, unusable: Vec<Finding>) -> Self {
        self.0.unusable = unusable;
        self
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        match &self.0.reason {
            Reason::Read(_) | Reason::Write(_) => ErrorKind::Io,
            Reason::NotOpus { .. } => ErrorKind::NoOpus,
            Reason::NoSuchTrack { .. } => ErrorKind::NoSuchTrack,
            Reason::Empty => ErrorKind::Unreadable,
            Reason::Finding { kind, .. } => *kind,
            Reason::TooMuchLost(_) => ErrorKind::TooMuchLost,
            Reason::HeadTooLong { .. }
            | Reason::Packet { .. }
            | Reason::PacketTooLong { .. }
            | Reason::NoPackets
            | Reason::EndTrim { .. }
            | Reason::Timeline(_) => ErrorKind::Unwritable,
        }
    }

    /// Byte position in the stream; `None` if the error concerns no particular byte.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// The violation that a strict reader refused, or the one that makes a stream unreadable.
    pub fn finding(&self) -> Option<&Finding> {
        if let Reason::Finding { finding, .. } = &self.0.reason { Some(finding) } else { None }
    }

    /// The unusable head of each Opus stream, if none has a usable one. Streams of another codec may
    /// be readable.
    pub fn unusable(&self) -> &[Finding] {
        &self.0.unusable
    }

    /// The error of the underlying reader or writer, or this error if it is another.
    pub fn into_io(self) -> Result<io::Error, Self> {
        match *self.0 {
            Inner { reason: Reason::Read(source) | Reason::Write(source), .. } => Ok(source),
            inner => Err(Self(Box::new(inner))),
        }
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(Box::new(Inner { offset: None, reason, unusable: Vec::new() }))
    }
}

/// A strict reader refuses a violation.
impl From<Finding> for Error {
    fn from(finding: Finding) -> Self {
        let kind = ErrorKind::Violation;
        Self::at(finding.offset, Reason::Finding { finding, kind })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.offset {
            Some(offset) => write!(f, "byte {offset}: {}", self.0.reason),
            None => self.0.reason.fmt(f),
        }
    }
}

/// The message and its causes, since `main() -> Result` prints this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        opus_packet::fmt_with_causes(self, f)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        error::Error::source(&self.0.reason)
    }
}

/// thiserror asks for it; nothing prints it.
impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
