//! Attributes about the source of a recording: the file, how it was encoded, and when it was
//! recorded.

use std::{borrow::Cow, path::Path};

use serde::{Deserialize, Serialize};

use crate::path_text::{hex_unless_utf8, path_text};

/// The file that a recording was imported from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Source {
    /// File name, without directories. Bytes that are not UTF-8 appear as in `caf\xE9.wav`.
    pub name: String,
    /// All bytes of the file name in hexadecimal, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_hex: Option<String>,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Container format, such as `ogg`.
    pub container: String,
    /// Codec, such as `opus`.
    pub codec: String,
    /// How the file became the blob.
    pub stored: StoredAs,
    /// Which stream of the file this is, counted from 1.
    #[serde(default = "first")]
    pub stream: u64,
    /// Findings about the stream, one line each. Long lists are cut off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// How the audio was encoded, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcoding: Option<Transcoding>,
    /// Parts of the file besides audio and tags, unchanged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<SourceMetadata>,
}

fn first() -> u64 {
    1
}

/// How the source became the blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StoredAs {
    /// Byte for byte.
    Verbatim,
    /// The same packets in new pages.
    Remuxed,
    /// Its audio, encoded as Opus.
    Transcoded,
}

/// How a source that was not Opus became the blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transcoding {
    /// Sample rate of the source in Hz, as its header states.
    pub rate: u32,
    /// Samples of the source, per channel at `rate`.
    pub samples: u64,
    /// Whether samples were encoded one for one as if their rate was 48 kHz, to keep ultrasound.
    /// Otherwise audio was resampled if `rate` differs from `encoded_rate`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_kept: bool,
    /// Input sample rate of the encoder in Hz.
    pub encoded_rate: u32,
    /// The decoder of the source, with its version.
    pub decoder: String,
    /// The encoder, with its version.
    pub encoder: String,
    /// The settings of the encoder.
    pub settings: EncoderSettings,
}

/// How audio was encoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EncoderSettings {
    /// Bits per second, over all channels.
    pub bitrate: u32,
    /// `vbr`, `constrained-vbr` or `cbr`.
    pub rate_control: String,
    /// 0 to 10.
    pub complexity: u8,
    /// `audio`, `voip` or `low-delay`.
    pub application: String,
    /// Duration of a packet, in samples at 48 kHz.
    pub frame_duration: u32,
    /// Distance between sync points (packets independent of earlier ones) in samples at 48 kHz;
    /// `None` if the encoder placed none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval: Option<u64>,
}

/// When the first play sample was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Start {
    /// In UTC, such as `2026-11-26T04:15:00.25Z` (RFC 3339); `None` if the time zone is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utc: Option<String>,
    /// By the recorder's clock, such as `2026-11-26T05:15:00.25`.
    pub local: String,
    /// Where it was found, such as `guano` or `file name`.
    pub source: String,
    /// How the time zone is known.
    pub certainty: Certainty,
    /// The zone that was assumed, such as `Europe/Zurich` or `+02:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What is doubtful about it, one line each: sources that disagree, times that occur twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}

/// How the time zone of a start is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Certainty {
    /// The source states it.
    Certain,
    /// The importer assumed it.
    ZoneAssumed,
    /// Unknown: only the time of the recorder's clock is known.
    LocalOnly,
}

/// A part of the source that is not audio, unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SourceMetadata {
    /// Its name in the source, such as `guan` or `bext`.
    pub id: String,
    /// Byte position in the source.
    pub offset: u64,
    /// Its bytes.
    #[serde(flatten)]
    pub content: MetadataContent,
}

/// The bytes of a part, in a form that JSON can hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MetadataContent {
    /// UTF-8.
    Text(String),
    /// Other bytes, in hexadecimal.
    Hex(String),
    /// The number of bytes, too many to be kept.
    Omitted(u64),
}

impl Source {
    /// Creates a source with a file name and nothing else.
    pub fn new(name: impl Into<String>, stored: StoredAs) -> Self {
        Self {
            name: name.into(),
            name_hex: None,
            bytes: 0,
            sha256: String::new(),
            container: String::new(),
            codec: String::new(),
            stored,
            stream: first(),
            findings: Vec::new(),
            transcoding: None,
            metadata: Vec::new(),
        }
    }

    /// Creates a source with the name of a file and nothing else.
    pub fn of_file(path: &Path, stored: StoredAs) -> Self {
        let name = path.file_name().unwrap_or_default();
        Self { name_hex: hex_unless_utf8(name), ..Self::new(path_text(name), stored) }
    }

    /// Sets the length of the file and its SHA-256 in hexadecimal.
    #[must_use]
    pub fn content(self, bytes: u64, sha256: impl Into<String>) -> Self {
        Self { bytes, sha256: sha256.into(), ..self }
    }

    /// Sets the container format and the codec, such as `ogg` and `opus`.
    #[must_use]
    pub fn format(self, container: impl Into<String>, codec: impl Into<String>) -> Self {
        Self { container: container.into(), codec: codec.into(), ..self }
    }

    /// Sets which stream of the file this is, counted from 1.
    #[must_use]
    pub fn stream(self, stream: u64) -> Self {
        Self { stream, ..self }
    }

