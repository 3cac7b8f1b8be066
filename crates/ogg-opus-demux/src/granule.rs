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
        Self { pre_skip: pre_skip.into(), last: None, untold: 0, end_trim: 0, loss_is_open: false }
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

    /// Accepts the next page on which a packet ended, kept or not. (Other pages do not state
    /// the time, and an empty last page cannot trim.)
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

    fn first_page(&mut self, page: &PageTime, found: u64) -> Verdict {
        let is_last = page.is_last;
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
        let violation = if !is_last {
            Some(Violation::GranuleBeforeStart { samples, found })
        } else {
            self.end_trim = trim.min(page.samples);
            (found < pre_skip).then_some(Violation::GranuleBelowPreSkip { pre_skip, found })
        };
        Verdict { violation, ..Verdict::default() }
    }

    fn later_page(&mut self, page: &PageTime, expected: u64, found: u64) -> Verdict {
        let ahead = found.saturating_sub(expected);
        let behind = expected.saturating_sub(found);
        if page.is_last {
            let gap = if self.loss_is_open { self.whole_packets(page, ahead) } else { 0 };
            // Only packets that end on this page can be trimmed (section 4.4), and the loss
            // before them.
            self.end_trim = (behind + gap.saturating_sub(ahead)).min(page.samples + gap);
            let is_wrong = ahead > 0 && gap == 0;
            let violation = is_wrong.then_some(Violation::Granule { expected, found });
            return Verdict { gap, is_inferred: gap > 0, violation, note: None };
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
        Verdict { gap, violation, ..Verdict::default() }
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
        PageTime { samples, granule, packet_duration: 960, ..PageTime::default() }
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
        assert_eq!(GranuleClock::new(312).page(last(1920, 311)), expected);
    }

    #[test]
    fn rule_24_only_the_last_page_trims_and_only_its_own_packets() {
        let mut clock = GranuleClock::new(312);
        clock.page(page(1920, 1920));
        let (expected, found) = (2880, 2000);
        let verdict = clock.page(page(960, 2000));
        assert_eq!((verdict, clock.end_trim()), (wrong(Violation::Granule { expected, found }), 0));
        assert_eq!((clock.page(last(960, 2500)), clock.end_trim()), (FINE, 460));
        let mut clock = GranuleClock::new(312);
        clock.page(page(1920, 1920));
        assert_eq!((clock.page(last(960, 1000)), clock.end_trim()), (FINE, 960));
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
