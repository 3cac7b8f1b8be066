use std::io::{Read, Seek};

use crate::{
    Error, FindingKind, Form,
    finding::Findings,
    header::{Header, following, is_chunk},
    input::{Input, wide},
    tail::samples_end,
};

/// Returns where the samples of the chunk with this header end; see "Sizes" in the README.
pub(crate) fn data_end<R: Read + Seek>(
    input: &mut Input<R>,
    form: Form,
    header: &Header,
    findings: &mut Findings,
) -> Result<u64, Error> {
    let start = header.start;
    if let Some(size) = header.size {
        let end = start.saturating_add(size);
        if size <= input.left(start) && is_end(input, form, start, end)? {
            return Ok(end);
        }
    }
    let available = input.left(start);
    let end = samples_end(input, form, start)?;
    let found = end.saturating_sub(start);
    findings.report(
        start,
        match header.size {
            None | Some(0) => FindingKind::DataSizeUnknown { found },
            Some(claimed) if claimed > available => FindingKind::DataBeyondEnd { claimed, found },
            Some(claimed) => FindingKind::DataSizeTooSmall { claimed, found },
        },
    );
    Ok(end)
}

/// Returns whether something other than samples follows `end`.
fn is_end<R: Read + Seek>(
    input: &mut Input<R>,
    form: Form,
    start: u64,
    end: u64,
) -> Result<bool, Error> {
    let len = end.saturating_sub(start);
    if input.left(end) <= form.padding(len) {
        return Ok(true);
    }
    let next = following(input, form, start, end)?;
    if is_chunk(input, form, next)? {
        return Ok(true);
    }
    // A size of 0 only means that the recorder never wrote it.
    Ok(len > 0 && (is_tag(input, next)? || is_tag(input, end)? || is_all_zero(input, end)?))
}

/// Returns whether a tag begins here, as music programs append to any file.
fn is_tag<R: Read + Seek>(input: &mut Input<R>, at: u64) -> Result<bool, Error> {
    let is_id3v1 = input.left(at) == 128;
    let start = input.bytes(at, 8, 8)?;
    Ok(start.starts_with(b"ID3")
        || start.starts_with(b"APETAGEX")
        || (is_id3v1 && start.starts_with(b"TAG")))
}

/// Returns whether the rest of the file is a little space that was never written to. More than
/// that may be silence, and is not worth scanning.
fn is_all_zero<R: Read + Seek>(input: &mut Input<R>, at: u64) -> Result<bool, Error> {
    let is_little = input.left(at) <= wide(MAX_ROOM);
    Ok(is_little && input.bytes(at, u64::MAX, MAX_ROOM)?.iter().all(|byte| *byte == 0))
}

const MAX_ROOM: usize = 1 << 20;
