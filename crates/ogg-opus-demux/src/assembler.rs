use crate::{Error, Note, Page, Violation, finding::Findings, granule::GranuleClock};

/// Joins the pieces that pages carry to packets (RFC 3533 section 5) and checks the page
/// sequence.
#[derive(Debug)]
pub(crate) struct Assembler {
    serial: u32,
    /// The expected number of the next page.
    next_sequence: u32,
    stage: Stage,
    has_ended: bool,
    open: Open,
    /// The bytes so far of the open packet.
    begun: Vec<u8>,
    /// The packet that began before the last page and ended on it.
    joined: Vec<u8>,
}

/// What has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    /// A jump of page numbers means that the recording joined a live stream here (RFC 7845
    /// section 3), not a loss, unless a packet is open or the numbers go back to those of the
    /// headers. (A server that sends a page every 20 ms reaches 2^31 within two years, so a
    /// jump forward may look like one back from below zero.)
    Tags,
    Audio,
}

/// A packet that began but has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    None,
    Kept,
    /// Its start is lost or it is too long, so its rest is skipped.
    Dropped,
}

/// What a fragment of a page completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A packet on its own.
    Whole,
    /// A packet that began earlier: [`Assembler::joined`].
    Joined,
    /// Nothing that is kept.
    Nothing,
    /// The packet is too long and is dropped.
    TooLong,
}

/// Whether to read a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    /// Something is lost before its first packet.
    AfterLoss,
    /// It was read before.
    Refused,
}

/// A page and its byte position in the stream.
#[derive(Clone, Copy)]
pub(crate) struct PlacedPage<'a> {
    pub(crate) offset: u64,
    pub(crate) page: Page<'a>,
}

impl Assembler {
    /// Follows the logical stream of a first page.
    pub(crate) fn new(first_page: &Page<'_>) -> Self {
        Self {
            serial: first_page.serial(),
            next_sequence: first_page.sequence().wrapping_add(1),
            stage: Stage::Head,
            has_ended: first_page.is_last(),
            open: Open::None,
            begun: Vec::new(),
            joined: Vec::new(),
        }
    }

    /// The serial number of the logical stream.
    pub(crate) fn serial(&self) -> u32 {
        self.serial
    }

    /// The expected number of the next page.
    pub(crate) fn next_sequence(&self) -> u32 {
        self.next_sequence
    }

    /// Returns whether the last page (EOS) was read.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Returns whether a packet is open and kept.
    pub(crate) fn is_open(&self) -> bool {
        self.open == Open::Kept
    }

    /// Returns whether no packet is open, so that the next fragment begins one.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.open == Open::None
    }

    /// Returns whether the open packet is dropped.
    #[inline]
    pub(crate) fn is_dropping(&self) -> bool {
        self.open == Open::Dropped
    }

    /// Records that the comment header was read.
    pub(crate) fn has_tags(&mut self) {
        self.stage = Stage::Tags;
    }

    /// Treats jumps of page numbers as losses from now on.
    pub(crate) fn has_audio(&mut self) {
        self.stage = Stage::Audio;
    }

    /// The packet of [`Step::Joined`].
    #[inline]
    pub(crate) fn joined(&self) -> &[u8] {
        &self.joined
    }

    /// Accepts the next page of the stream. Its fragments follow.
    #[inline]
    pub(crate) fn page(
        &mut self,
        placed: PlacedPage<'_>,
        clock: &GranuleClock,
        findings: &mut Findings,
    ) -> Result<Admission, Error> {
        let PlacedPage { offset, page } = placed;
        let mut admission = Admission::Admitted;
        if page.sequence() != self.next_sequence || self.has_ended {
            admission = self.out_of_order(placed, clock, findings)?;
            if admission == Admission::Refused {
                return Ok(admission);
            }
        }
        self.next_sequence = page.sequence().wrapping_add(1);
        self.has_ended = page.is_last();
        if page.is_continued() != (self.open != Open::None) && !page.is_nil() {
            findings.report(offset, self.disagree(page.is_continued()))?;
            admission = Admission::AfterLoss;
        }
        Ok(admission)
    }

    /// Accepts the next fragment of the page. Packets longer than `limit` are dropped.
    #[inline]
    pub(crate) fn fragment(&mut self, bytes: &[u8], ends_packet: bool, limit: usize) -> Step {
        if self.open == Open::None && ends_packet && bytes.len() <= limit {
            return Step::Whole;
        }
        self.divided(bytes, ends_packet, limit)
    }

    /// Accepts a piece of a packet that spans pages, or of one that is dropped.
    fn divided(&mut self, bytes: &[u8], ends_packet: bool, limit: usize) -> Step {
        let was_dropped = self.open == Open::Dropped;
        let is_dropped = was_dropped || self.begun.len() + bytes.len() > limit;
        self.open = match (ends_packet, is_dropped) {
            (true, _) => Open::None,
            (false, true) => Open::Dropped,
            (false, false) => Open::Kept,
        };
        if is_dropped {
            self.begun.clear();
            return if was_dropped { Step::Nothing } else { Step::TooLong };
        }
        self.begun.extend_from_slice(bytes);
        if !ends_packet {
            return Step::Nothing;
        }
        std::mem::swap(&mut self.joined, &mut self.begun);
        self.begun.clear();
        Step::Joined
    }

    /// Judges a page that has an unexpected number or follows the last page.
    #[cold]
    fn out_of_order(
        &mut self,
        placed: PlacedPage<'_>,
        clock: &GranuleClock,
        findings: &mut Findings,
    ) -> Result<Admission, Error> {
        let PlacedPage { offset, page } = placed;
        let (expected, found) = (self.next_sequence, page.sequence());
        let is_behind = found.wrapping_sub(expected) > u32::MAX / 2;
        // The numbers are wrong if they go back while time advances, or before there is anything
        // to repeat.
        let is_second = self.stage == Stage::Head && self.open == Open::None;
        if is_behind && clock.has_passed(page.granule()) && !is_second {
            findings.report(offset, Violation::Repeated { expected, found })?;
            return Ok(Admission::Refused);
        }
        if self.has_ended {
            findings.report(offset, Violation::AfterLastPage)?;
        }
        if found == expected {
            return Ok(Admission::Admitted);
        }
        let goes_back = is_behind && found < expected;
        if self.stage == Stage::Tags && self.open == Open::None && !goes_back {
            let pages = found.wrapping_sub(expected);
            findings.report(offset, Note::LiveJoin { pages })?;
        } else {
            findings.report(offset, Violation::Sequence { expected, found })?;
        }
        self.open = if page.is_continued() { Open::Dropped } else { Open::None };
        self.begun.clear();
        Ok(Admission::AfterLoss)
    }

    /// The page and the open packet disagree about a continuation.
    #[cold]
    fn disagree(&mut self, is_continued: bool) -> Violation {
        self.begun.clear();
        if is_continued {
            self.open = Open::Dropped;
            Violation::ContinuedWithoutStart
        } else {
            self.open = Open::None;
            Violation::NotContinued
        }
    }
}
