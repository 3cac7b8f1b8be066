//! FLAC in Ogg: the packets before the audio, which hold what the head of a FLAC file does.

use std::io::{self, Read, Seek};

use super::{
    flac_file::{FlacFile, StreamInfo},
    flac_frame,
    foreign::Foreign,
    section::{Patch, bytes},
};

/// Reads the packets of the first stream with FLAC up to the first one with audio.
pub(super) fn look(file: &mut (impl Read + Seek), start: u64) -> io::Result<FlacFile> {
    let mut found = FlacFile::default();
    let (mut at, mut stream, mut foreign) = (start, None, Foreign::default());
    let (mut packet, mut is_open): (Vec<u8>, bool) = (Vec::new(), false);
    let (mut place, mut frame) = (0, None);
    'pages: for _ in 0..MAX_PAGES {
        let Some(page) = Page::read(file, at)? else { break };
        if stream.is_none() && page.body.starts_with(b"\x7fFLAC") {
            stream = Some((page.serial(), at, page.bytes.clone()));
        }
        let is_ours = stream.as_ref().is_some_and(|(serial, ..)| *serial == page.serial());
        let mut body = page.body.as_slice();
        for (len, is_whole) in page.lacing().into_iter().filter(|_| is_ours) {
            let Some((part, rest)) = body.split_at_checked(len) else { break 'pages };
            if !is_open {
                packet.clear();
                let before = page.bytes.len() - body.len();
                place = at + u64::try_from(before).unwrap_or(0);
            }
            packet.extend_from_slice(part);
            (body, is_open) = (rest, !is_whole);
            if packet.first() == Some(&0xff) || packet.len() > MAX_PACKET {
                frame = flac_frame::header(&packet);
                break 'pages;
            }
            if is_whole && packet.first().is_some_and(|kind| kind & 0x7f == APPLICATION) {
                foreign.add(place + BLOCK_HEADER, packet.get(4..).unwrap_or_default());
            }
        }
        at += u64::try_from(page.bytes.len()).unwrap_or(0);
    }
    found.chunks = foreign.into_chunks();
    if let Some((_, at, first)) = stream {
        found.patches.extend(patch(at, first, frame.as_ref()));
    }
    Ok(found)
}

/// Replaces a first page whose block sizes symphonia rejects.
fn patch(at: u64, mut page: Vec<u8>, frame: Option<&flac_frame::Header>) -> Option<Patch> {
    // The mapping header of 13 bytes and the header of the block precede STREAMINFO.
    let place = page.windows(5).position(|five| five == b"\x7fFLAC")? + 17;
    let info = StreamInfo::parse(u64::try_from(place).ok()?, page.get(place..)?);
    let sizes = info?.complete(frame)?;
    page.get_mut(place..place + 4)?.copy_from_slice(&sizes.bytes);
    page.get_mut(22..26)?.fill(0);
    let crc = crc(&page).to_le_bytes();
    page.get_mut(22..26)?.copy_from_slice(&crc);
    Some(Patch { at, bytes: page })
}

struct Page {
    /// All of it, with its header.
    bytes: Vec<u8>,
    body: Vec<u8>,
}

impl Page {
    /// Reads the page at `at` (RFC 3533 section 6); `None` if there is none.
    fn read(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<Self>> {
        let all = bytes(file, at, MAX_PAGE)?;
        let Some(&segments) = all.get(26).filter(|_| all.starts_with(b"OggS")) else {
            return Ok(None);
        };
        let header = 27 + usize::from(segments);
        let Some(table) = all.get(27..header) else { return Ok(None) };
        let len = table.iter().map(|len| usize::from(*len)).sum::<usize>();
        let page = all.get(..header + len).zip(all.get(header..header + len));
        Ok(page.map(|(bytes, body)| Self { bytes: bytes.to_vec(), body: body.to_vec() }))
    }

    fn serial(&self) -> Option<[u8; 4]> {
        self.bytes.get(14..)?.first_chunk().copied()
    }

    /// Returns the length of each part of a packet, and whether the packet ends with it.
    fn lacing(&self) -> Vec<(usize, bool)> {
        let end = self.bytes.len() - self.body.len();
        let (mut parts, mut len) = (Vec::new(), 0);
        for &segment in self.bytes.get(27..end).unwrap_or_default() {
            len += usize::from(segment);
            if segment < 255 {
                parts.push((len, true));
                len = 0;
            }
        }
        if len > 0 {
            parts.push((len, false));
        }
        parts
    }
}

/// The checksum of a page whose own is 0 (RFC 3533 section 6).
pub(super) fn crc(page: &[u8]) -> u32 {
    page.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 }
        })
    })
}

const APPLICATION: u8 = 2;
/// What precedes the contents of a metadata block.
const BLOCK_HEADER: u64 = 4;
const MAX_PAGE: u64 = 27 + 255 + 255 * 255;
/// Metadata beyond this many pages, as with pictures, is not read.
const MAX_PAGES: u32 = 1000;
const MAX_PACKET: usize = 32 << 20;
