use std::fmt;

use opus_packet::OpusHead;

use crate::{ErrorKind, caf, error::Reason, mp4, ogg, raw, webm};

/// What holds the packets of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// Ogg (RFC 7845).
    Ogg,
    /// WebM or Matroska.
    Matroska,
    /// MP4, plain or fragmented.
    Mp4,
    /// Core Audio Format.
    Caf,
    /// No container.
    Raw(RawFormat),
}

/// How a raw stream delimits packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RawFormat {
    /// Self-delimited packets (RFC 6716 appendix B).
    SelfDelimited,
    /// The format of libopus' `opus_demo`: length and final range before each packet.
    OpusDemo,
}

/// A stream of packets without a container. The file does not describe it, so the caller must.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawStream {
    /// How the file delimits packets.
    pub format: RawFormat,
    /// The head that a container would hold. `None` plays every sample, without pre-skip, in stereo
    /// if a packet is stereo and in mono otherwise.
    pub head: Option<OpusHead>,
}

/// Bytes that begin no container of Opus. `Display` names the format that they do begin, if it
/// is known, and the expected containers. `Debug` shows the same.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found}, expected Opus in Ogg, WebM, Matroska, MP4 or CAF{hint}")]
#[non_exhaustive]
pub struct UnknownContainer {
    found: String,
    hint: String,
}

impl Container {
    /// Recognises a container by the first bytes of a file: [`DETECTION_LEN`] of them, or all
    /// if there are fewer. Raw streams cannot be recognised.
    ///
    /// ```
    /// use opus_demux::Container;
    ///
    /// assert_eq!(Container::detect(b"\0\0\0\x20ftypisom"), Ok(Container::Mp4));
    /// assert!(Container::detect(b"Dear reader").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// The bytes begin no container of Opus.
    pub fn detect(start: &[u8]) -> Result<Self, UnknownContainer> {
        if webm::is_webm(start) {
            Ok(Self::Matroska)
        } else if mp4::is_mp4(start) {
            Ok(Self::Mp4)
        } else if caf::is_caf(start) {
            Ok(Self::Caf)
        } else if ogg::is_ogg(start) {
            Ok(Self::Ogg)
        } else {
            Err(UnknownContainer::of(start))
        }
    }

    /// A short name in lower case: "ogg", "matroska", "mp4", "caf", "self-delimited" or
    /// "opus_demo". These names will never change, since they are stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ogg => "ogg",
            Self::Matroska => "matroska",
            Self::Mp4 => "mp4",
            Self::Caf => "caf",
            Self::Raw(RawFormat::SelfDelimited) => "self-delimited",
            Self::Raw(RawFormat::OpusDemo) => "opus_demo",
        }
    }
}

impl RawStream {
    /// Describes a raw stream by its packets.
    pub fn new(format: RawFormat) -> Self {
        Self { format, head: None }
    }

    /// Sets the head that a container would hold.
    #[must_use]
    pub fn head(self, head: OpusHead) -> Self {
        Self { head: Some(head), ..self }
    }
}

impl UnknownContainer {
    fn of(start: &[u8]) -> Self {
        let known = OTHERS.iter().find(|other| begins(start, other));
        let shown = start.get(..8).unwrap_or(start);
        let found = match known {
            _ if start.is_empty() => "the file is empty".to_owned(),
            Some((_, _, name)) => format!("the file is {name}"),
            None => format!("the file begins with \"{}\"", shown.escape_ascii()),
        };
        // Anything but text may be packets.
        let may_be_packets = known.is_none() && !shown.is_ascii();
        let why = raw::WHY_BARE_PACKETS_CANNOT_BE_SPLIT;
        let hint = if may_be_packets { format!("; {why}") } else { String::new() };
        Self { found, hint }
    }
}

impl fmt::Debug for UnknownContainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Reason for UnknownContainer {
    fn kind(&self) -> ErrorKind {
        ErrorKind::NoOpus
    }
}

/// Names the format that the first [`MAGIC_LEN`] bytes of a file begin, if they leave no doubt.
pub(crate) fn format_of(start: &[u8]) -> Option<&'static str> {
    let container = Container::detect(start).ok().map(Container::name);
    let long = || OTHERS.iter().filter(|(_, magic, _)| magic.len() >= 4);
    container.or_else(|| long().find(|other| begins(start, other)).map(|(_, _, name)| *name))
}

fn begins(start: &[u8], (at, magic, _): &(usize, &[u8], &str)) -> bool {
    start.get(*at..).is_some_and(|rest| rest.starts_with(magic))
}

/// The bytes that [`format_of`] looks at.
pub(crate) const MAGIC_LEN: usize = 12;

/// Offset, bytes there, and the name of the format.
const OTHERS: [(usize, &[u8], &str); 9] = [
    (8, b"WAVE", "WAV"),
    (8, b"AIFF", "AIFF"),
    (8, b"AIFC", "AIFF"),
    (0, b"fLaC", "FLAC"),
    (0, b"ID3", "MP3 or another format after an ID3 tag"),
    (0, b"\xff\xfb", "MP3"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"OpusHead", "an OpusHead without a container"),
];

/// The most bytes that [`Container::detect`] looks at. An Ogg stream may follow other data, such
/// as an ID3 tag.
pub const DETECTION_LEN: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_named() {
        let error = |start: &[u8]| Container::detect(start).unwrap_err().to_string();
        assert!(error(b"").starts_with("the file is empty, expected Opus in Ogg"));
        assert!(error(b"RIFF\0\0\0\0WAVEfmt ").starts_with("the file is WAV, expected Opus"));
        assert!(error(b"\xf8\xff\xfe").contains("bare Opus packets cannot be split"));
        assert_eq!(error(b"\xf8\n").lines().count(), 1);
    }

    #[test]
    fn containers_are_recognised_by_content() {
        assert_eq!(
            Container::detect(b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01"),
            Ok(Container::Matroska)
        );
        assert_eq!(Container::detect(b"\0\0\0\x20ftypisom"), Ok(Container::Mp4));
        assert_eq!(Container::detect(b"caff\0\x01\0\0"), Ok(Container::Caf));
    }
}
