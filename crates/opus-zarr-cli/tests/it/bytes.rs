//! Paths that are not UTF-8: every verb takes them, and every JSON line gives all their bytes back.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{NOTES, Outcome, run_in, testdata};

/// Command lines in which `\xE9` stands for that byte, and the paths that they must name: the field and
/// its value, likewise.
const CASES: &[(&str, &[(&str, &str)])] = &[
    (
        r"import caf\xE9.opus caf\xE8.opus a\xFF.zarr",
        &[("path", r"caf\xE9.opus"), ("path", r"caf\xE8.opus")],
    ),
    (r"import -r in\xFF a\xFF.zarr", &[("path", r"in\xFF/d\xFE/call.wav")]),
    (r"list a\xFF.zarr", &[("source", r"caf\xE9.opus"), ("source", r"caf\xE8.opus")]),
    (r"info a\xFF.zarr/caf_xE9", &[("store", r"a\xFF.zarr")]),
    (
        r"extract a\xFF.zarr/caf_xE9 --time 0..1 -o s\xE9.wav",
        &[("recording", r"a\xFF.zarr/caf_xE9"), ("output", r"s\xE9.wav")],
    ),
    (
        r"extract a\xFF.zarr --batch t\xFF.csv -o cuts\xFF",
        &[("recording", r"a\xFF.zarr/caf_xE9"), ("output", r"cuts\xFF/first.wav")],
    ),
    (
        r"export a\xFF.zarr -o out\xFF",
        &[("recording", r"a\xFF.zarr/caf_xE8"), ("output", r"out\xFF/caf_xE8.opus")],
    ),
    (r"inspect caf\xE9.opus", &[]),
    (r"verify a\xFF.zarr", &[("recording", r"a\xFF.zarr/caf_xE8")]),
    (r"verify ./a\xFF.zarr/caf_xE9", &[("recording", r"./a\xFF.zarr/caf_xE9")]),
    (r"sync a\xFF.zarr/caf_xE9", &[("recording", r"a\xFF.zarr/caf_xE9")]),
    (r"sync a\xFF.zarr/caf_xE9 --check", &[("recording", r"a\xFF.zarr/caf_xE9")]),
    (r"reindex a\xFF.zarr/caf_xE9", &[("recording", r"a\xFF.zarr/caf_xE9")]),
    (
        r"plot a\xFF.zarr/caf_xE9 --kind bitrate -o p\xFF.png",
        &[("recording", r"a\xFF.zarr/caf_xE9"), ("output", r"p\xFF.png")],
    ),
    (
        r"copy a\xFF.zarr/caf_xE9 b\xFF.zarr",
        &[("recording", r"a\xFF.zarr/caf_xE9"), ("to", r"b\xFF.zarr/caf_xE9")],
    ),
    (r"copy a\xFF.zarr/caf_xE9 b\xFF.zarr/new", &[("to", r"b\xFF.zarr/new")]),
    (r"copy --all a\xFF.zarr b\xFF.zarr", &[("to", r"b\xFF.zarr/caf_xE8")]),
    (r"rename b\xFF.zarr/new old", &[("recording", r"b\xFF.zarr/new"), ("to", r"b\xFF.zarr/old")]),
    (r"rm --yes b\xFF.zarr/old", &[("recording", r"b\xFF.zarr/old")]),
    (r"meta a\xFF.zarr/caf_xE9 --set a=1", &[("recording", r"a\xFF.zarr/caf_xE9")]),
    (r"bench a\xFF.zarr/caf_xE9 --reads 2", &[("recording", r"a\xFF.zarr/caf_xE9")]),
    (r"man -o m\xFF", &[("output", r"m\xFF/opus-zarr.1")]),
];

