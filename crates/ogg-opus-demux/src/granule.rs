use crate::Violation;

/// Holds granule positions against packet durations, page by page
/// (RFC 7845 section 4), and finds the end trim.
///
/// Granule positions begin anywhere (a live recording cut out of a longer
/// stream), so only their differences count: coded positions begin at 0.
#[derive(Debug)]
pub(crate) struct GranuleClock {
    pre_skip: u64,
    last: Option<u64>,
    end_trim: u64,
}

impl GranuleClock {
    pub(crate) fn new(pre_skip: u16) -> Self {
        Self { pre_skip: u64::from(pre_skip), last: None, end_trim: 0 }
    }

    /// Samples at the end of the stream that do not play.
    pub(crate) fn end_trim(&self) -> u64 {
        self.end_trim
    }

    /// Takes the next page: `samples` is the duration of the packets that end
    /// on it. A page on which none ends says nothing about time.
    pub(crate) fn page(
        &mut self,
        samples: u64,
        granule: Option<u64>,
        last_page: bool,
    ) -> Result<(), Violation> {
        if samples == 0 {
            return Ok(());
        }
        let found = granule.ok_or(Violation::NoGranule)?;
        if i64::try_from(found).is_err() {
            return Err(Violation::GranuleOverflow { found });
        }
        self.end_trim = match self.last {
            None => self.first_page(samples, found, last_page)?,
            Some(last) => later_page(last, samples, found, last_page)?,
        };
        self.last = Some(found);
        Ok(())
    }

    fn first_page(&self, samples: u64, found: u64, last_page: bool) -> Result<u64, Violation> {
        let trim = samples.saturating_sub(found);
        if trim > 0 && !last_page {
            return Err(Violation::GranuleBeforeStart { samples, found });
        }
        if trim > 0 && found < self.pre_skip {
            return Err(Violation::GranuleBelowPreSkip { pre_skip: self.pre_skip, found });
        }
        Ok(trim)
    }
}

/// The end trim that the page asks for: only the last page may, and only of
/// packets that end on it (RFC 7845 section 4.4).
fn later_page(last: u64, samples: u64, found: u64, last_page: bool) -> Result<u64, Violation> {
    let expected = last.checked_add(samples).ok_or(Violation::GranuleOverflow { found })?;
    match expected.checked_sub(found) {
        Some(0) => Ok(0),
        Some(trim) if last_page => Ok(trim.min(samples)),
        _ => Err(Violation::Granule { expected, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_cut_begins_anywhere() {
        let mut clock = GranuleClock::new(312);
        assert_eq!(clock.page(960, Some(5_000_000), false), Ok(()));
        assert_eq!(clock.page(960, Some(5_000_960), true), Ok(()));
        assert_eq!(clock.end_trim(), 0);
    }

    #[test]
    fn only_the_last_page_trims() {
        let mut clock = GranuleClock::new(312);
        clock.page(1920, Some(1920), false).unwrap();
        assert_eq!(
            clock.page(960, Some(2000), false),
            Err(Violation::Granule { expected: 2880, found: 2000 })
        );
        assert_eq!(clock.page(960, Some(2000), true), Ok(()));
        assert_eq!(clock.end_trim(), 880);
    }

    #[test]
    fn no_more_is_trimmed_than_ends_on_the_last_page() {
        let mut clock = GranuleClock::new(312);
        clock.page(1920, Some(1920), false).unwrap();
        clock.page(960, Some(1000), true).unwrap();
        assert_eq!(clock.end_trim(), 960);
    }

    #[test]
    fn a_first_page_before_zero_is_trimmed_only_at_the_end() {
        let page = |last| GranuleClock::new(312).page(1920, Some(1401), last);
        assert_eq!(page(false), Err(Violation::GranuleBeforeStart { samples: 1920, found: 1401 }));
        assert_eq!(page(true), Ok(()));
        assert_eq!(
            GranuleClock::new(312).page(1920, Some(311), true),
            Err(Violation::GranuleBelowPreSkip { pre_skip: 312, found: 311 })
        );
    }

    #[test]
    fn a_page_without_packets_says_nothing() {
        let mut clock = GranuleClock::new(0);
        clock.page(960, Some(960), false).unwrap();
        assert_eq!(clock.page(0, None, false), Ok(()));
        assert_eq!(clock.page(0, Some(100), true), Ok(()), "a nil last page cannot trim");
        assert_eq!(clock.end_trim(), 0);
        assert_eq!(clock.page(960, None, true), Err(Violation::NoGranule));
    }

    #[test]
    fn granules_of_2_to_the_63_and_more_are_refused() {
        let found = 1 << 63;
        let mut clock = GranuleClock::new(0);
        assert_eq!(clock.page(960, Some(found), false), Err(Violation::GranuleOverflow { found }));
    }
}
