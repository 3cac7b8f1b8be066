use std::collections::BTreeMap;

use crate::{LENGTHS, SECOND, streams::Stream};

/// What one way to read returned at all places of a stream.
#[derive(Clone)]
pub(crate) struct Reads {
    name: String,
    /// By length: signal to error in dB, infinite if identical.
    ratios: [Vec<f64>; LENGTHS.len()],
    /// Processor time of a second, in seconds of the full decode.
    pub(crate) cost: Vec<f64>,
}

impl Reads {
    pub(crate) fn new(name: String) -> Self {
        Self { name, ratios: [const { Vec::new() }; LENGTHS.len()], cost: Vec::new() }
    }

    /// Compares a second at `place` with a full decode.
    pub(crate) fn compare(&mut self, read: &[f32], full: &[f32], place: u64, channels: usize) {
        let from = usize::try_from(place).unwrap() * channels;
        assert_eq!(read.len(), usize::try_from(SECOND).unwrap() * channels);
        for (ratios, milliseconds) in self.ratios.iter_mut().zip(LENGTHS) {
            let len = usize::try_from(milliseconds).unwrap() * 48 * channels;
            ratios.push(ratio(&read[..len], &full[from..from + len]));
        }
    }

    fn append(&mut self, other: &Self) {
        for (all, ratios) in self.ratios.iter_mut().zip(&other.ratios) {
            all.extend(ratios);
        }
        self.cost.extend(&other.cost);
    }
}

/// The ratio of signal to error in dB. A signal below the last of 16 bits counts as that.
fn ratio(read: &[f32], full: &[f32]) -> f64 {
    let error: f64 = read.iter().zip(full).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let signal: f64 = full.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let floor = full.len() as f64 * f64::from(i16::MAX).powi(-2);
    if read == full { f64::INFINITY } else { 10.0 * (signal.max(floor) / error).log10() }
}

/// All reads, by what was read.
#[derive(Default)]
pub(crate) struct Results(BTreeMap<String, Vec<Reads>>);

impl Results {
    /// Adds the reads of a stream, and prints those of 0.1 s.
    pub(crate) fn add(&mut self, stream: &Stream, reads: Vec<Reads>) {
        print!("{}, {} kb/s, {}:", stream.name, stream.kbps(), stream.mode());
        for reads in &reads {
            let [least, _, median] = quantiles(&reads.ratios[1]);
            print!(" {} {least:.1}/{median:.1}", reads.name);
        }
        println!();
        for group in [stream.mode().to_owned(), format!("{}, {}", stream.mode(), stream.origin)] {
            let all = self.0.entry(group).or_insert_with(|| {
                reads.iter().map(|reads| Reads::new(reads.name.clone())).collect()
            });
            for (all, reads) in all.iter_mut().zip(&reads) {
                all.append(reads);
            }
        }
    }

    /// Prints a table for each group: minimum, 5th percentile and median of the ratio, the share
    /// of identical reads, and the mean cost of a second: Linux counts processor time in ticks.
    pub(crate) fn print(&self) {
        for (group, reads) in &self.0 {
            println!("\n### {group}: {} reads\n", reads[0].cost.len());
            let lengths = LENGTHS.map(|it| format!(" {} s | identical |", f64::from(it) / 1e3));
            println!("| |{} cost of 1 s |", lengths.concat());
            println!("|---|{}---|", "---|---|".repeat(LENGTHS.len()));
            for reads in reads {
                let cells = reads.ratios.each_ref().map(|ratios| cell(ratios));
                let cost = reads.cost.iter().sum::<f64>() / reads.cost.len() as f64;
                println!("| {} |{} {cost:.2} |", reads.name, cells.concat());
            }
        }
    }
}

fn cell(ratios: &[f64]) -> String {
    let [least, fifth, median] = quantiles(ratios);
    let identical = ratios.iter().filter(|ratio| ratio.is_infinite()).count();
    let share = 100.0 * identical as f64 / ratios.len() as f64;
    format!(" {least:.1} / {fifth:.1} / {median:.1} | {share:.1} % |")
}

/// Returns the minimum, the 5th percentile and the median.
fn quantiles(values: &[f64]) -> [f64; 3] {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    [0, values.len() / 20, values.len() / 2].map(|at| values[at])
}
