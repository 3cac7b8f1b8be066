use opus_packet::CONCEALMENT_UNIT;

use crate::{Note, Violation};

/// Compares granule positions with packet durations, page by page (RFC 7845 section 4), to
/// find losses and the end trim.
///
/// Granule positions may begin anywhere (a recording cut from a live stream), so only their
/// differences count. Coded positions begin at 0.
#[derive(Debug)]
pub(crate) struct GranuleClock {
    pre_skip: u64,
    last: Option<u64>,
    /// Samples before the first page with a granule position.
    untold: u64,
    end_trim: u64,
    /// Something was lost, and no page has stated the time since.
    loss_is_open: bool,
    /// The last page without a loss before it had the position that its packets add up to.
    agrees: bool,
}

/// The time that the packets of a page take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PageTime {
    /// Samples in the kept packets.
    pub(crate) samples: u64,
    pub(crate) granule: Option<u64>,
    pub(crate) is_last: bool,
    /// Whether something was lost on or before this page.
    pub(crate) has_loss: bool,
    /// The duration of a packet. On the last page, where a loss and the end trim look alike, a
    /// loss counts as whole packets.
    pub(crate) packet_duration: u32,
    /// The duration of the last packet, the only one that encoders trim.
    pub(crate) last_packet: u32,
}

/// What the granule position of a page means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Lost samples: a multiple of [`CONCEALMENT_UNIT`].
    pub(crate) gap: u64,
    pub(crate) is_inferred: bool,
    pub(crate) violation: Option<Violation>,
    pub(crate) note: Option<Note>,
}

impl GranuleClock {
    pub(crate) fn new(pre_skip: u16) -> Self {
        let pre_skip = pre_skip.into();
        let (untold, end_trim) = (0, 0);
        Self { pre_skip, last: None, untold, end_trim, loss_is_open: false, agrees: true }
    }

    /// Samples at the end of the stream that do not play.
    pub(crate) fn end_trim(&self) -> u64 {
        self.end_trim
    }

    /// Returns whether a page with this granule position ends no later than the pages before.
    pub(crate) fn has_passed(&self, granule: Option<u64>) -> bool {
        usable(granule).is_none_or(|granule| granule <= self.last.unwrap_or_default())
    }

    /// Returns whether a page has stated the time.
    pub(crate) fn has_begun(&self) -> bool {
        self.last.is_some()
    }

    /// Returns whether something was lost and no page has stated the time since.
    #[inline]
    pub(crate) fn owes_a_loss(&self) -> bool {
        self.loss_is_open
    }

    /// Records a loss on a page that does not state the time.
    pub(crate) fn loss(&mut self) {
        self.loss_is_open = true;
    }

    /// Accepts the next page on which a packet ended, kept or not.
    pub(crate) fn page(&mut self, page: PageTime) -> Verdict {
        self.end_trim = 0;
        self.loss_is_open |= page.has_loss;
        let Some(found) = usable(page.granule) else { return self.count_on(&page) };
        let verdict = match self.last {
            None => self.first_page(&page, found),
            Some(last) => self.later_page(&page, last.saturating_add(page.samples), found),
        };
        self.last = Some(found);
        self.loss_is_open = false;
        verdict
    }

    fn count_on(&mut self, page: &PageTime) -> Verdict {
        let violation = match page.granule {
            None => Violation::NoGranule,
            Some(found) => Violation::GranuleOverflow { found },
        };
        // Below 2^64, since both are at most a valid granule position and a page: see `page`.
        match &mut self.last {
            Some(last) => *last = last.saturating_add(page.samples),
            None => self.untold += page.samples,
        }
        Verdict { violation: Some(violation), ..Verdict::default() }
    }

    /// Accepts the next page on which none ended. Its position is that of the pages before, if it
    /// has one, and it trims nothing. Only of a page that holds nothing at all, it may show a loss;
    /// `is_possible` judges the length.
    #[cold]
    pub(crate) fn empty_page(
        &mut self,
        granule: Option<u64>,
        is_nil: bool,
        is_possible: impl Fn(u64) -> bool,
    ) -> Verdict {
        let (Some(expected), Some(found)) = (self.last, granule) else { return Verdict::default() };
        if found == expected {
            return Verdict::default();
        }
        let ahead = usable(granule).and_then(|found| found.checked_sub(expected));
        let lost = ahead.filter(|&ahead| is_nil && self.loss_is_open && is_possible(ahead));
        let Some(lost) = lost else {
            let violation = Some(Violation::EmptyPageGranule { expected, found });
            return Verdict { violation, ..Verdict::default() };
        };
        self.last = Some(found);
        self.loss_is_open = false;
        let gap = lost - lost % u64::from(CONCEALMENT_UNIT);
        let violation = (gap < lost).then_some(Violation::UnevenLoss { samples: lost });
        Verdict { gap, violation, ..Verdict::default() }
    }

