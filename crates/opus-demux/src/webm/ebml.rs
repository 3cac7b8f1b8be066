//! EBML (RFC 8794): variable-length numbers, element headers, and elements in memory.
//! Everything is big-endian.

use opus_packet::wide;

use crate::webm::FindingKind;

/// The header of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: u32,
    /// `None` if the element states an unknown size (section 6.2).
    pub(crate) size: Option<u64>,
    /// Length of id and size in bytes.
    pub(crate) len: u8,
}

/// Why no element begins at the start of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHeader {
    /// It needs more bytes.
    Incomplete,
    InvalidId(u8),
    InvalidSize(u32),
}

/// The longest header that Matroska allows: an id of 4 bytes and a size of 8.
pub(crate) const MAX_HEADER_LEN: usize = 12;

impl Header {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, NoHeader> {
        let &first = bytes.first().ok_or(NoHeader::Incomplete)?;
        if first < 0x10 {
            return Err(NoHeader::InvalidId(first));
        }
        let (id, rest) = number(bytes).ok_or(NoHeader::Incomplete)?;
        if !id.is_valid_id() {
            return Err(NoHeader::InvalidId(first));
        }
        let id_len = id.len;
        let id = u32::try_from(id.with_marker()).map_err(|_| NoHeader::InvalidId(first))?;
        if rest.first() == Some(&0) {
            return Err(NoHeader::InvalidSize(id));
        }
        let (size, _) = number(rest).ok_or(NoHeader::Incomplete)?;
        let known = Some(size.value).filter(|_| !size.is_all_ones());
        Ok(Self { id, size: known, len: id_len + size.len })
    }
}

/// A variable-length number, whose first set bit states its length (RFC 8794 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    /// The value without the marker bit, less than 2^56.
    pub(crate) value: u64,
    /// In bytes, 1 to 8.
    pub(crate) len: u8,
}

impl Number {
    pub(crate) fn is_all_ones(self) -> bool {
        self.value == self.max()
    }

    /// The value of a signed number in EBML lacing (RFC 9559 section 10.3.3).
    pub(crate) fn signed(self) -> i64 {
        let half = self.max() / 2;
        // Less than 2^56.
        let distance = i64::try_from(self.value.abs_diff(half)).unwrap_or_default();
        if self.value < half { -distance } else { distance }
    }

    fn max(self) -> u64 {
        (1 << (7 * self.len)) - 1
    }

    fn with_marker(self) -> u64 {
        self.value | 1 << (7 * self.len)
    }

    /// RFC 8794 section 5: neither all zeros nor all ones, and no longer than needed.
    fn is_valid_id(self) -> bool {
        let is_shortest = self.len == 1 || self.value >= (1 << (7 * (self.len - 1))) - 1;
        self.value != 0 && !self.is_all_ones() && is_shortest
    }
}

/// The variable-length number at the start of `bytes`, and the bytes after it.
pub(crate) fn number(bytes: &[u8]) -> Option<(Number, &[u8])> {
    let (&first, _) = bytes.split_first()?;
    let zeros = u8::try_from(first.leading_zeros()).ok()?;
    let len = zeros + 1;
    let (bytes, rest) = bytes.split_at_checked(usize::from(len))?;
    if zeros == 8 {
        return None;
    }
    let raw = unsigned(bytes)?;
    Some((Number { value: raw & ((1 << (7 * len)) - 1), len }, rest))
}

/// An unsigned integer element: up to 8 bytes, where no bytes mean 0 (section 7.2).
pub(crate) fn unsigned(data: &[u8]) -> Option<u64> {
    let mut bytes = [0; 8];
    let start = bytes.len().checked_sub(data.len())?;
    bytes.get_mut(start..)?.copy_from_slice(data);
    Some(u64::from_be_bytes(bytes))
}

/// A signed integer element: up to 8 bytes, two's complement (section 7.1).
pub(crate) fn signed(data: &[u8]) -> Option<i64> {
    let is_negative = data.first().is_some_and(|&byte| byte >= 0x80);
    let mut bytes = if is_negative { [0xff; 8] } else { [0; 8] };
    let start = bytes.len().checked_sub(data.len())?;
    bytes.get_mut(start..)?.copy_from_slice(data);
    Some(i64::from_be_bytes(bytes))
}

/// A string element, which ends at its first zero byte (section 7.4).
pub(crate) fn text(data: &[u8]) -> String {
    let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    String::from_utf8_lossy(data.get(..end).unwrap_or_default()).into_owned()
}

