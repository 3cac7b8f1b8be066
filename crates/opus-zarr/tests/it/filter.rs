//! Which recordings of a store a filter selects, and which it never opens.

use std::{fs, ops::ControlFlow, path::Path};

use opus_zarr::{ErrorKind, NameGlob, Recording, RecordingFilter, RecordingName, Store, Timestamp};
use opus_zarr_testkit::{counted::Counted, fast_folder, recordings::import_to, wave::wave};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Two stations with a second of audio an hour, and one recording at an unknown time.
fn season() -> (TempDir, Store) {
    let folder = fast_folder();
    let store = folder.path().join("store");
    for (name, file, notes) in [
        ("reed_0300", "20260512_030000Z.wav", json!({ "site": "reed", "gain": 2 })),
        ("reed_0400", "20260512_040000Z.wav", json!({ "site": "reed", "gain": 3 })),
        ("wood_0300", "20260512_030000Z.wav", json!({ "site": "wood", "gain": 2 })),
        ("wood_0400", "20260512_040000Z.wav", json!({ "site": "wood" })),
        ("later", "notes.wav", Value::Null),
    ] {
        record(folder.path(), &store, (name, file), &notes);
    }
    let store = Store::open(store).unwrap();
    (folder, store)
}

fn record(folder: &Path, store: &Path, (name, file): (&str, &str), notes: &Value) {
    let file = folder.join(file);
    fs::write(&file, wave(48_000, 1, &[0; 48_000])).unwrap();
    import_to(file, store, name).unwrap();
    let mut reader = Store::open(store).unwrap().open_recording(&name.parse().unwrap()).unwrap();
    if let Value::Object(notes) = notes {
        reader.edit_user_metadata(|all| all.clone_from(notes)).unwrap();
    }
}

fn matching(store: &Store, filter: &RecordingFilter) -> Vec<String> {
    let mut found = Vec::new();
    Recording::open_matching(store, filter, |name, recording| {
        assert_eq!(recording.unwrap().name(), name.as_str());
        found.push(name.to_string());
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

fn at(time: &str) -> Timestamp {
    format!("2026-05-12T{time}Z").parse().unwrap()
}

fn name(text: &str) -> RecordingName {
    text.parse().unwrap()
}

fn glob(text: &str) -> NameGlob {
    text.parse().unwrap()
}

#[test]
fn a_recording_matches_if_it_fulfils_every_condition() {
    let (_folder, store) = season();
    let all = ["later", "reed_0300", "reed_0400", "wood_0300", "wood_0400"];
    let filter = RecordingFilter::default;
    for (filter, expected) in [
        (filter(), &all[..]),
        (filter().names(glob("*")), &all),
        (filter().names(glob("reed_*")), &all[1..3]),
        (filter().names(glob("reed_*")).names(glob("l?ter")), &all[..3]),
        (filter().names(glob("*_0[4-9]00")), &["reed_0400", "wood_0400"]),
        (filter().names(glob("*_0[!3]00")).note("site", "wood"), &["wood_0400"]),
        (filter().names(glob("reed")), &[]),
        (filter().name(&name("reed_0300")).name(&name("later")), &["later", "reed_0300"]),
        (filter().name(&name("wood_0300")).names(glob("reed_*")), &all[1..4]),
        (filter().name(&name("wood_0300")).note("site", "reed"), &[]),
        (filter().note("site", "reed"), &all[1..3]),
        (filter().note("gain", "2"), &["reed_0300", "wood_0300"]),
        (filter().note("gain", "2").note("site", "wood"), &["wood_0300"]),
        (filter().note("gain", "null"), &[]),
        (filter().since(at("04:00:00")), &["reed_0400", "wood_0400"]),
        (filter().since(at("03:00:00.999999999")), &all[1..]),
        (filter().since(at("03:00:01")), &["reed_0400", "wood_0400"]),
        (filter().until(at("04:00:00")), &["reed_0300", "wood_0300"]),
        (filter().until(at("04:00:00.000000001")).note("site", "reed"), &all[1..3]),
        (filter().since(at("03:30:00")).until(at("03:40:00")), &[]),
    ] {
        assert_eq!(matching(&store, &filter), expected, "{filter:?}");
    }
}

/// A damaged document stands for a recording whose opening is noticed.
#[test]
fn recordings_whose_names_do_not_match_are_not_opened() {
    let (folder, store) = season();
    fs::write(folder.path().join("store/wood_0300/zarr.json"), "{").unwrap();
    let reed = RecordingFilter::default().names(glob("reed_*"));
    assert_eq!(matching(&store, &reed).len(), 2);
    let mut errors = Vec::new();
    let wood = RecordingFilter::default().names(glob("wood_*")).note("site", "elsewhere");
    Recording::open_matching(&store, &wood, |name, opened| {
        errors.push((name.to_string(), opened.unwrap_err().kind()));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(errors, [("wood_0300".to_owned(), ErrorKind::Damaged)], "nothing tells its notes");
}

#[test]
fn a_pattern_that_cannot_be_one_says_where_it_is_wrong() {
    for (text, message) in [
        ("reed_[0-9", "invalid pattern \"reed_[0-9\": invalid range pattern (character 6)"),
        ("a**b", "invalid pattern \"a**b\": recursive wildcards must form"),
        ("***", "invalid pattern \"***\": wildcards are either"),
    ] {
        let error = text.parse::<NameGlob>().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    for text in ["", "reed", "reed_[1]", "]", "*.wav", "a-b"] {
        assert_eq!(text.parse::<NameGlob>().unwrap().to_string(), text);
    }
    assert!(NameGlob::is_glob("a*") && NameGlob::is_glob("a[1]") && !NameGlob::is_glob("a-1"));
}

#[test]
fn only_a_filter_without_names_or_with_patterns_lists_the_store() {
    let (_folder, store) = season();
    let counted = Counted::new(store.storage().clone());
    let store = Store::open_in(counted.clone()).unwrap();
    counted.take();
    let all = RecordingFilter::default;
    let named = || all().name(&name("wood_0300")).name(&name("reed_0400"));
    for (filter, listings, opened) in [
        (named(), 0, &["reed_0400", "wood_0300"][..]),
        (named().name(&name("missing")), 0, &["missing", "reed_0400", "wood_0300"]),
        (named().note("site", "reed"), 0, &["reed_0400", "wood_0300"]),
        (named().names(glob("l*")), 1, &["later", "reed_0400", "wood_0300"]),
        (all().names(glob("wood*")), 1, &["wood_0300", "wood_0400"]),
        (all(), 1, &["later", "reed_0300", "reed_0400", "wood_0300", "wood_0400"]),
    ] {
        let matched = matching(&store, &filter);
        assert!(matched.is_sorted() && !matched.is_empty(), "{matched:?}");
        assert_eq!(counted.take(), (listings, opened.iter().map(|&it| it.into()).collect()));
    }
}
