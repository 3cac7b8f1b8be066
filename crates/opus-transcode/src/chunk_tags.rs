//! Tags from the chunks of a WAVE or AIFF file.

use wave_demux::{Chunk, ChunkId};

use crate::{Tag, id3_tags};

/// Returns the tags in ID3 chunks and the texts of AIFF. Leaves the lists of RIFF to callers that
/// know what recorders write there.
pub(crate) fn chunk_tags(chunks: &[Chunk]) -> Vec<Tag> {
    let mut all = Vec::new();
    for chunk in chunks {
        let (ChunkId::FourCc(id), Some(bytes)) = (chunk.id, &chunk.bytes) else { continue };
        let found = match &id {
            b"id3 " | b"ID3 " | b"ID32" => id3_tags(bytes),
            b"NAME" => text("TITLE", bytes),
            b"AUTH" => text("ARTIST", bytes),
            b"(c) " => text("COPYRIGHT", bytes),
            b"ANNO" => text("COMMENT", bytes),
            _ => continue,
        };
        for tag in found {
            if all.len() < MAX_TAGS && !all.contains(&tag) {
                all.push(tag);
            }
        }
    }
    all
}

fn text(name: &str, bytes: &[u8]) -> Vec<Tag> {
    // AIFF texts have no stated encoding: UTF-8 today, formerly some superset of ASCII.
    let text = String::from_utf8(bytes.to_vec())
        .unwrap_or_else(|_| bytes.iter().copied().map(char::from).collect());
    let value = text.trim_matches(|letter: char| letter == '\0' || letter.is_whitespace());
    let tag = || Tag { name: name.to_owned(), value: value.to_owned() };
    (!value.is_empty()).then(tag).into_iter().collect()
}

const MAX_TAGS: usize = 4096;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use wave_demux::WaveReader;

    use super::*;

    /// The tags of an AIFF file with these chunks.
    fn tags(chunks: &[(&[u8; 4], &[u8])]) -> Vec<Tag> {
        let mut file = b"FORM\0\0\0\0AIFFCOMM\0\0\0\x12\0\x01\0\0\0\0\0\x10".to_vec();
        file.extend_from_slice(b"\x40\x0e\xbb\x80\0\0\0\0\0\0SSND\0\0\0\x08\0\0\0\0\0\0\0\0");
        for (id, bytes) in chunks {
            file.extend_from_slice(*id);
            file.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
            file.extend_from_slice(bytes);
            file.resize(file.len().next_multiple_of(2), 0);
        }
        chunk_tags(WaveReader::new(Cursor::new(file)).unwrap().chunks())
    }

    #[test]
    fn texts_and_id3_become_tags_without_repetition() {
        let id3 = b"ID3\x03\0\0\0\0\0\x0eTIT2\0\0\0\x04\0\0\0Fen".as_slice();
        let found = tags(&[
            (b"NAME", b"Fen\0"),
            (b"ID3 ", id3),
            (b"id3 ", id3),
            (b"ANNO", b" caf\xe9 "),
            (b"(c) ", b"\0\0"),
            (b"guan", b"GUANO"),
        ]);
        let pairs: Vec<_> = found.iter().map(|tag| (&*tag.name, &*tag.value)).collect();
        assert_eq!(pairs, [("TITLE", "Fen"), ("COMMENT", "café")]);
        let only_id3 = tags(&[(b"ID3 ", id3)]);
        assert_eq!((only_id3.len(), &only_id3[0]), (1, &found[0]));
    }
}
