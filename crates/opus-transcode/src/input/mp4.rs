//! What symphonia does not report about MP4 files: edit lists, encryption, fragments and PCM.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
};

use crate::{Error, error::Reason};

use super::{
    clock::scale,
    mp4_edits::{Edit, EditList},
    mp4_entry,
    mp4_fragments::Fragments,
    pcm::Pcm,
    section::Patch,
};

/// The contents of the boxes of a file, as far as they are intact.
#[derive(Debug, Default)]
pub(crate) struct Movie {
    pub(crate) edits: Vec<Edit>,
    /// Numbers of encrypted tracks.
    encrypted: Vec<u32>,
    /// Numbers of tracks with Opus.
    opus: Vec<u32>,
    /// Tracks with PCM, and what makes symphonia accept them.
    pub(crate) pcm: BTreeMap<u32, Pcm>,
    pub(crate) patches: Vec<Patch>,
    /// Whether packets are in fragments, to which the lengths of the tracks do not apply.
    pub(crate) is_fragmented: bool,
    fragments: Fragments,
    /// Ticks per second of each track's media.
    timescales: BTreeMap<u32, u64>,
    /// The stated end of the last box, which lies beyond a file that was cut off.
    pub(crate) end: u64,
    timescale: u64,
}

impl Movie {
    /// Returns an error if the track is encrypted, or holds Opus.
    pub(crate) fn check_readable(&self, track: u32) -> Result<(), Error> {
        match track {
            _ if self.encrypted.contains(&track) => Err(Reason::Encrypted.into()),
            _ if self.opus.contains(&track) => Err(Reason::Opus { container: "MP4" }.into()),
            _ => Ok(()),
        }
    }

    /// Returns the length of a track in fragments, if their durations state it.
    pub(crate) fn fragmented_frames(&self, track: u32, rate: u32) -> Option<u64> {
        let timescale = self.timescales.get(&track).copied().filter(|scale| *scale > 0)?;
        self.fragments.ticks(track).map(|ticks| scale(ticks, rate.into(), timescale))
    }
}

/// Reads the boxes around the packets.
pub(crate) fn movie(file: &mut (impl Read + Seek)) -> Movie {
    let track = Track::default();
    let mut walk = Walk { file, track, lists: Vec::new(), frame_len: 0, movie: Movie::default() };
    // symphonia reports damage. Fragments that were not all read state no length.
    let is_whole = walk.file().unwrap_or(false);
    let (mut movie, lists) = (walk.movie, walk.lists);
    if !is_whole {
        movie.fragments = Fragments::default();
    }
    let edits = lists
        .iter()
        .filter_map(|track| track.edits.resolve(track.id, movie.timescale, track.timescale));
    movie.edits = edits.collect();
    movie
}

/// The current track.
#[derive(Debug, Default)]
struct Track {
    id: u32,
    /// Ticks per second of its media.
    timescale: u64,
    edits: EditList,
}

struct Walk<'a, F> {
    file: &'a mut F,
    track: Track,
    /// The tracks with an edit list.
    lists: Vec<Track>,
    /// Bytes of a frame of PCM in the current track; 0 if it holds anything else.
    frame_len: u32,
    movie: Movie,
}

/// Bounds the walk through a file of empty boxes.
const MAX_BOXES: u32 = 100_000;

