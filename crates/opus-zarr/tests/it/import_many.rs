//! Imports of many files: planned, skipped, present, refused and cancelled ones.

use std::{
    fs,
    num::NonZeroUsize,
    ops::ControlFlow,
    path::Path,
    time::{Duration, SystemTime},
};

use opus_zarr::{
    Bitrate, Difference, ErrorKind, FileImport, ImportEvent, ImportManyOptions, ImportOptions,
    ImportOutcome, ImportPlan, ImportTally, Recording, Setting, Store, import, import_many,
    unwatched,
};
use opus_zarr_testkit::{fast_folder, testdata};
use tempfile::TempDir;

/// A folder with a file of one stream, one of two, one to be encoded, and one that is not audio.
fn card() -> TempDir {
    let folder = fast_folder();
    let card = folder.path().join("card");
    fs::create_dir(&card).unwrap();
    fs::copy(testdata("golden/notes.opus"), card.join("notes.opus")).unwrap();
    let links =
        ["golden/notes.opus", "golden/trio.opus"].map(|link| fs::read(testdata(link)).unwrap());
    fs::write(card.join("two.opus"), links.concat()).unwrap();
    fs::copy(testdata("wave/no-size-guano.wav"), card.join("guano.wav")).unwrap();
    fs::write(card.join("readme.txt"), "no audio").unwrap();
    folder
}

fn plan(folder: &TempDir) -> ImportPlan {
    ImportPlan::of([folder.path().join("card")]).unwrap()
}

fn store(folder: &TempDir) -> Store {
    Store::open_or_create(folder.path().join("store")).unwrap()
}

/// Imports the card; returns the outcomes by file.
fn import_card(folder: &TempDir, options: &ImportManyOptions) -> (ImportTally, Vec<FileImport>) {
    let mut done = Vec::new();
    let tally = import_many(&store(folder), &plan(folder), options, |event| {
        if let ImportEvent::File(file) = event {
            done.push(*file);
        }
        ControlFlow::Continue(())
    });
    done.sort_by(|one, other| one.file.path.cmp(&other.file.path));
    (tally.unwrap(), done)
}

fn tally(folder: &TempDir, options: &ImportManyOptions) -> [usize; 5] {
    let tally = import_card(folder, options).0;
    [tally.imported, tally.present, tally.planned, tally.failed, tally.left]
}

fn options(import: ImportOptions) -> ImportManyOptions {
    ImportManyOptions::new(import)
}

fn bitrate(bits: u32) -> ImportManyOptions {
    let mut import = ImportOptions::default();
    import.transcode.bitrate = Some(Bitrate::bits_per_second(bits));
    options(import)
}

