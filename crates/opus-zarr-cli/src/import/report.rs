//! The outcome of each file, and of all files.

use std::{
    fmt,
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, HumanDuration};
use opus_zarr::{
    Error, ErrorKind, FileImport, ImportOutcome, Imported, PresentNotes, RecordingInfo,
    RecordingName, SAMPLE_RATE, Start, StartChange,
};
use serde::Serialize;

use crate::{
    failure::Failure,
    output::{Line, Output},
    path::PathField,
    reading::TRY_FFMPEG,
    text::{Began, Clock, one_line, seconds},
};

/// The line about a file.
#[derive(Serialize)]
pub(super) struct FileLine {
    /// `imported`, `present`, `planned`, `unsettled`, `failed` or `left`.
    status: &'static str,
    #[serde(flatten)]
    path: PathField,
    source_bytes: u64,
    recordings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<String>,
    /// When the first of them would begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Start>,
    /// Length of all its recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_bytes: Option<u64>,
    /// Whether frequencies above 20 kHz were lost.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_downsampled: bool,
    /// Why it was not imported, or details.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl FileLine {
    fn new(done: &FileImport) -> Self {
        let name = |name: &RecordingName| vec![name.to_string()];
        let line = Self {
            status: status(&done.outcome),
            path: PathField::new("path", &done.file.path),
            source_bytes: done.file.bytes,
            recordings: Vec::new(),
            findings: Vec::new(),
            start: None,
            seconds: None,
            blob_bytes: None,
            is_downsampled: false,
            message: None,
        };
        match &done.outcome {
            ImportOutcome::Imported(imported) => line.with_recordings(imported),
            ImportOutcome::Present { name: present, is_synced, notes, starts } => {
                let message = completed(*is_synced, notes, starts);
                Self { recordings: name(present), message, ..line }
            }
            ImportOutcome::Planned { start, findings } => Self {
                recordings: name(&done.file.name),
                findings: findings.iter().map(ToString::to_string).collect(),
                message: Some(match start {
                    Some(start) => format!("start {}", Began(start)),
                    None => "start unknown".to_owned(),
                }),
                start: start.clone(),
                ..line
            },
            ImportOutcome::Unsettled { age } => {
                let age = HumanDuration(*age);
                let message = format!(
                    "modified {age} ago, so left for the next run; --settle 0 imports it now"
                );
                Self { message: Some(message), ..line }
            }
            _ => line,
        }
    }

    fn with_recordings(self, imported: &Imported) -> Self {
        let recordings = &imported.recordings;
        let lengths =
            recordings.iter().map(|recording| recording.time_of(recording.info().play_length));
        let mut parts = of_starts(&imported.starts);
        match imported.replaced {
            0 => {}
            1 => parts.push("replaced 1 recording".to_owned()),
            replaced => parts.push(format!("replaced {replaced} recordings")),
        }
        Self {
            message: (!parts.is_empty()).then(|| parts.join("; ")),
            recordings: recordings.iter().map(|recording| recording.name().to_owned()).collect(),
            findings: imported.findings.iter().map(ToString::to_string).collect(),
            seconds: Some(seconds(lengths.sum())),
            blob_bytes: Some(recordings.iter().map(|it| it.info().blob_bytes).sum()),
            is_downsampled: recordings.iter().any(|it| is_downsampled(it.info())),
            ..self
        }
    }
}

/// What was changed about recordings that were present, and what was not.
fn completed(is_synced: bool, notes: &PresentNotes, starts: &[StartChange]) -> Option<String> {
    let keys = |keys: &[String]| keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>();
    let (added, kept) = (keys(&notes.added).join(", "), keys(&notes.kept).join(", "));
    let mut parts = of_starts(starts);
    parts.extend(is_synced.then(|| "sync map added".to_owned()));
    parts.extend((!added.is_empty()).then(|| format!("note {added} added")));
    parts.extend((!kept.is_empty()).then(|| {
        format!("note {kept} kept, which has another value; change it with `opus-zarr meta`")
    }));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Whether a recording lost frequencies that its source could hold.
fn is_downsampled(info: &RecordingInfo) -> bool {
    let made = info.source.transcoding.as_ref();
    made.is_some_and(|made| !made.is_kept && made.rate > SAMPLE_RATE)
}

/// How starts changed. Of several streams, each has its name.
fn of_starts(starts: &[StartChange]) -> Vec<String> {
    match starts {
        [one] => vec![one.to_string()],
        several => several.iter().map(|it| format!("{}: {it}", it.recording)).collect(),
    }
}

fn status(outcome: &ImportOutcome) -> &'static str {
    match outcome {
        ImportOutcome::Imported(_) => "imported",
        ImportOutcome::Present { .. } => "present",
        ImportOutcome::Planned { .. } => "planned",
        ImportOutcome::Unsettled { .. } => "unsettled",
        ImportOutcome::Failed(_) => "failed",
        _ => "left",
    }
}

