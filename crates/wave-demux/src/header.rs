use std::io::{Read, Seek};

use crate::{ChunkId, Error, Form, input::Input};

/// The header of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) id: ChunkId,
    /// Position of the contents.
    pub(crate) start: u64,
    /// Bytes of the contents. `None` if the field cannot be a size: all bits set, or in W64 less
    /// than the header itself.
    pub(crate) size: Option<u64>,
}

impl Header {
    /// Reads a header; `None` if the file ends within it.
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Input<R>,
        form: Form,
        at: u64,
    ) -> Result<Option<Self>, Error> {
        Ok(Self::parse(form, at, &input.bytes(at, form.header_len(), 24)?))
    }

    /// Parses the header at the start of `bytes`, which lie at `at` in the file.
    pub(crate) fn parse(form: Form, at: u64, bytes: &[u8]) -> Option<Self> {
        let start = at.saturating_add(form.header_len());
        if form == Form::W64 {
            let (guid, rest) = bytes.split_first_chunk()?;
            let size = u64::from_le_bytes(*rest.first_chunk()?);
            let contents = size.checked_sub(form.header_len()).filter(|_| size != u64::MAX);
            return Some(Self { id: ChunkId::from_guid(*guid), start, size: contents });
        }
        let (id, rest) = bytes.split_first_chunk()?;
        let size = *rest.first_chunk()?;
        let size =
            if form.is_big_endian() { u32::from_be_bytes(size) } else { u32::from_le_bytes(size) };
        let size = (size != u32::MAX).then_some(u64::from(size));
        Some(Self { id: ChunkId::FourCc(*id), start, size })
    }

    /// Returns where the contents end, if the file holds them all.
    fn end_within<R: Read + Seek>(&self, input: &Input<R>) -> Option<u64> {
        let size = self.size.filter(|size| *size <= input.left(self.start))?;
        self.start.checked_add(size)
    }
}

/// Returns whether a chunk, and not samples, begins at `at`: programs write its id, or chunk
/// follows chunk from there to the end of the file.
pub(crate) fn is_chunk<R: Read + Seek>(
    input: &mut Input<R>,
    form: Form,
    mut at: u64,
) -> Result<bool, Error> {
    for _ in 0..MAX_HOPS {
        let Some(header) = Header::read(input, form, at)? else { return Ok(false) };
        if header.id.is_known() {
            return Ok(true);
        }
        let end = header.end_within(input).filter(|_| header.id.is_printable());
        let Some(end) = end else { return Ok(false) };
        if end == input.len() {
            return Ok(true);
        }
        at = end.saturating_add(form.padding(end.saturating_sub(header.start)));
    }
    Ok(false)
}

/// Returns the position of the chunk after one with contents `start..end`. Some programs omit
/// the padding, and then it follows directly.
pub(crate) fn following<R: Read + Seek>(
    input: &mut Input<R>,
    form: Form,
    start: u64,
    end: u64,
) -> Result<u64, Error> {
    let padded = end.saturating_add(form.padding(end.saturating_sub(start)));
    let is_unpadded =
        padded != end && !is_chunk(input, form, padded)? && is_chunk(input, form, end)?;
    Ok(if is_unpadded { end } else { padded })
}

/// How many chunks to follow before deciding that these are samples.
const MAX_HOPS: u32 = 16;
