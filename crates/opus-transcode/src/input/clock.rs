//! Where a packet belongs, by the times in the file.

/// Compares the times that packets carry with what has been decoded. All in frames, from the
/// time of the first packet on; trimmed frames count.
pub(crate) struct Clock {
    rate: u32,
    /// A tick of the file's clock in seconds, as a fraction.
    tick: (u32, u32),
    /// Whether a container's times are those of its packets to the frame. Else they may be off
    /// by their rounding, and by what the writer thought a packet lasts.
    exact: bool,
    first: Option<i64>,
    now: u64,
}

/// Exact clocks are off by a frame here and there, and no packet is as short as this.
const QUIRK: u64 = 15;

impl Clock {
    pub(crate) fn new(rate: u32, tick: (u32, u32), exact: bool) -> Self {
        Self { rate, tick, exact, first: None, now: 0 }
    }

    /// How much is missing before the next packet, given its time and how long it lasts.
    pub(crate) fn gap(&mut self, pts: i64, ticks: u64) -> u64 {
        // Nothing comes of the first packet of Vorbis, and yet it takes time in Matroska.
        let first = self.first.filter(|_| self.exact || self.now > 0).unwrap_or(pts);
        self.first = Some(first);
        let since_first = u64::try_from(i128::from(pts) - i128::from(first)).unwrap_or(0);
        let gap = self.frames(since_first).saturating_sub(self.now);
        let slack = if self.exact { QUIRK } else { self.frames(2).max(self.frames(ticks) / 2) };
        if gap > slack { gap } else { 0 }
    }

    /// Whether the times of the file are exact.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Goes on by what was decoded, or stands for it.
    pub(crate) fn advance(&mut self, frames: u64) {
        self.now = self.now.saturating_add(frames);
    }

    /// Ticks of the file in frames, to the nearest.
    pub(crate) fn frames(&self, ticks: u64) -> u64 {
        let (numerator, denominator) = self.tick;
        scale(ticks, u64::from(numerator) * u64::from(self.rate), u64::from(denominator))
    }
}

/// `count * numerator / denominator` to the nearest; as far as it goes where that is no number.
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
        // A time that goes back says nothing.
        assert_eq!(clock.gap(-500, 1024), 0);
    }

    #[test]
    fn rounding_is_no_gap_and_a_lost_packet_is() {
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
