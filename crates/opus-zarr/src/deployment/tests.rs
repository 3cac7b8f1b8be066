//! Deployments that exist only as times and lengths.

use std::{num::NonZeroU32, ops::Range, sync::Arc};

use jiff::Timestamp;
use opus_zarr_store::{MemoryStorage, RecordingName, Store};
use proptest::prelude::*;

use super::*;
use crate::ErrorKind;

/// A recording with this many samples, whose start is counted in samples too.
fn member(name: &str, start: i64, samples: u64) -> Member {
    let start = Timestamp::from_nanosecond(i128::from(start) * 1_000_000_000 / 48_000).unwrap();
    let rate = NonZeroU32::new(48_000).unwrap();
    Member::new(name.parse().unwrap(), start, (samples, rate), 1)
}

/// A recording that begins and lasts whole seconds.
fn whole(name: &str, start: i64, seconds: u64) -> Member {
    member(name, 48_000 * start, 48_000 * seconds)
}

fn deployment(members: Vec<Member>) -> Deployment {
    let store = Store::open_or_create_in(Arc::new(MemoryStorage::new())).unwrap();
    Deployment::of_members(&store, members)
}

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn seconds(range: Range<i64>) -> Range<Timestamp> {
    second(range.start)..second(range.end)
}

fn text(segments: &[Segment]) -> Vec<String> {
    let one = |segment: &Segment| {
        let Range { start, end } = segment.time();
        let time = [start, end].map(|time| time.as_millisecond());
        match segment {
            Segment::Recorded { recording, samples, .. } => {
                format!("{recording} {samples:?} {time:?}")
            }
            Segment::Gap { .. } => format!("gap {time:?}"),
        }
    };
    segments.iter().map(one).collect()
}

#[test]
fn recordings_follow_one_another_with_gaps() {
    let it = deployment(vec![whole("b", 20, 10), whole("a", 10, 5)]);
    assert_eq!(it.span(), Some(seconds(10..30)));
    assert_eq!(it.recordings()[0].name.as_str(), "a");
    assert_eq!(
        text(&it.segments(seconds(0..40))),
        [
            "gap [0, 10000]",
            "a 0..240000 [10000, 15000]",
            "gap [15000, 20000]",
            "b 0..480000 [20000, 30000]",
            "gap [30000, 40000]",
        ]
    );
    assert_eq!(text(&it.segments(seconds(12..13))), ["a 96000..144000 [12000, 13000]"]);
    assert_eq!(text(&it.segments(seconds(16..17))), ["gap [16000, 17000]"]);
    assert_eq!(text(&it.segments(seconds(17..17))), [""; 0]);
    let coverage = it.coverage(seconds(14..22));
    assert_eq!(coverage.recorded, SignedDuration::from_secs(3));
    assert_eq!(coverage.gaps, [seconds(15..20)]);
    assert!(deployment(vec![]).span().is_none());
}

#[test]
fn joints_of_two_samples_are_closed_and_do_not_add_up() {
    for (off, second_off) in [(0, 0), (1, 2), (2, 2), (-1, -2), (-2, -2), (2, 0), (-2, 2)] {
        let it = deployment(vec![
            whole("a", 10, 10),
            member("b", 20 * 48_000 + off, 480_000),
            member("c", 30 * 48_000 + second_off, 480_000),
        ]);
        assert_eq!(it.overlaps(), []);
        assert_eq!(
            text(&it.segments(seconds(19..31))),
            [
                "a 432000..480000 [19000, 20000]",
                "b 0..480000 [20000, 30000]",
                "c 0..48000 [30000, 31000]"
            ],
            "{off}, {second_off}"
        );
    }
    let far =
        |off: i64| deployment(vec![whole("a", 10, 10), member("b", 20 * 48_000 + off, 48_000)]);
    assert_eq!(far(3).coverage(seconds(19..21)).gaps.len(), 1);
    assert_eq!(far(-3).overlaps().len(), 1);
    assert_eq!(far(-3).coverage(seconds(19..20)).gaps, []);
    // Two samples beyond the end as recorded, but four beyond the end as adjusted.
    let it = deployment(vec![
        whole("a", 10, 10),
        member("b", 20 * 48_000 - 2, 480_000),
        member("c", 30 * 48_000 - 4, 480_000),
    ]);
    assert_eq!(it.overlaps().len(), 1);
}

