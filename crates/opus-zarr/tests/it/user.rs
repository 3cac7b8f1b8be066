//! Users' notes are kept and never make a recording unreadable.

use std::{cell::RefCell, fs};

use opus_zarr::Store;
use opus_zarr_store::RecordingReader;
use opus_zarr_testkit::{
    Random, chain,
    recordings::{MONO, open_at, store_of},
    tree::Tree,
};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

fn noted() -> (TempDir, RecordingReader) {
    let (folder, _) = store_of(MONO);
    let store = Store::open(folder.path()).unwrap();
    let reader = store.open_recording(&"it".parse().unwrap()).unwrap();
    (folder, reader)
}

fn notes(value: Value) -> Map<String, Value> {
    Map::from_iter([("note".to_owned(), value)])
}

#[test]
fn notes_are_kept_replaced_and_removed() {
    let (folder, mut reader) = noted();
    let (before, generation) = (Tree::of(folder.path()), reader.info().generation);
    for value in [json!({ "b": [1, -2.5, null], "a": "Wörter \u{1} \"" }), json!(u64::MAX)] {
        reader.edit_user_metadata(|all| *all = notes(value.clone())).unwrap();
        assert_eq!(reader.info().user["note"], value);
        let opened = open_at(folder.path(), "it").unwrap();
        assert_eq!(opened.info(), reader.info());
        let now = Tree::of(folder.path());
        assert_eq!(before.differences(&now), [std::path::Path::new("it/zarr.json")]);
    }
    reader.edit_user_metadata(|all| *all = Map::new()).unwrap();
    assert!(reader.info().user.is_empty());
    let unchanged = Tree::of(folder.path());
    reader.edit_user_metadata(|all| *all = Map::new()).unwrap();
    unchanged.assert_same(&Tree::of(folder.path()), "without notes");
    assert_eq!(reader.info().generation, generation + 3, "every change counts, and nothing else");
}

#[test]
fn notes_that_could_not_be_read_back_are_refused() {
    let (folder, mut reader) = noted();
    let before = Tree::of(folder.path());
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    // `{"note":"…"}`
    let longest = 65_536 - 11;
    for (value, reason) in [
        (json!("x".repeat(longest + 1)), "notes of 65537 bytes, expected at most 65536"),
        (json!("é".repeat(longest)), "notes of 131061 bytes, expected at most 65536"),
        (json!("\n".repeat(longest)), "notes of 131061 bytes, expected at most 65536"),
        (json!(vec![0; 900_000]), "notes of 1800010 bytes, expected at most 65536"),
        (json!("x".repeat(32 << 20)), "notes of 33554443 bytes, expected at most 65536"),
        (deep, "recursion limit exceeded"),
    ] {
        let error = reader.edit_user_metadata(|all| *all = notes(value.clone())).unwrap_err();
        let error = chain(&error);
        assert!(error.contains(reason), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        before.assert_same(&Tree::of(folder.path()), reason);
        assert!(reader.info().user.is_empty());
    }
    open_at(folder.path(), "it").unwrap();
    for value in [json!("x".repeat(longest)), json!(vec![0; 32_000])] {
        reader.edit_user_metadata(|all| *all = notes(value.clone())).unwrap();
        assert_eq!(open_at(folder.path(), "it").unwrap().info().user["note"], value);
    }
}

#[test]
fn attributes_of_other_programs_are_preserved() {
    let (folder, _) = noted();
    let path = folder.path().join("it/zarr.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    document["attributes"]["another"] = json!({ "key": [1] });
    fs::write(&path, document.to_string()).unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut reader = store.open_recording(&"it".parse().unwrap()).unwrap();
    reader.edit_user_metadata(|all| *all = notes(json!("seen"))).unwrap();
    let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(document["attributes"]["another"], json!({ "key": [1] }));
    assert_eq!(document["attributes"]["opus_zarr"]["user"]["note"], "seen");
}

/// To the last bit. Otherwise the checksum of the attributes would not match.
#[test]
fn any_double_is_kept() {
    let (folder, mut reader) = noted();
    let mut random = Random(5);
    let doubles = std::iter::repeat_with(|| f64::from_bits(random.below(u64::MAX)));
    let doubles: Vec<f64> = doubles.filter(|double| double.is_finite()).take(2000).collect();
    reader.edit_user_metadata(|all| *all = notes(json!(doubles))).unwrap();
    let opened = open_at(folder.path(), "it").unwrap();
    assert!(opened.info().user["note"] == json!(doubles), "other numbers");
}

#[test]
fn any_text_is_kept() {
    let (folder, reader) = noted();
    let reader = RefCell::new(reader);
    let kept = |(key, text): (String, String)| {
        let user = Map::from_iter([(key, json!(text))]);
        reader.borrow_mut().edit_user_metadata(|all| *all = user.clone()).unwrap();
        let opened = open_at(folder.path(), "it").unwrap();
        prop_assert_eq!(&opened.info().user, &user);
        Ok(())
    };
    TestRunner::new(ProptestConfig::with_cases(64)).run(&any::<(String, String)>(), kept).unwrap();
}
