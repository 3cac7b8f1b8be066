//! What became of each file, and of all of them.

use std::{
    fmt,
    time::{Duration, Instant},
};

use indicatif::HumanBytes;
use opus_zarr::Recording;
use serde::Serialize;

use super::plan::Planned;
use crate::{
    failure::Failure,
    output::{Line, Output},
    text::{Clock, one_line, seconds},
};

/// What became of a file.
pub(super) struct Done {
    pub(super) file: FileLine,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    Imported,
    Present,
    Planned,
    Failed(Failure),
    /// Broken off, or not begun.
    Left,
}

/// A file in a line.
#[derive(Serialize)]
pub(super) struct FileLine {
    /// `imported`, `present`, `planned`, `failed` or `left`.
    status: &'static str,
    path: String,
    source_bytes: u64,
    recordings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<String>,
    /// Of all recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_bytes: Option<u64>,
    /// Why not, or how.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Outcome {
    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    fn status(&self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Present => "present",
            Self::Planned => "planned",
            Self::Failed(_) => "failed",
            Self::Left => "left",
        }
    }
}

impl Done {
    pub(super) fn new(planned: &Planned, outcome: Outcome) -> Self {
        let message = match &outcome {
            Outcome::Failed(failure) => Some(failure.message.clone()),
            _ => None,
        };
        let file = FileLine {
            status: outcome.status(),
            path: planned.path.display().to_string(),
            source_bytes: planned.bytes,
            recordings: Vec::new(),
            findings: Vec::new(),
            seconds: None,
            blob_bytes: None,
            message,
        };
        Self { file, outcome }
    }

    pub(super) fn called(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.file.recordings.extend(names);
        self
    }

    pub(super) fn saying(mut self, message: impl Into<String>) -> Self {
        self.file.message = Some(message.into());
        self
    }

    pub(super) fn finding(mut self, findings: impl IntoIterator<Item = String>) -> Self {
        self.file.findings.extend(findings);
        self
    }

    pub(super) fn holding(mut self, recordings: &[Recording]) -> Self {
        let lengths =
            recordings.iter().map(|recording| recording.time_of(recording.info().play_length));
        self.file.seconds = Some(seconds(lengths.sum()));
        self.file.blob_bytes = Some(recordings.iter().map(|it| it.info().blob_bytes).sum());
        self.called(recordings.iter().map(|recording| recording.name().to_owned()))
    }
}

/// All files so far.
pub(super) struct Report {
    began: Instant,
    planned: usize,
    summary: Summary,
    only_failure: Option<Failure>,
}

impl Report {
    pub(super) fn new(planned: usize) -> Self {
        Self { began: Instant::now(), planned, summary: Summary::default(), only_failure: None }
    }

    /// Takes note of a file, and writes its line: that of one that failed for people on standard error,
    /// where errors are.
    pub(super) fn add(&mut self, done: Done, output: &mut Output) -> Result<(), Failure> {
        self.summary.add(&done);
        let is_single = self.planned == 1;
        match (&done.outcome, output.is_json()) {
            (Outcome::Left, _) => {}
            (Outcome::Failed(_), false) if is_single => {}
            (Outcome::Failed(failure), false) => {
                output.messages().failed_one(failure);
            }
            _ => {
                output.data(&done.file)?;
                output.finish()?;
                tell_findings(&done.file, output);
            }
        }
        if let Outcome::Failed(failure) = done.outcome {
            self.only_failure = Some(failure);
        }
        Ok(())
    }

    pub(super) fn failed(&self) -> usize {
        self.summary.failed
    }

    pub(super) fn left(&self) -> usize {
        self.summary.left
    }

    /// The failure that was last.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.only_failure.take()
    }

    pub(super) fn summarise(&mut self, output: &mut Output) -> Result<(), Failure> {
        self.summary.elapsed_seconds = seconds(self.began.elapsed());
        output.data(&self.summary)
    }
}

/// The first few of what is odd about a file; all of it is in the JSON.
fn tell_findings(file: &FileLine, output: &Output) {
    if output.is_json() {
        return;
    }
    for finding in file.findings.iter().take(TOLD) {
        output.messages().warn(format!("{}: {finding}", file.path));
    }
    if let Some(more) = file.findings.len().checked_sub(TOLD).filter(|&more| more > 0) {
        output
            .messages()
            .warn(format!("{}: {more} more findings: see `opus-zarr info`", file.path));
    }
}

impl Line for FileLine {
    const TYPE: &'static str = "file";
}

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {}", self.status, one_line(&self.path))?;
        if !self.recordings.is_empty() {
            write!(f, " -> {}", self.recordings.join(", "))?;
        }
        if let (Some(seconds), Some(bytes)) = (self.seconds, self.blob_bytes) {
            let length = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            write!(f, ", {}, {}", Clock(length), HumanBytes(bytes))?;
        }
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

/// What became of all files.
#[derive(Default, Serialize)]
struct Summary {
    imported: usize,
    present: usize,
    planned: usize,
    failed: usize,
    left: usize,
    /// Of what was imported now.
    seconds: f64,
    source_bytes: u64,
    blob_bytes: u64,
    elapsed_seconds: f64,
}

impl Summary {
    fn add(&mut self, done: &Done) {
        match done.outcome {
            Outcome::Imported => {
                self.imported += 1;
                self.seconds += done.file.seconds.unwrap_or_default();
                self.source_bytes += done.file.source_bytes;
                self.blob_bytes += done.file.blob_bytes.unwrap_or_default();
            }
            Outcome::Present => self.present += 1,
            Outcome::Planned => self.planned += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Left => self.left += 1,
        }
    }
}

impl Line for Summary {
    const TYPE: &'static str = "summary";
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let (length, elapsed) = (duration(self.seconds), duration(self.elapsed_seconds));
        write!(f, "\nimported  {:>6}", self.imported)?;
        if self.imported > 0 {
            let (from, to) = (HumanBytes(self.source_bytes), HumanBytes(self.blob_bytes));
            let pace = self.seconds / self.elapsed_seconds.max(0.001);
            let (length, elapsed) = (Clock(length), Clock(elapsed));
            write!(
                f,
                "   {length} of audio, {from} to {to}, in {elapsed} ({pace:.0} x real time)"
            )?;
        }
        let others = [
            ("present", self.present, "already in the store, with the same content and settings"),
            ("planned", self.planned, "would be imported"),
            ("failed", self.failed, "see above"),
            ("left", self.left, "not imported"),
        ];
        for (status, count, meaning) in others.into_iter().filter(|(_, count, _)| *count > 0) {
            write!(f, "\n{status:<9} {count:>6}   {meaning}")?;
        }
        Ok(())
    }
}

/// Findings of a file that are told to a person.
const TOLD: usize = 5;
