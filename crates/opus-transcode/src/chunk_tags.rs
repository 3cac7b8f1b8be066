//! What the chunks of a WAVE or AIFF file say in the form of tags.

use wave_demux::{Chunk, ChunkId};

use crate::{Tag, id3_tags};

/// Those of ID3, and the texts of AIFF. The lists of RIFF are for those who also know what
/// recorders write there.
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
    // None of them says its encoding: UTF-8 today, else bytes that ASCII is a part of.
    let text = String::from_utf8(bytes.to_vec())
        .unwrap_or_else(|_| bytes.iter().copied().map(char::from).collect());
    let value = text.trim_matches(|letter: char| letter == '\0' || letter.is_whitespace());
    let tag = || Tag { name: name.to_owned(), value: value.to_owned() };
    (!value.is_empty()).then(tag).into_iter().collect()
}

const MAX_TAGS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(id: &[u8; 4], bytes: &[u8]) -> Chunk {
        let (id, bytes) = (ChunkId::FourCc(*id), Some(bytes.to_vec()));
        Chunk { id, offset: 0, len: 0, bytes }
    }

    #[test]
    fn texts_and_id3_are_tags_and_the_same_twice_is_one() {
        let id3 = b"ID3\x03\0\0\0\0\0\x0eTIT2\0\0\0\x04\0\0\0Fen";
        let chunks = [
            chunk(b"NAME", b"Fen\0"),
            chunk(b"ID3 ", id3),
            chunk(b"id3 ", id3),
            chunk(b"ANNO", b" caf\xe9 "),
            chunk(b"(c) ", b"\0\0"),
            chunk(b"guan", b"GUANO"),
        ];
        let tags = chunk_tags(&chunks);
        let pairs: Vec<_> = tags.iter().map(|tag| (&*tag.name, &*tag.value)).collect();
        assert_eq!(pairs, [("TITLE", "Fen"), ("COMMENT", "café")]);
        let (first, behind) = (chunk_tags(chunks.get(1..2).unwrap()), chunk_tags(&chunks[2..3]));
        assert_eq!((first.len(), &first), (1, &behind));
    }
}