/// Commands that fail, their exit codes, and what their messages name.
const FAILURES: &[(&str, i32, &str)] = &[
    (r"list none\xFF.zarr", 10, r"none\xFF.zarr"),
    (r"info a\xFF.zarr/none", 10, r#"no recording "none" in "a\xFF.zarr""#),
    (r"info a\xFF.zarr", 2, "is not UTF-8; expected STORE/NAME"),
    (r"extract a\xFF.zarr/caf_xE9 -o s\xE9.wav", 1, r"s\xE9.wav"),
    (r"extract a\xFF.zarr/caf_xE9 -o s.\xFF", 2, r"s.\xFF"),
    (r"import none\xFF.opus a\xFF.zarr", 1, r"none\xFF.opus"),
    (r"import caf\xE9.opus a\xFF.zarr/b.zarr", 2, r"a\xFF.zarr is a store"),
    (r"import in\xFF a\xFF.zarr", 2, r"in\xFF"),
    (r"extract a\xFF.zarr --batch none\xFF.csv -o cuts", 1, r"none\xFF.csv"),
    (r"copy a\xFF.zarr/caf_xE9 b\xFF.zarr", 1, r#""b\xFF.zarr" already has"#),
];

#[test]
fn every_path_survives_json() {
    let folder = inputs();
    for (line, expected) in CASES {
        let done = run(folder.path(), line, true).exits(0);
        let found = Vec::from_iter(json(&done).iter().flat_map(paths));
        for (field, path) in *expected {
            let path = (*field, bytes(path));
            assert!(found.contains(&path), "{line}: no {path:?} in {found:?}");
        }
    }
    // A name that only looks like the escape is itself.
    fs::copy(testdata(NOTES), folder.path().join(r"caf\xEA.opus")).unwrap();
    let name = OsStr::new(r"caf\xEA.opus");
    let args = ["import", "--json"].map(OsStr::new).into_iter().chain([name, OsStr::new("c")]);
    let file = run_in(folder.path(), args).exits(0).lines("file").remove(0);
    assert_eq!((file["path"].as_str(), file.get("path_hex")), (name.to_str(), None));
}

#[test]
fn what_was_written_is_where_it_was_asked_for() {
    let folder = inputs();
    for (line, _) in CASES {
        run(folder.path(), line, false).exits(0);
    }
    for path in [r"s\xE9.wav", r"cuts\xFF/first.wav", r"out\xFF/caf_xE9.opus", r"p\xFF.png"] {
        assert!(folder.path().join(bytes(path)).is_file(), "{path}");
    }
    let info =
        run(folder.path(), r"info a\xFF.zarr/caf_xE9", true).exits(0).lines("info").remove(0);
    assert_eq!(info["source"]["name"], r"caf\xE9.opus");
    assert_eq!(from_hex(&info["source"]["name_hex"]), bytes(r"caf\xE9.opus"));
    let info = run(folder.path(), r"info a\xFF.zarr/caf_xE9", false).exits(0);
    assert!(info.stdout.contains(r"source    caf\xE9.opus, "), "{info:?}");
    for (line, code, named) in FAILURES {
        let failed = run(folder.path(), line, false).exits(*code);
        assert!(failed.stderr.contains(named), "{line}: {failed:?}");
    }
}

fn inputs() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(bytes(name));
    fs::copy(testdata(NOTES), path(r"caf\xE9.opus")).unwrap();
    fs::copy(testdata("golden/trio.opus"), path(r"caf\xE8.opus")).unwrap();
    fs::create_dir_all(path(r"in\xFF/d\xFE")).unwrap();
    fs::copy(testdata("wave/no-size-guano.wav"), path(r"in\xFF/d\xFE/call.wav")).unwrap();
    fs::write(path(r"in\xFF/letter.txt"), "dear").unwrap();
    fs::write(path(r"t\xFF.csv"), "recording,start,end,name\ncaf_xE9,0,1,first\n").unwrap();
    folder
}

/// Runs a command line. Its output is UTF-8 in any case.
fn run(folder: &Path, line: &str, is_json: bool) -> Outcome {
    run_in(folder, line.split(' ').map(bytes).chain(is_json.then(|| "--json".into())))
}

/// Replaces each `\xE9` by that byte.
fn bytes(text: &str) -> OsString {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    OsString::from_vec(bytes)
}

fn json(done: &Outcome) -> Vec<Value> {
    let lines = done.stdout.lines().chain(done.stderr.lines());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the paths in a line, as a script would.
fn paths(line: &Value) -> Vec<(&'static str, OsString)> {
    assert!(!line.to_string().contains('\u{fffd}'), "{line}");
    let fields = ["path", "output", "recording", "store", "to", "source"];
    let found = fields.into_iter().filter_map(|field| {
        let text = line[field].as_str()?;
        Some((
            field,
            match line.get(format!("{field}_hex")) {
                Some(hex) => from_hex(hex),
                None => text.into(),
            },
        ))
    });
    found.collect()
}

fn from_hex(hex: &Value) -> OsString {
    let digits = hex.as_str().unwrap().as_bytes().chunks(2);
    let byte = |two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap();
    OsStr::from_bytes(&Vec::from_iter(digits.map(byte))).to_owned()
}
