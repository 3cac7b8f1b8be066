//! Imports report their progress and can be cancelled at any moment.

use std::{ops::ControlFlow, path::PathBuf};

use opus_zarr::{ErrorKind, ImportOptions, Progress, Stage, Store, import};
use opus_zarr_testkit::{fast_folder, testdata};
use tempfile::TempDir;

#[test]
fn progress_never_goes_back() {
    let folder = fast_folder();
    for file in files(&folder) {
        let (stages, told) = watched(&file);
        assert_eq!(told.last().unwrap().stage, Stage::Sync, "{file:?}");
        assert!(stages.is_sorted_by_key(|stage| stages.iter().position(|other| other == stage)));
        for pair in told.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            assert!(after.elapsed >= before.elapsed);
            if before.stage == after.stage {
                assert!(after.bytes >= before.bytes && after.audio >= before.audio, "{after:?}");
            }
            assert!(after.bytes <= after.total_bytes, "{after:?}");
            assert_eq!(after.left.is_some(), after.bytes > 0, "{after:?}");
        }
    }
}

#[test]
fn cancelling_at_any_moment_leaves_nothing() {
    let folder = fast_folder();
    for file in files(&folder) {
        let (_, told) = watched(&file);
        for count in 1..told.len() {
            let folder = fast_folder();
            let store = Store::open_or_create(folder.path().join("store")).unwrap();
            let mut calls = 0;
            let result = import(&file, &store, "a", &options(), |_| {
                calls += 1;
                if calls >= count { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert!(
                result.is_err_and(|error| error.kind() == ErrorKind::Cancelled),
                "{file:?}: {count} of {}",
                told.len()
            );
            assert_eq!(calls, count, "called again after cancelling");
            let left = folder.path().join("store").read_dir().map_or(0, Iterator::count);
            assert!(left <= 1, "{file:?}: more than zarr.json is left");
        }
    }
}

/// Imports a file. Returns its stages and every report.
fn watched(file: &PathBuf) -> (Vec<Stage>, Vec<Progress>) {
    let folder = fast_folder();
    let store = Store::open_or_create(folder.path().join("store")).unwrap();
    let mut told = Vec::new();
    let tell = |progress: &Progress| {
        told.push(*progress);
        ControlFlow::Continue(())
    };
    import(file, &store, "a", &options(), tell).unwrap();
    (told.iter().map(|progress| progress.stage).collect(), told)
}

fn options() -> ImportOptions {
    ImportOptions::default().exact(true)
}

/// A file that is stored verbatim, one that is remuxed, and one that is encoded.
fn files(folder: &TempDir) -> Vec<PathBuf> {
    vec![testdata("chirps-stereo.opus"), testdata("golden/trio.opus"), wave(folder)]
}

/// Three seconds.
fn wave(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("source.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    (0..9_000).for_each(|k| (0..16).for_each(|n| writer.write_sample(k * n / 8).unwrap()));
    writer.finalize().unwrap();
    path
}
