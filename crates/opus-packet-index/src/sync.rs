use std::{convert::Infallible, ops::Range};

use bytemuck::{Pod, Zeroable};
use opus_packet::CodedPos;

use crate::{Error, SyncRead, error::Reason};

/// Samples between two starts of a sync map, per channel at 48 kHz: 0.4 seconds.
pub const SYNC_SPACING: u64 = 19_200;

/// The output range in which a decoder is exact when it begins with a given packet: bit for
/// bit what a decoder of all packets returns.
///
/// The decoder with which the map was measured is exact from one sample on, and any other decoder
/// from a later one on, where the memory of decoders is equal whatever their rounding.
///
/// A sync map is a list of entries. Entry `n` describes the packet that holds coded sample
/// `n * SYNC_SPACING`. `opus-segment-decode` measures or constructs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SyncEntry {
    delay: u32,
    settled: u32,
    length: u32,
}

/// For which decoder a start is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncDecoder {
    /// The decoder with which the map was measured, at the rate at which it was measured.
    Measuring,
    /// Any other decoder, or any other rate.
    Any,
}

/// Where to begin decoding, and how far the output is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncStart {
    /// Decoding begins with the packet that holds this coded sample.
    pub start: CodedPos,
    /// The output is exact from this sample on, which lies at or before the requested one. 0 means
    /// that it counts as exact however early: no memory of a decoder is worth going back for.
    pub exact_from: CodedPos,
    /// Up to this one.
    pub until: CodedPos,
}

impl SyncEntry {
    /// All output is exact. Entry 0, the beginning of the recording, is this one.
    pub const ALL: Self = Self { delay: 0, settled: 0, length: OPEN };
    /// No output is known to be exact.
    pub const NONE: Self = Self { delay: OPEN, settled: OPEN, length: 0 };

    /// Creates entry `number`, exact from `from` up to `until`, or up to the end of the
    /// recording, and for no other decoder. Distances that do not fit in 32 bits count as not
    /// exact.
    pub fn new(number: u64, from: CodedPos, until: Option<CodedPos>) -> Self {
        let Some(delay) = distance(number, from) else { return Self::NONE };
        let length = match until {
            None => OPEN,
            Some(until) => {
                u32::try_from(until.get().saturating_sub(from.get())).unwrap_or(OPEN - 1)
            }
        };
        Self { delay, settled: OPEN, length }
    }

    /// Returns the entry, exact for every decoder from `settled` on.
    #[must_use]
    pub fn settled(self, number: u64, settled: CodedPos) -> Self {
        Self { settled: distance(number, settled).unwrap_or(OPEN), ..self }
    }

    /// Returns the entry shortened so that it is exact only before `until`.
    #[must_use]
    pub fn ending(self, number: u64, until: CodedPos) -> Self {
        match self.exact(number) {
            exact if exact.start < until => {
                Self { settled: self.settled, ..Self::new(number, exact.start, Some(until)) }
            }
            _ => Self::NONE,
        }
    }

    /// The coded samples for which entry `number` is exact with the decoder that measured it, up
    /// to `u64::MAX` if it is exact to the end of the recording.
    pub fn exact(self, number: u64) -> Range<CodedPos> {
        self.exact_for(SyncDecoder::Measuring, number)
    }

    /// The coded samples for which entry `number` is exact with a decoder, up to `u64::MAX` if it
    /// is exact to the end of the recording. The range may be empty.
    pub fn exact_for(self, decoder: SyncDecoder, number: u64) -> Range<CodedPos> {
        let start = start_of(number);
        let from = start.saturating_add(self.delay.into());
        let until = match self.length {
            OPEN => u64::MAX,
            length => from.saturating_add(length.into()),
        };
        let from = match (decoder, self.settled) {
            (SyncDecoder::Measuring, _) => from,
            (SyncDecoder::Any, OPEN) => until,
            (SyncDecoder::Any, settled) => from.max(start.saturating_add(settled.into())),
        };
        CodedPos::new(from)..CodedPos::new(until)
    }
}

