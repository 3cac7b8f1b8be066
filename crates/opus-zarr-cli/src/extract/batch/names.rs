//! What cuts are called.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    path::Path,
};

use opus_zarr::{Recording, Region};

use crate::sound::Format;

/// The names of files, each given once.
pub(super) struct Names {
    format: Format,
    /// In lower case, because some file systems do not tell it from upper case.
    taken: HashSet<String>,
    /// Those that tables give to rows still to come.
    reserved: HashSet<String>,
    /// The last number that made a name different from others.
    numbers: HashMap<String, u64>,
}

impl Names {
    /// Reserves the names that tables give.
    pub(super) fn new<'a>(format: Format, given: impl Iterator<Item = &'a str>) -> Self {
        let files = given.filter_map(|name| file_name(name, format).ok());
        let reserved = files.map(|file| file.to_lowercase()).collect();
        Self { format, taken: HashSet::new(), reserved, numbers: HashMap::new() }
    }

    /// Takes the name that a table gives.
    pub(super) fn given(&mut self, name: &str) -> Result<String, String> {
        let file = file_name(name, self.format)?;
        match self.taken.insert(file.to_lowercase()) {
            true => Ok(file),
            false => Err(format!("{file:?} is already the file of another row")),
        }
    }

    /// Makes a name of where and when the cut begins, its label and its score; and a number if others
    /// have the same.
    pub(super) fn made(
        &mut self,
        recording: &Recording,
        region: &Region,
        range: &Range<u64>,
    ) -> String {
        let stem = stem(recording, region, range);
        let extension = self.format.extension();
        let first = format!("{stem}.{extension}");
        if self.take(&first) {
            return first;
        }
        let mut number = self.numbers.get(&stem.to_lowercase()).copied().unwrap_or(1);
        let file = loop {
            number += 1;
            let file = format!("{stem}_{number}.{extension}");
            if self.take(&file) {
                break file;
            }
        };
        self.numbers.insert(stem.to_lowercase(), number);
        file
    }

    fn take(&mut self, file: &str) -> bool {
        let file = file.to_lowercase();
        !self.reserved.contains(&file) && self.taken.insert(file)
    }
}

/// `weiher_20260512T033012_Turdus-merula_0.91`
fn stem(recording: &Recording, region: &Region, range: &Range<u64>) -> String {
    let (place, time) = match recording.utc_of(range.start) {
        Some(utc) => (station(recording.name()), utc.strftime("%Y%m%dT%H%M%S").to_string()),
        None => {
            let start = recording.time_of(range.start);
            let seconds = format!("{}.{:03}s", start.as_secs(), start.subsec_millis());
            (recording.name().to_owned(), seconds)
        }
    };
    let label = region.label.as_deref().map(safe);
    let score = region.score.map(|score| match score.abs() {
        ..1e6 => format!("{score:.2}"),
        _ => format!("{score:.2e}"),
    });
    // The names of recordings are most distinct at their ends.
    let from = (place.len().saturating_sub(PLACE)..).find(|&at| place.is_char_boundary(at));
    let place = place.get(from.unwrap_or_default()..).map(str::to_owned);
    let parts = [place, Some(time), label, score].into_iter().flatten();
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("_")
}

/// Removes the date and time from the name of a recording, which is when the recording began and
/// not the cut.
fn station(name: &str) -> String {
    let starts = name.char_indices().map(|(at, _)| at);
    let time = starts.filter_map(|at| Some((at, after_time(name, at)?))).next();
    let Some((before, after)) =
        time.and_then(|(at, end)| Some((name.get(..at)?, name.get(end..)?)))
    else {
        return name.to_owned();
    };
    let is_separator = |c: char| matches!(c, '_' | '-' | ' ');
    let (before, after) =
        (before.trim_end_matches(is_separator), after.trim_end_matches(is_separator));
    format!("{before}{after}").trim_matches(is_separator).to_owned()
}

/// Returns where a date and time of the form `20260512_033000` ends, if one begins here.
fn after_time(name: &str, at: usize) -> Option<usize> {
    let before = name.get(..at)?.chars().next_back();
    let digits = |from: usize, count: usize| {
        let text = name.get(from..from + count)?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then_some(from + count)
    };
    let date = digits(at, 8)?;
    let time = name.get(date..)?.strip_prefix(['_', '-', 'T', ' ']).map_or(date, |_| date + 1);
    let end = digits(time, 6)?;
    let after = name.get(end..)?;
    let is_alone = !before.is_some_and(|c| c.is_ascii_digit())
        && !after.starts_with(|c: char| c.is_ascii_digit());
    is_alone.then(|| end + usize::from(after.starts_with(['Z', 'T'])))
}

/// Makes a label part of a file's name, in which `_` separates parts.
fn safe(label: &str) -> String {
    let mut safe = String::new();
    for c in label.chars() {
        let c = if c.is_alphanumeric() || matches!(c, '.' | '+') { c } else { '-' };
        if safe.len() + c.len_utf8() > LABEL {
            break;
        }
        if c != '-' || !safe.ends_with('-') {
            safe.push(c);
        }
    }
    safe.trim_matches(['-', '.']).to_owned()
}

/// Turns the name of a region into a file name, which must stay inside the directory.
fn file_name(name: &str, format: Format) -> Result<String, String> {
    let path = Path::new(name);
    if path.file_name() != Some(path.as_os_str()) || name.contains('\\') {
        return Err(format!("invalid file name {name:?}"));
    }
    let has_extension = Format::of(path) == Some(format);
    Ok(if has_extension { name.to_owned() } else { format!("{name}.{}", format.extension()) })
}

/// How much of a recording's name and of a label becomes part of a name, in bytes, so that the whole
/// stays below the 255 of file systems.
const PLACE: usize = 150;
const LABEL: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_inside_the_directory() {
        for name in ["../a", "/a", "a/b", "..", ".", "a/", "a\\b"] {
            assert!(file_name(name, Format::Wav).is_err(), "{name}");
        }
        assert_eq!(file_name("a", Format::Flac).unwrap(), "a.flac");
        assert_eq!(file_name("a.FLAC", Format::Flac).unwrap(), "a.FLAC");
        assert_eq!(file_name("2.5", Format::Wav).unwrap(), "2.5.wav");
    }

    #[test]
    fn stations_are_what_remains_without_the_time() {
        for (name, expected) in [
            ("weiher_20260512_033000", "weiher"),
            ("20260512_033000", ""),
            ("20260512T033000Z_weiher", "weiher"),
            ("a_20260512033000", "a"),
            ("weiher-20260512-033000.2", "weiher.2"),
            ("ä 20260512 033000", "ä"),
            ("weiher", "weiher"),
            ("5B6A9C40", "5B6A9C40"),
            ("120260512_033000", "120260512_033000"),
            ("20260512_0330001", "20260512_0330001"),
            ("", ""),
        ] {
            assert_eq!(station(name), expected, "{name}");
        }
    }

    #[test]
    fn labels_become_safe() {
        for (label, expected) in [
            ("Turdus merula", "Turdus-merula"),
            ("../etc/passwd", "etc-passwd"),
            ("a_b: \"c\"\n", "a-b-c"),
            ("Grünfink (♂)", "Grünfink"),
            ("..", ""),
            ("wren+robin", "wren+robin"),
        ] {
            assert_eq!(safe(label), expected, "{label:?}");
        }
        assert_eq!(safe(&"ä".repeat(500)).len(), LABEL);
    }
}
