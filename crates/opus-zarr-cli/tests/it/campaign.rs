//! Every verb, killed at each of its system calls, or with each of them failing: it does all of its work or
//! none, says so, and completes when it runs again. Linux only.

mod company;

use std::{fs, path::Path, process::Output};

use opus_zarr_testkit::{
    Random, fast_folder, is_full_run,
    recordings::{MONO, import_to, stream_of},
    strace::{CALLS, Disturbance, disturb, is_permitted},
    stream::Pages,
    tree::Tree,
};

use serde_json::Value;

use crate::support::{command_in, run_in};

/// A verb on the store `a.zarr`, which holds `earlier` and `it`.
const WRITING: [&[&str]; 12] = [
    &["import", "new.opus", "a.zarr", "--name", "new", "--settle", "0"],
    &["import", "new.opus", "a.zarr", "--name", "it", "--replace", "--settle", "0"],
    &["meta", "a.zarr/it", "--set", "note=5"],
    &["meta", "a.zarr/i*", "--start", "2026-05-12T20:15:00Z", "--author", "ann"],
    &["sync", "a.zarr/it", "--force"],
    &["reindex", "a.zarr/it"],
    &["rename", "a.zarr/it", "new"],
    &["rm", "--yes", "a.zarr/it"],
    &["copy", "a.zarr/it", "a.zarr/new"],
    &["copy", "a.zarr/it", "b.zarr"],
    &["extract", "a.zarr/it", "--samples", "0..960", "-o", "out.wav"],
    &["export", "a.zarr/it", "-o", "out.opus"],
];
const READING: [&[&str]; 3] = [&["list", "a.zarr"], &["info", "a.zarr/it"], &["verify", "a.zarr"]];
const ERRORS: [&str; 4] = ["EIO", "ENOSPC", "EACCES", "EMFILE"];

#[test]
fn a_verb_that_is_killed_at_any_call_completes_when_it_runs_again() {
    disturb_all(&WRITING, &[Disturbance::Kill]);
}

#[test]
fn a_verb_whose_call_fails_says_so_and_completes_when_it_runs_again() {
    disturb_all(&WRITING, &ERRORS.map(Disturbance::Error));
}

#[test]
fn a_failing_call_makes_nothing_look_damaged() {
    disturb_all(&READING, &ERRORS.map(Disturbance::Error));
}

/// Some file systems have no locks.
#[test]
fn every_verb_works_without_locks() {
    if !is_permitted() {
        return;
    }
    let folder = fast_folder();
    let before = start(folder.path());
    for args in WRITING {
        let trial = Trial::new(folder.path(), &before, args);
        for error in ["ENOSYS", "EOPNOTSUPP", "ENOLCK", "EINVAL"] {
            let output = trial.run("flock", Disturbance::Errors(error), 1);
            assert!(output.is_none_or(|output| output.status.success()), "{args:?}, {error}");
        }
    }
}

/// Disturbs all calls of each verb in a full run, otherwise a few of them.
#[allow(clippy::print_stdout, reason = "how large the campaign was")]
fn disturb_all(verbs: &[&[&str]], disturbances: &[Disturbance]) {
    if !is_permitted() {
        return;
    }
    let folder = fast_folder();
    let before = start(folder.path());
    let mut random = Random(std::process::id().into());
    // About 60 in all, of which some verbs make fewer.
    let share = 400 / u64::try_from(verbs.len() * disturbances.len()).unwrap();
    let mut count = 0;
    for args in verbs {
        let trial = Trial::new(folder.path(), &before, args);
        for calls in CALLS {
            for disturbance in disturbances {
                if is_full_run() {
                    count += (1..).map_while(|k| trial.run(calls, *disturbance, k)).count();
                } else if random.below(100) < share {
                    let k = 1 + usize::try_from(random.below(5)).unwrap();
                    count += usize::from(trial.run(calls, *disturbance, k).is_some());
                }
            }
        }
    }
    println!("{count} calls disturbed");
    assert!(count > 4, "{count}");
}

