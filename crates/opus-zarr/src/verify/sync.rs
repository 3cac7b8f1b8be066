use std::{num::NonZeroUsize, ops::Range};

use opus_packet::{CodedPos, Toc};
use opus_packet_index::{
    BlobRead, IndexRead, SYNC_SPACING, SyncDecoder, SyncEntry, SyncStart, find_sync_start,
};
use opus_segment_decode::{LibopusDecoder, Need, PacketDecoder, RangeDecoder, probes};
use opus_zarr_store::{ArrayKind, RecordingReader, SyncInfo};

use super::{FaultKind, Verification, VerifyOptions};
use crate::{Error, derive::wrong_sync_entry, error::Reason, progress::Watch};

/// Derives the sync map again, or checks a share of its entries with decoders, or both.
pub(super) fn check(
    reader: &RecordingReader,
    options: &VerifyOptions,
    threads: NonZeroUsize,
    found: &mut Verification,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    let stored = match reader.sync_entries() {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(()),
        Err(error) => {
            // A damaged map is among the faults of the store.
            found.note_unreadable(ArrayKind::Sync, reader, &error);
            return Ok(());
        }
    };
    let decoder = reader.info().sync.as_ref().map(|sync| sync.decoder.as_str());
    let is_constructed = decoder == Some(SyncInfo::ANY_DECODER);
    if is_constructed || options.sample >= 1.0 {
        check_all(reader, &stored, threads, found, watch)?;
    }
    // No decoder took part in a construction.
    if is_constructed || options.sample < 1.0 {
        check_sample(reader, &stored, options, found, watch)?;
    }
    Ok(())
}

fn check_all(
    reader: &RecordingReader,
    stored: &[SyncEntry],
    threads: NonZeroUsize,
    found: &mut Verification,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    let wrong = wrong_sync_entry(reader, stored, threads, watch);
    match &wrong {
        Ok(Some(first)) => {
            let kind = FaultKind::SyncMap { first: *first };
            found.fault_of(ArrayKind::Sync, reader, None, kind);
        }
        Ok(None) => {}
        // Another reason is among the faults of the stream.
        Err(error) => {
            found.note_unreadable(ArrayKind::Blob, reader, error);
        }
    }
    if watch.is_cancelled() { wrong.map(drop) } else { Ok(()) }
}

/// Compares entries with earlier ones: over a second, or up to where their memory is settled, and
/// then with probes.
fn check_sample(
    reader: &RecordingReader,
    entries: &[SyncEntry],
    options: &VerifyOptions,
    found: &mut Verification,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    // Without a decoder, `not_decoded` says why.
    let Ok(decoder) = LibopusDecoder::unmixed(reader.head()) else { return Ok(()) };
    let mut decoding = Decoding { reader, decoder };
    let end = CodedPos::new(reader.info().coded_length);
    let can_be = |entry: &usize| Pair::of(*entry, entries, end).is_some();
    let (first, last) = ((1..entries.len()).find(can_be), (1..entries.len()).rfind(can_be));
    for place in 1..entries.len() {
        let Ok(entry) = u64::try_from(place) else { return Ok(()) };
        if !(Some(place) == first || Some(place) == last || options.includes(entry)) {
            continue;
        }
        let Some(pair) = Pair::of(place, entries, end) else { continue };
        watch.bytes(0)?;
        let position = pair.samples.start.get();
        let fault = match decoding.are_the_same(&pair) {
            Ok(true) => continue,
            Ok(false) => FaultKind::SyncEntry { entry, position },
            Err(error) if found.note_unreadable(ArrayKind::Blob, reader, &error) => return Ok(()),
            Err(error) => FaultKind::SyncUnchecked { entry, reason: format!("{error:?}") },
        };
        found.fault_of(ArrayKind::Sync, reader, None, fault);
    }
    Ok(())
}

/// Two starts that are both exact for the same samples, if the map is right.
struct Pair {
    starts: [CodedPos; 2],
    samples: Range<CodedPos>,
    /// Whether the memory of both decoders is equal after these samples.
    is_settled: bool,
}

