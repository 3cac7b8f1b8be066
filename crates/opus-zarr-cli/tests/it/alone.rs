//! Where the system starts no more threads, as in containers with a limit, reading works and nothing
//! panics.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
};

use opus_zarr::{Recording, Store, unwatched};
use opus_zarr_testkit::{is_full_run, say_skipped};

use crate::support::{NOTES, Outcome, folder_with, outcome, run_in};

/// Runs the command where it has few threads. The limit does not apply to root, so it runs as nobody then.
fn run_alone(folder: &Path, threads: u64, args: &[&str]) -> Outcome {
    outcome(command(folder, threads, env!("CARGO_BIN_EXE_opus-zarr")).args(args))
}

fn command(folder: &Path, threads: u64, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    if fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0) {
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
        command.args(nobody).arg("--inh-caps=-all");
    }
    let limit = format!("--nproc={threads}:{threads}");
    command.args(["prlimit", &limit, program]).current_dir(folder);
    command
}

#[test]
fn every_verb_that_reads_works_in_one_thread() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let store = Store::open(folder.path().join("a.zarr")).unwrap();
    Recording::open(&store, "a").unwrap().build_sync(unwatched).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    // A shell that cannot fork shows that the limit holds.
    let shell = command(folder.path(), 1, "sh").args(["-c", "true & wait"]).output();
    if !shell.is_ok_and(|shell| String::from_utf8_lossy(&shell.stderr).contains("fork")) {
        return say_skipped("no limit of threads can be set here");
    }
    if outcome(&mut command(folder.path(), 1, env!("CARGO_BIN_EXE_opus-zarr"))).code == 126 {
        return say_skipped("another user cannot run the command");
    }
    let most = if is_full_run() { 5 } else { 2 };
    for threads in 1..=most {
        for line in READS.lines() {
            let line = line.replace('#', &threads.to_string());
            let args: Vec<&str> = line.split(' ').collect();
            let done = run_alone(folder.path(), threads, &args);
            assert!(!done.stderr.contains("panicked"), "{line}: {done:#?}");
            // Encoding needs threads and says so.
            assert!(done.code == 0 || args[0] == "import", "{line}: {done:#?}");
        }
    }
    run_in(folder.path(), ["extract", "a.zarr/a", "-o", "whole.wav"]).exits(0);
    let whole = fs::read(folder.path().join("whole.wav")).unwrap();
    for threads in 1..=most {
        let alone = fs::read(folder.path().join(format!("{threads}.wav"))).unwrap();
        assert!(alone == whole, "the samples of {threads} threads");
    }
}

/// `#` is the number of threads.
const READS: &str = "list a.zarr
info a.zarr/a
meta a.zarr/a
verify a.zarr --level decode
extract a.zarr/a -o #.wav
extract a.zarr/b -o #.flac
export a.zarr/a -o #.opus
sync --check a.zarr/a
plot a.zarr/a -o #.png
inspect #.opus
copy --all a.zarr copy#.zarr
sync --force copy#.zarr/b
reindex copy#.zarr/b
import #.opus new.zarr
import #.wav new.zarr --name wav#";

#[test]
fn a_distant_store_without_threads_is_an_error() {
    let folder = folder_with(&[]);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    for threads in 1..6 {
        let done = run_alone(folder.path(), threads, &["list", "http://127.0.0.1:9/a.zarr"]);
        assert!(!done.stderr.contains("panicked") && done.code != 0, "{threads}: {done:#?}");
    }
}