/// Makes the store and the file that `import` reads.
fn start(folder: &Path) -> Tree {
    let file = |name: &str, packets| {
        let path = folder.join("start").join(name);
        fs::write(&path, stream_of(MONO).shortened(packets).write(Pages::OfOneSecond)).unwrap();
        path
    };
    fs::create_dir(folder.join("start")).unwrap();
    for (name, packets) in [("earlier", 10), ("it", 12)] {
        let path = file(name, packets);
        import_to(&path, folder.join("start/a.zarr"), name).unwrap();
        fs::remove_file(path).unwrap();
    }
    file("new.opus", 14);
    opus_zarr::Store::open_or_create(folder.join("start/b.zarr")).unwrap().create().unwrap();
    Tree::of(&folder.join("start"))
}

/// Reads everything in a folder, but not when a clock was corrected, nor the checksum of that.
fn tree_of(place: &Path) -> Tree {
    Tree::of(place).without_drafts().map_files(|path, content| {
        let document = serde_json::from_slice::<Value>(&content).ok();
        let Some(mut document) = document.filter(|_| path.ends_with("it/zarr.json")) else {
            return content;
        };
        let ours = &mut document["attributes"]["opus_zarr"];
        let Some(changes) = ours.pointer_mut("/clock/changes") else { return content };
        changes.as_array_mut().unwrap().iter_mut().for_each(|change| change["time"] = Value::Null);
        ours["checksum"] = Value::Null;
        document.to_string().into_bytes()
    })
}

struct Trial<'a> {
    folder: &'a Path,
    args: &'a [&'a str],
    before: &'a Tree,
    after: Tree,
    /// Standard output.
    said: Vec<u8>,
}

impl<'a> Trial<'a> {
    fn new(folder: &'a Path, before: &'a Tree, args: &'a [&'a str]) -> Self {
        let place = folder.join("undisturbed");
        before.write(&place);
        let said = run_in(&place, args).exits(0).stdout.into_bytes();
        let after = tree_of(&place);
        fs::remove_dir_all(place).unwrap();
        Self { folder, args, before, after, said }
    }

    /// Runs the verb with its k-th call disturbed. Returns `None` if it makes fewer.
    fn run(&self, calls: &str, disturbance: Disturbance, k: usize) -> Option<Output> {
        let place = self.folder.join("disturbed");
        self.before.write(&place);
        let result = disturb(command_in(&place).args(self.args), calls, disturbance, k);
        if let Some(output) = &result {
            let what = format!("{:?}, {disturbance:?} at {calls} {k}: {output:?}", self.args);
            self.check(&place, output, calls, &what);
        }
        fs::remove_dir_all(place).unwrap();
        result
    }

    fn check(&self, place: &Path, output: &Output, calls: &str, what: &str) {
        let now = tree_of(place);
        match output.status.code() {
            // The loader of the system found a library unreadable.
            Some(127) => {}
            Some(0) => {
                self.after.assert_same(&now, what);
                // Others say how long they took.
                let is_timeless = ["list", "info"].contains(&self.args[0]);
                assert!(output.stdout == self.said || !is_timeless, "{what}");
            }
            // The message may be what could not be written.
            Some(code) => assert!(
                [1, 3, 5, 10, 11].contains(&code)
                    && (calls.starts_with("write") || !output.stderr.is_empty()),
                "{what}"
            ),
            None => {}
        }
        let is_before = self.changes(&now).is_empty();
        assert!(is_before || now == self.after, "{what}: {:?}", self.changes(&now));
        run_in(place, ["verify", "a.zarr"]).exits(0);
        let again = run_in(place, self.args);
        assert!(again.code == 0 || now == self.after, "{what}: again: {again:?}");
        let finally = tree_of(place);
        let differences = self.after.differences(&finally);
        let is_left = |path: &Path| path.to_string_lossy().starts_with(".opus-zarr-");
        assert!(differences.iter().all(|path| is_left(path)), "{what}: {differences:?}");
    }

    /// Returns what changed that a reader sees: neither the unfinished output of a killed command, nor a
    /// sync map that no document names yet.
    fn changes<'t>(&'t self, now: &'t Tree) -> Vec<&'t Path> {
        let is_hidden = |path: &&Path| {
            path.starts_with("a.zarr/it/opus_sync") && self.args[0] == "sync"
                || path.to_string_lossy().starts_with(".opus-zarr-")
        };
        now.differences(self.before).into_iter().filter(|path| !is_hidden(path)).collect()
    }
}
