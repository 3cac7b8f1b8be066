//! Reads random seconds of long recordings with this project and with its peers, in one run, on one
//! and two threads, from a short and a long recording, and decodes from end to end:
//! `cargo run --release --manifest-path benches/peers/Cargo.toml`.
//!
//! Takes the number of reads and the minutes of the short and the long recording [default: 1000 60
//! 360]. Prints Markdown tables.

mod files;
mod install;
mod measure;
mod ours;
mod process;
#[path = "../../../crates/opus-zarr-testkit/src/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests use more of it")]
mod random;
#[path = "../../../crates/opus-zarr-testkit/src/tones.rs"]
#[allow(unreachable_pub, reason = "the benches use it too")]
mod tones;
mod whole;

use std::{env, path::Path, thread};

use files::{Audio, Files};
use random::Random;

fn main() {
    if cfg!(debug_assertions) {
        return println!("Unoptimised code is not worth measuring: run with --release.");
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [request, name, store] = &arguments[..]
        && request == "serve"
    {
        return ours::serve_ours(name, Path::new(store));
    }
    let number = |place: usize, default| {
        arguments.get(place).map_or(default, |argument| argument.parse().unwrap())
    };
    let (reads, short, long) = (number(0, 1000), number(1, 60), number(2, 360));
    let peers = install::peers();
    let folder = tempfile::tempdir().unwrap();
    let mut lengths = vec![short, long];
    lengths.dedup();
    let all = make(&lengths, folder.path());
    for files in &all {
        measure::random_seconds(files, &peers, reads);
    }
    for files in all.iter().filter(|files| files.minutes == short) {
        measure::accuracy(files, &peers);
        whole::from_end_to_end(files, reads);
    }
}

fn make(lengths: &[usize], folder: &Path) -> Vec<Files> {
    let all = [Audio::Speech, Audio::Celt { channels: 1 }, Audio::Celt { channels: 2 }];
    thread::scope(|scope| {
        let start =
            |minutes| all.map(|audio| scope.spawn(move || Files::new(audio, minutes, folder)));
        let makers: Vec<_> = lengths.iter().copied().flat_map(start).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    })
}

impl Random {
    /// Where `count` random seconds begin, within `minutes`.
    fn seconds(&mut self, count: usize, minutes: usize) -> Vec<u64> {
        let end = u64::try_from(minutes).unwrap() * 60 * 48_000 - 2 * 48_000;
        (0..count).map(|_| self.below(end)).collect()
    }
}
