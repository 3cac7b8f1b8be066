//! Stores with many recordings and many writers.

use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::Barrier,
    thread,
};

use opus_zarr::{ErrorKind, Imported, StoreErrorKind};
use opus_zarr_store::{RecordingName, Store};
use opus_zarr_testkit::{
    fast_folder,
    processes::this_test,
    recordings::{MONO, all, import_to, open_at, stream_of},
    stream::Pages,
    testdata,
    tree::{Tree, drafts, visible},
    warnings::warnings_of,
};

#[test]
fn a_store_holds_300_recordings() {
    let folder = fast_folder();
    let (file, store) = (folder.path().join("short.opus"), folder.path().join("store"));
    fs::write(&file, stream_of(MONO).shortened(10).write(Pages::OfOneSecond)).unwrap();
    let names: Vec<String> = (0..300).map(|number| format!("recording {number:03}")).collect();
    let expected: Vec<i16> = all(&import_to(&file, &store, &names[0]).unwrap().into_first());
    for name in &names[1..] {
        import_to(&file, &store, name).unwrap();
    }
    assert_eq!(visible(&store), names);
    for name in &names {
        let recording = open_at(&store, name).unwrap();
        assert!(all::<i16>(&recording) == expected, "{name}");
    }
}

#[test]
fn threads_that_create_one_store_concurrently_all_open_it() {
    let folder = fast_folder();
    for round in 0..200 {
        let store = folder.path().join(round.to_string());
        let start = Barrier::new(8);
        let make = || {
            start.wait();
            Store::open_or_create(&store)
                .and_then(|store| store.create())
                .map_err(|error| error.to_string())
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
fn threads_create_a_store_and_import_into_it_concurrently() {
    let expected = stream_of(MONO).shortened(10);
    let folder = fast_folder();
    let file = folder.path().join("short.opus");
    fs::write(&file, expected.write(Pages::OfOneSecond)).unwrap();
    for round in 0..25 {
        let store = folder.path().join(format!("store {round}"));
        let start = Barrier::new(8);
        let import_as = |name: String| {
            start.wait();
            import_to(&file, &store, &name).map(drop).map_err(|error| error.to_string())
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
fn exactly_one_of_the_threads_that_import_one_name_writes_it() {
    let folder = fast_folder();
    let store = folder.path().join("store");
    let start = Barrier::new(6);
    let import_it = || {
        start.wait();
        import_to(testdata(MONO), &store, "it").map_err(|error| error.to_string())
    };
    let results: Vec<Result<Imported, String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(import_it)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // An import that begins later returns the recording; one that began before fails.
    let written = results.iter().flatten().filter(|imported| imported.earlier == 0).count();
    assert_eq!(written, 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert_eq!(error, format!("{store:?} already has a recording \"it\""));
    }
    assert_eq!(visible(&store), ["it"]);
    assert!(drafts(&store).is_empty(), "a draft is left");
}

#[test]
fn eight_processes_import_into_one_store_while_eight_read_it() {
    let folder = fast_folder();
    let (store, file) = short_file(folder.path());
    import_to(&file, &store, "earlier").unwrap();
    let readers: Vec<Child> = (0..8).map(|_| spawn("child_that_reads", &store, "")).collect();
    let importers: Vec<Child> =
        (0..8).map(|process| spawn("child_imports_ten", &store, &process.to_string())).collect();
    importers.into_iter().for_each(|child| drop(said_by(child)));
    fs::write(folder.path().join(STOP), "").unwrap();
    let read: Vec<u64> = readers.into_iter().map(|child| said_by(child).parse().unwrap()).collect();
    println!("recordings read by each reader: {read:?}");
    assert!(read.iter().all(|&count| count > 0));
    let names = visible(&store);
    assert_eq!(names.len(), 81, "{names:?}");
    assert!(drafts(&store).is_empty(), "a draft is left");
    let whole = Tree::of(&store.join("earlier"));
    for name in names {
        whole.assert_same(&Tree::of(&store.join(&name)), &name);
    }
}

#[test]
fn exactly_one_of_the_processes_that_import_the_same_names_writes_each() {
    let folder = fast_folder();
    let (store, _) = short_file(folder.path());
    let children: Vec<Child> = (0..4).map(|_| spawn("child_imports_ten", &store, "same")).collect();
    let won: Vec<u64> = children.into_iter().map(|child| said_by(child).parse().unwrap()).collect();
    println!("won by each process: {won:?}");
    assert_eq!(won.iter().sum::<u64>(), 10, "{won:?}");
    assert_eq!(visible(&store).len(), 10);
    assert!(drafts(&store).is_empty(), "a draft is left");
}

#[test]
fn exactly_one_of_the_threads_that_delete_a_recording_succeeds() {
    let folder = fast_folder();
    let (store, file) = short_file(folder.path());
    import_to(&file, &store, "earlier").unwrap();
    let store = Store::open(store).unwrap();
    let name = |name: &str| name.parse::<RecordingName>().unwrap();
    for round in 0..50 {
        store.copy_recording(&name("earlier"), &store, &name("it")).unwrap();
        let start = Barrier::new(4);
        let delete = || {
            start.wait();
            store.delete_recording(&name("it"))
        };
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(delete)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (done, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(done.len(), 1, "round {round}: {refused:?}");
        for error in refused.into_iter().map(Result::unwrap_err) {
            assert_eq!(error.kind(), StoreErrorKind::NoSuchRecording, "round {round}: {error}");
        }
    }
    assert!(drafts(&folder.path().join("store")).is_empty());
}

/// Imports ten recordings and prints how many of them it wrote.
#[test]
#[ignore = "runs as a child process"]
fn child_imports_ten() {
    let Some((store, process)) = orders() else { return };
    let (mut won, file) = (0, store.with_file_name(SHORT));
    // Each process begins with another name, so that all of them win and lose.
    let first = std::process::id();
    for number in (0..10).map(|count| (first + count) % 10) {
        match import_to(&file, &store, &format!("{process}{number}")) {
            Ok(imported) if imported.earlier == 0 => won += 1,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::RecordingExists => {}
            Err(error) => panic!("{process}{number}: {error}"),
        }
    }
    println!("\n{SAYS}{won}");
}

/// Reads every recording over and over, and prints how many that were.
#[test]
#[ignore = "runs as a child process"]
fn child_that_reads() {
    let Some((store, _)) = orders() else { return };
    let mut expected: Option<(Vec<i16>, Vec<u8>)> = None;
    let mut count = 0;
    while !store.with_file_name(STOP).exists() {
        for name in Store::open(&store).unwrap().recordings().unwrap() {
            let name = name.unwrap();
            let recording = open_at(&store, name.as_str()).unwrap();
            let (read, warnings) = warnings_of(|| all::<i16>(&recording));
            assert!(warnings.is_empty(), "{name}: {warnings:?}");
            let mut bytes = Vec::new();
            recording.ogg_opus().read_to_end(&mut bytes).unwrap();
            let found = (read, bytes);
            assert!(found == *expected.get_or_insert_with(|| found.clone()), "{name} is torn");
            count += 1;
        }
    }
    println!("\n{SAYS}{count}");
}

/// Returns the path of a new store in a folder, and a short file to import.
fn short_file(folder: &Path) -> (PathBuf, PathBuf) {
    let file = folder.join(SHORT);
    fs::write(&file, stream_of(MONO).shortened(10).write(Pages::OfOneSecond)).unwrap();
    (folder.join("store"), file)
}

fn spawn(test: &str, store: &Path, process: &str) -> Child {
    let mut command = this_test(module_path!(), test);
    command.env("OPUS_ZARR_TEST_STORE", store).env("OPUS_ZARR_TEST_PROCESS", process);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// Waits for a child process and returns its result.
fn said_by(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "a child failed: {said}");
    said.lines().find_map(|line| line.strip_prefix(SAYS)).unwrap().to_owned()
}

/// In a child process: returns its store and its number. `None` in any other process.
fn orders() -> Option<(PathBuf, String)> {
    Some((env::var_os("OPUS_ZARR_TEST_STORE")?.into(), env::var("OPUS_ZARR_TEST_PROCESS").ok()?))
}

const SHORT: &str = "short.opus";
/// A file beside the store that tells readers to stop.
const STOP: &str = "stop";
const SAYS: &str = "result: ";
