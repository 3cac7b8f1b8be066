use std::{error::Error as StdError, fmt, io};

use crate::{chunk::Guid, format_tag::tag_name};

/// Why a file cannot be opened or read further.
///
/// `Display` is one line that names the byte, what was expected and what was found. It does not
/// repeat [`source`](StdError::source).
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Reason>);

/// What went wrong, as far as a caller may want to branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Reading or seeking failed; `source()` is the I/O error.
    Io,
    /// The file is neither WAVE nor AIFF nor AU.
    NotWave,
    /// The file is WAVE, AIFF or AU, but its samples are not PCM, float, A-law or mu-law.
    UnsupportedEncoding,
    /// The samples are spread over several chunks, or stored as a list of waves and silences.
    UnsupportedLayout,
    /// A required chunk is missing or makes no sense.
    Malformed,
}

impl Error {
    /// Returns the kind of error.
    pub fn kind(&self) -> ErrorKind {
        match *self.0 {
            Reason::Io { .. } => ErrorKind::Io,
            Reason::NotWave { .. } => ErrorKind::NotWave,
            Reason::UnsupportedEncoding { .. }
            | Reason::UnsupportedCompression { .. }
            | Reason::UnsupportedAu { .. } => ErrorKind::UnsupportedEncoding,
            Reason::SeveralData { .. } | Reason::WaveList { .. } => ErrorKind::UnsupportedLayout,
            Reason::NoChunk { .. } | Reason::ChunkTooShort { .. } | Reason::NoAudio { .. } => {
                ErrorKind::Malformed
            }
        }
    }

    /// Returns the byte position in the file.
    pub fn offset(&self) -> u64 {
        match *self.0 {
            Reason::Io { offset, .. }
            | Reason::NotWave { offset, .. }
            | Reason::NoChunk { offset, .. }
            | Reason::ChunkTooShort { offset, .. }
            | Reason::UnsupportedEncoding { offset, .. }
            | Reason::UnsupportedCompression { offset, .. }
            | Reason::UnsupportedAu { offset, .. }
            | Reason::NoAudio { offset, .. }
            | Reason::WaveList { offset }
            | Reason::SeveralData { second: offset, .. } => offset,
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
        write!(f, "{self}")?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("byte {offset}: cannot read the file")]
    Io { offset: u64, source: io::Error },
    #[error(
        "byte {offset}: expected a WAVE, AIFF or AU file (\"RIFF\", \"RIFX\", \"RF64\", \"BW64\", \"FORM\", \".snd\" or the GUID of W64), found \"{}\"",
        found.escape_ascii()
    )]
    NotWave { offset: u64, found: Vec<u8> },
    #[error("byte {offset}: expected a \"{name}\" chunk, found the end of the file")]
    NoChunk { offset: u64, name: &'static str },
    #[error(
        "byte {offset}: expected a \"{name}\" chunk of at least {expected} bytes, found {found}"
    )]
    ChunkTooShort { offset: u64, name: &'static str, found: u64, expected: u64 },
    /// `tag` is the format tag; for an extensible format, the first two bytes of `guid`.
    #[error(
        "byte {offset}: expected {SUPPORTED}, found {} of {bits} bits (format tag {tag:#06x}{})",
        tag_name(*tag),
        guid.map(|guid| format!(", GUID {guid}")).unwrap_or_default()
    )]
    UnsupportedEncoding { offset: u64, tag: u16, bits: u16, guid: Option<Guid> },
    #[error(
        "byte {offset}: expected {SUPPORTED}, found compression \"{}\" of {bits} bits",
        compression.escape_ascii()
    )]
    UnsupportedCompression { offset: u64, compression: [u8; 4], bits: u16 },
    #[error("byte {offset}: expected {SUPPORTED}, found encoding {code} of AU")]
    UnsupportedAu { offset: u64, code: u32 },
    #[error(
        "byte {offset}: expected at least 1 channel and 1 Hz, found {channels} channels at {rate} Hz"
    )]
    NoAudio { offset: u64, channels: u16, rate: u32 },
    #[error(
        "byte {second}: expected samples in one \"{name}\" chunk, found a second one (the first is at byte {first})"
    )]
    SeveralData { first: u64, second: u64, name: &'static str },
    #[error(
        "byte {offset}: expected samples in one \"data\" chunk, found a list of waves and silences (\"wavl\")"
    )]
    WaveList { offset: u64 },
}

const SUPPORTED: &str = "PCM of 1 to 64 bits, float of 32 or 64 bits, A-law or mu-law";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_text_and_causes() {
        let error = Error::from(Reason::NotWave { offset: 0, found: b"OggS".to_vec() });
        assert!(format!("{error:?}").ends_with("found \"OggS\""), "{error:?}");
        let error = Error::from(Reason::Io { offset: 7, source: io::Error::other("disk gone") });
        assert_eq!(format!("{error:?}"), "byte 7: cannot read the file: disk gone");
        assert_eq!((error.kind(), error.offset()), (ErrorKind::Io, 7));
    }
}
