//! What sync points do to the sound before onsets, and how many packets an exact read decodes. Each
//! recording is shifted so that every onset falls at every distance from a point.

use std::num::NonZeroU8;

use opus_encode::{Encoder, Options, Packet};
use opus_segment_decode::{SyncConstruction, SyncEntry};

use crate::audio::{NEVER, PRE_SKIP, decode, energy, options, quantile, recordings};

const FRAME: usize = 960;
/// Packets from the start of a sync point on that count as affected by it.
const AFFECTED: usize = 4;
/// Together the distance of points.
const SHIFTS: usize = 5;
const SHIFT: usize = 4 * FRAME;

pub(crate) fn measure() {
    println!("error before onsets, dB: at points, all; count; packets to read a second; bytes");
    for (name, samples) in recordings() {
        let samples = &samples[..samples.len().min(48_000 * 60)];
        for bits in [32_000, 64_000, 96_000, 160_000] {
            let (mut near, mut all, mut reads, mut sizes) = (vec![], vec![], vec![], [0, 0]);
            for shift in 0..SHIFTS {
                let samples = &samples[shift * SHIFT..];
                let (with, points) = encode(samples, &options(bits));
                let (without, _) = encode(samples, &options(bits).sync_interval(NEVER));
                let size = |packets: &[Vec<u8>]| packets.iter().map(Vec::len).sum::<usize>();
                sizes = [sizes[0] + size(&with), sizes[1] + size(&without)];
                reads.extend(packets_to_read(&with));
                let (with, without) = (decode(&with), decode(&without));
                for onset in onsets(&samples[..with.len() - PRE_SKIP]) {
                    let louder = echo(samples, &with, onset) - echo(samples, &without, onset);
                    let packet = (onset + PRE_SKIP) / FRAME;
                    let after = packet - points[points.partition_point(|&at| at <= packet) - 1];
                    all.push(louder);
                    near.extend((after < AFFECTED).then_some(louder));
                }
            }
            let larger = 100.0 * (sizes[0] as f64 / sizes[1] as f64 - 1.0);
            println!(
                "| {name} | {} | {} | {} | {} | {larger:+.2} % |",
                bits / 1000,
                spread(&mut near),
                spread(&mut all),
                reads_of(&mut reads)
            );
        }
    }
}

/// Returns the packets, and the numbers of those where sync points start, first of them 0.
fn encode(samples: &[f32], options: &Options) -> (Vec<Vec<u8>>, Vec<usize>) {
    let mut encoder = Encoder::new(options).unwrap();
    let frames = samples.chunks_exact(FRAME);
    let packets = frames.map(|frame| encoder.encode(frame).unwrap().data.to_vec()).collect();
    let points = encoder.drain_sync_points().map(|point| point.start.get() as usize / FRAME);
    (packets, [0].into_iter().chain(points).collect())
}

/// Returns where the loudness of 2.5 ms exceeds that of the 5 ms before by 12 dB.
fn onsets(signal: &[f32]) -> Vec<usize> {
    let loudness = |range: &[f32]| energy(range.iter().copied()) / range.len() as f64;
    let is_onset =
        |at: usize| loudness(&signal[at..at + 120]) > 16.0 * loudness(&signal[at - 240..at]) + 1e-7;
    let mut onsets: Vec<usize> = Vec::new();
    for at in (FRAME..signal.len() - 120).step_by(60) {
        // One rise can span several steps.
        if is_onset(at) && onsets.last().is_none_or(|last| at > last + 480) {
            onsets.push(at);
        }
    }
    onsets
}

/// Returns the loudness of the error in the 5 ms before an onset.
fn echo(signal: &[f32], decoded: &[f32], onset: usize) -> f64 {
    let error = (onset - 240..onset).map(|at| signal[at] - decoded[at + PRE_SKIP]);
    10.0 * (energy(error) / 240.0 + 1e-12).log10()
}

/// Returns, for a second from each 10 ms on, the packets that an exact read by the sync map decodes
/// relative to those of the second.
fn packets_to_read(packets: &[Vec<u8>]) -> Vec<f64> {
    let mut construction = SyncConstruction::new(NonZeroU8::MIN);
    for data in packets {
        construction.packet(Packet { data, duration: FRAME as u32 }).unwrap();
    }
    let Some(map) = construction.finish() else { return Vec::new() };
    let end = packets.len() * FRAME;
    let seconds = (2 * 48_000..end.saturating_sub(48_000)).step_by(480);
    seconds.map(|second| relative_read(&map, second)).collect()
}

fn relative_read(map: &[SyncEntry], second: usize) -> f64 {
    let exact = |&entry: &u64| {
        let exact = map[entry as usize].exact(entry);
        exact.start.get() < exact.end.get() && exact.start.get() <= second as u64
    };
    let last = (second / 19_200).min(map.len() - 1) as u64;
    let entry = (0..=last).rev().find(exact).unwrap();
    let (first, start) = (second / FRAME, entry as usize * 19_200 / FRAME);
    let end = (second + 48_000).div_ceil(FRAME);
    (end - start) as f64 / (end - first) as f64
}

fn reads_of(reads: &mut [f64]) -> String {
    reads.sort_unstable_by(f64::total_cmp);
    match reads {
        [] => "measured".to_owned(),
        _ => format!("{:.2}, {:.2}", quantile(reads, 0.5), quantile(reads, 0.99)),
    }
}

fn spread(values: &mut [f64]) -> String {
    values.sort_unstable_by(f64::total_cmp);
    if values.is_empty() {
        return "none".to_owned();
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let worst = [0.95, 0.99].map(|share| quantile(values, share));
    format!("{mean:+.2} ({:+.1}, {:+.1}) of {}", worst[0], worst[1], values.len())
}
