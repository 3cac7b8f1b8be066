use crate::{CeltFlags, FrameFlags, InvalidPacket, Mode, ModeChange, Toc, frame_flags};

/// What the memory of a decoder of one stream that started at a sync point has in common with that
/// of a decoder that started with the first packet. Positions count from the sync point.
#[derive(Debug, Default)]
pub(super) struct StreamMemory {
    now: i64,
    celt: CeltMemory,
    /// Whether the last frame was CELT.
    is_celt: bool,
    exact_from: Option<i64>,
}

impl StreamMemory {
    /// Takes the next packet.
    pub(super) fn packet(&mut self, packet: &[u8]) -> Result<(), InvalidPacket> {
        let toc = Toc::new(packet.first().copied().unwrap_or_default());
        for flags in frame_flags(packet)? {
            self.take(toc, flags);
        }
        Ok(())
    }

    fn take(&mut self, toc: Toc, flags: FrameFlags) {
        let end = self.now + i64::from(toc.frame_duration());
        if self.exact_from.is_none() {
            self.exact_from = self.frame(toc, flags, end);
        }
        self.now = end;
    }

    /// Returns where the output became exact, if it has for good.
    fn frame(&mut self, toc: Toc, flags: FrameFlags, end: i64) -> Option<i64> {
        let was_celt = core::mem::replace(&mut self.is_celt, false);
        if flags.is_concealed {
            self.celt = CeltMemory::default();
        } else if toc.mode() == Mode::Celt {
            self.is_celt = true;
            self.celt.frame(flags.celt?, self.now, end);
            return self.celt.exact_from.filter(|_| self.celt.is_settled(end));
        } else if was_celt {
            // SILK starts anew, and so does CELT in hybrid frames; a redundant frame at the start
            // still used the memory of the frames before.
            return Some(end);
        } else {
            let change = flags.redundancy.map(|redundancy| redundancy.change);
            let starts_anew = change == Some(ModeChange::SilkToCelt);
            self.celt = if starts_anew { CeltMemory::NEW } else { CeltMemory::default() };
        }
        None
    }

    /// Returns where the output became exact, if it has for good.
    pub(super) fn exact_from(&self) -> Option<i64> {
        self.exact_from
    }

    /// Returns whether CELT needs a frame that does not predict energies.
    pub(super) fn needs_energies(&self) -> bool {
        self.exact_from.is_none() && !self.celt.has_energies
    }

    /// Returns whether CELT still needs frames that are not transient after this many samples.
    pub(super) fn lacks_steady_frames_after(&self, samples: i64) -> bool {
        let lacks_some = self.exact_from.is_none() && self.celt.steady_frames < STEADY_FRAMES;
        lacks_some && self.now >= samples
    }

    /// Returns whether the post-filter of the next frame might read output that is not equal.
    pub(super) fn must_not_filter(&self) -> bool {
        self.exact_from.is_none() && !self.celt.is_beyond_reach(self.now + OVERLAP)
    }
}

/// Which memory of the CELT decoder is equal in both decoders. The names in parentheses are those
/// of libopus, in `celt_decode_with_ec`.
#[derive(Clone, Copy, Debug)]
struct CeltMemory {
    /// The state of the range decoder after the last frame, which seeds noise (`rng`). Reading
    /// symbols needs no memory, so one frame suffices.
    has_seed: bool,
    /// The energies from which those of the next frame are predicted (`oldEBands`).
    has_energies: bool,
    /// How many of the energies of the last two frames that were not transient are equal
    /// (`oldLogE`, `oldLogE2`). Transient frames fill collapsed bands by them.
    steady_frames: u8,
    /// Whether the last frame had the same spectrum, and so overlaps the next one alike.
    has_overlap: bool,
    /// From where on the output before de-emphasis is equal, which the post-filter reads. The least
    /// number after a reset.
    equal_from: Option<i64>,
    /// How far back the post-filters of the last two frames read, 0 if they are off.
    reach: [i64; 2],
    exact_from: Option<i64>,
}

const STEADY_FRAMES: u8 = 2;
/// Samples over which frames, and the post-filters of frames, overlap; also the shortest frame.
const OVERLAP: i64 = 120;
/// The post-filter reads two samples beyond its period, which is at most 1022.
const FILTER_TAPS: i64 = 2;
const MAX_REACH: i64 = 1022 + FILTER_TAPS;
const UNKNOWN_REACH: i64 = i64::MAX;
/// De-emphasis is a recursion with a factor of 0.85. After this many samples of equal input, a
/// difference has shrunk to 1e-59 of what it was, far below the precision of `f32`.
const DE_EMPHASIS: i64 = 840;

impl Default for CeltMemory {
    fn default() -> Self {
        Self {
            has_seed: false,
            has_energies: false,
            steady_frames: 0,
            has_overlap: false,
            equal_from: None,
            reach: [UNKNOWN_REACH; 2],
            exact_from: None,
        }
    }
}

impl CeltMemory {
    /// That of a decoder that has just been reset.
    const NEW: Self = Self {
        has_seed: true,
        has_energies: true,
        steady_frames: STEADY_FRAMES,
        has_overlap: true,
        equal_from: Some(i64::MIN),
        reach: [0; 2],
        exact_from: None,
    };

