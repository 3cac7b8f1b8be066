//! Offset and drift of a clock from two of its readings.

use std::fmt;

use jiff::{SignedDuration, Timestamp, civil::DateTime};
use opus_zarr_store::{Certainty, ClockCorrection, Start};
use recorder_metadata::{ClockReading, Zone};

use super::{InvalidCorrection, InvalidTime, KnownTime, clock_of, instant_of};

/// Parses `READING=TIME, READING=TIME`.
pub(super) fn parse(
    text: &str,
    zone: Option<&Zone>,
) -> Result<[(ClockReading, KnownTime); 2], InvalidTime> {
    let form = || {
        let expected = "expected two points READING=TIME, READING=TIME";
        InvalidTime(format!("invalid drift {text:?}, {expected}"))
    };
    let point = |text: &str| {
        let (reading, time) = text.split_once('=').ok_or_else(form)?;
        let reading = ClockReading::parse(reading).ok_or_else(|| {
            let expected = "expected a form such as 2026-05-12T22:15:00";
            InvalidTime(format!("invalid reading {reading:?} of the recorder's clock, {expected}"))
        })?;
        Ok((reading, KnownTime::parse(time, zone)?))
    };
    let [_, between, _] = text.split('=').collect::<Vec<_>>()[..] else { return Err(form()) };
    let before = text.find('=').map_or(0, |at| at + 1);
    let pair = |(at, _): (usize, &str)| {
        let (first, second) = text.split_at(before + at);
        Ok([point(first)?, point(second.trim_start_matches(','))?])
    };
    // Seconds may have decimals after a comma too.
    let mut pairs = between.match_indices(',').map(pair);
    let first = pairs.next().ok_or_else(form)?;
    first.or_else(|error| pairs.find_map(Result::ok).ok_or(error))
}

/// Returns when a recording began and by how much its clock drifted.
pub(super) fn correct(
    recorded: &Start,
    points: &[(ClockReading, KnownTime); 2],
) -> Result<(Start, i64), InvalidCorrection> {
    let began = Began { clock: clock_of(recorded)?, instant: instant_of(recorded)? };
    let [first, second] = points;
    let [from, to] = [began.until(&first.0)?, began.until(&second.0)?];
    let [known, last] = [first, second].map(|(_, time)| time.instant().as_nanosecond());
    let (counted, passed) = (to - from, last - known);
    if counted <= 0 {
        let [first, second] = [first, second].map(|(reading, _)| shown(reading));
        return Err(InvalidCorrection::ReadingsNotInOrder { first, second });
    }
    if passed <= 0 {
        let [first, second] = [first, second].map(|(_, time)| time.instant());
        return Err(InvalidCorrection::TimesNotInOrder { first, second });
    }
    let drift = rounded((passed - counted).checked_mul(TRILLION), counted)?;
    let drift = i64::try_from(drift).ok().filter(|drift| drift.abs() <= ClockCorrection::MAX_DRIFT);
    let drift = drift.ok_or_else(|| InvalidCorrection::TooMuchDrift {
        recorder: SignedDuration::from_nanos_i128(counted),
        passed: SignedDuration::from_nanos_i128(passed),
    })?;
    let since = rounded((-from).checked_mul(passed), counted)?;
    let start = start(recorded, &first.1, since).ok_or(InvalidCorrection::OutOfRange)?;
    Ok((start, drift))
}

/// The recorded start, by both of its clocks.
struct Began {
    clock: DateTime,
    instant: Option<Timestamp>,
}

impl Began {
    /// Nanoseconds by the recorder's clock from the recorded start to a reading.
    fn until(&self, reading: &ClockReading) -> Result<i128, InvalidCorrection> {
        match (reading.instant(), self.instant) {
            (Some(instant), Some(began)) => Ok(instant.as_nanosecond() - began.as_nanosecond()),
            (None, _) => Ok(reading.clock.duration_since(self.clock).as_nanos()),
            (Some(_), None) => Err(InvalidCorrection::InstantUnknown { reading: shown(reading) }),
        }
    }
}

/// The start this many nanoseconds after a known time, whose offset from UTC it has.
fn start(recorded: &Start, known: &KnownTime, since: i128) -> Option<Start> {
    let since = SignedDuration::try_from_nanos_i128(since)?;
    let clock = known.clock().checked_add(since).ok()?;
    let instant = known.instant().checked_add(since).ok()?;
    Some(
        Start::new(clock.to_string(), recorded.source.clone(), Certainty::Certain)
            .utc(Some(instant.to_string()))
            .findings(known.findings().to_vec()),
    )
}

/// Divides by a positive number, rounded to the nearest.
fn rounded(dividend: Option<i128>, divisor: i128) -> Result<i128, InvalidCorrection> {
    let dividend = dividend.and_then(|dividend| dividend.checked_add(divisor / 2));
    dividend.map(|it| it.div_euclid(divisor)).ok_or(InvalidCorrection::OutOfRange)
}

fn shown(reading: &ClockReading) -> String {
    match reading.offset {
        Some(offset) => format!("{}{}", reading.clock, Zone::from(offset)),
        None => reading.clock.to_string(),
    }
}

/// Writes a point in a form that parses.
pub(super) struct Point<'a>(pub(super) &'a (ClockReading, KnownTime));

impl fmt::Display for Point<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reading, time) = self.0;
        write!(f, "{}={time}", shown(reading))
    }
}

const TRILLION: i128 = 1_000_000_000_000;
