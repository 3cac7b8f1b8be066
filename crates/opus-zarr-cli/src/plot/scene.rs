use std::{num::NonZeroUsize, ops::Range};

use jiff::{
    civil::{DateTime, Time},
    tz::TimeZoneTransition,
};
use opus_zarr::{
    ChannelSelection, Deployment, Piece, Recording, RecordingInfo, Segment, Store, Timestamp, Zone,
};

use super::number::float;
use crate::failure::Failure;

/// What to draw.
pub(crate) struct Scene {
    source: Source,
    /// Play samples of the recording, or samples of the piece.
    pub(crate) range: Range<u64>,
    /// How many threads read it.
    pub(crate) threads: NonZeroUsize,
}

enum Source {
    Recording(Box<Recording>),
    Piece(Box<OnClock>),
}

/// A range of time over the recordings of a store.
pub(crate) struct OnClock {
    pub(crate) deployment: Deployment,
    pub(crate) piece: Piece,
    /// The name of the store.
    pub(crate) place: String,
    pub(crate) zone: Zone,
    /// The highest sample rate of the sources, if all were resampled to 48 kHz.
    pub(crate) resampled_from: Option<u32>,
    /// The channels that reads return.
    pub(crate) channels: ChannelSelection,
}

impl Scene {
    pub(crate) fn of_recording(
        recording: Recording,
        range: Range<u64>,
        threads: NonZeroUsize,
    ) -> Self {
        Self { source: Source::Recording(Box::new(recording)), range, threads }
    }

    pub(crate) fn of_piece(piece: OnClock, threads: NonZeroUsize) -> Self {
        let range = 0..piece.piece.samples();
        Self { source: Source::Piece(Box::new(piece)), range, threads }
    }

    /// Reads samples of the drawn channels.
    pub(crate) fn read(&self, samples: Range<u64>) -> Result<Vec<f32>, Failure> {
        Ok(match &self.source {
            Source::Recording(recording) => recording.read(samples)?,
            Source::Piece(it) => it.deployment.read_part(&it.piece, samples)?,
        })
    }

    /// Returns the number of samples that there are beside those to draw.
    pub(crate) fn length(&self) -> u64 {
        match &self.source {
            Source::Recording(recording) => recording.info().play_length,
            Source::Piece(it) => it.piece.samples(),
        }
    }

    /// Returns the number of channels, and those to draw.
    pub(crate) fn channels(&self) -> (u8, &ChannelSelection) {
        match &self.source {
            Source::Recording(recording) => {
                (recording.info().channels, &recording.output().channels)
            }
            Source::Piece(it) => (it.piece.channels, &it.channels),
        }
    }

    /// Returns the seconds of real time from the start of the recording to a sample, or from the midnight
    /// before a range of time.
    pub(crate) fn seconds(&self, sample: u64) -> f64 {
        match &self.source {
            Source::Recording(recording) => recording.time_of(sample).as_secs_f64(),
            Source::Piece(it) => {
                let start = Time::midnight().duration_until(it.clock().time()).as_secs_f64();
                start + float(sample) / self.rate()
            }
        }
    }

    /// Returns the range in seconds.
    pub(crate) fn time(&self) -> Range<f64> {
        self.seconds(self.range.start)..self.seconds(self.range.end)
    }

