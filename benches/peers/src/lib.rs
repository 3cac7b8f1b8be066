//! The peer's side: a program that reads seconds of a file on request.
//!
//! Each line on its standard input is a request, which it answers on its standard output:
//!
//! - `open N` opens the file on N threads and answers with a line that names the library.
//! - `times AT..` reads a second at each place (in play samples), divided among the threads. The
//!   answer is a line with the total time in nanoseconds, then that of each read.
//! - `samples AT` reads one second and answers with its samples as little-endian `f32`.
//! - `peak` answers with the program's memory peak in kB.

use std::{
    fs,
    io::{self, Write},
    iter,
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, Scope},
    time::Instant,
};

/// The length of a read, in samples per channel.
pub const SECOND: u64 = 48_000;

/// Answers until the input ends. Calls `open` on the thread that reads.
pub fn serve<R: FnMut(u64) -> Vec<f32>>(what: &str, open: impl Fn() -> R + Sync) {
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for line in io::stdin().lines() {
            let line = line.unwrap();
            let (request, numbers) = line.split_once(' ').unwrap_or((&line, ""));
            let numbers: Vec<u64> = numbers.split(' ').flat_map(str::parse).collect();
            let mut out = io::stdout().lock();
            match request {
                "open" => {
                    workers = (0..numbers[0]).map(|_| Worker::start(scope, &open)).collect();
                    workers.iter().for_each(Worker::wait);
                    writeln!(out, "{what}").unwrap();
                }
                "times" => writeln!(out, "{}", join(&times(&workers, &numbers))).unwrap(),
                "samples" => {
                    let samples = workers[0].read(numbers).samples;
                    let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
                    out.write_all(&bytes).unwrap();
                }
                "peak" => writeln!(out, "{}", peak()).unwrap(),
                other => panic!("unknown request: {other}"),
            }
            out.flush().unwrap();
        }
    });
}

/// The total time, then that of each read.
fn times(workers: &[Worker], places: &[u64]) -> Vec<u128> {
    let start = Instant::now();
    for (number, worker) in workers.iter().enumerate() {
        let share = places.iter().copied().skip(number).step_by(workers.len());
        worker.jobs.send(share.collect()).unwrap();
    }
    let each: Vec<u128> =
        workers.iter().flat_map(|worker| worker.done.recv().unwrap().times).collect();
    iter::once(start.elapsed().as_nanos()).chain(each).collect()
}

/// A thread with an open file.
struct Worker {
    jobs: Sender<Vec<u64>>,
    done: Receiver<Done>,
}

#[derive(Default)]
struct Done {
    times: Vec<u128>,
    /// The samples of the last read.
    samples: Vec<f32>,
}

impl Worker {
    fn start<'scope, R: FnMut(u64) -> Vec<f32>>(
        scope: &'scope Scope<'scope, '_>,
        open: &'scope (impl Fn() -> R + Sync),
    ) -> Self {
        let (jobs, places) = channel::<Vec<u64>>();
        let (results, done) = channel();
        scope.spawn(move || {
            let mut read = open();
            for job in iter::once(vec![]).chain(places) {
                let mut done = Done::default();
                for at in job {
                    let start = Instant::now();
                    done.samples = read(at);
                    done.times.push(start.elapsed().as_nanos());
                }
                results.send(done).unwrap();
            }
        });
        Self { jobs, done }
    }

    /// Waits until the file is open.
    fn wait(&self) {
        self.done.recv().unwrap();
    }

    fn read(&self, places: Vec<u64>) -> Done {
        self.jobs.send(places).unwrap();
        self.done.recv().unwrap()
    }
}

/// Memory peak in kB, as reported by Linux.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn join(numbers: &[u128]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u128::to_string).collect();
    numbers.join(" ")
}