#[test]
fn of_overlapping_recordings_the_earlier_one_is_used() {
    let it = deployment(vec![
        whole("a", 10, 10),
        whole("b", 15, 10),
        whole("inside", 12, 2),
        whole("same", 15, 10),
    ]);
    assert_eq!(
        text(&it.segments(seconds(10..25))),
        ["a 0..480000 [10000, 20000]", "b 240000..480000 [20000, 25000]"]
    );
    let found: Vec<_> = it
        .overlaps()
        .iter()
        .map(|overlap| (overlap.used.as_str(), overlap.ignored.as_str(), overlap.time.clone()))
        .collect();
    assert_eq!(
        found,
        [
            ("a", "inside", seconds(12..14)),
            ("a", "b", seconds(15..20)),
            ("a", "same", seconds(15..20)),
            ("b", "same", seconds(20..25)),
        ]
    );
}

#[test]
fn selections_are_open_to_the_ends() {
    let it = deployment(vec![whole("a", 10, 5), whole("b", 20, 5)]);
    for (text, expected) in [
        ("..", 10..25),
        ("1970-01-01T00:00:12Z..", 12..25),
        ("..1970-01-01T00:00:12Z", 10..12),
        ("1970-01-01T00:00:05Z..+2s", 5..7),
    ] {
        assert_eq!(it.select(&Selection::parse_utc(text).unwrap()).unwrap(), seconds(expected));
    }
    assert_eq!(it.select(&Selection::ALL).unwrap(), seconds(10..25));
    let samples = it.select(&Selection::parse_samples("0..5").unwrap()).unwrap_err();
    assert_eq!(samples.kind(), ErrorKind::InvalidOption);
    let nothing = deployment(vec![]).select(&Selection::ALL).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::NothingRecorded);
}

#[test]
fn days_are_local() {
    // Two hours around the end of a day of 23 hours: 21:00 to 23:00 UTC, midnight at 22:00.
    let start: Timestamp = "2026-03-29T21:00:00Z".parse().unwrap();
    let it = deployment(vec![whole("a", start.as_second(), 7200)]);
    let zone = "Europe/Zurich".parse().unwrap();
    let range = "2026-03-28T23:00:00Z".parse().unwrap().."2026-03-31T00:00:00Z".parse().unwrap();
    let days: Vec<_> = it.days(range, &zone).collect();
    let found: Vec<_> = days
        .iter()
        .map(|day| {
            (
                day.date.to_string(),
                day.recorded.as_secs(),
                day.time.start.duration_until(day.time.end).as_hours(),
            )
        })
        .collect();
    let expected = [("2026-03-29", 3600, 23), ("2026-03-30", 3600, 24), ("2026-03-31", 0, 2)];
    let expected = expected.map(|(date, seconds, hours)| (date.to_owned(), seconds, hours));
    assert_eq!(found, expected);
    assert_eq!(it.days(start..start, &zone).count(), 0);
}

#[test]
fn many_recordings_of_the_same_time_take_no_time() {
    let members = (0..5000).map(|number| member(&format!("{number:05}"), 0, number));
    let it = deployment(members.collect());
    assert!(it.overlaps().len() <= 16 * 5000);
    assert_eq!(it.segments(it.span().unwrap()).len(), 4999);
}

