use std::io::{Read, Seek};

use opus_packet::OpusTags;

use crate::{Error, caf::chunks::Chunk, input::Seekable};

/// Reads the strings of the "info" chunk as comments.
pub(crate) fn read_tags<R: Read + Seek>(
    input: &mut Seekable<R>,
    info: Option<Chunk>,
) -> Result<OpusTags, Error> {
    let bytes = match info {
        Some(chunk) => input.bytes(chunk.start, chunk.len(), MAX_INFO_LEN)?,
        None => Vec::new(),
    };
    let comments = comments(&bytes);
    Ok(OpusTags::new("unknown", comments.iter().map(String::as_str)))
}

/// Parses a count, which is ignored, then names and values in turn, each ended by a zero byte.
fn comments(bytes: &[u8]) -> Vec<String> {
    let Some((_count, strings)) = bytes.split_at_checked(4) else { return Vec::new() };
    // Bytes after the last zero byte are cut off.
    let mut strings = strings.split_inclusive(|byte| *byte == 0).filter_map(|string| {
        let (_zero, text) = string.split_last().filter(|(last, _)| **last == 0)?;
        Some(String::from_utf8_lossy(text))
    });
    let mut comments = Vec::new();
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        // The name of a comment is printable ASCII without '=' (RFC 7845 section 5.2).
        let is_name =
            !name.is_empty() && name.bytes().all(|c| matches!(c, b' '..=b'}') && c != b'=');
        if is_name {
            comments.push(format!("{}={value}", vorbis_name(&name)));
        }
    }
    comments
}

/// The name that Ogg uses for a name that CAF uses.
fn vorbis_name(name: &str) -> String {
    match name {
        "comments" => "COMMENT".into(),
        "encoding application" => "ENCODER".into(),
        "recorded date" | "year" => "DATE".into(),
        "track number" => "TRACKNUMBER".into(),
        other => other.to_ascii_uppercase(),
    }
}

/// The longest chunk that is read.
const MAX_INFO_LEN: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_become_comments() {
        let bytes = b"\0\0\0\x03title\0A\0comments\0b=c\0x=\0y\0artist\0cut off";
        assert_eq!(comments(bytes), ["TITLE=A", "COMMENT=b=c"]);
        assert_eq!(comments(b"\0\0"), Vec::<String>::new());
    }
}
