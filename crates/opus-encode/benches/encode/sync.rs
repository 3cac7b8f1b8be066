//! How soon a decoder that starts at a sync point is exact, and the cost of sync points.

use std::time::Duration;

use opus_encode::SyncInterval;
use opus_segment_decode::PacketDecoder;

use crate::audio::{decode, decoder, encode_whole, options, quantile, recordings, snr};

pub(crate) fn measure() {
    println!(
        "packets until exact: median, most of (starts); SNR and bytes relative to no sync points"
    );
    for (name, samples) in recordings() {
        let samples = &samples[..samples.len().min(48_000 * 120)];
        for bits in [24_000, 32_000, 64_000, 96_000, 128_000, 160_000] {
            let with = encode_whole(samples, &options(bits));
            // An interval beyond the recording: no sync points, but the same forced mode.
            let never = SyncInterval(Duration::from_secs(1_000_000));
            let without = encode_whole(samples, &options(bits).sync_interval(never));
            let bytes = |packets: &[Vec<u8>]| packets.iter().map(Vec::len).sum::<usize>() as f64;
            let (decoded, decoded_without) = (decode(&with), decode(&without));
            let samples = &samples[..decoded.len() - 960];
            let loss = snr(samples, &decoded) - snr(samples, &decoded_without);
            let larger = 100.0 * (bytes(&with) / bytes(&without) - 1.0);
            println!(
                "| {name} | {} | {} | {} | {loss:+.2} dB | {larger:+.2} % |",
                bits / 1000,
                until_exact(&without, &decoded_without),
                until_exact(&with, &decoded),
            );
        }
    }
}

/// Starts a decoder at each second.
fn until_exact(packets: &[Vec<u8>], decoded: &[f32]) -> String {
    let starts = (50..packets.len() - MOST).step_by(50);
    let mut all: Vec<usize> = starts.map(|start| one(packets, decoded, start)).collect();
    all.sort_unstable();
    let most = |count: usize| if count == MOST { format!("> {MOST}") } else { count.to_string() };
    format!("{}, {}", quantile(&all, 0.5), most(quantile(&all, 1.0)))
}

const MOST: usize = 250;

fn one(packets: &[Vec<u8>], decoded: &[f32], start: usize) -> usize {
    let (mut decoder, mut pcm, mut differs) = (decoder(), vec![0f32; 5760], 0);
    for number in start..start + MOST {
        let len = decoder.decode(&packets[number], &mut pcm).unwrap();
        if pcm[..len] != decoded[960 * number..960 * (number + 1)] {
            differs = number + 1 - start;
        }
    }
    differs
}
