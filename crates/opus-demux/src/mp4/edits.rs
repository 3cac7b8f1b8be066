//! Edit lists (ISO/IEC 14496-12 section 8.6.6).

use std::{
    io::{Read, Seek},
    mem,
};

use crate::{
    Error,
    input::Seekable,
    mp4::{FindingKind, boxes::BoxAt, clock::to_samples, finding::Findings, table::Table},
};

/// The piece of the media that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Its start in samples at 48 kHz.
    pub(crate) start: u64,
    /// The empty edits before it, in samples at 48 kHz.
    delay: u64,
    /// Its duration in ticks of the movie, or 0 for the rest of the media.
    duration: u64,
    movie_timescale: u32,
    pub(crate) offset: u64,
}

impl Edit {
    /// Reads an edit list; `None` if it cannot be applied.
    pub(crate) fn read<R: Read + Seek>(
        list: &BoxAt,
        movie_timescale: u32,
        media_timescale: u32,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Option<Self>, Error> {
        let Some([version]) = list.fields(input, findings, 0)? else { return Ok(None) };
        let is_long = version == 1;
        let mut table = Table::counted(list, 4, if is_long { 5 } else { 3 }, input, findings)?;
        let mut pieces = Pieces::new(movie_timescale, media_timescale);
        let (mut delay, mut silence, mut trailing) = (0_u64, 0_u64, 0_u64);
        while let Some(entry) = table.next(input)? {
            let next = RawEdit::new(entry, is_long);
            if next.start == EMPTY {
                let empty = if pieces.whole.is_none() { &mut delay } else { &mut trailing };
                *empty = empty.saturating_add(next.duration);
                continue;
            }
            silence = silence.saturating_add(mem::take(&mut trailing));
            if !pieces.add(next) {
                findings.report(list.start, FindingKind::Edits)?;
                return Ok(None);
            }
        }
        if delay > 0 {
            let samples = to_samples(delay, movie_timescale);
            findings.report(list.start, FindingKind::Delayed { samples })?;
        }
        if silence > 0 {
            let samples = to_samples(silence, movie_timescale);
            findings.report(list.start, FindingKind::Silence { samples })?;
        }
        if pieces.left_out > 0 {
            let samples = to_samples(pieces.left_out, media_timescale);
            findings.report(list.start, FindingKind::SeveralEdits { samples })?;
        }
        Ok(pieces.whole.map(|piece| Self {
            start: to_samples(u64::try_from(piece.start).unwrap_or(0), media_timescale),
            delay: to_samples(delay, movie_timescale),
            duration: piece.duration,
            movie_timescale,
            offset: list.start,
        }))
    }

    /// The first sample that plays, given the pre-skip of the head. Writers that delay a track count
    /// the samples of the pre-skip as part of the delay, and begin the edit at 0 all the same. An
    /// empty edit shorter than the pre-skip is a rounded time rather than a delay.
    pub(crate) fn first(&self, pre_skip: u16) -> u64 {
        let pre_skip = u64::from(pre_skip);
        if self.start == 0 && self.delay >= pre_skip { pre_skip } else { self.start }
    }

    /// The number of samples from the start of the edit to its end. `by_media` is the number after
    /// the start by the times of the media. These usually count in finer ticks, and hold if the
    /// edit agrees within its own tick or states no duration.
    ///
    /// `origin` is the length of the media before the start of this file.
    pub(crate) fn play_length(&self, by_media: Option<u64>, origin: u64) -> Option<u64> {
        if self.duration == 0 || origin > 0 {
            return by_media;
        }
        let timescale = u128::from(self.movie_timescale);
        let by_edit = u128::from(self.duration) * 48_000;
        let agrees = |media: &u64| (u128::from(*media) * timescale).abs_diff(by_edit) <= 48_000;
        by_media.filter(agrees).or_else(|| {
            (self.movie_timescale > 0).then(|| to_samples(self.duration, self.movie_timescale))
        })
    }
}

/// The edits of a list, as one piece from the start of the first to the end of the last.
struct Pieces {
    movie_timescale: u32,
    media_timescale: u32,
    whole: Option<RawEdit>,
    /// Ticks of the media between them.
    left_out: u64,
}

impl Pieces {
    fn new(movie_timescale: u32, media_timescale: u32) -> Self {
        Self { movie_timescale, media_timescale, whole: None, left_out: 0 }
    }

