//! Progress of all files: a bar, or lines of JSON.

use std::{
    fmt,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use opus_zarr::ImportManyProgress;
use serde::Serialize;

use crate::{
    output::{Line, Messages},
    text::seconds,
};

pub(super) struct Bar {
    bar: ProgressBar,
    messages: Messages,
    /// When the last line of JSON was written.
    told: Option<Instant>,
}

impl Bar {
    pub(super) fn new(messages: &Messages) -> Self {
        let bar = messages.bars().add(ProgressBar::new(0));
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Self { bar, messages: messages.clone(), told: None }
    }

    pub(super) fn show(&mut self, progress: &ImportManyProgress) {
        let pace = seconds(progress.audio) / seconds(progress.elapsed).max(0.001);
        let (files, total) = (progress.files, progress.total_files);
        self.bar.set_length(progress.total_bytes);
        self.bar.set_position(progress.bytes);
        self.bar.set_message(format!("{files}/{total} files, {pace:.0} x real time"));
        if self.messages.is_json() && self.told.is_none_or(|told| told.elapsed() >= INTERVAL) {
            self.told = Some(Instant::now());
            self.messages.json(&ProgressLine::from(progress));
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[derive(Serialize)]
struct ProgressLine {
    files: usize,
    files_total: usize,
    bytes: u64,
    bytes_total: u64,
    /// Imported audio.
    seconds: f64,
    elapsed_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_seconds: Option<f64>,
}

impl From<&ImportManyProgress> for ProgressLine {
    fn from(progress: &ImportManyProgress) -> Self {
        Self {
            files: progress.files,
            files_total: progress.total_files,
            bytes: progress.bytes,
            bytes_total: progress.total_bytes,
            seconds: seconds(progress.audio),
            elapsed_seconds: seconds(progress.elapsed),
            left_seconds: progress.left.map(seconds),
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

const INTERVAL: Duration = Duration::from_secs(1);

const TEMPLATE: &str = "{bar:30} {bytes}/{total_bytes}, {msg}, {eta} left";
