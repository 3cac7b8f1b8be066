//! Real disks that are full or read-only: a tmpfs in a mount namespace, where a child process
//! imports. Linux only.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use opus_zarr::{Recording, unwatched};

use opus_zarr_testkit::{
    chain,
    recordings::{MONO, first_and_last, import_to, open_at},
    say_skipped, testdata,
    tree::{Tree, drafts, visible},
};

/// How to make a disk, and which ignored tests run on it.
#[derive(Clone, Copy)]
pub(crate) struct Disk {
    /// A shell script: `$1` is the mount point, `$2` the test executable.
    script: &'static str,
}

pub(crate) const FULL: Disk = Disk {
    script: r#"mount -t tmpfs -o size=2m,nr_inodes=200 none "$1" &&
        "$2" --exact bad_input::child_on_a_full_disk --ignored --nocapture"#,
};

pub(crate) const READ_ONLY: Disk = Disk {
    script: r#"mount -t tmpfs -o size=2m none "$1" &&
        "$2" --exact bad_input::child_on_a_disk_that_becomes_read_only --ignored --nocapture &&
        mount -o remount,bind,ro "$1" &&
        "$2" --exact bad_input::child_on_a_read_only_disk --ignored --nocapture"#,
};

impl Disk {
    /// Returns the errors of imports to the disk, mounted at this directory. Where mounting is not
    /// permitted, says so and returns nothing.
    pub(crate) fn refusals(&self, at: &Path) -> Vec<String> {
        let probe = in_namespace(r#"mount -t tmpfs none "$1""#, at);
        if let Some(why) = failure(&probe) {
            say_skipped(&format!("imports to full and read-only disks: cannot mount: {why}"));
            return vec![];
        }
        let child = in_namespace(self.script, at);
        if let Some(why) = failure(&child) {
            panic!("on the disk: {why}\n{}", String::from_utf8_lossy(&child.unwrap().stdout));
        }
        let said = String::from_utf8(child.unwrap().stdout).unwrap();
        let refusals: Vec<String> =
            said.lines().filter_map(|line| line.strip_prefix(REFUSED)).map(str::to_owned).collect();
        assert!(!refusals.is_empty(), "the child refused nothing:\n{said}");
        refusals
    }
}

fn in_namespace(script: &str, at: &Path) -> io::Result<Output> {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command.arg(at).arg(env::current_exe()?).env(DISK, at).output()
}

fn failure(output: &io::Result<Output>) -> Option<String> {
    match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

/// In a child process: returns its disk. `None` in any other process.
pub(crate) fn disk_of_child() -> Option<PathBuf> {
    env::var_os(DISK).map(PathBuf::from)
}

/// In a child process: imports with ever more bytes, then ever more files, left on the disk.
pub(crate) fn import_to_a_full_disk(disk: &Path) {
    let here = Place::new(disk);
    let mut named = BTreeSet::new();
    for pages in 0.. {
        leave_bytes(disk, pages * 4096);
        here.assert_that_rebuilding_the_index_changes_nothing();
        let Some(error) = here.refusal("No space left on device") else { break };
        let files = ["opus_blob/c/0", "opus_index/c/0/0", "zarr.json"];
        named.extend(files.into_iter().filter(|file| error.contains(file)));
    }
    assert_eq!(named.len(), 3, "the disk was full only at {named:?}");
    leave_bytes(disk, 1 << 20);
    for files in 0.. {
        leave_files(disk, files);
        here.assert_that_no_new_store_is_half_made("No space left on device");
        if here.refusal("No space left on device").is_none() {
            assert!(files > 8, "an import succeeded with room for {files} files and directories");
            break;
        }
    }
}

/// In a child process: imports a recording that must stay readable.
pub(crate) fn import_while_writable(disk: &Path) {
    recording_from_before(&disk.join("store"));
}

/// In a child process: imports to a read-only disk.
pub(crate) fn import_to_a_read_only_disk(disk: &Path) {
    let here = Place::new(disk);
    here.refusal("Read-only file system").expect("the disk is read-only");
    here.assert_that_no_new_store_is_half_made("Read-only file system");
    here.assert_that_rebuilding_the_index_changes_nothing();
}

/// A store on a bad disk, with a recording from before.
struct Place {
    store: PathBuf,
    new_store: PathBuf,
    earlier: [Vec<i16>; 2],
}

impl Place {
    fn new(disk: &Path) -> Self {
        let (store, new_store) = (disk.join("store"), disk.join("new"));
        let earlier = first_and_last(&recording_from_before(&store));
        Self { store, new_store, earlier }
    }

    /// Imports. Returns the error, if any, after checking that nothing is left.
    fn refusal(&self, reason: &str) -> Option<String> {
        let before = Tree::of(&self.store);
        let Err(error) = import_to(testdata(MONO), &self.store, "it") else {
            fs::remove_dir_all(self.store.join("it")).unwrap();
            return None;
        };
        let error = report(&error, reason);
        assert!(error.contains(self.store.to_str().unwrap()), "no path in {error}");
        before.assert_same(&Tree::of(&self.store), &error);
        let earlier = first_and_last(&open_at(&self.store, "earlier").unwrap());
        assert!(earlier == self.earlier, "the earlier recording after {error}");
        Some(error)
    }

    fn assert_that_no_new_store_is_half_made(&self, reason: &str) {
        if let Err(error) = import_to(testdata(MONO), &self.new_store, "it") {
            let error = report(&error, reason);
            assert!(error.contains(self.new_store.to_str().unwrap()), "no path in {error}");
            let is_bare =
                || visible(&self.new_store).is_empty() && drafts(&self.new_store).is_empty();
            assert!(!self.new_store.exists() || is_bare(), "something is left after {error}");
        }
        let _ = fs::remove_dir_all(&self.new_store);
    }

    fn assert_that_rebuilding_the_index_changes_nothing(&self) {
        let before = Tree::of(&self.store);
        let rebuilt = open_at(&self.store, "earlier").unwrap().rebuild_index(unwatched);
        before.assert_same(&Tree::of(&self.store), &format!("rebuilding: {rebuilt:?}"));
    }
}

fn recording_from_before(store: &Path) -> Recording {
    if store.exists() {
        return open_at(store, "earlier").unwrap();
    }
    import_to(testdata(MONO), store, "earlier").unwrap().into_first()
}

/// Prints the error for the parent process.
fn report(error: &opus_zarr::Error, reason: &str) -> String {
    let error = chain(error);
    println!("\n{REFUSED}{error}");
    assert!(error.contains(reason), "no \"{reason}\" in {error}");
    error
}

/// Fills the disk except for this many bytes.
fn leave_bytes(disk: &Path, free: u64) {
    let path = disk.join("filler");
    let mut filler = fs::File::create(&path).unwrap();
    while filler.write(&[0; 4096]).is_ok() {}
    let full = filler.metadata().unwrap().len();
    filler.set_len(full - free).unwrap();
}

/// Fills the disk except for this many files.
fn leave_files(disk: &Path, free: usize) {
    let fillers = disk.join("fillers");
    let _ = fs::remove_dir_all(&fillers);
    fs::create_dir(&fillers).unwrap();
    let mut number = 0;
    while fs::write(fillers.join(number.to_string()), "").is_ok() {
        number += 1;
    }
    for filler in number - free..number {
        fs::remove_file(fillers.join(filler.to_string())).unwrap();
    }
}

/// The environment variable that names the disk of a child process.
const DISK: &str = "OPUS_ZARR_TEST_DISK";
/// The beginning of the lines that the parent reads.
const REFUSED: &str = "refused: ";
