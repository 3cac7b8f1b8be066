//! What symphonia does not report about Matroska and WebM files: whether one was cut off, and how
//! much of its last packet plays (RFC 8794, RFC 9559).

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

/// Returns whether the segment of a Matroska file claims to extend beyond the file.
pub(crate) fn is_cut_off(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let segment = segment(&bytes_at(file, 0, MAX_START)?);
    Ok(segment.is_some_and(|segment| segment.end > end))
}

/// Returns, by track number, how many nanoseconds at the end of each track do not play: the
/// DiscardPadding of its last block in the last cluster. Other tracks play to their end.
pub(crate) fn discard_padding(file: &mut (impl Read + Seek)) -> io::Result<BTreeMap<u64, u64>> {
    let start = bytes_at(file, 0, MAX_START)?;
    let Some(segment) = segment(&start) else { return Ok(BTreeMap::new()) };
    let (mut at, mut last) = (segment.start, 0..0);
    while at < segment.end {
        let header = bytes_at(file, at, MAX_HEADER)?;
        let Some((id, size, rest)) = element(&header) else { break };
        let contents = at + wide(header.len() - rest.len());
        at = contents.saturating_add(size);
        if id == CLUSTER {
            last = contents..at;
        }
    }
    Ok(match last.end - last.start {
        size @ ..=MAX_CLUSTER => padding_of_last_blocks(&bytes_at(file, last.start, size)?),
        _ => BTreeMap::new(),
    })
}

/// Converts to frames, rounded to the nearest. Ignores more than a second, which no single packet
/// needs and which would be held back in memory.
pub(crate) fn frames(nanoseconds: u64, rate: u32) -> u64 {
    match nanoseconds {
        ..=1_000_000_000 => (nanoseconds * u64::from(rate) + 500_000_000) / 1_000_000_000,
        _ => 0,
    }
}

fn padding_of_last_blocks(cluster: &[u8]) -> BTreeMap<u64, u64> {
    let mut padding = BTreeMap::new();
    for (id, contents) in Elements(cluster) {
        let find = |wanted| Elements(contents).find(|(id, _)| *id == wanted);
        let (block, discarded) = match id {
            SIMPLE_BLOCK => (Some(contents), None),
            BLOCK_GROUP => (find(BLOCK).map(|(_, block)| block), find(DISCARD_PADDING)),
            _ => continue,
        };
        if let Some((track, _)) = block.and_then(size) {
            padding.insert(track, discarded.map_or(0, |(_, value)| positive(value)));
        }
    }
    padding
}

/// Returns a signed integer of EBML; 0 if negative or invalid.
fn positive(bytes: &[u8]) -> u64 {
    match bytes.first() {
        Some(0..=0x7f) if bytes.len() <= 8 => {
            bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
        }
        _ => 0,
    }
}

/// Consecutive elements, up to the first that does not fit.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, size, rest) = element(self.0)?;
        let (contents, rest) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        self.0 = rest;
        Some((id, contents))
    }
}

/// Returns the id and size of an element, and the bytes after them.
fn element(bytes: &[u8]) -> Option<(u32, u64, &[u8])> {
    let len = usize::try_from(bytes.first()?.leading_zeros()).ok()? + 1;
    let (id, rest) = bytes.split_at_checked(len).filter(|_| len <= 4)?;
    let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let (size, rest) = size(rest)?;
    Some((id, size, rest))
}