/// An element in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) id: u32,
    pub(crate) data: &'a [u8],
    /// Byte position in the file of `data`.
    pub(crate) offset: u64,
}

impl<'a> Element<'a> {
    /// The elements inside. The last item is a problem and its byte position, if there is one.
    pub(crate) fn children(self) -> Children<'a> {
        Children { rest: self.data, offset: self.offset }
    }

    /// The elements inside up to the first damage.
    pub(crate) fn valid_children(self) -> impl Iterator<Item = Element<'a>> {
        self.children().map_while(Result::ok)
    }
}

pub(crate) struct Children<'a> {
    rest: &'a [u8],
    offset: u64,
}

impl<'a> Iterator for Children<'a> {
    type Item = Result<Element<'a>, (u64, FindingKind)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let child = self.split().map_err(|kind| (self.offset, kind));
        match &child {
            Ok(element) => self.offset = element.offset + wide(element.data.len()),
            Err(_) => self.rest = &[],
        }
        Some(child)
    }
}

impl<'a> Children<'a> {
    fn split(&mut self) -> Result<Element<'a>, FindingKind> {
        let parent_end = self.offset + wide(self.rest.len());
        let header = Header::parse(self.rest).map_err(|reason| match reason {
            NoHeader::Incomplete => FindingKind::PartialHeader,
            NoHeader::InvalidId(byte) => FindingKind::InvalidId { byte },
            NoHeader::InvalidSize(id) => FindingKind::InvalidSize { id },
        })?;
        let Header { id, size, len } = header;
        let size = size.ok_or(FindingKind::UnknownSize { id })?;
        let body = self.rest.get(usize::from(len)..).unwrap_or_default();
        let (data, rest) = usize::try_from(size)
            .ok()
            .and_then(|size| body.split_at_checked(size))
            .ok_or(FindingKind::BeyondParent { id, size, parent_end })?;
        self.rest = rest;
        Ok(Element { id, data, offset: self.offset + u64::from(len) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn valid_and_invalid_ids() {
        let parse = |bytes: &[u8]| Header::parse(bytes);
        assert_eq!(parse(&[0xec, 0x81]), Ok(Header { id: 0xec, size: Some(1), len: 2 }));
        let cluster = [0x1f, 0x43, 0xb6, 0x75, 1, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(parse(&cluster), Ok(Header { id: 0x1f43_b675, size: None, len: 12 }));
        assert_eq!(parse(&[0x80, 0x81]), Err(NoHeader::InvalidId(0x80)));
        assert_eq!(parse(&[0xff, 0x81]), Err(NoHeader::InvalidId(0xff)));
        assert_eq!(parse(&[0x40, 0x01, 0x81]), Err(NoHeader::InvalidId(0x40)), "not shortest");
        assert_eq!(parse(&[0x0f, 0x43]), Err(NoHeader::InvalidId(0x0f)), "5 bytes");
        assert_eq!(parse(&[0xec, 0]), Err(NoHeader::InvalidSize(0xec)));
        for cut in 0..cluster.len() {
            assert_eq!(parse(&cluster[..cut]), Err(NoHeader::Incomplete), "cut at {cut}");
        }
    }

    #[test]
    fn integers_of_any_length() {
        assert_eq!(unsigned(&[]), Some(0));
        assert_eq!(unsigned(&[1, 0]), Some(256));
        assert_eq!(unsigned(&[1; 9]), None);
        assert_eq!(signed(&[]), Some(0));
        assert_eq!(signed(&[0x80]), Some(-128));
        assert_eq!(signed(&[0x7f, 0xff]), Some(32767));
        assert_eq!(signed(&[0; 9]), None);
    }

    #[test]
    fn signed_differences_of_ebml_lacing() {
        let signed = |bytes: &[u8]| number(bytes).unwrap().0.signed();
        assert_eq!(signed(&[0x80]), -63);
        assert_eq!(signed(&[0xbf]), 0);
        assert_eq!(signed(&[0xff]), 64, "all ones is a value here");
        assert_eq!(signed(&[0x40, 0x00]), -8191);
        assert_eq!(signed(&[0x5f, 0xff]), 0);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = Header::parse(&bytes);
            let element = Element { id: 0, data: &bytes, offset: 7 };
            let mut end = 7;
            for child in element.valid_children() {
                prop_assert!(child.offset > end);
                end = child.offset + wide(child.data.len());
            }
            prop_assert!(end <= 7 + wide(bytes.len()));
        }
    }
}
