//! What a store says of audio that was encoded on import, and of when and how it was recorded.

use serde::{Deserialize, Serialize};

/// How a source that was not Opus became the blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcoding {
    /// Sample rate of the source in Hz, as its header says.
    pub rate: u32,
    /// Samples of the source, per channel at `rate`.
    pub samples: u64,
    /// Whether its samples were encoded one for one, as if their rate was 48 kHz, so that
    /// ultrasound stays. Else audio at another rate than `encoded_rate` was resampled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_kept: bool,
    /// Sample rate that the encoder was given the audio at, in Hz.
    pub encoded_rate: u32,
    /// What decoded the source, with its version.
    pub decoder: String,
    /// The encoder, with its version.
    pub encoder: String,
    /// The settings of the encoder.
    pub settings: EncoderSettings,
}

/// How audio was encoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderSettings {
    /// Bits per second, of all channels.
    pub bitrate: u32,
    /// `vbr`, `constrained-vbr` or `cbr`.
    pub rate_control: String,
    /// 0 to 10.
    pub complexity: u8,
    /// `audio`, `voip` or `low-delay`.
    pub application: String,
    /// Duration of a packet, in samples at 48 kHz.
    pub frame_duration: u32,
    /// From one packet that does not depend on those before it to the next, in samples at
    /// 48 kHz; none: there are no such packets on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval: Option<u64>,
}

/// When the first sample that plays was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// In UTC, as in `2026-11-26T04:15:00.25Z` (RFC 3339); none if the time zone is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utc: Option<String>,
    /// By the clock of the recorder, as in `2026-11-26T05:15:00.25`.
    pub local: String,
    /// Where it stood, as in `guano` or `file name`.
    pub source: String,
    /// What is known of the time zone.
    pub certainty: Certainty,
}

/// What is known of the time zone of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Certainty {
    /// The source names it.
    Certain,
    /// Whoever imported it named it.
    ZoneAssumed,
    /// Nothing: only the clock of the recorder is known.
    LocalOnly,
}

/// A part of the source that is not audio, as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMetadata {
    /// What the source calls it, as in `guan` or `bext`.
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
    /// Others, in hexadecimal.
    Hex(String),
    /// So many that they are not kept.
    Omitted(u64),
}
