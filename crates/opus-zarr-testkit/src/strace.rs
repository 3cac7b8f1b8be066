//! Faults of the operating system: strace makes one system call of a child process fail.
//! Linux only.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::NamedTempFile;

use crate::skipped::say_skipped;

/// A kind of system call that fails.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// A set of calls as strace writes it. `?` marks those that not every machine has.
    calls: &'static str,
    error: &'static str,
    /// Makes such a call, without effect.
    call: fn(),
}

/// Faults of all the system calls by which the store writes.
pub const FAULTS: [Fault; 7] = [
    Fault { calls: "?mkdir,mkdirat", error: "ENOSPC", call: || drop(fs::create_dir("/")) },
    Fault { calls: "openat", error: "ENOSPC", call: || drop(File::open("/dev/null/none")) },
    Fault { calls: "write", error: "ENOSPC", call: write_nothing },
    Fault { calls: "fsync", error: "EIO", call: sync_nothing },
    Fault {
        calls: "?rename,renameat,renameat2",
        error: "EIO",
        call: || drop(fs::rename("/dev/null/none", "/dev/null/none")),
    },
    Fault {
        calls: "?link,linkat",
        error: "EPERM",
        call: || drop(fs::hard_link("/dev/null/none", "/dev/null/none")),
    },
    Fault { calls: "flock", error: "ENOLCK", call: lock_nothing },
];

/// What became of a child process.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its standard output.
    pub said: String,
    /// The threads in which a call failed.
    threads: BTreeSet<String>,
}

impl Outcome {
    /// Returns whether a call of this thread failed.
    pub fn has_failed_in(&self, thread: &str) -> bool {
        self.threads.contains(thread)
    }
}

/// Returns the number of the calling thread as strace writes it.
pub fn this_thread() -> String {
    let path = fs::read_link("/proc/thread-self").unwrap();
    path.file_name().unwrap().to_string_lossy().into_owned()
}

impl Fault {
    /// Runs a command in whose worker threads the k-th such call fails, counted from 1 after
    /// [`begin`](Self::begin).
    pub fn inject(&self, k: usize, command: &Command, folder: &Path) -> Outcome {
        let (log, when) = (folder.join("strace.log"), SKIPPED + k);
        let Self { calls, error, .. } = self;
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "--seccomp-bpf", "-e", "signal=none"])
            .args(["-e", &format!("trace={calls}")])
            .args(["-e", &format!("inject={calls}:error={error}:when={when}")])
            .arg("-o")
            .arg(&log)
            .arg(command.get_program())
            .args(command.get_args());
        for (key, value) in command.get_envs() {
            strace.env(key, value.unwrap_or_default());
        }
        let output = strace.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complains = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self} at {k}:\n{said}{complains}");
        let log = fs::read_to_string(log).unwrap();
        let failed = log.lines().filter(|line| line.contains("(INJECTED)"));
        let threads = failed.filter_map(|line| line.split_whitespace().next());
        Outcome { said, threads: threads.map(str::to_owned).collect() }
    }

    /// In a new thread of a child: makes so many calls that strace, which counts the calls of
    /// each thread, never reaches k in the threads that the child needs to live.
    pub fn begin(&self) {
        (0..SKIPPED).for_each(|_| (self.call)());
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.error, self.calls)
    }
}

/// What happens to a whole command, whichever thread makes the call.
#[derive(Clone, Copy, Debug)]
pub enum Disturbance {
    /// It is killed (SIGKILL) before the call.
    Kill,
    /// The call fails with this error.
    Error(&'static str),
    /// This call and all later ones fail with this error.
    Errors(&'static str),
}

/// Kinds of calls by which a command reads and writes files, as strace writes them.
pub const CALLS: [&str; 15] = [
    "?mkdir,mkdirat",
    "openat",
    "write,pwrite64",
    "fsync,fdatasync",
    "?rename,renameat,renameat2",
    "?link,linkat",
    "?unlink,unlinkat,?rmdir",
    "flock",
    "ftruncate",
    "read,pread64",
    "getdents64",
    "newfstatat,statx,fstat",
    "copy_file_range,sendfile,fallocate",
    "utimensat",
    "?chmod,fchmod,fchmodat",
];

/// Runs a command whose k-th such call, counted from 1 in each of its threads, is disturbed. Returns
/// `None` if it makes fewer.
pub fn disturb(
    command: &Command,
    calls: &str,
    disturbance: Disturbance,
    k: usize,
) -> Option<Output> {
    let log = NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "signal=none", "-e", &format!("trace={calls}")]);
    match disturbance {
        // Without this option, since with it no signal is sent.
        Disturbance::Kill => {
            strace.args(["-e", &format!("inject={calls}:signal=SIGKILL:when={k}")])
        }
        Disturbance::Error(error) => strace
            .arg("--seccomp-bpf")
            .args(["-e", &format!("inject={calls}:error={error}:when={k}")]),
        Disturbance::Errors(error) => strace
            .arg("--seccomp-bpf")
            .args(["-e", &format!("inject={calls}:error={error}:when={k}+")]),
    };
    strace.arg("-o").arg(log.path()).arg(command.get_program()).args(command.get_args());
    strace.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    // Where the loader would look for every library first.
    strace.env_remove("LD_LIBRARY_PATH");
    let output = strace.output().unwrap();
    let is_disturbed = match disturbance {
        // strace ends as its child did.
        Disturbance::Kill => output.status.code().is_none(),
        Disturbance::Error(_) | Disturbance::Errors(_) => {
            fs::read_to_string(log.path()).unwrap().contains("(INJECTED)")
        }
    };
    is_disturbed.then_some(output)
}

/// Returns whether this machine permits tracing. Says so if not.
pub fn is_permitted() -> bool {
    let mut probe = Command::new("strace");
    probe.args(["-f", "--seccomp-bpf", "-o", "/dev/null"]);
    probe.args(["-e", "inject=fsync:error=EIO:when=1", "true"]);
    let why = match probe.output() {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    say_skipped(&format!("failing system calls: cannot trace: {why}"));
    false
}

fn write_nothing() {
    File::options().write(true).open("/dev/null").unwrap().write_all(b"x").unwrap();
}

fn sync_nothing() {
    drop(File::open("/dev/null").unwrap().sync_all());
}

fn lock_nothing() {
    drop(File::open("/dev/null").unwrap().try_lock_shared());
}

/// More calls than a process makes to start and end.
const SKIPPED: usize = 50;
