//! The times of the file beside the samples of its packets.

/// So many ticks in samples at 48 kHz, rounded to the nearest.
pub(crate) fn to_samples(ticks: u64, timescale: u32) -> u64 {
    let timescale = u128::from(timescale);
    let doubled = 2 * u128::from(ticks) * 48_000 + timescale;
    doubled
        .checked_div(2 * timescale)
        .map_or(0, |samples| u64::try_from(samples).unwrap_or(u64::MAX))
}

/// Compares the times of the file with the samples given out. The packets are the clock;
/// the times only show where some are missing.
///
/// Recorders take the times from another crystal than that of the sound card. Two differ
/// by up to 200 ppm, in an hour far more than a packet, and nothing is lost: a slow
/// difference is followed, at 250 ppm of the audio, and only what comes faster is a gap.
#[derive(Debug)]
pub(crate) struct Clock {
    timescale: u32,
    /// Time of the first sample.
    origin: Option<u64>,
    /// Samples that were added to the times, because they began anew.
    shift: u64,
    has_gone_back: bool,
    /// Difference of the two clocks that is followed as usual, in parts of a sample.
    usual: i128,
    drift_is_told: bool,
    /// Where the last sample ends, if it has a time, and what it lasts, in ticks.
    end: Option<u64>,
    last: u64,
}

/// How the time of a packet compares with its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lag {
    /// Less than the packet lasts.
    None,
    /// So many samples are missing before it.
    Gap(u64),
    /// It is so many samples too early.
    Behind(u64),
    /// Little by little the times have gone so far from the samples; told once.
    Drift(i64),
}

impl Clock {
    pub(crate) fn new(timescale: u32) -> Self {
        Self {
            timescale,
            origin: None,
            shift: 0,
            has_gone_back: false,
            usual: 0,
            drift_is_told: false,
            end: None,
            last: 0,
        }
    }

    /// Takes in the time of a sample, whether it is read or not. True for the first.
    pub(crate) fn see(&mut self, time: u64, duration: u64) -> bool {
        let is_first = self.origin.is_none();
        self.origin.get_or_insert(time);
        self.end = Some(time.saturating_add(duration));
        self.last = duration;
        is_first
    }

    /// Takes in a sample without a time: from there on nobody knows where the media end.
    pub(crate) fn pass(&mut self) {
        self.end = None;
    }

    /// Samples of the media after its first, by the times alone; none if they went back
    /// or end early.
    pub(crate) fn media_len(&self) -> Option<u64> {
        let ticks = self.end?.checked_sub(self.origin?)?;
        (self.timescale > 0 && !self.has_gone_back).then(|| to_samples(ticks, self.timescale))
    }

    /// How much less than `duration` the last sample lasts by the times, if it is more
    /// than rounding can explain.
    pub(crate) fn shortened(&self, duration: u32) -> Option<u64> {
        self.end.filter(|_| self.timescale > 0)?;
        let short = u64::from(duration).checked_sub(to_samples(self.last, self.timescale))?;
        (short > 48).then_some(short)
    }

    /// Time before the first sample.
    pub(crate) fn origin(&self) -> u64 {
        to_samples(self.origin.unwrap_or(0), self.timescale)
    }

    /// Compares the time of a packet that is next at `position`.
    pub(crate) fn lag(&mut self, time: u64, position: u64, duration: u32) -> Lag {
        let (Some(origin), true) = (self.origin, self.timescale > 0) else { return Lag::None };
        // A time before the first counts as the first.
        let due = to_samples(time.saturating_sub(origin), self.timescale);
        let due = due.saturating_add(self.shift);
        let late = (i128::from(due) - i128::from(position)) * PARTS - self.usual;
        let packet = i128::from(duration) * PARTS;
        // Rounding to ticks can make the time of a lost packet so much shorter; and what
        // is followed of another clock is not exact either.
        let tick = i128::from(48_000_u32.div_ceil(self.timescale));
        let rounding = ((tick + 4) * PARTS).min(packet / 4);
        if late >= packet - rounding {
            let samples = u64::try_from((late + rounding) / PARTS).unwrap_or(u64::MAX);
            return Lag::Gap(samples - samples % 120);
        }
        if late <= -packet {
            let early = u64::try_from(-late / PARTS).unwrap_or(u64::MAX);
            self.has_gone_back = true;
            // Less is a burst of packets that were late: the times catch up.
            if early > RESTART {
                self.shift = self.shift.saturating_add(early);
            }
            return Lag::Behind(early);
        }
        self.follow(late, packet)
    }

