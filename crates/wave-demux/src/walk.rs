use std::{
    io::{Read, Seek},
    ops::Range,
};

use crate::{
    Chunk, ChunkId, Error, FindingKind, Form, aiff,
    error::Reason,
    extent::data_end,
    finding::Findings,
    header::{Header, following},
    input::Input,
};

/// The parts of a file.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The contents of the "fmt " or "COMM" chunk.
    pub(crate) format: Option<Range<u64>>,
    /// The bytes of the samples.
    pub(crate) data: Option<Range<u64>>,
    pub(crate) chunks: Vec<Chunk>,
}

/// Goes from chunk to chunk, from `at` to the end of the file.
pub(crate) fn walk<R: Read + Seek>(
    input: &mut Input<R>,
    form: Form,
    mut at: u64,
    findings: &mut Findings,
) -> Result<Contents, Error> {
    let mut walk = Walk { input, form, findings, sizes: Sizes::default(), kept: 0, omitted: 0 };
    let mut contents = Contents::default();
    while walk.input.left(at) > 0 {
        let Some(next) = walk.step(at, &mut contents)? else {
            let bytes = walk.input.left(at);
            walk.findings.report(at, FindingKind::NotAChunk { bytes });
            break;
        };
        at = next;
    }
    if walk.omitted > 0 {
        let offset = walk.input.len();
        walk.findings.report(offset, FindingKind::ChunksOmitted { count: walk.omitted });
    }
    Ok(contents)
}

struct Walk<'a, R> {
    input: &'a mut Input<R>,
    form: Form,
    findings: &'a mut Findings,
    sizes: Sizes,
    /// Bytes of contents kept so far.
    kept: u64,
    omitted: u64,
}

impl<R: Read + Seek> Walk<'_, R> {
    /// Takes the chunk at `at` and returns the position of the next; `None` if no chunk is there.
    fn step(&mut self, at: u64, contents: &mut Contents) -> Result<Option<u64>, Error> {
        let Some(mut header) = Header::read(self.input, self.form, at)? else { return Ok(None) };
        header.size = self.sizes.size(&header);
        let end = if header.id.is(self.form.data_id()) {
            self.take_data(&header, contents)?
        } else {
            let Some(end) = self.end(&header) else { return Ok(None) };
            self.take(&header, end, contents)?;
            end
        };
        let next = following(self.input, self.form, header.start, end)?;
        if next == end && self.form.padding(end.saturating_sub(header.start)) > 0 {
            self.findings.report(end, FindingKind::NoPadding { id: header.id });
        }
        Ok(Some(next))
    }

    /// Returns where the contents end; `None` if this is not a chunk.
    fn end(&mut self, header: &Header) -> Option<u64> {
        let (id, claimed) = (header.id, header.size?);
        let available = self.input.left(header.start);
        if claimed > available {
            if !id.is_known() {
                return None;
            }
            let kind = FindingKind::ChunkBeyondEnd { id, claimed, available };
            self.findings.report(header.start, kind);
        }
        id.is_printable().then(|| header.start.saturating_add(claimed.min(available)))
    }

    fn take_data(&mut self, header: &Header, contents: &mut Contents) -> Result<u64, Error> {
        let mut header = *header;
        if self.form.is_aiff() {
            header = aiff::samples(self.input, &header, self.findings)?;
        }
        let start = header.start;
        match &contents.data {
            Some(first) if !first.is_empty() => {
                if header.size != Some(0) {
                    let name = self.form.data_id();
                    return Err(
                        Reason::SeveralData { first: first.start, second: start, name }.into()
                    );
                }
                Ok(start)
            }
            _ => {
                let end = data_end(self.input, self.form, &header, self.findings)?;
                contents.data = Some(start..end);
                Ok(end)
            }
        }
    }

    fn take(&mut self, header: &Header, end: u64, contents: &mut Contents) -> Result<(), Error> {
        let (id, offset) = (header.id, header.start);
        let format_id = self.form.format_id();
        match id {
            id if id.is(format_id) => {
                if contents.format.is_some() {
                    self.findings.report(offset, FindingKind::SecondFormat { name: format_id });
                } else {
                    contents.format = Some(offset..end);
                }
            }
            ChunkId::FourCc(id)
                if &id == b"LIST" && self.input.array(offset)? == Some(*b"wavl") =>
            {
                return Err(Reason::WaveList { offset }.into());
            }
            ChunkId::FourCc(id) if &id == b"ds64" && self.form.has_ds64() => {
                self.sizes = Sizes::read(self.input, offset, end)?;
            }
            _ => {}
        }
        self.keep(id, offset, end.saturating_sub(offset), &mut contents.chunks)
    }

    fn keep(
        &mut self,
        id: ChunkId,
        offset: u64,
        len: u64,
        chunks: &mut Vec<Chunk>,
    ) -> Result<(), Error> {
        if chunks.len() >= MAX_CHUNKS {
            self.omitted = self.omitted.saturating_add(1);
            return Ok(());
        }
        let kept = self.kept.saturating_add(len);
        let mut bytes = None;
        if len <= MAX_CHUNK && kept <= MAX_KEPT {
            self.kept = kept;
            bytes = Some(self.input.bytes(offset, len, usize::MAX)?);
        }
        chunks.push(Chunk { id, offset, len, bytes });
        Ok(())
    }
}

/// The 64-bit sizes in a "ds64" chunk.
#[derive(Debug, Default)]
struct Sizes {
    data: Option<u64>,
    others: Vec<([u8; 4], u64)>,
}

impl Sizes {
    fn read<R: Read + Seek>(input: &mut Input<R>, offset: u64, end: u64) -> Result<Self, Error> {
        let bytes = input.bytes(offset, end.saturating_sub(offset), MAX_DS64)?;
        let data = bytes.get(8..16).and_then(le_u64);
        // The table follows the form size, data size, sample count and its own length.
        let entries = bytes.get(28..).unwrap_or_default().chunks_exact(12);
        let entry = |entry: &[u8]| Some((*entry.first_chunk()?, le_u64(entry.get(4..)?)?));
        Ok(Self {
            data: data.filter(|size| *size != u64::MAX),
            others: entries.filter_map(entry).collect(),
        })
    }

    /// Returns the size of a chunk, which is that of its header unless this table overrides it.
    /// Some programs write 0 into the header of the samples.
    fn size(&self, header: &Header) -> Option<u64> {
        let ChunkId::FourCc(id) = header.id else { return header.size };
        match header.size {
            None | Some(0) if header.id.is("data") => self.data.or(header.size),
            None => self.others.iter().find(|(other, _)| *other == id).map(|(_, size)| *size),
            size => size,
        }
    }
}

fn le_u64(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

const MAX_CHUNKS: usize = 10_000;
/// Longer chunks are listed without their contents.
const MAX_CHUNK: u64 = 1 << 20;
/// Limit on all kept contents together.
const MAX_KEPT: u64 = 16 << 20;
const MAX_DS64: usize = 12 * 1024;
