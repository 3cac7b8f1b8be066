//! Measures how fast this machine reads a recording from where it is stored.

mod counter;
mod random;

use std::{
    fmt,
    time::{Duration, Instant},
};

use indicatif::HumanBytes;
use opus_zarr::Recording;
use serde::Serialize;

use self::{
    counter::{Cost, counted},
    random::Random,
};
use crate::{
    failure::{Exit, Failure},
    nearest::or_nearest,
    output::{Line, Output},
    path::PathField,
    place::RecordingPlace,
    reads::Reads,
    text::seconds,
    threads::Threads,
};

/// Measure how fast a recording opens, reads random ranges, and decodes
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Recording, such as archive.zarr/station-4
    #[arg(value_name = "STORE/NAME")]
    recording: RecordingPlace,
    /// Number of ranges to read
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    reads: u32,
    /// Length of each range
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = opus_zarr::parse_duration)]
    length: Duration,
    /// Seed of the random positions; the same seed gives the same positions
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let (store, name) = (args.recording.open_store()?, &args.recording.name);
    let open = || or_nearest(Recording::open(&store, name.as_str()), &store, name);
    let mut recording = open()?;
    args.threads.apply(&mut recording);
    let samples = recording.samples_of(Duration::ZERO..args.length).end;
    let samples = samples.min(recording.info().play_length);
    if samples == 0 {
        let (place, length) = (&args.recording, seconds_text(seconds(args.length)));
        return Err(Failure::new(
            Exit::Error,
            format!("{place}: {length} is shorter than one sample"),
        ));
    }
    let benched = Benched {
        recording: args.recording.field("recording"),
        reads: Reads::of(&recording),
        seed: args.seed,
        open: Measured::of(OPENS.min(args.reads), || open().map(drop))?,
        read: RandomReads::of(&recording, args, samples)?,
        decode: Decoded::of(&recording)?,
    };
    if benched.read.measured.cost.warnings > 0 {
        output.messages().warn(format!(
            "the reads worked around damage; locate it with `opus-zarr verify {}`",
            args.recording
        ));
    }
    output.data(&benched)
}

#[derive(Serialize)]
struct Benched {
    #[serde(flatten)]
    recording: PathField,
    reads: Reads,
    seed: u64,
    open: Measured,
    read: RandomReads,
    decode: Decoded,
}

/// An operation that was repeated.
#[derive(Serialize)]
struct Measured {
    count: usize,
    p50_seconds: f64,
    p90_seconds: f64,
    p99_seconds: f64,
    elapsed_seconds: f64,
    #[serde(flatten)]
    cost: Cost,
}

/// Reads of ranges at random positions.
#[derive(Serialize)]
struct RandomReads {
    /// Per range.
    samples: u64,
    seconds: f64,
    times_real_time: f64,
    #[serde(flatten)]
    measured: Measured,
}

/// One long read from the beginning, the fastest way to read.
#[derive(Serialize)]
struct Decoded {
    samples: u64,
    seconds: f64,
    times_real_time: f64,
    elapsed_seconds: f64,
}

impl Measured {
    fn of(count: u32, mut work: impl FnMut() -> Result<(), Failure>) -> Result<Self, Failure> {
        let mut times = Vec::new();
        let (done, cost) = counted(|| {
            (0..count).try_for_each(|_| {
                let began = Instant::now();
                work()?;
                times.push(began.elapsed());
                Ok::<_, Failure>(())
            })
        });
        done?;
        times.sort_unstable();
        let at_most = |percent| seconds(percentile(&times, percent));
        Ok(Self {
            count: times.len(),
            p50_seconds: at_most(50),
            p90_seconds: at_most(90),
            p99_seconds: at_most(99),
            elapsed_seconds: seconds(times.iter().sum()),
            cost,
        })
    }

