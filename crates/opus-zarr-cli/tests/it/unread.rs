//! Commands whose output nobody reads, or that cannot be written. Work is done all the same, and damage
//! is never passed over.

use std::{
    fs::{self, File},
    path::Path,
    process::Stdio,
};

use crate::support::{LONG_NOTES, NOTES, Outcome, command_in, folder_with, outcome, testdata};

/// Runs a command that writes to a pipe without a reader, or to a full disk.
fn run_into(folder: &Path, sink: Sink, args: &[&str]) -> Outcome {
    let mut command = command_in(folder);
    command.args(args).stderr(Stdio::piped());
    match sink {
        Sink::Unread => {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            command.stdout(writer);
        }
        Sink::Full => {
            command.stdout(File::options().write(true).open("/dev/full").unwrap());
        }
    }
    let child = command.spawn().unwrap();
    drop(command);
    let output = child.wait_with_output().unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sink {
    Unread,
    Full,
}

impl Sink {
    /// The exit code of a command that did all of its work.
    fn exit(self) -> i32 {
        match self {
            Self::Unread => 0,
            Self::Full => 1,
        }
    }
}

fn names(folder: &Path, store: &str) -> usize {
    let listed = outcome(command_in(folder).args(["list", store, "--json"]));
    listed.exits(0).lines("recording").len()
}

#[test]
fn work_is_done_whoever_reads() {
    for sink in [Sink::Unread, Sink::Full] {
        let folder = folder_with(&[]);
        let folder = folder.path();
        fs::create_dir(folder.join("card")).unwrap();
        for number in 0..5 {
            fs::copy(testdata(NOTES), folder.join(format!("card/{number}.opus"))).unwrap();
        }
        let run = |args: &[&str]| {
            for json in [&[][..], &["--json"]] {
                let done = run_into(folder, sink, &[args, json].concat()).exits(sink.exit());
                assert_eq!(done.stderr.contains("cannot write"), sink == Sink::Full, "{done:?}");
            }
        };
        run(&["import", "-r", "card", "a.zarr", "-j", "1", "--settle", "0"]);
        assert_eq!(names(folder, "a.zarr"), 5, "{sink:?}");
        run(&["copy", "--all", "a.zarr", "b.zarr"]);
        assert_eq!(names(folder, "b.zarr"), 5, "{sink:?}");
        run(&["verify", "b.zarr"]);
        run(&["sync", "b.zarr/0", "b.zarr/1", "b.zarr/2"]);
        let args = ["rm", "b.zarr/0", "b.zarr/1", "b.zarr/2", "--yes"];
        run_into(folder, sink, &args).exits(sink.exit());
        assert_eq!(names(folder, "b.zarr"), 2, "{sink:?}");
    }
}

#[test]
fn damage_is_reported_whoever_reads() {
    for sink in [Sink::Unread, Sink::Full] {
        let folder = folder_with(&[(NOTES, "a"), (LONG_NOTES, "b"), (NOTES, "c")]);
        let shard = folder.path().join("a.zarr/b/opus_blob/c/0");
        let mut bytes = fs::read(&shard).unwrap();
        bytes[5000] ^= 1;
        fs::write(&shard, bytes).unwrap();
        let done = run_into(folder.path(), sink, &["verify", "a.zarr"]).exits(4);
        assert!(done.stderr.contains("1 of 3"), "{done:?}");
    }
}
