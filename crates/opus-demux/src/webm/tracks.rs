//! The list of tracks (RFC 9559 section 5.1.4).

use std::fmt;

use opus_packet::OpusHead;

use crate::{
    Error,
    webm::{
        FindingKind,
        clock::nearest_samples,
        ebml::{Element, text, unsigned},
        error::Reason,
        finding::Findings,
        ids,
    },
};

/// A track of the file, of any kind. `Display` is "number codec (kind)".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    number: u64,
    codec_id: String,
    kind: TrackKind,
}

/// The kind of a track (RFC 9559 section 5.1.4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Text or pictures to show over the video.
    Subtitle,
    /// Another kind, by its number.
    Other(u64),
}

impl Track {
    /// Its number in blocks and in [`Options::track`](crate::webm::Options::track).
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The codec, such as `A_OPUS` or `V_VP9`.
    pub fn codec_id(&self) -> &str {
        &self.codec_id
    }

    /// Its kind.
    pub fn kind(&self) -> TrackKind {
        self.kind
    }

    /// Returns whether this is an Opus track.
    pub fn is_opus(&self) -> bool {
        self.codec_id == "A_OPUS"
    }

    pub(crate) fn is_other_audio(&self) -> bool {
        self.kind == TrackKind::Audio && !self.is_opus()
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Escaped and cut, so that the file cannot break the line.
        let codec: String = self.codec_id.escape_debug().take(60).collect();
        write!(f, "{} {codec} ({})", self.number, self.kind)
    }
}

impl fmt::Display for TrackKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Video => f.write_str("video"),
            Self::Audio => f.write_str("audio"),
            Self::Subtitle => f.write_str("subtitle"),
            Self::Other(number) => write!(f, "type {number}"),
        }
    }
}

/// A TrackEntry: the fields that the reader needs.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) track: Track,
    pub(crate) uid: Option<u64>,
    /// Byte position in the file of its data.
    pub(crate) offset: u64,
    channels: u64,
    /// Nanoseconds.
    codec_delay: u64,
    /// Byte position and data.
    codec_private: Option<(u64, Vec<u8>)>,
    encoding: Option<&'static str>,
}

/// Adds the tracks of a Tracks element.
pub(crate) fn parse(
    tracks: Element<'_>,
    entries: &mut Vec<Entry>,
    findings: &mut Findings,
) -> Result<(), Error> {
    for child in tracks.children() {
        match child {
            Ok(child) if child.id == ids::TRACK_ENTRY && entries.len() < MAX_TRACKS => {
                entries.push(Entry::parse(child, findings)?);
            }
            Ok(_) => {}
            Err((offset, kind)) => findings.report(offset, kind)?,
        }
    }
    Ok(())
}

impl Entry {
    fn parse(element: Element<'_>, findings: &mut Findings) -> Result<Self, Error> {
        let track = Track { number: 0, codec_id: String::new(), kind: TrackKind::Other(0) };
        let mut entry = Self {
            track,
            uid: None,
            offset: element.offset,
            channels: 1,
            codec_delay: 0,
            codec_private: None,
            encoding: None,
        };
        for child in element.children() {
            match child {
                Ok(child) => entry.take(child, findings)?,
                Err((offset, kind)) => findings.report(offset, kind)?,
            }
        }
        Ok(entry)
    }

    fn take(&mut self, child: Element<'_>, findings: &mut Findings) -> Result<(), Error> {
        let mut number = |into: &mut u64| match unsigned(child.data) {
            Some(value) => {
                *into = value;
                Ok(())
            }
            None => findings.report(child.offset, FindingKind::InvalidNumber { id: child.id }),
        };
        match child.id {
            ids::TRACK_NUMBER => number(&mut self.track.number)?,
            ids::CODEC_DELAY => number(&mut self.codec_delay)?,
            ids::TRACK_UID => self.uid = unsigned(child.data),
            ids::TRACK_TYPE => self.track.kind = kind(unsigned(child.data).unwrap_or_default()),
            ids::CODEC_ID => self.track.codec_id = text(child.data),
            ids::CODEC_PRIVATE => self.codec_private = Some((child.offset, child.data.to_vec())),
            ids::CONTENT_ENCODINGS => self.encoding = encoding(child),
            ids::AUDIO => {
                let channels = child.valid_children().find(|child| child.id == ids::CHANNELS);
                if let Some(value) = channels.and_then(|channels| unsigned(channels.data)) {
                    self.channels = value;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The identification header: from CodecPrivate, or made from the other fields.
    pub(crate) fn head(&self) -> Result<OpusHead, Error> {
        if let Some(encoding) = self.encoding {
            let (offset, track) = (self.offset, self.track.number);
            return Err(Error::at(offset, Reason::Encoded { track, encoding }));
        }
        if let Some((offset, private)) = &self.codec_private {
            return OpusHead::parse(private).map_err(|reason| Error::at(*offset, reason));
        }
        let pre_skip = u16::try_from(nearest_samples(self.codec_delay)).unwrap_or(u16::MAX);
        OpusHead::new(self.channels(), pre_skip, 0).map_err(|reason| Error::at(self.offset, reason))
    }

    /// Reports where the track differs from its head.
    pub(crate) fn report(&self, head: &OpusHead, findings: &mut Findings) -> Result<(), Error> {
        let (nanoseconds, pre_skip) = (self.codec_delay, head.pre_skip());
        if self.codec_private.is_none() {
            let channels = self.channels();
            findings.report(self.offset, FindingKind::NoCodecPrivate { channels })?;
        } else if nearest_samples(nanoseconds) != u64::from(pre_skip) {
            findings.report(self.offset, FindingKind::CodecDelay { nanoseconds, pre_skip })?;
        }
        Ok(())
    }

    fn channels(&self) -> u8 {
        u8::try_from(self.channels).unwrap_or(u8::MAX)
    }
}

fn kind(number: u64) -> TrackKind {
    match number {
        1 => TrackKind::Video,
        2 => TrackKind::Audio,
        17 => TrackKind::Subtitle,
        other => TrackKind::Other(other),
    }
}

/// The name of the encoding of the blocks (RFC 9559 section 5.1.4.1.31).
fn encoding(encodings: Element<'_>) -> Option<&'static str> {
    let first = encodings.valid_children().find(|child| child.id == ids::CONTENT_ENCODING)?;
    let algorithm = |parent: u32, id: u32| {
        let parent = first.valid_children().find(|child| child.id == parent)?;
        let child = parent.valid_children().find(|child| child.id == id);
        Some(child.and_then(|child| unsigned(child.data)).unwrap_or_default())
    };
    if let Some(algorithm) = algorithm(ids::CONTENT_ENCRYPTION, ids::CONTENT_ENC_ALGO) {
        return Some(match algorithm {
            1 => "DES encryption",
            2 => "Triple DES encryption",
            3 => "Twofish encryption",
            4 => "Blowfish encryption",
            5 => "AES encryption",
            _ => "encryption of an unknown kind",
        });
    }
    Some(match algorithm(ids::CONTENT_COMPRESSION, ids::CONTENT_COMP_ALGO) {
        Some(0) | None => "zlib compression",
        Some(1) => "bzlib compression",
        Some(2) => "lzo1x compression",
        Some(3) => "header stripping compression",
        Some(_) => "compression of an unknown kind",
    })
}

/// No real file has more in all its lists. In a hostile one, two bytes could make a track.
const MAX_TRACKS: usize = 1000;