    /// Returns the mean of a total per repetition, with one decimal.
    fn each(&self, total: u64) -> String {
        let tenths = total * 10 / u64::try_from(self.count).unwrap_or(u64::MAX).max(1);
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

/// Returns a percentile: the smallest time that this share does not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

impl RandomReads {
    fn of(recording: &Recording, args: &Args, samples: u64) -> Result<Self, Failure> {
        let mut random = Random::new(args.seed);
        let starts = recording.info().play_length - samples + 1;
        let measured = Measured::of(args.reads, || {
            let start = random.below(starts);
            recording.read::<f32>(start..start + samples)?;
            Ok(())
        })?;
        let seconds = seconds(recording.time_of(samples));
        let times_real_time = seconds * f64::from(args.reads) / measured.elapsed_seconds;
        Ok(Self { samples, seconds, times_real_time, measured })
    }
}

impl Decoded {
    fn of(recording: &Recording) -> Result<Self, Failure> {
        let samples = recording.info().play_length.min(MINUTE);
        let mut buffer = vec![0.0; SECOND * usize::from(recording.info().channels)];
        let began = Instant::now();
        let mut stream = recording.stream::<f32>(0..samples)?;
        while stream.read(&mut buffer)? > 0 {}
        let elapsed_seconds = seconds(began.elapsed());
        let seconds = seconds(recording.time_of(samples));
        Ok(Self { samples, seconds, times_real_time: seconds / elapsed_seconds, elapsed_seconds })
    }
}

impl Line for Benched {
    const TYPE: &'static str = "bench";
}

impl fmt::Display for Benched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { open, read: RandomReads { measured: read, .. }, decode, .. } = self;
        writeln!(f, "{}: reads are {}; seed {}", self.recording, self.reads, self.seed)?;
        writeln!(
            f,
            "{:<22}{:>12}{:>12}{:>12}{:>14}{:>10}{:>12}",
            "", "p50", "p90", "p99", "x real time", "requests", "bytes"
        )?;
        row(f, &format!("open, {} times", open.count), open, None)?;
        let label = format!("{}, {} times", seconds_text(self.read.seconds), read.count);
        row(f, &label, read, Some(self.read.times_real_time))?;
        let label = format!("{} in one go", seconds_text(decode.seconds));
        let time = milliseconds(decode.elapsed_seconds);
        write!(f, "{label:<22}{time:>12}{:>38.0}", decode.times_real_time)
    }
}

fn row(
    f: &mut fmt::Formatter<'_>,
    label: &str,
    measured: &Measured,
    times_real_time: Option<f64>,
) -> fmt::Result {
    let [p50, p90, p99] =
        [measured.p50_seconds, measured.p90_seconds, measured.p99_seconds].map(milliseconds);
    let speed = times_real_time.map(|times| format!("{times:.0}")).unwrap_or_default();
    let Cost { requests, bytes, .. } = measured.cost;
    let count = u64::try_from(measured.count).unwrap_or(u64::MAX).max(1);
    let (requests, bytes) = (measured.each(requests), HumanBytes(bytes / count).to_string());
    writeln!(f, "{label:<22}{p50:>12}{p90:>12}{p99:>12}{speed:>14}{requests:>10}{bytes:>12}")
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1000.0)
}

/// Writes up to three decimals, without trailing zeros.
fn seconds_text(seconds: f64) -> String {
    let text = format!("{seconds:.3}");
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Enough opens for percentiles.
const OPENS: u32 = 100;
const SECOND: usize = 48_000;
const MINUTE: u64 = 60 * 48_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let at_most = |times: &[Duration], percent| percentile(times, percent).as_millis();
        assert_eq!([50, 90, 99, 100].map(|percent| at_most(&times, percent)), [100, 180, 198, 200]);
        assert_eq!([1, 50, 99].map(|percent| at_most(&times[..1], percent)), [1, 1, 1]);
        assert_eq!([50, 51].map(|percent| at_most(&times[..2], percent)), [1, 2]);
    }

    #[test]
    fn seconds_drop_trailing_zeros() {
        assert_eq!(
            [1.0, 0.25, 33.214_145, 60.0].map(seconds_text),
            ["1 s", "0.25 s", "33.214 s", "60 s"]
        );
    }
}