#[test]
fn a_directory_is_imported_once() {
    let folder = card();
    assert_eq!(plan(&folder).skipped[0].files, 1);
    let (default, dry) = (ImportManyOptions::default(), ImportManyOptions::default().dry_run(true));
    assert_eq!(tally(&folder, &dry), [0, 0, 3, 0, 0]);
    assert_eq!(store(&folder).recordings().unwrap().count(), 0);
    let (_, done) = import_card(&folder, &default);
    let made = |file: &FileImport| match &file.outcome {
        ImportOutcome::Imported(imported) => imported.recordings.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(done.iter().map(made).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(tally(&folder, &default), [0, 3, 0, 0, 0]);
    assert_eq!(tally(&folder, &dry), [0, 3, 0, 0, 0]);
}

/// The first recording of a file is written last.
#[test]
fn a_file_without_its_first_recording_is_completed() {
    let folder = card();
    tally(&folder, &ImportManyOptions::default());
    store(&folder).delete_recording(&"two".parse().unwrap()).unwrap();
    assert_eq!(tally(&folder, &ImportManyOptions::default()), [1, 2, 0, 0, 0]);
    assert_eq!(store(&folder).recordings().unwrap().count(), 4);
}

/// Whether the other one was there before or not.
#[test]
fn the_same_audio_under_two_names_becomes_two_recordings() {
    let default = ImportManyOptions::default();
    for files in [&["notes.opus"][..], &["two.opus", "guano.wav"]] {
        let folder = card();
        for file in files {
            let path = folder.path().join("card").join(file);
            import(&path, &store(&folder), &format!("of {file}"), &default.import, unwatched)
                .unwrap();
            fs::copy(&path, path.with_file_name(format!("copy of {file}"))).unwrap();
        }
        let count = 3 + files.len();
        assert_eq!(tally(&folder, &default), [count, 0, 0, 0, 0], "{files:?}");
        assert_eq!(tally(&folder, &default), [0, count, 0, 0, 0], "{files:?}");
    }
}

/// The names of both change when a second file of a similar name comes along.
#[test]
fn a_file_stays_present_when_its_name_gets_an_extension() {
    let folder = card();
    let default = ImportManyOptions::default();
    assert_eq!(tally(&folder, &default)[..2], [3, 0]);
    let card = folder.path().join("card");
    fs::copy(card.join("guano.wav"), card.join("notes.wav")).unwrap();
    let (_, done) = import_card(&folder, &default);
    let outcomes = done.iter().map(|file| match &file.outcome {
        ImportOutcome::Present { name, .. } => format!("present {name}"),
        ImportOutcome::Imported(imported) => format!("imported {}", imported.recordings[0].name()),
        other => panic!("{other:?}"),
    });
    let expected = ["present guano", "present notes", "imported notes.wav", "present two"];
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    assert_eq!(tally(&folder, &default)[..2], [0, 4]);
}

#[test]
fn other_settings_are_told_and_change_nothing() {
    let folder = card();
    tally(&folder, &bitrate(64_000));
    let refused = |options: &ImportManyOptions| match import_card(&folder, options) {
        (ImportTally { failed: 1, present: 2, .. }, mut done) => {
            match done.swap_remove(0).outcome {
                ImportOutcome::Failed(error) => error.differences().to_vec(),
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    };
    let differences = refused(&bitrate(32_000));
    let [Difference { setting: Setting::Bitrate, .. }] = &differences[..] else {
        panic!("{differences:?}")
    };
    assert_eq!(differences[0].to_string(), "bitrate 64000 b/s instead of 32000 b/s");
    assert_eq!(refused(&bitrate(32_000).dry_run(true)), differences);

    // A single import says the same.
    let path = folder.path().join("card/guano.wav");
    let error =
        import(path, &store(&folder), "guano", &bitrate(32_000).import, unwatched).unwrap_err();
    assert_eq!((error.kind(), error.differences()), (ErrorKind::OtherSettings, &*differences));
    assert_eq!(tally(&folder, &bitrate(64_000)), [0, 3, 0, 0, 0]);
}

/// A present recording gets a sync map if the import requests one.
#[test]
fn missing_sync_maps_are_built_on_request() {
    let folder = card();
    let of = |exact| options(ImportOptions::default().exact(exact));
    tally(&folder, &of(false));
    let is_exact = |name| Recording::open(&store(&folder), name).unwrap().exactness().is_ok();
    assert!(!is_exact("guano") && !is_exact("two.2"));
    let (_, done) = import_card(&folder, &of(true));
    for file in done {
        assert!(matches!(file.outcome, ImportOutcome::Present { is_synced: true, .. }), "{file:?}");
    }
    assert!(is_exact("guano") && is_exact("two") && is_exact("two.2"));
    let (_, done) = import_card(&folder, &of(true));
    assert!(matches!(done[0].outcome, ImportOutcome::Present { is_synced: false, .. }));
}

/// A note of an import is on every stream of a file, and a corrected one survives the next import.
#[test]
fn notes_are_added_but_never_overwritten() {
    let folder = card();
    let of = |value: &str| options(ImportOptions::default().note("site", value));
    tally(&folder, &ImportManyOptions::default());
    let (_, done) = import_card(&folder, &of("pond").dry_run(true));
    let notes = |done: &[FileImport]| -> Vec<[usize; 2]> {
        let of_file = |file: &FileImport| match &file.outcome {
            ImportOutcome::Present { notes, .. } => [notes.added.len(), notes.kept.len()],
            other => panic!("{other:?}"),
        };
        done.iter().map(of_file).collect()
    };
    let user = |name| Recording::open(&store(&folder), name).unwrap().info().user.clone();
    assert_eq!((notes(&done), user("two").len()), (vec![[0, 0]; 3], 0));
    for (value, expected) in [("pond", [1, 0]), ("pond", [0, 0]), ("rhine", [0, 1])] {
        let (_, done) = import_card(&folder, &of(value));
        assert_eq!(notes(&done), vec![expected; 3], "{value}");
        assert!(["guano", "two", "two.2"].iter().all(|name| user(name)["site"] == "pond"));
    }
    let path = folder.path().join("card/two.opus");
    let import_two =
        |options: &ImportOptions| import(&path, &store(&folder), "two", options, unwatched);
    let more = of("rhine").import.note("n", 5);
    assert_eq!(import_two(&more).unwrap().earlier, 2);
    assert!(
        ["two", "two.2"].iter().all(|name| user(name)["n"] == 5 && user(name)["site"] == "pond")
    );
    assert_eq!(user("guano").len(), 1);
}

/// Whether clocks are right or wrong, and whichever way.
#[test]
fn files_that_may_still_grow_are_left_for_the_next_run() {
    let folder = card();
    let minute = ImportManyOptions::default().settle(Duration::from_secs(60));
    let guano =
        fs::File::options().append(true).open(folder.path().join("card/guano.wav")).unwrap();
    let unsettled = |options: &ImportManyOptions| import_card(&folder, options).0.unsettled;
    assert_eq!(unsettled(&minute), 3);
    assert_eq!(unsettled(&minute.clone().dry_run(true)), 3);
    assert!(store(&folder).recordings().unwrap().next().is_none());
    let now = SystemTime::now();
    let ago = |seconds| now - Duration::from_secs(seconds);
    for (modified, is_young) in [
        (ago(30), true),
        (now + Duration::from_secs(30), true),
        (ago(90), false),
        (now + Duration::from_secs(200), false),
        (now + Duration::from_secs(86_400 * 400), false),
    ] {
        guano.set_modified(modified).unwrap();
        let (_, done) = import_card(&folder, &minute.clone().dry_run(true));
        let found = matches!(done[0].outcome, ImportOutcome::Unsettled { .. });
        assert_eq!(found, is_young, "{:?}", done[0]);
    }
    assert_eq!(import_card(&folder, &minute).0.imported, 1);
    assert_eq!(unsettled(&ImportManyOptions::default()), 0);
}

#[test]
fn breaking_off_leaves_the_rest() {
    let folder = card();
    let one = ImportManyOptions::default().jobs(NonZeroUsize::MIN);
    let mut left = 0;
    let tally = import_many(&store(&folder), &plan(&folder), &one, |event| match event {
        ImportEvent::File(file) => {
            left += usize::from(matches!(file.outcome, ImportOutcome::Left));
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    let tally = tally.unwrap();
    assert_eq!((tally.imported + tally.left, tally.left), (3, left));
    assert!(tally.imported >= 1 && left >= 1, "{tally:?}");
}

#[test]
fn the_first_failure_may_end_it() {
    let folder = card();
    fs::write(folder.path().join("card/a.wav"), "no audio").unwrap();
    let one = ImportManyOptions::default().jobs(NonZeroUsize::MIN);
    assert_eq!(tally(&folder, &one.clone().stop_on_failure(true)), [0, 0, 0, 1, 3]);
    assert_eq!(tally(&folder, &one), [3, 0, 0, 1, 0]);
}

#[test]
fn plans_refuse_what_cannot_be_imported() {
    let folder = card();
    store(&folder).create().unwrap();
    let kind = |path: &Path| ImportPlan::of([path]).unwrap_err().kind();
    assert_eq!(kind(&folder.path().join("store")), ErrorKind::IsAStore);
    assert_eq!(kind(&folder.path().join("nowhere")), ErrorKind::SourceRead);
    let file = folder.path().join("card/notes.opus");
    let twice = ImportPlan::of([&file, &file]).unwrap();
    assert_eq!((twice.files.len(), twice.clashes.len()), (1, 0));
    let other = folder.path().join("notes.opus");
    fs::copy(&file, &other).unwrap();
    let alike = ImportPlan::of([&file, &other]).unwrap();
    assert_eq!((alike.files.len(), alike.clashes.len()), (1, 1));
    let ImportOutcome::Failed(error) = &alike.clashes[0].outcome else { panic!("{alike:?}") };
    assert_eq!(error.kind(), ErrorKind::SameName, "{error}");
}
