//! What symphonia does not read in FLAC files, and FLAC in Ogg: chunks of the file that was compressed,
//! and block sizes that STREAMINFO leaves open.

use std::io::{self, Read, Seek};

use wave_demux::Chunk;

use super::{
    finding::Finding,
    flac_blocks, flac_frame, id3, ogg_flac,
    section::{Patch, bytes},
};

/// What symphonia does not see in a FLAC file.
#[derive(Debug, Default)]
pub(crate) struct FlacFile {
    /// Valid sizes for STREAMINFO.
    pub(crate) patches: Vec<Patch>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) damaged: Vec<Finding>,
    /// Where the first frame of a FLAC file begins, and what STREAMINFO says of it.
    pub(crate) frames: Option<(u64, StreamInfo)>,
}

/// Reads the metadata of a FLAC file.
pub(crate) fn look(file: &mut (impl Read + Seek)) -> io::Result<FlacFile> {
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
    found.frames = Some((at, info));
    Ok(found)
}

/// STREAMINFO (RFC 9639 section 8.2).
#[derive(Clone, Debug)]
pub(crate) struct StreamInfo {
    at: u64,
    contents: [u8; 34],
    pub(crate) min_block: u16,
    pub(crate) max_block: u16,
    pub(crate) rate: u32,
    pub(crate) channels: u32,
    /// Bits per sample.
    pub(crate) bits: u32,
    /// Samples per channel, if stated.
    pub(crate) total: Option<u64>,
}

impl StreamInfo {
    /// Parses the contents of the block, which lie at `at`.
    pub(super) fn parse(at: u64, block: &[u8]) -> Option<Self> {
        let contents: [u8; 34] = *block.first_chunk()?;
        let [a, b, c, d, _, _, _, _, _, _, fields @ ..] = contents;
        let fields = u64::from_be_bytes(*fields.first_chunk()?);
        let field = |shift: u32, bits: u32| u32::try_from(fields >> shift & ((1 << bits) - 1)).ok();
        let total = fields & ((1 << 36) - 1);
        Some(Self {
            at,
            contents,
            min_block: u16::from_be_bytes([a, b]),
            max_block: u16::from_be_bytes([c, d]),
            rate: field(44, 20)?,
            channels: field(41, 3)? + 1,
            bits: field(36, 5)? + 1,
            total: (total > 0).then_some(total),
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

    /// Returns the contents of the block.
    pub(crate) fn contents(&self) -> [u8; 34] {
        let mut contents = self.contents;
        for (to, from) in contents.iter_mut().zip(self.sizes()) {
            *to = from;
        }
        contents
    }

    fn patch(&self) -> Patch {
        Patch { at: self.at, bytes: self.sizes().to_vec() }
    }

    fn sizes(&self) -> [u8; 4] {
        let [a, b] = self.min_block.to_be_bytes();
        let [c, d] = self.max_block.to_be_bytes();
        [a, b, c, d]
    }
}
