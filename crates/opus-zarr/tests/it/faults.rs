//! Storage that fails. Wherever it does, an operation has done all of its work or none, says why in
//! one line, and succeeds when repeated.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use opus_zarr_store::{LocalStorage, MemoryStorage, Storage, Store};
use opus_zarr_testkit::{
    fast_folder,
    faulty::Faulty,
    operations::{EARLIER, Operation, Snapshot, Supplies, check, name, snapshot},
    processes::this_test,
    strace::{self, FAULTS, Fault},
    tree::drafts,
};

#[test]
fn operations_survive_a_failure_of_every_call_to_a_storage_in_memory() {
    every_call_may_fail(|_| Arc::new(MemoryStorage::new()));
}

#[test]
fn operations_survive_a_failure_of_every_call_to_a_storage_in_a_directory() {
    every_call_may_fail(|folder| Arc::new(LocalStorage::new(folder)));
}

fn every_call_may_fail(new: impl Fn(PathBuf) -> Arc<dyn Storage>) {
    let folder = fast_folder();
    let supplies = Supplies::new(folder.path());
    for operation in Operation::local() {
        let store = |number: u64| {
            let storage = new(folder.path().join(format!("{operation:?} {number}")));
            let store = Store::open_or_create_in(storage).unwrap();
            supplies.fill(&store);
            store
        };
        let untouched = store(0);
        let before = snapshot(&untouched);
        operation.run(&untouched, &supplies).unwrap();
        let after = snapshot(&untouched);
        for failing in 1.. {
            let store = store(failing);
            let (faulty, calls) = Faulty::new(store.storage().clone(), failing);
            let result = Store::open_in(faulty).map_err(|error| error.to_string());
            let result = result.and_then(|faulty| operation.run(&faulty, &supplies));
            let what = format!("{operation:?}, failing at {failing}");
            check(operation, &result, &store, &supplies, [&before, &after], &what);
            if !calls.has_failed() {
                assert!(failing > 2 && result.is_ok(), "{what}: {result:?}");
                break;
            }
        }
    }
}

/// A shard is finished while the next one is written. An error there is reported, too.
#[test]
fn writing_two_shards_survives_a_failure_of_every_call() {
    let memory: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    Store::open_or_create_in(memory.clone()).unwrap().create().unwrap();
    let zeros = vec![0; 1 << 20];
    let write = |store: &Store| -> Result<(), Box<dyn Error>> {
        let mut blob = store.create_recording(&name("it"))?.blob()?;
        (0..17).try_for_each(|_| blob.write_all(&zeros))?;
        assert_eq!(blob.finish()?.len(), 17 << 20);
        Ok(())
    };
    for failing in 1.. {
        let (faulty, calls) = Faulty::new(memory.clone(), failing);
        let result = Store::open_in(faulty).map_err(Into::into).and_then(|store| write(&store));
        if !calls.has_failed() {
            assert!(failing > 5 && result.is_ok(), "{failing}: {result:?}");
            break;
        }
        let error = result.expect_err(&format!("failing at {failing}"));
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
        assert_eq!(Store::open_in(memory.clone()).unwrap().recordings().unwrap().count(), 0);
    }
}

#[test]
fn operations_survive_a_failure_of_every_system_call_that_writes() {
    if !strace::is_permitted() {
        return;
    }
    let folder = fast_folder();
    let supplies = Supplies::new(folder.path());
    let scenes = Scenes::new(&folder.path().join("template"), &supplies);
    thread::scope(|scope| {
        for (number, fault) in FAULTS.iter().enumerate() {
            let stage = folder.path().join(number.to_string());
            let (scenes, supplies) = (&scenes, &supplies);
            scope.spawn(move || every_k_may_fail(number, fault, scenes, &stage, supplies));
        }
    });
}

/// A store to work on, and what it holds before and after each operation.
struct Scenes {
    template: PathBuf,
    before: Snapshot,
    after: BTreeMap<String, Snapshot>,
}

