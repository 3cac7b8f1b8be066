//! ID3 tags in chunks of other files.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use symphonia::{
    core::{io::MediaSourceStream, meta::MetadataReader},
    default::meta::Id3v2Reader,
};

use super::{
    guard::guarded,
    tags::{Tag, Tags},
};

/// Parses an ID3v2 tag, as in an `id3 ` chunk of WAVE or an `ID3 ` chunk of AIFF, into Vorbis
/// comments. Returns nothing for other or broken tags. Ignores the texts of chapters.
///
/// ```
/// let tag = b"ID3\x03\0\0\0\0\0\x0eTIT2\0\0\0\x04\0\0\0Fen";
/// let tags = opus_transcode::id3_tags(tag);
/// assert_eq!((&*tags[0].name, &*tags[0].value), ("TITLE", "Fen"));
/// ```
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

/// Returns where the tags at the start of a file end.
pub(crate) fn end(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut at = 0;
    for _ in 0..MAX_TAGS {
        let mut header = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        file.take(10).read_to_end(&mut header)?;
        let [b'I', b'D', b'3', _, _, flags, size @ ..] = header.as_slice() else { break };
        // Seven bits per byte, not counting the header and an equally long footer.
        let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
        at += size + if flags & 0x10 == 0 { 10 } else { 20 };
    }
    Ok(at)
}

const MAX_TAGS: u32 = 16;

/// Returns where to start reading a file: at its start, or after a tag that symphonia must not read.
pub(crate) fn start(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut header = Vec::new();
    file.rewind()?;
    file.take(10).read_to_end(&mut header)?;
    let Some(size) = size(&header) else { return Ok(0) };
    let mut tag = Vec::new();
    file.seek(SeekFrom::Start(10))?;
    file.take(size.min(MAX_TAG)).read_to_end(&mut tag)?;
    let is_refused = size > MAX_TAG || is_nested(&tag);
    if is_refused {
        tracing::warn!(size, "skipped an ID3 tag of more than 16 MiB or 64 chapters");
    }
    Ok(if is_refused { 10 + size } else { 0 })
}

/// Returns the length of the tag after its header, which has ten bytes.
pub(crate) fn size(header: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', _, _, _, size @ ..] = header else { return None };
    // Seven bits per byte.
    Some(size.iter().take(4).fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f)))
}

const MAX_TAG: u64 = 16 << 20;

/// Returns whether a tag has enough chapters to nest deeply. symphonia recurses into each, copying
/// its contents.
fn is_nested(chunk: &[u8]) -> bool {
    chunk.windows(4).filter(|four| matches!(*four, b"CHAP" | b"CTOC")).count() > MAX_CHAPTERS
}

const MAX_CHAPTERS: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]

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
    fn names_become_those_of_vorbis_comments() {
        let title = frame(b"TIT2", b"\x03Wind over the fen");
        let artist = frame(b"TPE1", b"\x03Reeds");
        let found = id3_tags(&tag(&[title.clone(), artist].concat()));
        let pairs: Vec<_> = found.iter().map(|tag| (&*tag.name, &*tag.value)).collect();
        assert_eq!(pairs, [("TITLE", "Wind over the fen"), ("ARTIST", "Reeds")]);
        let found = id3_tags(&tag(&[chapters(3), title].concat()));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn broken_tags_are_empty() {
        for chunk in [b"".as_slice(), b"ID3", b"ID3\x03\0\0\x7f\x7f\x7f\x7fTIT2", b"GUANO"] {
            assert_eq!(id3_tags(chunk), []);
        }
    }

    #[test]
    fn nested_chapters_are_skipped() {
        assert_eq!(id3_tags(&tag(&chapters(5000))), []);
        let (deep, flat) = (tag(&chapters(5000)), tag(&chapters(3)));
        let of = |file: &[u8]| start(&mut Cursor::new(file)).unwrap();
        assert_eq!(of(&deep), u64::try_from(deep.len()).unwrap());
        assert_eq!([of(&flat), of(b"ID"), of(b"fLaC"), of(b"ID3\x03\0\0\0\0")], [0; 4]);
        assert_eq!(of(b"ID3\x03\0\0\x08\0\0\x01"), (16 << 20) + 11);
    }

    #[test]
    fn the_number_of_tags_is_bounded() {
        let many: Vec<_> =
            (0..5000).map(|n| frame(b"TIT2", format!("\x03{n}").as_bytes())).collect();
        assert_eq!(id3_tags(&tag(&many.concat())).len(), 4096);
    }
}
