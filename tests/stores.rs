//! Stores of many recordings and of many writers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::{env, fs, sync::Barrier, thread};

use opus_zarr::{Imported, Recording, import};
use opus_zarr_store::Store;
use support::{
    processes::this_test,
    recordings::{MONO, all, stream_of},
    stream::Pages,
    testdata,
    tree::{drafts, visible},
};

#[test]
fn a_store_of_300_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = (folder.path().join("short.opus"), folder.path().join("store"));
    fs::write(&file, stream_of(MONO).shortened(10).write(Pages::OfOneSecond)).unwrap();
    let names: Vec<String> = (0..300).map(|number| format!("recording {number:03}")).collect();
    let expected: Vec<i16> = all(&import(&file, &store, &names[0]).unwrap().into_first());
    for name in &names[1..] {
        import(&file, &store, name).unwrap();
    }
    assert_eq!(visible(&store), names);
    for name in &names {
        let recording = Recording::open(&store, name).unwrap();
        assert!(all::<i16>(&recording) == expected, "{name}");
    }
}

#[test]
fn threads_that_make_one_store_at_once_all_open_it() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..200 {
        let store = folder.path().join(round.to_string());
        let start = Barrier::new(8);
        let make = || {
            start.wait();
            Store::open_or_create(&store).map(drop).map_err(|error| error.to_string())
        };
        let results: Vec<Result<(), String>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(results.iter().all(Result::is_ok), "round {round}: {results:?}");
        assert!(drafts(&store).is_empty(), "round {round}");
    }
}

#[test]
fn threads_make_a_store_and_import_into_it_at_once() {
    let expected = stream_of(MONO).shortened(10);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("short.opus");
    fs::write(&file, expected.write(Pages::OfOneSecond)).unwrap();
    for round in 0..25 {
        let store = folder.path().join(format!("store {round}"));
        let start = Barrier::new(8);
        let import_as = |name: String| {
            start.wait();
            import(&file, &store, &name).map(drop).map_err(|error| error.to_string())
        };
        let results: Vec<Result<(), String>> = thread::scope(|scope| {
            let spawn = |number| scope.spawn(move || import_as(format!("thread {number}")));
            let threads: Vec<_> = (0..8).map(spawn).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(results.iter().all(Result::is_ok), "round {round}: {results:?}");
        assert_eq!(visible(&store).len(), 8, "round {round}");
        assert!(drafts(&store).is_empty(), "round {round}");
    }
}

#[test]
fn of_threads_that_import_one_name_exactly_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let start = Barrier::new(6);
    let import_it = || {
        start.wait();
        import(testdata(MONO), &store, "it")
            .map(Imported::into_first)
            .map_err(|error| error.to_string())
    };
    let results: Vec<Result<Recording, String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(import_it)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 5));
    for error in lost.into_iter().map(Result::unwrap_err) {
        assert_eq!(error, format!("{store:?} already holds a recording \"it\""));
    }
    assert_eq!(visible(&store), ["it"]);
    assert!(drafts(&store).is_empty(), "no draft is left");
}

#[test]
fn processes_import_into_one_store_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let spawn = |process: &&str| {
        let mut command = this_test("child_imports_ten");
        command
            .env("OPUS_ZARR_TEST_STORE", &store)
            .env("OPUS_ZARR_TEST_PROCESS", process)
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = ["a", "b", "c"].iter().map(spawn).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "a child failed");
    }
    assert_eq!(visible(&store).len(), 30);
    assert!(drafts(&store).is_empty(), "no draft is left");
    let expected = stream_of(MONO);
    let expected = expected.decode_i16(&(0..expected.play_length()), 0);
    for name in visible(&store) {
        assert!(all::<i16>(&Recording::open(&store, &name).unwrap()) == expected, "{name}");
    }
}

#[test]
#[ignore = "a child process of processes_import_into_one_store_at_once"]
fn child_imports_ten() {
    let (Some(store), Ok(process)) =
        (env::var_os("OPUS_ZARR_TEST_STORE"), env::var("OPUS_ZARR_TEST_PROCESS"))
    else {
        return;
    };
    for number in 0..10 {
        import(testdata(MONO), &store, &format!("{process}{number}")).unwrap();
    }
}
