use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, Offset},
};

use crate::{ClockReading, Zone};

/// When a recording began, which source says so and how certain the instant is.
///
/// ```
/// use recorder_metadata::{Certainty, ClockReading, Source, StartTime, Zone};
///
/// let found = [
///     (Source::FileName, ClockReading::parse("2020-07-12T04:15:00").expect("parses")),
///     (Source::Bext, ClockReading::parse("2020-07-12T04:15:09").expect("parses")),
/// ];
/// let zone: Zone = "Europe/Zurich".parse()?;
/// let (start, findings) = StartTime::choose(&found, Some(&zone)).expect("two were found");
/// assert_eq!(start.source, Source::Bext);
/// assert_eq!(start.instant().expect("known from the zone").to_string(), "2020-07-12T02:15:09Z");
/// assert!(matches!(start.certainty, Certainty::ZoneAssumed { .. }));
/// assert_eq!(findings.len(), 1); // the name differs by nine seconds
/// # Ok::<(), recorder_metadata::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartTime {
    /// What the clock showed, unchanged.
    pub clock: DateTime,
    /// The source of the clock reading.
    pub source: Source,
    /// How much is known about the time zone, and so about the instant.
    pub certainty: Certainty,
}

/// The source of a time, most reliable first: metadata that recorders write into the file, then
/// its name, then tags, which any program may have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Source {
    /// `Timestamp` of a `guan` chunk.
    Guano,
    /// Timestamp of a `wamd` chunk.
    Wamd,
    /// A comment by AudioMoth.
    AudioMothComment,
    /// Start of the first raw file in a `harp` chunk.
    Harp,
    /// Origination date and time of a `bext` chunk.
    Bext,
    /// Origination date and time of an `iXML` chunk.
    Ixml,
    /// A file name that is a Unix time in hexadecimal digits.
    HexFileName,
    /// Date and time in a file name.
    FileName,
    /// A tag: `ICRD`, `TDRC`, `DATE` and so on.
    Tag,
}

/// How much is known about the instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// A source states the offset from UTC.
    Certain {
        /// The start.
        instant: Timestamp,
        /// The clock's offset.
        offset: Offset,
        /// The source of the offset: that of the time itself or, if it states none, the most
        /// reliable other one that shows the same time.
        stated_by: Source,
    },
    /// The offset comes from the zone that the caller passed.
    ZoneAssumed {
        /// The start, if the zone is right.
        instant: Timestamp,
        /// The zone's offset at that time.
        offset: Offset,
    },
    /// The offset is unknown.
    LocalOnly,
}

/// A problem with the start time, and how it was resolved. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum Finding {
    #[error(
        "start time {clock} from {} differs by {seconds} s from that in {}; used the latter",
        other.name(), best.name()
    )]
    Disagrees { best: Source, other: Source, clock: DateTime, seconds: i64 },
    #[error(
        "start time {clock} occurs twice in the given time zone (clocks set back); used the earlier, at UTC offset {earlier}"
    )]
    Twice { clock: DateTime, earlier: Offset },
    #[error(
        "start time {clock} does not exist in the given time zone (clocks set forward); used the earlier UTC offset, {before}"
    )]
    Never { clock: DateTime, before: Offset },
    #[error("the file name may mean {clock} or {other}; used the former")]
    Ambiguous { clock: DateTime, other: DateTime },
}

impl StartTime {
    /// Picks the reading from the most reliable [`Source`]; of equals, the first. If it has no
    /// offset, it takes that of the most reliable other reading that shows the same time (within
    /// a second) and has one, or else that of `zone`. Returns `None` if `found` is empty.
    ///
    /// Every other reading more than a second away is a [`Finding`]. If only one of two readings
    /// has an offset, they agree when the clocks match either directly or with that one in UTC,
    /// since a file name may be in UTC beside a comment in local time.
    pub fn choose(
        found: &[(Source, ClockReading)],
        zone: Option<&Zone>,
    ) -> Option<(Self, Vec<Finding>)> {
        let mut order = found.to_vec();
        order.sort_by_key(|(source, _)| *source);
        let (&(source, best), others) = order.split_first()?;
        let (stated_by, best) = with_stated_offset(source, best, others);
        let disagreements = others.iter().filter_map(|(other, reading)| {
            let apart = apart(&best, reading);
            (apart.abs() > SignedDuration::from_secs(1)).then(|| Finding::Disagrees {
                best: source,
                other: *other,
                clock: reading.clock,
                seconds: apart.as_secs(),
            })
        });
        let mut findings: Vec<Finding> = disagreements.collect();
        let certainty = certainty(&best, stated_by, zone, &mut findings);
        Some((Self { clock: best.clock, source, certainty }, findings))
    }