impl Pair {
    /// Pairs the start of an entry with an earlier one, for a second of samples. None if the entry is
    /// empty, or no near start is exact there.
    fn of(entry: usize, entries: &[SyncEntry], end: CodedPos) -> Option<Self> {
        let number = u64::try_from(entry).ok()?;
        let exact = entries.get(entry)?.exact(number);
        let before =
            find_sync_start(entries.get(..entry)?, 0, exact.start, SyncDecoder::Measuring)?;
        let until = exact.end.min(before.until).min(end);
        let settles = entries.get(entry)?.exact_for(SyncDecoder::Any, number);
        let settled = settles.start;
        let is_soon_settled =
            !settles.is_empty() && settled <= until && settled.get() - exact.start.get() <= FAR;
        let second = CodedPos::new(exact.start.get().saturating_add(SECOND)).min(until);
        let samples = exact.start..if is_soon_settled { settled.max(second) } else { second };
        let start = CodedPos::new(number.checked_mul(SYNC_SPACING)?);
        let is_near = exact.start.get() - before.start.get() <= FAR;
        let pair = Self { starts: [before.start, start], samples, is_settled: is_soon_settled };
        (is_near && !pair.samples.is_empty()).then_some(pair)
    }
}

struct Decoding<'a> {
    reader: &'a RecordingReader,
    decoder: LibopusDecoder,
}

impl Decoding<'_> {
    fn are_the_same(&mut self, pair: &Pair) -> Result<bool, Error> {
        let [before, start] = pair.starts;
        if self.output(before, &pair.samples)? != self.output(start, &pair.samples)? {
            return Ok(false);
        }
        let is_probed = pair.is_settled && self.reader.head().mapping().streams().get() == 1;
        let runs = if is_probed { self.probes(pair.samples.end)? } else { Vec::new() };
        for run in runs {
            let [before, start] = pair.starts.map(|start| {
                self.output(start, &pair.samples)?;
                self.probed(&run)
            });
            if before? != start? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The probes for the mode of the packet that ends at a position.
    fn probes(&self, end: CodedPos) -> Result<Vec<Vec<Vec<u8>>>, Error> {
        let span = self.reader.span(end.saturating_sub(1)..end)?;
        let mut blob = Vec::new();
        self.reader.read(span.bytes(), &mut blob)?;
        Ok(blob.first().map_or_else(Vec::new, |&toc| probes(Toc::new(toc).mode())))
    }

    /// Decodes a run of probes and returns the bits of the samples.
    fn probed(&mut self, run: &[Vec<u8>]) -> Result<Vec<u32>, Error> {
        let channels = PacketDecoder::<f32>::layout(&self.decoder).channels;
        let (mut pcm, mut output) = (vec![0.0_f32; PROBE_SAMPLES * channels], Vec::new());
        for packet in run {
            let samples = self.decoder.decode(packet, &mut pcm).map_err(Reason::Decoder)?;
            let decoded = pcm.get(..samples * channels).unwrap_or_default();
            output.extend(decoded.iter().map(|sample| sample.to_bits()));
        }
        Ok(output)
    }

    /// Decodes from the packet at `start` and returns the bits of the samples.
    fn output(&mut self, start: CodedPos, samples: &Range<CodedPos>) -> Result<Vec<u32>, Error> {
        let recording = self.reader.name();
        let fault = |source| Reason::Read { recording: recording.clone(), source };
        let mut range = RangeDecoder::new(samples.clone(), &mut self.decoder);
        let mut output: Vec<f32> = Vec::new();
        loop {
            range.read_ready(&mut output).map_err(fault)?;
            let supplied = match range.need() {
                None => return Ok(output.into_iter().map(f32::to_bits).collect()),
                Some(Need::Start(exact_from)) => {
                    range.start(SyncStart { start, exact_from, until: samples.end })
                }
                Some(Need::Packets(samples)) => range.packets(self.reader.span(samples)?),
                Some(Need::Bytes(bytes)) => {
                    let mut blob = Vec::new();
                    self.reader.read(bytes, &mut blob)?;
                    range.bytes(blob)
                }
            };
            supplied.map_err(fault)?;
        }
    }
}

const SECOND: u64 = 48_000;
/// Probes last 20 ms.
const PROBE_SAMPLES: usize = 960;

/// The farthest earlier start: a minute before. Beyond it, measuring the whole map is cheaper.
const FAR: u64 = 60 * 48_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Probes would show differences of memory that the entry does not deny.
    #[test]
    fn an_entry_that_never_settles_is_not_probed() {
        let [from, settled, until, end] = [40_000, 60_000, 90_000, 200_000].map(CodedPos::new);
        let entry = SyncEntry::new(1, from, Some(until));
        let pair = |entry| Pair::of(1, &[SyncEntry::ALL, entry], end).unwrap();
        assert!(!pair(entry).is_settled);
        assert_eq!(pair(entry).samples, from..CodedPos::new(88_000));
        assert!(pair(entry.settled(1, settled)).is_settled);
    }
}
