//! The instants that errors name.

use std::{fmt, ops::Range};

use jiff::Timestamp;
use recorder_metadata::Zone;

use super::{Error, Reason};

/// An instant, and the zone in which to write it, by default UTC.
#[derive(Clone, Debug)]
pub(crate) struct Instant {
    time: Timestamp,
    zone: Option<Zone>,
}

impl Instant {
    pub(crate) fn set_zone(&mut self, zone: &Zone) {
        self.zone = Some(zone.clone());
    }

    pub(crate) fn range(range: Range<Timestamp>) -> Range<Self> {
        range.start.into()..range.end.into()
    }
}

impl From<Timestamp> for Instant {
    fn from(time: Timestamp) -> Self {
        Self { time, zone: None }
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => f.write_str(&zone.rfc3339(self.time)),
            None => self.time.fmt(f),
        }
    }
}

impl Error {
    /// Writes times of the day in the message by the clocks of a zone, with their offset, instead of
    /// in UTC.
    #[must_use]
    pub fn in_zone(mut self, zone: &Zone) -> Self {
        match &mut *self.0 {
            Reason::Time(reason) => {
                reason.instants().into_iter().for_each(|time| time.set_zone(zone));
            }
            Reason::BeforeStart { asked, began: known, .. }
            | Reason::AfterEnd { asked, ended: known, .. } => {
                asked.set_zone(zone);
                known.set_zone(zone);
            }
            _ => {}
        }
        self
    }
}
