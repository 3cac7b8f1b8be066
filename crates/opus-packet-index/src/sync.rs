use std::{convert::Infallible, ops::Range};

use bytemuck::{Pod, Zeroable};
use opus_packet::CodedPos;

use crate::{InvalidIndex, SyncRead};

/// Samples from one start of a sync map to the next, per channel at 48 kHz: half a second.
pub const SYNC_SPACING: u64 = 24_000;

/// Which output is exact of a decoder that begins with the packet that holds a certain
/// coded sample, a multiple of [`SYNC_SPACING`]: bit for bit that of a decoder that has
/// heard all packets.
///
/// A sync map is a list of these, one for each multiple, from 0 on. They are measured:
/// `opus-segment-decode` does that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SyncEntry {
    delay: u32,
    length: u32,
}

/// A start, and up to where it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncStart {
    /// Decoding begins with the packet that holds this sample.
    pub start: CodedPos,
    /// From the sample that was asked for up to here the output is exact.
    pub until: CodedPos,
}

impl SyncEntry {
    /// All output: of the first start, which is the beginning.
    pub const ALL: Self = Self { delay: 0, length: OPEN };
    /// None that is known.
    pub const NONE: Self = Self { delay: OPEN, length: 0 };

    /// Exact in this range of coded samples, or from its start to the end of the
    /// recording. What is too far from the start to be told counts as not exact.
    pub fn new(number: u64, from: CodedPos, until: Option<CodedPos>) -> Self {
        let delay = from.get().checked_sub(start_of(number)).map(u32::try_from);
        let Some(Ok(delay)) = delay else { return Self::NONE };
        let length = match until {
            None => OPEN,
            Some(until) => {
                u32::try_from(until.get().saturating_sub(from.get())).unwrap_or(OPEN - 1)
            }
        };
        Self { delay, length }
    }

    /// The same, but not exact from this coded sample on.
    pub fn ending(self, number: u64, until: CodedPos) -> Self {
        match self.exact(number) {
            exact if exact.start < until => Self::new(number, exact.start, Some(until)),
            _ => Self::NONE,
        }
    }

    /// The coded samples for which the entry with this number says that output is exact, up to
    /// the largest number if there is no end.
    pub fn exact(self, number: u64) -> Range<CodedPos> {
        let from = start_of(number).saturating_add(self.delay.into());
        let until = match self.length {
            OPEN => u64::MAX,
            length => from.saturating_add(length.into()),
        };
        CodedPos::new(from)..CodedPos::new(until)
    }
}

/// The entry whose start is the last one at or before a position.
pub fn sync_entry_before(position: CodedPos) -> u64 {
    position.get() / SYNC_SPACING
}

/// Of entries, the first of which has the number `first`, the last whose output is exact
/// at a position.
pub fn find_sync_start(entries: &[SyncEntry], first: u64, position: CodedPos) -> Option<SyncStart> {
    // Those behind begin after it.
    let count = sync_entry_before(position).checked_sub(first)?.saturating_add(1);
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(entries.len());
    let before = entries.get(..count).unwrap_or_default();
    before.iter().enumerate().rev().find_map(|(place, entry)| {
        let number = first.saturating_add(u64::try_from(place).unwrap_or(u64::MAX));
        let exact = entry.exact(number);
        exact
            .contains(&position)
            .then(|| SyncStart { start: CodedPos::new(start_of(number)), until: exact.end })
    })
}

/// The entries as bytes: two little-endian 32-bit numbers each.
pub fn sync_to_bytes(entries: &[SyncEntry]) -> Vec<u8> {
    let little_endian: Vec<SyncEntry> = entries.iter().map(|&entry| swap(entry)).collect();
    bytemuck::cast_slice(&little_endian).to_vec()
}

/// The entries that [`sync_to_bytes`] wrote. There are no numbers that could not be.
pub fn sync_from_bytes(bytes: &[u8]) -> Result<Vec<SyncEntry>, InvalidIndex> {
    if bytes.len() % size_of::<SyncEntry>() != 0 {
        return Err(InvalidIndex::SyncBytes { found: bytes.len() });
    }
    let mut entries: Vec<SyncEntry> = bytemuck::allocation::pod_collect_to_vec(bytes);
    entries.iter_mut().for_each(|entry| *entry = swap(*entry));
    Ok(entries)
}

/// A sync map in memory.
impl SyncRead for [SyncEntry] {
    type Error = Infallible;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Infallible> {
        Ok(find_sync_start(self, 0, position).unwrap_or(SyncStart::BEGINNING))
    }
}

impl SyncStart {
    /// Decoding everything, which is exact without a sync map.
    pub const BEGINNING: Self = Self { start: CodedPos::new(0), until: CodedPos::new(u64::MAX) };
}

fn start_of(number: u64) -> u64 {
    number.saturating_mul(SYNC_SPACING)
}

/// Turns native numbers into little-endian ones, or back.
fn swap(entry: SyncEntry) -> SyncEntry {
    SyncEntry { delay: entry.delay.to_le(), length: entry.length.to_le() }
}

/// A length without an end; a delay without one.
const OPEN: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(samples: u64) -> CodedPos {
        CodedPos::new(samples)
    }

    #[test]
    fn the_last_start_that_is_exact_there() {
        let map = [
            SyncEntry::ALL,
            SyncEntry::new(1, at(40_000), None),
            SyncEntry::new(2, at(50_000), Some(at(60_000))),
            SyncEntry::NONE,
        ];
        let start = |position| map.start(at(position)).unwrap();
        let found = |start, until| SyncStart { start: at(start), until: at(until) };
        assert_eq!(start(0), SyncStart::BEGINNING);
        assert_eq!(start(39_999), SyncStart::BEGINNING);
        assert_eq!(start(40_000), found(24_000, u64::MAX));
        assert_eq!(start(50_000), found(48_000, 60_000));
        assert_eq!(start(60_000), found(24_000, u64::MAX));
        assert_eq!(start(u64::MAX - 1), found(24_000, u64::MAX));
        assert_eq!([].start(at(5)).unwrap(), SyncStart::BEGINNING);
    }

    #[test]
    fn what_cannot_be_told_is_not_exact() {
        assert_eq!(SyncEntry::new(1, at(5), None), SyncEntry::NONE, "before its start");
        assert_eq!(SyncEntry::new(0, at(1 << 32), None), SyncEntry::NONE);
        let long = SyncEntry::new(0, at(0), Some(at(1 << 40)));
        assert!(long.exact(0).end < at(1 << 40));
    }

    proptest! {
        #[test]
        fn round_trip(numbers: Vec<(u32, u32)>) {
            let entries: Vec<_> =
                numbers.into_iter().map(|(delay, length)| SyncEntry { delay, length }).collect();
            prop_assert_eq!(sync_from_bytes(&sync_to_bytes(&entries)), Ok(entries));
        }

        /// Whatever the numbers are, a start lies at or before what was asked for, and what
        /// is exact goes on behind it.
        #[test]
        fn any_numbers(numbers: Vec<(u32, u32)>, position in 0..u64::MAX) {
            let entries: Vec<_> =
                numbers.into_iter().map(|(delay, length)| SyncEntry { delay, length }).collect();
            let found = entries.start(at(position)).unwrap();
            prop_assert!(found.start.get() <= position && position < found.until.get());
        }
    }
}
