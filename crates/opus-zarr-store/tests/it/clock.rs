//! Corrected clocks: written, read back, bounded, and lost by nobody.

use std::{fs, thread};

use opus_zarr_store::{
    Certainty, ClockChange, ClockCorrection, Error, ErrorKind, RecordingReader, Start,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    attributes::with_checksum,
    store::{name, stored},
};

fn text() -> impl Strategy<Value = String> + Clone {
    "[ -~äß→😀]{1,40}"
}

fn start() -> impl Strategy<Value = Start> {
    let certainty = prop_oneof![
        Just(Certainty::Certain),
        Just(Certainty::ZoneAssumed),
        Just(Certainty::LocalOnly)
    ];
    let utc = prop::option::of(text());
    (utc, text(), text(), certainty, prop::option::of(text()), prop::collection::vec(text(), 0..3))
        .prop_map(|(utc, local, source, certainty, zone, findings)| {
            Start::new(local, source, certainty).utc(utc).zone(zone).findings(findings)
        })
}

fn clock() -> impl Strategy<Value = ClockCorrection> {
    let max = ClockCorrection::MAX_DRIFT;
    let drift = prop_oneof![Just(0), Just(max), Just(-max), -max..=max];
    let change = (text(), text(), text())
        .prop_map(|(change, author, time)| ClockChange::new(change, author, time).unwrap());
    let changes = prop_oneof![
        prop::collection::vec(change.clone(), 0..3),
        prop::collection::vec(change, 98..=100)
    ];
    (prop::option::of(start()), drift, changes).prop_map(|(recorded, drift_ppt, changes)| {
        let mut clock = ClockCorrection::new(recorded);
        clock.drift_ppt = drift_ppt;
        changes.into_iter().for_each(|change| clock.add(change));
        clock
    })
}

fn set(
    recording: &mut RecordingReader,
    start: Option<Start>,
    clock: Option<ClockCorrection>,
) -> Result<(), Error> {
    recording.edit_clock(|stored, corrected| {
        (*stored, *corrected) = (start.clone(), clock.clone());
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read_back(start in prop::option::of(start()), clock in prop::option::of(clock())) {
        let root = tempfile::tempdir().unwrap();
        let (store, _) = stored(root.path(), 3);
        let mut recording = store.open_recording(&name("a")).unwrap();
        set(&mut recording, start.clone(), clock.clone()).unwrap();
        for info in [recording.info(), store.open_recording(&name("a")).unwrap().info()] {
            prop_assert_eq!((&info.start, &info.clock), (&start, &clock));
            let recorded = clock.as_ref().map_or(start.as_ref(), |clock| clock.recorded.as_ref());
            prop_assert_eq!(info.recorded_start(), recorded);
        }
    }
}

/// The limits hold for our own writer and for documents that somebody else wrote.
#[test]
fn corrections_beyond_the_limits_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = stored(root.path(), 3);
    let group = root.path().join("a/zarr.json");
    let change = || ClockChange::new("shift +1h", "ann", "2026-11-26T04:15:00Z").unwrap();
    let with = |edit: &dyn Fn(&mut ClockCorrection)| {
        let mut clock = ClockCorrection::new(None);
        clock.add(change());
        edit(&mut clock);
        clock
    };
    for (clock, part) in [
        (with(&|clock| clock.drift_ppt = 100_000_000_001), "drift of 100000000001 parts"),
        (with(&|clock| clock.drift_ppt = i64::MIN), "expected at most 100000000000"),
        (with(&|clock| clock.changes = vec![change(); 101]), "101 changes of the clock"),
        (with(&|clock| clock.changes[0].author = "a\nb".to_owned()), "control character"),
        (with(&|clock| clock.changes[0].change = "x".repeat(1001)), "has 1001 bytes"),
        (with(&|clock| clock.changes[0].time.clear()), "is empty"),
    ] {
        let before = fs::read_to_string(&group).unwrap();
        let mut recording = store.open_recording(&name("a")).unwrap();
        let error = set(&mut recording, None, Some(clock.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidClock, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(fs::read_to_string(&group).unwrap(), before);

        let mut document: Value = serde_json::from_str(&before).unwrap();
        document["attributes"]["opus_zarr"]["clock"] = serde_json::to_value(clock).unwrap();
        fs::write(&group, with_checksum(&document.to_string())).unwrap();
        let error = store.open_recording(&name("a")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        fs::write(&group, before).unwrap();
    }
}

#[test]
fn documents_without_zones_and_clocks_are_read() {
    let start: Start = serde_json::from_value(
        json!({ "local": "2026-05-12T22:15:00", "source": "tag", "certainty": "local-only" }),
    )
    .unwrap();
    assert_eq!(start, Start::new("2026-05-12T22:15:00", "tag", Certainty::LocalOnly));
    let zoned = start.clone().zone(Some("UTC".to_owned())).findings(vec!["x".to_owned()]);
    assert!(start.is_same(&zoned));
    assert!(!start.is_same(&start.clone().utc(Some("2026-05-12T22:15:00Z".to_owned()))));
}

#[test]
fn corrections_at_the_same_time_are_all_kept() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = stored(root.path(), 3);
    thread::scope(|scope| {
        for author in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..10 {
                    let mut recording = store.open_recording(&name("a")).unwrap();
                    let change = ClockChange::new(format!("{number}"), format!("{author}"), "now");
                    let change = change.unwrap();
                    let edited: Result<(), Error> = recording.edit_clock(|_, clock| {
                        let clock = clock.get_or_insert_with(ClockCorrection::default);
                        clock.drift_ppt += 1;
                        clock.add(change.clone());
                        Ok(())
                    });
                    edited.unwrap();
                }
            });
        }
    });
    let recording = store.open_recording(&name("a")).unwrap();
    let clock = recording.info().clock.as_ref().unwrap();
    assert_eq!((clock.drift_ppt, clock.changes.len()), (40, 40));
    for author in 0..4 {
        let author = author.to_string();
        let own: Vec<_> = clock.changes.iter().filter(|change| change.author == author).collect();
        let numbers: Vec<_> = own.iter().map(|change| change.change.clone()).collect();
        assert_eq!(numbers, (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}
