//! Edit lists (ISO/IEC 14496-12 section 8.6.6).

use std::io::{Read, Seek};

use crate::{
    Error,
    input::Seekable,
    mp4::{FindingKind, boxes::BoxAt, clock::to_samples, finding::Findings, table::Table},
};

/// The piece of the media that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Its start in samples at 48 kHz.
    pub(crate) start: u16,
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
        let Some(edit) = read_piece(list, movie_timescale, media_timescale, input, findings)?
        else {
            return Ok(None);
        };
        let start = to_samples(u64::try_from(edit.start).unwrap_or(0), media_timescale);
        let (offset, duration) = (list.start, edit.duration);
        let Ok(start) = u16::try_from(start) else {
            findings.report(offset, FindingKind::EditStart { start })?;
            return Ok(None);
        };
        Ok(Some(Self { start, duration, movie_timescale, offset }))
    }

    /// The number of samples that play. `by_media` is the number after the start by the times
    /// of the media. These usually count in finer ticks, and hold if the edit agrees within its
    /// own tick or states no duration.
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

/// Reads a list that is one piece without its empty edits; `None` for any other list.
fn read_piece<R: Read + Seek>(
    list: &BoxAt,
    movie_timescale: u32,
    media_timescale: u32,
    input: &mut Seekable<R>,
    findings: &mut Findings,
) -> Result<Option<RawEdit>, Error> {
    let Some([version]) = list.fields(input, findings, 0)? else { return Ok(None) };
    let is_long = version == 1;
    let mut table = Table::counted(list, 4, if is_long { 5 } else { 3 }, input, findings)?;
    let mut piece: Option<RawEdit> = None;
    while let Some(entry) = table.next(input)? {
        let next = RawEdit::new(entry, is_long);
        if next.start == -1 {
            let empty = FindingKind::EmptyEdit { duration: next.duration };
            findings.report(list.start, empty)?;
            continue;
        }
        let goes_on =
            piece.is_none_or(|piece| piece.is_before(&next, movie_timescale, media_timescale));
        if !goes_on || next.start < 0 || next.rate != NORMAL_SPEED {
            findings.report(list.start, FindingKind::Edits)?;
            return Ok(None);
        }
        piece = Some(piece.map_or(next, |piece| piece.joined(next)));
    }
    Ok(piece)
}

#[derive(Clone, Copy)]
struct RawEdit {
    duration: u64,
    /// -1 if nothing plays.
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

    /// Returns whether `next` begins where this one ends, within a tick of the movie.
    fn is_before(&self, next: &Self, movie_timescale: u32, media_timescale: u32) -> bool {
        let (movie, media) = (u128::from(movie_timescale), u128::from(media_timescale));
        let len = (u128::from(self.duration) * media).checked_div(movie).unwrap_or(0);
        let tick = media.checked_div(movie).unwrap_or(0) + 1;
        let [start, next] =
            [self.start, next.start].map(|start| u128::try_from(start).unwrap_or(0));
        (start + len).abs_diff(next) <= tick
    }

    /// Joins this edit with the one that follows.
    fn joined(self, next: Self) -> Self {
        let to_end = self.duration == 0 || next.duration == 0;
        let duration = if to_end { 0 } else { self.duration.saturating_add(next.duration) };
        Self { duration, ..self }
    }
}

/// 1.0 as a 16.16 number.
const NORMAL_SPEED: u32 = 0x1_0000;

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(duration: u64, movie_timescale: u32) -> Edit {
        Edit { start: 312, duration, movie_timescale, offset: 0 }
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