    fn first_page(&mut self, page: &PageTime, found: u64) -> Verdict {
        let samples = self.untold + page.samples;
        let pre_skip = self.pre_skip;
        let trim = match found.checked_sub(samples) {
            Some(0) => return Verdict::default(),
            Some(samples) => {
                let note = Some(Note::LiveStart { samples });
                return Verdict { note, ..Verdict::default() };
            }
            None => samples - found,
        };
        let violation = if !page.is_last {
            self.agrees = false;
            Violation::GranuleBeforeStart { samples, found }
        } else if found < pre_skip {
            Violation::GranuleBelowPreSkip { pre_skip, found }
        } else {
            return self.trim(page, trim, page.samples, samples, found);
        };
        Verdict { violation: Some(violation), ..Verdict::default() }
    }

    fn later_page(&mut self, page: &PageTime, expected: u64, found: u64) -> Verdict {
        let ahead = found.saturating_sub(expected);
        let behind = expected.saturating_sub(found);
        if page.is_last && behind > 0 {
            return self.trim(page, behind, page.samples, expected, found);
        }
        if page.is_last && self.agrees && self.loss_is_open {
            let gap = self.whole_packets(page, ahead);
            let verdict = self.trim(page, gap - ahead, gap, expected, found);
            return Verdict { gap, is_inferred: gap > 0, ..verdict };
        }
        let unit = u64::from(CONCEALMENT_UNIT);
        let gap = if self.loss_is_open { ahead - ahead % unit } else { 0 };
        let violation = if ahead == gap && behind == 0 {
            None
        } else if self.loss_is_open && behind == 0 {
            Some(Violation::UnevenLoss { samples: ahead })
        } else {
            Some(Violation::Granule { expected, found })
        };
        // A position after a loss proves nothing.
        if behind > 0 || !self.loss_is_open {
            self.agrees = ahead == 0 && behind == 0;
        }
        Verdict { gap, violation, ..Verdict::default() }
    }

    /// Only packets that end on the last page can be trimmed (section 4.4), and the loss before
    /// them. A position before that page, or after positions that are known to be wrong, is wrong.
    fn trim(
        &mut self,
        page: &PageTime,
        samples: u64,
        most: u64,
        expected: u64,
        found: u64,
    ) -> Verdict {
        if samples > most || (samples > 0 && !self.agrees) {
            let violation = Some(Violation::EndTrim { expected, found });
            return Verdict { violation, ..Verdict::default() };
        }
        self.end_trim = samples;
        let packet = page.last_packet;
        let note = (samples > u64::from(packet)).then_some(Note::LongTrim { samples, packet });
        Verdict { note, ..Verdict::default() }
    }

    /// A loss before or on the last page: at least the missing samples, in whole packets.
    fn whole_packets(&self, page: &PageTime, missing: u64) -> u64 {
        missing.next_multiple_of(u64::from(page.packet_duration.max(CONCEALMENT_UNIT)))
    }
}

