//! Whether a Matroska file of unknown size is complete (RFC 9559 section 5.1). symphonia reports the
//! end of such a file like one inside an element.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::mkv_track::header_of;

/// Returns whether a file that is not cut off by a stated size ends where an element ends.
pub(crate) fn is_whole(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut file = BufReader::new(file);
    let mut at = 0;
    for _ in 0..MAX_ELEMENTS {
        if at == end {
            return Ok(true);
        }
        let mut bytes = Vec::new();
        (&mut file).take(MAX_HEADER).read_to_end(&mut bytes)?;
        let Some((id, size, len)) = header_of(&bytes) else { return Ok(false) };
        // What is in a Segment or in a Cluster of unknown size follows like its own siblings.
        let contents = match (id, size) {
            (SEGMENT, _) | (CLUSTER, None) => 0,
            (_, Some(size)) => size,
            (_, None) => return Ok(false),
        };
        let next = at.saturating_add(len).saturating_add(contents);
        if next > end {
            return Ok(false);
        }
        let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let step = i128::from(next) - i128::from(at) - i128::from(read);
        file.seek_relative(i64::try_from(step).unwrap_or(i64::MAX))?;
        at = next;
    }
    Ok(false)
}

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
/// Four bytes of id, eight of size.
const MAX_HEADER: u64 = 12;
/// A week of blocks of 20 ms has fewer.
const MAX_ELEMENTS: u32 = 50_000_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]

    use std::io::Cursor;

    use super::*;

    fn file(segment: &[u8], cluster: &[u8]) -> Vec<u8> {
        let start = b"\x1a\x45\xdf\xa3\x83abc\x18\x53\x80\x67";
        [start, segment, b"\xec\x40\x01\0\x1f\x43\xb6\x75", cluster, b"\xe7\x81\0\xa3\x84abcd"]
            .concat()
    }

    #[test]
    fn only_an_end_between_elements_is_whole() {
        let unknown = (1..=8_u32).map(|len| {
            let all = (1_u64 << (7 * len + 1)) - 1;
            all.to_be_bytes()[8 - usize::try_from(len).unwrap()..].to_vec()
        });
        for size in unknown {
            for (segment, cluster) in [(&size, &size), (&size, &vec![0x89]), (&vec![0x95], &size)] {
                let file = file(segment, cluster);
                assert!(is_whole(&mut Cursor::new(&file)).unwrap(), "{segment:?} {cluster:?}");
                let block = file.len() - 6;
                for cut in 8..file.len() {
                    let whole = is_whole(&mut Cursor::new(&file[..cut])).unwrap();
                    // Where the Segment has begun, and between its children.
                    let between =
                        [8, 12 + segment.len(), 16 + segment.len(), file.len() - 9, block];
                    let is_open = cluster.len() > 1 || cluster[0] == 0xff;
                    let expected = between.contains(&cut) && (cut < file.len() - 9 || is_open);
                    assert_eq!(whole, expected, "{segment:?} {cluster:?} cut at {cut}");
                }
            }
        }
        assert!(!is_whole(&mut Cursor::new(b"RIFF\xff\xff\xff\xff")).unwrap());
    }
}
