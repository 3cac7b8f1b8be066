//! Finds lost audio by block times.
//!
//! Positions come from the durations of packets. Block times are too coarse for that (a tick
//! is often 1 ms), and recorders take them from another clock than that of the sound card. But
//! they jump where packets are missing.

use opus_packet::CONCEALMENT_UNIT;

/// Compares block times with the durations of packets.
///
/// Files of ffmpeg, mkvmerge, libwebm and of a browser's recorder show what a jump is:
///
/// - Rounding moves both block times by less than a tick, so at ticks of 1 ms the loss of a
///   packet of 20 ms shows as 18 to 22 ms. A jump is therefore at least one packet *less two
///   ticks*, and more than two ticks, so that rounding is never a jump.
/// - Files that were cut or remuxed have single block times that are off by up to a quarter of
///   a packet. These are not jumps.
/// - Two crystals differ by up to 200 ppm, which within an hour exceeds a packet although
///   nothing is lost. So the clock follows slow differences, at 250 ppm of the audio, and only
///   faster ones are jumps.
/// - Times of arrival are late now and then. The first late block counts as a jump. The next
///   one that is as late does not, because the clock is already ahead.
///
/// Times are in thirds of a nanosecond. A sample is 62,500 of them, and a tick is a whole
/// number as well.
#[derive(Clone, Debug)]
pub(crate) struct BlockClock {
    tick: i128,
    /// Time of the first block.
    first: Option<i128>,
    /// Difference of the two clocks that counts as normal.
    usual: i128,
    has_reported_backward: bool,
    has_reported_drift: bool,
}

/// What a block time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    Gap { samples: u64, is_inferred: bool },
    Backward { samples: u64 },
    Drift { samples: i64 },
}

impl BlockClock {
    /// `scale` is the TimestampScale in nanoseconds per tick, and not 0.
    pub(crate) fn new(scale: u64) -> Self {
        Self {
            tick: 3 * i128::from(scale),
            first: None,
            usual: 0,
            has_reported_backward: false,
            has_reported_drift: false,
        }
    }

    /// Judges the time of a block in ticks. The packets before it end at `position`. The last of
    /// them has `packet` samples, and those of the block before `samples` in total.
    pub(crate) fn block(
        &mut self,
        ticks: i128,
        position: u64,
        packet: u32,
        samples: u64,
    ) -> Verdict {
        let Some(time) = ticks.checked_mul(self.tick) else { return Verdict::Fine };
        let first = *self.first.get_or_insert(time);
        let Some(late) = self.late(time, first, position) else { return Verdict::Fine };
        let jump = (i128::from(packet) * SAMPLE - 2 * self.tick).max(2 * self.tick + 1);
        if position == 0 {
            Verdict::Fine
        } else if late >= jump {
            self.gap(late, packet)
        } else if late <= -jump {
            self.backward(late)
        } else {
            self.follow(late, packet, samples)
        }
    }

    /// Returns whether the block after the packets that end at `position` fits as well if these end
    /// `samples` earlier.
    pub(crate) fn is_earlier(&self, ticks: i128, position: u64, samples: u64) -> bool {
        let time = ticks.checked_mul(self.tick).zip(self.first);
        let late = time.and_then(|(time, first)| self.late(time, first, position));
        let earlier = |late: i128| (late + i128::from(samples) * SAMPLE).abs();
        late.is_some_and(|late| earlier(late) <= late.abs() + 2 * self.tick)
    }

    /// How much later a time is than the packets up to `position`.
    fn late(&self, time: i128, first: i128, position: u64) -> Option<i128> {
        // Below 2^65 * 3 * 2^64, and 2^63 * 62,500. The times of a hostile file can lie as far apart
        // as the numbers reach.
        let counted = i128::from(position) * SAMPLE + self.usual;
        let late = time.checked_sub(first)?.checked_sub(counted)?;
        Some(late).filter(|late| late.unsigned_abs() < 1 << 120)
    }

    /// A loss is usually whole packets like the one before. If rounding cannot explain the
    /// difference, it is the nearest multiple of 2.5 ms.
    fn gap(&self, late: i128, packet: u32) -> Verdict {
        let packets = nearest_multiple(late, packet.max(CONCEALMENT_UNIT));
        let is_inferred = (late - packets * SAMPLE).abs() > 2 * self.tick;
        let samples = if is_inferred { nearest_multiple(late, CONCEALMENT_UNIT) } else { packets };
        Verdict::Gap { samples: u64::try_from(samples).unwrap_or(u64::MAX), is_inferred }
    }

    fn backward(&mut self, late: i128) -> Verdict {
        if late < -RESTART {
            // Not jitter: the clock was reset and continues from here.
            self.first = self.first.map(|first| first + late);
        }
        if std::mem::replace(&mut self.has_reported_backward, true) {
            return Verdict::Fine;
        }
        Verdict::Backward { samples: u64::try_from(-late / SAMPLE).unwrap_or(u64::MAX) }
    }

    fn follow(&mut self, late: i128, packet: u32, samples: u64) -> Verdict {
        let packet = i128::from(packet) * SAMPLE;
        // Counts all audio since the last block, which may hold many laced packets.
        let step = i128::from(samples) * SAMPLE / 4000;
        self.usual += late.clamp(-step, step);
        let is_much = self.usual.abs() >= packet.max(2 * self.tick + 1);
        if !is_much || std::mem::replace(&mut self.has_reported_drift, true) {
            return Verdict::Fine;
        }
        Verdict::Drift { samples: i64::try_from(self.usual / SAMPLE).unwrap_or(i64::MAX) }
    }
}

