//! Cuts of tables from programs for annotation and detection.

use std::{collections::BTreeMap, fs, path::Path, thread, time::Duration};

use opus_zarr::{ImportOptions, Store, import, unwatched};
use opus_zarr_testkit::{
    tables::{CALLS, Form, tables_of},
    wave::wave,
};
use tempfile::TempDir;

use crate::support::{Outcome, run_in};

/// A store of two stations whose files have the same name.
fn two_stations() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_create(folder.path().join("a.zarr")).unwrap();
    for (station, period) in [("weiher", 40), ("moor", 24)] {
        let samples: Vec<i16> =
            (0..8000 * 30).map(|at| if at % period < period / 2 { 9000 } else { -9000 }).collect();
        let file = folder.path().join("20260512_033000.wav");
        fs::write(&file, wave(8000, 1, &samples)).unwrap();
        let options = ImportOptions::default().zone("UTC".parse().unwrap());
        import(&file, &store, &format!("{station}_20260512_033000"), &options, unwatched).unwrap();
        fs::remove_file(file).unwrap();
    }
    folder
}

/// The files of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    entries.map(|path| (name(&path), fs::read(&path).unwrap())).collect()
}

fn cut(folder: &TempDir, args: &[&str], code: i32) -> Outcome {
    run_in(folder.path(), [&["extract", "a.zarr", "--batch"], args].concat()).exits(code)
}

/// Returns the rows of a manifest, without the names of the columns.
fn manifest(folder: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("manifest.csv")).unwrap();
    let rows = text.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect());
    rows.collect()
}

#[test]
fn the_same_calls_are_the_same_cuts_in_every_layout() {
    let folder = two_stations();
    let mut forms = Form::all().into_iter().cycle();
    let mut cuts_of: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (number, written) in tables_of(&CALLS).iter().enumerate().filter(|(_, it)| it.has_file) {
        // Another form for every layout.
        let (table, cuts) = (format!("{number}.txt"), format!("cuts{number}"));
        let form = forms.nth(7).unwrap();
        fs::write(folder.path().join(&table), written.bytes(form)).unwrap();
        let outcome = cut(&folder, &[&table, "-o", &cuts], 0);
        let mut found = files(&folder.path().join(&cuts));
        found.remove("manifest.csv").unwrap();
        if written.has_score {
            assert!(found.contains_key("moor_20260512T033001_Turdus-merula_0.09.wav"), "{found:?}");
        }
        // Without the scores that not all programs have.
        let found: BTreeMap<_, _> = found
            .into_iter()
            .map(|(name, bytes)| {
                let parts: Vec<&str> = name.trim_end_matches(".wav").split('_').take(3).collect();
                (parts.join("_"), bytes)
            })
            .collect();
        assert_eq!(found.len(), CALLS.len(), "{}: {outcome:?}", written.program);
        if cuts_of.is_empty() {
            cuts_of = found;
        } else {
            assert!(found == cuts_of, "{}: {:?}", written.program, found.keys());
        }
    }
    let names: Vec<_> = cuts_of.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "moor_20260512T033001_Turdus-merula",
            "moor_20260512T033010_Anas-crecca",
            "weiher_20260512T033001_Grus-grus",
            "weiher_20260512T033001_Turdus-merula",
            "weiher_20260512T033027_Turdus-merula",
        ]
    );
    assert_ne!(cuts_of[names[0]], cuts_of[names[3]], "stations differ");
}

