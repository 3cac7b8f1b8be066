//! What other programs have put into a store: it is neither damage, nor touched.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use opus_zarr_testkit::python::{neighbours, run};
use serde_json::json;

use crate::support::{NOTES, folder_with, run_in, verbs};

/// Adds an array, a group, a store in the store, and a file, as other programs may.
fn add_foreign(store: &Path) {
    let array = json!({
        "zarr_format": 3, "node_type": "array", "shape": [1], "data_type": "uint8",
        "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": [1] } },
        "chunk_key_encoding": { "name": "default", "configuration": { "separator": "/" } },
        "fill_value": 0, "codecs": [{ "name": "bytes" }], "attributes": {},
    });
    let group = json!({ "zarr_format": 3, "node_type": "group", "attributes": {} });
    let nested = json!({ "zarr_format": 3, "node_type": "group", "attributes": { "opus_zarr": { "layout": 1 } } });
    for (name, document) in [("plain", &array), ("group", &group), ("nested", &nested)] {
        fs::create_dir(store.join(name)).unwrap();
        fs::write(store.join(name).join("zarr.json"), document.to_string()).unwrap();
    }
    fs::write(store.join("README.txt"), "field notes").unwrap();
    fs::create_dir(store.join("a/labels")).unwrap();
    fs::write(store.join("a/labels/zarr.json"), array.to_string()).unwrap();
}

#[test]
fn foreign_content_is_neither_damage_nor_touched() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let store = folder.path().join("a.zarr");
    add_foreign(&store);
    let run = |args: &[&str], code| {
        let done = run_in(folder.path(), args).exits(code);
        assert!(!done.stderr.contains("damage") || code == 4, "{args:?}: {done:?}");
        assert!(!done.stderr.contains("opus-zarr rm"), "{args:?}: {done:?}");
        done
    };
    let listed = run(&["list", "a.zarr"], 0);
    assert_eq!((listed.stdout.lines().count(), listed.stderr.as_str()), (2, ""));
    let verified = run(&["verify", "a.zarr"], 0);
    assert!(verified.stdout.contains("\n2 recordings checked, 0 damaged"), "{verified:?}");
    run(&["export", "a.zarr", "-o", "out"], 0);
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 2);
    run(&["copy", "--all", "a.zarr", "b.zarr"], 0);
    run(&["sync", "--stale", "a.zarr"], 0);
    run(&["import", "b.zarr/../out/a.opus", "a.zarr", "--name", "c"], 0);
    for name in ["plain", "group", "nested"] {
        let place = format!("a.zarr/{name}");
        for args in [
            &["info", &place][..],
            &["extract", &place, "-o", "x.wav"],
            &["sync", &place],
            &["reindex", &place],
            &["meta", &place, "--set", "a=1"],
            &["rename", &place, "new"],
            &["rm", &place, "--yes"],
            &["rm", &place, "--yes", "--foreign"],
        ] {
            let done = run_in(folder.path(), args);
            assert!([1, 10].contains(&done.code), "{args:?}: {done:?}");
        }
        assert!(store.join(name).join("zarr.json").exists(), "{name}");
    }
    let done = run(&["rm", "a.zarr/a", "--yes"], 1);
    assert!(done.stderr.contains("use --foreign to delete that too"), "{done:?}");
    assert!(store.join("a/labels/zarr.json").exists());
    run(&["rename", "a.zarr/a", "renamed"], 0);
    assert!(store.join("renamed/labels/zarr.json").exists());
    run(&["rm", "a.zarr/renamed", "--yes", "--foreign"], 0);
    assert!(!store.join("renamed").exists());
}

/// Adds to the store at `sys.argv[1]` with zarr-python, which writes the documents of the recording anew.
const ADD: &str = r"
import sys, numpy, zarr
root = zarr.open_group(sys.argv[1], mode='r+')
root.attrs['project'] = 'dawn'
root['a'].attrs['station'] = 4
root['a/opus_index'].attrs['seen'] = True
root['a'].create_array('labels', data=numpy.arange(5))
root.create_array('plain', data=numpy.arange(3))
for group in sys.argv[2:]:
    zarr.consolidate_metadata(sys.argv[1] + group)
";

/// Fails unless everything is still there.
const CHECK: &str = r"
import sys, zarr
root = zarr.open_group(sys.argv[1], mode='r', use_consolidated=False)
recording = zarr.open_group(sys.argv[1] + '/renamed', mode='r', use_consolidated=False)
assert root.attrs['project'] == 'dawn' and recording.attrs['station'] == 4
assert recording['opus_index'].attrs['seen'] is True
assert list(recording['labels'][:]) == list(range(5)) and list(root['plain'][:]) == [0, 1, 2]
";

/// Verbs that take a recording or a store, in an order in which each succeeds.
const VERBS: &[&str] = &[
    "list a.zarr",
    "info a.zarr/a",
    "info a.zarr/a --packets",
    "extract a.zarr/a --time 0.5..1 -o second.wav",
    "export a.zarr -o exported",
    "inspect exported/a.opus",
    "import exported/a.opus a.zarr",
    "catalogue a.zarr -o a.parquet",
    "plot a.zarr/a --kind bitrate -o a.png",
    "bench a.zarr/a --reads 2",
    "verify a.zarr --level decode",
    "meta a.zarr/a --set bird=wren",
    "sync a.zarr/a",
    "sync --stale a.zarr",
    "reindex a.zarr/a",
    "copy a.zarr/a a.zarr/copied",
    "copy --all a.zarr b.zarr",
    "verify a.zarr b.zarr --level decode",
    "rename a.zarr/a renamed",
    "rm a.zarr/copied --yes",
    "verify a.zarr",
];

#[test]
fn every_verb_works_on_what_zarr_python_has_changed() {
    let what = "zarr-python changed nothing";
    let Some(python) = neighbours(what) else { return };
    for consolidated in [&[][..], &["/a"], &["/a", ""]] {
        let folder = folder_with(&[(NOTES, "a")]);
        let store = folder.path().join("a.zarr");
        let script = |code, args: &[&str]| {
            run(Command::new(&python).args(["-c", code]).arg(&store).args(args));
        };
        script(ADD, consolidated);
        for verb in VERBS {
            let done = run_in(folder.path(), verb.split(' ')).exits(0);
            let is_quiet = !["damage", "warning"].iter().any(|word| done.stderr.contains(word));
            assert!(is_quiet, "{verb}: {done:?}");
        }
        script(CHECK, &[]);
        run_in(folder.path(), ["rm", "a.zarr/renamed", "--yes"]).exits(1);
        run_in(folder.path(), ["rm", "a.zarr/renamed", "--yes", "--foreign"]).exits(0);
    }
    let tried: BTreeSet<&str> = VERBS.iter().filter_map(|verb| verb.split(' ').next()).collect();
    let left = verbs().into_iter().filter(|verb| !tried.contains(verb.as_str()));
    // `serve` reads as `list` and `extract` do, and runs until it is stopped.
    assert_eq!(Vec::from_iter(left), ["serve", "completions", "man"]);
}
