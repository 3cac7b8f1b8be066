use std::{collections::BTreeMap, time::Instant};

use opus_zarr::{APPROXIMATE_PRE_ROLL, ReadMode, Recording};

use crate::{SECOND, streams::Stream};

/// Reads of a second in recordings without a sync map, by the mode of their packets.
#[derive(Default)]
pub(crate) struct Agreed(BTreeMap<&'static str, Reads>);

#[derive(Default)]
struct Reads {
    count: usize,
    /// Said to be exact.
    exact: usize,
    /// Said to be exact, and not equal to the full decode.
    wrong: usize,
    /// Seconds of an approximate read, of the first one in this mode, and of a later one.
    seconds: [Vec<f64>; 3],
}

impl Agreed {
    pub(crate) fn add(&mut self, stream: &Stream, recording: &Recording, places: &[u64]) {
        let reads = self.0.entry(stream.mode()).or_default();
        let (len, channels) = (recording.info().play_length, recording.info().channels);
        let full: Vec<f32> = recording.read_as(ReadMode::Exact, 0..len).unwrap();
        let approximate = ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL };
        for &place in places {
            let range = place..place + SECOND;
            let modes = [approximate, ReadMode::Agreed, ReadMode::Agreed];
            let [_, _, samples] = [0, 1, 2].map(|number| {
                let began = Instant::now();
                let samples: Vec<f32> = recording.read_as(modes[number], range.clone()).unwrap();
                reads.seconds[number].push(began.elapsed().as_secs_f64());
                samples
            });
            let from = usize::try_from(place).unwrap() * usize::from(channels);
            let is_exact = recording.exactness_of(ReadMode::Agreed, range).is_ok();
            reads.count += 1;
            reads.exact += usize::from(is_exact);
            reads.wrong += usize::from(is_exact && samples != full[from..][..samples.len()]);
        }
    }

    pub(crate) fn print(self) {
        println!(
            "without a map: reads, exact, wrong; time of the first and of a later read, relative to an approximate one (median, p95)"
        );
        for (mode, Reads { count, exact, wrong, seconds: [approximate, first, later] }) in self.0 {
            let ratio = |times: &[f64]| {
                let mut ratios: Vec<f64> =
                    times.iter().zip(&approximate).map(|(one, other)| one / other).collect();
                ratios.sort_by(f64::total_cmp);
                format!("{:.2} {:.2}", ratios[count / 2], ratios[count * 95 / 100])
            };
            println!(
                "{mode:15} {count:6} {exact:6} {wrong:3}   {}   {}",
                ratio(&first),
                ratio(&later)
            );
        }
    }
}
