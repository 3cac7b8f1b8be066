//! Extractions of several files that are killed, interrupted, or run out of space: every file is whole or
//! not there, no directory is empty, and the manifest names what exists.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use opus_zarr_testkit::{
    Random, is_full_run,
    strace::{Disturbance, disturb, is_permitted},
};
use tempfile::TempDir;

use crate::{
    across::add,
    sound::names,
    support::{command_in, run_in},
};

const BATCH: &str = "extract a.zarr --batch calls.csv -o out/cuts";
const SPLIT: &str = "extract a.zarr --utc .. --gaps split -o out/cuts";

/// A store of six recordings with gaps between them, and a table with this many calls in each.
fn season(calls: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut table = "recording,start,end\n".to_owned();
    for number in 0..6 {
        add(folder.path(), ("reed", &format!("20260512_03000{number}")), 1, 24_000);
        for call in 0..calls {
            let start = f64::from(call) * 0.4 / f64::from(calls);
            table += &format!("reed_20260512_03000{number},{start},{}\n", start + 0.1);
        }
    }
    fs::write(folder.path().join("calls.csv"), table).unwrap();
    folder
}

/// Compares what is there with what the whole command writes. Returns the number of whole files.
#[track_caller]
fn check(folder: &Path, whole: &Path, what: &str) -> usize {
    let cuts = folder.join("out/cuts");
    if !cuts.exists() {
        assert!(!folder.join("out").exists(), "{what}: an empty directory");
        return 0;
    }
    let all = names(&cuts);
    let is_whole = |name: &&String| !name.starts_with(".opus-zarr-") && *name != "manifest.csv";
    let files: Vec<&String> = all.iter().filter(is_whole).collect();
    for name in &files {
        assert!(
            fs::read(cuts.join(name)).unwrap() == fs::read(whole.join(name)).unwrap(),
            "{what}: {name}"
        );
    }
    if let Ok(manifest) = fs::read_to_string(cuts.join("manifest.csv")) {
        let rows = manifest.lines().skip(1).map(|row| row.split(',').next().unwrap());
        let listed: Vec<&str> = rows.filter(|file| !file.is_empty()).collect();
        assert!(
            listed.iter().all(|file| all.iter().any(|name| name == file)),
            "{what}: {listed:?}"
        );
        assert_eq!(listed.len(), files.len(), "{what}");
    }
    files.len()
}

/// The files that a command writes if nothing stops it.
fn whole_of(folder: &Path, args: &str) -> TempDir {
    run_in(folder, args.split(' ')).exits(0);
    let whole = tempfile::tempdir().unwrap();
    for name in names(&folder.join("out/cuts")) {
        fs::copy(folder.join("out/cuts").join(&name), whole.path().join(name)).unwrap();
    }
    fs::remove_dir_all(folder.join("out")).unwrap();
    whole
}

#[test]
fn a_killed_extraction_leaves_whole_files() {
    if !is_permitted() {
        return;
    }
    let folder = season(2);
    let folder = folder.path();
    let mut random = Random(std::process::id().into());
    for args in [BATCH, SPLIT] {
        let whole = whole_of(folder, args);
        let most = if is_full_run() { 100 } else { 1 };
        for calls in [
            "?mkdir,mkdirat",
            "fsync,fdatasync",
            "?link,linkat,?rename,renameat,renameat2",
            "write",
        ] {
            for _ in 0..most {
                let k = 1 + usize::try_from(random.below(8)).unwrap();
                let mut command = command_in(folder);
                disturb(command.args(args.split(' ')), calls, Disturbance::Kill, k);
                // A directory is empty for a moment before its first file.
                let _ = ["out/cuts", "out"].map(|it| fs::remove_dir(folder.join(it)));
                check(folder, whole.path(), &format!("{args}: {calls}, {k}"));
                let _ = fs::remove_dir_all(folder.join("out"));
            }
        }
    }
}

#[test]
fn a_full_disk_stops_an_extraction_at_its_first_file() {
    if !is_permitted() {
        return;
    }
    let folder = season(2);
    let folder = folder.path();
    for args in [BATCH, SPLIT] {
        let whole = whole_of(folder, args);
        for (k, error) in [(1, "ENOSPC"), (2, "EDQUOT"), (4, "ENOSPC"), (5, "EROFS")] {
            let what = format!("{args}: {k}, {error}");
            let mut command = command_in(folder);
            let disturbed =
                disturb(command.args(args.split(' ')), "fsync", Disturbance::Error(error), k);
            let output = disturbed.unwrap();
            assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
            assert_eq!(check(folder, whole.path(), &what), k - 1, "{what}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(said.matches("cannot write").count(), 1, "{what}: {said}");
            assert!(error == "EROFS" || said.contains("free some space"), "{what}: {said}");
            let manifest = folder.join("out/cuts/manifest.csv");
            assert_eq!(manifest.exists(), args == BATCH && k > 1, "{what}");
            // What the hint advises works.
            let args = format!("{args} --force");
            run_in(folder, args.split(' ')).exits(0);
            assert_eq!(names(&folder.join("out/cuts")), names(whole.path()), "{what}");
            fs::remove_dir_all(folder.join("out")).unwrap();
        }
    }
}

#[test]
fn an_interrupted_batch_lists_what_it_cut() {
    let folder = season(60);
    let folder = folder.path();
    let whole = whole_of(folder, BATCH);
    let mut command = Command::new(env!("CARGO_BIN_EXE_opus-zarr"));
    command.args(BATCH.split(' ')).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let cuts = folder.join("out/cuts");
    while fs::read_dir(&cuts).map_or(0, Iterator::count) < 5 {
        sleep(Duration::from_millis(2));
    }
    assert!(
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success()
    );
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("run the same command again with --force"), "{said}");
    assert!(check(folder, whole.path(), "interrupted") >= 4);
    assert!(cuts.join("manifest.csv").exists());
}

#[test]
fn two_extractions_into_one_directory_do_not_mix() {
    let folder = season(2);
    let folder = folder.path();
    fs::create_dir_all(folder.join("out/cuts")).unwrap();
    let other = File::open(folder.join("out/cuts")).unwrap();
    other.lock().unwrap();
    for args in [BATCH.to_owned(), SPLIT.to_owned(), format!("{BATCH} --force")] {
        let refused = run_in(folder, args.split(' ')).exits(11);
        assert!(
            refused.stderr.contains("another extract is writing to \"out/cuts\""),
            "{refused:?}"
        );
        assert!(refused.stderr.contains("pass another directory"), "{refused:?}");
        assert!(names(&folder.join("out/cuts")).is_empty(), "{args}");
    }
    drop(other);
    run_in(folder, BATCH.split(' ')).exits(0);
}
