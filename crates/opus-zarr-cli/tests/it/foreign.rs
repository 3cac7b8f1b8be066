//! What other programs have put into a store: it is neither damage, nor touched.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::{NOTES, folder_with, run_in};

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
