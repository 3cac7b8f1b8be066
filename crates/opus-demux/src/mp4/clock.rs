//! Compares the times of the file with the samples of its packets.

/// Converts ticks to samples at 48 kHz, rounded to the nearest.
pub(crate) fn to_samples(ticks: u64, timescale: u32) -> u64 {
    let timescale = u128::from(timescale);
    let doubled = 2 * u128::from(ticks) * 48_000 + timescale;
    doubled
        .checked_div(2 * timescale)
        .map_or(0, |samples| u64::try_from(samples).unwrap_or(u64::MAX))
}

/// Compares the times of the file with the samples returned. The packets are the clock; the
/// times only show where some are missing.
///
/// Recorders take the times from another crystal than that of the sound card. Two crystals
/// differ by up to 200 ppm, which within an hour exceeds a packet although nothing is lost. So
/// the clock follows slow differences, at 250 ppm of the audio, and only faster ones are gaps.
#[derive(Debug)]
pub(crate) struct Clock {
    timescale: u32,
    /// Time of the first sample.
    origin: Option<u64>,
    /// Samples added to the times because they started over.
    shift: u64,
    has_gone_back: bool,
    /// Difference of the two clocks that counts as normal, in parts of a sample.
    usual: i128,
    has_reported_drift: bool,
    /// End of the last sample, if it has a time, and its duration, in ticks.
    end: Option<u64>,
    last: u64,
}

/// How the time of a packet compares with its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lag {
    /// By less than the packet's duration.
    None,
    /// This many samples are missing before it.
    Gap(u64),
    /// It is this many samples too early.
    Behind(u64),
    /// The times have drifted this far from the samples. Reported once.
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
            has_reported_drift: false,
            end: None,
            last: 0,
        }
    }

    /// Records the time of a sample, whether it is read or not. Returns true for the first.
    pub(crate) fn see(&mut self, time: u64, duration: u64) -> bool {
        let is_first = self.origin.is_none();
        self.origin.get_or_insert(time);
        self.end = Some(time.saturating_add(duration));
        self.last = duration;
        is_first
    }

    /// Records a sample without a time, after which the end of the media is unknown.
    pub(crate) fn pass(&mut self) {
        self.end = None;
    }

    /// The length of the media in samples, by the times only; `None` if they went back or end
    /// early.
    pub(crate) fn media_len(&self) -> Option<u64> {
        let ticks = self.end?.checked_sub(self.origin?)?;
        (self.timescale > 0 && !self.has_gone_back).then(|| to_samples(ticks, self.timescale))
    }

    /// How much shorter than `duration` the last sample is by the times, if rounding cannot
    /// explain it.
    pub(crate) fn shortened(&self, duration: u32) -> Option<u64> {
        self.end.filter(|_| self.timescale > 0)?;
        let short = u64::from(duration).checked_sub(to_samples(self.last, self.timescale))?;
        // Ticks of another clock are not exact either.
        let is_exact = self.timescale.is_multiple_of(48_000) && self.usual == 0;
        let tolerance = if is_exact { 0 } else { 48_000_u32.div_ceil(self.timescale).max(48) };
        (short > u64::from(tolerance)).then_some(short)
    }

    /// The time before the first sample, in samples.
    pub(crate) fn origin(&self) -> u64 {
        to_samples(self.origin.unwrap_or(0), self.timescale)
    }

    /// Compares the time of a packet with its `position`.
    pub(crate) fn lag(&mut self, time: u64, position: u64, duration: u32) -> Lag {
        let (Some(origin), true) = (self.origin, self.timescale > 0) else { return Lag::None };
        // A time before the first counts as the first.
        let due = to_samples(time.saturating_sub(origin), self.timescale);
        let due = due.saturating_add(self.shift);
        let late = (i128::from(due) - i128::from(position)) * PARTS - self.usual;
        let packet = i128::from(duration) * PARTS;
        // Rounding to ticks can shorten the time of a lost packet by this much, and the followed
        // difference is not exact either.
        let tick = i128::from(48_000_u32.div_ceil(self.timescale));
        let rounding = ((tick + 4) * PARTS).min(packet / 4);
        if late >= packet - rounding {
            let samples = u64::try_from((late + rounding) / PARTS).unwrap_or(u64::MAX);
            return Lag::Gap(samples - samples % 120);
        }
        if late <= -packet {
            let early = u64::try_from(-late / PARTS).unwrap_or(u64::MAX);
            self.has_gone_back = true;
            // Less is a burst of late packets, after which the times catch up.
            if early > RESTART {
                self.shift = self.shift.saturating_add(early);
            }
            return Lag::Behind(early);
        }
        self.follow(late, packet)
    }

    fn follow(&mut self, late: i128, packet: i128) -> Lag {
        // More may be a lost packet that rounding has shortened.
        if 2 * late.abs() < packet {
            let step = packet / 4000;
            self.usual += late.clamp(-step, step);
        }
        if self.usual.abs() < packet || std::mem::replace(&mut self.has_reported_drift, true) {
            return Lag::None;
        }
        Lag::Drift(i64::try_from(self.usual / PARTS).unwrap_or(i64::MAX))
    }

    /// Converts samples by the times to samples by the packets: without the followed difference,
    /// unless rounding explains it.
    pub(crate) fn without_drift(&self, samples: u64) -> u64 {
        let drift = i64::try_from(self.usual / PARTS).unwrap_or_default();
        if drift.unsigned_abs() <= 48 { samples } else { samples.saturating_add_signed(-drift) }
    }
}

