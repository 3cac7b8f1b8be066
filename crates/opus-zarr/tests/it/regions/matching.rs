//! Which recordings the rows of a table mean.

use std::{fs, sync::Arc};

use opus_zarr::{
    Catalogue, ErrorKind, MemoryStorage, RegionMatcher, RegionSource, Store, Unmatched,
};
use opus_zarr_testkit::counted::Counted;
use tempfile::TempDir;

use super::silence;

/// A store of recordings of these names, from files of these names.
fn store_of(recordings: &[(&str, &str)]) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_create(folder.path().join("store")).unwrap();
    for (name, file) in recordings {
        silence(&store, folder.path(), file, name, 20);
    }
    (folder, store)
}

/// Finds the recordings of a table, which are the same by way of a catalogue.
fn found(store: &Store, sources: &[RegionSource]) -> Vec<String> {
    let opened = found_by(&mut RegionMatcher::new(store).unwrap(), sources);
    let catalogue = catalogue_of(store);
    let mut matcher = RegionMatcher::of_catalogue(store, &catalogue).unwrap();
    assert_eq!(found_by(&mut matcher, sources), opened);
    assert_eq!(matcher.opened(), 0);
    opened
}

fn catalogue_of(store: &Store) -> Catalogue {
    Catalogue::default().update(store, |_, _| ()).unwrap().0
}

fn found_by(matcher: &mut RegionMatcher, sources: &[RegionSource]) -> Vec<String> {
    let recordings = matcher.recordings_of(sources).unwrap();
    assert!(matcher.unreadable().is_empty());
    let text = |found: Result<_, Unmatched>| match found {
        Ok(name) => format!("{name}"),
        Err(unmatched) => format!("! {unmatched}"),
    };
    recordings.into_iter().map(text).collect()
}

/// Finds the recording of each path, as if it stood alone in a table.
fn of_files(store: &Store, files: &[&str]) -> Vec<String> {
    let source = |file: &&str| [RegionSource::File((*file).to_owned())];
    files.iter().flat_map(|file| found(store, &source(file))).collect()
}

#[test]
fn files_are_found_by_name_stem_and_path() {
    let (_folder, store) = store_of(&[
        ("weiher_033000", "033000.WAV"),
        ("moor_033000", "033000.WAV"),
        ("night 1_b", "b.flac"),
        ("renamed", "c.1.wav"),
    ]);
    for (path, name) in [
        ("weiher/033000.WAV", "weiher_033000"),
        ("D:\\cards\\moor\\033000.WAV", "moor_033000"),
        ("/data/moor/DCIM/033000.wav", "moor_033000"),
        ("moor/033000", "moor_033000"),
        // Exported from the store.
        ("/tmp/weiher_033000.wav", "weiher_033000"),
        ("night 1/b.flac", "night 1_b"),
        ("elsewhere/b.wav", "night 1_b"),
        ("b", "night 1_b"),
        ("c.1.wav", "renamed"),
        ("c.1", "renamed"),
        ("c.1.mp3", "renamed"),
        ("renamed.opus", "renamed"),
    ] {
        assert_eq!(of_files(&store, &[path]), [name], "{path}");
    }
    for path in ["033000.WAV", "033000", "/data/see/033000.WAV", "weiher/moor.033000.WAV"] {
        let text = of_files(&store, &[path]).concat();
        assert!(text.starts_with('!'), "{path}: {text}");
    }
    let ambiguous = of_files(&store, &["see/033000.WAV"]).concat();
    assert!(ambiguous.contains("\"moor_033000\" or \"weiher_033000\""), "{ambiguous}");
    for path in ["", "/", "c.wav", "c", "\\\\", "..", "d.wav"] {
        let text = of_files(&store, &[path]).concat();
        assert!(text.contains("no recording in the store came from a file"), "{path}: {text}");
    }
}

#[test]
fn similar_stations_are_told_apart() {
    let (_folder, store) = store_of(&[
        ("weiher_a", "a.wav"),
        ("weiher_2_a", "a.wav"),
        ("a", "a.wav"),
        ("2026_see_a", "a.wav"),
        ("2025_see_a", "a.wav"),
    ]);
    let files = [
        ("weiher/a.wav", "weiher_a"),
        ("weiher_2/a.wav", "weiher_2_a"),
        ("weiher/2/a.wav", "weiher_2_a"),
        ("/cards/weiher/DCIM/a.wav", "weiher_a"),
        ("/cards/weiher_2/DCIM/a.wav", "weiher_2_a"),
        ("2026/see/a.wav", "2026_see_a"),
    ];
    for (path, name) in files {
        assert_eq!(of_files(&store, &[path]), [name], "{path}");
    }
    // Of two years, or of none.
    for path in ["see/a.wav", "a.wav", "/x/a.wav"] {
        assert!(of_files(&store, &[path]).concat().contains("may be"), "{path}");
    }
}

#[test]
fn the_files_of_another_station_are_not_taken_for_those_of_this_one() {
    let (_folder, store) = store_of(&[("weiher_a", "a.wav"), ("b", "b.wav")]);
    let files = ["weiher/a.wav", "moor/a.wav", "a.wav", "x/b.wav", "y/b.wav"];
    let sources = files.map(|file| RegionSource::File(file.to_owned()));
    let found = found(&store, &sources);
    assert_eq!([&*found[0], &*found[2]], ["weiher_a", "weiher_a"]);
    assert!(found[1].contains("\"moor/a.wav\" is another file than \"weiher/a.wav\""), "{found:?}");
    assert!(found[3].contains("is another file") && found[4].contains("is another file"));
    // Alone, nothing contradicts the name.
    assert_eq!(of_files(&store, &["moor/a.wav", "x/b.wav"]), ["weiher_a", "b"]);
}

