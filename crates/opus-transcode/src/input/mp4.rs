//! What symphonia leaves of an MP4 file: its edit lists.

use std::io::{self, Read, Seek, SeekFrom};

use super::clock::scale;

/// The piece of a track that plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) track: u32,
    /// Where it begins, and the ticks of that in a second.
    start: u64,
    media_timescale: u64,
    /// How long it plays in the ticks of the movie; 0: to the end.
    duration: u64,
    movie_timescale: u64,
    /// There are more pieces, or another speed.
    pub(crate) is_complex: bool,
}

impl Edit {
    /// Frames before it.
    pub(crate) fn start(&self, rate: u32) -> u64 {
        scale(self.start, rate.into(), self.media_timescale)
    }

    /// How many frames play, given how many the media has by its own times. These are counted in
    /// finer ticks, and are believed if the edit agrees within its tick; and if it says none.
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

/// What stands in the boxes of a file, as far as it is whole.
#[derive(Debug, Default)]
pub(crate) struct Movie {
    pub(crate) edits: Vec<Edit>,
    /// Tracks that are encrypted.
    pub(crate) encrypted: Vec<u32>,
    /// The packets stand in fragments, and what the tracks say of lengths is not theirs.
    pub(crate) is_fragmented: bool,
    /// Where the last box says that it ends. In a file that was cut off it does not.
    pub(crate) end: u64,
    timescale: u64,
}

/// Reads the boxes around the packets.
pub(crate) fn movie(file: &mut (impl Read + Seek)) -> Movie {
    let mut walk = Walk { file, track: Edit::default(), movie: Movie::default() };
    // Where something is damaged, symphonia says so.
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
    movie: Movie,
}

/// A file of nothing but empty boxes is not walked through.
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
                    self.track = Edit::default();
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
                _ => {}
            }
            at = next;
        }
        Ok(())
    }

    /// Its kind, where its contents begin, and where it ends.
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

    /// Of a "mvhd" or "mdhd".
    fn timescale(&mut self, contents: u64) -> io::Result<u64> {
        let is_long = self.bytes::<1>(contents)? == [1];
        Ok(u32::from_be_bytes(self.bytes(contents + if is_long { 20 } else { 12 })?).into())
    }

    fn track_id(&mut self, contents: u64) -> io::Result<u32> {
        let is_long = self.bytes::<1>(contents)? == [1];
        Ok(u32::from_be_bytes(self.bytes(contents + if is_long { 20 } else { 12 })?))
    }

    /// The first piece that is not empty; an empty one only says when the track begins.
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
    fn the_media_counts_finer_than_the_edit_and_the_edit_may_cut() {
        let edit = movie(&mut Cursor::new(file(&[[1000, 1024, SPEED]]))).edits[0];
        assert_eq!((edit.track, edit.start(44_100), edit.is_complex), (7, 1024, false));
        assert_eq!(edit.length(44_100, Some(1024 + 44_077)), Some(44_077));
        assert_eq!(edit.length(44_100, Some(90_000)), Some(44_100));
        assert_eq!(edit.length(44_100, None), Some(44_100));
        assert_eq!(edit.start(88_200), 2048);
    }

    #[test]
    fn empty_pieces_are_passed_over_and_several_are_not_applied() {
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
    fn damage_is_no_panic() {
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
