//! What symphonia does not read in FLAC files, and FLAC in Ogg: chunks of the file that was compressed,
//! where the last frame ends, and block sizes that STREAMINFO leaves open.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use wave_demux::Chunk;

use super::{
    finding::Finding,
    flac_blocks, flac_frame, id3, ogg_flac,
    section::{Patch, bytes},
};

/// What symphonia does not see in a FLAC file.
#[derive(Debug, Default)]
pub(crate) struct FlacFile {
    /// Where the last frame ends, if other bytes follow.
    pub(crate) end: Option<u64>,
    /// How many of these are not a tag.
    junk: u64,
    /// Valid sizes for STREAMINFO.
    pub(crate) patches: Vec<Patch>,
    pub(crate) chunks: Vec<Chunk>,
    damaged: Vec<Finding>,
    /// Whether the last frame is incomplete or damaged.
    pub(crate) is_cut_off: bool,
}

impl FlacFile {
    pub(crate) fn findings(&self) -> impl Iterator<Item = Finding> {
        let trailing = (self.junk > 0).then_some(Finding::Trailing { bytes: self.junk });
        self.damaged.iter().cloned().chain(trailing)
    }
}

/// Reads the metadata and the end of a FLAC file.
pub(crate) fn look(file: &mut (impl Read + Seek)) -> io::Result<FlacFile> {
    let len = file.seek(SeekFrom::End(0))?;
    let start = id3::end(file)?;
    if bytes(file, start, 4)? != b"fLaC" {
        return ogg_flac::look(file, start);
    }
    let blocks = flac_blocks::read(file, start + 4)?;
    let mut found = FlacFile {
        patches: blocks.patches,
        chunks: blocks.foreign.into_chunks(),
        damaged: blocks.damaged,
        ..FlacFile::default()
    };
    let Some((at, mut info)) = blocks.end.zip(blocks.info) else { return Ok(found) };
    let first = flac_frame::header(&bytes(file, at, 16)?);
    if first.is_some() {
        found.patches.extend(info.complete(first.as_ref()));
    }
    match tail(file, at..len, &info, first.as_ref())? {
        Tail::Nothing => {}
        Tail::Frame => found.is_cut_off = true,
        Tail::Other { end, junk } => (found.end, found.junk) = (Some(end), junk),
    }
    Ok(found)
}

/// The fields of STREAMINFO that matter here.
#[derive(Debug)]
pub(super) struct StreamInfo {
    at: u64,
    min_block: u16,
    max_block: u16,
    bits: u32,
}

impl StreamInfo {
    /// Parses the contents of the block, which lie at `at`.
    pub(super) fn parse(at: u64, bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d, _, _, _, _, _, _, _, _, e, f] = *bytes.first_chunk()?;
        Some(Self {
            at,
            min_block: u16::from_be_bytes([a, b]),
            max_block: u16::from_be_bytes([c, d]),
            bits: u32::from((e & 1) << 4 | f >> 4) + 1,
        })
    }

    /// Replaces sizes that symphonia rejects by ones that fit the first frame, if that is known, or any.
    pub(super) fn complete(&mut self, first: Option<&flac_frame::Header>) -> Option<Patch> {
        const MIN: u16 = 16;
        if self.min_block >= MIN && self.max_block >= self.min_block {
            return None;
        }
        let fixed = first.filter(|first| !first.is_variable).map(|first| first.block);
        let Some(block) = fixed else {
            self.min_block = MIN;
            self.max_block = if self.max_block > MIN { self.max_block } else { u16::MAX };
            return Some(self.patch());
        };
        // All frames but the last are equally long.
        self.max_block = self.max_block.max(u16::try_from(block).unwrap_or(u16::MAX).max(MIN));
        self.min_block = self.max_block;
        Some(self.patch())
    }

    fn patch(&self) -> Patch {
        let [a, b] = self.min_block.to_be_bytes();
        let [c, d] = self.max_block.to_be_bytes();
        Patch { at: self.at, bytes: vec![a, b, c, d] }
    }
}

/// What follows the last whole frame.
enum Tail {
    Nothing,
    /// Another frame of the stream, which is not whole.
    Frame,
    /// Other bytes. symphonia would take them for a part of the frame, and drop both.
    Other {
        /// Where they begin.
        end: u64,
        /// How many of them are not a tag.
        junk: u64,
    },
}

/// Searches the frames of a file, which begin with `first`, from their end. Bytes after them may
/// look like a whole frame, but of another stream.
fn tail(
    file: &mut (impl Read + Seek),
    Range { start: first_at, end: len }: Range<u64>,
    info: &StreamInfo,
    first: Option<&flac_frame::Header>,
) -> io::Result<Tail> {
    let max_block = info.max_block.into();
    let is_ours = |frame: &[u8]| {
        let header = flac_frame::header(frame).zip(first);
        header.is_none_or(|(header, first)| header.is_of_stream(first, max_block))
    };
    let (mut window, mut budget) = (MIN_WINDOW, MAX_PARSED);
    loop {
        let start = len.saturating_sub(window).max(first_at);
        let bytes = bytes(file, start, len.saturating_sub(start))?;
        let starts = (0..bytes.len().saturating_sub(1)).rev();
        for at in starts.filter(|at| bytes.get(*at..at + 2).is_some_and(is_sync)) {
            let frame = bytes.get(at..).filter(|frame| is_ours(frame)).unwrap_or_default();
            let Some(size) = flac_frame::len(frame, info.bits, &mut budget) else { continue };
            let (frame, rest) = frame.split_at(size);
            let end = len.saturating_sub(u64::try_from(rest.len()).unwrap_or(0));
            let headers = flac_frame::header(frame).zip(flac_frame::header(rest));
            let follows = |(last, next): (flac_frame::Header, flac_frame::Header)| {
                next.follows(&last, max_block)
            };
            return Ok(match rest {
                [] => Tail::Nothing,
                _ if headers.is_some_and(follows) => Tail::Frame,
                _ => Tail::Other { end, junk: junk(rest) },
            });
        }
        if start <= first_at || window >= MAX_WINDOW {
            return Ok(Tail::Nothing);
        }
        window *= 16;
    }
}

fn is_sync(two: &[u8]) -> bool {
    matches!(two, [0xff, 0xf8 | 0xf9])
}

/// Returns how many bytes are neither zeros nor a tag that programs append.
fn junk(rest: &[u8]) -> u64 {
    const TAGS: [&[u8]; 4] = [b"TAG", b"APETAGEX", b"ID3", b"LYRICSBEGIN"];
    let text = rest.iter().position(|byte| *byte != 0).and_then(|at| rest.get(at..));
    let text = text.unwrap_or_default();
    let is_tag = text.is_empty() || TAGS.iter().any(|tag| text.starts_with(tag));
    if is_tag { 0 } else { u64::try_from(rest.len()).unwrap_or(u64::MAX) }
}

/// Holds the last frame of most files.
const MIN_WINDOW: u64 = 128 << 10;
/// Pictures in a tag may be long.
const MAX_WINDOW: u64 = 32 << 20;
/// Bytes of possible frames: those of the last one and of some that turn out not to be one.
const MAX_PARSED: usize = 64 << 20;
