//! What symphonia does not report about MP4 files: edit lists, encryption, fragments and PCM.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
};

use crate::{Error, error::Reason};

use super::{clock::scale, mp4_entry, pcm::Pcm, section::Patch};

/// The segment of a track that plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) track: u32,
    /// Start, and ticks per second of the media.
    start: u64,
    media_timescale: u64,
    /// Duration in ticks of the movie; 0 means to the end.
    duration: u64,
    movie_timescale: u64,
    /// Whether there are more segments, or another speed.
    pub(crate) is_complex: bool,
}

impl Edit {
    /// Returns the frames before the segment.
    pub(crate) fn start(&self, rate: u32) -> u64 {
        scale(self.start, rate.into(), self.media_timescale)
    }

    /// Returns how many frames play, given the length of the media by its own times. Those use finer
    /// ticks, so they win if the edit agrees within its own tick or states no duration.
    pub(crate) fn length(&self, rate: u32, media: Option<u64>) -> Option<u64> {
        let media = media.map(|frames| frames.saturating_sub(self.start(rate)));
        if self.duration == 0 || self.is_complex {
            return media;
        }
        let edit = scale(self.duration, rate.into(), self.movie_timescale);
        let tick = scale(1, rate.into(), self.movie_timescale) + 1;
        media.filter(|media| media.abs_diff(edit) <= tick).or(Some(edit))
    }
}

/// The contents of the boxes of a file, as far as they are intact.
#[derive(Debug, Default)]
pub(crate) struct Movie {
    pub(crate) edits: Vec<Edit>,
    /// Numbers of encrypted tracks.
    encrypted: Vec<u32>,
    /// Tracks with PCM, and what makes symphonia accept them.
    pub(crate) pcm: BTreeMap<u32, Pcm>,
    pub(crate) patches: Vec<Patch>,
    /// Whether packets are in fragments, to which the lengths of the tracks do not apply.
    pub(crate) is_fragmented: bool,
    /// The stated end of the last box, which lies beyond a file that was cut off.
    pub(crate) end: u64,
    timescale: u64,
}

impl Movie {
    /// Returns an error if the track is encrypted.
    pub(crate) fn check_readable(&self, track: u32) -> Result<(), Error> {
        if self.encrypted.contains(&track) { Err(Reason::Encrypted.into()) } else { Ok(()) }
    }
}

/// Reads the boxes around the packets.
pub(crate) fn movie(file: &mut (impl Read + Seek)) -> Movie {
    let mut walk = Walk { file, track: Edit::default(), frame_len: 0, movie: Movie::default() };
    // symphonia reports damage.
    let _ = walk.file();
    let mut movie = walk.movie;
    for edit in &mut movie.edits {
        edit.movie_timescale = movie.timescale;
    }
    movie.edits.retain(|edit| edit.media_timescale > 0 && edit.movie_timescale > 0);
    movie
}

struct Walk<'a, F> {
    file: &'a mut F,
    track: Edit,
    /// Bytes of a frame of PCM in the current track; 0 if it holds anything else.
    frame_len: u32,
    movie: Movie,
}

/// Bounds the walk through a file of empty boxes.
const MAX_BOXES: u32 = 100_000;

impl<F: Read + Seek> Walk<'_, F> {
    fn file(&mut self) -> io::Result<()> {
        let end = self.file.seek(SeekFrom::End(0))?;
        self.movie.end = end;
        let mut at = 0;
        for _ in 0..MAX_BOXES {
            let Some((kind, contents, next)) = self.header(at, end)? else { break };
            self.movie.end = self.movie.end.max(next);
            if &kind == b"moov" {
                self.boxes(contents, next.min(end), 1)?;
            }
            at = next;
        }
        Ok(())
    }

    fn boxes(&mut self, start: u64, end: u64, depth: u8) -> io::Result<()> {
        let mut at = start;
        for _ in 0..MAX_BOXES {
            let Some((kind, contents, next)) = self.header(at, end)? else { break };
            let next = next.min(end);
            match (depth, &kind) {
                (1, b"trak") => {
                    (self.track, self.frame_len) = (Edit::default(), 0);
                    self.boxes(contents, next, depth + 1)?;
                    if self.track.duration > 0 || self.track.start > 0 {
                        self.movie.edits.push(self.track);
                    }
                }
                (2, b"edts" | b"mdia") | (3, b"minf") | (4, b"stbl") => {
                    self.boxes(contents, next, depth + 1)?;
                }
                (1, b"mvex") => self.movie.is_fragmented = true,
                (1, b"mvhd") => self.movie.timescale = self.timescale(contents)?,
                (2, b"tkhd") => self.track.track = self.track_id(contents)?,
                (3, b"mdhd") => self.track.media_timescale = self.timescale(contents)?,
                (3, b"elst") => self.edit_list(contents, next)?,
                (5, b"stsd") if self.bytes(contents + 12)? == *b"enca" => {
                    self.movie.encrypted.push(self.track.track);
                }
                (5, b"stsd") => {
                    if let Some(entry) = mp4_entry::first_entry(self.file, contents + 8)? {
                        let track = self.track.track;
                        self.movie.pcm.extend(entry.pcm.map(|pcm| (track, pcm)));
                        self.movie.patches.extend(entry.patches);
                        self.frame_len = entry.frame_len;
                    }
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

    /// Reads the first segment that is not empty. An empty one only delays the track.
    fn edit_list(&mut self, contents: u64, end: u64) -> io::Result<()> {
        const EMPTY: u64 = u64::MAX;
        const NORMAL_SPEED: [u8; 4] = [0, 1, 0, 0];
        let [version, _, _, _, count @ ..]: [u8; 8] = self.bytes(contents)?;
        let size = if version == 1 { 20 } else { 12 };
        let room = end.saturating_sub(contents + 8) / size;
        let mut is_first = true;
        for number in 0..u64::from(u32::from_be_bytes(count)).min(room).min(1000) {
            let at = contents + 8 + number * size;
            let (duration, start) = if version == 1 {
                (u64::from_be_bytes(self.bytes(at)?), u64::from_be_bytes(self.bytes(at + 8)?))
            } else {
                let start = u32::from_be_bytes(self.bytes(at + 4)?);
                let start = if start == u32::MAX { EMPTY } else { start.into() };
                (u32::from_be_bytes(self.bytes(at)?).into(), start)
            };
            if start == EMPTY {
                continue;
            }
            if !is_first {
                self.track.is_complex = true;
                break;
            }
            (self.track.start, self.track.duration, is_first) = (start, duration, false);
            self.track.is_complex = self.bytes(at + size - 4)? != NORMAL_SPEED;
        }
        Ok(())
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
    fn empty_segments_are_skipped_and_several_are_not_applied() {
        let of = |list: &[[u32; 3]]| movie(&mut Cursor::new(file(list))).edits;
        let edit = of(&[[50, u32::MAX, SPEED], [0, 2112, SPEED]])[0];
        assert_eq!(
            (edit.start, edit.is_complex, edit.length(44_100, Some(5000))),
            (2112, false, Some(2888))
        );
        let edit = of(&[[50, 10, SPEED], [60, 2112, SPEED]])[0];
        assert_eq!(
            (edit.start, edit.is_complex, edit.length(44_100, Some(5000))),
            (10, true, Some(4990))
        );
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