    /// Adds an edit. Returns false if it does not follow those before at normal speed.
    fn add(&mut self, next: RawEdit) -> bool {
        if next.start < 0 || next.rate != NORMAL_SPEED {
            return false;
        }
        let Some(before) = &mut self.whole else {
            self.whole = Some(next);
            return true;
        };
        let (movie, media) = (u128::from(self.movie_timescale), u128::from(self.media_timescale));
        let to_media = |ticks: u64| (u128::from(ticks) * media).checked_div(movie).unwrap_or(0);
        let tick = media.checked_div(movie).unwrap_or(0) + 1;
        let [start, next_start] =
            [before.start, next.start].map(|start| u128::try_from(start).unwrap_or(0));
        let end = start + to_media(before.duration);
        if before.duration == 0 || movie == 0 || next_start + tick < end {
            return false;
        }
        let between = next_start.saturating_sub(end);
        let mut ticks = 0;
        if between > tick {
            self.left_out =
                self.left_out.saturating_add(u64::try_from(between).unwrap_or(u64::MAX));
            ticks = (between * movie).checked_div(media).unwrap_or(0);
        }
        let ticks = u64::try_from(ticks).unwrap_or(u64::MAX);
        before.duration = match next.duration {
            0 => 0,
            duration => before.duration.saturating_add(ticks).saturating_add(duration),
        };
        true
    }
}

#[derive(Clone, Copy)]
struct RawEdit {
    duration: u64,
    /// [`EMPTY`] if nothing plays.
    start: i64,
    rate: u32,
}

impl RawEdit {
    fn new([a, b, c, d, e]: [u32; 5], is_long: bool) -> Self {
        let signed = |word: u32| i64::from(i32::from_be_bytes(word.to_be_bytes()));
        if is_long {
            let duration = u64::from(a) << 32 | u64::from(b);
            Self { duration, start: signed(c) << 32 | i64::from(d), rate: e }
        } else {
            Self { duration: u64::from(a), start: signed(b), rate: c }
        }
    }
}

/// 1.0 as a 16.16 number.
const NORMAL_SPEED: u32 = 0x1_0000;
/// The start of an edit in which nothing plays.
const EMPTY: i64 = -1;

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(duration: u64, movie_timescale: u32) -> Edit {
        Edit { start: 312, delay: 0, duration, movie_timescale, offset: 0 }
    }

    #[test]
    fn a_coarse_clock_gives_way_to_a_finer_one() {
        assert_eq!(edit(1003, 1000).play_length(Some(48_168), 0), Some(48_168), "within 48");
        assert_eq!(edit(1003, 1000).play_length(Some(48_193), 0), Some(48_144), "49 off");
        assert_eq!(edit(1003, 1000).play_length(None, 0), Some(48_144));
        assert_eq!(edit(0, 1000).play_length(Some(5), 0), Some(5));
        assert_eq!(edit(0, 1000).play_length(None, 0), None);
        assert_eq!(edit(7, 0).play_length(Some(5), 0), None, "no clock at all");
    }

    #[test]
    fn fields_of_both_versions() {
        let short = RawEdit::new([5, u32::MAX, 0x1_0000, 0, 0], false);
        assert_eq!((short.duration, short.start, short.rate), (5, -1, NORMAL_SPEED));
        let long = RawEdit::new([1, 5, u32::MAX, u32::MAX, 0x1_0000], true);
        assert_eq!((long.duration, long.start, long.rate), (1 << 32 | 5, -1, NORMAL_SPEED));
    }
}
