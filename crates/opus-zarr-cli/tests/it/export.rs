use std::{
    fs::{self, File},
    io::Read,
    process::Stdio,
    time::{Duration, SystemTime},
};

use opus_zarr::ImportOptions;
use opus_zarr_testkit::recordings::{import_with, open_at};

use crate::{
    sound::{damage, names, read_i16, stdout_of},
    support::{LONG_NOTES, NOTES, command_in, folder_with, run_in, testdata},
};

#[test]
fn a_file_stored_unchanged_comes_back() {
    let folder = folder_with(&[(NOTES, "notes")]);
    let folder = folder.path();
    let source = fs::read(testdata(NOTES)).unwrap();
    let outcome = run_in(folder, ["export", "a.zarr/notes", "-o", "x.opus"]).exits(0);
    assert!(outcome.stdout.contains("identical to the imported file"), "{outcome:?}");
    assert!(fs::read(folder.join("x.opus")).unwrap() == source);
    assert!(stdout_of(folder, &["export", "a.zarr/notes"]) == source);

    let args = ["--json", "export", "a.zarr/notes", "-o", "x.opus", "--force"];
    let outcome = run_in(folder, args).exits(0);
    let [line] = &outcome.lines("exported")[..] else { panic!("{outcome:?}") };
    let info = open_at(folder.join("a.zarr"), "notes").unwrap().info().clone();
    assert_eq!(
        (&line["sha256"], &line["is_source"], &line["bytes"], &line["output"]),
        (&info.source.sha256.into(), &true.into(), &source.len().into(), &"x.opus".into())
    );
}

#[test]
fn encoded_audio_is_not_the_imported_file() {
    let folder = folder_with(&[]);
    let folder = folder.path();
    let store = folder.join("a.zarr");
    let file = testdata("wave/whole.wav");
    let recording = import_with(file, store, "whole", &ImportOptions::default()).unwrap();
    let recording = recording.into_first();
    let args = ["--json", "export", "a.zarr/whole", "-o", "x.opus"];
    let outcome = run_in(folder, args).exits(0);
    assert_eq!(outcome.lines("exported")[0]["is_source"], false);
    let mut blob = Vec::new();
    recording.ogg_opus().read_to_end(&mut blob).unwrap();
    assert!(fs::read(folder.join("x.opus")).unwrap() == blob);
}

#[test]
fn exported_audio_equals_a_full_decode() {
    let folder = folder_with(&[("chirps-stereo.opus", "chirps")]);
    let folder = folder.path();
    let recording = open_at(folder.join("a.zarr"), "chirps").unwrap();
    let all: Vec<i16> = recording.read(0..recording.info().play_length).unwrap();
    for file in ["x.wav", "x.flac"] {
        run_in(folder, ["export", "a.zarr/chirps", "-o", file]).exits(0);
        assert!(read_i16(&folder.join(file)).1 == all, "{file}");
    }
    run_in(folder, ["export", "a.zarr/chirps", "-o", "x.wav", "--force", "--threads", "3"])
        .exits(0);
    assert!(read_i16(&folder.join("x.wav")).1 == all, "in three threads");
    run_in(folder, ["export", "a.zarr/chirps", "-o", "x.wav", "--threads", "0"]).exits(2);
}

#[test]
fn several_recordings_go_into_a_directory() {
    let folder = folder_with(&[(NOTES, "notes"), ("chirps-stereo.opus", "chirps")]);
    let folder = folder.path();
    let all = ["export", "a.zarr/notes", "a.zarr/none", "a.zarr/chirps"];
    let outcome = run_in(folder, [&all[..], &["-o", "out"]].concat()).exits(3);
    assert!(outcome.stderr.contains("1 of 3 failed"), "{outcome:?}");
    assert_eq!(names(&folder.join("out")), ["chirps.opus", "notes.opus"]);
    let args = ["export", "a.zarr/notes", "-o", "out", "--format", "flac"];
    run_in(folder, args).exits(0);
    assert_eq!(names(&folder.join("out")), ["chirps.opus", "notes.flac", "notes.opus"]);
    run_in(folder, ["export", "a.zarr/notes", "-o", "out"]).exits(1);
    assert!(run_in(folder, all).exits(2).stderr.contains("-o DIR"));
}

#[test]
fn a_store_exports_all_its_recordings() {
    let folder = folder_with(&[(NOTES, "notes"), ("chirps-stereo.opus", "chirps")]);
    let folder = folder.path();
    run_in(folder, ["export", "a.zarr", "-o", "out"]).exits(0);
    assert_eq!(names(&folder.join("out")), ["chirps.opus", "notes.opus"]);
    let outcome = run_in(folder, ["export", "a.zarr", "-o", "x.opus"]).exits(2);
    assert!(outcome.stderr.contains("expected a directory"), "{outcome:?}");
    run_in(folder, ["export", "a.zarr"]).exits(2);
    assert_eq!(names(folder), ["a.zarr", "out"]);
}

#[test]
fn a_file_appears_complete_or_not_at_all() {
    let folder = folder_with(&[(NOTES, "notes")]);
    let folder = folder.path();
    run_in(folder, ["export", "a.zarr/notes", "-o", "x.txt"]).exits(2);
    run_in(folder, ["export", "a.zarr/none", "-o", "x.opus"]).exits(10);
    run_in(folder, ["export", "a.zarr/notes", "-o", "nowhere/x.opus"]).exits(1);
    damage(&folder.join("a.zarr/notes"));
    let outcome = run_in(folder, ["export", "a.zarr/notes", "-o", "x.opus"]).exits(4);
    assert!(outcome.stderr.contains("opus-zarr verify"), "{outcome:?}");
    run_in(folder, ["export", "a.zarr/notes", "-o", "x.wav"]).exits(4);
    assert_eq!(names(folder), ["a.zarr"]);
}

#[test]
fn of_two_writers_of_a_file_one_wins() {
    let folder = folder_with(&[(NOTES, "a"), (LONG_NOTES, "b")]);
    for round in 0..10 {
        let file = format!("{round}.opus");
        let start = |name: &str| {
            let mut command = command_in(folder.path());
            command.args(["export", name, "-o", &file]).stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        let running = [start("a.zarr/a"), start("a.zarr/b")];
        let outputs = running.map(|child| child.wait_with_output().unwrap());
        let failed: Vec<_> = outputs.iter().filter(|output| !output.status.success()).collect();
        assert_eq!(failed.len(), 1, "{outputs:?}");
        let said = String::from_utf8_lossy(&failed[0].stderr);
        assert!(said.contains("already exists\n  use --force"), "{said}");
    }
}

#[test]
fn files_of_killed_writers_neither_block_nor_stay() {
    let folder = folder_with(&[(NOTES, "a")]);
    let [old, young] = [".opus-zarr-1-0.part", ".opus-zarr-1-1.part"].map(|name| {
        let path = folder.path().join(name);
        fs::write(&path, "half a file").unwrap();
        path
    });
    let then = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    File::options().write(true).open(&old).unwrap().set_modified(then).unwrap();
    run_in(folder.path(), ["export", "a.zarr/a", "-o", "a.opus"]).exits(0);
    assert_eq!((old.exists(), young.exists()), (false, true));
}