    /// Returns the instant, if it is known or assumed.
    pub fn instant(&self) -> Option<Timestamp> {
        match self.certainty {
            Certainty::Certain { instant, .. } | Certainty::ZoneAssumed { instant, .. } => {
                Some(instant)
            }
            Certainty::LocalOnly => None,
        }
    }

    /// Returns how far the clock was ahead of UTC, if known or assumed.
    pub fn offset(&self) -> Option<Offset> {
        match self.certainty {
            Certainty::Certain { offset, .. } | Certainty::ZoneAssumed { offset, .. } => {
                Some(offset)
            }
            Certainty::LocalOnly => None,
        }
    }
}

impl Source {
    /// Returns a name for people to read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guano => "GUANO",
            Self::Wamd => "wamd",
            Self::AudioMothComment => "AudioMoth comment",
            Self::Harp => "harp",
            Self::Bext => "bext",
            Self::Ixml => "iXML",
            Self::HexFileName => "hexadecimal file name",
            Self::FileName => "file name",
            Self::Tag => "tag",
        }
    }
}

impl Certainty {
    /// Returns a name for people to read.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Certain { .. } => "certain",
            Self::ZoneAssumed { .. } => "zone assumed",
            Self::LocalOnly => "local only",
        }
    }
}

fn with_stated_offset(
    source: Source,
    best: ClockReading,
    others: &[(Source, ClockReading)],
) -> (Source, ClockReading) {
    let lends = |(_, other): &&(Source, ClockReading)| {
        other.instant().is_some()
            && other.clock.duration_since(best.clock).abs() <= SignedDuration::from_secs(1)
    };
    match others.iter().find(lends) {
        Some(&(lender, other)) if best.instant().is_none() => {
            (lender, ClockReading { offset: other.offset, ..best })
        }
        _ => (source, best),
    }
}

fn certainty(
    best: &ClockReading,
    stated_by: Source,
    zone: Option<&Zone>,
    findings: &mut Vec<Finding>,
) -> Certainty {
    if let (Some(instant), Some(offset)) = (best.instant(), best.offset) {
        return Certainty::Certain { instant, offset, stated_by };
    }
    let Some(zone) = zone else { return Certainty::LocalOnly };
    let clock = best.clock;
    let offset = match zone.offset(clock) {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Fold { before, .. } => {
            findings.push(Finding::Twice { clock, earlier: before });
            before
        }
        AmbiguousOffset::Gap { before, .. } => {
            findings.push(Finding::Never { clock, before });
            before
        }
    };
    let instant = offset.to_timestamp(clock);
    instant.map_or(Certainty::LocalOnly, |instant| Certainty::ZoneAssumed { instant, offset })
}

/// Returns how much later `other` is than `best`.
fn apart(best: &ClockReading, other: &ClockReading) -> SignedDuration {
    let between = |from: DateTime, to: DateTime| to.duration_since(from);
    let in_utc = |reading: &ClockReading| reading.instant().map(|at| Offset::UTC.to_datetime(at));
    let by_clocks = between(best.clock, other.clock);
    match (in_utc(best), in_utc(other)) {
        (Some(best), Some(other)) => between(best, other),
        (Some(best), None) => smaller(by_clocks, between(best, other.clock)),
        (None, Some(other)) => smaller(by_clocks, between(best.clock, other)),
        (None, None) => by_clocks,
    }
}

fn smaller(one: SignedDuration, other: SignedDuration) -> SignedDuration {
    std::cmp::min_by_key(one, other, |apart| apart.abs())
}
