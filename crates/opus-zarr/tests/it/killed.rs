//! Processes that are killed (SIGKILL) while they write. Every visible recording is complete, and what
//! they leave behind does not get in the way.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use opus_zarr::unwatched;
use opus_zarr_store::Store;
use opus_zarr_testkit::{
    fast_folder, is_full_run,
    operations::Supplies,
    processes::this_test,
    recordings::{MONO, all, bytes_of, import_to, open_at, store_of, stream_of},
    testdata,
    tree::{Tree, drafts, visible},
    warnings::warnings_of,
};

/// The names of a recording that is renamed over and over.
const MOVED: [&str; 2] = ["here", "there"];
const ROUNDS: u32 = 10;

/// A child process that has begun its work.
struct Worker(Child);

impl Worker {
    /// Starts an ignored test of this module and waits until it begins.
    fn start(test: &str, store: &Path, round: u32) -> Self {
        let mut command = this_test(module_path!(), test);
        command
            .env("OPUS_ZARR_TEST_STORE", store)
            .env("OPUS_ZARR_TEST_ROUND", round.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        assert!(said.lines().any(|line| line.unwrap().contains(BEGIN)), "{test} did not begin");
        Self(child)
    }

    /// Tells it which file to import, which it waits for.
    fn with_file(mut self, file: &Path) -> Self {
        let mut stdin = self.0.stdin.take().unwrap();
        writeln!(stdin, "{}", file.display()).unwrap();
        self
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        let status = self.0.wait().unwrap();
        assert_eq!(status.code(), None, "the child was not killed: {status}");
    }

    /// Kills it after at most this many microseconds. Returns when.
    fn kill_within(self, micros: u64) -> Duration {
        let delay = Duration::from_micros(RandomState::new().hash_one(0) % micros);
        thread::sleep(delay);
        self.kill();
        delay
    }
}

#[test]
fn every_visible_recording_of_a_killed_import_is_complete() {
    let folder = fast_folder();
    let store = folder.path().join("store");
    let whole = stream_of(MONO);
    let (file, expected) = (bytes_of(MONO), whole.decode_i16(&(0..whole.play_length()), 0));
    for round in 0..ROUNDS {
        let delay = Worker::start("child_that_imports", &store, round).kill_within(100_000);
        let seen = if store.exists() { visible(&store) } else { vec![] };
        for name in seen.iter().filter(|name| name.starts_with(&format!("{round}-"))) {
            let recording = open_at(&store, name).unwrap();
            assert!(recording.has_index(), "{name}, killed after {delay:?}");
            let (samples, warnings) = warnings_of(|| all::<i16>(&recording));
            assert!(samples == expected, "{name}, killed after {delay:?}");
            assert!(warnings.is_empty(), "{name}, killed after {delay:?}: {warnings:?}");
            let mut kept = vec![];
            recording.ogg_opus().read_to_end(&mut kept).unwrap();
            assert!(kept == file, "{name}, killed after {delay:?}");
        }
        import_to(testdata(MONO), &store, &format!("after {round}")).unwrap();
        assert!(drafts(&store).is_empty(), "killed after {delay:?}: {:?}", drafts(&store));
    }
}

/// At random moments of every operation that changes a store, except for those on the index. A full
/// run kills 1000 times.
#[test]
fn killing_a_process_during_any_change_leaves_every_recording_whole() {
    let folder = fast_folder();
    let supplies = Supplies::new(folder.path());
    let (file, store) = (supplies.file(), folder.path().join("store"));
    import_to(file, &store, "earlier").unwrap();
    import_to(file, &store, MOVED[0]).unwrap();
    let whole = Tree::of(&store.join("earlier"));
    let mut found = 0;
    let rounds = if is_full_run() { 1000 } else { 200 };
    for round in 0..rounds {
        let delay = Worker::start("child_that_changes_everything", &store, round)
            .with_file(file)
            .kill_within(60_000);
        let what = format!("round {round}, killed after {delay:?}");
        let seen = visible(&store);
        for name in &seen {
            let seen = Tree::of(&store.join(name)).without_drafts();
            whole.assert_same(&seen, &format!("{what}: {name}"));
        }
        let has = |name: &str| seen.iter().any(|seen| seen == name);
        assert!(has("earlier") && MOVED.into_iter().any(has), "{what}: {seen:?}");
        found += seen.len();

        let open = Store::open(&store).unwrap();
        let kept = MOVED.into_iter().find(|name| has(name)).unwrap();
        for name in seen.iter().filter(|name| !["earlier", kept].contains(&name.as_str())) {
            open.delete_recording(&name.parse().unwrap()).unwrap();
        }
        import_to(file, &store, "next").unwrap_or_else(|error| panic!("{what}: {error}"));
        open.delete_recording(&"next".parse().unwrap()).unwrap();
        assert_eq!(visible(&store), ["earlier", kept], "{what}");
        assert!(drafts(&store).is_empty(), "{what}: {:?}", drafts(&store));
    }
    println!("{found} recordings seen");
    let least = u64::from(rounds) * 21 / 10;
    assert!(wide(found) > least, "hardly any process made a recording: {found}");
}

#[test]
fn the_next_import_removes_the_draft_of_a_killed_process_but_not_of_a_live_one() {
    let folder = fast_folder();
    let store = folder.path().join("store");
    let worker = Worker::start("child_that_never_commits", &store, 0);
    import_to(testdata(MONO), &store, "beside").unwrap();
    assert_eq!(drafts(&store).len(), 1, "the draft of a live writer stays");
    worker.kill();
    assert_eq!(drafts(&store).len(), 1, "a killed writer leaves its draft");
    assert_eq!(visible(&store), ["beside"]);
    assert!(open_at(&store, "it").is_err(), "a draft opens as a recording");

    import_to(testdata(MONO), &store, "it").unwrap();
    assert_eq!(visible(&store), ["beside", "it"]);
    assert!(drafts(&store).is_empty(), "{:?}", drafts(&store));
}

#[test]
fn killing_a_rebuild_of_the_index_changes_no_sample_and_it_can_be_repeated() {
    let (store, recording) = store_of(MONO);
    let (whole, samples) = (Tree::of(store.path()), all::<i16>(&recording));
    for round in 0..ROUNDS {
        let delay = Worker::start("child_that_rebuilds", store.path(), 0).kill_within(50_000);
        let mut recording = open_at(store.path(), "it").unwrap();
        assert!(all::<i16>(&recording) == samples, "round {round}, killed after {delay:?}");
        recording.rebuild_index(unwatched).unwrap();
        let (read, warnings) = warnings_of(|| all::<i16>(&recording));
        assert!(read == samples, "round {round}, killed after {delay:?}: rebuilt");
        assert!(warnings.is_empty(), "{warnings:?}");
        whole.assert_same(&Tree::of(store.path()), &format!("killed after {delay:?}"));
    }
}

#[test]
#[ignore = "runs as a child process, which is killed"]
fn child_that_imports() {
    let Some((store, round)) = orders() else { return };
    for number in 0..1000 {
        import_to(testdata(MONO), &store, &format!("{round}-{number}")).unwrap();
    }
}

#[test]
#[ignore = "runs as a child process, which is killed"]
fn child_that_changes_everything() {
    let Some((path, _)) = orders() else { return };
    let mut file = String::new();
    io::stdin().read_line(&mut file).unwrap();
    let store = Store::open(&path).unwrap();
    let name = |name: &str| name.parse().unwrap();
    let mut moved = MOVED.map(name);
    if !store.contains(&moved[0]).unwrap() {
        moved.reverse();
    }
    for number in 0.. {
        let new = number.to_string();
        import_to(file.trim(), &path, &new).unwrap();
        store.rename_recording(&moved[0], &moved[1]).unwrap();
        moved.reverse();
        store.copy_recording(&moved[0], &store, &name(&format!("copy {new}"))).unwrap();
        store.delete_recording(&name(&new)).unwrap();
    }
}

#[test]
#[ignore = "runs as a child process, which is killed"]
fn child_that_never_commits() {
    let Some(store) = env::var_os("OPUS_ZARR_TEST_STORE") else { return };
    let store = Store::open_or_create(store).unwrap();
    let writer = store.create_recording(&"it".parse().unwrap()).unwrap();
    let mut blob = writer.blob().unwrap();
    blob.write_all(&bytes_of(MONO)).unwrap();
    println!("\n{BEGIN}");
    thread::sleep(Duration::from_secs(60));
}

#[test]
#[ignore = "runs as a child process, which is killed"]
fn child_that_rebuilds() {
    let Some((store, _)) = orders() else { return };
    let mut recording = open_at(store, "it").unwrap();
    for _ in 0..10_000 {
        recording.rebuild_index(unwatched).unwrap();
    }
}

/// In a child process: returns its store and round. `None` in any other process.
fn orders() -> Option<(PathBuf, String)> {
    let orders =
        Some((env::var_os("OPUS_ZARR_TEST_STORE")?.into(), env::var("OPUS_ZARR_TEST_ROUND").ok()?));
    println!("\n{BEGIN}");
    orders
}

const BEGIN: &str = "begin";

fn wide(number: usize) -> u64 {
    number.try_into().unwrap()
}
