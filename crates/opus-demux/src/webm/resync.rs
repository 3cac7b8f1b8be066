//! Where to continue after damage, and where another document begins.

use std::io::Read;

use opus_packet::wide;

use crate::{
    Error,
    input::Forward,
    webm::{ebml::Header, ids},
};

/// Moves to the next place that looks like a Cluster or like another file, looking at each byte
/// once. Returns false if there is none.
pub(crate) fn find_start<R: Read>(
    input: &mut Forward<R>,
    needs_tracks: bool,
) -> Result<bool, Error> {
    loop {
        let window = input.peek(MAX_PEEK)?;
        if window.is_empty() {
            return Ok(false);
        }
        // The last bytes are looked at again together with those after them.
        let full = window.len().saturating_sub(MAX_PEEK - 1);
        let starts = if full == 0 { window.len() } else { full };
        let at = (0..starts).find(|&at| {
            let bytes = window.get(at..).unwrap_or_default();
            looks_like_start(bytes, needs_tracks)
        });
        input.skip(wide(at.unwrap_or(starts)))?;
        if at.is_some() {
            return Ok(true);
        }
    }
}

/// Where [`advance`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// After all bytes.
    Done,
    /// At the end of the file.
    EndOfFile,
    /// At the EBML header of another document.
    Document,
}

/// Moves past `len` bytes, copying them to `out`, but not into another document. It begins inside
/// these bytes if the document before it was cut off.
pub(crate) fn advance<R: Read>(
    input: &mut Forward<R>,
    len: u64,
    mut out: Option<&mut Vec<u8>>,
) -> Result<Stop, Error> {
    let mut left = len;
    while left > 0 {
        let window = input.peek(MAX_PEEK)?;
        if window.is_empty() {
            return Ok(Stop::EndOfFile);
        }
        // The last bytes are looked at again together with those after them.
        let full = window.len().saturating_sub(MAX_PEEK - 1);
        let count = if full == 0 { window.len() } else { full };
        let count = usize::try_from(left).map_or(count, |left| left.min(count));
        let document = find_document(window, count);
        let count = document.unwrap_or(count);
        if let Some(out) = &mut out {
            out.extend_from_slice(window.get(..count).unwrap_or_default());
        }
        input.consume(count);
        left -= wide(count);
        if document.is_some() {
            return Ok(Stop::Document);
        }
    }
    Ok(Stop::Done)
}

/// The first of the places before `end` at which a document begins.
pub(crate) fn find_document(window: &[u8], end: usize) -> Option<usize> {
    let [first, ..] = ids::EBML.to_be_bytes();
    let mut from = 0;
    loop {
        let next = window.get(from..end)?.iter().position(|&byte| byte == first)?;
        let at = from + next;
        if starts_document(window.get(at..)?) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Returns whether these bytes begin with an EBML header and its first child.
pub(crate) fn starts_document(bytes: &[u8]) -> bool {
    let is_short = |header: Header| header.size.is_some_and(|size| size <= MAX_EBML_HEADER_LEN);
    bytes.starts_with(&ids::EBML.to_be_bytes())
        && looks_like_start(bytes, false)
        && Header::parse(bytes).is_ok_and(is_short)
}

/// Returns whether reading can continue with an element and its first child at the start of
/// these bytes. The four bytes of an id on their own may be audio.
fn looks_like_start(bytes: &[u8], needs_tracks: bool) -> bool {
    if !matches!(bytes.first(), Some(0x1a | 0x16 | 0x1f)) {
        return false;
    }
    let Ok(Header { id, size, len }) = Header::parse(bytes) else { return false };
    let Ok(child) = Header::parse(bytes.get(usize::from(len)..).unwrap_or_default()) else {
        return false;
    };
    let child_len = child.size.and_then(|size| size.checked_add(u64::from(child.len)));
    let Some(child_len) = child_len else { return false };
    let is_expected = match id {
        ids::CLUSTER => ids::is_child_of_cluster(child.id),
        ids::TRACKS => needs_tracks && child.id == ids::TRACK_ENTRY,
        ids::EBML => ids::is_child_of_ebml(child.id),
        _ => false,
    };
    is_expected && size.is_none_or(|size| child_len <= size)
}

/// Room for two element headers and some more bytes.
pub(crate) const MAX_PEEK: usize = 32;
pub(crate) const MAX_EBML_HEADER_LEN: u64 = 4096;
