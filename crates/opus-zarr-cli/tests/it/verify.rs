use std::{fs, path::Path};

use crate::support::{NOTES, folder_with, run_in};

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn intact_recordings_are_reported() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let args = ["verify", "a.zarr/a", "--level", "decode", "--sample", "50%"];
    let one = run_in(folder.path(), args).exits(0);
    assert!(one.stdout.starts_with("a.zarr/a: intact ("), "{}", one.stdout);
    assert_eq!((one.stdout.lines().count(), one.stderr.as_str()), (1, ""));
    let all = run_in(folder.path(), ["verify", "a.zarr", "--json"]).exits(0);
    let verified = all.lines("verified");
    assert_eq!(verified.len(), 2);
    assert_eq!(
        (&verified[1]["recording"], &verified[1]["faults"]),
        (&"a.zarr/b".into(), &0.into())
    );
    let sum = &all.lines("verification")[0];
    assert_eq!((&sum["recordings"], &sum["damaged"]), (&2.into(), &0.into()));
}

#[test]
fn damage_is_located_with_a_remedy() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let b = folder.path().join("a.zarr/b");
    flip(&b.join("opus_blob/c/0"), 1000);
    let found = run_in(folder.path(), ["verify", "a.zarr", "--json"]).exits(4);
    let faults = found.lines("fault");
    let damaged = faults.iter().find(|fault| fault["start_byte"] == 0).unwrap();
    assert_eq!(damaged["recording"], "a.zarr/b");
    assert_eq!(damaged["object"], "a.zarr/b/opus_blob/c/0");
    assert_eq!(found.lines("verification")[0]["damaged"], 1);
    assert!(found.stderr.contains("\"exit\":4"), "{}", found.stderr);
    run_in(folder.path(), ["verify", "a.zarr/b", "--level", "metadata"]).exits(0);
    run_in(folder.path(), ["verify", "a.zarr/a"]).exits(0);

    fs::remove_file(folder.path().join("a.zarr/a/opus_index/c/0/0")).unwrap();
    let found = run_in(folder.path(), ["verify", "a.zarr/a"]).exits(4);
    assert!(found.stdout.contains("opus_index/c/0/0\": the object is missing"), "{}", found.stdout);
    assert!(found.stderr.contains("`opus-zarr reindex a.zarr/a`"), "{}", found.stderr);
    let audio = run_in(folder.path(), ["verify", "a.zarr/b"]).exits(4);
    assert!(audio.stderr.contains("rm a.zarr/b` and import it again"), "{}", audio.stderr);
}

/// Every way to read lost or changed audio reports damage.
#[test]
fn reading_damage_exits_with_4() {
    let folder = folder_with(&[(NOTES, "a")]);
    run_in(folder.path(), ["sync", "a.zarr/a"]).exits(0);
    let blob = folder.path().join("a.zarr/a/opus_blob/c/0");
    let all = || {
        for verb in [
            &["extract", "a.zarr/a", "-o", "x.wav"][..],
            &["export", "a.zarr/a", "-o", "x.opus"],
            &["export", "a.zarr/a", "-o", "x.wav"],
            &["plot", "a.zarr/a", "-o", "x.png"],
            &["copy", "a.zarr/a", "b.zarr"],
            &["sync", "--check", "a.zarr/a"],
            &["sync", "--force", "a.zarr/a"],
            &["reindex", "a.zarr/a"],
        ] {
            let read = run_in(folder.path(), verb).exits(4);
            assert!(read.stderr.contains("opus_blob/c/0\""), "{verb:?}: {}", read.stderr);
            assert!(read.stderr.contains("`opus-zarr verify`"), "{verb:?}: {}", read.stderr);
        }
        assert!(!folder.path().join("b.zarr/a").exists());
    };
    flip(&blob, 4000);
    all();
    fs::remove_file(&blob).unwrap();
    all();
}

/// A recording without its document is not listed, but still lost.
#[test]
fn a_recording_without_its_document_is_found_in_its_store() {
    let folder = folder_with(&[(NOTES, "a")]);
    fs::write(folder.path().join("a.zarr/letter"), "dear").unwrap();
    run_in(folder.path(), ["verify", "a.zarr"]).exits(0);
    fs::remove_file(folder.path().join("a.zarr/a/zarr.json")).unwrap();
    let found = run_in(folder.path(), ["verify", "a.zarr"]).exits(4);
    assert!(
        found.stdout.contains("a.zarr/a/zarr.json\": the object is missing"),
        "{}",
        found.stdout
    );
}

#[test]
fn missing_places_and_invalid_shares_are_refused() {
    let folder = folder_with(&[(NOTES, "a")]);
    fs::create_dir(folder.path().join("c.zarr")).unwrap();
    fs::rename(folder.path().join("a.zarr/a"), folder.path().join("c.zarr/a")).unwrap();
    for (place, says) in [
        ("a.zarr/none", "no recording \"none\" in \"a.zarr\""),
        ("b.zarr", "\"b.zarr\" does not exist"),
        ("b.zarr/a", "\"b.zarr/a\" does not exist"),
        ("c.zarr/a", "\"c.zarr\" is not an opus-zarr store"),
    ] {
        let missing = run_in(folder.path(), ["verify", place]).exits(10);
        assert!(missing.stderr.contains(says), "{}", missing.stderr);
    }
    run_in(folder.path(), ["verify", "a.zarr", "--sample", "5"]).exits(2);
    run_in(folder.path(), ["verify"]).exits(2);
}

/// As in a nightly check of several disks.
#[test]
fn a_place_that_is_missing_hides_neither_the_others_nor_their_damage() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    for (number, missing) in ["a.zarr/none", "b.zarr", "b.zarr/a"].into_iter().enumerate() {
        for args in [["verify", "a.zarr", missing], ["verify", missing, "a.zarr"]] {
            let done = run_in(folder.path(), args).exits(3);
            assert_eq!(done.stdout.matches(": intact").count(), 2, "{done:?}");
            assert!(done.stderr.contains("error: 1 of 3 failed"), "{done:?}");
        }
        let out = number.to_string();
        let done = run_in(folder.path(), ["export", missing, "a.zarr/a", "a.zarr/b", "-o", &out]);
        assert_eq!(done.exits(3).stdout.lines().count(), 2);
        run_in(folder.path(), ["export", missing, "-o", &out]).exits(10);
    }
    flip(&folder.path().join("a.zarr/b/opus_blob/c/0"), 4000);
    let done = run_in(folder.path(), ["verify", "b.zarr", "a.zarr"]).exits(4);
    assert!(done.stderr.contains("damage found in 1 of 2 recordings checked"), "{done:?}");
}