/// One sample at 48 kHz, in thirds of a nanosecond.
const SAMPLE: i128 = 62_500;
/// One second.
const RESTART: i128 = 48_000 * SAMPLE;

/// Rounds a time, which is not negative, to a multiple of `samples`. Returns samples.
fn nearest_multiple(time: i128, samples: u32) -> i128 {
    let samples = i128::from(samples);
    let unit = samples * SAMPLE;
    (time + unit / 2) / unit * samples
}

/// Converts nanoseconds to samples at 48 kHz, rounded to the nearest.
pub(crate) fn nearest_samples(nanoseconds: u64) -> u64 {
    let samples = (u128::from(nanoseconds) * 3 + 31_250) / 62_500;
    // Less than the nanoseconds.
    u64::try_from(samples).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Judges blocks of (time in ms, samples). Returns the verdicts with the block's number.
    fn verdicts(blocks: impl IntoIterator<Item = (i128, u32)>) -> Vec<(usize, Verdict)> {
        let mut clock = BlockClock::new(MS);
        let (mut position, mut before, mut all) = (0, 960, vec![]);
        for (number, (ms, samples)) in blocks.into_iter().enumerate() {
            match clock.block(ms, position, before, u64::from(before)) {
                Verdict::Fine => {}
                verdict => {
                    all.push((number, verdict));
                    if let Verdict::Gap { samples, .. } = verdict {
                        position += samples;
                    }
                }
            }
            position += u64::from(samples);
            before = samples;
        }
        all
    }

    #[test]
    fn rounding_and_jitter_are_not_a_jump() {
        assert_eq!(verdicts((0..1000).map(|i| (i * 20 + i % 2, 960))), []);
        assert_eq!(verdicts((0..1000).map(|i| (i * 5 / 2, 120))), [], "packets of 2.5 ms");
        assert_eq!(verdicts((0..1000).map(|i| (i * 20 + if i % 7 == 3 { 6 } else { 0 }, 960))), []);
    }

    #[test]
    fn a_lost_packet_is_whole_despite_rounding() {
        for jitter in -1..=1 {
            let blocks = [(0, 960), (20, 960), (60 + jitter, 960), (80, 960)];
            let gap = Verdict::Gap { samples: 960, is_inferred: false };
            assert_eq!(verdicts(blocks), [(2, gap)], "{jitter}");
        }
        let blocks = [(0, 960), (20, 960), (153, 960), (173, 960)];
        let gap = Verdict::Gap { samples: 5400, is_inferred: true };
        assert_eq!(verdicts(blocks), [(2, gap)], "113 ms are 112.5");
    }

    #[test]
    fn backward_times_are_reported_once_and_a_new_clock_is_followed() {
        let blocks = (0..10).map(|i| (5000 - 100 * i, 960));
        assert_eq!(verdicts(blocks), [(1, Verdict::Backward { samples: 5760 })]);
        let blocks = [(90_000, 960), (90_020, 960), (0, 960), (20, 960), (60, 960)];
        let backward = Verdict::Backward { samples: 90_040 * 48 };
        let gap = Verdict::Gap { samples: 960, is_inferred: false };
        assert_eq!(verdicts(blocks), [(2, backward), (4, gap)]);
    }

    /// Two hours of block times from a clock that is 200 ppm fast or slow, with one loss.
    #[test]
    fn drift_is_not_a_loss_and_does_not_hide_one() {
        for (ppm, samples) in [(200, 960), (-200, -960)] {
            let time = |i: i128| (i * 20_000 + i * 20 * ppm / 1000) / 1000;
            let drift = verdicts((0..360_000).map(|i| (time(i), 960)));
            let [(_, Verdict::Drift { samples: found })] = drift[..] else { panic!("{drift:?}") };
            assert_eq!(found, samples);
            let lost = verdicts((0..360_000).map(|i| (time(i + i / 300_000), 960)));
            let gap = Verdict::Gap { samples: 960, is_inferred: false };
            assert_eq!(lost[1..], [(300_000, gap)]);
        }
    }

    /// Times of arrival: every tenth block is 70 ms late.
    #[test]
    fn late_blocks_do_not_add_up() {
        let gaps: u64 =
            verdicts((0..100).map(|i| (i * 20 + if i % 10 == 9 { 70 } else { 0 }, 960)))
                .iter()
                .map(
                    |(_, verdict)| {
                        if let Verdict::Gap { samples, .. } = verdict { *samples } else { 0 }
                    },
                )
                .sum();
        assert_eq!(gaps, 3360);
    }

    #[test]
    fn extremes_do_not_overflow() {
        for scale in [1, MS, u64::MAX] {
            let mut clock = BlockClock::new(scale);
            for ticks in [0, i128::from(u64::MAX) + 32767, -32768, i128::from(u64::MAX)] {
                clock.block(ticks, u64::MAX >> 1, 5760, u64::MAX >> 1);
                clock.block(ticks, 0, 0, 0);
            }
        }
        // 3 * scale * ticks is 2^127 - 2. The first time just fits, and so does the difference to
        // it, but subtracting the position does not.
        let mut clock = BlockClock::new(3_074_457_345_618_258_603);
        clock.block((1 << 64) - 2, 0, 960, 960);
        clock.block(0, 960, 960, 960);
        assert_eq!(nearest_samples(u64::MAX), 885_443_715_538_058);
    }

    #[test]
    fn nanoseconds_to_the_nearest_sample() {
        assert_eq!(nearest_samples(6_500_000), 312);
        assert_eq!(nearest_samples(19_854_167), 953);
        assert_eq!(nearest_samples(10_416), 0);
        assert_eq!(nearest_samples(10_417), 1);
    }
}
