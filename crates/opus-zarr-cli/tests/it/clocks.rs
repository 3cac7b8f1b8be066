//! Clocks that were wrong: corrected by `meta`, or by importing again.

use std::{fs, path::Path, thread};

use opus_zarr_testkit::tree::Tree;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{NOTES, Outcome, run_in, testdata};

/// A folder with `card`, whose files begin at 22:15 by the recorder's clock on these days of May 2026.
fn card(days: &[u32]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("card")).unwrap();
    for day in days {
        let name = format!("card/202605{day:02}_221500.opus");
        fs::copy(testdata(NOTES), folder.path().join(name)).unwrap();
    }
    folder
}

fn import(folder: &TempDir, options: &[&str]) -> Outcome {
    run_in(folder.path(), [&["import", "-r", "card", "a.zarr"], options].concat()).exits(0)
}

fn meta(folder: &TempDir, args: &[&str]) -> Outcome {
    run_in(folder.path(), [&["meta"], args, &["--author", "ann"]].concat())
}

fn info(folder: &Path, place: &str) -> Value {
    run_in(folder, ["info", place, "--json"]).exits(0).lines("info")[0].clone()
}

fn utc(folder: &TempDir, day: u32) -> Value {
    info(folder.path(), &format!("a.zarr/202605{day:02}_221500"))["start"]["utc"].clone()
}

#[test]
fn a_clock_that_was_an_hour_behind_is_shifted_and_the_shift_undone() {
    let folder = card(&[12, 13, 14]);
    import(&folder, &["--tz", "Europe/Zurich"]);
    let before = Tree::of(&folder.path().join("a.zarr"));
    let planned = meta(&folder, &["a.zarr/2026051[23]*", "--shift", "-1h", "--dry-run"]).exits(0);
    assert_eq!(
        planned.stdout,
        "a.zarr/20260512_221500: start would be 2026-05-12T19:15:00Z, now: 2026-05-12T20:15:00Z\n\
         a.zarr/20260513_221500: start would be 2026-05-13T19:15:00Z, now: 2026-05-13T20:15:00Z\n"
    );
    before.assert_same(&Tree::of(&folder.path().join("a.zarr")), "a dry run");
    let shifted = meta(&folder, &["a.zarr/2026051[23]*", "--shift", "-1h"]).exits(0);
    assert!(
        shifted.stdout.contains("_221500: start now 2026-05-13T19:15:00Z, before: 2026-05-13T")
    );
    assert_eq!(utc(&folder, 12), "2026-05-12T19:15:00Z");
    assert_eq!(utc(&folder, 14), "2026-05-14T20:15:00Z");

    let told = run_in(folder.path(), ["info", "a.zarr/20260512_221500"]).exits(0).stdout;
    let zone = "from file name, time zone Europe/Zurich assumed";
    for line in [
        format!("\nstart     2026-05-12T19:15:00Z, {zone}\n"),
        format!("\nrecorded  2026-05-12T20:15:00Z, {zone}\n"),
        "\nclock     shift -1h, by ann, 20".to_owned(),
    ] {
        assert!(told.contains(&line), "{line}: {told}");
    }
    let json = info(folder.path(), "a.zarr/20260512_221500");
    assert_eq!(json["start"]["zone"], "Europe/Zurich");
    assert_eq!(json["clock"]["recorded"]["utc"], "2026-05-12T20:15:00Z");
    assert_eq!(json["clock"]["changes"][0]["author"], "ann");

    let undone =
        meta(&folder, &["a.zarr/20260512_221500", "--start", "recorded", "--json"]).exits(0);
    let line = &undone.lines("clock")[0];
    assert_eq!((&line["is_changed"], &line["change"]), (&true.into(), &"start recorded".into()));
    assert_eq!(utc(&folder, 12), "2026-05-12T20:15:00Z");
    let again = meta(&folder, &["a.zarr/20260512_221500", "--start", "recorded"]).exits(0);
    assert_eq!(again.stdout, "a.zarr/20260512_221500: start already 2026-05-12T20:15:00Z\n");
    run_in(folder.path(), ["verify", "a.zarr"]).exits(0);
}

