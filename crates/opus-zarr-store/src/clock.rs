//! Corrections of a recorder's clock after the import.

use serde::{Deserialize, Serialize};

use crate::{Start, is_control};

/// How the clock of a recorder was corrected. What holds now is in
/// [`RecordingInfo::start`](crate::RecordingInfo::start).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClockCorrection {
    /// The start that the import found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Start>,
    /// By how much the recording took longer than `real_rate` says, in parts per trillion. At most
    /// [`MAX_DRIFT`](Self::MAX_DRIFT) either way. Sample `k` was recorded `k / real_rate` seconds after
    /// the start, times `1 + drift_ppt / 10^12`.
    #[serde(default, skip_serializing_if = "is_none")]
    pub drift_ppt: i64,
    /// What was changed, earliest first. At most [`MAX_CHANGES`](Self::MAX_CHANGES): of more, the
    /// latest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ClockChange>,
}

/// A change of the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClockChange {
    /// What was changed, such as `shift +1h`.
    pub change: String,
    /// Who changed it.
    pub author: String,
    /// When it was changed, such as `2026-11-26T04:15:00Z` (RFC 3339).
    pub time: String,
}

/// Why a correction cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidClock {
    #[error(
        "clock drift of {found} parts per trillion, expected at most {} either way",
        ClockCorrection::MAX_DRIFT
    )]
    Drift { found: i64 },
    #[error("{found} changes of the clock, expected at most {}", ClockCorrection::MAX_CHANGES)]
    Changes { found: usize },
    #[error("{what} of a clock change has {found} bytes, expected at most {limit}")]
    TooLong { what: &'static str, found: usize, limit: usize },
    #[error("{what} of a clock change contains a control character")]
    ControlCharacter { what: &'static str },
    #[error("{what} of a clock change is empty")]
    Empty { what: &'static str },
}

impl ClockCorrection {
    /// The largest drift: 10 percent.
    pub const MAX_DRIFT: i64 = 100_000_000_000;

    /// How many changes are kept.
    pub const MAX_CHANGES: usize = 100;

    /// Begins corrections of a recorded start.
    pub fn new(recorded: Option<Start>) -> Self {
        Self { recorded, ..Self::default() }
    }

    /// Adds a change. Drops the earliest if there are too many.
    pub fn add(&mut self, change: ClockChange) {
        self.changes.push(change);
        let excess = self.changes.len().saturating_sub(Self::MAX_CHANGES);
        self.changes.drain(..excess);
    }

    /// Checks everything that a document may not hold.
    pub(crate) fn check(&self) -> Result<(), InvalidClock> {
        if !(-Self::MAX_DRIFT..=Self::MAX_DRIFT).contains(&self.drift_ppt) {
            return Err(InvalidClock::Drift { found: self.drift_ppt });
        }
        if self.changes.len() > Self::MAX_CHANGES {
            return Err(InvalidClock::Changes { found: self.changes.len() });
        }
        self.changes.iter().try_for_each(ClockChange::check)
    }
}

impl ClockChange {
    /// Creates a change.
    ///
    /// # Errors
    ///
    /// A text is empty, too long, or contains control characters.
    pub fn new(
        change: impl Into<String>,
        author: impl Into<String>,
        time: impl Into<String>,
    ) -> Result<Self, InvalidClock> {
        let (change, author, time) = (change.into(), author.into(), time.into());
        let change = Self { change, author, time };
        change.check().map(|()| change)
    }

    fn check(&self) -> Result<(), InvalidClock> {
        check_text("the description", &self.change, MAX_DESCRIPTION)?;
        check_text("the author", &self.author, MAX_AUTHOR)?;
        check_text("the time", &self.time, MAX_TIME)
    }
}

fn check_text(what: &'static str, text: &str, limit: usize) -> Result<(), InvalidClock> {
    match text.len() {
        0 => Err(InvalidClock::Empty { what }),
        found if found > limit => Err(InvalidClock::TooLong { what, found, limit }),
        _ if text.contains(is_control) => Err(InvalidClock::ControlCharacter { what }),
        _ => Ok(()),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde requires it")]
fn is_none(drift: &i64) -> bool {
    *drift == 0
}

/// The most bytes of the texts of a change.
const MAX_DESCRIPTION: usize = 1000;
const MAX_AUTHOR: usize = 200;
const MAX_TIME: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn change(number: usize) -> ClockChange {
        ClockChange::new(format!("shift +{number}s"), "ann", "2026-11-26T04:15:00Z").unwrap()
    }

    #[test]
    fn the_latest_changes_are_kept() {
        let mut clock = ClockCorrection::new(None);
        (0..250).for_each(|number| clock.add(change(number)));
        assert_eq!(clock.changes.len(), 100);
        assert_eq!(clock.changes.first().unwrap().change, "shift +150s");
        assert_eq!(clock.changes.last().unwrap().change, "shift +249s");
        assert_eq!(clock.check(), Ok(()));
    }

    #[test]
    fn texts_of_changes_are_bounded() {
        let time = "2026-11-26T04:15:00Z";
        for author in ["", "a\nb", "a\u{1b}[31m", "a\u{202e}b", &"x".repeat(201)] {
            assert!(ClockChange::new("shift +1h", author, time).is_err(), "{author:?}");
        }
        assert!(ClockChange::new("x".repeat(1001), "ann", time).is_err());
        assert!(ClockChange::new("x", "ann", "y".repeat(101)).is_err());
        assert!(ClockChange::new("x".repeat(1000), "ä".repeat(100), time).is_ok());
    }
}