/// A granule position below 2^63. Higher ones are ignored.
fn usable(granule: Option<u64>) -> Option<u64> {
    granule.filter(|&granule| i64::try_from(granule).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(samples: u64, granule: u64) -> PageTime {
        let granule = (granule != u64::MAX).then_some(granule);
        let (packet_duration, last_packet) = (960, 960);
        PageTime { samples, granule, packet_duration, last_packet, ..PageTime::default() }
    }

    fn last(samples: u64, granule: u64) -> PageTime {
        PageTime { is_last: true, ..page(samples, granule) }
    }

    fn lost(page: PageTime) -> PageTime {
        PageTime { has_loss: true, ..page }
    }

    fn wrong(violation: Violation) -> Verdict {
        Verdict { violation: Some(violation), ..Verdict::default() }
    }

    const FINE: Verdict = Verdict { gap: 0, is_inferred: false, violation: None, note: None };

    #[test]
    fn rule_22_a_live_recording_begins_anywhere() {
        let mut clock = GranuleClock::new(312);
        let note = Some(Note::LiveStart { samples: 5_000_000 - 960 });
        assert_eq!(clock.page(page(960, 5_000_000)), Verdict { note, ..FINE });
        assert_eq!(clock.page(last(960, 5_000_960)), FINE);
        assert_eq!(clock.end_trim(), 0);
    }

    #[test]
    fn rule_22_a_first_page_before_zero_is_trimmed_only_at_the_end() {
        let (samples, found) = (1920, 1401);
        let mut clock = GranuleClock::new(312);
        let expected = wrong(Violation::GranuleBeforeStart { samples, found });
        assert_eq!((clock.page(page(1920, 1401)), clock.end_trim()), (expected, 0));
        let mut clock = GranuleClock::new(312);
        assert_eq!((clock.page(last(1920, 1401)), clock.end_trim()), (FINE, 519));
        let (pre_skip, found) = (312, 311);
        let expected = wrong(Violation::GranuleBelowPreSkip { pre_skip, found });
        let mut clock = GranuleClock::new(312);
        assert_eq!((clock.page(last(1920, 311)), clock.end_trim()), (expected, 0));
    }

    #[test]
    fn rule_24_only_the_last_page_trims_and_only_its_own_packets() {
        let begun = || {
            let mut clock = GranuleClock::new(312);
            assert_eq!(clock.page(page(1920, 1920)), FINE);
            clock
        };
        for (found, end_trim) in [(2880, 0), (2500, 380), (1920, 960)] {
            let mut clock = begun();
            assert_eq!((clock.page(last(960, found)), clock.end_trim()), (FINE, end_trim));
        }
        let (expected, found) = (2880, 1919);
        let verdict = wrong(Violation::EndTrim { expected, found });
        let mut clock = begun();
        assert_eq!((clock.page(last(960, 1919)), clock.end_trim()), (verdict, 0));
        let mut clock = begun();
        let note = Some(Note::LongTrim { samples: 961, packet: 960 });
        assert_eq!(clock.page(last(1920, 2879)), Verdict { note, ..FINE });
        assert_eq!(clock.end_trim(), 961);
    }

    #[test]
    fn rule_24_positions_known_to_be_wrong_trim_nothing() {
        let mut clock = GranuleClock::new(312);
        clock.page(page(1920, 1920));
        let (expected, found) = (2880, 2000);
        let jump = wrong(Violation::Granule { expected, found });
        assert_eq!((clock.page(page(960, 2000)), clock.end_trim()), (jump, 0));
        let (expected, found) = (2960, 2500);
        let verdict = wrong(Violation::EndTrim { expected, found });
        assert_eq!((clock.page(last(960, 2500)), clock.end_trim()), (verdict, 0));
        // Once they are right again, they trim.
        let mut clock = GranuleClock::new(312);
        clock.page(page(1920, 1000));
        clock.page(page(960, 1960));
        assert_eq!((clock.page(last(960, 2500)), clock.end_trim()), (FINE, 420));
        // Nor does a loss make them right.
        let mut clock = GranuleClock::new(312);
        clock.page(page(1920, 1000));
        clock.page(lost(page(960, 1960 + 960)));
        let verdict = clock.page(last(960, 3000));
        assert!(matches!(verdict.violation, Some(Violation::EndTrim { .. })));
        assert_eq!(clock.end_trim(), 0);
    }

    #[test]
    fn rule_25_an_empty_page_shows_a_loss_and_trims_nothing() {
        let begun = || {
            let mut clock = GranuleClock::new(312);
            assert_eq!(clock.page(page(1920, 1920)), FINE);
            clock
        };
        let any = |_| true;
        assert_eq!(begun().empty_page(Some(1920), true, any), FINE);
        assert_eq!(begun().empty_page(None, true, any), FINE);
        assert_eq!(GranuleClock::new(312).empty_page(Some(5), true, any), FINE, "no page before");
        let wrong_at = |found| wrong(Violation::EmptyPageGranule { expected: 1920, found });
        for found in [0, 1919, 2880, 1 << 63] {
            assert_eq!(begun().empty_page(Some(found), true, any), wrong_at(found));
        }
        let mut clock = begun();
        clock.loss();
        assert_eq!(clock.empty_page(Some(1919), true, any), wrong_at(1919));
        assert_eq!(clock.empty_page(Some(9999), true, |lost| lost < 960), wrong_at(9999));
        assert_eq!(clock.empty_page(Some(9999), false, any), wrong_at(9999));
        assert_eq!(clock.empty_page(Some(1920), true, any), FINE);
        let gap = 4800;
        assert_eq!(clock.empty_page(Some(6720), true, any), Verdict { gap, ..FINE });
        assert_eq!((clock.page(last(960, 7000)), clock.end_trim()), (FINE, 680));
    }

    #[test]
    fn rule_25_a_loss_is_a_gap_and_a_jump_without_one_is_not() {
        let mut clock = GranuleClock::new(0);
        clock.page(page(960, 960));
        let gap = 1920;
        assert_eq!(clock.page(lost(page(960, 3840))), Verdict { gap, ..FINE });
        let (expected, found) = (4800, 6720);
        assert_eq!(clock.page(page(960, 6720)), wrong(Violation::Granule { expected, found }));
        let uneven = Verdict { gap, ..wrong(Violation::UnevenLoss { samples: 1925 }) };
        assert_eq!(clock.page(lost(page(960, 6720 + 1925 + 960))), uneven);
    }

    #[test]
    fn rule_25_a_loss_before_the_last_page_is_inferred() {
        let mut clock = GranuleClock::new(0);
        clock.page(page(960, 960));
        // 48,000 samples lost, 206 trimmed.
        let verdict = clock.page(lost(last(960, 960 + 48_000 + 960 - 206)));
        assert_eq!(verdict, Verdict { gap: 48_000, is_inferred: true, ..FINE });
        assert_eq!(clock.end_trim(), 206);
    }

    #[test]
    fn rule_21_packet_durations_replace_a_missing_granule_position() {
        let mut clock = GranuleClock::new(0);
        clock.page(page(960, 960));
        assert_eq!(clock.page(lost(page(960, u64::MAX))), wrong(Violation::NoGranule));
        let verdict = clock.page(page(960, 960 + 4800 + 1920));
        assert_eq!(verdict, Verdict { gap: 4800, ..FINE }, "stated by the next page");
        let found = 1 << 63;
        assert_eq!(clock.page(page(960, found)), wrong(Violation::GranuleOverflow { found }));
    }
}