    fn follow(&mut self, late: i128, packet: i128) -> Lag {
        // More may be a lost packet that rounding makes a little too short.
        if 2 * late.abs() < packet {
            let step = packet / 4000;
            self.usual += late.clamp(-step, step);
        }
        if self.usual.abs() < packet || std::mem::replace(&mut self.drift_is_told, true) {
            return Lag::None;
        }
        Lag::Drift(i64::try_from(self.usual / PARTS).unwrap_or(i64::MAX))
    }

    /// So many samples by the times, as they are by the packets: without the difference
    /// that was followed, if rounding alone does not make it.
    pub(crate) fn without_drift(&self, samples: u64) -> u64 {
        let drift = i64::try_from(self.usual / PARTS).unwrap_or_default();
        if drift.unsigned_abs() <= 48 { samples } else { samples.saturating_add_signed(-drift) }
    }
}

/// One second.
const RESTART: u64 = 48_000;
/// Of a sample: 250 ppm of 2.5 ms are a whole number of them.
const PARTS: i128 = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_timescale_is_rounded_once() {
        assert_eq!(to_samples(312, 48_000), 312);
        assert_eq!(to_samples(10_001, 1_000_000), 480, "480.048");
        assert_eq!(to_samples(1, 96_000), 1, "0.5");
        assert_eq!(to_samples(u64::MAX, 1), u64::MAX);
        assert_eq!(to_samples(5, 0), 0);
    }

    #[test]
    fn times_show_gaps_and_nothing_else() {
        let mut clock = Clock::new(1000);
        assert!(clock.see(500, 20));
        assert_eq!(clock.lag(500, 0, 960), Lag::None);
        assert_eq!(clock.lag(538, 960, 960), Lag::None, "18 ms late");
        assert_eq!(clock.lag(541, 960, 960), Lag::Gap(960), "21 ms, floored to 2.5 ms");
        assert_eq!(clock.lag(500, 96_000, 960), Lag::Behind(96_000));
        assert_eq!(clock.lag(520, 96_960, 960), Lag::None, "from there on");
        assert_eq!(clock.media_len(), None);
    }

    /// Five packets arrive at once, and later five.
    #[test]
    fn packets_that_come_in_bursts_are_no_gap() {
        let mut clock = Clock::new(48_000);
        let mut told = vec![];
        for i in 0..100 {
            let time = i / 5 * 4800 + i % 5;
            clock.see(time, 1);
            told.push(clock.lag(time, i * 960, 960));
        }
        assert!(!told.iter().any(|told| matches!(told, Lag::Gap(_))), "{told:?}");
    }

    /// Times of a clock that is 200 ppm fast or slow, for an hour, and one loss.
    #[test]
    fn drift_is_no_loss_and_does_not_hide_one() {
        for (ppm, samples) in [(200, 960), (-200, -960)] {
            for timescale in [48_000, 44_100, 1000] {
                let (mut clock, mut position, mut told) = (Clock::new(timescale), 0, vec![]);
                for i in 0..180_000_i64 {
                    let i = i + i / 100_000;
                    let nanoseconds = i * 20_000_000 + i * 20 * ppm;
                    let time = nanoseconds * i64::from(timescale) / 1_000_000_000;
                    let time = u64::try_from(time).unwrap();
                    clock.see(time, u64::from(timescale) / 50);
                    match clock.lag(time, position, 960) {
                        Lag::None => {}
                        Lag::Gap(lost) => {
                            position += lost;
                            told.push(Lag::Gap(lost));
                        }
                        other => told.push(other),
                    }
                    position += 960;
                }
                assert_eq!(told, [Lag::Drift(samples), Lag::Gap(960)], "{timescale}");
                let media = clock.media_len().unwrap();
                assert!(clock.without_drift(media).abs_diff(position) < 100, "{timescale}");
            }
        }
    }
}