#[test]
fn rows_without_a_recording_are_listed() {
    let folder = two_stations();
    let mut rows = "Start (s),End (s),Scientific name,Common name,Confidence,File\n\
                    0,3,Grus grus,Kranich,0.5,weiher/20260512_033000.wav\n\
                    29,32,Grus grus,Kranich,0.5,weiher/20260512_033000.wav\n\
                    x,32,Grus grus,Kranich,0.5,weiher/20260512_033000.wav\n\
                    0,3,Grus grus,Kranich,0.5,20260512_033000.wav\n"
        .to_owned();
    for number in 0..40 {
        rows += &format!("0,3,a,b,0.1,none-{}.wav\n", number / 4);
    }
    fs::write(folder.path().join("t.csv"), rows).unwrap();
    let outcome = cut(&folder, &["t.csv", "-o", "cuts"], 3);
    let said = &outcome.stderr;
    for part in [
        "\"t.csv\", line 3: recording \"weiher_20260512_033000\": 29..32 reaches beyond the end",
        "\"t.csv\", line 4: invalid time \"x\"",
        "line 5: \"20260512_033000.wav\" may be \"moor_20260512_033000\" or \"weiher_20260512_033000\"",
        "line 6 and 3 other lines: no recording in the store came from a file \"none-0.wav\"",
        "none-3.wav",
        "24 more rows find no recording",
        "1 cut, listed in cuts/manifest.csv",
        "43 of 44 rows could not be cut",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("none-4.wav"), "{said}");
    let rows = manifest(&folder.path().join("cuts"));
    let lines: Vec<u64> = rows.iter().map(|row| row[2].parse().unwrap()).collect();
    assert_eq!(lines, (2..46).collect::<Vec<_>>());
    assert_eq!(
        rows[0].join(","),
        "weiher_20260512T033000_Grus-grus_0.50.wav,t.csv,2,weiher_20260512_033000,0,3,\
         2026-05-12T03:30:00Z,0,144000,Grus grus,0.5,true,"
    );
    assert!(rows[1..].iter().all(|row| row[0].is_empty() && row.len() > 12 && !row[12].is_empty()));

    let outcome = cut(&folder, &["t.csv", "-o", "others", "--json"], 3);
    assert_eq!(outcome.stderr.matches("no recording in the store came from").count(), 40);
    assert_eq!(outcome.lines("extracted")[0]["label"], "Grus grus");
}

#[test]
fn a_manifest_is_a_table_that_gives_the_same_cuts() {
    let folder = two_stations();
    let table = tables_of(&CALLS).remove(2);
    fs::write(folder.path().join("t.csv"), table.bytes(Form::PLAIN)).unwrap();
    cut(&folder, &["t.csv", "-o", "cuts"], 0);
    cut(&folder, &["cuts/manifest.csv", "-o", "again"], 0);
    let [mut first, mut again] = ["cuts", "again"].map(|name| files(&folder.path().join(name)));
    assert!(first.remove("manifest.csv") != again.remove("manifest.csv"), "of another table");
    assert!(first == again);
}

#[test]
fn nothing_is_left_behind_where_nothing_is_cut() {
    let folder = two_stations();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("empty.txt", "");
    write("header.csv", "Start (s),End (s),Common name\n");
    let nothing = "Start (s),End (s),Common name,Confidence,File\n0,3,nocall,1.0,none.wav\n";
    write("nocall.csv", nothing);
    write("bad.csv", "from,to\n1,2\n");
    write("wrong.csv", "start,end,file\n0,1,none.wav\n0,x,20260512_033000.wav\n");
    write("beyond.csv", "start,end,recording\n0,100,moor_20260512_033000\n");
    for (tables, code, part) in [
        (&["empty.txt"][..], 0, "warning: empty.txt lists no regions"),
        (&["header.csv", "empty.txt"], 0, "warning: header.csv lists no regions"),
        (&["nocall.csv", "nocall.csv"], 0, "left out 2 rows labelled nocall in 2 tables"),
        (&["bad.csv"], 1, "found columns \"from, to\""),
        (&["none.csv"], 1, "cannot read \"none.csv\""),
        (&["empty.txt", "bad.csv", "none.csv"], 3, "2 of 3 tables could not be read"),
        (&["wrong.csv"], 3, "2 of 2 rows could not be cut"),
        (&["beyond.csv", "wrong.csv"], 3, "3 of 3 rows could not be cut"),
    ] {
        let outcome = cut(&folder, &[tables, &["-o", "new/cuts"]].concat(), code);
        assert!(outcome.stderr.contains(part), "{tables:?}: {outcome:?}");
        assert!(!folder.path().join("new").exists(), "{tables:?}");
    }
    // A disk on which nothing can be written, or a name that is too long.
    write(
        "long.csv",
        &format!("start,end,recording,name\n0,1,moor_20260512_033000,{}\n", "x".repeat(300)),
    );
    cut(&folder, &["long.csv", "-o", "new/cuts"], 3);
    assert!(!folder.path().join("new").exists());
    // Directories that were there stay.
    fs::create_dir(folder.path().join("old")).unwrap();
    cut(&folder, &["long.csv", "-o", "old"], 3);
    assert!(files(&folder.path().join("old")).is_empty());
}

