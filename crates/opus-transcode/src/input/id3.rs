//! ID3 tags that stand in a chunk of another file.

use std::io::Cursor;

use symphonia::{
    core::{io::MediaSourceStream, meta::MetadataReader},
    default::meta::Id3v2Reader,
};

use super::{
    guard::guarded,
    tags::{Tag, Tags},
};

/// What an ID3v2 tag says, as in a chunk `id3 ` of WAVE or `ID3 ` of AIFF, in the form of Vorbis
/// comments. Nothing if it is none, or is broken; what its chapters say is left out.
pub fn id3_tags(chunk: &[u8]) -> Vec<Tag> {
    if !chunk.starts_with(b"ID3") || is_nested(chunk) {
        return Vec::new();
    }
    let stream = MediaSourceStream::new(Box::new(Cursor::new(chunk.to_vec())), Default::default());
    let read = || Id3v2Reader::try_new(stream, Default::default())?.read_all();
    let mut tags = Tags::default();
    if let Ok(buffer) = guarded(read) {
        tags.add(&buffer.revision, 0);
    }
    tags.tags
}

/// Whether there are so many chapters that they may stand in one another. symphonia goes down into
/// each, with a copy of all that is in it.
fn is_nested(chunk: &[u8]) -> bool {
    chunk.windows(4).filter(|four| matches!(*four, b"CHAP" | b"CTOC")).count() > MAX_CHAPTERS
}

const MAX_CHAPTERS: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn frame(id: &[u8; 4], contents: &[u8]) -> Vec<u8> {
        let size = u32::try_from(contents.len()).unwrap();
        [id.as_slice(), &size.to_be_bytes(), &[0; 2], contents].concat()
    }

    fn tag(frames: &[u8]) -> Vec<u8> {
        let size = u32::try_from(frames.len()).unwrap();
        let size = [21, 14, 7, 0].map(|shift| u8::try_from(size >> shift & 0x7f).unwrap());
        [b"ID3\x03\0\0", size.as_slice(), frames].concat()
    }

    fn chapters(depth: usize) -> Vec<u8> {
        (0..depth).fold(Vec::new(), |inner, _| {
            frame(b"CHAP", &[b"1\0".as_slice(), &[0; 16], &inner].concat())
        })
    }

    #[test]
    fn names_are_those_of_vorbis_comments() {
        let title = frame(b"TIT2", b"\x03Wind over the fen");
        let artist = frame(b"TPE1", b"\x03Reeds");
        let found = id3_tags(&tag(&[title.clone(), artist].concat()));
        let pairs: Vec<_> = found.iter().map(|tag| (&*tag.name, &*tag.value)).collect();
        assert_eq!(pairs, [("TITLE", "Wind over the fen"), ("ARTIST", "Reeds")]);
        let found = id3_tags(&tag(&[chapters(3), title].concat()));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn what_is_broken_says_nothing() {
        for chunk in [b"".as_slice(), b"ID3", b"ID3\x03\0\0\x7f\x7f\x7f\x7fTIT2", b"GUANO"] {
            assert_eq!(id3_tags(chunk), []);
        }
    }

    #[test]
    fn chapters_in_chapters_have_an_end() {
        assert_eq!(id3_tags(&tag(&chapters(5000))), []);
    }

    #[test]
    fn so_many_are_kept() {
        let many: Vec<_> =
            (0..5000).map(|n| frame(b"TIT2", format!("\x03{n}").as_bytes())).collect();
        assert_eq!(id3_tags(&tag(&many.concat())).len(), 4096);
    }
}