/// Adds what to do about a file that cannot be imported.
fn advised(error: Error) -> Failure {
    let name = error.recording().map_or("NAME", RecordingName::as_str);
    let hint = match error.kind() {
        ErrorKind::OtherFile => {
            "choose another name with --name, or replace that recording with --replace".to_owned()
        }
        ErrorKind::OtherSettings => {
            "import it again with --replace, or keep both with --name".to_owned()
        }
        ErrorKind::CannotReplace => format!(
            "rename it with `opus-zarr rename STORE/{name} {name}.old`, import again, then delete it"
        ),
        ErrorKind::HoldsForeign => format!(
            "import under another name with --name, or delete all of it with `opus-zarr rm --foreign \
             STORE/{name}` first"
        ),
        ErrorKind::RecordingExists => {
            "it may be damaged; check it with `opus-zarr verify`, or choose another name with --name"
                .to_owned()
        }
        _ if error.may_be_known_to_ffmpeg() => {
            TRY_FFMPEG.to_owned()
        }
        _ => return error.into(),
    };
    Failure::from(error).with_hint(hint)
}

/// The files so far.
pub(super) struct Report {
    began: Instant,
    planned: usize,
    summary: Summary,
    last_failure: Option<Failure>,
}

impl Report {
    pub(super) fn new(planned: usize) -> Self {
        Self { began: Instant::now(), planned, summary: Summary::default(), last_failure: None }
    }

    /// Returns how many files there are.
    pub(super) fn planned(&self) -> usize {
        self.planned
    }

    /// Returns how many failed so far.
    pub(super) fn failed(&self) -> usize {
        self.summary.failed
    }

    /// Counts a file and writes its line. For people, a failure goes to standard error.
    pub(super) fn add(&mut self, done: FileImport, output: &mut Output) -> Result<(), Failure> {
        let mut line = FileLine::new(&done);
        let failure = match done.outcome {
            ImportOutcome::Failed(error) => Some(advised(error)),
            ImportOutcome::Left => {
                self.summary.left += 1;
                return Ok(());
            }
            _ => None,
        };
        line.message = failure.as_ref().map(|failure| failure.message.clone()).or(line.message);
        self.summary.add(&line);
        match &failure {
            // The only file: its failure is that of the command.
            Some(_) if self.planned == 1 && !output.is_json() => {}
            Some(failure) if !output.is_json() => output.messages().failed_one(failure),
            _ => {
                output.data(&line)?;
                output.flush()?;
                tell_findings(&line, output);
                if line.is_downsampled && self.planned == 1 {
                    output.messages().note(LOST_ULTRASOUND);
                }
            }
        }
        self.last_failure = failure.or(self.last_failure.take());
        Ok(())
    }

    /// Returns the failure of the file that failed last.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.last_failure.take()
    }

    pub(super) fn summarise(&mut self, output: &mut Output) -> Result<(), Failure> {
        self.summary.elapsed_seconds = seconds(self.began.elapsed());
        output.data(&self.summary)
    }
}

/// Warns about the first findings of a file. The JSON has all of them.
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
            .warn(format!("{}: {more} more findings; see `opus-zarr info`", file.path));
    }
}

impl Line for FileLine {
    const TYPE: &'static str = "file";
}

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {}", self.status, one_line(&self.path.to_string()))?;
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

/// The totals.
#[derive(Default, Serialize)]
struct Summary {
    imported: usize,
    present: usize,
    planned: usize,
    unsettled: usize,
    failed: usize,
    left: usize,
    /// How many of the imported ones lost frequencies above 20 kHz.
    downsampled: usize,
    /// Of the files imported by this command.
    seconds: f64,
    source_bytes: u64,
    blob_bytes: u64,
    elapsed_seconds: f64,
}

impl Summary {
    fn add(&mut self, file: &FileLine) {
        match file.status {
            "imported" => {
                self.imported += 1;
                self.downsampled += usize::from(file.is_downsampled);
                self.seconds += file.seconds.unwrap_or_default();
                self.source_bytes += file.source_bytes;
                self.blob_bytes += file.blob_bytes.unwrap_or_default();
            }
            "present" => self.present += 1,
            "planned" => self.planned += 1,
            "unsettled" => self.unsettled += 1,
            "failed" => self.failed += 1,
            _ => self.left += 1,
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
        if self.downsampled > 0 {
            let count = self.downsampled;
            write!(f, "\ndownsampled {count:>4}   {LOST_ULTRASOUND}")?;
        }
        let others = [
            ("present", self.present, "already in the store with the same content and settings"),
            ("planned", self.planned, "would be imported"),
            ("unsettled", self.unsettled, "modified recently, left for the next run"),
            ("failed", self.failed, "see above"),
            ("left", self.left, "not imported"),
        ];
        for (status, count, meaning) in others.into_iter().filter(|(_, count, _)| *count > 0) {
            write!(f, "\n{status:<9} {count:>6}   {meaning}")?;
        }
        Ok(())
    }
}

/// What to do about ultrasound.
const LOST_ULTRASOUND: &str =
    "lost frequencies above 20 kHz; import with --ultrasonic keep to keep ultrasound";

/// Findings of a file that people see.
const TOLD: usize = 5;