impl Scenes {
    fn new(folder: &Path, supplies: &Supplies) -> Self {
        let template = folder.join("store");
        supplies.fill(&Store::open_or_create(&template).unwrap());
        let mut scenes = Self { template, before: Snapshot::new(), after: BTreeMap::new() };
        scenes.before = snapshot(&Store::open(&scenes.template).unwrap());
        scenes.set(folder, &Operation::local().collect::<Vec<_>>());
        for operation in Operation::local() {
            let store = Store::open(stage_of(folder, operation)).unwrap();
            operation.run(&store, supplies).unwrap();
            scenes.after.insert(format!("{operation:?}"), snapshot(&store));
        }
        scenes
    }

    /// Makes a new store for each operation.
    fn set(&self, folder: &Path, operations: &[Operation]) {
        for operation in operations {
            let stage = stage_of(folder, *operation);
            let _ = fs::remove_dir_all(&stage);
            copy_tree(&self.template, &stage);
        }
    }
}

fn every_k_may_fail(
    number: usize,
    fault: &Fault,
    scenes: &Scenes,
    folder: &Path,
    supplies: &Supplies,
) {
    let mut operations = Operation::local().collect::<Vec<_>>();
    for k in 1.. {
        scenes.set(folder, &operations);
        let mut child = this_test(module_path!(), "child_with_faults");
        child.env(FAULT, number.to_string()).env(FILE, supplies.file());
        child.env(FOLDER, folder).env(OPERATIONS, format!("{operations:?}"));
        let outcome = fault.inject(k, &child, folder);
        operations.retain(|&operation| {
            let what = format!("{operation:?}, {fault} at {k}");
            let (result, thread) = result_of(operation, &outcome.said);
            let stage = stage_of(folder, operation);
            let store = Store::open(&stage).unwrap();
            let states = [&scenes.before, &scenes.after[&format!("{operation:?}")]];
            check(operation, &result, &store, supplies, states, &what);
            store.copy_recording(&name(EARLIER), &store, &name("next")).unwrap();
            assert!(drafts(&stage).is_empty(), "{what}: {:?}", drafts(&stage));
            outcome.has_failed_in(&thread)
        });
        if operations.is_empty() {
            assert!(k > 1, "{fault}: no such call");
            break;
        }
    }
}

#[test]
#[ignore = "runs as a child process, whose system calls fail"]
fn child_with_faults() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let fault = FAULTS[env::var(FAULT).unwrap().parse::<usize>().unwrap()];
    let supplies = Supplies::of(env::var_os(FILE).unwrap().into());
    let operations = env::var(OPERATIONS).unwrap();
    let is_asked = |operation: &Operation| {
        operations.split(|c: char| !c.is_alphabetic()).any(|name| name == format!("{operation:?}"))
    };
    for operation in Operation::local().filter(is_asked) {
        let store = Store::open(stage_of(&folder, operation)).unwrap();
        // strace counts the calls of each thread from its beginning.
        let work = || {
            fault.begin();
            (operation.run(&store, &supplies), strace::this_thread())
        };
        let (result, thread) = thread::scope(|scope| scope.spawn(work).join().unwrap());
        let error = result.err().unwrap_or_default();
        assert!(error.lines().count() <= 1, "{operation:?}: {error}");
        println!("\n{SAYS}{operation:?} {thread} {error}");
    }
}

/// Returns the outcome of an operation in the child process, and the thread that ran it.
fn result_of(operation: Operation, said: &str) -> (Result<(), String>, String) {
    let start = format!("{SAYS}{operation:?} ");
    let line = said.lines().find_map(|line| line.strip_prefix(&start));
    let line = line.unwrap_or_else(|| panic!("no {start} in\n{said}"));
    let (thread, error) = line.split_once(' ').unwrap();
    let result = if error.is_empty() { Ok(()) } else { Err(error.to_owned()) };
    (result, thread.to_owned())
}

fn stage_of(folder: &Path, operation: Operation) -> PathBuf {
    folder.join(format!("{operation:?}"))
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

const FAULT: &str = "OPUS_ZARR_TEST_FAULT";
const FOLDER: &str = "OPUS_ZARR_TEST_FOLDER";
const OPERATIONS: &str = "OPUS_ZARR_TEST_OPERATIONS";
const FILE: &str = "OPUS_ZARR_TEST_FILE";
const SAYS: &str = "result of ";