#[test]
fn errors_name_what_is_in_the_way() {
    let stereo = Member { channels: 2, ..whole("stereo", 30, 5) };
    let fast = Member { real_rate: NonZeroU32::new(250_000).unwrap(), ..whole("fast", 40, 5) };
    let it = deployment(vec![whole("a", 10, 5), whole("b", 20, 5), stereo, fast]);
    for (range, gaps, kind, message) in [
        (10..25, Gaps::Error, ErrorKind::Gap, "from 1970-01-01T00:00:15Z to 1970-01-01T00:00:20Z"),
        (9..12, Gaps::Error, ErrorKind::Gap, "from 1970-01-01T00:00:09Z to 1970-01-01T00:00:10Z"),
        (
            16..17,
            Gaps::Silence,
            ErrorKind::NothingRecorded,
            "; recording \"a\" ended at 1970-01-01T00:00:15Z, and recording \"b\" began at 1970-01-01T00:00:20Z",
        ),
        (1..2, Gaps::Split, ErrorKind::NothingRecorded, "Z; recording \"a\" began at"),
        (99..100, Gaps::Error, ErrorKind::NothingRecorded, "Z; recording \"fast\" ended at"),
        (20..31, Gaps::Split, ErrorKind::DifferentChannels, "\"b\" and \"stereo\" have 1 and 2"),
        (10..31, Gaps::Silence, ErrorKind::DifferentChannels, "\"a\" and \"stereo\""),
        (12..12, Gaps::Silence, ErrorKind::Range, "is empty or reversed"),
    ] {
        let error = it.pieces(seconds(range), gaps).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(message), "{error}");
    }
    let it = deployment(it.recordings().iter().filter(|one| one.channels == 1).cloned().collect());
    let error = it.pieces(seconds(20..41), Gaps::Silence).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DifferentRates);
    assert!(error.to_string().contains("\"b\" and \"fast\" have 48000 and 250000"), "{error}");
    let reversed = it.pieces(second(12)..second(11), Gaps::Silence).unwrap_err();
    assert_eq!(reversed.kind(), ErrorKind::Range);
    assert_eq!(
        deployment(vec![]).pieces(seconds(0..1), Gaps::Error).unwrap_err().to_string(),
        "nothing was recorded from 1970-01-01T00:00:00Z to 1970-01-01T00:00:01Z"
    );
}

/// Where the next recording begins, from the start or the end of the one before.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Samples after its end.
    Joint(i64),
    /// Nanoseconds after its end.
    End(i64),
    /// Nanoseconds after its start.
    Start(i64),
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64, i64)>> {
    let step = prop_oneof![
        4 => (-3..=3i64).prop_map(Step::Joint),
        2 => (-20_000_000..50_000_000i64).prop_map(Step::End),
        1 => (0..50_000_000i64).prop_map(Step::Start),
        1 => Just(Step::Start(0)),
    ];
    let length = prop_oneof![3 => 1..3000u64, 1 => 0..6u64];
    let drift = prop_oneof![Just(0), -100_000_000..100_000_000i64];
    prop::collection::vec((step, length, drift), 1..12)
}

fn rate() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(48_000u32), 1 => Just(250_000), 1 => Just(384_000), 1 => 1_000..500_000u32]
}

fn generated(steps: &[(Step, u64, i64)], rate: u32) -> Deployment {
    let rate = NonZeroU32::new(rate).unwrap();
    let mut at = 1_000_000_000_i128..1_000_000_000;
    let mut members = Vec::new();
    for (number, (step, length, drift)) in steps.iter().enumerate() {
        let start = match *step {
            Step::Joint(samples) => {
                at.end + i128::from(samples) * 1_000_000_000 / i128::from(rate.get())
            }
            Step::End(nanos) => at.end + i128::from(nanos),
            Step::Start(nanos) => at.start + i128::from(nanos),
        };
        let name: RecordingName = format!("{number:02}").parse().unwrap();
        let start = Timestamp::from_nanosecond(start).unwrap();
        let member = Member::new(name, start, (*length, rate), 1).drift_ppt(*drift);
        at = nanos(&member.time());
        members.push(member);
    }
    deployment(members)
}

