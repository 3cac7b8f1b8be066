//! What commands list and open.

use std::{collections::BTreeMap, fs, path::Path, process::Command, thread, time::Duration};

use opus_zarr_testkit::{strace::is_permitted, wave::wave};

use crate::{
    recorder::{GUANO, with_chunks},
    support::{NOTES, command_in, folder_with, run_in},
};

/// Runs a command and returns how often it listed the store, and the recordings whose documents it opened.
fn opened(folder: &Path, args: &[&str]) -> (usize, BTreeMap<String, usize>) {
    let inner = command_in(folder);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-e", "trace=openat", "-o", "trace"]).arg(inner.get_program()).args(args);
    let output = traced.current_dir(folder).env_remove("LD_LIBRARY_PATH").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    let trace = fs::read_to_string(folder.join("trace")).unwrap();
    let (mut listings, mut opened) = (0, BTreeMap::new());
    for path in trace.lines().filter_map(|line| line.split('"').nth(1)) {
        let name = path.strip_prefix("a.zarr/").and_then(|path| path.strip_suffix("/zarr.json"));
        match name {
            Some(name) if !name.contains('/') => *opened.entry(name.to_owned()).or_default() += 1,
            _ => listings += usize::from(path == "a.zarr"),
        }
    }
    (listings, opened)
}

fn counts(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// Recordings an hour apart, at two sites, and their catalogue.
fn season() -> tempfile::TempDir {
    let folder = folder_with(&[(NOTES, "reed_1"), (NOTES, "reed_2"), (NOTES, "wood")]);
    let it = folder.path();
    for (name, hour, site) in [("reed_1", 3, "reed"), ("reed_2", 4, "reed"), ("wood", 3, "wood")] {
        let (place, site) = (format!("a.zarr/{name}"), format!("site={site}"));
        let start = format!("2026-05-12T0{hour}:00:00Z");
        run_in(it, ["meta", &*place, "--start", &*start, "--set", &*site]).exits(0);
    }
    run_in(it, ["meta", "a.zarr/wood", "--set", "device=5"]).exits(0);
    for file in ["c.csv", "c.parquet", "c.jsonl"] {
        run_in(it, ["catalogue", "a.zarr", "-o", file]).exits(0);
    }
    folder
}

#[test]
fn a_store_is_listed_once_and_recordings_are_opened_once() {
    if !is_permitted() {
        return;
    }
    let folder = season();
    let it = folder.path();
    // Documents that are younger may still change without a trace.
    thread::sleep(Duration::from_millis(3200));
    run_in(it, ["catalogue", "a.zarr", "-o", "c.parquet"]).exits(0);
    fs::write(it.join("t.csv"), "start,end,file\n0,1,reed_1.opus\n0,1.5,cards/wood.opus\n")
        .unwrap();
    let reed = [("reed_1", 1), ("reed_2", 1)];
    let all = [("reed_1", 1), ("reed_2", 1), ("wood", 1)];
    let by = "plot a.zarr --kind availability --by site --force -o it.png";
    let by_reed = "plot a.zarr/reed* --kind availability --by site --force -o it.png";
    let by_catalogue = format!("{by} --catalogue c.parquet");
    let by_reed_catalogue = format!("{by_reed} --catalogue c.parquet");
    for (args, listings, expected) in [
        ("list a.zarr/reed*", 1, &reed[..]),
        ("list a.zarr", 1, &all),
        ("list a.zarr/reed* --where site=reed", 1, &reed),
        (by, 1, &all),
        (by_reed, 1, &reed),
        (&by_catalogue, 0, &[]),
        (&by_reed_catalogue, 0, &[]),
        // Once to see where each came from.
        ("extract a.zarr --batch t.csv -o opened", 1, &[("reed_1", 2), ("reed_2", 1), ("wood", 2)]),
        (
            "extract a.zarr --batch t.csv --catalogue c.parquet -o catalogued",
            1,
            &[("reed_1", 1), ("wood", 1)],
        ),
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let found = opened(it, &args);
        assert_eq!(found, (listings, counts(expected)), "{args:?}");
    }
}

/// A recording whose recorder says what it is.
fn add_recorder(folder: &Path) {
    let file = with_chunks(wave(48_000, 1, &[0; 48_000]), &[(b"guan", GUANO.as_bytes())]);
    fs::write(folder.join("20260513_050000.wav"), file).unwrap();
    let args = "import 20260513_050000.wav a.zarr --tz UTC --set site=moor";
    run_in(folder, args.split(' ')).exits(0);
    for file in ["c.csv", "c.parquet", "c.jsonl"] {
        run_in(folder, ["catalogue", "a.zarr", "-o", file]).exits(0);
    }
}

#[test]
fn availability_by_a_note_is_the_same_by_way_of_a_catalogue() {
    let folder = season();
    let it = folder.path();
    add_recorder(it);
    let plot = |args: &str| {
        let args = format!("plot {args} --kind availability --force -o it.png --size 640x400");
        let told = run_in(it, args.split(' ')).exits(0);
        (told.stdout, told.stderr, fs::read(it.join("it.png")).unwrap())
    };
    for selected in
        ["a.zarr --by site", "a.zarr --by device", "a.zarr --by none", "a.zarr/w* --by site"]
    {
        let opened = plot(selected);
        assert!(opened.0.contains("2026-05-12 "), "{}", opened.0);
        for file in ["c.csv", "c.parquet", "c.jsonl"] {
            assert!(plot(&format!("{selected} --catalogue {file}")) == opened, "{selected} {file}");
        }
    }
    let by_device = plot("a.zarr --by device").0;
    for device in ["  5\n", "  Titley Chorus\n"] {
        assert!(by_device.contains(device), "{by_device}");
    }
    let none = "plot a.zarr/x* --kind availability --by site --catalogue c.csv -o it.png --force";
    let none = run_in(it, none.split(' ')).exits(10).stderr;
    assert!(none.contains("no recording of known start time"), "{none}");
}
