//! Imports that are interrupted and continued.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use ogg_opus_demux::OggOpusWriter;
use opus_packet::{OpusHead, OpusTags};

use crate::support::run_in;

#[test]
fn a_killed_import_of_a_thousand_files_continues_to_the_same_store() {
    let folder = files(1000);
    import(folder.path(), "whole.zarr").exits(0);
    let mut child = begin(folder.path(), "killed.zarr", 500);
    child.kill().unwrap();
    child.wait().unwrap();
    let there = tree(&folder.path().join("killed.zarr")).len();
    let resumed = import(folder.path(), "killed.zarr").exits(0);
    let summary = &resumed.lines("summary")[0];
    let number = |field: &str| summary[field].as_u64().unwrap();
    assert_eq!(number("present") + number("imported"), 1000, "{summary}");
    assert!(number("present") >= 500 && number("imported") > 0, "{summary}");
    let [whole, killed] =
        ["whole.zarr", "killed.zarr"].map(|store| tree(&folder.path().join(store)));
    assert!(there < whole.len());
    assert!(whole == killed, "{} files and {}", whole.len(), killed.len());
}

#[test]
fn an_interrupted_import_says_how_to_continue() {
    let folder = files(200);
    let mut child = begin(folder.path(), "a.zarr", 10);
    // Tests that run in the background may inherit that SIGINT is ignored.
    let interrupted =
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let status = child.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(said.contains("run the same command again to continue"), "{said}");
    let list = run_in(folder.path(), ["list", "a.zarr", "--json"]).exits(0);
    let whole = run_in(folder.path(), ["verify", "a.zarr"]).exits(0);
    assert!(list.lines("recording").len() >= 10, "{whole:?}");
}

/// As `nohup` does for SIGHUP, and a shell without job control for SIGINT.
#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    for signal in ["HUP", "INT", "TERM"] {
        let folder = files(100);
        let program = env!("CARGO_BIN_EXE_opus-zarr");
        let script =
            format!("trap '' {signal}; exec {program} import -r files a.zarr --settle 0 --json");
        let mut child = start(Command::new("sh").args(["-c", &script]), folder.path());
        wait_for_lines(&mut child, 10);
        let id = child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{signal}: {output:?}");
        let list = run_in(folder.path(), ["list", "a.zarr", "--json"]).exits(0);
        assert_eq!(list.lines("recording").len(), 100, "{signal}");
    }
}

fn import(folder: &Path, store: &str) -> crate::support::Outcome {
    run_in(folder, ["import", "-r", "files", store, "--settle", "0", "--json"])
}

/// Starts an import and waits for this many lines.
fn begin(folder: &Path, store: &str, count: usize) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opus-zarr"));
    let mut child =
        start(command.args(["import", "-r", "files", store, "--settle", "0", "--json"]), folder);
    wait_for_lines(&mut child, count);
    child
}

fn start(command: &mut Command, folder: &Path) -> Child {
    command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The pipe stays open, so that the command can continue to write.
fn wait_for_lines(child: &mut Child, count: usize) {
    let stdout = child.stdout.as_mut().unwrap();
    assert_eq!(BufReader::new(stdout).lines().take(count).map(Result::unwrap).count(), count);
}

/// Creates short files that differ only in a comment.
fn files(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let head = OpusHead::new(1, 312, 48_000).unwrap();
    for number in 0..count {
        let directory = folder.path().join(format!("files/{}", number % 10));
        fs::create_dir_all(&directory).unwrap();
        let file = File::create(directory.join(format!("{number}.opus"))).unwrap();
        let comment = format!("TRACKNUMBER={number}");
        let tags = OpusTags::new("a test", [comment.as_str()]);
        let mut writer = OggOpusWriter::new(file, 1, &head, &tags).unwrap();
        for _ in 0..10 {
            writer.write(&[0xf8, 0xff, 0xfe]).unwrap();
        }
        writer.finish(0).unwrap();
    }
    folder
}

/// Reads all files below a folder.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}