    /// Returns the samples per second of real time.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(match &self.source {
            Source::Recording(recording) => recording.info().real_rate.get(),
            Source::Piece(it) => it.piece.real_rate.get(),
        })
    }

    /// Returns the sample rate of a source that was resampled to 48 kHz, if all is from one.
    pub(crate) fn resampled_from(&self) -> Option<u32> {
        match &self.source {
            Source::Recording(recording) => resampled_from(recording),
            Source::Piece(it) => it.resampled_from,
        }
    }

    /// Names the recording or the store, and when it began.
    pub(crate) fn title(&self) -> String {
        match (&self.source, self.began()) {
            (Source::Recording(recording), Some(began)) => {
                format!("{}, began {began}", recording.name())
            }
            (Source::Recording(recording), None) => recording.name().to_owned(),
            (Source::Piece(it), _) => format!("{}, from {} ({})", it.place, it.clock(), it.zone),
        }
    }

    /// Says what the time axis counts, if that is the time of day.
    pub(crate) fn local_time(&self) -> Option<String> {
        let Source::Piece(it) = &self.source else { return None };
        let changes = it.changes();
        let then = changes.iter().map(|change| format!(", then {}", change.offset()));
        let offsets = match it.zone.time_zone().to_offset(it.piece.start) {
            _ if changes.is_empty() => String::new(),
            offset => format!(", UTC offset {offset}{}", then.collect::<String>()),
        };
        Some(format!("local time ({}) on {}{offsets}", it.zone, it.clock().date()))
    }

    /// Returns when clocks change in the range, in [seconds](Self::seconds), and by how much they are
    /// ahead of the clock at its start from then on.
    pub(crate) fn clock_changes(&self) -> Vec<(f64, f64)> {
        let Source::Piece(it) = &self.source else { return Vec::new() };
        let (start, first) = (it.piece.start, it.zone.time_zone().to_offset(it.piece.start));
        let change = |change: &TimeZoneTransition| {
            let after = start.duration_until(change.timestamp()).as_secs_f64();
            let set = change.offset().seconds() - first.seconds();
            (self.seconds(0) + after, f64::from(set))
        };
        it.changes().iter().map(change).collect()
    }

    /// Returns when the recording began, if known.
    pub(crate) fn began(&self) -> Option<String> {
        let Source::Recording(recording) = &self.source else { return None };
        let start = recording.info().start.as_ref()?;
        let utc: Option<Timestamp> = start.utc.as_ref().and_then(|utc| utc.parse().ok());
        Some(match utc {
            Some(utc) => format!("{} UTC", utc.to_string().replace('T', " ").replace('Z', "")),
            None => format!("{} by the recorder's clock", start.local.replace('T', " ")),
        })
    }

    /// Returns the samples of the range that were lost in the source, or never recorded.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = Range<u64>> {
        let (lost, silent) = match &self.source {
            Source::Recording(recording) => (Some(gaps(recording.info())), None),
            Source::Piece(it) => (None, Some(it.piece.silences())),
        };
        let all = lost.into_iter().flatten().chain(silent.into_iter().flatten());
        all.filter(|gap| {
            gap.start < self.range.end && gap.end > self.range.start && !gap.is_empty()
        })
    }
}

/// Returns the sample rate of a source that was resampled to 48 kHz.
fn resampled_from(recording: &Recording) -> Option<u32> {
    let made = recording.info().source.transcoding.as_ref()?;
    (!made.is_kept).then_some(made.rate)
}

/// Returns the highest sample rate of the sources of a piece, if all were resampled to 48 kHz.
pub(crate) fn resampled_from_in(store: &Store, piece: &Piece) -> Result<Option<u32>, Failure> {
    let mut highest = None;
    for segment in &piece.segments {
        let Segment::Recorded { recording, .. } = segment else { continue };
        match resampled_from(&Recording::open(store, recording.as_str())?) {
            Some(rate) => highest = highest.max(Some(rate)),
            None => return Ok(None),
        }
    }
    Ok(highest)
}

impl OnClock {
    /// When clocks change in it.
    fn changes(&self) -> Vec<TimeZoneTransition<'_>> {
        let nanos = i128::from(self.piece.samples()) * 1_000_000_000;
        let nanos =
            nanos / i128::from(self.piece.real_rate.get()) + self.piece.start.as_nanosecond();
        let end = Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::MAX);
        let changes = self.zone.time_zone().following(self.piece.start);
        changes.take_while(|change| change.timestamp() < end).take(MOST_CHANGES).collect()
    }

    /// The local time at which it begins.
    fn clock(&self) -> DateTime {
        self.zone.clock_at(self.piece.start)
    }
}

fn gaps(info: &RecordingInfo) -> impl Iterator<Item = Range<u64>> {
    let play = |coded: u64| coded.saturating_sub(info.pre_skip.into()).min(info.play_length);
    info.gaps
        .iter()
        .map(move |gap| play(gap.position)..play(gap.position.saturating_add(gap.samples)))
}

/// More changes than labels have room.
const MOST_CHANGES: usize = 1000;