/// The samples of a range, each with the name of its recording, or none if it is silent.
fn samples(it: &Deployment, range: Range<Timestamp>) -> Vec<(Option<u8>, i128)> {
    let pieces = match it.pieces(range, Gaps::Silence) {
        Err(error) if error.kind() == ErrorKind::NothingRecorded => return Vec::new(),
        pieces => pieces.unwrap(),
    };
    assert!(pieces.len() <= 1);
    let mut found = Vec::new();
    for run in pieces.iter().flat_map(|piece| &piece.runs) {
        match run {
            piece::Run::Recorded(Member { name, .. }, samples) => {
                found.extend(
                    samples.clone().map(|sample| (name.as_str().parse().ok(), sample.into())),
                );
            }
            piece::Run::Silent(samples) => {
                found.extend(samples.clone().map(|sample| (None, sample)));
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn windows_have_the_samples_of_the_whole(
        steps in steps(),
        rate in rate(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        margin in 0..10_000_000i128,
    ) {
        let it = generated(&steps, rate);
        let Some(span) = it.span() else { return Ok(()) };
        let span = nanos(&span);
        let whole = span.start - margin..span.end + margin;
        let length = usize::try_from(whole.end - whole.start).unwrap();
        let mut ends: Vec<i128> = cuts
            .iter()
            .map(|cut| whole.start + i128::try_from(cut.index(length)).unwrap())
            .chain([whole.start, whole.end])
            .collect();
        ends.sort_unstable();
        let all = samples(&it, timestamps(&whole));
        // A window in which nothing was recorded is an error, so it has no silence.
        let mut joined = Vec::new();
        let mut has_silence_only = false;
        for window in ends.windows(2).filter(|window| window[0] < window[1]) {
            let window = timestamps(&(window[0]..window[1]));
            has_silence_only |= it.coverage(window.clone()).recorded.is_zero();
            joined.extend(samples(&it, window));
        }
        let recorded = |all: &[(Option<u8>, i128)]| -> Vec<(Option<u8>, i128)> {
            all.iter().filter(|(name, _)| name.is_some()).copied().collect()
        };
        prop_assert_eq!(recorded(&joined), recorded(&all));
        if !has_silence_only {
            prop_assert_eq!(&joined, &all);
        }
        let mut once = recorded(&all);
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), recorded(&all).len(), "no sample appears twice");
    }

    #[test]
    fn segments_are_the_range(steps in steps(), rate in rate(), margin in 0..10_000_000i128) {
        let it = generated(&steps, rate);
        let Some(span) = it.span() else { return Ok(()) };
        let whole = nanos(&span).start - margin..nanos(&span).end + margin;
        let segments = it.segments(timestamps(&whole));
        let mut at = whole.start;
        for segment in &segments {
            let time = nanos(segment.time());
            prop_assert_eq!(time.start, at);
            prop_assert!(time.end > time.start);
            at = time.end;
        }
        prop_assert_eq!(at, whole.end);
        // Two samples, and a nanosecond for each rounding.
        let joint = 2_000_000_000 / i128::from(rate) + 4;
        for segment in &segments {
            let Segment::Gap { time } = segment else { continue };
            let gap = nanos(time);
            for member in it.recordings() {
                let time = nanos(&member.time());
                let lost = time.end.min(gap.end) - time.start.max(gap.start);
                prop_assert!(lost <= joint, "{}: {lost} ns are in a gap", member.name);
            }
        }
    }

    /// Each sample of a recording is where its clock says, but for the joints.
    #[test]
    fn samples_are_at_their_times(steps in steps(), rate in rate()) {
        let it = generated(&steps, rate);
        let Some(span) = it.span() else { return Ok(()) };
        let joint = 2_000_000_000 / i128::from(rate) + 4;
        for segment in it.segments(span) {
            let Segment::Recorded { recording, samples, time } = segment else { continue };
            let member = it.recordings().iter().find(|one| one.name == recording).unwrap();
            let at = |sample| {
                let elapsed = member.clock().time_of(sample).as_nanos();
                member.start.as_nanosecond() + i128::try_from(elapsed).unwrap()
            };
            let time = nanos(&time);
            let sample = 1_000_000_000 / i128::from(rate) + 1;
            prop_assert!((at(samples.start) - time.start).abs() <= joint + sample);
            prop_assert!((at(samples.end) - time.end).abs() <= joint);
        }
    }
}
