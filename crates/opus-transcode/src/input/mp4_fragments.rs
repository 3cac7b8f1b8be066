//! How long tracks in fragments are (ISO/IEC 14496-12 section 8.8).

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
};

/// The durations of the samples of each track.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    /// Durations that fragments do not state: box "trex".
    defaults: BTreeMap<u32, u32>,
    lengths: BTreeMap<u32, Length>,
}

/// The durations of a track's samples.
#[derive(Debug, Default)]
struct Length {
    samples: u64,
    /// The duration of the first sample.
    usual: u32,
    last: u32,
    /// How many samples before the last have another duration.
    others: u64,
}

impl Fragments {
    /// Returns the ticks of a track whose samples all have the same duration but for a shorter last
    /// one, which trims the end. Other durations are those of a clock, not of samples.
    pub(crate) fn ticks(&self, track: u32) -> Option<u64> {
        let length = self.lengths.get(&track)?;
        let is_clear = length.others == 0 && 0 < length.last && length.last <= length.usual;
        let before = length.samples.checked_sub(1).filter(|_| is_clear)?;
        before.checked_mul(length.usual.into())?.checked_add(length.last.into())
    }

    /// Reads the contents of an "stts" box: the samples before the fragments.
    pub(crate) fn read_movie(
        &mut self,
        file: &mut (impl Read + Seek),
        contents: u64,
        end: u64,
        track: u32,
    ) -> io::Result<()> {
        let [_, count] = words(file, contents)?;
        let room = end.saturating_sub(contents + 8) / 8;
        let length = self.lengths.entry(track).or_default();
        let entries = u64::from(count).min(room);
        for entry in 0..entries.min(MAX_ENTRIES) {
            let [samples, duration] = words(file, contents + 8 + 8 * entry)?;
            length.add(duration, samples.into());
        }
        length.others = length.others.saturating_add(entries.saturating_sub(MAX_ENTRIES));
        Ok(())
    }

    /// Reads the contents of an "mvex" box.
    pub(crate) fn read_defaults(
        &mut self,
        file: &mut (impl Read + Seek),
        at: u64,
        end: u64,
    ) -> io::Result<()> {
        boxes(file, at, end, &mut |file, kind, contents, _| {
            if kind == b"trex" {
                let [track, _, duration] = words(file, contents + 4)?;
                self.defaults.insert(track, duration);
            }
            Ok(())
        })
    }

    /// Reads the contents of a "moof" box.
    pub(crate) fn read(
        &mut self,
        file: &mut (impl Read + Seek),
        at: u64,
        end: u64,
    ) -> io::Result<()> {
        boxes(file, at, end, &mut |file, kind, contents, end| {
            if kind == b"traf" { self.read_track(file, contents, end) } else { Ok(()) }
        })
    }

    fn read_track(&mut self, file: &mut (impl Read + Seek), at: u64, end: u64) -> io::Result<()> {
        let (mut track, mut duration) = (0, 0);
        boxes(file, at, end, &mut |file, kind, contents, end| match kind {
            b"tfhd" => {
                let [flags, id] = words(file, contents)?;
                (track, duration) = (id, self.defaults.get(&id).copied().unwrap_or(0));
                if flags & HAS_DEFAULT != 0 {
                    let skip = [(HAS_BASE, 8), (HAS_DESCRIPTION, 4)].into_iter();
                    let skip = skip.filter(|(flag, _)| flags & flag != 0);
                    let skip: u64 = skip.map(|(_, len)| len).sum();
                    [duration] = words(file, contents + 8 + skip)?;
                }
                Ok(())
            }
            b"trun" => self.read_run(file, contents, end, (track, duration)),
            _ => Ok(()),
        })
    }

