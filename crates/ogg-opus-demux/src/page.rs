use std::{fmt, ops::Range};

use crate::crc::page_checksum;

/// One Ogg page (RFC 3533 section 6) with a verified checksum.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Page<'a> {
    bytes: &'a [u8],
    header: &'a [u8; HEADER_LEN],
    lacing: &'a [u8],
}

/// Why bytes are not an Ogg page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum InvalidPage {
    #[error("expected an Ogg page (\"OggS\"), found \"{}\"", found.escape_ascii())]
    Capture { found: [u8; 4] },
    #[error("Ogg page of version {found}, expected 0")]
    Version { found: u8 },
    #[error("Ogg page of at least {needed} bytes, only {available} are left")]
    Truncated { needed: usize, available: usize },
    #[error("Ogg page with checksum {stored:#010x}, its bytes give {computed:#010x}")]
    Checksum { stored: u32, computed: u32 },
}

/// A piece of a packet: what one run of lacing values describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// Where it lies in the page.
    pub(crate) range: Range<usize>,
    /// Whether the packet ends with it.
    pub(crate) ends_packet: bool,
}

impl<'a> Page<'a> {
    /// Parses the page that `bytes` begin with. What follows it is not looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, InvalidPage> {
        let truncated = |needed| InvalidPage::Truncated { needed, available: bytes.len() };
        let needed = required_len(bytes)?;
        let bytes = bytes.get(..needed).ok_or(truncated(needed))?;
        let (header, rest) = bytes.split_first_chunk().ok_or(truncated(HEADER_LEN))?;
        let lacing = rest.get(..segment_count(header)).ok_or(truncated(needed))?;
        let page = Self { bytes, header, lacing };
        page.verify_checksum()?;
        Ok(page)
    }

    /// Length of the whole page in bytes.
    #[allow(clippy::len_without_is_empty, reason = "no page is empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The whole page, from its capture pattern to its last segment.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether the first packet began on an earlier page.
    pub fn is_continued(&self) -> bool {
        self.flags() & 1 != 0
    }

    /// Whether this is the first page of its logical stream (BOS).
    pub fn is_first(&self) -> bool {
        self.flags() & 2 != 0
    }

    /// Whether this is the last page of its logical stream (EOS).
    pub fn is_last(&self) -> bool {
        self.flags() & 4 != 0
    }

    /// Which logical stream the page belongs to.
    pub fn serial(&self) -> u32 {
        let [.., s0, s1, s2, s3, _, _, _, _, _, _, _, _, _] = *self.header;
        u32::from_le_bytes([s0, s1, s2, s3])
    }

    /// Number of the page in its logical stream, wrapping at 2^32.
    pub fn sequence(&self) -> u32 {
        let [.., s0, s1, s2, s3, _, _, _, _, _] = *self.header;
        u32::from_le_bytes([s0, s1, s2, s3])
    }

    /// Number of packets that end on this page.
    pub fn packets_ended(&self) -> usize {
        self.lacing.iter().filter(|&&value| value < 255).count()
    }

    /// The granule position; all ones in the file means that there is none
    /// (RFC 7845 section 4).
    pub(crate) fn granule(&self) -> Option<u64> {
        let [_, _, _, _, _, _, g0, g1, g2, g3, g4, g5, g6, g7, ..] = *self.header;
        let granule = u64::from_le_bytes([g0, g1, g2, g3, g4, g5, g6, g7]);
        (granule != u64::MAX).then_some(granule)
    }

    /// The pieces of packets in this page: a packet is a run of lacing values of
    /// 255 and one below (RFC 3533 section 5).
    pub(crate) fn fragments(&self) -> impl Iterator<Item = Fragment> + use<'a> {
        let mut start = HEADER_LEN + self.lacing.len();
        self.lacing.chunk_by(|&value, _| value == 255).map(move |run| {
            let range = start..start + run.iter().map(|&value| usize::from(value)).sum::<usize>();
            start = range.end;
            Fragment { range, ends_packet: run.last().is_some_and(|&value| value < 255) }
        })
    }

    fn flags(&self) -> u8 {
        let [_, _, _, _, _, flags, ..] = *self.header;
        flags
    }

    fn verify_checksum(&self) -> Result<(), InvalidPage> {
        let [.., c0, c1, c2, c3, _] = *self.header;
        let stored = u32::from_le_bytes([c0, c1, c2, c3]);
        let before = self.bytes.get(..CHECKSUM.start).unwrap_or_default();
        let after = self.bytes.get(CHECKSUM.end..).unwrap_or_default();
        let computed = page_checksum(before, after);
        // Under a fuzzer a checksum would only hide what lies behind it.
        if stored != computed && !cfg!(fuzzing) {
            return Err(InvalidPage::Checksum { stored, computed });
        }
        Ok(())
    }
}

/// How many bytes the page that `bytes` begin with has; or, when they are too
/// few to tell, how many are needed to tell more.
pub(crate) fn required_len(bytes: &[u8]) -> Result<usize, InvalidPage> {
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

fn segment_count(header: &[u8; HEADER_LEN]) -> usize {
    let [.., count] = *header;
    usize::from(count)
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

/// What every page begins with (RFC 3533 section 6, field 1).
const CAPTURE: &[u8; 4] = b"OggS";
const HEADER_LEN: usize = 27;
const CHECKSUM: Range<usize> = 22..26;
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
        let checksum = page_checksum(&bytes[..22], &bytes[26..]);
        bytes[22..26].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn fields_and_fragments() {
        let mut bytes = page(&[255, 3, 0, 255]);
        bytes.extend_from_slice(b"what follows is not looked at");
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
