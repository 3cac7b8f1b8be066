use std::{
    fmt,
    io::{Read, Seek},
};

use crate::{
    Error,
    input::Seekable,
    mp4::{
        FourCc,
        boxes::{BoxAt, Boxes},
        finding::Findings,
        sample_entry::codec,
    },
};

/// A track of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Track {
    /// Its number, for [`Options::track`](crate::mp4::Options::track).
    pub id: u32,
    /// Its kind of media: `soun` for audio.
    pub handler: FourCc,
    /// Its codec: `Opus`, or `enca` for encrypted audio.
    pub codec: FourCc,
}

impl Track {
    /// Returns whether this is an Opus track.
    pub fn is_opus(&self) -> bool {
        self.codec == FourCc(*b"Opus")
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, handler, codec } = self;
        write!(f, "{id} ({handler}, {codec})")
    }
}

/// Where the parts of a track that matter lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrackBoxes {
    pub(crate) track: Track,
    pub(crate) at: BoxAt,
    /// Ticks per second.
    pub(crate) timescale: u32,
    pub(crate) edits: Option<BoxAt>,
    pub(crate) descriptions: Option<BoxAt>,
    pub(crate) times: Option<BoxAt>,
    pub(crate) chunks: Option<BoxAt>,
    pub(crate) sizes: Option<BoxAt>,
    /// Offsets of 32 or 64 bits.
    pub(crate) chunk_offsets: Option<BoxAt>,
}

impl TrackBoxes {
    /// Reads a "trak" box and the boxes in it.
    pub(crate) fn read<R: Read + Seek>(
        at: BoxAt,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let unknown = FourCc(*b"????");
        let mut boxes = Self {
            track: Track { id: 0, handler: unknown, codec: unknown },
            at,
            timescale: 0,
            edits: None,
            descriptions: None,
            times: None,
            chunks: None,
            sizes: None,
            chunk_offsets: None,
        };
        boxes.walk(&at, 0, input, findings)?;
        if let Some(descriptions) = boxes.descriptions {
            boxes.track.codec = codec(&descriptions, input)?.unwrap_or(unknown);
        }
        Ok(boxes)
    }

    fn walk<R: Read + Seek>(
        &mut self,
        parent: &BoxAt,
        depth: u8,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let mut children = Boxes::of(parent, 0);
        while let Some(child) = children.next(input, findings)? {
            match &child.kind.0 {
                b"edts" | b"mdia" | b"minf" | b"stbl" if depth < MAX_DEPTH => {
                    self.walk(&child, depth + 1, input, findings)?;
                }
                b"elst" => self.edits = self.edits.or(Some(child)),
                b"stsd" => self.descriptions = self.descriptions.or(Some(child)),
                b"stts" => self.times = self.times.or(Some(child)),
                b"stsc" => self.chunks = self.chunks.or(Some(child)),
                b"stsz" | b"stz2" => self.sizes = self.sizes.or(Some(child)),
                b"stco" | b"co64" => self.chunk_offsets = self.chunk_offsets.or(Some(child)),
                _ => self.header(&child, input, findings)?,
            }
        }
        Ok(())
    }

    fn header<R: Read + Seek>(
        &mut self,
        child: &BoxAt,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        match &child.kind.0 {
            b"tkhd" => self.track.id = after_times(child, input, findings)?.unwrap_or(0),
            b"mdhd" => self.timescale = after_times(child, input, findings)?.unwrap_or(0),
            b"hdlr" => {
                let handler = child.fields(input, findings, 8)?;
                self.track.handler = handler.map_or(self.track.handler, FourCc);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads the word after two times, which have 32 bits in version 0 and 64 in version 1.
pub(crate) fn after_times<R: Read + Seek>(
    header: &BoxAt,
    input: &mut Seekable<R>,
    findings: &mut Findings,
) -> Result<Option<u32>, Error> {
    let Some([version]) = header.fields(input, findings, 0)? else { return Ok(None) };
    let skip = if version == 1 { 20 } else { 12 };
    Ok(header.fields(input, findings, skip)?.map(u32::from_be_bytes))
}

/// trak, mdia, minf, stbl.
const MAX_DEPTH: u8 = 3;
