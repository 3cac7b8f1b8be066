//! AU (Sun, NeXT): a header of big-endian numbers, then the samples.

use std::{
    io::{Read, Seek},
    ops::Range,
};

use crate::{
    ByteOrder, Chunk, ChunkId, Encoding, Error, FindingKind, Form, Format, error::Reason,
    finding::Findings, input::Input, reader::whole_frames,
};

/// The parts of a file that begins at `at`.
pub(crate) fn read<R: Read + Seek>(
    input: &mut Input<R>,
    at: u64,
    findings: &mut Findings,
) -> Result<(Format, Range<u64>, Vec<Chunk>), Error> {
    let found = input.left(at);
    let too_short = Reason::ChunkTooShort { offset: at, name: ".snd", found, expected: HEADER };
    let header = input.array::<24>(at)?.ok_or(too_short)?;
    let fields = Fields::parse(header);
    let start = at.saturating_add(fields.start.max(HEADER)).min(input.len());
    let format = fields.format(at)?;
    let end = fields.end(start, input.len(), findings);
    whole_frames(&(start..end), &format, findings);
    let note_at = at.saturating_add(HEADER);
    let mut note = input.bytes(note_at, start.saturating_sub(note_at), MAX_NOTE)?;
    note.truncate(note.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    let len = u64::try_from(note.len()).unwrap_or(u64::MAX);
    let note = Chunk { id: ChunkId::FourCc(*b"ANNO"), offset: note_at, len, bytes: Some(note) };
    let chunks = if len == 0 { Vec::new() } else { vec![note] };
    Ok((format, start..end, chunks))
}

/// The fields of the header.
struct Fields {
    /// Offset of the samples.
    start: u64,
    /// Bytes of samples; all bits set if unknown.
    size: u32,
    encoding: u32,
    rate: u32,
    channels: u32,
}

impl Fields {
    fn parse(header: [u8; 24]) -> Self {
        let word = |at: usize| {
            let bytes = header.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
        };
        let (start, size) = (word(4).into(), word(8));
        Self { start, size, encoding: word(12), rate: word(16), channels: word(20) }
    }

    fn format(&self, offset: u64) -> Result<Format, Error> {
        let Self { encoding: code, rate, .. } = *self;
        let encoding = encoding(code).ok_or(Reason::UnsupportedAu { offset, code })?;
        let channels = u16::try_from(self.channels).unwrap_or(0);
        if channels == 0 || rate == 0 {
            return Err(Reason::NoAudio { offset, channels, rate }.into());
        }
        Ok(Format {
            form: Form::Au,
            encoding,
            byte_order: ByteOrder::Big,
            valid_bits: u16::from(encoding.bytes()) * 8,
            channels,
            rate,
            channel_mask: None,
            block_align: u32::from(channels) * u32::from(encoding.bytes()),
        })
    }

    /// Returns where the samples end. An unknown size is allowed, and one that wrapped at 4 GiB is
    /// recognised by what is left of it.
    fn end(&self, start: u64, len: u64, findings: &mut Findings) -> u64 {
        let (claimed, available) = (u64::from(self.size), len.saturating_sub(start));
        let wrapped = available & u64::from(u32::MAX);
        let kind = match claimed {
            _ if self.size == u32::MAX || claimed == available => return len,
            0 => FindingKind::DataSizeUnknown { found: available },
            _ if claimed > available => FindingKind::DataBeyondEnd { claimed, found: available },
            _ if claimed == wrapped => FindingKind::DataSizeTooSmall { claimed, found: available },
            _ => {
                let end = start.saturating_add(claimed);
                let bytes = available.saturating_sub(claimed);
                findings.report(end, FindingKind::NotAChunk { bytes });
                return end;
            }
        };
        findings.report(start, kind);
        len
    }
}

fn encoding(code: u32) -> Option<Encoding> {
    Some(match code {
        1 => Encoding::MuLaw,
        2 => Encoding::I8,
        3 => Encoding::I16,
        4 => Encoding::I24,
        5 => Encoding::I32,
        6 => Encoding::F32,
        7 => Encoding::F64,
        27 => Encoding::ALaw,
        _ => return None,
    })
}

const HEADER: u64 = 24;
/// Longer notes are cut.
const MAX_NOTE: usize = 1 << 20;
