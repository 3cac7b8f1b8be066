//! Long operations report their progress and can be cancelled at any moment.

use std::{ops::ControlFlow, path::PathBuf};

use opus_zarr::{
    Error, ErrorKind, ImportOptions, Progress, Recording, Stage, Store, VerifyLevel, VerifyOptions,
    import, unwatched,
};
use opus_zarr_testkit::{
    fast_folder,
    recordings::{STEREO, store_of},
    testdata,
    tree::Tree,
};
use tempfile::TempDir;

#[test]
fn progress_never_goes_back() {
    let folder = fast_folder();
    for file in files(&folder) {
        let (stages, told) = watched(&file);
        // The sync map of encoded audio follows from the packets.
        let is_encoded = file.extension().is_some_and(|extension| extension == "wav");
        let last = if is_encoded { Stage::Index } else { Stage::Sync };
        assert_eq!(told.last().unwrap().stage, last, "{file:?}");
        assert!(stages.is_sorted_by_key(|stage| stages.iter().position(|other| other == stage)));
        assert_forward(&told);
    }
}

fn assert_forward(told: &[Progress]) {
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

type Watch<'a> = &'a mut dyn FnMut(&Progress) -> ControlFlow<()>;
type Work = fn(&mut Recording, Watch<'_>) -> Result<(), Error>;

fn decode(recording: &Recording, watch: Watch<'_>, sample: f64) -> Result<(), Error> {
    let options = VerifyOptions::default().level(VerifyLevel::Decode).sample(sample);
    let found = recording.verify(&options, watch)?;
    assert!(found.faults.is_empty(), "{found:?}");
    Ok(())
}

/// The work on a stored recording, and its stages.
fn works() -> [(Work, &'static [Stage]); 5] {
    [
        (|recording, watch| recording.build_sync(watch), &[Stage::Sync]),
        (|recording, watch| recording.check_sync(watch).map(drop), &[Stage::Sync]),
        (|recording, watch| recording.rebuild_index(watch), &[Stage::Index]),
        (|recording, watch| decode(recording, watch, 1.0), &[Stage::Verify, Stage::Sync]),
        (|recording, watch| decode(recording, watch, 0.5), &[Stage::Verify]),
    ]
}

#[test]
fn work_on_a_recording_can_be_watched_and_cancelled_at_any_moment() {
    let (store, mut recording) = store_of(STEREO);
    recording.build_sync(unwatched).unwrap();
    let before = Tree::of(store.path());
    for (number, (work, stages)) in works().into_iter().enumerate() {
        let mut told = Vec::new();
        work(&mut recording, &mut |progress| {
            told.push(*progress);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_forward(&told);
        let mut found: Vec<Stage> = told.iter().map(|progress| progress.stage).collect();
        found.dedup();
        assert_eq!(found, stages, "{number}");
        assert!(told.last().unwrap().bytes > 0 || number == 4, "{number}: {told:?}");

        for count in [1, 2, told.len() / 2, told.len()] {
            let mut calls = 0;
            let result = work(&mut recording, &mut |_| {
                calls += 1;
                if calls >= count { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{number}: {error}");
            assert_eq!(calls, count, "{number}: called again after cancelling");
            before.assert_same(&Tree::of(store.path()), "cancelled");
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
