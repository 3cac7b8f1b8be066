use std::{fmt, ops::Range, slice};

use crate::crc::page_checksum;

/// An Ogg page with a verified checksum (RFC 3533 section 6).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Page<'a> {
    bytes: &'a [u8],
    header: &'a [u8; HEADER_LEN],
    lacing: &'a [u8],
}

/// Why bytes are not an Ogg page. `Debug` shows the message.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidPage {
    #[error("expected an Ogg page (\"OggS\"), found \"{}\"", found.escape_ascii())]
    Capture { found: [u8; 4] },
    #[error("Ogg page of version {found}, expected 0")]
    Version { found: u8 },
    #[error("Ogg page of at least {needed} bytes, but only {available} are left")]
    Truncated { needed: usize, available: usize },
    #[error("Ogg page with checksum {stored:#010x}, expected {computed:#010x} for its bytes")]
    Checksum { stored: u32, computed: u32 },
}

/// A piece of a packet, described by one run of lacing values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// Its bytes in the page, which has at most 65,307.
    pub(crate) range: Range<u32>,
    /// Whether the packet ends with it.
    pub(crate) ends_packet: bool,
}

impl<'a> Page<'a> {
    /// Parses the page at the start of `bytes` and verifies its checksum. Ignores the bytes
    /// after it.
    ///
    /// # Errors
    ///
    /// `bytes` do not begin with a complete page that has the right checksum.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, InvalidPage> {
        let available = bytes.len();
        let needed = required_len(bytes)?;
        let page = bytes.get(..needed).and_then(Self::verified);
        let page = page.ok_or(InvalidPage::Truncated { needed, available })?;
        page.verify_checksum()?;
        Ok(page)
    }

    /// Wraps the bytes of one page whose checksum was verified before.
    #[inline]
    pub(crate) fn verified(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk()?;
        let lacing = rest.get(..segment_count(header))?;
        Some(Self { bytes, header, lacing })
    }

    /// Length of the whole page in bytes.
    #[allow(clippy::len_without_is_empty, reason = "pages are never empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The whole page, from its capture pattern to its last segment.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns whether the first packet began on an earlier page.
    pub fn is_continued(&self) -> bool {
        self.flags() & 1 != 0
    }

    /// Returns whether this is the first page of its logical stream (BOS).
    pub fn is_first(&self) -> bool {
        self.flags() & 2 != 0
    }

    /// Returns whether this is the last page of its logical stream (EOS).
    pub fn is_last(&self) -> bool {
        self.flags() & 4 != 0
    }

    /// The serial number of the page's logical stream.
    pub fn serial(&self) -> u32 {
        let [.., s0, s1, s2, s3, _, _, _, _, _, _, _, _, _] = *self.header;
        u32::from_le_bytes([s0, s1, s2, s3])
    }

    /// The number of the page in its logical stream, which wraps at 2^32.
    pub fn sequence(&self) -> u32 {
        let [.., s0, s1, s2, s3, _, _, _, _, _] = *self.header;
        u32::from_le_bytes([s0, s1, s2, s3])
    }

    /// Returns whether the page is empty.
    #[inline]
    pub(crate) fn is_nil(&self) -> bool {
        self.lacing.is_empty()
    }

    /// The bytes of the first packet that lie on this page.
    pub(crate) fn first_packet(&self) -> &'a [u8] {
        let range = self.fragments().next().map(|fragment| fragment.range).unwrap_or_default();
        bytes_at(self.bytes, &range)
    }

    /// The number of packets that end on this page.
    pub fn packets_ended(&self) -> usize {
        self.lacing.iter().filter(|&&value| value < 255).count()
    }

    /// The granule position; `None` if all its bits are set (RFC 7845 section 4).
    pub(crate) fn granule(&self) -> Option<u64> {
        let [_, _, _, _, _, _, g0, g1, g2, g3, g4, g5, g6, g7, ..] = *self.header;
        let granule = u64::from_le_bytes([g0, g1, g2, g3, g4, g5, g6, g7]);
        (granule != u64::MAX).then_some(granule)
    }

    /// The pieces of packets on this page. A packet is a run of lacing values of 255 and one
    /// below (RFC 3533 section 5).
    #[inline]
    pub(crate) fn fragments(&self) -> Fragments<'a> {
        Fragments {
            lacing: self.lacing.iter(),
            start: HEADER_LEN_U32 + u32::from(self.segment_count()),
        }
    }

    fn segment_count(&self) -> u8 {
        let [.., count] = *self.header;
        count
    }

    fn flags(&self) -> u8 {
        let [_, _, _, _, _, flags, ..] = *self.header;
        flags
    }

    #[inline]
    fn verify_checksum(&self) -> Result<(), InvalidPage> {
        // A checksum would hide the code behind it from a fuzzer.
        if cfg!(fuzzing) {
            return Ok(());
        }
        let [.., c0, c1, c2, c3, _] = *self.header;
        let stored = u32::from_le_bytes([c0, c1, c2, c3]);
        let computed = page_checksum(self.bytes).unwrap_or_default();
        if stored != computed {
            return Err(InvalidPage::Checksum { stored, computed });
        }
        Ok(())
    }
}