/// The time of a cut in the second file, with the arithmetic of seconds and fractions by hand.
#[test]
fn two_known_times_correct_offset_and_drift_of_a_season() {
    let folder = card(&[1, 12, 31]);
    import(&folder, &[]);
    // 10 s slow on the first of May at 22:15, 100 s on the 31st: 90 s in 30 days.
    let points = "2026-05-01T22:15:00=2026-05-01T20:15:10Z, 2026-05-31T22:15:00=2026-05-31T22:16:40[Europe/Zurich]";
    let corrected = meta(&folder, &["a.zarr/*", "--drift", points]).exits(0);
    let drift = "recorder's clock 34.722222 ppm slow\n";
    assert_eq!(corrected.stdout.matches(drift).count(), 3, "{}", corrected.stdout);
    let again = meta(&folder, &["a.zarr/*", "--drift", points]).exits(0);
    assert_eq!(again.stdout.matches(": start already ").count(), 3, "{}", again.stdout);
    assert_eq!(utc(&folder, 1), "2026-05-01T20:15:10Z");
    assert_eq!(utc(&folder, 31), "2026-05-31T20:16:40Z");
    // 11 of 30 days: 33 of 90 s.
    assert_eq!(utc(&folder, 12), "2026-05-12T20:15:43Z");
    // A second by the recorder's clock takes 1.000034722 s. Sample 48000 comes before the end of that.
    let cut = |range: &str| {
        let args =
            ["extract", "a.zarr/20260512_221500", "--utc", range, "-o", "-", "--force", "--json"];
        let done = run_in(folder.path(), args.map(|arg| if arg == "-" { "cut.wav" } else { arg }))
            .exits(0);
        done.lines("extracted")[0]["start_sample"].as_u64().unwrap()
    };
    assert_eq!(cut("2026-05-12T20:15:44Z..+0.1s"), 47_999);
    assert_eq!(cut("2026-05-12T20:15:44.000034722Z..+0.1s"), 48_000);
    assert_eq!(cut("2026-05-12T20:15:44.000034723Z..+0.1s"), 48_001);
}

#[test]
fn a_local_time_that_occurs_twice_is_a_finding_that_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("card")).unwrap();
    fs::copy(testdata(NOTES), folder.path().join("card/20261025_023000.opus")).unwrap();
    let planned = import(&folder, &["--tz", "Europe/Zurich", "--dry-run"]);
    let start = "start 2026-10-25T00:30:00Z, from file name, time zone Europe/Zurich assumed";
    assert!(planned.stdout.contains(start), "{}", planned.stdout);
    assert!(planned.stderr.contains("occurs twice"), "{}", planned.stderr);
    import(&folder, &["--tz", "Europe/Zurich"]);
    let place = "a.zarr/20261025_023000";
    let told = run_in(folder.path(), ["info", place]).exits(0).stdout;
    assert!(told.contains("\nfinding   start time 2026-10-25T02:30:00 occurs twice"), "{told}");
    let later = "2026-10-25T02:30:00+01:00[Europe/Zurich]";
    meta(&folder, &[place, "--start", later]).exits(0);
    assert_eq!(info(folder.path(), place)["start"]["utc"], "2026-10-25T01:30:00Z");

    // Without a zone at import, `meta --tz` finds the same.
    fs::rename(folder.path().join("a.zarr"), folder.path().join("b.zarr")).unwrap();
    import(&folder, &[]);
    let assumed = meta(&folder, &[place, "--tz", "Europe/Zurich"]).exits(0);
    assert!(assumed.stderr.contains("warning: ") && assumed.stderr.contains("occurs twice"));
    assert_eq!(info(folder.path(), place)["start"]["utc"], "2026-10-25T00:30:00Z");
}

#[test]
fn importing_again_with_another_zone_changes_the_recorded_start() {
    let folder = card(&[12, 13]);
    import(&folder, &["--tz", "UTC"]);
    meta(&folder, &["a.zarr/20260513_221500", "--shift", "+5m"]).exits(0);
    let before = Tree::of(&folder.path().join("a.zarr"));
    let zurich = ["--tz", "Europe/Zurich"];
    let planned = import(&folder, &[&zurich[..], &["--dry-run"]].concat());
    assert!(planned.stdout.contains(": start would change from 2026-05-12T22:15:00Z (file name)"));
    before.assert_same(&Tree::of(&folder.path().join("a.zarr")), "a dry run");
    let changed = import(&folder, &zurich);
    for line in [
        "-> 20260512_221500: start changed from 2026-05-12T22:15:00Z (file name) to 2026-05-12T20:15:00Z (file name)\n",
        "-> 20260513_221500: recorded start changed from 2026-05-13T22:15:00Z (file name) to \
         2026-05-13T20:15:00Z (file name); the corrected start stays\n",
    ] {
        assert!(changed.stdout.contains(line), "{}", changed.stdout);
    }
    assert_eq!(
        (utc(&folder, 12), utc(&folder, 13)),
        ("2026-05-12T20:15:00Z".into(), "2026-05-13T22:20:00Z".into())
    );
    let recorded = &info(folder.path(), "a.zarr/20260513_221500")["clock"]["recorded"];
    assert_eq!(recorded["utc"], "2026-05-13T20:15:00Z");
    meta(&folder, &["a.zarr/20260513_221500", "--start", "recorded"]).exits(0);
    assert_eq!(utc(&folder, 13), "2026-05-13T20:15:00Z");

    // Nothing to change, less than before, or nobody says how to look for it: it stays.
    let before = Tree::of(&folder.path().join("a.zarr"));
    for options in [
        &[][..],
        &zurich,
        &["--tz", "+02:00"],
        &["--time-from", "file-name"],
        &["--time-from", "guano"],
    ] {
        let same = import(&folder, options);
        assert!(same.stdout.contains("\npresent        2 "), "{options:?}: {}", same.stdout);
        assert!(!same.stdout.contains("start"), "{options:?}: {}", same.stdout);
        before.assert_same(&Tree::of(&folder.path().join("a.zarr")), "import again");
    }
}

