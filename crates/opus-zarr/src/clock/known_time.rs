use std::fmt;

use jiff::{Timestamp, civil::DateTime};
use opus_zarr_store::{Certainty as StoredCertainty, Start};
use recorder_metadata::{Certainty, ClockReading, Source, StartTime, Zone};

/// A date and time of which the instant is known: it has an offset from UTC, or a time zone.
///
/// `Display` writes it in a form that parses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTime {
    clock: DateTime,
    instant: Timestamp,
    /// The zone, if only that says how far the clock is from UTC.
    zone: Option<Zone>,
    findings: Vec<String>,
}

/// Why a text is not a time. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTime(pub(super) String);

impl KnownTime {
    /// Parses `2026-05-12T22:15:00+02:00`, `2026-05-12T20:15:00Z`, `2026-05-12T22:15:00[Europe/Zurich]`
    /// (RFC 9557), or, in the zone passed, `2026-05-12T22:15:00`. A time that occurs twice when clocks
    /// are set back counts as the earlier one.
    ///
    /// ```
    /// use opus_zarr::KnownTime;
    ///
    /// let time = KnownTime::parse("2026-05-12T22:15:00[Europe/Zurich]", None)?;
    /// assert_eq!(time.instant().to_string(), "2026-05-12T20:15:00Z");
    /// assert!(KnownTime::parse("2026-05-12T22:15:00", None).is_err());
    /// # Ok::<(), opus_zarr::InvalidTime>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text has another form, states no offset although no zone was passed, or states an offset that
    /// its own zone does not have then.
    pub fn parse(text: &str, zone: Option<&Zone>) -> Result<Self, InvalidTime> {
        let (time, named) = match text.trim().strip_suffix(']').and_then(|it| it.split_once('[')) {
            Some((time, name)) => (time, Some(name)),
            None => (text.trim(), None),
        };
        let named = named.map(|name| name.trim_start_matches('!').parse::<Zone>()).transpose();
        let named =
            named.map_err(|error| InvalidTime(format!("invalid time {text:?}: {error}")))?;
        let reading = ClockReading::parse(time).ok_or_else(|| {
            let expected = "expected a form such as 2026-05-12T20:15:00Z or 2026-05-12T22:15:00[Europe/Zurich]";
            InvalidTime(format!("invalid time {text:?}, {expected}"))
        })?;
        match (reading.instant(), named.as_ref().or(zone)) {
            (Some(instant), _) => check_zone(text, reading.clock, instant, named.as_ref())
                .map(|()| Self { clock: reading.clock, instant, zone: None, findings: Vec::new() }),
            (None, Some(zone)) => Self::in_zone(reading.clock, zone)
                .ok_or_else(|| InvalidTime(format!("time {text:?} is out of range"))),
            (None, None) => Err(InvalidTime(format!(
                "time {text:?} lacks a time zone: append Z for UTC, an offset such as +02:00, or a zone such as [Europe/Zurich]"
            ))),
        }
    }

    /// The time at which a clock in a zone shows this.
    pub(super) fn in_zone(clock: DateTime, zone: &Zone) -> Option<Self> {
        let reading = ClockReading { clock, offset: None };
        // The source of a single reading makes no difference.
        let (start, findings) = StartTime::choose(&[(Source::Tag, reading)], Some(zone))?;
        let Certainty::ZoneAssumed { instant, .. } = start.certainty else { return None };
        let findings = findings.iter().map(ToString::to_string).collect();
        Some(Self { clock, instant, zone: Some(zone.clone()), findings })
    }

    /// The instant.
    pub fn instant(&self) -> Timestamp {
        self.instant
    }

    /// What is doubtful, one line each: a time that occurs twice, or never.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    /// The date and time of day as they were given.
    pub(super) fn clock(&self) -> DateTime {
        self.clock
    }

    /// The start of a recording that began at this time.
    pub(super) fn start(&self) -> Start {
        let certainty = match self.zone {
            Some(_) => StoredCertainty::ZoneAssumed,
            None => StoredCertainty::Certain,
        };
        Start::new(self.clock.to_string(), SOURCE, certainty)
            .utc(Some(self.instant.to_string()))
            .zone(self.zone.as_ref().map(ToString::to_string))
            .findings(self.findings.clone())
    }
}

/// Checks that a zone, if stated, agrees with the offset.
fn check_zone(
    text: &str,
    clock: DateTime,
    instant: Timestamp,
    zone: Option<&Zone>,
) -> Result<(), InvalidTime> {
    match zone.map(|zone| (zone, zone.clock_at(instant))) {
        Some((zone, shown)) if shown != clock => Err(InvalidTime(format!(
            "time {text:?} contradicts itself: at that offset, clocks in {zone} show {shown}"
        ))),
        _ => Ok(()),
    }
}

impl fmt::Display for KnownTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{}[{zone}]", self.clock),
            None => self.instant.fmt(f),
        }
    }
}

/// Where a start comes from that somebody has set.
const SOURCE: &str = "correction";