#[test]
fn a_directory_of_other_cuts_is_not_overwritten() {
    let folder = two_stations();
    let table = "start,end,recording\n0,1,moor_20260512_033000\n0,1,moor_20260512_033000\n";
    fs::write(folder.path().join("t.csv"), table).unwrap();
    cut(&folder, &["t.csv", "-o", "cuts"], 0);
    let before = files(&folder.path().join("cuts"));
    let names: Vec<_> = before.keys().map(String::as_str).collect();
    assert_eq!(names, ["manifest.csv", "moor_20260512T033000.wav", "moor_20260512T033000_2.wav"]);
    let outcome = cut(&folder, &["t.csv", "-o", "cuts"], 1);
    assert!(outcome.stderr.contains("\"cuts/manifest.csv\" already exists"), "{outcome:?}");
    assert!(files(&folder.path().join("cuts")) == before);
    cut(&folder, &["t.csv", "-o", "cuts", "--force"], 0);
    assert!(files(&folder.path().join("cuts")) == before);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_cut() {
    let folder = two_stations();
    let table = "start,end,recording\n0,1,moor_20260512_033000\n";
    fs::write(folder.path().join("t.csv"), table).unwrap();
    for (args, code, part) in [
        (&["t.csv", "-o", "t.csv"][..], 1, "\"t.csv\" is a file, expected a directory"),
        (&["t.csv", "-o", "cuts", "--where", "site=moor"], 2, "--where is not for --batch"),
        (&["t.csv", "-o", "-"], 2, "pass a directory with -o DIR"),
    ] {
        let outcome = cut(&folder, args, code);
        assert!(outcome.stderr.contains(part), "{args:?}: {outcome:?}");
    }
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn tables_without_files_belong_to_the_recording_they_are_named_after_or_that_is_named() {
    let folder = two_stations();
    fs::create_dir_all(folder.path().join("results/moor")).unwrap();
    let name = "results/moor/20260512_033000.BirdNET.results.csv";
    let text = "Start (s),End (s),Scientific name,Common name,Confidence\n3,6,Grus grus,x,0.5\n";
    fs::write(folder.path().join(name), text).unwrap();
    fs::write(folder.path().join("other.csv"), text).unwrap();
    cut(&folder, &[name, "-o", "cuts"], 0);
    assert_eq!(manifest(&folder.path().join("cuts"))[0][3], "moor_20260512_033000");
    let outcome = cut(&folder, &["other.csv", "-o", "none"], 3);
    assert!(outcome.stderr.contains("no recording is named like the table"), "{outcome:?}");
    for table in [name, "other.csv"] {
        let args = ["extract", "a.zarr/weiher_20260512_033000", "--batch", table, "-o"];
        let cuts = format!("named-{}", table.len());
        run_in(folder.path(), [&args[..], &[&cuts]].concat()).exits(0);
        assert_eq!(manifest(&folder.path().join(cuts))[0][3], "weiher_20260512_033000");
    }
    // Rows that name the file of another recording belong to that one.
    let table =
        "start,end,file\n0,1,moor/20260512_033000.wav\n1,2,20260512_033000.wav\n2,3,x.wav\n";
    fs::write(folder.path().join("mixed.csv"), table).unwrap();
    let args = ["extract", "a.zarr/weiher_20260512_033000", "--batch", "mixed.csv", "-o", "mixed"];
    let outcome = run_in(folder.path(), args).exits(3);
    let rows = manifest(&folder.path().join("mixed"));
    let recordings: Vec<_> = rows.iter().map(|row| row[3].as_str()).collect();
    assert_eq!(recordings, ["moor_20260512_033000", "weiher_20260512_033000", ""]);
    assert!(outcome.stderr.contains("is another file than"), "{outcome:?}");
}

#[test]
fn the_store_may_stand_before_or_after_the_tables() {
    let folder = two_stations();
    let it = folder.path();
    fs::write(it.join("t.csv"), "recording,start,end\nweiher_20260512_033000,0,0.1\n").unwrap();
    fs::copy(it.join("t.csv"), it.join("u.csv")).unwrap();
    for (args, cuts) in [
        ("a.zarr --batch t.csv u.csv -o 1", 2),
        ("--batch t.csv u.csv a.zarr -o 2", 2),
        ("--batch t.csv a.zarr -o 3", 1),
        ("-o 4 --batch t.csv -- a.zarr", 1),
    ] {
        run_in(it, ["extract"].into_iter().chain(args.split(' '))).exits(0);
        let directory = args.split("-o ").nth(1).unwrap().split(' ').next().unwrap();
        assert_eq!(files(&it.join(directory)).len(), cuts + 1, "{args}");
    }
    for (args, code, message) in [
        ("--batch t.csv -o 5", 2, "no STORE"),
        ("--batch t.csv u.csv -o 5", 2, "no STORE"),
        ("--batch t.csv none.zarr -o 5", 10, "does not exist"),
        ("-o 5", 2, "STORE/NAME"),
    ] {
        let refused = run_in(it, ["extract"].into_iter().chain(args.split(' '))).exits(code);
        assert!(refused.stderr.contains(message), "{args}: {}", refused.stderr);
    }
}

#[test]
fn a_catalogue_finds_the_same_recordings() {
    let folder = two_stations();
    let it = folder.path();
    // Documents that are younger may still change without a trace.
    thread::sleep(Duration::from_millis(3200));
    let table = "start,end,file\n0,1,weiher/20260512_033000.wav\n1,2,x/moor/20260512_033000.wav\n";
    fs::write(it.join("t.csv"), table).unwrap();
    cut(&folder, &["t.csv", "-o", "plain"], 0);
    let plain = files(&it.join("plain"));
    assert_eq!(plain.len(), 3);
    for form in ["csv", "parquet", "jsonl"] {
        let file = format!("c.{form}");
        run_in(it, ["catalogue", "a.zarr", "-o", &file]).exits(0);
        let cut = cut(&folder, &["t.csv", "--catalogue", &file, "-o", form], 0);
        assert!(!cut.stderr.contains("does not describe"), "{}", cut.stderr);
        assert!(files(&it.join(form)) == plain, "{form}");
    }
    // The row of a recording that has changed since is not used.
    run_in(it, ["meta", "a.zarr/weiher_20260512_033000", "--shift", "1h"]).exits(0);
    let later = cut(&folder, &["t.csv", "--catalogue", "c.csv", "-o", "later"], 0);
    let note = "opened 1 recording that the catalogue does not describe";
    assert!(later.stderr.contains(note), "{}", later.stderr);
    assert!(files(&it.join("later")).contains_key("weiher_20260512T043000.wav"));
    let refused = ["extract", "a.zarr", "--catalogue", "c.csv", "-o", "x.wav"];
    let refused = run_in(it, refused).exits(2).stderr;
    assert!(refused.contains("--catalogue is for --utc and --batch"), "{refused}");
}
