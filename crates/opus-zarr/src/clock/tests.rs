use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn zone(text: &str) -> Zone {
    text.parse().unwrap()
}

fn start(local: &str, utc: Option<&str>, certainty: Certainty) -> Start {
    Start::new(local, "file name", certainty).utc(utc.map(str::to_owned))
}

/// 22:15 by the recorder's clock, in a zone that nobody knows.
fn local_only() -> Start {
    start("2026-05-12T22:15:00", None, Certainty::LocalOnly)
}

fn certain() -> Start {
    start("2026-05-12T22:15:00", Some("2026-05-12T20:15:00Z"), Certainty::Certain)
}

/// Applies corrections one after the other.
fn all(recorded: &Start, corrections: &[Correction]) -> Result<CorrectedClock, InvalidCorrection> {
    let present = CorrectedClock { start: Some(recorded.clone()), drift_ppt: 0 };
    let apply = |present, correction: &Correction| correction.correct(Some(recorded), present);
    corrections.iter().try_fold(present, apply)
}

fn shift(text: &str) -> Correction {
    Correction::parse_shift(text).unwrap()
}

fn known(text: &str) -> Correction {
    Correction::Start(KnownTime::parse(text, None).unwrap())
}

fn drift(text: &str) -> Correction {
    Correction::parse_drift(text, None).unwrap()
}

fn times(corrected: &CorrectedClock) -> (Option<&str>, &str) {
    let start = corrected.start.as_ref().unwrap();
    (start.utc.as_deref(), &start.local)
}

#[test]
fn a_shift_moves_both_times() {
    for (text, utc, local) in [
        ("+1h", "2026-05-12T21:15:00Z", "2026-05-12T23:15:00"),
        ("-1h", "2026-05-12T19:15:00Z", "2026-05-12T21:15:00"),
        ("2h", "2026-05-12T22:15:00Z", "2026-05-13T00:15:00"),
        ("-0.5", "2026-05-12T20:14:59.5Z", "2026-05-12T22:14:59.5"),
        ("\u{2212}1d", "2026-05-11T20:15:00Z", "2026-05-11T22:15:00"),
    ] {
        let corrected = all(&certain(), &[shift(text)]).unwrap();
        assert_eq!(times(&corrected), (Some(utc), local), "{text}");
        let unknown = all(&local_only(), &[shift(text)]).unwrap();
        assert_eq!(times(&unknown), (None, local), "{text}");
    }
    let nothing = all(&certain(), &[shift("+1h"), shift("-1h")]).unwrap();
    assert_eq!(nothing.start, Some(certain()));
    for text in ["+9000d", "18446744073709551615"] {
        let far = all(&certain(), &vec![shift(text); 400]);
        assert_eq!(far, Err(InvalidCorrection::OutOfRange), "{text}");
    }
}

#[test]
fn a_zone_is_that_of_the_recorders_clock() {
    let zurich = Correction::Zone(zone("Europe/Zurich"));
    let corrected = all(&local_only(), std::slice::from_ref(&zurich)).unwrap();
    let expected =
        start("2026-05-12T22:15:00", Some("2026-05-12T20:15:00Z"), Certainty::ZoneAssumed);
    assert_eq!(corrected.start, Some(expected.zone(Some("Europe/Zurich".to_owned()))));
    let utc = Correction::Zone(zone("UTC"));
    let again = all(&local_only(), &[utc, zurich.clone(), zurich.clone()]).unwrap();
    assert_eq!(again, corrected);
    // In any order with a shift, also across the change of clocks.
    for (local, by) in [("2026-05-12T22:15:00", "+1h"), ("2026-03-29T01:30:00", "+3h")] {
        let recorded = start(local, None, Certainty::LocalOnly);
        let one = all(&recorded, &[zurich.clone(), shift(by)]).unwrap();
        assert_eq!(all(&recorded, &[shift(by), zurich.clone()]), Ok(one.clone()));
        assert_eq!(all(&recorded, &[shift(by), zurich.clone(), zurich.clone()]), Ok(one));
    }
    let refused = all(&certain(), &[zurich]).unwrap_err();
    assert!(refused.to_string().contains("2026-05-12T20:15:00Z states its offset"), "{refused}");
}

