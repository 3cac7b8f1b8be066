use std::{num::NonZeroU32, ops::Range};

use jiff::Timestamp;
use opus_zarr_store::{RecordingInfo, RecordingName};

use crate::{
    CatalogueRow,
    real_time::{Clock, after, began},
};

/// What a deployment knows about a recording of known time. It need not be opened for that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Its name in the store.
    pub name: RecordingName,
    /// When its first sample was recorded.
    pub start: Timestamp,
    /// Samples that play, per channel.
    pub play_length: u64,
    /// Samples per second of real time.
    pub real_rate: NonZeroU32,
    /// Parts per trillion by which true time is longer than the recorder's.
    pub drift_ppt: i64,
    /// Number of channels.
    pub channels: u8,
    /// SHA-256 of its audio in hexadecimal, if it is known.
    pub(super) sha256: Option<String>,
}

impl Member {
    /// Creates a member without drift.
    pub fn new(
        name: RecordingName,
        start: Timestamp,
        (play_length, real_rate): (u64, NonZeroU32),
        channels: u8,
    ) -> Self {
        Self { name, start, play_length, real_rate, drift_ppt: 0, channels, sha256: None }
    }

    /// Sets the drift.
    #[must_use]
    pub fn drift_ppt(self, drift_ppt: i64) -> Self {
        Self { drift_ppt, ..self }
    }

    /// Describes a recording, if its start is known.
    pub fn of(name: RecordingName, info: &RecordingInfo) -> Option<Self> {
        let (rate, start) = ((info.play_length, info.real_rate), began(info)?);
        let drift_ppt = Clock::of(info).drift_ppt();
        let member = Self::new(name, start, rate, info.channels).drift_ppt(drift_ppt);
        Some(Self { sha256: Some(info.blob_sha256.clone()), ..member })
    }

    /// Describes the recording of a row, if its start is known and its name can be one.
    pub fn of_row(row: &CatalogueRow) -> Option<Self> {
        let (rate, name) = ((row.samples, row.real_rate), row.name.parse().ok()?);
        let member = Self::new(name, row.start?, rate, row.channels).drift_ppt(row.drift_ppt);
        Some(Self { sha256: Some(row.sha256.clone()), ..member })
    }

    /// Whether an open recording still is what this says.
    pub(super) fn is_current(&self, info: &RecordingInfo) -> bool {
        Self::of(self.name.clone(), info).is_some_and(|found| {
            let sha256 = self.sha256.clone().or(found.sha256.clone());
            Self { sha256, ..self.clone() } == found
        })
    }

    /// When it was recorded: from its first sample to the end of its last.
    pub fn time(&self) -> Range<Timestamp> {
        let length = self.clock().time_of(self.play_length);
        self.start..after(self.start, length).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn clock(&self) -> Clock {
        Clock::new(self.real_rate, self.drift_ppt)
    }
}
