//! Support for the tests of all verbs.

use opus_zarr_testkit::recordings::import_to;
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the command in a folder, without a terminal.
pub(crate) fn run_in<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Outcome {
    outcome(command_in(folder).args(args))
}

/// Prepares the command in a folder.
pub(crate) fn command_in(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opus-zarr"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs a command. Files that a test has just made are imported at once, unless it says otherwise.
pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let mut args = command.get_args();
    if args.next() == Some(OsStr::new("import")) && args.all(|arg| arg != "--settle") {
        command.args(["--settle", "0"]);
    }
    let output = command.output().unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `opus-zarr serve`, asks it at its address, and ends it as a supervisor does.
pub(crate) fn serve(folder: &Path, args: &[&str], ask: impl FnOnce(&str)) -> Outcome {
    let mut command = command_in(folder);
    command.arg("serve").args(args).args(["--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut stderr = String::new();
    errors.read_line(&mut stderr).unwrap();
    let address = stderr.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    let address = address.unwrap_or_else(|| panic!("no address: {stderr}")).to_owned();
    ask(&address);
    let killed = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    errors.read_to_string(&mut stderr).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    Outcome { code: output.status.code().unwrap(), stdout, stderr }
}

/// Sends a GET request; returns the answer with its head.
pub(crate) fn get(address: &str, target: &str, fields: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let head =
        format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

impl Outcome {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Returns the JSON lines of a type on standard output.
    pub(crate) fn lines(&self, kind: &str) -> Vec<Value> {
        let lines = self.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["type"] == kind).collect()
    }
}

/// Creates a folder with the store `a.zarr`, which holds these files of `testdata/` under these names.
pub(crate) fn folder_with(recordings: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("a.zarr");
    opus_zarr::Store::open_or_create(&store).unwrap().create().unwrap();
    for (file, name) in recordings {
        import_to(testdata(file), &store, name).unwrap();
    }
    folder
}

/// Returns the path of a file in the repository's `testdata/`.
pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// Two seconds of speech.
pub(crate) const NOTES: &str = "golden/notes.opus";
/// 21 seconds of speech.
pub(crate) const LONG_NOTES: &str = "field-notes.opus";

/// Returns the verbs that `--help` lists.
pub(crate) fn verbs() -> Vec<String> {
    let help = run_in(Path::new("."), ["--help"]).exits(0).stdout;
    let (_, listed) = help.split_once("\nCommands:\n").unwrap();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    // Indented further, a line continues the one above.
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !["", "help"].contains(name)).map(str::to_owned).collect()
}
