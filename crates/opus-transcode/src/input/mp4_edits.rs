//! Edit lists of MP4 (ISO/IEC 14496-12 section 8.6.6).

use std::io::{self, Read, Seek, SeekFrom};

use super::clock::scale;

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
    /// Empty segments before it, in ticks of the movie.
    delay: u64,
    /// Ticks of the media between the segments that were joined.
    left_out: u64,
    /// Whether there are segments out of order, or another speed.
    pub(crate) is_complex: bool,
}

impl Edit {
    /// Returns the frames before the segment.
    pub(crate) fn start(&self, rate: u32) -> u64 {
        scale(self.start, rate.into(), self.media_timescale)
    }

    /// Returns how many frames later than the movie the track begins.
    pub(crate) fn delay(&self, rate: u32) -> u64 {
        scale(self.delay, rate.into(), self.movie_timescale)
    }

    /// Returns how many frames of the segment were between others.
    pub(crate) fn left_out(&self, rate: u32) -> u64 {
        scale(self.left_out, rate.into(), self.media_timescale)
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

/// The segments of a list.
#[derive(Debug, Default)]
pub(crate) struct EditList(Vec<Segment>);

#[derive(Clone, Copy, Debug)]
struct Segment {
    duration: u64,
    /// `None` if nothing plays.
    start: Option<u64>,
    has_normal_speed: bool,
}

impl EditList {
    /// Reads the contents of an "elst" box.
    pub(crate) fn read(
        &mut self,
        file: &mut (impl Read + Seek),
        contents: u64,
        end: u64,
    ) -> io::Result<()> {
        let [version, _, _, _, count @ ..]: [u8; 8] = bytes(file, contents)?;
        let size = if version == 1 { 20 } else { 12 };
        let room = end.saturating_sub(contents + 8) / size;
        for number in 0..u64::from(u32::from_be_bytes(count)).min(room).min(MAX_SEGMENTS) {
            let at = contents + 8 + number * size;
            let (duration, start) = if version == 1 {
                (u64::from_be_bytes(bytes(file, at)?), i64::from_be_bytes(bytes(file, at + 8)?))
            } else {
                let start = i32::from_be_bytes(bytes(file, at + 4)?);
                (u32::from_be_bytes(bytes(file, at)?).into(), start.into())
            };
            let start = u64::try_from(start).ok();
            let has_normal_speed = bytes(file, at + size - 4)? == NORMAL_SPEED;
            self.0.push(Segment { duration, start, has_normal_speed });
        }
        Ok(())
    }

    /// Joins the segments, from the start of the first to the end of the last. `None` if there are
    /// none, or no clock.
    pub(crate) fn resolve(&self, track: u32, movie: u64, media: u64) -> Option<Edit> {
        if movie == 0 || media == 0 {
            return None;
        }
        let is_empty = |segment: &&Segment| segment.start.is_none();
        let delay = self.0.iter().take_while(is_empty).map(|one| one.duration);
        let delay = delay.fold(0, u64::saturating_add);
        let mut played = self.0.iter().filter_map(|one| Some((one, one.start?)));
        let (first, start) = played.next()?;
        let mut edit = Edit {
            track,
            start,
            media_timescale: media,
            duration: first.duration,
            movie_timescale: movie,
            delay,
            left_out: 0,
            is_complex: !first.has_normal_speed,
        };
        for (next, start) in played {
            edit.join(*next, start);
        }
        (edit.duration > 0 || edit.start > 0 || edit.delay > 0).then_some(edit)
    }
}

impl Edit {
    /// Adds a segment that follows.
    fn join(&mut self, next: Segment, start: u64) {
        let end = scale(self.duration, self.media_timescale, self.movie_timescale);
        let end = end.saturating_add(self.start);
        let tick = scale(1, self.media_timescale, self.movie_timescale) + 1;
        let follows = self.duration > 0 && start.saturating_add(tick) >= end;
        if self.is_complex || !follows || !next.has_normal_speed {
            self.is_complex = true;
            return;
        }
        let between = Some(start.saturating_sub(end)).filter(|ticks| *ticks > tick).unwrap_or(0);
        self.left_out = self.left_out.saturating_add(between);
        let between = scale(between, self.movie_timescale, self.media_timescale);
        self.duration = match next.duration {
            0 => 0,
            duration => self.duration.saturating_add(between).saturating_add(duration),
        };
    }
}

fn bytes<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// 1.0 as a 16.16 number.
const NORMAL_SPEED: [u8; 4] = [0, 1, 0, 0];
/// No real list has as many.
const MAX_SEGMENTS: u64 = 1000;
