use std::{num::NonZeroUsize, ops::Range};

use opus_zarr::{Recording, RecordingInfo, Timestamp};

/// The part of a recording to draw.
pub(crate) struct Scene {
    pub(crate) recording: Recording,
    /// Play samples.
    pub(crate) range: Range<u64>,
    /// How many threads read it.
    pub(crate) threads: NonZeroUsize,
}

impl Scene {
    /// Returns the seconds of real time from the start of the recording to a sample.
    pub(crate) fn seconds(&self, sample: u64) -> f64 {
        self.recording.time_of(sample).as_secs_f64()
    }

    /// Returns the range in seconds.
    pub(crate) fn time(&self) -> Range<f64> {
        self.seconds(self.range.start)..self.seconds(self.range.end)
    }

    /// Returns the samples per second of real time.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.recording.info().real_rate.get())
    }

    /// Returns when the recording began, if known.
    pub(crate) fn began(&self) -> Option<String> {
        let start = self.recording.info().start.as_ref()?;
        let utc: Option<Timestamp> = start.utc.as_ref().and_then(|utc| utc.parse().ok());
        Some(match utc {
            Some(utc) => format!("{} UTC", utc.to_string().replace('T', " ").replace('Z', "")),
            None => format!("{} by the recorder's clock", start.local.replace('T', " ")),
        })
    }

    /// Returns the play samples of the range that were lost in the source.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = Range<u64>> {
        gaps(self.recording.info()).filter(|gap| {
            gap.start < self.range.end && gap.end > self.range.start && !gap.is_empty()
        })
    }
}

fn gaps(info: &RecordingInfo) -> impl Iterator<Item = Range<u64>> {
    let play = |coded: u64| coded.saturating_sub(info.pre_skip.into()).min(info.play_length);
    info.gaps
        .iter()
        .map(move |gap| play(gap.position)..play(gap.position.saturating_add(gap.samples)))
}
