use std::num::NonZeroU32;

use jiff::Timestamp;
use opus_zarr_store::{Certainty, Listed, RecordingInfo};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{RecorderMetadata, Recording, real_time::Clock};

/// What a [`Catalogue`](crate::Catalogue) knows about a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CatalogueRow {
    /// Its name in the store.
    pub name: String,
    /// When its first sample was recorded, if that is known in UTC.
    pub start: Option<Timestamp>,
    /// When its last sample ended.
    pub end: Option<Timestamp>,
    /// Its start by the recorder's clock.
    pub local_start: Option<String>,
    /// How the time zone of its start is known.
    pub certainty: Option<Certainty>,
    /// Its length in seconds of real time.
    pub seconds: f64,
    /// Its length in play samples, per channel.
    pub samples: u64,
    /// Play samples per second of real time.
    pub real_rate: NonZeroU32,
    /// Parts per trillion by which true time is longer than the recorder's.
    #[serde(default)]
    pub drift_ppt: i64,
    /// Its channels.
    pub channels: u8,
    /// Whether every read of it is exact.
    pub is_exact: bool,
    /// Length of its Ogg Opus stream in bytes.
    pub bytes: u64,
    /// SHA-256 of its Ogg Opus stream, in hexadecimal.
    pub sha256: String,
    /// Name of the file it was imported from.
    pub source: String,
    /// SHA-256 of that file, in hexadecimal.
    pub source_sha256: String,
    /// Which stream of that file it is, counted from 1. None in catalogues that were written before they
    /// had it.
    pub source_stream: Option<u64>,
    /// Degrees north, from the recorder.
    pub latitude: Option<f64>,
    /// Degrees east, from the recorder.
    pub longitude: Option<f64>,
    /// The recorder: the note `device`, or what the recorder says about itself.
    pub device: Option<String>,
    /// The note `site`.
    pub site: Option<String>,
    /// How many findings there are about the source and its start.
    #[serde(default)]
    pub findings: u64,
    /// How many stretches of audio were lost.
    #[serde(default)]
    pub gaps: u64,
    /// All notes of users.
    pub notes: Map<String, Value>,
    /// How often its attributes have changed since the import.
    pub generation: u64,
    /// The version of its document when it was listed.
    pub version: Option<String>,
}

impl CatalogueRow {
    /// Makes the row of a recording.
    pub fn of(recording: &Recording) -> Self {
        let info = recording.info();
        let start = info.start.as_ref();
        let findings = info.source.findings.len() + start.map_or(0, |start| start.findings.len());
        let count = |number| u64::try_from(number).unwrap_or(u64::MAX);
        let note = |key| info.user.get(key).and_then(Value::as_str);
        let note = |key| note(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let recorder = RecorderMetadata::of_recording(info);
        Self {
            name: recording.name().to_owned(),
            start: recording.utc_of(0),
            end: recording.utc_of(info.play_length),
            local_start: start.map(|start| start.local.clone()),
            certainty: start.map(|start| start.certainty),
            seconds: recording.time_of(info.play_length).as_secs_f64(),
            samples: info.play_length,
            real_rate: info.real_rate,
            drift_ppt: Clock::of(info).drift_ppt(),
            channels: info.channels,
            is_exact: recording.exactness().is_ok(),
            bytes: info.blob_bytes,
            sha256: info.blob_sha256.clone(),
            source: info.source.name.clone(),
            source_sha256: info.source.sha256.clone(),
            source_stream: Some(info.source.stream),
            latitude: recorder.position.map(|position| position.latitude),
            longitude: recorder.position.map(|position| position.longitude),
            device: note("device").or(recorder.device),
            site: note("site"),
            findings: count(findings),
            gaps: count(info.gaps.len()),
            notes: info.user.clone(),
            generation: info.generation,
            version: None,
        }
    }

    /// Sets the version of the document when it was listed.
    #[must_use]
    pub fn version(self, version: Option<String>) -> Self {
        Self { version, ..self }
    }

    /// Whether the row says what the open recording says: it has the same audio, and its start and notes
    /// have not changed since.
    pub fn is_current(&self, info: &RecordingInfo) -> bool {
        self.sha256 == info.blob_sha256 && self.generation == info.generation
    }

    /// Whether the row was made from the document that was listed, and lacks no column.
    pub(super) fn is_of(&self, listed: &Listed) -> bool {
        self.version.is_some() && self.may_be_of(listed)
    }

    /// Whether nothing is known against that. An object store does not tell.
    pub(crate) fn may_be_of(&self, listed: &Listed) -> bool {
        self.version == listed.version && self.source_stream.is_some()
    }
}