/// See [`Page::fragments`].
pub(crate) struct Fragments<'a> {
    lacing: slice::Iter<'a, u8>,
    start: u32,
}

impl Iterator for Fragments<'_> {
    type Item = Fragment;

    #[inline]
    fn next(&mut self) -> Option<Fragment> {
        let mut value = *self.lacing.next()?;
        let mut end = self.start + u32::from(value);
        while value == 255 {
            let Some(&next) = self.lacing.next() else { break };
            value = next;
            end += u32::from(value);
        }
        let range = self.start..end;
        self.start = end;
        Some(Fragment { range, ends_packet: value < 255 })
    }
}

/// The length of the page at the start of `bytes`, or, if they are too few to tell, how many
/// are needed to tell more.
fn required_len(bytes: &[u8]) -> Result<usize, InvalidPage> {
    let Some(&found) = bytes.first_chunk::<4>() else { return Ok(HEADER_LEN) };
    if found != *CAPTURE {
        return Err(InvalidPage::Capture { found });
    }
    let Some(header) = bytes.first_chunk::<HEADER_LEN>() else { return Ok(HEADER_LEN) };
    let [_, _, _, _, version, ..] = *header;
    if version != 0 {
        return Err(InvalidPage::Version { found: version });
    }
    let body_at = HEADER_LEN + segment_count(header);
    let Some(lacing) = bytes.get(HEADER_LEN..body_at) else { return Ok(body_at) };
    Ok(body_at + lacing.iter().map(|&value| usize::from(value)).sum::<usize>())
}

/// A range of a page, empty if the page is shorter.
#[inline]
pub(crate) fn bytes_at<'a>(page: &'a [u8], range: &Range<u32>) -> &'a [u8] {
    // u32 fits in usize on every platform that has room for a page.
    let index = |place| usize::try_from(place).unwrap_or(usize::MAX);
    page.get(index(range.start)..index(range.end)).unwrap_or_default()
}

fn segment_count(header: &[u8; HEADER_LEN]) -> usize {
    let [.., count] = *header;
    usize::from(count)
}

/// `main() -> Result` prints this.
impl fmt::Debug for InvalidPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("continued", &self.is_continued())
            .field("first", &self.is_first())
            .field("last", &self.is_last())
            .field("granule", &self.granule())
            .field("serial", &self.serial())
            .field("sequence", &self.sequence())
            .field("packets_ended", &self.packets_ended())
            .field("len", &self.len())
            .finish()
    }
}

/// The start of every page (RFC 3533 section 6, field 1).
pub(crate) const CAPTURE: &[u8; 4] = b"OggS";
const HEADER_LEN: usize = 27;
const HEADER_LEN_U32: u32 = 27;
/// The longest page: header, 255 lacing values, 255 segments of 255 bytes.
pub(crate) const MAX_PAGE_LEN: usize = HEADER_LEN + 255 + 255 * 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn page(lacing: &[u8]) -> Vec<u8> {
        let mut bytes = b"OggS\0\x02\x11\0\0\0\0\0\0\0\x07\0\0\0\x09\0\0\0\0\0\0\0".to_vec();
        bytes.push(u8::try_from(lacing.len()).unwrap());
        bytes.extend_from_slice(lacing);
        bytes.extend(std::iter::repeat_n(5, lacing.iter().map(|&value| usize::from(value)).sum()));
        let checksum = page_checksum(&bytes).unwrap();
        bytes[22..26].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn fields_and_fragments() {
        let mut bytes = page(&[255, 3, 0, 255]);
        bytes.extend_from_slice(b"ignored");
        let page = Page::parse(&bytes).unwrap();
        assert_eq!((page.granule(), page.serial(), page.sequence()), (Some(0x11), 7, 9));
        assert!(page.is_first() && !page.is_last() && !page.is_continued());
        assert_eq!(page.len(), 27 + 4 + 513);
        let fragments: Vec<_> = page.fragments().map(|f| (f.range, f.ends_packet)).collect();
        assert_eq!(fragments, [(31..289, true), (289..289, true), (289..544, false)]);
        assert_eq!(page.packets_ended(), 2);
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let bytes = page(&[10, 20]);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Page::parse(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_cut_is_found() {
        let bytes = page(&[10, 20]);
        for cut in 0..bytes.len() {
            assert!(
                matches!(Page::parse(&bytes[..cut]), Err(InvalidPage::Truncated { .. })),
                "cut at {cut}"
            );
        }
    }
}
