//! How far all files are, in a bar or in lines of JSON.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use opus_zarr::{ImportStage, Progress};
use serde::Serialize;

use crate::{
    output::{Line, Messages},
    text::seconds,
};

/// The progress of all files together. Shared by the threads that import.
pub(super) struct Overall {
    bar: ProgressBar,
    messages: Messages,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: usize,
    files_total: usize,
    /// Of files that are done, and of each that is being imported as far as it is.
    bytes: u64,
    bytes_total: u64,
    /// Audio that was written.
    audio: Duration,
    told: Option<Instant>,
}

/// The progress of a file.
pub(super) struct FileProgress<'a> {
    overall: &'a Overall,
    bytes_total: u64,
    /// What the whole knows of it.
    bytes: u64,
    audio: Duration,
}

impl Overall {
    pub(super) fn new(files: usize, bytes: u64, messages: &Messages) -> Self {
        let bar = messages.bars().add(ProgressBar::new(bytes));
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        let state = State { files_total: files, bytes_total: bytes, ..State::default() };
        let state = Mutex::new(state);
        Self { bar, messages: messages.clone(), began: Instant::now(), state }
    }

    pub(super) fn file(&self, bytes: u64) -> FileProgress<'_> {
        FileProgress { overall: self, bytes_total: bytes, bytes: 0, audio: Duration::ZERO }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let pace = seconds(state.audio) / seconds(self.began.elapsed()).max(0.001);
        self.bar.set_position(state.bytes);
        self.bar.set_message(format!(
            "{}/{} files, {pace:.0} x real time",
            state.files, state.files_total
        ));
        if self.messages.is_json()
            && state.told.is_none_or(|told| told.elapsed() >= Duration::from_secs(1))
        {
            state.told = Some(Instant::now());
            self.messages.json(&ProgressLine::of(&state, self.began.elapsed()));
        }
    }
}

impl FileProgress<'_> {
    pub(super) fn tell(&mut self, progress: &Progress) {
        let done = done_of(progress);
        let bytes = scaled(self.bytes_total, done).max(self.bytes);
        let audio = match progress.stage {
            ImportStage::Write => progress.audio.max(self.audio),
            _ => self.audio,
        };
        self.set(bytes, audio);
    }

    /// Whatever became of it, it is over.
    pub(super) fn finish(mut self) {
        let (bytes, audio) = (self.bytes_total, self.audio);
        self.set(bytes, audio);
        self.overall.change(|state| state.files += 1);
    }

    fn set(&mut self, bytes: u64, audio: Duration) {
        self.overall.change(|state| {
            state.bytes += bytes - self.bytes;
            state.audio += audio - self.audio;
        });
        (self.bytes, self.audio) = (bytes, audio);
    }
}

/// Which share of a file is done: stages take about as long as this. What is not Opus has no survey, and the
/// sync map takes longest of what is.
fn done_of(progress: &Progress) -> f64 {
    let (before, share) = match progress.stage {
        ImportStage::Survey => (0.0, 0.15),
        ImportStage::Write => (0.15, 0.5),
        ImportStage::Index => (0.65, 0.05),
        _ => (0.7, 0.3),
    };
    before + share * ratio(progress.bytes, progress.total_bytes)
}

#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a share for a bar")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).min(1.0) }
}

#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a position for a bar")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the whole")]
fn scaled(whole: u64, share: f64) -> u64 {
    ((whole as f64 * share) as u64).min(whole)
}

/// How far an import is.
#[derive(Serialize)]
struct ProgressLine {
    files: usize,
    files_total: usize,
    bytes: u64,
    bytes_total: u64,
    /// Audio that was imported.
    seconds: f64,
    elapsed_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_seconds: Option<f64>,
}

impl ProgressLine {
    fn of(state: &State, elapsed: Duration) -> Self {
        let done = ratio(state.bytes, state.bytes_total);
        let left = (done > 0.0).then(|| seconds(elapsed) * (1.0 - done) / done);
        Self {
            files: state.files,
            files_total: state.files_total,
            bytes: state.bytes,
            bytes_total: state.bytes_total,
            seconds: seconds(state.audio),
            elapsed_seconds: seconds(elapsed),
            left_seconds: left,
        }
    }
}

impl Line for ProgressLine {
    const TYPE: &'static str = "progress";
}

impl fmt::Display for ProgressLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} files", self.files, self.files_total)
    }
}

const TEMPLATE: &str = "{bar:30} {bytes}/{total_bytes}, {msg}, {eta} left";
