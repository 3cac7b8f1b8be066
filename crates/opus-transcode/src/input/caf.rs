//! What symphonia misreads in CAF files: PCM of some widths, the size of the samples if it is open or
//! wrong, and bytes after the last chunk or the table of packets.

use std::io::{self, Read, Seek, SeekFrom};

use wave_demux::{ByteOrder, Encoding};

use super::{
    pcm::Pcm,
    section::{Patch, bytes},
};

/// What symphonia does not see in a CAF file.
#[derive(Debug, Default)]
pub(crate) struct Caf {
    /// Where the last chunk ends.
    pub(crate) end: Option<u64>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) pcm: Option<Pcm>,
    /// The stated number of frames of PCM, if the file was cut off.
    pub(crate) frames: Option<u64>,
}

/// Reads the chunks.
pub(crate) fn look(file: &mut (impl Read + Seek)) -> io::Result<Caf> {
    let mut caf = Caf::default();
    let len = file.seek(SeekFrom::End(0))?;
    if !bytes(file, 0, 4)?.starts_with(b"caff") {
        return Ok(caf);
    }
    let (mut at, mut frame_len) = (8, 0);
    // Bounded, since no real file has this many chunks.
    for _ in 0..MAX_CHUNKS {
        let header = bytes(file, at, HEADER)?;
        let Some((kind, size)) = header.split_first_chunk::<4>() else { break };
        let Some(size) = size.first_chunk().map(|size| u64::from_be_bytes(*size)) else { break };
        let (contents, available) = (at + HEADER, len.saturating_sub(at + HEADER));
        match kind {
            b"desc" => {
                frame_len = caf.description(contents, &bytes(file, contents, DESCRIPTION)?);
            }
            b"pakt" => caf.packets(contents, &bytes(file, contents, size.min(MAX_TABLE))?),
            _ => {}
        }
        if size > available {
            // All bits set means to the end of the file.
            let is_cut_off = size != u64::MAX && kind == b"data";
            if kind == b"data" {
                let bytes = available.to_be_bytes().to_vec();
                caf.patches.push(Patch { at: at + 4, bytes });
                at = len;
            }
            let frames = size.saturating_sub(EDIT_COUNT).checked_div(frame_len);
            caf.frames = frames.filter(|_| is_cut_off);
            break;
        }
        at = contents + size;
    }
    caf.end = Some(at);
    Ok(caf)
}

impl Caf {
    /// Parses "desc", which lies at `at`. Returns the bytes of a frame of PCM, 0 for anything else.
    fn description(&mut self, at: u64, bytes: &[u8]) -> u64 {
        let word = |at: usize| {
            let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
            word.map_or(0, |word| u32::from_be_bytes(*word))
        };
        let (flags, frame_len, channels, bits) = (word(12), word(16), word(24), word(28));
        let byte_order = if flags & 2 == 0 { ByteOrder::Big } else { ByteOrder::Little };
        let pcm = match bytes.get(8..12) {
            Some(b"lpcm") => Pcm::of_bits(bits, flags & 1 == 1, byte_order),
            Some(b"alaw") => Some(Pcm::new(Encoding::ALaw, byte_order)),
            Some(b"ulaw") => Some(Pcm::new(Encoding::MuLaw, byte_order)),
            _ => None,
        };
        let is_packed =
            |pcm: &Pcm| channels.checked_mul(pcm.encoding.bytes().into()) == Some(frame_len);
        self.pcm = pcm.filter(is_packed);
        if self.pcm.is_none() {
            return 0;
        }
        // symphonia accepts this codec with frames of any length.
        self.patches.push(Patch { at: at + 8, bytes: b"ulaw\0\0\0\0".to_vec() });
        u64::from(frame_len)
    }
}

impl Caf {
    /// Makes packets without bytes of the padding after a table, which lies at `at`. symphonia looks for
    /// the next chunk there, and libsndfile pads to four bytes.
    fn packets(&mut self, at: u64, table: &[u8]) {
        let Some((stated, entries)) = table.split_first_chunk::<8>() else { return };
        let stated = u64::from_be_bytes(*stated);
        let entries = entries.get(TABLE_FIELDS..).unwrap_or_default();
        // The upper bit of a byte says that the number goes on.
        let mut ends = entries.iter().enumerate().filter(|(_, byte)| **byte < 0x80);
        let Some(last) = stated.checked_sub(1).and_then(|last| usize::try_from(last).ok()) else {
            return;
        };
        let padding = ends.nth(last).and_then(|(end, _)| entries.get(end + 1..));
        let padding = padding.filter(|rest| rest.len() < 4 && rest.iter().all(|byte| *byte == 0));
        let more = padding.and_then(|padding| u64::try_from(padding.len()).ok());
        if let Some(more) = more.filter(|more| *more > 0) {
            let bytes = stated.saturating_add(more).to_be_bytes().to_vec();
            self.patches.push(Patch { at, bytes });
        }
    }
}

const HEADER: u64 = 12;
const DESCRIPTION: u64 = 32;
/// What precedes the samples in "data".
const EDIT_COUNT: u64 = 4;
/// What precedes the entries of "pakt", after their number.
const TABLE_FIELDS: usize = 16;
const MAX_TABLE: u64 = 64 << 20;
const MAX_CHUNKS: u32 = 10_000;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn chunk(kind: &[u8; 4], size: i64, contents: &[u8]) -> Vec<u8> {
        [&kind[..], &size.to_be_bytes(), contents].concat()
    }

    /// Stereo samples of 8 bits, of which ten frames are there.
    fn file(format: &[u8; 4], size: i64, after: &[u8]) -> Vec<u8> {
        let words = [2, 2, 1, 2, 8_u32].map(u32::to_be_bytes).concat();
        let description = [&48_000_f64.to_be_bytes(), &format[..], &words].concat();
        let data = chunk(b"data", size, &[7; 24]);
        [b"caff\0\x01\0\0".to_vec(), chunk(b"desc", 32, &description), data, after.to_vec()]
            .concat()
    }

    #[test]
    fn sizes_that_are_open_or_wrong_are_replaced() {
        let of = |size, after: &[u8]| {
            let file = file(b"lpcm", size, after);
            let caf = look(&mut Cursor::new(&file)).unwrap();
            let patch = caf.patches.get(1).map(|patch| patch.bytes.clone());
            (file.len() - usize::try_from(caf.end.unwrap()).unwrap(), patch, caf.frames)
        };
        let whole = Some(24_u64.to_be_bytes().to_vec());
        assert_eq!(of(24, b""), (0, None, None));
        assert_eq!(of(24, b"x"), (1, None, None));
        assert_eq!(of(24, &chunk(b"free", 2, b"xx")), (0, None, None));
        assert_eq!(of(-1, b""), (0, whole.clone(), None));
        assert_eq!(of(104, b""), (0, whole, Some(50)));
    }

    #[test]
    fn only_packed_pcm_is_ours() {
        let of = |format| look(&mut Cursor::new(file(format, 24, b""))).unwrap().pcm;
        assert_eq!(of(b"lpcm"), Some(Pcm::new(Encoding::I8, ByteOrder::Little)));
        assert_eq!(of(b"alaw"), Some(Pcm::new(Encoding::ALaw, ByteOrder::Little)));
        assert_eq!(of(b"alac"), None);
        assert!(look(&mut Cursor::new(b"RIFF")).unwrap().end.is_none());
        let whole = file(b"lpcm", 24, b"");
        for len in 0..whole.len() {
            look(&mut Cursor::new(&whole[..len])).unwrap();
        }
    }
}