#[test]
fn times_that_occur_twice_or_never_are_findings() {
    for (local, utc, finding) in [
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00Z", "occurs twice"),
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00Z", "does not exist"),
    ] {
        let recorded = start(local, None, Certainty::LocalOnly);
        let corrections = [
            Correction::Zone(zone("Europe/Zurich")),
            known(&format!("{local}[Europe/Zurich]")),
            Correction::Start(KnownTime::parse(local, Some(&zone("Europe/Zurich"))).unwrap()),
        ];
        for correction in corrections {
            let corrected = all(&recorded, std::slice::from_ref(&correction)).unwrap();
            assert_eq!(times(&corrected), (Some(utc), local), "{correction}");
            let findings = corrected.start.unwrap().findings;
            assert!(findings.len() == 1 && findings[0].contains(finding), "{findings:?}");
        }
        let back = [Correction::Zone(zone("Europe/Zurich")), Correction::Recorded];
        assert_eq!(all(&recorded, &back).unwrap().start, Some(recorded));
    }
}

#[test]
fn a_known_time_replaces_the_start() {
    for (text, utc, local, certainty) in [
        (
            "2026-05-12T23:00:00+02:00",
            "2026-05-12T21:00:00Z",
            "2026-05-12T23:00:00",
            Certainty::Certain,
        ),
        ("2026-05-12T21:00:00Z", "2026-05-12T21:00:00Z", "2026-05-12T21:00:00", Certainty::Certain),
        (
            "2026-05-12T23:00:00[Europe/Zurich]",
            "2026-05-12T21:00:00Z",
            "2026-05-12T23:00:00",
            Certainty::ZoneAssumed,
        ),
        (
            "2026-10-25T02:30:00+01:00[Europe/Zurich]",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:30:00",
            Certainty::Certain,
        ),
    ] {
        let present = CorrectedClock { start: None, drift_ppt: 5 };
        let corrected = known(text).correct(None, present).unwrap();
        assert_eq!(times(&corrected), (Some(utc), local), "{text}");
        assert_eq!(corrected.start.as_ref().unwrap().certainty, certainty, "{text}");
        assert_eq!(corrected.start.unwrap().source, "correction");
        assert_eq!(corrected.drift_ppt, 5);
    }
}

