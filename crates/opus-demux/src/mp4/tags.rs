//! Metadata in the form of iTunes: moov/udta/meta/ilst.

use std::io::{Read, Seek};

use opus_packet::OpusTags;

use crate::{
    Error,
    input::Seekable,
    mp4::{
        FourCc,
        boxes::{BoxAt, Boxes},
        finding::Findings,
    },
};

/// Reads the texts of a "udta" box as comments. Ignores problems in them, since they do not
/// affect the audio.
pub(crate) fn read_tags<R: Read + Seek>(
    parent: &BoxAt,
    input: &mut Seekable<R>,
) -> Result<OpusTags, Error> {
    let mut comments = Vec::new();
    if let Some(list) = find_list(parent, input)? {
        let mut items = Boxes::of(&list, 0);
        while let Some(item) = items.next(input, &mut Findings::new(false))? {
            if comments.len() >= MAX_COMMENTS {
                break;
            }
            let name = NAMES.iter().find(|(kind, _)| item.is(kind));
            if let (Some((_, name)), Some(text)) = (name, read_text(&item, input)?) {
                comments.push(format!("{name}={text}"));
            }
        }
    }
    Ok(OpusTags::new("unknown", comments.iter().map(String::as_str)))
}

fn find_list<R: Read + Seek>(
    parent: &BoxAt,
    input: &mut Seekable<R>,
) -> Result<Option<BoxAt>, Error> {
    let ignored = &mut Findings::new(false);
    let Some(meta) = Boxes::of(parent, 0).find(b"meta", input, ignored)? else { return Ok(None) };
    // Version and flags come first, except in QuickTime.
    let kind = input.array(meta.body.saturating_add(4))?.map(FourCc);
    let skip = if kind == Some(FourCc(*b"hdlr")) { 0 } else { 4 };
    Boxes::of(&meta, skip).find(b"ilst", input, ignored)
}

fn read_text<R: Read + Seek>(
    item: &BoxAt,
    input: &mut Seekable<R>,
) -> Result<Option<String>, Error> {
    let ignored = &mut Findings::new(false);
    let Some(data) = Boxes::of(item, 0).find(b"data", input, ignored)? else { return Ok(None) };
    let text = data.body.saturating_add(8);
    if input.word(data.body)? != Some(UTF_8) || text > data.end {
        return Ok(None);
    }
    let bytes = input.bytes(text, data.end - text, MAX_TEXT_LEN)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

const NAMES: [(&[u8; 4], &str); 9] = [
    (b"\xa9nam", "TITLE"),
    (b"\xa9ART", "ARTIST"),
    (b"aART", "ALBUMARTIST"),
    (b"\xa9alb", "ALBUM"),
    (b"\xa9day", "DATE"),
    (b"\xa9cmt", "COMMENT"),
    (b"\xa9gen", "GENRE"),
    (b"\xa9wrt", "COMPOSER"),
    (b"\xa9too", "ENCODER"),
];

/// The data type of UTF-8 text.
const UTF_8: u32 = 1;
/// Readers of Ogg may also ignore more (RFC 7845 section 5.2).
const MAX_TEXT_LEN: usize = 61_440;
const MAX_COMMENTS: usize = 100;
