//! Whether a Matroska or WebM file was cut off (RFC 8794, RFC 9559).

use std::io::{self, Read, Seek, SeekFrom};

/// Whether its one segment says that it is longer than the file. Of another file it is not.
pub(crate) fn is_cut_off(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut start = Vec::new();
    file.rewind()?;
    file.take(MAX_START).read_to_end(&mut start)?;
    let segment_end = segment_end(&start).and_then(|end| u64::try_from(end).ok());
    Ok(segment_end.is_some_and(|stated| stated > end))
}

/// None if the size of the segment is not known, or this is something else.
fn segment_end(start: &[u8]) -> Option<u128> {
    const EBML: &[u8] = b"\x1a\x45\xdf\xa3";
    const SEGMENT: &[u8] = b"\x18\x53\x80\x67";
    let (size, rest) = size(start.strip_prefix(EBML)?)?;
    let (size, contents) =
        self::size(rest.get(usize::try_from(size).ok()?..)?.strip_prefix(SEGMENT)?)?;
    let before = start.len().checked_sub(contents.len())?;
    Some(u128::from(size) + u128::try_from(before).ok()?)
}

/// A size, and what follows it; none if all bits are set, which is no size.
fn size(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let len = usize::try_from(bytes.first()?.leading_zeros()).ok()? + 1;
    let (field, rest) = bytes.split_at_checked(len).filter(|_| len <= 8)?;
    let all = field.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    let marker = 1_u64 << (7 * len);
    let value = all ^ marker;
    (value != marker - 1).then_some((value, rest))
}

/// The header of EBML takes some forty bytes.
const MAX_START: u64 = 4096;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::io::Cursor;

    use super::*;

    fn file(size: &[u8]) -> Vec<u8> {
        [b"\x1a\x45\xdf\xa3\x83abc\x18\x53\x80\x67".as_slice(), size, b"contents"].concat()
    }

    #[test]
    fn a_segment_that_ends_behind_the_file_is_cut_off() {
        let of = |size: &[u8]| is_cut_off(&mut Cursor::new(file(size))).unwrap();
        assert_eq!(
            [of(b"\x88"), of(b"\x89"), of(b"\x40\x08"), of(b"\x40\x09")],
            [false, true, false, true]
        );
        assert!(of(b"\x01\0\0\0\0\0\0\x09"));
        // Not known.
        assert!(!of(b"\xff") && !of(b"\x01\xff\xff\xff\xff\xff\xff\xff"));
        assert!(!of(b"\0"));
        assert!(!is_cut_off(&mut Cursor::new(b"\x1a\x45\xdf\xa3")).unwrap());
        assert!(!is_cut_off(&mut Cursor::new(b"RIFF")).unwrap());
    }
}