/// Given again, a shift would shift those twice that it fits: so all of it is refused.
#[test]
fn a_correction_that_does_not_fit_all_changes_none() {
    let folder = card(&[12]);
    for (name, zone) in [("20260514_221500Z", "offset"), ("noon", "start")] {
        fs::copy(testdata(NOTES), folder.path().join(format!("card/{name}.opus"))).unwrap();
        assert!(!zone.is_empty());
    }
    import(&folder, &[]);
    let before = Tree::of(&folder.path().join("a.zarr"));
    for (args, messages) in [
        (
            &["--shift", "+1h"][..],
            &["\"noon\": its start time is unknown", "set it with --start", "1 of 3"][..],
        ),
        (&["--tz", "UTC"], &["20260514_221500Z", "use --shift", "states its offset", "2 of 3"]),
        (&["--start", "2026-05-12T22:15:00Z"], &["--start is for one recording, but 3", "--shift"]),
        (
            &["--drift", "2026-05-01T00:00=2026-05-01T00:00Z, 2026-05-02T00:00=2026-05-03T00:00Z"],
            &["counted +1d between the readings, but +2d passed", "3 of 3"],
        ),
    ] {
        let refused = meta(&folder, &[&["a.zarr/*"], args].concat()).exits(2);
        for message in messages {
            assert!(refused.stderr.contains(message), "{message}: {}", refused.stderr);
        }
        before.assert_same(&Tree::of(&folder.path().join("a.zarr")), "a refused correction");
    }
    for args in [
        &["--shift", "1x"][..],
        &["--shift", "+1h", "--tz", "UTC"],
        &["--start", "2026-05-12T22:15:00"],
        &["--start", "recorded", "--tz", "UTC"],
        &["--start", "noon", "--tz", "UTC"],
        &["--drift", "2026-05-01T00:00=2026-05-01T00:00Z"],
        &["--tz", "Mars/Olympus"],
        &["--author", "a\nb", "--shift", "1h"],
        &["--author", "ann"],
    ] {
        run_in(folder.path(), [&["meta", "a.zarr/20260512_221500"], args].concat()).exits(2);
    }
    run_in(folder.path(), ["meta", "a.zarr"]).exits(10);
    let none = run_in(folder.path(), ["meta", "a.zarr/20260512_2*5x*"]).exits(10);
    assert!(none.stderr.contains("matches"), "{}", none.stderr);
    run_in(folder.path(), ["meta", "a.zarr/["]).exits(2);
    let one = ["a.zarr/20260512_221500", "--start", "2026-05-12T23:00", "--tz", "Europe/Zurich"];
    meta(&folder, &one).exits(0);
    assert_eq!(utc(&folder, 12), "2026-05-12T21:00:00Z");
}

#[test]
fn notes_of_many_recordings_are_set_and_shown() {
    let folder = card(&[12, 13, 14]);
    import(&folder, &[]);
    let two = [
        "meta",
        "a.zarr/20260512_221500",
        "a.zarr/none",
        "a.zarr/20260513*",
        "--set",
        "site=weiher",
    ];
    let some = run_in(folder.path(), two).exits(3);
    assert_eq!(
        some.stdout,
        "a.zarr/20260512_221500\n  site = \"weiher\"\na.zarr/20260513_221500\n  site = \"weiher\"\n"
    );
    assert!(some.stderr.contains("no recording \"none\""), "{}", some.stderr);
    let at_site = ["meta", "a.zarr", "--where", "site=weiher", "--set", "year=2026", "--dry-run"];
    let planned = run_in(folder.path(), at_site).exits(0).stdout;
    assert_eq!(planned.matches("year = 2026").count(), 2, "{planned}");
    run_in(folder.path(), &at_site[..6]).exits(0);
    let told = run_in(folder.path(), ["meta", "a.zarr/*", "--json"]).exits(0).lines("metadata");
    let years: Vec<_> = told.iter().map(|line| line["user"]["year"].as_u64()).collect();
    assert_eq!(years, [Some(2026), Some(2026), None]);
    run_in(folder.path(), ["meta", "a.zarr", "--where", "site=none"]).exits(10);
}

#[test]
fn several_corrections_at_once_are_all_kept() {
    let folder = card(&[12]);
    import(&folder, &["--tz", "UTC"]);
    thread::scope(|scope| {
        for number in 0..4 {
            let folder = &folder;
            scope.spawn(move || {
                let place = "a.zarr/20260512_221500";
                meta(folder, &[place, "--shift", "+1s"]).exits(0);
                let note = format!("n{number}=1");
                run_in(folder.path(), ["meta", place, "--set", &note]).exits(0);
            });
        }
    });
    let info = info(folder.path(), "a.zarr/20260512_221500");
    assert_eq!(info["start"]["utc"], "2026-05-12T22:15:04Z");
    assert_eq!(info["clock"]["changes"].as_array().unwrap().len(), 4);
    assert_eq!(info["user"].as_object().unwrap().len(), 4);
}