    fn frame(&mut self, flags: CeltFlags, start: i64, end: i64) {
        self.has_energies |= flags.is_silence || flags.is_intra;
        let fills_alike = !flags.is_transient || self.steady_frames == STEADY_FRAMES;
        let is_equal = flags.is_silence || self.has_seed && self.has_energies && fills_alike;
        if self.has_energies && !flags.is_transient {
            self.steady_frames = STEADY_FRAMES.min(self.steady_frames + 1);
        }
        self.has_seed = true;
        let had_overlap = core::mem::replace(&mut self.has_overlap, is_equal);
        self.equal_from = match self.equal_from {
            _ if !is_equal => None,
            from if had_overlap => from,
            _ => Some(start + OVERLAP),
        };
        let filter = flags.post_filter.map(|filter| i64::from(filter.period) + FILTER_TAPS);
        self.filter(filter.unwrap_or_default(), start, end);
        let is_exact = self.is_exact_at(start);
        self.exact_from = is_exact.then(|| self.exact_from.unwrap_or(start));
    }

    /// Applies the post-filter. That of a frame begins after the overlap, and fades in.
    fn filter(&mut self, reach: i64, start: i64, end: i64) {
        let [older, last] = self.reach;
        self.read_back(older.max(last), start, start + OVERLAP);
        if end - start > OVERLAP {
            self.read_back(last.max(reach), start + OVERLAP, end);
            self.reach = [reach; 2];
        } else {
            self.reach = [last, reach];
        }
    }

    /// Filters from `at` to `end`: the output differs if the filter reads any that differs.
    fn read_back(&mut self, reach: i64, at: i64, end: i64) {
        if let Some(from) = &mut self.equal_from {
            if reach > 0 && at < from.saturating_add(reach) {
                *from = end.max(*from);
            }
        }
    }

    /// Returns whether the output of a frame that starts here is exact, unless its own post-filter
    /// reads too far back.
    fn is_exact_at(&self, start: i64) -> bool {
        self.equal_from.is_some_and(|from| from + DE_EMPHASIS <= start)
    }

    /// Returns whether no later frame can read anything that differs.
    fn is_settled(&self, end: i64) -> bool {
        self.steady_frames == STEADY_FRAMES && self.is_beyond_reach(end)
    }

    /// Returns whether no post-filter that begins here can read output that differs.
    fn is_beyond_reach(&self, start: i64) -> bool {
        self.equal_from.is_some_and(|from| from + MAX_REACH <= start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PostFilter;

    const FRAME: i64 = 960;

    fn frame(letter: char) -> CeltFlags {
        let mut flags = CeltFlags::default();
        match letter {
            'i' => flags.is_intra = true,
            'I' => (flags.is_intra, flags.is_transient) = (true, true),
            'T' => flags.is_transient = true,
            's' => flags.is_silence = true,
            'f' => flags.post_filter = Some(filter(838)),
            'F' => flags.post_filter = Some(filter(1022)),
            _ => {}
        }
        flags
    }

    fn filter(period: u16) -> PostFilter {
        let flags = |byte| frame_flags(&[0xf8, byte, 0, 0, 0, 0, 0]).unwrap().next().unwrap();
        let mut filter = (0..=255).find_map(|byte| flags(byte).celt?.post_filter).unwrap();
        filter.period = period;
        filter
    }

    /// Returns the frame of 20 ms from which on the output is exact, once that is certain.
    fn exact_from(letters: &str) -> Option<i64> {
        let mut memory = CeltMemory::default();
        (0..).zip(letters.chars()).find_map(|(number, letter)| {
            let (start, end) = (FRAME * number, FRAME * (number + 1));
            memory.frame(frame(letter), start, end);
            memory.exact_from.filter(|_| memory.is_settled(end)).map(|from| from / FRAME)
        })
    }

    #[test]
    fn energies_and_two_frames_that_are_not_transient_suffice() {
        for (letters, expected) in [
            ("i..", Some(2)),
            ("s..", Some(2)),
            ("i.T", Some(2)),
            ("..i..", Some(3)),
            ("........", None),
            ("iTTTTTTTTTT", None),
            ("iT.TTTT", Some(3)),
            ("IIII...", Some(5)),
        ] {
            assert_eq!(exact_from(letters), expected, "{letters}");
        }
    }

    #[test]
    fn a_post_filter_delays_it_if_it_reads_too_far_back() {
        for (letters, expected) in [
            ("i.f...", Some(2)),
            ("i.F...", Some(5)),
            ("iF...", Some(4)),
            ("iFFFFFFF", None),
            ("i..FFF", Some(2)),
        ] {
            assert_eq!(exact_from(letters), expected, "{letters}");
        }
    }

    #[test]
    fn made_up_audio_and_a_change_of_mode_start_again() {
        let celt = Toc::new(0xf8);
        let lost = FrameFlags { is_concealed: true, ..FrameFlags::default() };
        let mut memory = StreamMemory::default();
        for _ in 0..2 {
            for letter in ['i', '.'] {
                memory.take(celt, coded(frame(letter)));
            }
            memory.take(celt, lost);
        }
        assert_eq!(memory.exact_from(), None);
        memory.take(celt, coded(frame('.')));
        let hybrid = Toc::new(0x78);
        memory.take(hybrid, coded(CeltFlags::default()));
        assert_eq!(memory.exact_from(), Some(8 * FRAME));
    }

    fn coded(celt: CeltFlags) -> FrameFlags {
        FrameFlags { celt: Some(celt), ..FrameFlags::default() }
    }
}
