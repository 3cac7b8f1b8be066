//! Starts that an import would find, and those that it changes, because it looks for them in another way
//! than an earlier one.

use std::{fmt, path::Path};

use opus_demux::Streams;
use opus_zarr_store::{RecordingName, Start};

use super::{AudioTrack, same::ShownStart, start_of_stream};
use crate::{Error, Finding, ImportOptions, Recording};

/// A start that an import changed: the recording was there, but this import looks for the start in
/// another way than the earlier one.
///
/// `Display` is a clause such as `start changed from 2026-05-12T22:15:00 without time zone (file name) to
/// 2026-05-12T20:15:00Z (file name)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartChange {
    /// The recording.
    pub recording: RecordingName,
    /// What the earlier import had found.
    pub before: Option<Start>,
    /// What this one found.
    pub after: Start,
    /// Whether somebody has corrected the clock. The corrected start then stays, and only the recorded one
    /// changes.
    pub is_corrected: bool,
    /// Whether nothing was changed, because this is a dry run.
    pub is_planned: bool,
}

impl StartChange {
    /// The change that an import would make.
    pub(crate) fn planned(recording: &Recording, after: Start) -> Self {
        Self { is_planned: true, ..Self::of(recording, after) }
    }

    /// Changes the start of a recording.
    pub(crate) fn make(recording: &mut Recording, after: Start) -> Result<Self, Error> {
        let change = Self::of(recording, after.clone());
        recording.reader_mut().edit_clock(|start, clock| {
            match clock {
                Some(clock) if clock.drift_ppt != 0 || clock.recorded != *start => {
                    clock.recorded = Some(after.clone());
                }
                clock => {
                    let recorded = clock.as_mut().map(|clock| &mut clock.recorded);
                    recorded.into_iter().chain([start]).for_each(|it| *it = Some(after.clone()));
                }
            }
            Ok::<(), Error>(())
        })?;
        Ok(change)
    }

    fn of(recording: &Recording, after: Start) -> Self {
        let info = recording.info();
        Self {
            recording: recording.reader().name().clone(),
            before: info.recorded_start().cloned(),
            after,
            is_corrected: info.is_clock_corrected(),
            is_planned: false,
        }
    }
}

impl fmt::Display for StartChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = if self.is_corrected { "recorded start" } else { "start" };
        let changed = if self.is_planned { "would change" } else { "changed" };
        let (before, after) = (ShownStart(self.before.as_ref()), ShownStart(Some(&self.after)));
        write!(f, "{which} {changed} from {before} to {after}")?;
        if self.is_corrected {
            f.write_str("; the corrected start stays")?;
        }
        Ok(())
    }
}

/// Returns when an import would say that the first recording of a file began, and what is doubtful about
/// that. Reads only the beginning of the file; what cannot be read is left to the import.
pub(crate) fn planned_start(path: &Path, options: &ImportOptions) -> (Option<Start>, Vec<Finding>) {
    let number = options.stream.unwrap_or(1);
    let mut opus = Streams::open(path, &options.demuxing()).ok();
    let stream = opus.as_mut().and_then(|streams| streams.go_to(number).ok().flatten());
    if let Some(stream) = stream {
        return start_of_stream(path, stream, options);
    }
    let Ok(track) = AudioTrack::open(path, options, number) else { return (None, Vec::new()) };
    let finding = |message| Finding { stream: number, is_violation: false, message };
    let findings = track.origin.findings.iter().cloned().map(finding).collect();
    (track.start().cloned(), findings)
}