#[test]
fn other_times_are_refused() {
    for (text, part) in [
        ("2026-05-12T23:00:00", "lacks a time zone"),
        ("2026-05-12", "expected a form such as"),
        ("", "expected a form such as"),
        ("2026-05-12T23:00:00[Mars/Olympus]", "expected a time zone"),
        ("2026-05-12T23:00:00+05:00[Europe/Zurich]", "show 2026-05-12T20:00:00"),
        ("2026-05-12T23:00:00[]", "expected a time zone"),
        ("2026-05-12T23:00:00]", "expected a form such as"),
        ("2026-02-30T23:00:00Z", "expected a form such as"),
    ] {
        let error = KnownTime::parse(text, None).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    // An offset goes before the zone that is passed.
    let time = KnownTime::parse("2026-05-12T23:00:00Z", Some(&zone("Europe/Zurich"))).unwrap();
    assert_eq!(time.instant().to_string(), "2026-05-12T23:00:00Z");
}

/// Ten seconds slow on the first of May, a hundred on the first of June.
const SLOW: &str =
    "2026-05-01T12:00:00=2026-05-01T12:00:10Z, 2026-06-01T12:00:00=2026-06-01T12:01:40Z";

#[test]
fn offset_and_drift_follow_from_two_points() {
    // 90 s in 31 days are 33.602150538 ppm; after 15 days, 15/31 of them: 43.548387097 s.
    for (local, utc) in [
        ("2026-05-01T12:00:00", "2026-05-01T12:00:10Z"),
        ("2026-05-16T12:00:00", "2026-05-16T12:00:53.548387097Z"),
        ("2026-06-01T12:00:00", "2026-06-01T12:01:40Z"),
        // Beyond them: 31 days later, 90 s more; 31 days earlier, 90 s less.
        ("2026-07-02T12:00:00", "2026-07-02T12:03:10Z"),
        ("2026-03-31T12:00:00", "2026-03-31T11:58:40Z"),
    ] {
        let recorded = start(local, None, Certainty::LocalOnly);
        let corrected = all(&recorded, &[drift(SLOW)]).unwrap();
        assert_eq!(times(&corrected).0, Some(utc), "{local}");
        assert_eq!(corrected.drift_ppt, 33_602_151);
        let again = all(&recorded, &[shift("+5h"), drift(SLOW), drift(SLOW)]).unwrap();
        assert_eq!(again, corrected, "{local}");
    }
}

#[test]
fn readings_with_an_offset_are_compared_with_the_instant() {
    let with_offset = "2026-05-01T14:00:00+02:00=2026-05-01T12:00:10Z, \
         2026-06-01T12:00:00Z=2026-06-01T14:01:40[Europe/Zurich]";
    let recorded = start("2026-05-16T07:00:00", Some("2026-05-16T12:00:00Z"), Certainty::Certain);
    let corrected = all(&recorded, &[drift(with_offset)]).unwrap();
    let utc = "2026-05-16T12:00:53.548387097Z";
    assert_eq!(times(&corrected), (Some(utc), "2026-05-16T12:00:53.548387097"));
    assert_eq!(corrected.drift_ppt, 33_602_151);
    let unknown = all(&local_only(), &[drift(with_offset)]).unwrap_err().to_string();
    assert!(unknown.contains("reading 2026-05-01T14:00:00+02:00 cannot be compared"), "{unknown}");
}

#[test]
fn points_that_make_no_sense_are_refused() {
    let of = |text: &str| all(&local_only(), &[drift(text)]).unwrap_err().to_string();
    for (text, part) in [
        (
            "2026-05-01T12:00:00=2026-05-01T12:00:10Z,2026-05-01T12:00:00=2026-06-01T12:01:40Z",
            "second reading 2026-05-01T12:00:00 is not later than the first, 2026-05-01T12:00:00",
        ),
        (
            "2026-06-01T12:00:00=2026-06-01T12:00:00Z,2026-05-01T12:00:00=2026-05-01T12:00:00Z",
            "is not later",
        ),
        (
            "2026-05-01T12:00:00=2026-06-01T12:00:00Z,2026-06-01T12:00:00=2026-06-01T12:00:00Z",
            "second time 2026-06-01T12:00:00Z is not later than the first, 2026-06-01T12:00:00Z",
        ),
        (
            "2026-05-01T12:00:00=2026-05-01T12:00:00Z,2026-05-01T13:00:00=2026-05-01T14:00:00Z",
            "counted +1h between the readings, but +2h passed",
        ),
        (
            "2026-05-01T12:00:00=2026-05-01T12:00:00Z,2026-05-02T12:00:00=9999-05-02T12:00:00Z",
            "more than 10 percent",
        ),
        (
            "0001-01-01T00:00:00=0001-01-01T00:00:00Z,9999-01-01T00:00:00=9900-01-01T00:00:00Z",
            "outside of the years",
        ),
    ] {
        let error = of(text);
        assert!(error.contains(part), "{text}: {error}");
    }
    for text in [
        "",
        "2026-05-01T12:00:00",
        "2026-05-01T12:00:00=2026-05-01T12:00:10Z",
        "2026-05-01T12:00:00=2026-05-01T12:00:10Z 2026-06-01T12:00:00=2026-06-01T12:01:40Z",
        "2026-05-01T12:00:00=2026-05-01T12:00:10Z, 2026-06-01T12:00:00",
        "a=2026-05-01T12:00:10Z, 2026-06-01T12:00:00=2026-06-01T12:01:40Z",
        "2026-05-01T12:00:00=2026-05-01T12:00:10, 2026-06-01T12:00:00=2026-06-01T12:01:40Z",
        &format!("{SLOW}, {SLOW}"),
    ] {
        assert!(Correction::parse_drift(text, None).is_err(), "{text}");
    }
}

#[test]
fn what_a_correction_writes_parses() {
    for text in ["+1h", "-1h30m", "+12.5s", "-2d3h4m5.000000001s", "+0s", "+1d1s"] {
        assert_eq!(shift(text).to_string(), format!("shift {text}"));
    }
    let commas = "2026-05-01T12:00:00,5=2026-05-01T12:00:10,25Z,2026-06-01T12:00:00=2026-06-01T14:01:40[Europe/Zurich]";
    let written = drift(commas).to_string();
    assert_eq!(drift(written.strip_prefix("drift ").unwrap()), drift(commas));
    assert!(
        written.starts_with("drift 2026-05-01T12:00:00.5=2026-05-01T12:00:10.25Z, "),
        "{written}"
    );
}

#[test]
fn a_start_that_cannot_be_read_is_not_corrected() {
    for bad in [start("yesterday", None, Certainty::LocalOnly), {
        start("2026-05-12T22:15:00", Some("soon"), Certainty::Certain)
    }] {
        for correction in [shift("+1h"), drift(SLOW)] {
            let error = all(&bad, &[correction]).unwrap_err();
            assert!(matches!(error, InvalidCorrection::StartUnreadable { .. }), "{error}");
        }
        assert!(all(&bad, &[known("2026-05-12T22:15:00Z")]).is_ok());
    }
    for correction in [shift("+1h"), drift(SLOW), Correction::Zone(zone("UTC"))] {
        let unknown = CorrectedClock { start: None, drift_ppt: 0 };
        let error = correction.correct(None, unknown).unwrap_err();
        assert_eq!(error, InvalidCorrection::StartUnknown);
    }
}

proptest! {
    /// With a recording that begins between the points, its sample at the second reading has the time of the
    /// second point.
    #[test]
    fn the_points_have_their_times(
        // Seconds from the first reading to the recorded start and from there to the second.
        before in 0..10_000_000i64, after in 1..10_000_000i64, offset in -10_000_000..10_000_000i64,
        drift_ppm in -90_000..90_000i64,
    ) {
        let at = |base: &str, seconds: i64| -> Timestamp {
            base.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
        };
        let reading = |seconds| ClockReading { offset: None, ..ClockReading::at(at("2026-05-01T12:00:00Z", seconds)) };
        let passed = (before + after) * (1_000_000 + drift_ppm) / 1_000_000;
        prop_assume!(passed > 0 && (passed - before - after).abs() * 10 <= before + after);
        let second = KnownTime::parse(&at("2026-05-01T12:00:00Z", offset + passed).to_string(), None).unwrap();
        let first = KnownTime::parse(&at("2026-05-01T12:00:00Z", offset).to_string(), None).unwrap();
        let points = [(reading(0), first), (reading(before + after), second.clone())];
        let recorded = start(&reading(before).clock.to_string(), None, Certainty::LocalOnly);
        let corrected = all(&recorded, &[Correction::Drift(points)]).unwrap();
        let began: Timestamp = times(&corrected).0.unwrap().parse().unwrap();
        let length = SignedDuration::from_secs(after).as_nanos();
        let length = length + length * i128::from(corrected.drift_ppt) / 1_000_000_000_000;
        let reached = began + SignedDuration::from_nanos_i128(length);
        // The drift is rounded to parts per trillion.
        let tolerance = Duration::from_nanos(3 + u64::try_from(after).unwrap() / 1000);
        prop_assert!(reached.duration_since(second.instant()).unsigned_abs() <= tolerance);
    }

    #[test]
    fn no_text_panics(text in "[0-9T:=, Z\\[\\]+-]{0,60}|\\PC{0,30}") {
        let _ = KnownTime::parse(&text, None);
        let _ = Correction::parse_drift(&text, None);
        let _ = Correction::parse_shift(&text);
    }
}
