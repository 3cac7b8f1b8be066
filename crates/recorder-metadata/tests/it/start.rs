//! The choice of the start time, its certainty, and findings about the others.

use recorder_metadata::{Certainty, ClockReading, Finding, Source, StartTime, Zone};

fn at(source: Source, text: &str) -> (Source, ClockReading) {
    (source, ClockReading::parse(text).unwrap_or_else(|| panic!("{text}")))
}

fn choose(found: &[(Source, ClockReading)], zone: Option<&str>) -> (StartTime, Vec<Finding>) {
    let zone: Option<Zone> = zone.map(|zone| zone.parse().unwrap());
    StartTime::choose(found, zone.as_ref()).unwrap()
}

fn instant(start: &StartTime) -> String {
    start.instant().unwrap().to_string()
}

#[test]
fn without_sources_nothing_is_chosen() {
    assert_eq!(StartTime::choose(&[], None), None);
}

#[test]
fn the_most_reliable_source_is_chosen() {
    let mut found = vec![
        at(Source::Tag, "2020-05-12T04:15:00Z"),
        at(Source::FileName, "2020-05-12T04:15:00Z"),
        at(Source::HexFileName, "2020-05-12T04:15:00Z"),
        at(Source::Ixml, "2020-05-12T04:15:00Z"),
        at(Source::Bext, "2020-05-12T04:15:00Z"),
        at(Source::AudioMothComment, "2020-05-12T04:15:00Z"),
        at(Source::Wamd, "2020-05-12T04:15:00Z"),
        at(Source::Guano, "2020-05-12T04:15:00Z"),
    ];
    while let Some(&(best, _)) = found.last() {
        let (start, findings) = choose(&found, None);
        assert_eq!(start.source, best);
        assert_eq!(findings, []);
        found.pop();
    }
}

#[test]
fn the_offset_is_stated_or_assumed_or_unknown() {
    let stated = [at(Source::Guano, "2020-07-12T04:15:00+01:00")];
    let silent = [at(Source::FileName, "2020-07-12T04:15:00")];

    let (start, _) = choose(&stated, Some("Europe/Zurich"));
    assert_eq!(instant(&start), "2020-07-12T03:15:00Z", "a stated offset is not overruled");
    assert!(matches!(start.certainty, Certainty::Certain { stated_by: Source::Guano, .. }));

    let (start, _) = choose(&silent, Some("Europe/Zurich"));
    assert_eq!(instant(&start), "2020-07-12T02:15:00Z");
    assert_eq!(start.offset().unwrap().seconds(), 7200);
    assert_eq!(start.certainty.name(), "zone assumed");

    let (start, _) = choose(&silent, None);
    assert_eq!(start.certainty, Certainty::LocalOnly);
    assert_eq!((start.instant(), start.offset()), (None, None));
    assert_eq!(start.clock.to_string(), "2020-07-12T04:15:00");
}

#[test]
fn a_reading_of_the_same_time_lends_its_offset() {
    let found = [
        at(Source::Bext, "2020-05-12T04:15:00.25"),
        at(Source::FileName, "2020-05-12T04:15:00-03:00"),
    ];
    let (start, findings) = choose(&found, Some("Europe/Zurich"));
    assert_eq!(start.source, Source::Bext);
    assert_eq!(instant(&start), "2020-05-12T07:15:00.25Z");
    assert!(matches!(start.certainty, Certainty::Certain { stated_by: Source::FileName, .. }));
    assert_eq!(findings, []);

    let other_time = [found[0], at(Source::FileName, "2020-05-12T04:15:02-03:00")];
    let (start, findings) = choose(&other_time, None);
    assert_eq!(start.certainty, Certainty::LocalOnly);
    assert_eq!(findings.len(), 1);
}

#[test]
fn readings_more_than_a_second_apart_disagree() {
    let found = |name: &str| {
        [at(Source::AudioMothComment, "2020-05-12T04:15:00+02:00"), at(Source::FileName, name)]
    };
    for agreeing in [
        "2020-05-12T04:15:01",
        "2020-05-12T04:14:59",
        "2020-05-12T02:15:00", // in UTC without an offset
        "2020-05-12T02:15:00Z",
        "2020-05-11T22:15:00.5-04:00",
    ] {
        assert_eq!(choose(&found(agreeing), Some("Asia/Tokyo")).1, [], "{agreeing}");
    }
    for (other, seconds) in [
        ("2020-05-12T04:15:02", 2),
        ("2020-05-12T03:15:00", -3600),
        ("2020-05-12T04:15:00Z", 7200),
        ("2021-05-12T04:15:00+02:00", 31_536_000),
    ] {
        let (start, findings) = choose(&found(other), None);
        assert_eq!(instant(&start), "2020-05-12T02:15:00Z");
        let [Finding::Disagrees { best, other: source, seconds: found, .. }] = findings[..] else {
            panic!("{other}: {findings:?}");
        };
        assert_eq!((best, source), (Source::AudioMothComment, Source::FileName));
        assert_eq!(found, seconds, "{other}");
        assert_eq!(findings[0].to_string().lines().count(), 1);
    }
}

#[test]
fn a_reading_without_offset_may_be_in_utc() {
    let found =
        [at(Source::Bext, "2020-05-12T02:15:00"), at(Source::Tag, "2020-05-12T04:15:00+02:00")];
    let (start, findings) = choose(&found, None);
    assert_eq!(start.certainty, Certainty::LocalOnly);
    assert_eq!(findings, [], "the two agree if the first is in UTC");
}

#[test]
fn clocks_set_back_and_forward_are_findings() {
    let zone = Some("Europe/Zurich");
    let (start, findings) = choose(&[at(Source::FileName, "2023-10-29T02:30:00")], zone);
    assert_eq!(instant(&start), "2023-10-29T00:30:00Z");
    assert!(matches!(findings[..], [Finding::Twice { .. }]), "{findings:?}");

    let (start, findings) = choose(&[at(Source::FileName, "2023-03-26T02:30:00")], zone);
    assert_eq!(instant(&start), "2023-03-26T01:30:00Z");
    assert!(matches!(findings[..], [Finding::Never { .. }]), "{findings:?}");
}

#[test]
fn readings_beyond_all_instants_stay_local() {
    // No instant can be that late, so this stays a clock reading.
    let found =
        [at(Source::Guano, "9999-12-31T23:59:59-12:00"), at(Source::Tag, "0000-01-01T00:00:00Z")];
    let (start, findings) = choose(&found, Some("-12:00"));
    assert_eq!(start.certainty, Certainty::LocalOnly);
    assert_eq!(findings.len(), 1);
}
