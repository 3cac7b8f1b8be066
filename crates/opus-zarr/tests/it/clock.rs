//! Clocks that are corrected after the import.

use std::fs;

use opus_zarr::{
    Correction, ErrorKind, ImportOptions, InvalidCorrection, Recording, SignedDuration, Timestamp,
};
use opus_zarr_testkit::{
    fast_folder,
    recordings::{MONO, bytes_of, import_with, open_at, store_of},
};
use tempfile::TempDir;

/// 21 s whose name says 22:15:00 by the recorder's clock.
fn dated() -> (TempDir, Recording) {
    let folder = fast_folder();
    let file = folder.path().join("20260512_221500.opus");
    fs::write(&file, bytes_of(MONO)).unwrap();
    let options = ImportOptions::default().exact(false);
    let imported = import_with(file, folder.path().join("store"), "it", &options).unwrap();
    (folder, imported.into_first())
}

fn shift(text: &str) -> Correction {
    Correction::parse_shift(text).unwrap()
}

#[test]
fn every_correction_is_kept_and_can_be_undone() {
    let (folder, mut recording) = dated();
    let recorded = recording.info().start.clone();
    assert!(recording.info().clock.is_none() && recording.utc_of(0).is_none());
    assert!(!recording.correct_clock(&Correction::Recorded, "ann").unwrap());
    let zurich = Correction::Zone("Europe/Zurich".parse().unwrap());
    assert!(recording.correct_clock(&zurich, "ann").unwrap());
    assert!(!recording.correct_clock(&zurich, "bob").unwrap(), "it holds already");
    assert!(recording.correct_clock(&shift("-1h"), "bob").unwrap());

    let open = || open_at(folder.path().join("store"), "it").unwrap();
    assert_eq!(open().utc_of(48_000).unwrap().to_string(), "2026-05-12T19:15:01Z");
    let clock = open().info().clock.clone().unwrap();
    assert_eq!(clock.recorded, recorded);
    let changes: Vec<_> =
        clock.changes.iter().map(|it| (it.change.as_str(), it.author.as_str())).collect();
    assert_eq!(changes, [("tz Europe/Zurich", "ann"), ("shift -1h", "bob")]);
    let age = Timestamp::now().duration_since(clock.changes[1].time.parse().unwrap());
    assert!((0..600).contains(&age.as_secs()), "{age}");
    assert!(open().info().is_clock_corrected());

    assert!(recording.correct_clock(&Correction::Recorded, "ann").unwrap());
    assert_eq!(open().info().start, recorded);
    assert!(!open().info().is_clock_corrected());
    assert_eq!(open().info().clock.as_ref().unwrap().changes.len(), 3);
}

/// Two points a month apart, with the arithmetic in whole nanoseconds and in another order.
#[test]
fn a_sample_of_a_drifting_clock_has_its_true_time() {
    let (_folder, mut recording) = dated();
    let points =
        "2026-05-01T00:00:00=2026-04-30T21:59:00Z, 2026-05-31T00:00:00=2026-05-30T22:00:12Z";
    let correction = Correction::parse_drift(points, None).unwrap();
    assert!(recording.correct_clock(&correction, "ann").unwrap());
    assert!(!recording.correct_clock(&correction, "ann").unwrap());
    // 72 s in 30 days; the sample is 11 days, 22:15:00 and 20 s after the first reading.
    let (gained, month) = (72_i128 * 1_000_000_000, 30 * 86_400_i128);
    let counted = 11 * 86_400_i128 + 22 * 3600 + 15 * 60 + 20;
    let first: Timestamp = "2026-04-30T21:59:00Z".parse().unwrap();
    let true_time = first.as_nanosecond() + counted * 1_000_000_000 + counted * gained / month;
    let found = recording.utc_of(20 * 48_000).unwrap();
    assert!((found.as_nanosecond() - true_time).abs() <= 1, "{found}");
    assert_eq!(recording.info().drift_ppt(), 27_777_778);

    // Spans in that time hold the same samples, whatever they are cut into.
    let at = |nanos: i64| found + SignedDuration::from_nanos(nanos);
    let range = recording.samples_of_utc(at(0)..at(10_000_000)).unwrap();
    assert_eq!(range, 960_000..960_480);
    let middle = recording.samples_of_utc(at(0)..at(3_333_333)).unwrap();
    let rest = recording.samples_of_utc(at(3_333_333)..at(10_000_000)).unwrap();
    assert_eq!((middle.start, middle.end, rest.end), (range.start, rest.start, range.end));
    let length = recording.time_of(recording.info().play_length);
    assert!(length > recording.info().duration(), "{length:?}");
}

#[test]
fn corrections_that_do_not_fit_change_nothing() {
    let (store, mut recording) = store_of(MONO);
    let before = fs::read(store.path().join("it/zarr.json")).unwrap();
    let error = recording.correct_clock(&shift("+1h"), "ann").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownStart);
    assert_eq!(error.invalid_correction(), Some(&InvalidCorrection::StartUnknown));
    assert_eq!(error.recording().unwrap().as_str(), "it");
    let (_folder, mut dated) = dated();
    for author in ["", "a\nb", &"x".repeat(201)] {
        let error = dated.correct_clock(&shift("+1h"), author).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOption, "{author:?}");
    }
    assert_eq!(fs::read(store.path().join("it/zarr.json")).unwrap(), before);
    assert!(dated.info().clock.is_none());
}

/// What `--replace` writes over a recording begins as the one before it: its correction stays.
#[test]
fn a_replaced_recording_keeps_its_corrected_clock_if_it_begins_alike() {
    let (folder, mut recording) = dated();
    recording.correct_clock(&shift("+1h"), "ann").unwrap();
    let options = ImportOptions::default().exact(false).replace(true);
    let import = |file: &str, skipped: usize| {
        let path = folder.path().join(file);
        let stream = opus_zarr_testkit::recordings::stream_of(MONO).shortened(100 + skipped);
        fs::write(&path, stream.write(opus_zarr_testkit::stream::Pages::OfOneSecond)).unwrap();
        let imported = import_with(path, folder.path().join("store"), "it", &options).unwrap();
        assert_eq!(imported.replaced, 1);
        imported.into_first()
    };
    let longer = import("20260512_221500.opus", 1);
    assert_eq!(longer.info().start.as_ref().unwrap().local, "2026-05-12T23:15:00");
    assert_eq!(longer.info().clock, recording.info().clock);
    let other = import("20260513_221500.opus", 2);
    assert_eq!(other.info().start.as_ref().unwrap().local, "2026-05-13T22:15:00");
    assert_eq!(other.info().clock, None);
}
