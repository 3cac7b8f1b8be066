use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, Offset},
};

use crate::{ClockReading, Zone};

/// When a recording began, where that is said and how certain the instant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartTime {
    /// What the clock showed, as found.
    pub clock: DateTime,
    /// Where it was found.
    pub source: Source,
    /// What is known of its zone, and so of the instant.
    pub certainty: Certainty,
}

/// Where a time was found. The first is the one most to be believed: what recorders
/// write into the file, then what they (and people) call it, then tags, which any
/// program may have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Source {
    /// `Timestamp` of a `guan` chunk.
    Guano,
    /// Timestamp of a `wamd` chunk.
    Wamd,
    /// A comment of AudioMoth.
    AudioMothComment,
    /// Origination date and time of a `bext` chunk.
    Bext,
    /// Origination date and time of an `iXML` chunk.
    Ixml,
    /// Unix time in hexadecimal digits as the name of the file.
    HexFileName,
    /// Date and time in the name of the file.
    FileName,
    /// A tag: `ICRD`, `TDRC`, `DATE` and so on.
    Tag,
}

/// What is known of the instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// The offset from UTC is stated.
    Certain {
        /// When it was.
        instant: Timestamp,
        /// The clock's offset.
        offset: Offset,
        /// Where the offset is stated: the source of the time itself or, if that does not
        /// say it, the next best that shows the same time of day.
        stated_by: Source,
    },
    /// The offset is that of the zone that the caller gave.
    ZoneAssumed {
        /// When it was, if the zone is right.
        instant: Timestamp,
        /// The zone's offset then.
        offset: Offset,
    },
    /// Nothing says the offset.
    LocalOnly,
}

/// What a caller may want to know of how a start was chosen. `Display` is one complete line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Finding {
    #[error("start by {}: {clock}, {seconds} s from that by {}, which is taken", other.name(), best.name())]
    Disagrees { best: Source, other: Source, clock: DateTime, seconds: i64 },
    #[error(
        "start {clock} occurs twice in the given zone, as clocks are put back: the earlier, at {earlier}, is taken"
    )]
    Twice { clock: DateTime, earlier: Offset },
    #[error(
        "start {clock} does not occur in the given zone, as clocks are put forward: taken at {before}, the offset before that"
    )]
    Never { clock: DateTime, before: Offset },
}

impl StartTime {
    /// Picks the best of what was found: the first in the order of [`Source`]; of equals,
    /// the first given. If it does not state its offset, the best other one with the same
    /// clock reading (within a second) that states one lends it; else `zone` is assumed.
    /// `None` if nothing was found.
    ///
    /// All that is more than a second away from what was picked is a [`Finding`]. Where one
    /// of the two does not state its offset, their readings are compared, or that and the
    /// other in UTC: a name may well be in UTC beside a comment that is not.
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

    /// The instant, if it is known or assumed.
    pub fn instant(&self) -> Option<Timestamp> {
        match self.certainty {
            Certainty::Certain { instant, .. } | Certainty::ZoneAssumed { instant, .. } => {
                Some(instant)
            }
            Certainty::LocalOnly => None,
        }
    }

    /// How far the clock was ahead of UTC, if that is known or assumed.
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
    /// For people to read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guano => "GUANO",
            Self::Wamd => "wamd",
            Self::AudioMothComment => "AudioMoth comment",
            Self::Bext => "bext",
            Self::Ixml => "iXML",
            Self::HexFileName => "hexadecimal file name",
            Self::FileName => "file name",
            Self::Tag => "tag",
        }
    }
}

impl Certainty {
    /// For people to read.
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

/// How much later `other` is than `best`.
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
