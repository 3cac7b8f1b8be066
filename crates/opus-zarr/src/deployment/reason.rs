//! Why a range of time cannot be read.

use std::ops::Range;

use opus_zarr_store::RecordingName;

use crate::{
    Error, ErrorKind,
    error::{Instant, Reason},
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum TimeReason {
    #[error("nothing was recorded from {} to {}", time.start, time.end)]
    Gap { time: Range<Instant> },
    #[error("nothing was recorded from {} to {}{}", time.start, time.end, nearest(before, after))]
    NothingRecorded { time: Range<Instant>, before: Option<At>, after: Option<At> },
    #[error("no recording of known start time, which {selection:?} needs")]
    NothingDated { selection: String },
    #[error("{selection:?} is counted from the start of a recording, expected a time of day")]
    NotTimeOfDay { selection: String },
    #[error("time from {} to {} is empty or reversed", time.start, time.end)]
    EmptyTime { time: Range<Instant> },
    #[error(
        "recordings \"{}\" and \"{}\" have {} and {} channels and cannot be read as one",
        names.0, names.1, channels.0, channels.1
    )]
    DifferentChannels { names: (RecordingName, RecordingName), channels: (u8, u8) },
    #[error(
        "recordings \"{}\" and \"{}\" have {} and {} samples per second and cannot be read as one",
        names.0, names.1, rates.0, rates.1
    )]
    DifferentRates { names: (RecordingName, RecordingName), rates: (u32, u32) },
}

impl TimeReason {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Gap { .. } => ErrorKind::Gap,
            Self::NothingRecorded { .. } | Self::NothingDated { .. } => ErrorKind::NothingRecorded,
            Self::NotTimeOfDay { .. } => ErrorKind::InvalidOption,
            Self::EmptyTime { .. } => ErrorKind::Range,
            Self::DifferentChannels { .. } => ErrorKind::DifferentChannels,
            Self::DifferentRates { .. } => ErrorKind::DifferentRates,
        }
    }
}

impl TimeReason {
    /// The instants that it names.
    pub(crate) fn instants(&mut self) -> Vec<&mut Instant> {
        match self {
            Self::Gap { time } | Self::EmptyTime { time } => vec![&mut time.start, &mut time.end],
            Self::NothingRecorded { time, before, after } => {
                let around = [before, after].into_iter().flatten().map(|(_, time)| time);
                [&mut time.start, &mut time.end].into_iter().chain(around).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl From<TimeReason> for Error {
    fn from(reason: TimeReason) -> Self {
        Reason::Time(reason).into()
    }
}

/// A recording that begins or ends at a time.
type At = (RecordingName, Instant);

/// Names the recordings around a time in which nothing was recorded.
fn nearest(before: &Option<At>, after: &Option<At>) -> String {
    let before = before.as_ref().map(|(name, end)| format!("recording \"{name}\" ended at {end}"));
    let after =
        after.as_ref().map(|(name, start)| format!("recording \"{name}\" began at {start}"));
    match (before, after) {
        (Some(before), Some(after)) => format!("; {before}, and {after}"),
        (Some(one), None) | (None, Some(one)) => format!("; {one}"),
        (None, None) => String::new(),
    }
}
