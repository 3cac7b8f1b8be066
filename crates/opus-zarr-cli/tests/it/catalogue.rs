//! `catalogue`.

use std::{fs, path::Path, thread, time::Duration};

use crate::support::{LONG_NOTES, NOTES, folder_with, run_in};

/// Runs `catalogue` and returns the numbers of rows, and of recordings opened, kept, gone and failed.
fn counts(folder: &Path, file: &str, code: i32) -> [u64; 5] {
    let done = run_in(folder, ["catalogue", "a.zarr", "-o", file, "--json"]).exits(code);
    let line = &done.lines("catalogue")[0];
    ["rows", "opened", "kept", "gone", "failed"].map(|field| line[field].as_u64().unwrap())
}

#[test]
fn a_catalogue_is_updated() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b"), (LONG_NOTES, "20260512_051500")]);
    let it = folder.path();
    // Documents that are younger may still change without a trace.
    thread::sleep(Duration::from_millis(3200));
    let read = |file: &str| fs::read(it.join(file)).unwrap();
    for file in ["c.csv", "c.jsonl", "c.parquet"] {
        assert_eq!(counts(it, file, 0), [3, 3, 0, 0, 0], "{file}");
        let first = read(file);
        assert_eq!(counts(it, file, 0), [3, 0, 3, 0, 0], "{file}");
        assert_eq!(read(file), first, "{file}");
    }
    run_in(it, ["meta", "a.zarr/a", "--set", "site=Rhine, \"4\"", "--set", "depth_m=2.5"]).exits(0);
    run_in(it, ["rename", "a.zarr/b", "c"]).exits(0);
    for file in ["c.csv", "c.jsonl", "c.parquet"] {
        let changed = counts(it, file, 0);
        // Renaming leaves the document as it is, but the name is another.
        assert_eq!(changed, [3, 2, 1, 1, 0], "{file}");
        run_in(it, ["catalogue", "a.zarr", "-o", &format!("new-{file}")]).exits(0);
        assert_eq!(read(file), read(&format!("new-{file}")), "{file}");
    }
    let table = String::from_utf8(read("c.csv")).unwrap();
    assert!(table.contains("\"Rhine, \"\"4\"\"\""), "{table}");
    let lines = String::from_utf8(read("c.jsonl")).unwrap();
    assert!(lines.contains(r#""notes":{"site":"Rhine, \"4\"","depth_m":2.5}"#), "{lines}");
}

#[test]
fn only_catalogues_are_replaced() {
    let folder = folder_with(&[(NOTES, "a")]);
    let it = folder.path();
    for file in ["x.csv", "x.jsonl", "x.parquet"] {
        fs::write(it.join(file), "my,own\n1,2\n").unwrap();
        let args = ["catalogue", "a.zarr", "-o", file];
        let refused = run_in(it, args).exits(1);
        let is_named = refused.stderr.contains(&format!("{file:?} is not a catalogue"));
        assert!(is_named && refused.stderr.contains("--force"), "{}", refused.stderr);
        assert_eq!(fs::read(it.join(file)).unwrap(), b"my,own\n1,2\n");
        run_in(it, args.into_iter().chain(["--force"])).exits(0);
        run_in(it, args).exits(0);
    }
    run_in(it, ["catalogue", "a.zarr", "-o", "x.txt"]).exits(2);
    run_in(it, ["catalogue", "none.zarr", "-o", "y.csv"]).exits(10);
    assert!(!it.join("y.csv").exists());
}

#[test]
fn a_damaged_recording_costs_no_other_row() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    fs::write(folder.path().join("a.zarr/a/zarr.json"), "{").unwrap();
    assert_eq!(counts(folder.path(), "c.csv", 4), [1, 1, 0, 0, 1]);
    let table = fs::read_to_string(folder.path().join("c.csv")).unwrap();
    assert!(table.lines().count() == 2 && table.contains("\nb,"), "{table}");
}

