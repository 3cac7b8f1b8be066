use std::ops::Range;

use crate::{Page, Violation};

/// Makes packets out of the pieces that pages carry (RFC 3533 section 5), and
/// holds the page sequence.
#[derive(Debug)]
pub(crate) struct Assembler {
    serial: u32,
    /// The number that the next page must have; none: any.
    next_sequence: Option<u32>,
    ended: bool,
    /// A packet that began on this page or before and has not ended.
    open: Option<Vec<u8>>,
    /// The packet that began before this page and ended on it.
    joined: Vec<u8>,
}

/// Where the bytes of a packet that ended on the current page are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PacketBytes {
    /// In one piece in the page.
    InPage(Range<usize>),
    /// Put together from several pages: [`Assembler::joined`].
    Joined,
}

impl Assembler {
    /// Follows the logical stream that `first_page` begins.
    pub(crate) fn new(first_page: &Page<'_>) -> Self {
        Self {
            serial: first_page.serial(),
            next_sequence: Some(first_page.sequence().wrapping_add(1)),
            ended: first_page.is_last(),
            open: None,
            joined: Vec::new(),
        }
    }

    /// The serial number of the logical stream.
    pub(crate) fn serial(&self) -> u32 {
        self.serial
    }

    /// Accepts any number for the next page. Between the headers and the first
    /// audio page a jump is no loss: someone joined a live stream there
    /// (RFC 7845 section 3).
    pub(crate) fn accept_any_sequence(&mut self) {
        self.next_sequence = None;
    }

    /// Takes the next page and gives the packets that end on it. No packet may
    /// be longer than `limit` bytes.
    pub(crate) fn page(
        &mut self,
        page: &Page<'_>,
        limit: usize,
        packets: &mut Vec<PacketBytes>,
    ) -> Result<(), Violation> {
        self.check(page)?;
        for fragment in page.fragments() {
            if self.open.as_ref().map_or(0, Vec::len) + fragment.range.len() > limit {
                return Err(Violation::PacketTooLong { limit });
            }
            let bytes = page.bytes().get(fragment.range.clone()).unwrap_or_default();
            match (self.open.take(), fragment.ends_packet) {
                (None, true) => packets.push(PacketBytes::InPage(fragment.range)),
                (None, false) => self.open = Some(bytes.to_vec()),
                (Some(mut open), ends_packet) => {
                    open.extend_from_slice(bytes);
                    if ends_packet {
                        self.joined = open;
                        packets.push(PacketBytes::Joined);
                    } else {
                        self.open = Some(open);
                    }
                }
            }
        }
        Ok(())
    }

    /// The packet that [`PacketBytes::Joined`] speaks of.
    pub(crate) fn joined(&self) -> &[u8] {
        &self.joined
    }

    /// Whether a packet has begun and not ended.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn check(&mut self, page: &Page<'_>) -> Result<(), Violation> {
        if page.is_first() {
            return Err(Violation::SecondStream);
        }
        if page.serial() != self.serial {
            return Err(Violation::ForeignPage { expected: self.serial, found: page.serial() });
        }
        if self.ended {
            return Err(Violation::AfterLastPage);
        }
        let found = page.sequence();
        if let Some(expected) = self.next_sequence.filter(|&expected| expected != found) {
            return Err(Violation::Sequence { expected, found });
        }
        match (self.open.is_some(), page.is_continued()) {
            (true, false) => return Err(Violation::NotContinued),
            (false, true) => return Err(Violation::ContinuedWithoutStart),
            _ => {}
        }
        self.next_sequence = Some(found.wrapping_add(1));
        self.ended = page.is_last();
        Ok(())
    }
}
