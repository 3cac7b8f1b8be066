use std::{
    hint::black_box,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use opus_segment_decode::PacketDecoder;
use opus_zarr::Recording;
use opus_zarr_peers::SECOND;

use crate::{
    Random,
    files::{Files, open},
    ours::Packets,
};

/// Compares a sequential decode with libopus, and one exact second with a decode from the start to
/// the end of that second.
pub(crate) fn from_end_to_end(files: &Files, reads: usize) {
    let mut recording = open(&files.store);
    // The two take turns, and other threads would decode ahead in the meantime.
    recording.set_threads(NonZeroUsize::MIN);
    let (libopus, ours) = minutes(&recording);
    let [all_libopus, all_ours] =
        [&libopus, &ours].map(|times| times.iter().sum::<Duration>().as_secs_f64());
    println!("\n### {}, {} minutes: from end to end, f32\n", files.audio.name(), files.minutes);
    println!("| only libopus | our stream | |");
    println!("|---|---|---|");
    println!("| {all_libopus:.2} s | {all_ours:.2} s | {:.3} |", all_ours / all_libopus);

    let places = Random(5).seconds(reads, files.minutes);
    let read = |at| time(|| recording.read::<f32>(at..at + SECOND).unwrap());
    let reading = places.iter().map(|&at| read(at)).sum::<Duration>().as_secs_f64();
    let decoding = places.iter().map(|at| up_to(at + SECOND, &libopus)).sum::<Duration>();
    let mean = |seconds: f64| seconds * 1000.0 / f64::from(u32::try_from(reads).unwrap());
    println!(
        "\nTo the end of a random second, mean of {reads}: from the start {:.0} ms, exact read \
         {:.2} ms: {:.0} times as fast.",
        mean(decoding.as_secs_f64()),
        mean(reading),
        decoding.as_secs_f64() / reading
    );
}

const MINUTE: u64 = 60 * SECOND;

/// The time of each minute with libopus and with a stream that reads one second at a time. The two
/// take turns.
fn minutes(recording: &Recording) -> (Vec<Duration>, Vec<Duration>) {
    let packets = Packets::of(recording);
    let mut decoder = packets.decoder();
    let mut pcm = [0f32; 960 * 2];
    let mut libopus = |first: usize| {
        for number in first..packets.len().min(first + 60 * 50) {
            decoder.decode(black_box(packets.get(number)), &mut pcm).unwrap();
        }
    };
    let mut stream = recording.stream::<f32>(0..recording.info().play_length).unwrap();
    let mut second = vec![0f32; 48_000 * usize::from(recording.info().channels)];
    let mut ours = || (0..60).map(|_| stream.read(&mut second).unwrap()).sum::<usize>();
    let starts = (0..packets.len()).step_by(60 * 50);
    let times = starts.map(|first| (time(|| libopus(first)), time(&mut ours))).unzip();
    assert_eq!(stream.left(), 0);
    times
}

/// The time to decode from the start to `at`.
fn up_to(at: u64, minutes: &[Duration]) -> Duration {
    let whole = usize::try_from(at / MINUTE).unwrap();
    let begun = f64::from(u32::try_from(at % MINUTE).unwrap()) / 2_880_000.0;
    let rest = minutes.get(whole).map_or(Duration::ZERO, |minute| minute.mul_f64(begun));
    minutes[..whole].iter().sum::<Duration>() + rest
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}
