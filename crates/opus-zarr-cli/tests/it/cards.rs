//! `opus-zarr import` of several cards at once: order of arguments, names, notes.

use std::{fs, path::Path, process::Stdio};

use tempfile::TempDir;

use crate::{
    import::import,
    sound::write_tones,
    support::{NOTES, command_in, run_in, testdata},
};

/// Two cards with files of the same names.
fn cards() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (card, file) in [("pond", "a.opus"), ("pond", "b.opus"), ("rhine", "a.opus")] {
        let card = folder.path().join(card);
        fs::create_dir_all(&card).unwrap();
        fs::copy(testdata(NOTES), card.join(file)).unwrap();
    }
    folder
}

fn listed(folder: &Path, store: &str) -> Vec<String> {
    let listed = run_in(folder, ["list", store, "--json"]).exits(0).lines("recording");
    listed.iter().map(|line| line["name"].as_str().unwrap().to_owned()).collect()
}

fn notes(folder: &Path, place: &str) -> serde_json::Value {
    run_in(folder, ["meta", place, "--json"]).exits(0).lines("metadata")[0]["user"].clone()
}

#[test]
fn options_may_stand_anywhere() {
    let folder = cards();
    let options = ["--settle", "0", "--prefix", "x_", "--set", "site=pond"];
    let places = ["pond/a.opus", "pond/b.opus", "a.zarr"];
    for at in 0..=places.len() {
        let mut args = places.map(str::to_owned).to_vec();
        args[2] = format!("{at}.zarr");
        args.splice(at..at, options.map(str::to_owned));
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        import(folder.path(), &args).exits(0);
        assert_eq!(listed(folder.path(), &format!("{at}.zarr")), ["x_a", "x_b"]);
    }
}

#[test]
fn the_missing_argument_is_named() {
    let folder = cards();
    import(folder.path(), &["pond/a.opus", "a.zarr"]).exits(0);
    let no_store = "error: no STORE: pass the store as the last argument\n";
    for (args, expected) in [
        (&["pond/a.opus"][..], no_store),
        (&["pond/a.opus", "--settle", "0"], no_store),
        (&["pond/a.opus", "rhine/a.opus"], no_store),
        (&["-r", "pond"], no_store),
        (&["absent"], no_store),
        (&["a.zarr"], "error: no SRC: pass the files to import before the store\n"),
        (&[], "error: the following required arguments were not provided:\n  <SRC>... <STORE>"),
        (&["a.wav", ""], "error: invalid STORE \"\": expected a directory or a URL\n"),
    ] {
        let refused = import(folder.path(), args).exits(2);
        assert!(refused.stderr.starts_with(expected), "{args:?}: {}", refused.stderr);
    }
}

#[test]
fn cards_with_the_same_file_names_are_imported_at_once() {
    let folder = cards();
    let all = |store: &str, options: &[&str]| {
        import(folder.path(), &[&["-r", "pond", "rhine"], options, &[store]].concat())
    };
    let clash = all("clash.zarr", &[]).exits(3);
    assert!(
        clash.stderr.contains("add the name of the directory with --name-pattern"),
        "{clash:?}"
    );
    for (store, options, expected) in [
        ("a.zarr", ["--name-pattern", "{parent}_{stem}"], ["pond_a", "pond_b", "rhine_a"]),
        (
            "b.zarr",
            ["--name-pattern", "2026_{stem}-{parent}"],
            ["2026_a-pond", "2026_a-rhine", "2026_b-pond"],
        ),
    ] {
        all(store, &options).exits(0);
        assert_eq!(listed(folder.path(), store), expected);
        let again = all(store, &options).exits(0);
        assert!(again.stdout.contains("\npresent        3 "), "{}", again.stdout);
    }
    // The name of the place does not depend on how it is written.
    let pond = folder.path().join("pond");
    import(&pond, &["a.opus", "../c.zarr", "--name-pattern", "{parent}_{stem}"]).exits(0);
    import(&pond, &["-r", ".", "../c.zarr", "--name-pattern", "{parent}_{stem}"]).exits(0);
    assert_eq!(listed(folder.path(), "c.zarr"), ["pond_a", "pond_b"]);

    for (options, expected) in [
        (["--name-pattern", "{file}"], "unknown field {file}; expected {stem}, {parent} or {name}"),
        (
            ["--name-pattern", "x"],
            "expected at least one of the fields {stem}, {parent} and {name}",
        ),
        (["--prefix", "a/"], "no recording name may contain \"a/\""),
    ] {
        let refused = all("d.zarr", &options).exits(2);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
    assert!(!folder.path().join("d.zarr").exists());
}

/// Whichever import writes the recording, the others say whose note is there.
#[test]
fn of_two_imports_with_other_notes_one_wins_and_the_other_says_so() {
    let folder = tempfile::tempdir().unwrap();
    write_tones(&folder.path().join("a.wav"), 48_000, 1, 48_000 * 60, 440.0);
    let both = ["1", "2"].map(|n| {
        let mut command = command_in(folder.path());
        command.args(["import", "a.wav", "a.zarr", "--settle", "0", "--set", &format!("n={n}")]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    });
    let mut said =
        both.map(|import| String::from_utf8(import.wait_with_output().unwrap().stdout).unwrap());
    said.sort();
    assert!(said[0].starts_with("imported  a.wav -> a, "), "{said:?}");
    assert!(said[1].starts_with("present   a.wav -> a: note \"n\" kept"), "{said:?}");
}

#[test]
fn notes_are_set_at_import() {
    let folder = cards();
    let set = |notes: &[&str]| {
        let mut args = vec!["pond/a.opus", "a.zarr"];
        notes.iter().for_each(|note| args.extend(["--set", note]));
        import(folder.path(), &args)
    };
    set(&["site=pond", "n=5"]).exits(0);
    // The notes are not a later change.
    let document = fs::read_to_string(folder.path().join("a.zarr/a/zarr.json")).unwrap();
    assert!(!document.contains("\"generation\""), "{document}");
    assert_eq!(notes(folder.path(), "a.zarr/a"), serde_json::json!({"n": 5, "site": "pond"}));

    let again = set(&["site=rhine", "device=AM1", "n=5"]).exits(0);
    let expected = "present   pond/a.opus -> a: note \"device\" added; note \"site\" kept, which has \
                    another value; change it with `opus-zarr meta`\n";
    assert_eq!(again.stdout, expected);
    let all = serde_json::json!({"device": "AM1", "n": 5, "site": "pond"});
    assert_eq!(notes(folder.path(), "a.zarr/a"), all);
    let before = fs::read(folder.path().join("a.zarr/a/zarr.json")).unwrap();
    assert_eq!(set(&["device=AM1"]).exits(0).stdout, "present   pond/a.opus -> a\n");
    assert_eq!(fs::read(folder.path().join("a.zarr/a/zarr.json")).unwrap(), before);

    let args = ["pond/a.opus", "a.zarr", "--set", "site=rhine", "--track", "1", "--replace"];
    fs::write(folder.path().join("pond/a.opus"), fs::read(testdata("field-notes.opus")).unwrap())
        .unwrap();
    import(folder.path(), &args).exits(0);
    let all = serde_json::json!({"device": "AM1", "n": 5, "site": "rhine"});
    assert_eq!(notes(folder.path(), "a.zarr/a"), all);

    for (note, expected) in [("site", "expected KEY=VALUE"), ("=x", "expected KEY=VALUE")] {
        let refused = set(&[note]).exits(2);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
}
