use std::time::Duration;

use opus_segment_decode::PacketDecoder;
use opus_zarr_peers::SECOND;

use crate::{
    Random,
    files::{Files, open},
    ours::Packets,
    process::{Peer, Process, Reads},
};

/// Times every peer on the same random seconds, on one and on two threads.
pub(crate) fn random_seconds(files: &Files, peers: &[Peer], reads: usize) {
    let mut running: Vec<Process> = peers.iter().map(|peer| start(peer, files)).collect();
    let own: Vec<u32> = running.iter_mut().map(Process::peak).collect();
    let one = rounds(&mut running, files, reads, 1);
    let peaks: Vec<u32> = running.iter_mut().map(Process::peak).collect();
    let two = rounds(&mut running, files, reads, 2);
    let what: Vec<String> = running.iter_mut().map(|process| process.open(1)).collect();
    println!("\n### {}, {} minutes, {reads} reads\n", files.audio.name(), files.minutes);
    println!("p50 / p95 / p99 in ms; memory peak, less the memory used before opening the file.\n");
    println!("| | 1 thread | to libopus | 2 threads | reads/s, 1 thread | 2 threads | | memory |");
    println!("|---|---|---|---|---|---|---|---|");
    for number in 0..peers.len() {
        println!(
            "| {} | {} | {:.2} | {} | {:.0} | {:.0} | {:.2} | {:.1} MB |",
            what[number],
            one[number].quantiles(),
            one[number].at(50) / one[0].at(50),
            two[number].quantiles(),
            one[number].per_second(),
            two[number].per_second(),
            two[number].per_second() / one[number].per_second(),
            f64::from(peaks[number] - own[number]) * 1.024e-3,
        );
    }
}

/// Counts how many of the seconds that each peer reads equal those of a full decode by libopus.
pub(crate) fn accuracy(files: &Files, peers: &[Peer]) {
    let places = Random(2).seconds(200, files.minutes);
    let truth = full_decode(files, &places);
    println!(
        "\n### {}, {} minutes: 200 seconds compared with a full decode\n",
        files.audio.name(),
        files.minutes
    );
    println!("| | identical | within 2^-15 | largest error, in 2^-15 |");
    println!("|---|---|---|---|");
    // The first peer keeps no samples.
    for peer in &peers[1..] {
        let mut process = start(peer, files);
        let what = process.open(1);
        let (mut identical, mut near, mut largest) = (0, 0, 0f32);
        for (at, truth) in places.iter().zip(&truth) {
            let samples = process.samples(*at, truth.len());
            let error =
                samples.iter().zip(truth).fold(0f32, |most, (a, b)| most.max((a - b).abs()));
            identical +=
                u32::from(samples.iter().zip(truth).all(|(a, b)| a.to_bits() == b.to_bits()));
            near += u32::from(error * STEPS <= 1.0);
            largest = largest.max(error * STEPS);
        }
        println!("| {what} | {identical} | {near} | {largest:.2} |");
    }
}

/// Steps of a 16-bit sample from 0 to full scale.
const STEPS: f32 = 32_768.0;

fn start(peer: &Peer, files: &Files) -> Process {
    peer.start(match peer.reads {
        Reads::File => &files.file,
        Reads::Store => &files.store,
    })
}

/// The times of one peer.
#[derive(Default)]
struct Figures {
    nanoseconds: Vec<u64>,
    all: Duration,
}

/// Lets the peers take turns, so that other load affects all alike.
fn rounds(running: &mut [Process], files: &Files, reads: usize, threads: usize) -> Vec<Figures> {
    for process in running.iter_mut() {
        process.open(threads);
        process.times(&Random(1).seconds(10 * threads, files.minutes));
    }
    let mut figures: Vec<Figures> = running.iter().map(|_| Figures::default()).collect();
    for places in Random(3).seconds(reads, files.minutes).chunks(50) {
        for (process, figures) in running.iter_mut().zip(&mut figures) {
            let times = process.times(places);
            figures.all += Duration::from_nanos(times[0]);
            figures.nanoseconds.extend(&times[1..]);
        }
    }
    figures.iter_mut().for_each(|figures| figures.nanoseconds.sort_unstable());
    figures
}

impl Figures {
    fn quantiles(&self) -> String {
        [50, 95, 99].map(|percent| format!("{:.2}", self.at(percent))).join(" / ")
    }

    /// In ms.
    fn at(&self, percent: usize) -> f64 {
        let place = self.nanoseconds.len() * percent / 100;
        Duration::from_nanos(self.nanoseconds[place]).as_secs_f64() * 1000.0
    }

    fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.nanoseconds.len()).unwrap()) / self.all.as_secs_f64()
    }
}

/// The seconds at these places from libopus, which decodes all packets in turn.
fn full_decode(files: &Files, places: &[u64]) -> Vec<Vec<f32>> {
    let packets = Packets::of(&open(&files.store));
    let mut decoder = packets.decoder();
    let channels = PacketDecoder::<f32>::layout(&decoder).channels;
    let mut pcm = vec![0f32; 960 * channels];
    let size = |samples: u64| usize::try_from(samples).unwrap() * channels;
    let mut seconds: Vec<Vec<f32>> = places.iter().map(|_| Vec::new()).collect();
    let mut first = 0;
    for number in 0..packets.len() {
        decoder.decode(packets.get(number), &mut pcm).unwrap();
        for (at, second) in places.iter().zip(&mut seconds) {
            let wanted = at + packets.pre_skip()..at + packets.pre_skip() + SECOND;
            let (from, to) = (wanted.start.max(first), wanted.end.min(first + 960));
            if from < to {
                second.extend(&pcm[size(from - first)..size(to - first)]);
            }
        }
        first += 960;
    }
    seconds
}
