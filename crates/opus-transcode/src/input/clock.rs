//! Finds the place of a packet from the times in the file.

/// Compares the times of packets with the decoded audio. Counts frames from the time of the first
/// packet, including trimmed ones.
pub(crate) struct Clock {
    rate: u32,
    /// A tick of the file's clock, as a fraction of a second.
    tick: (u32, u32),
    /// Whether the times in the container are exact to the frame. Others are rounded, and depend on
    /// how long the writer thought a packet lasts.
    exact: bool,
    first: Option<i64>,
    now: u64,
}

/// Tolerance for exact clocks, which are off by a frame now and then. No packet is this short.
const QUIRK: u64 = 15;

impl Clock {
    pub(crate) fn new(rate: u32, tick: (u32, u32), exact: bool) -> Self {
        Self { rate, tick, exact, first: None, now: 0 }
    }

    /// Counts from a time instead of that of the first packet.
    pub(crate) fn starting_at(self, time: i64) -> Self {
        Self { first: Some(time), ..self }
    }

    /// Returns how much is missing before the next packet, given its time and duration.
    pub(crate) fn gap(&mut self, pts: i64, ticks: u64) -> u64 {
        // The first packet of Vorbis decodes to nothing, but has a duration in Matroska.
        let first = self.first.filter(|_| self.exact || self.now > 0).unwrap_or(pts);
        self.first = Some(first);
        let since_first = u64::try_from(i128::from(pts) - i128::from(first)).unwrap_or(0);
        let gap = self.frames(since_first).saturating_sub(self.now);
        let slack = if self.exact { QUIRK } else { self.frames(2).max(self.frames(ticks) / 2) };
        if gap > slack { gap } else { 0 }
    }

    /// Returns whether the times in the file are exact.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Advances by frames that were decoded or replaced.
    pub(crate) fn advance(&mut self, frames: u64) {
        self.now = self.now.saturating_add(frames);
    }

    /// Converts ticks of the file to frames, rounded to the nearest.
    pub(crate) fn frames(&self, ticks: u64) -> u64 {
        let (numerator, denominator) = self.tick;
        scale(ticks, u64::from(numerator) * u64::from(self.rate), u64::from(denominator))
    }
}

/// Returns `count * numerator / denominator`, rounded to the nearest and saturating.
pub(crate) fn scale(count: u64, numerator: u64, denominator: u64) -> u64 {
    let denominator = u128::from(denominator.max(1));
    let exact = u128::from(count) * u128::from(numerator);
    u64::try_from((exact + denominator / 2) / denominator).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_an_exact_clock_is_a_gap_of_that_length() {
        let mut clock = Clock::new(44_100, (1, 44_100), true);
        assert_eq!(clock.gap(-500, 1024), 0);
        clock.advance(1024);
        assert_eq!(clock.gap(524, 1024), 0);
        clock.advance(1024);
        assert_eq!(clock.gap(1549, 1024), 0);
        assert_eq!(clock.gap(1564, 1024), 16);
        clock.advance(16);
        assert_eq!(clock.gap(1564, 1024), 0);
        // A time that goes back is ignored.
        assert_eq!(clock.gap(-500, 1024), 0);
    }

    #[test]
    fn a_lost_packet_is_a_gap_and_rounding_is_not() {
        let mut clock = Clock::new(44_100, (1, 1000), false);
        for number in 0..1000_i64 {
            let frames = number * 1024;
            if number != 500 {
                let lost = clock.gap(frames * 1000 / 44_100, 23);
                assert!(if number == 501 { lost.abs_diff(1024) < 45 } else { lost == 0 }, "{lost}");
                clock.advance(lost + 1024);
            }
        }
    }

    #[test]
    fn no_time_overflows() {
        let mut clock = Clock::new(u32::MAX, (u32::MAX, 1), true);
        assert_eq!(clock.gap(i64::MIN, u64::MAX), 0);
        assert_eq!(clock.gap(i64::MAX, u64::MAX), u64::MAX);
        clock.advance(u64::MAX);
        clock.advance(u64::MAX);
        assert_eq!(clock.gap(i64::MAX, 0), 0);
        assert_eq!(scale(3, 1, 0), 3);
        assert_eq!([scale(1, 1, 3), scale(2, 1, 3)], [0, 1]);
    }
}
