use std::io::{Read, Seek};

use opus_packet::wide;

use crate::{
    Error,
    caf::{FindingKind, error::Reason, finding::Findings},
    input::Seekable,
};

/// Where the chunks that matter lie.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    pub(crate) description: Option<Chunk>,
    pub(crate) packet_table: Option<Chunk>,
    pub(crate) cookie: Option<Chunk>,
    pub(crate) info: Option<Chunk>,
    pub(crate) data: Option<Chunk>,
}

/// The contents of a chunk, all of which lie in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Chunk {
    pub(crate) fn len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The first `N` bytes.
    pub(crate) fn fields<const N: usize, R: Read + Seek>(
        self,
        input: &mut Seekable<R>,
        name: &'static str,
    ) -> Result<[u8; N], Error> {
        let (found, expected) = (self.len(), wide(N));
        let fields = if found < expected { None } else { input.array(self.start)? };
        fields.ok_or_else(|| Error::at(self.start, Reason::ChunkTooShort { name, found, expected }))
    }
}

impl Chunks {
    /// Reads the headers of all chunks.
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let header = input.array::<8>(0)?.filter(|header| header.starts_with(MAGIC));
        let [_, _, _, _, v0, v1, ..] = header.ok_or_else(|| Error::at(0, Reason::NotCaf))?;
        let found = u16::from_be_bytes([v0, v1]);
        if found != 1 {
            return Err(Error::at(4, Reason::Version { found }));
        }
        let (mut chunks, mut at) = (Self::default(), 8);
        while let Some(header) = input.array::<12>(at)? {
            let [a, b, c, d, size @ ..] = header;
            let (name, claimed) = ([a, b, c, d], i64::from_be_bytes(size));
            let start = at.saturating_add(12);
            let Some(end) = chunk_end(input, findings, name, start, claimed)? else { break };
            chunks.add(name, Chunk { start, end }, findings)?;
            at = end;
        }
        Ok(chunks)
    }

    fn add(&mut self, name: [u8; 4], chunk: Chunk, findings: &mut Findings) -> Result<(), Error> {
        let place = match &name {
            b"desc" => &mut self.description,
            b"pakt" => &mut self.packet_table,
            b"kuki" => &mut self.cookie,
            b"info" => &mut self.info,
            b"data" => &mut self.data,
            // "chan", "free", "uuid" and others that programs add.
            _ => return Ok(()),
        };
        if place.is_some() {
            return Ok(findings.report(chunk.start, FindingKind::SecondChunk { name })?);
        }
        *place = Some(chunk);
        Ok(())
    }
}

/// The end of a chunk within the file; `None` if its length is impossible.
fn chunk_end<R: Read + Seek>(
    input: &Seekable<R>,
    findings: &mut Findings,
    name: [u8; 4],
    start: u64,
    claimed: i64,
) -> Result<Option<u64>, Error> {
    // A data chunk of unknown length reaches to the end of the file.
    if &name == b"data" && claimed == -1 {
        return Ok(Some(input.len()));
    }
    let Ok(size) = u64::try_from(claimed) else {
        findings.report(start, FindingKind::ChunkLength { claimed })?;
        return Ok(None);
    };
    let available = input.len().saturating_sub(start);
    if size > available {
        findings.report(start, FindingKind::ChunkBeyondEnd { claimed, available })?;
    }
    Ok(Some(start.saturating_add(size.min(available))))
}

pub(crate) const MAGIC: &[u8; 4] = b"caff";