    /// Sets the findings about the stream, one line each.
    #[must_use]
    pub fn findings(self, findings: Vec<String>) -> Self {
        Self { findings, ..self }
    }

    /// Sets how the audio was encoded.
    #[must_use]
    pub fn transcoding(self, transcoding: Transcoding) -> Self {
        Self { transcoding: Some(transcoding), ..self }
    }

    /// Sets the parts of the file besides audio and tags.
    #[must_use]
    pub fn metadata(self, metadata: Vec<SourceMetadata>) -> Self {
        Self { metadata, ..self }
    }
}

impl Transcoding {
    /// Creates the description of `samples` samples per channel at `rate` Hz, encoded at the
    /// same rate.
    pub fn new(rate: u32, samples: u64, settings: EncoderSettings) -> Self {
        let (decoder, encoder) = (String::new(), String::new());
        Self { rate, samples, is_kept: false, encoded_rate: rate, decoder, encoder, settings }
    }

    /// Sets the input sample rate of the encoder, and whether samples were encoded one for one.
    #[must_use]
    pub fn encoded_rate(self, encoded_rate: u32, is_kept: bool) -> Self {
        Self { encoded_rate, is_kept, ..self }
    }

    /// Sets the decoder of the source and the encoder, with their versions.
    #[must_use]
    pub fn programs(self, decoder: impl Into<String>, encoder: impl Into<String>) -> Self {
        Self { decoder: decoder.into(), encoder: encoder.into(), ..self }
    }
}

impl EncoderSettings {
    /// Creates settings with a bit rate (over all channels) and a packet duration in samples at
    /// 48 kHz: variable bit rate, complexity 10, application `audio`, no sync points.
    pub fn new(bitrate: u32, frame_duration: u32) -> Self {
        Self {
            bitrate,
            rate_control: "vbr".to_owned(),
            complexity: 10,
            application: "audio".to_owned(),
            frame_duration,
            sync_interval: None,
        }
    }

    /// Sets `vbr`, `constrained-vbr` or `cbr`.
    #[must_use]
    pub fn rate_control(self, rate_control: impl Into<String>) -> Self {
        Self { rate_control: rate_control.into(), ..self }
    }

    /// Sets the complexity, 0 to 10.
    #[must_use]
    pub fn complexity(self, complexity: u8) -> Self {
        Self { complexity, ..self }
    }

    /// Sets `audio`, `voip` or `low-delay`.
    #[must_use]
    pub fn application(self, application: impl Into<String>) -> Self {
        Self { application: application.into(), ..self }
    }

    /// Sets the distance between sync points in samples at 48 kHz.
    #[must_use]
    pub fn sync_interval(self, sync_interval: Option<u64>) -> Self {
        Self { sync_interval, ..self }
    }
}

impl Start {
    /// Creates a start by the recorder's clock, found in `source`.
    pub fn new(local: impl Into<String>, source: impl Into<String>, certainty: Certainty) -> Self {
        let (local, source) = (local.into(), source.into());
        Self { utc: None, local, source, certainty, zone: None, findings: Vec::new() }
    }

    /// Sets the start in UTC.
    #[must_use]
    pub fn utc(self, utc: Option<String>) -> Self {
        Self { utc, ..self }
    }

    /// Sets the zone that was assumed.
    #[must_use]
    pub fn zone(self, zone: Option<String>) -> Self {
        Self { zone, ..self }
    }

    /// Sets what is doubtful, one line each.
    #[must_use]
    pub fn findings(self, findings: Vec<String>) -> Self {
        Self { findings, ..self }
    }

    /// Whether another start is the same time, found in the same place. The earliest stores keep neither
    /// zones nor findings, so these do not count.
    pub fn is_same(&self, other: &Self) -> bool {
        let essence = |start: &Self| {
            (start.utc.clone(), start.local.clone(), start.source.clone(), start.certainty)
        };
        essence(self) == essence(other)
    }
}

impl MetadataContent {
    /// Returns the bytes; `None` if they were not kept.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Text(text) => Some(text.as_bytes().into()),
            Self::Hex(hex) => from_hex(hex).map(Cow::Owned),
            Self::Omitted(_) => None,
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit =
        |found: u8| char::from(found).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

impl SourceMetadata {
    /// Creates a part of the source.
    pub fn new(id: impl Into<String>, offset: u64, content: MetadataContent) -> Self {
        Self { id: id.into(), offset, content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_parts_are_those_of_the_source() {
        let bytes = |content: MetadataContent| content.bytes().map(Cow::into_owned);
        assert_eq!(bytes(MetadataContent::Text("aä".to_owned())), Some(b"a\xc3\xa4".to_vec()));
        assert_eq!(bytes(MetadataContent::Hex("00fF1a".to_owned())), Some(vec![0, 255, 26]));
        assert_eq!(bytes(MetadataContent::Hex(String::new())), Some(Vec::new()));
        for wrong in ["0", "0g", "000", "+1", "ä"] {
            assert_eq!(bytes(MetadataContent::Hex(wrong.to_owned())), None, "{wrong}");
        }
        assert_eq!(bytes(MetadataContent::Omitted(5)), None);
    }
}