#[test]
fn tables_are_named_after_files() {
    let (_folder, store) =
        store_of(&[("weiher_a", "a.wav"), ("moor_a", "a.wav"), ("b.1", "b.1.wav")]);
    for (table, name) in [
        ("results/weiher/a.BirdNET.results.csv", "weiher_a"),
        ("moor/a.Table.1.selections.txt", "moor_a"),
        ("b.1.csv", "b.1"),
        ("b.1.wav.txt", "b.1"),
    ] {
        let source = RegionSource::of_table(table.as_ref());
        assert_eq!(found(&store, &[source]), [name], "{table}");
    }
    for table in ["a.csv", "detections.csv", "b.csv", ""] {
        let source = RegionSource::of_table(table.as_ref());
        assert!(found(&store, &[source]).concat().starts_with('!'), "{table}");
    }
}

#[test]
fn recordings_that_are_named_are_not_opened() {
    let (folder, store) = store_of(&[("a", "a.wav"), ("b", "b.wav")]);
    fs::write(folder.path().join("store/b/zarr.json"), "{").unwrap();
    let names = ["a", "b", "c", "a/b", ""].map(|name| RegionSource::Recording(name.to_owned()));
    let found = found(&store, &names);
    assert_eq!(found[..2], ["a", "b"]);
    assert!(found[2..].iter().all(|found| found.contains("no recording \"")), "{found:?}");
    let mut matcher = RegionMatcher::new(&store).unwrap();
    let file = RegionSource::File("a.wav".to_owned());
    assert_eq!(matcher.recordings_of([&file]).unwrap()[0].as_ref().unwrap().as_str(), "a");
    let [(unreadable, _)] = matcher.unreadable() else { panic!("{matcher:?}") };
    assert_eq!(unreadable.as_str(), "b");
}

/// A table that hides a long way of comparing paths behind a few bytes takes no longer than another.
#[test]
fn many_files_of_one_name_take_no_time() {
    let (_folder, store) = store_of(&[("weiher_a", "a.wav")]);
    let deep = "x/".repeat(100_000);
    let many = (0..20_000).map(|number| format!("{}a.wav", "/".repeat(number % 50)));
    let sources: Vec<_> = many
        .chain((0..20_000).map(|number| format!("{number}/a.wav")))
        .chain([format!("{deep}a.wav")])
        .map(RegionSource::File)
        .collect();
    let started = std::time::Instant::now();
    assert_eq!(found(&store, &sources).len(), sources.len());
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// An object store does not tell that a recording has been replaced, but the recording does.
#[test]
fn a_catalogue_that_is_out_of_date_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_create_in(Arc::new(MemoryStorage::new())).unwrap();
    let import = |file: &str, name: &str, length| {
        silence(&store, folder.path(), file, name, length);
    };
    for name in ["audio", "gone", "same", "source"] {
        import(&format!("{name}.wav"), name, 20);
    }
    let catalogue = catalogue_of(&store);
    for name in ["audio", "gone", "source"] {
        store.delete_recording(&name.parse().unwrap()).unwrap();
    }
    import("audio.wav", "audio", 40);
    import("other.wav", "source", 20);
    import("new.wav", "night", 20);

    let counted = Counted::new(store.storage().clone());
    let store = Store::open_in(counted.clone()).unwrap();
    let mut matcher = RegionMatcher::of_catalogue(&store, &catalogue).unwrap();
    counted.take();
    let files = ["audio", "gone", "same", "source", "new"];
    let sources = files.map(|file| RegionSource::File(format!("{file}.wav")));
    let found = found_by(&mut matcher, &sources);
    assert_eq!(counted.take(), (0, vec!["night".to_owned()]));
    let gone = "! no recording in the store came from a file \"gone.wav\"";
    assert_eq!(found, ["audio", gone, "same", "source", "night"]);
    for (name, kind) in [
        ("audio", Some(ErrorKind::Changed)),
        ("source", Some(ErrorKind::Changed)),
        ("gone", Some(ErrorKind::NoSuchRecording)),
        ("same", None),
        ("night", None),
    ] {
        let opened = matcher.open(&name.parse().unwrap());
        assert_eq!(opened.err().map(|error| error.kind()), kind, "{name}");
    }
}

#[test]
fn rows_that_do_not_tell_the_stream_are_not_used() {
    let (_folder, store) = store_of(&[("x", "a.wav"), ("y", "b.wav")]);
    let mut rows = catalogue_of(&store).rows().to_vec();
    rows[0].source_stream = None;
    let catalogue = Catalogue::from_rows(rows);
    let mut matcher = RegionMatcher::of_catalogue(&store, &catalogue).unwrap();
    let sources = ["a.wav", "b.wav"].map(|file| RegionSource::File(file.to_owned()));
    assert_eq!(found_by(&mut matcher, &sources), ["x", "y"]);
    assert_eq!(matcher.opened(), 1);
    let (updated, changes) = catalogue.update(&store, |_, _| ()).unwrap();
    assert!(changes.opened >= 1 && updated.rows()[0].source_stream == Some(1));
}
