//! The metadata blocks of a FLAC file (RFC 9639 section 8). symphonia rejects a file for one that is
//! damaged.

use std::io::{self, Read, Seek};

use super::{
    finding::Finding,
    flac_file::StreamInfo,
    foreign::Foreign,
    section::{Patch, bytes},
};

#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) info: Option<StreamInfo>,
    pub(super) foreign: Foreign,
    /// Turn blocks that are damaged, or not needed to decode, into padding.
    pub(super) patches: Vec<Patch>,
    pub(super) damaged: Vec<Finding>,
    /// Where the first frame begins; `None` if the blocks do not end.
    pub(super) end: Option<u64>,
}

/// Reads the blocks from `at` on.
pub(super) fn read(file: &mut (impl Read + Seek), mut at: u64) -> io::Result<Blocks> {
    let mut blocks = Blocks::default();
    loop {
        let header = bytes(file, at, 4)?;
        let [kind, size @ ..] = header.as_slice() else { return Ok(blocks) };
        let size = size.iter().fold(0, |size, byte| size << 8 | u64::from(*byte));
        let (is_last, kind) = (kind & 0x80 != 0, kind & 0x7f);
        if kind == INVALID {
            return Ok(blocks);
        }
        let mut contents = || bytes(file, at + 4, size);
        let is_hidden = match kind {
            STREAMINFO if blocks.info.is_none() => {
                blocks.info = StreamInfo::parse(at + 4, &contents()?);
                false
            }
            APPLICATION => {
                blocks.foreign.add(at + 4, &contents()?);
                true
            }
            COMMENT => blocks.is_damaged(at, "VORBIS_COMMENT", is_comment(&contents()?)),
            PICTURE => blocks.is_damaged(at, "PICTURE", is_picture(&contents()?)),
            STREAMINFO | SEEKTABLE | CUESHEET => true,
            _ => false,
        };
        if is_hidden && blocks.patches.len() < MAX_HIDDEN {
            blocks.patches.push(Patch { at, bytes: vec![PADDING | u8::from(is_last) << 7] });
        }
        at += 4 + size;
        if is_last {
            blocks.end = Some(at);
            return Ok(blocks);
        }
    }
}

const STREAMINFO: u8 = 0;
const PADDING: u8 = 1;
const APPLICATION: u8 = 2;
const SEEKTABLE: u8 = 3;
const COMMENT: u8 = 4;
const CUESHEET: u8 = 5;
const PICTURE: u8 = 6;
const INVALID: u8 = 127;
/// More than any program writes.
const MAX_HIDDEN: usize = 10_000;

impl Blocks {
    fn is_damaged(&mut self, offset: u64, block: &'static str, is_whole: bool) -> bool {
        if !is_whole && self.damaged.len() < MAX_HIDDEN {
            self.damaged.push(Finding::DamagedBlock { offset, block });
        }
        !is_whole
    }
}

/// Returns whether all fields of a VORBIS_COMMENT block lie in it.
fn is_comment(block: &[u8]) -> bool {
    let mut rest = block;
    let read = |rest: &mut &[u8]| {
        field(rest, u32::from_le_bytes)?;
        for _ in 0..u32::from_le_bytes(take(rest)?) {
            field(rest, u32::from_le_bytes)?;
        }
        Some(())
    };
    read(&mut rest).is_some()
}

/// Returns whether all fields of a PICTURE block lie in it, and its media type is text.
fn is_picture(block: &[u8]) -> bool {
    let mut rest = block;
    let read = |rest: &mut &[u8]| {
        take::<4>(rest)?;
        let media_type = field(rest, u32::from_be_bytes)?;
        field(rest, u32::from_be_bytes)?;
        take::<16>(rest)?;
        field(rest, u32::from_be_bytes)?;
        let mut text = media_type.iter().take_while(|byte| **byte != 0);
        text.all(|byte| matches!(byte, 0x20..=0x7e)).then_some(())
    };
    read(&mut rest).is_some()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, more) = rest.split_first_chunk()?;
    *rest = more;
    Some(*bytes)
}

/// Takes a field that follows its length.
fn field<'a>(rest: &mut &'a [u8], length: fn([u8; 4]) -> u32) -> Option<&'a [u8]> {
    let length = usize::try_from(length(take(rest)?)).ok()?;
    let (field, more) = rest.split_at_checked(length)?;
    *rest = more;
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(block: &[u8], is_whole: impl Fn(&[u8]) -> bool) {
        assert!(is_whole(&[block, b"more"].concat()));
        for end in 0..block.len() {
            assert!(!is_whole(&block[..end]), "{end} bytes");
        }
    }

    #[test]
    fn fields_must_lie_in_their_block() {
        let comment = b"\x03\0\0\0abc\x02\0\0\0\0\0\0\0\x04\0\0\0A=BC";
        let picture = b"\0\0\0\x03\0\0\0\x04text\0\0\0\x01d0123456789abcdef\0\0\0\x02ab";
        check(comment, is_comment);
        check(picture, is_picture);
        let mut strange = picture.to_vec();
        strange[9] = 7;
        assert!(!is_picture(&strange));
        assert!(!is_comment(b"\0\0\0\0\xff\xff\xff\xff"));
    }
}