fn bytes_at(file: &mut (impl Read + Seek), at: u64, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Returns the range of the segment's contents. `None` if its size is unknown or this is not
/// Matroska.
fn segment(start: &[u8]) -> Option<Range<u64>> {
    const EBML: &[u8] = b"\x1a\x45\xdf\xa3";
    const SEGMENT: &[u8] = b"\x18\x53\x80\x67";
    let (size, rest) = size(start.strip_prefix(EBML)?)?;
    let (size, contents) =
        self::size(rest.get(usize::try_from(size).ok()?..)?.strip_prefix(SEGMENT)?)?;
    let before = wide(start.len().checked_sub(contents.len())?);
    Some(before..before.checked_add(size)?)
}

/// Returns a size and the bytes after it; `None` if all bits are set, which means unknown.
fn size(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let len = usize::try_from(bytes.first()?.leading_zeros()).ok()? + 1;
    let (field, rest) = bytes.split_at_checked(len).filter(|_| len <= 8)?;
    let all = field.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    let marker = 1_u64 << (7 * len);
    let value = all ^ marker;
    (value != marker - 1).then_some((value, rest))
}

/// The EBML header takes about forty bytes.
const MAX_START: u64 = 4096;
/// The header of an element: four bytes of id, eight of size.
const MAX_HEADER: u64 = 12;
/// A cluster holds a few seconds, possibly with video.
const MAX_CLUSTER: u64 = 64 << 20;

const CLUSTER: u32 = 0x1f43_b675;
const SIMPLE_BLOCK: u32 = 0xa3;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
const DISCARD_PADDING: u32 = 0x75a2;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]

    use std::io::Cursor;

    use super::*;

    fn file(size: &[u8]) -> Vec<u8> {
        [b"\x1a\x45\xdf\xa3\x83abc\x18\x53\x80\x67".as_slice(), size, b"contents"].concat()
    }

    #[test]
    fn a_segment_that_ends_after_the_file_is_cut_off() {
        let of = |size: &[u8]| is_cut_off(&mut Cursor::new(file(size))).unwrap();
        assert_eq!(
            [of(b"\x88"), of(b"\x89"), of(b"\x40\x08"), of(b"\x40\x09")],
            [false, true, false, true]
        );
        assert!(of(b"\x01\0\0\0\0\0\0\x09"));
        // Unknown sizes.
        assert!(!of(b"\xff") && !of(b"\x01\xff\xff\xff\xff\xff\xff\xff"));
        assert!(!of(b"\0"));
        assert!(!is_cut_off(&mut Cursor::new(b"\x1a\x45\xdf\xa3")).unwrap());
        assert!(!is_cut_off(&mut Cursor::new(b"RIFF")).unwrap());
    }

    #[test]
    fn the_last_block_of_a_track_states_its_padding() {
        let element = |id: &[u8], contents: &[u8]| {
            [id, &[0x80 | u8::try_from(contents.len()).unwrap()], contents].concat()
        };
        let group = |track: u8, padding: &[u8]| {
            let block = element(b"\xa1", &[0x80 | track, 0, 0, 0]);
            element(b"\xa0", &[block, element(b"\x75\xa2", padding)].concat())
        };
        let simple = |track: u8| element(b"\xa3", &[0x80 | track, 0, 0, 0x80]);
        let padding = |blocks: &[Vec<u8>], track| {
            let cluster = element(b"\x1f\x43\xb6\x75", &blocks.concat());
            let first = element(b"\x1f\x43\xb6\x75", &group(1, &[99]));
            let segment = element(b"\x18\x53\x80\x67", &[first, cluster].concat());
            let file = [b"\x1a\x45\xdf\xa3\x83abc".as_slice(), &segment].concat();
            let padding = discard_padding(&mut Cursor::new(file)).unwrap();
            padding.get(&track).copied().unwrap_or(0)
        };
        assert_eq!(padding(&[group(1, &[1, 0]), group(2, &[7])], 1), 256);
        assert_eq!(padding(&[group(1, &[1, 0]), group(2, &[7])], 2), 7);
        assert_eq!(padding(&[group(1, &[1, 0]), simple(1)], 1), 0);
        assert_eq!(padding(&[group(1, &[1, 0]), simple(2)], 1), 256);
        assert_eq!(padding(&[group(1, &[0x80])], 1), 0, "negative padding");
        assert_eq!(padding(&[simple(2)], 1), 0);
        assert!(discard_padding(&mut Cursor::new(b"RIFF")).unwrap().is_empty());
    }
}
