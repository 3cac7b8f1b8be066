//! Compares decoding a recording in one thread and in two with libopus alone, which decodes the
//! packets of the whole, and two halves in two threads. The latter is the limit.
//! `cargo bench --bench threads -- 7 FILE...` repeats each seven times and takes Opus files;
//! without files it makes speech and CELT.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::{
    fs,
    hint::black_box,
    num::NonZeroUsize,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use opus_zarr::{ImportOptions, ReadMode, Recording};
use opus_zarr_testkit::recordings::import_with;
use streams::{decode, packets, write_all};

mod streams;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let repetitions = arguments.first().map_or(5, |first| first.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for file in arguments.iter().skip(1) {
        measure(Path::new(file), folder.path(), repetitions);
    }
    if arguments.len() < 2 {
        for name in write_all(folder.path()) {
            measure(&folder.path().join(name), folder.path(), repetitions);
        }
    }
}

fn measure(file: &Path, folder: &Path, repetitions: usize) {
    let name = file.file_stem().unwrap().to_str().unwrap();
    let options = ImportOptions::default().exact(true);
    let mut recording =
        import_with(file, folder.join("store"), name, &options).unwrap().into_first();
    assert_eq!(recording.read_mode(), ReadMode::Exact);
    let (head, packets) = packets(&recording);
    let (first, second) = packets.split_at(packets.len() / 2);
    let mut runs: [(&str, Vec<Took>); 4] = [
        ("libopus alone", Vec::new()),
        ("libopus alone, two halves in two threads", Vec::new()),
        ("stream, 1 thread", Vec::new()),
        ("stream, 2 threads", Vec::new()),
    ];
    for _ in 0..repetitions {
        runs[0].1.push(time(|| decode(&head, &packets)));
        runs[1].1.push(time(|| {
            thread::scope(|scope| {
                scope.spawn(|| decode(&head, first));
                scope.spawn(|| decode(&head, second));
            });
        }));
        for threads in [1, 2] {
            recording.set_threads(NonZeroUsize::new(threads).unwrap());
            runs[1 + threads].1.push(time(|| stream(&recording)));
        }
    }
    println!("{name}: {:.0?}, {repetitions} times", recording.info().duration());
    let least = runs.map(|(what, took)| {
        let (wall, cpu) = (took.iter().map(|it| it.wall).min(), took.iter().map(|it| it.cpu).min());
        let wall = wall.unwrap();
        println!("  {what}: {wall:.2?}, {:.2?} of processor time", cpu.unwrap());
        wall.as_secs_f64()
    });
    println!("  libopus gains {:.2}, the stream {:.2}", least[0] / least[1], least[2] / least[3]);
}

fn stream(recording: &Recording) {
    let mut stream = recording.stream::<f32>(0..recording.info().play_length).unwrap();
    let mut buffer = vec![0.0; 65_536];
    while stream.read(&mut buffer).unwrap() > 0 {
        black_box(&buffer);
    }
}

#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    /// In user mode, in all threads.
    cpu: Duration,
}

fn time(work: impl FnOnce()) -> Took {
    let (start, cpu) = (Instant::now(), user_time());
    work();
    Took { wall: start.elapsed(), cpu: user_time().saturating_sub(cpu) }
}

/// As reported by Linux, in hundredths of a second.
fn user_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u64 = fields.split_whitespace().nth(11).unwrap().parse().unwrap();
    Duration::from_millis(10 * ticks)
}