/// Returns the number of the last entry whose start lies at or before a position.
pub fn sync_entry_before(position: CodedPos) -> u64 {
    position.get() / SYNC_SPACING
}

/// Finds the last entry that is exact at a position. `first` is the number of the first of
/// the `entries`.
///
/// ```
/// use opus_packet_index::{CodedPos, SYNC_SPACING, SyncDecoder, SyncEntry, find_sync_start};
///
/// // Decoding from 0.4 s is exact from 0.6 s on, and with any decoder from 1.2 s on.
/// let entry = SyncEntry::new(1, CodedPos::new(28_800), None).settled(1, CodedPos::new(57_600));
/// let start = |position, decoder| {
///     let map = [SyncEntry::ALL, entry];
///     find_sync_start(&map, 0, CodedPos::new(position), decoder).unwrap().start.get()
/// };
/// assert_eq!(start(48_000, SyncDecoder::Measuring), SYNC_SPACING);
/// assert_eq!(start(48_000, SyncDecoder::Any), 0);
/// assert_eq!(start(57_600, SyncDecoder::Any), SYNC_SPACING);
/// ```
pub fn find_sync_start(
    entries: &[SyncEntry],
    first: u64,
    position: CodedPos,
    decoder: SyncDecoder,
) -> Option<SyncStart> {
    // Later entries start after the position.
    let count = sync_entry_before(position).checked_sub(first)?.saturating_add(1);
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(entries.len());
    let before = entries.get(..count).unwrap_or_default();
    before.iter().enumerate().rev().find_map(|(place, entry)| {
        let number = first.saturating_add(u64::try_from(place).unwrap_or(u64::MAX));
        let exact = entry.exact_for(decoder, number);
        let start = CodedPos::new(start_of(number));
        let is_exact = exact.contains(&position);
        is_exact.then_some(SyncStart { start, exact_from: exact.start, until: exact.end })
    })
}

/// Serialises entries: three little-endian 32-bit numbers each.
pub fn sync_to_bytes(entries: &[SyncEntry]) -> Vec<u8> {
    let little_endian: Vec<SyncEntry> = entries.iter().map(|&entry| swap(entry)).collect();
    bytemuck::cast_slice(&little_endian).to_vec()
}

/// Deserialises entries written by [`sync_to_bytes`]. All numbers are valid.
pub fn sync_from_bytes(bytes: &[u8]) -> Result<Vec<SyncEntry>, Error> {
    if bytes.len() % size_of::<SyncEntry>() != 0 {
        return Err(Reason::SyncLength { found: bytes.len() }.into());
    }
    let mut entries: Vec<SyncEntry> = bytemuck::allocation::pod_collect_to_vec(bytes);
    entries.iter_mut().for_each(|entry| *entry = swap(*entry));
    Ok(entries)
}

/// A sync map in memory, for the decoder that measured it.
impl SyncRead for [SyncEntry] {
    type Error = Infallible;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Infallible> {
        let found = find_sync_start(self, 0, position, SyncDecoder::Measuring);
        Ok(found.unwrap_or(SyncStart::BEGINNING))
    }
}

impl SyncStart {
    /// Decoding from the first packet, which is exact without a sync map.
    pub const BEGINNING: Self = Self {
        start: CodedPos::new(0),
        exact_from: CodedPos::new(0),
        until: CodedPos::new(u64::MAX),
    };
}

/// Samples from the start of an entry to a position, if they fit.
fn distance(number: u64, position: CodedPos) -> Option<u32> {
    let distance = position.get().checked_sub(start_of(number))?;
    u32::try_from(distance).ok().filter(|&distance| distance != OPEN)
}

fn start_of(number: u64) -> u64 {
    number.saturating_mul(SYNC_SPACING)
}

/// Converts native numbers to little-endian ones, or back.
fn swap(entry: SyncEntry) -> SyncEntry {
    let SyncEntry { delay, settled, length } = entry;
    SyncEntry { delay: delay.to_le(), settled: settled.to_le(), length: length.to_le() }
}