    fn read_run(
        &mut self,
        file: &mut (impl Read + Seek),
        contents: u64,
        end: u64,
        (track, duration): (u32, u32),
    ) -> io::Result<()> {
        let [flags, count] = words(file, contents)?;
        let length = self.lengths.entry(track).or_default();
        if flags & HAS_DURATION == 0 {
            length.add(duration, count.into());
            return Ok(());
        }
        let optional = [HAS_OFFSET, HAS_FIRST_FLAGS].into_iter().filter(|flag| flags & flag != 0);
        let at = contents + 8 + 4 * optional.map(|_| 1).sum::<u64>();
        let fields = [HAS_DURATION, HAS_SIZE, HAS_FLAGS, HAS_COMPOSITION].into_iter();
        let entry_len: usize = 4 * fields.filter(|flag| flags & flag != 0).count();
        let mut table = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        file.take(end.saturating_sub(at)).read_to_end(&mut table)?;
        let entries = table.chunks_exact(entry_len);
        for entry in entries.take(usize::try_from(count).unwrap_or(usize::MAX)) {
            let duration = entry.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
            length.add(duration, 1);
        }
        Ok(())
    }
}

impl Length {
    fn add(&mut self, duration: u32, samples: u64) {
        if samples == 0 {
            return;
        }
        if self.samples == 0 {
            (self.usual, self.last) = (duration, duration);
        }
        let others = u64::from(self.last != self.usual);
        let others = others + if duration == self.usual { 0 } else { samples - 1 };
        self.others = self.others.saturating_add(others);
        self.samples = self.samples.saturating_add(samples);
        self.last = duration;
    }
}

/// Calls a function with the kind and the contents of each box.
fn boxes<F: Read + Seek>(
    file: &mut F,
    mut at: u64,
    end: u64,
    take: &mut impl FnMut(&mut F, &[u8; 4], u64, u64) -> io::Result<()>,
) -> io::Result<()> {
    // Each takes at least 8 bytes.
    while end.saturating_sub(at) >= 8 {
        let [size, kind] = words(file, at)?;
        // These boxes are small.
        if size < 8 {
            break;
        }
        let next = at.saturating_add(size.into());
        take(file, &kind.to_be_bytes(), at + 8, next.min(end))?;
        at = next;
    }
    Ok(())
}

fn words<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<[u32; N]> {
    file.seek(SeekFrom::Start(at))?;
    let mut words = [0; N];
    for word in &mut words {
        let mut bytes = [0; 4];
        file.read_exact(&mut bytes)?;
        *word = u32::from_be_bytes(bytes);
    }
    Ok(words)
}

/// More have more than two durations.
const MAX_ENTRIES: u64 = 3;

// Flags of "tfhd" (section 8.8.7).
const HAS_BASE: u32 = 0x1;
const HAS_DESCRIPTION: u32 = 0x2;
const HAS_DEFAULT: u32 = 0x8;

// Flags of "trun" (section 8.8.8).
const HAS_OFFSET: u32 = 0x1;
const HAS_FIRST_FLAGS: u32 = 0x4;
const HAS_DURATION: u32 = 0x100;
const HAS_SIZE: u32 = 0x200;
const HAS_FLAGS: u32 = 0x400;
const HAS_COMPOSITION: u32 = 0x800;

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(runs: &[(u32, u64)]) -> Option<u64> {
        let mut length = Length::default();
        runs.iter().for_each(|(duration, samples)| length.add(*duration, *samples));
        let lengths = BTreeMap::from([(1, length)]);
        Fragments { lengths, ..Fragments::default() }.ticks(1)
    }

    #[test]
    fn only_a_shorter_last_sample_trims() {
        assert_eq!(ticks(&[(1024, 50)]), Some(51_200));
        assert_eq!(ticks(&[(1024, 25), (1024, 24), (300, 1)]), Some(49 * 1024 + 300));
        assert_eq!(ticks(&[(300, 1)]), Some(300));
        for runs in
            [&[(1024, 2), (1000, 1), (1024, 1)][..], &[(1024, 9), (0, 1)], &[(9, 3), (10, 1)]]
        {
            assert_eq!(ticks(runs), None, "{runs:?}");
        }
        assert_eq!(ticks(&[(1024, 9), (300, 2)]), None);
        assert_eq!(ticks(&[]), None);
    }
}
