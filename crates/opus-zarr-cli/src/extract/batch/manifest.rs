//! The list of all rows and what became of them.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use csv::Writer;
use opus_zarr::{Recording, Region};
use serde::Serialize;

use crate::{failure::Failure, target::Target};

/// What became of a row of a table. As a table of our own, `extract --batch` cuts it again.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Entry {
    /// Number of the table.
    #[serde(skip)]
    number: usize,
    /// Absent if the row failed.
    pub(super) file: Option<String>,
    table: String,
    line: u64,
    pub(super) recording: Option<String>,
    start_seconds: Option<String>,
    end_seconds: Option<String>,
    start_utc: Option<String>,
    start_sample: Option<u64>,
    end_sample: Option<u64>,
    label: Option<String>,
    score: Option<f64>,
    pub(super) is_exact: Option<bool>,
    pub(super) error: Option<String>,
}

impl Entry {
    /// Starts the entry of a row.
    pub(super) fn new(
        (number, table): (usize, String),
        line: u64,
        region: Option<&Region>,
    ) -> Self {
        let label = region.and_then(|region| region.label.clone());
        let score = region.and_then(|region| region.score);
        Self { number, table, line, label, score, ..Self::default() }
    }

    /// Sets where the cut lies.
    pub(super) fn set_range(&mut self, recording: &Recording, range: &Range<u64>) {
        let seconds = |sample| {
            let time = recording.time_of(sample);
            let text = format!("{}.{:09}", time.as_secs(), time.subsec_nanos());
            Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
        };
        (self.start_seconds, self.end_seconds) = (seconds(range.start), seconds(range.end));
        self.start_utc = recording.utc_of(range.start).map(|utc| utc.to_string());
        (self.start_sample, self.end_sample) = (Some(range.start), Some(range.end));
    }
}

/// Returns where the manifest of a directory is.
pub(super) fn path_in(directory: &Path) -> PathBuf {
    directory.join("manifest.csv")
}

/// Writes the manifest, in the order of the tables.
pub(super) fn write(path: &Path, mut entries: Vec<Entry>, is_forced: bool) -> Result<(), Failure> {
    entries.sort_by_key(|entry| (entry.number, entry.line));
    let text = text_of(&entries).map_err(|error| Failure::io("write", path, &error))?;
    let mut target = Target::file(path, is_forced)?;
    target.write_last(&text)?;
    target.finish()?;
    Ok(())
}

fn text_of(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::from_writer(vec![]);
    for entry in entries {
        writer.serialize(entry)?;
    }
    writer.into_inner().map_err(|error| error.into_error())
}