/// Stands for an unlimited length or delay.
const OPEN: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(samples: u64) -> CodedPos {
        CodedPos::new(samples)
    }

    fn entry((delay, settled, length): (u32, u32, u32)) -> SyncEntry {
        SyncEntry { delay, settled, length }
    }

    #[test]
    fn the_last_exact_start_is_found() {
        let map = [
            SyncEntry::ALL,
            SyncEntry::new(1, at(40_000), None),
            SyncEntry::new(2, at(50_000), Some(at(60_000))),
            SyncEntry::NONE,
        ];
        let start = |position| map.start(at(position)).unwrap();
        let found = |start, exact_from, until| SyncStart {
            start: at(start),
            exact_from: at(exact_from),
            until: at(until),
        };
        assert_eq!(start(0), SyncStart::BEGINNING);
        assert_eq!(start(39_999), SyncStart::BEGINNING);
        assert_eq!(start(40_000), found(19_200, 40_000, u64::MAX));
        assert_eq!(start(50_000), found(38_400, 50_000, 60_000));
        assert_eq!(start(60_000), found(19_200, 40_000, u64::MAX));
        assert_eq!(start(u64::MAX - 1), found(19_200, 40_000, u64::MAX));
        assert_eq!([].start(at(5)).unwrap(), SyncStart::BEGINNING);
    }

    #[test]
    fn other_decoders_are_exact_once_the_memory_is_settled() {
        let settled = SyncEntry::new(1, at(30_000), Some(at(90_000))).settled(1, at(60_000));
        assert_eq!(settled.exact(1), at(30_000)..at(90_000));
        assert_eq!(settled.exact_for(SyncDecoder::Any, 1), at(60_000)..at(90_000));
        let ended = settled.ending(1, at(70_000));
        assert_eq!(ended.exact_for(SyncDecoder::Any, 1), at(60_000)..at(70_000));
        assert!(settled.ending(1, at(50_000)).exact_for(SyncDecoder::Any, 1).is_empty());
        let never = SyncEntry::new(1, at(30_000), None);
        assert!(never.exact_for(SyncDecoder::Any, 1).is_empty());
        assert_eq!(SyncEntry::ALL.exact_for(SyncDecoder::Any, 0), at(0)..at(u64::MAX));
        assert!(SyncEntry::NONE.exact_for(SyncDecoder::Any, 7).is_empty());
    }

    #[test]
    fn distances_beyond_32_bits_are_not_exact() {
        assert_eq!(SyncEntry::new(1, at(5), None), SyncEntry::NONE, "exact before the start");
        assert_eq!(SyncEntry::new(0, at(1 << 32), None), SyncEntry::NONE);
        let long = SyncEntry::new(0, at(0), Some(at(1 << 40)));
        assert!(long.exact(0).end < at(1 << 40));
    }

    proptest! {
        #[test]
        fn round_trip(numbers: Vec<(u32, u32, u32)>) {
            let entries: Vec<_> = numbers.into_iter().map(entry).collect();
            prop_assert_eq!(sync_from_bytes(&sync_to_bytes(&entries)), Ok(entries));
        }

        /// Whatever the numbers, the start lies at or before the position and the end after it,
        /// and no other decoder is exact where the measuring one is not.
        #[test]
        fn any_numbers_give_a_valid_start(numbers: Vec<(u32, u32, u32)>, position in 0..u64::MAX) {
            let entries: Vec<_> = numbers.into_iter().map(entry).collect();
            for decoder in [SyncDecoder::Measuring, SyncDecoder::Any] {
                let found = find_sync_start(&entries, 0, at(position), decoder);
                let found = found.unwrap_or(SyncStart::BEGINNING);
                prop_assert!(found.start.get() <= position && position < found.until.get());
                prop_assert!(found.start <= found.exact_from && found.exact_from.get() <= position);
            }
            for (number, entry) in (0..).zip(&entries) {
                let any = entry.exact_for(SyncDecoder::Any, number);
                prop_assert!(any.is_empty() || entry.exact(number).contains(&any.start));
            }
        }
    }
}
