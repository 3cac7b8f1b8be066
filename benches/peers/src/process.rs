use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A program that reads seconds; see `serve` in lib.rs.
pub(crate) struct Peer {
    pub(crate) command: Vec<String>,
    pub(crate) reads: Reads,
}

#[derive(Clone, Copy)]
pub(crate) enum Reads {
    /// The Ogg Opus file.
    File,
    /// The store that it was imported into.
    Store,
}

/// A running peer.
pub(crate) struct Process {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the peer on the file or store at `path`.
    pub(crate) fn start(&self, path: &Path) -> Process {
        let mut child = Command::new(&self.command[0])
            .args(&self.command[1..])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Process { child, requests, answers }
    }
}

impl Process {
    /// Opens the file on this number of threads and returns the name of the library.
    pub(crate) fn open(&mut self, threads: usize) -> String {
        self.request(&format!("open {threads}"));
        self.line()
    }

    /// Reads a second at each place. Returns the total time in nanoseconds, then that of each read.
    pub(crate) fn times(&mut self, places: &[u64]) -> Vec<u64> {
        let places: Vec<String> = places.iter().map(u64::to_string).collect();
        self.request(&format!("times {}", places.join(" ")));
        self.line().split(' ').map(|number| number.parse().unwrap()).collect()
    }

    /// Reads one second of `count` interleaved samples.
    pub(crate) fn samples(&mut self, at: u64, count: usize) -> Vec<f32> {
        self.request(&format!("samples {at}"));
        let mut bytes = vec![0; count * 4];
        self.answers.read_exact(&mut bytes).unwrap();
        let (samples, _) = bytes.as_chunks();
        samples.iter().copied().map(f32::from_le_bytes).collect()
    }

    /// The memory peak so far, in kB.
    pub(crate) fn peak(&mut self) -> u32 {
        self.request("peak");
        self.line().parse().unwrap()
    }

    fn request(&mut self, line: &str) {
        writeln!(self.requests.as_ref().unwrap(), "{line}").unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Process {
    /// Closes the input, which ends the peer.
    fn drop(&mut self) {
        self.requests = None;
        let _ = self.child.wait();
    }
}
