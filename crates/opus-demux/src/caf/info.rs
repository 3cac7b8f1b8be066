use std::io::{Read, Seek};

use opus_packet::OpusTags;

use crate::caf::{Error, chunks::Chunk, input::Input};

/// The strings of the "info" chunk as comments.
pub(crate) fn read_tags<R: Read + Seek>(
    input: &mut Input<R>,
    info: Option<Chunk>,
) -> Result<OpusTags, Error> {
    let bytes = match info {
        Some(chunk) => input.bytes(chunk.start, chunk.len(), MAX_INFO_LEN)?,
        None => Vec::new(),
    };
    let comments = comments(&bytes);
    Ok(OpusTags::new("unknown", comments.iter().map(String::as_str)))
}

/// A count, then names and values in turn, each with a zero byte behind it. The count is
/// not needed.
fn comments(bytes: &[u8]) -> Vec<String> {
    let Some((_count, strings)) = bytes.split_at_checked(4) else { return Vec::new() };
    // What follows the last zero byte is no string.
    let mut strings = strings.split_inclusive(|byte| *byte == 0).filter_map(|string| {
        let (_zero, text) = string.split_last().filter(|(last, _)| **last == 0)?;
        Some(String::from_utf8_lossy(text))
    });
    let mut comments = Vec::new();
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        // A name of a comment is of printable ASCII without '=' (RFC 7845 section 5.2).
        let is_name =
            !name.is_empty() && name.bytes().all(|c| matches!(c, b' '..=b'}') && c != b'=');
        if is_name {
            comments.push(format!("{}={value}", vorbis_name(&name)));
        }
    }
    comments
}

/// The name that is customary in Ogg for one that is customary in CAF.
fn vorbis_name(name: &str) -> String {
    match name {
        "comments" => "COMMENT".into(),
        "encoding application" => "ENCODER".into(),
        "recorded date" | "year" => "DATE".into(),
        "track number" => "TRACKNUMBER".into(),
        other => other.to_ascii_uppercase(),
    }
}

/// More is not read.
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