impl<F: Read + Seek> Walk<'_, F> {
    /// Returns false if there are more boxes.
    fn file(&mut self) -> io::Result<bool> {
        let end = self.file.seek(SeekFrom::End(0))?;
        self.movie.end = end;
        let mut at = 0;
        for _ in 0..MAX_BOXES {
            let Some((kind, contents, next)) = self.header(at, end)? else { return Ok(true) };
            self.movie.end = self.movie.end.max(next);
            match &kind {
                b"moov" => self.boxes(contents, next.min(end), 1)?,
                b"moof" => self.movie.fragments.read(self.file, contents, next.min(end))?,
                _ => {}
            }
            at = next;
        }
        Ok(false)
    }

    fn boxes(&mut self, start: u64, end: u64, depth: u8) -> io::Result<()> {
        let mut at = start;
        for _ in 0..MAX_BOXES {
            let Some((kind, contents, next)) = self.header(at, end)? else { break };
            let next = next.min(end);
            match (depth, &kind) {
                (1, b"trak") => {
                    (self.track, self.frame_len) = (Track::default(), 0);
                    self.boxes(contents, next, depth + 1)?;
                    let track = std::mem::take(&mut self.track);
                    self.movie.timescales.insert(track.id, track.timescale);
                    self.lists.push(track);
                }
                (2, b"edts" | b"mdia") | (3, b"minf") | (4, b"stbl") => {
                    self.boxes(contents, next, depth + 1)?;
                }
                (1, b"mvex") => {
                    self.movie.is_fragmented = true;
                    self.movie.fragments.read_defaults(self.file, contents, next)?;
                }
                (1, b"mvhd") => self.movie.timescale = self.timescale(contents)?,
                (2, b"tkhd") => self.track.id = self.track_id(contents)?,
                (3, b"mdhd") => self.track.timescale = self.timescale(contents)?,
                (3, b"elst") => self.track.edits.read(self.file, contents, next)?,
                (5, b"stsd") if self.bytes(contents + 12)? == *b"enca" => {
                    self.movie.encrypted.push(self.track.id);
                }
                (5, b"stsd") => {
                    if self.bytes(contents + 12)? == *b"Opus" {
                        self.movie.opus.push(self.track.id);
                    }
                    if let Some(entry) = mp4_entry::first_entry(self.file, contents + 8)? {
                        let track = self.track.id;
                        self.movie.pcm.extend(entry.pcm.map(|pcm| (track, pcm)));
                        self.movie.patches.extend(entry.patches);
                        self.frame_len = entry.frame_len;
                    }
                }
                (5, b"stts") => {
                    let (track, movie) = (self.track.id, &mut self.movie);
                    movie.fragments.read_movie(self.file, contents, next, track)?;
                }
                // QuickTime calls a sample of one channel a sample, and writes 1 for its size.
                (5, b"stsz") if self.frame_len > 1 && self.bytes(contents + 4)? == [0, 0, 0, 1] => {
                    let bytes = self.frame_len.to_be_bytes().to_vec();
                    self.movie.patches.push(Patch { at: contents + 4, bytes });
                }
                _ => {}
            }
            at = next;
        }
        Ok(())
    }

    /// Returns the kind of a box, the start of its contents, and its end.
    fn header(&mut self, at: u64, end: u64) -> io::Result<Option<([u8; 4], u64, u64)>> {
        if end.saturating_sub(at) < 8 {
            return Ok(None);
        }
        let [a, b, c, d, kind @ ..]: [u8; 8] = self.bytes(at)?;
        let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, end - at),
            1 if end - at >= 16 => (16, u64::from_be_bytes(self.bytes(at + 8)?)),
            size => (8, size.into()),
        };
        Ok((size >= header).then(|| (kind, at + header, at.saturating_add(size))))
    }

    /// Returns the ticks per second in a "mvhd" or "mdhd".
    fn timescale(&mut self, contents: u64) -> io::Result<u64> {
        let is_long = self.bytes::<1>(contents)? == [1];
        Ok(u32::from_be_bytes(self.bytes(contents + if is_long { 20 } else { 12 })?).into())
    }

    fn track_id(&mut self, contents: u64) -> io::Result<u32> {
        let is_long = self.bytes::<1>(contents)? == [1];
        Ok(u32::from_be_bytes(self.bytes(contents + if is_long { 20 } else { 12 })?))
    }

    fn bytes<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn a_box(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
        let size = u32::try_from(contents.len() + 8).unwrap();
        [&size.to_be_bytes(), &kind[..], contents].concat()
    }

    fn file(list: &[[u32; 3]]) -> Vec<u8> {
        let scale = |scale: u32| [[0; 3], [scale, 0, 0]].concat().map_be();
        let entries: Vec<u8> = list.iter().flat_map(|entry| entry.to_vec().map_be()).collect();
        let count = u32::try_from(list.len()).unwrap();
        let list = a_box(b"elst", &[vec![0, count].map_be(), entries].concat());
        let track = [
            a_box(b"tkhd", &vec![0, 0, 0, 7, 0].map_be()),
            a_box(b"edts", &list),
            a_box(b"mdia", &a_box(b"mdhd", &scale(44_100))),
        ];
        let movie = [a_box(b"mvhd", &scale(1000)), a_box(b"trak", &track.concat())].concat();
        [a_box(b"ftyp", b"M4A "), a_box(b"moov", &movie)].concat()
    }

    trait MapBe {
        fn map_be(self) -> Vec<u8>;
    }
    impl MapBe for Vec<u32> {
        fn map_be(self) -> Vec<u8> {
            self.into_iter().flat_map(u32::to_be_bytes).collect()
        }
    }

    const SPEED: u32 = 0x1_0000;

    #[test]
    fn the_length_of_the_media_wins_unless_the_edit_cuts() {
        let edit = movie(&mut Cursor::new(file(&[[1000, 1024, SPEED]]))).edits[0];
        assert_eq!((edit.track, edit.start(44_100), edit.is_complex), (7, 1024, false));
        assert_eq!(edit.length(44_100, Some(1024 + 44_077)), Some(44_077));
        assert_eq!(edit.length(44_100, Some(90_000)), Some(44_100));
        assert_eq!(edit.length(44_100, None), Some(44_100));
        assert_eq!(edit.start(88_200), 2048);
    }

    #[test]
    fn segments_are_joined_if_they_are_in_order() {
        let of = |list: &[[u32; 3]]| movie(&mut Cursor::new(file(list))).edits;
        let edit = of(&[[50, u32::MAX, SPEED], [0, 2112, SPEED]])[0];
        assert_eq!(
            (edit.start(44_100), edit.is_complex, edit.length(44_100, Some(5000))),
            (2112, false, Some(2888))
        );
        // One after the other, with 92 of 2,112 left out.
        let edit = of(&[[50, 0, SPEED], [60, 2297, SPEED]])[0];
        assert_eq!((edit.is_complex, edit.left_out(44_100)), (false, 92));
        assert_eq!(edit.length(44_100, Some(9000)), Some(4939));
        for list in [[[50, 10, SPEED], [60, 2112, SPEED]], [[50, 2112, SPEED], [60, 10, SPEED]]] {
            let edit = of(&list)[0];
            assert_eq!((edit.is_complex, edit.length(44_100, None)), (true, None));
        }
        assert!(of(&[[50, 10, SPEED * 2]])[0].is_complex);
        assert!(of(&[]).is_empty());
    }

    #[test]
    fn damage_does_not_panic() {
        let whole = file(&[[1000, 1024, SPEED]]);
        for at in 0..whole.len() {
            for value in [0, 1, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let _ = movie(&mut Cursor::new(&damaged));
            }
            let _ = movie(&mut Cursor::new(&whole[..at]));
        }
    }
}
