use std::{error::Error as StdError, fmt, io};

use opus_packet::{InvalidHead, InvalidPacket};

/// An option that libopus would reject or ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidOption {
    #[error("expected 1 to 255 channels, found 0")]
    NoChannels,
    #[error("expected a complexity of 0 to 10, found {found}")]
    Complexity { found: u8 },
    #[error(
        "expected a bit rate of {least} to {most} b/s for these channels and packets of this duration, found {found}"
    )]
    Bitrate { found: u32, least: u32, most: u32 },
}

/// Why audio cannot be encoded.
///
/// `Display` is one line that does not repeat [`source`](StdError::source).
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Reason>);

/// What went wrong, as far as a caller may want to branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The options are invalid; see [`Error::invalid_option`].
    InvalidOption,
    /// The source of the samples failed; `source()` is its error.
    Source,
    /// The source breaks the contract of [`SampleSource`](crate::SampleSource), or its format
    /// differs from the options.
    InvalidSource,
    /// [`Encoder::encode`](crate::Encoder::encode) received a frame of the wrong length.
    FrameLength,
    /// libopus failed, or returned something invalid.
    Libopus,
    /// A thread could not be started, or panicked.
    Thread,
}

impl Error {
    /// Returns the kind of error.
    pub fn kind(&self) -> ErrorKind {
        match *self.0 {
            Reason::Option(_) => ErrorKind::InvalidOption,
            Reason::Source(_) => ErrorKind::Source,
            Reason::SourceChannels { .. }
            | Reason::SourceRate { .. }
            | Reason::PartialFrame { .. }
            | Reason::BrokenSource { .. } => ErrorKind::InvalidSource,
            Reason::FrameLength { .. } => ErrorKind::FrameLength,
            Reason::Libopus { .. }
            | Reason::Packet { .. }
            | Reason::Duration { .. }
            | Reason::Head(_) => ErrorKind::Libopus,
            Reason::Thread(_) | Reason::Panicked => ErrorKind::Thread,
        }
    }

    /// Returns the number of the packet, counted from 0, if libopus made an invalid one.
    pub fn packet(&self) -> Option<u64> {
        match *self.0 {
            Reason::Packet { packet, .. } | Reason::Duration { packet, .. } => Some(packet),
            _ => None,
        }
    }

    /// Returns the invalid option.
    pub fn invalid_option(&self) -> Option<InvalidOption> {
        match *self.0 {
            Reason::Option(option) => Some(option),
            _ => None,
        }
    }

    /// Returns the error of the source of the samples, or `self` for any other error.
    pub fn into_source(self) -> Result<Box<dyn StdError + Send + Sync>, Self> {
        match *self.0 {
            Reason::Source(error) => Ok(error),
            other => Err(other.into()),
        }
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

/// Prints the message and its causes, since `main() -> Result` shows errors with `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        opus_packet::fmt_with_causes(self, f)
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error(transparent)]
    Option(#[from] InvalidOption),
    #[error("cannot read the samples to encode")]
    Source(#[source] Box<dyn StdError + Send + Sync>),
    #[error("expected {expected} channels, found a source with {found}")]
    SourceChannels { found: usize, expected: usize },
    #[error("expected samples at {expected} Hz, found a source at {found} Hz")]
    SourceRate { found: u32, expected: u32 },
    #[error(
        "expected whole frames of {expected} samples, found {found} {} after the last",
        if *found == 1 { "sample" } else { "samples" }
    )]
    PartialFrame { found: usize, expected: usize },
    #[error("the source of the samples breaks its contract; expected {rule}")]
    BrokenSource { rule: &'static str },
    #[error("expected a frame of {expected} samples (all channels together), found {found}")]
    FrameLength { found: usize, expected: usize },
    #[error("libopus failed with code {code} ({message})")]
    Libopus { code: i32, message: &'static str },
    #[error("packet {packet}: libopus made an invalid packet")]
    Packet { packet: u64, source: InvalidPacket },
    #[error("packet {packet}: expected a duration of {expected} samples, found {found}")]
    Duration { packet: u64, found: u32, expected: u32 },
    #[error("libopus chose invalid streams")]
    Head(#[source] InvalidHead),
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    #[error("an encoding thread panicked")]
    Panicked,
}

impl From<InvalidOption> for Error {
    fn from(option: InvalidOption) -> Self {
        Reason::from(option).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_each_cause_once() {
        let error = Error::from(Reason::Source(Box::new(io::Error::other("the card is gone"))));
        assert_eq!(format!("{error:?}"), "cannot read the samples to encode: the card is gone");
        assert_eq!(error.kind(), ErrorKind::Source);
        assert_eq!(error.into_source().unwrap().to_string(), "the card is gone");
        let error = Error::from(InvalidOption::NoChannels);
        assert_eq!(format!("{error:?}"), "expected 1 to 255 channels, found 0");
        assert_eq!(error.invalid_option(), Some(InvalidOption::NoChannels));
        assert!(error.into_source().is_err());
    }
}
