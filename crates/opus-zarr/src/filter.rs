//! Which recordings of a store.

use std::{collections::HashSet, fmt, ops::Range, str::FromStr};

use glob::Pattern;
use jiff::Timestamp;
use opus_zarr_store::{RecordingInfo, RecordingName};
use serde_json::{Map, Value};

use crate::{
    CatalogueRow,
    real_time::{Clock, after, began},
};

/// Selects recordings of a store by name, by notes and by time. By default all of them.
///
/// A recording matches if it fulfils every condition. Of several names and patterns for names, one is
/// enough.
///
/// ```
/// use std::{ops::ControlFlow, sync::Arc};
///
/// use opus_zarr::{MemoryStorage, Recording, RecordingFilter, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::open_or_create_in(Arc::new(MemoryStorage::new()))?;
/// let filter = RecordingFilter::default()
///     .names("weiher_202605*".parse()?)
///     .note("habitat", "reed")
///     .since("2026-05-12T00:00:00Z".parse()?);
/// Recording::open_matching(&store, &filter, |name, recording| {
///     println!("{name}: {:?}", recording.map(|recording| recording.info().play_length));
///     ControlFlow::Continue(())
/// })?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    exact: HashSet<String>,
    names: Vec<NameGlob>,
    notes: Vec<(String, String)>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl RecordingFilter {
    /// Adds a name.
    #[must_use]
    pub fn name(mut self, name: &RecordingName) -> Self {
        self.exact.insert(name.to_string());
        self
    }

    /// Adds a pattern for names.
    #[must_use]
    pub fn names(mut self, glob: NameGlob) -> Self {
        self.names.push(glob);
        self
    }

    /// Requires a [note](RecordingInfo::user): a text equal to `value`, or anything else whose JSON is
    /// `value`.
    #[must_use]
    pub fn note(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.push((key.into(), value.into()));
        self
    }

    /// Requires that recording went on after this time. Recordings at an unknown time do not match.
    #[must_use]
    pub fn since(self, time: Timestamp) -> Self {
        Self { since: Some(time), ..self }
    }

    /// Requires that recording began before this time. Recordings at an unknown time do not match.
    #[must_use]
    pub fn until(self, time: Timestamp) -> Self {
        Self { until: Some(time), ..self }
    }

    /// Whether a recording matches.
    pub fn matches(&self, name: &str, info: &RecordingInfo) -> bool {
        let start = || began(info);
        let end = |start| after(start, Clock::of(info).time_of(info.play_length));
        let time = || start().map(|start| start..end(start).unwrap_or(Timestamp::MAX));
        self.matches_name(name) && self.has_notes(&info.user) && self.is_in_time(time)
    }

    /// Whether the recording that a row describes matches.
    pub fn matches_row(&self, row: &CatalogueRow) -> bool {
        let time = || row.start.zip(row.end).map(|(start, end)| start..end);
        self.matches_name(&row.name) && self.has_notes(&row.notes) && self.is_in_time(time)
    }

    /// Whether a recording of this name may match.
    pub fn matches_name(&self, name: &str) -> bool {
        let is_any = self.exact.is_empty() && self.names.is_empty();
        is_any || self.exact.contains(name) || self.names.iter().any(|glob| glob.matches(name))
    }

    /// The names that the filter lists, if it has no pattern: no other recording matches.
    pub(crate) fn listed_names(&self) -> Option<Vec<RecordingName>> {
        let is_list = self.names.is_empty() && !self.exact.is_empty();
        is_list.then(|| self.exact.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn has_notes(&self, notes: &Map<String, Value>) -> bool {
        self.notes.iter().all(|(key, expected)| {
            let Some(value) = notes.get(key) else { return false };
            let json = || value.to_string();
            value.as_str().map_or_else(json, str::to_owned) == *expected
        })
    }

    fn is_in_time(&self, recorded: impl FnOnce() -> Option<Range<Timestamp>>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        recorded().is_some_and(|recorded| {
            self.since.is_none_or(|since| recorded.end > since)
                && self.until.is_none_or(|until| recorded.start < until)
        })
    }
}

/// A pattern for the names of recordings, such as `weiher_2026051?_*`: `*` stands for any
/// characters, `?` for one, `[abc]` and `[a-z]` for one of these, `[!abc]` for one of the others.
///
/// ```
/// use opus_zarr::NameGlob;
///
/// # fn main() -> Result<(), opus_zarr::InvalidGlob> {
/// let glob: NameGlob = "weiher_*_0[45]????".parse()?;
/// assert!(glob.matches("weiher_20260512_043000"));
/// assert!(!glob.matches("weiher_20260512_063000"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameGlob(Pattern);

/// A text that is not a [`NameGlob`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid pattern {text:?}: {reason} (character {position})")]
pub struct InvalidGlob {
    text: String,
    reason: &'static str,
    /// Counted from 1.
    position: usize,
}

impl NameGlob {
    /// Whether a text holds a character that is special in patterns. A name holds none but `[`
    /// and `]`.
    pub fn is_glob(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Whether this is a pattern of the whole name.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl FromStr for NameGlob {
    type Err = InvalidGlob;

    fn from_str(text: &str) -> Result<Self, InvalidGlob> {
        Pattern::new(text).map(Self).map_err(|error| InvalidGlob {
            text: text.to_owned(),
            reason: error.msg,
            position: error.pos + 1,
        })
    }
}

impl fmt::Display for NameGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str())
    }
}