/// One second.
const RESTART: u64 = 48_000;
/// Parts of a sample: 250 ppm of 2.5 ms are a whole number of them.
const PARTS: i128 = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_any_timescale_are_rounded_once() {
        assert_eq!(to_samples(312, 48_000), 312);
        assert_eq!(to_samples(10_001, 1_000_000), 480, "480.048");
        assert_eq!(to_samples(1, 96_000), 1, "0.5");
        assert_eq!(to_samples(u64::MAX, 1), u64::MAX);
        assert_eq!(to_samples(5, 0), 0);
    }

    #[test]
    fn times_show_gaps_only() {
        let mut clock = Clock::new(1000);
        assert!(clock.see(500, 20));
        assert_eq!(clock.lag(500, 0, 960), Lag::None);
        assert_eq!(clock.lag(538, 960, 960), Lag::None, "18 ms late");
        assert_eq!(clock.lag(541, 960, 960), Lag::Gap(960), "21 ms, floored to 2.5 ms");
        assert_eq!(clock.lag(500, 96_000, 960), Lag::Behind(96_000));
        assert_eq!(clock.lag(520, 96_960, 960), Lag::None, "from then on");
        assert_eq!(clock.media_len(), None);
    }

    /// Packets arrive in bursts of five.
    #[test]
    fn bursts_of_packets_are_not_a_gap() {
        let mut clock = Clock::new(48_000);
        let mut reported = vec![];
        for i in 0..100 {
            let time = i / 5 * 4800 + i % 5;
            clock.see(time, 1);
            reported.push(clock.lag(time, i * 960, 960));
        }
        assert!(!reported.iter().any(|lag| matches!(lag, Lag::Gap(_))), "{reported:?}");
    }

    /// An hour of times from a clock that is 200 ppm fast or slow, with one loss.
    #[test]
    fn drift_is_not_a_loss_and_does_not_hide_one() {
        for (ppm, samples) in [(200, 960), (-200, -960)] {
            for timescale in [48_000, 44_100, 1000] {
                let (mut clock, mut position, mut all) = (Clock::new(timescale), 0, vec![]);
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
                            all.push(Lag::Gap(lost));
                        }
                        other => all.push(other),
                    }
                    position += 960;
                }
                assert_eq!(all, [Lag::Drift(samples), Lag::Gap(960)], "{timescale}");
                let media = clock.media_len().unwrap();
                assert!(clock.without_drift(media).abs_diff(position) < 100, "{timescale}");
            }
        }
    }
}