#[test]
fn a_catalogue_is_listed_without_its_store() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b"), (LONG_NOTES, "c")]);
    let it = folder.path();
    run_in(it, ["meta", "a.zarr/b", "--set", "site=weiher"]).exits(0);
    let conditions: [&[&str]; 5] =
        [&[], &["--sort", "size"], &["--where", "site=weiher"], &["--not-exact"], &["--long"]];
    for file in ["c.parquet", "c.csv", "c.jsonl"] {
        run_in(it, ["catalogue", "a.zarr", "-o", file]).exits(0);
        for more in conditions {
            let opened = run_in(it, [&["list", "a.zarr"], more].concat()).exits(0).stdout;
            assert!(!opened.is_empty());
            let listed = run_in(it, [&["list", "--catalogue", file], more].concat()).exits(0);
            assert_eq!(listed.stdout, opened, "{file} {more:?}");
            let args = [&["list", "none.zarr/[ab]", "--catalogue", file], more].concat();
            let some = run_in(it, args).exits(0).stdout;
            assert!(some.lines().count() < opened.lines().count() || more.contains(&"--where"));
        }
    }
    run_in(it, ["list"]).exits(2);
    run_in(it, ["list", "--catalogue", "none.csv"]).exits(1);
}

#[test]
fn a_changed_recording_is_not_read_by_way_of_its_row() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let it = folder.path();
    for (name, start) in [("a", "2026-05-12T03:00:00Z"), ("b", "2026-05-12T04:00:00Z")] {
        run_in(it, ["meta", &format!("a.zarr/{name}"), "--start", start]).exits(0);
    }
    run_in(it, ["catalogue", "a.zarr", "-o", "c.csv"]).exits(0);
    let cut = |utc, file| {
        let args = ["extract", "a.zarr", "--catalogue", "c.csv", "--utc", utc, "-o", file];
        run_in(it, args)
    };
    cut("2026-05-12T03:00:00Z..+1s", "a.wav").exits(0);
    run_in(it, ["meta", "a.zarr/a", "--shift", "1s"]).exits(0);
    let stale = cut("2026-05-12T03:00:00Z..+1s", "b.wav").exits(1);
    assert!(stale.stderr.contains("recording \"a\" is no longer what"), "{}", stale.stderr);
    assert!(stale.stderr.contains("update the catalogue"), "{}", stale.stderr);
    assert!(!it.join("b.wav").exists());
    cut("2026-05-12T04:00:00Z..+1s", "c.wav").exits(0);
}

#[test]
fn times_beyond_those_of_parquet_are_left_out_aloud() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "early"), (NOTES, "late"), (NOTES, "end")]);
    let it = folder.path();
    for (name, start) in [
        ("a", "2262-04-11T23:00:00Z"),
        ("early", "1601-01-01T00:00:00Z"),
        ("late", "2300-01-01T00:00:00Z"),
        // It begins before the last time and ends after it.
        ("end", "2262-04-11T23:47:16.8Z"),
    ] {
        run_in(it, ["meta", &format!("a.zarr/{name}"), "--start", start]).exits(0);
    }
    let starts = |file: &str| {
        let listed = run_in(it, ["list", "--catalogue", file, "--json"]).exits(0);
        let start = |line: &serde_json::Value| {
            line["start"]["utc"].as_str().or(line["start"].as_str()).unwrap().to_owned()
        };
        listed.lines("recording").iter().map(start).collect::<Vec<_>>()
    };
    for file in ["c.csv", "c.jsonl"] {
        let written = run_in(it, ["catalogue", "a.zarr", "-o", file]).exits(0);
        assert!(!written.stderr.contains("without its times"), "{}", written.stderr);
        assert!(starts(file).iter().all(|start| start.ends_with('Z')), "{:?}", starts(file));
    }
    // An update says it again.
    for _ in 0..2 {
        let written = run_in(it, ["catalogue", "a.zarr", "-o", "c.parquet"]).exits(0);
        for name in ["early", "late", "end"] {
            let warning = format!("{name}: written without its times");
            assert!(written.stderr.contains(&warning), "{}", written.stderr);
        }
        assert_eq!(written.stderr.matches("without its times").count(), 3);
        // The others are listed by the recorder's clock.
        assert_eq!(
            starts("c.parquet"),
            [
                "2262-04-11T23:00:00Z",
                "1601-01-01T00:00:00",
                "2262-04-11T23:47:16.8",
                "2300-01-01T00:00:00"
            ]
        );
    }
}
