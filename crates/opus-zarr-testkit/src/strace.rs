//! Faults of the operating system: strace makes one system call of a child process fail.
//! Linux only.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
};

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
