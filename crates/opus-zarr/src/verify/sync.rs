use std::ops::Range;

use opus_packet::CodedPos;
use opus_packet_index::{BlobRead, IndexRead, SYNC_SPACING, SyncEntry, find_sync_start};
use opus_segment_decode::{LibopusDecoder, SegmentPlan};
use opus_zarr_store::{ArrayKind, RecordingReader};

use super::{FaultKind, Verification, VerifyOptions};
use crate::{Error, derive::wrong_sync_entry, progress::Watch};

/// Measures the sync map again, or checks a share of its entries.
pub(super) fn check(
    reader: &RecordingReader,
    options: &VerifyOptions,
    found: &mut Verification,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    // An unreadable map is among the faults of the store.
    let Ok(Some(stored)) = reader.sync_entries() else { return Ok(()) };
    if options.sample >= 1.0 {
        check_all(reader, &stored, found, watch)
    } else {
        check_sample(reader, &stored, options, found, watch)
    }
}

fn check_all(
    reader: &RecordingReader,
    stored: &[SyncEntry],
    found: &mut Verification,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    let wrong = wrong_sync_entry(reader, stored, watch);
    if let Ok(Some(first)) = wrong {
        found.fault_of(ArrayKind::Sync, reader, None, FaultKind::SyncMap { first });
    }
    // Why it cannot be measured is among the faults of the stream.
    if watch.is_cancelled() { wrong.map(drop) } else { Ok(()) }
}

/// Holds entries against those before them, each for a second.
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
            Err(reason) => FaultKind::SyncUnchecked { entry, reason },
        };
        found.fault_of(ArrayKind::Sync, reader, None, fault);
    }
    Ok(())
}

/// Two starts that are both exact for some samples, if the map is right.
struct Pair {
    starts: [CodedPos; 2],
    samples: Range<CodedPos>,
}

impl Pair {
    /// The start of an entry, and one that begins before, for a second. None if the entry says
    /// nothing, or no start is exact there that is not too far before.
    fn of(entry: usize, entries: &[SyncEntry], end: CodedPos) -> Option<Self> {
        let number = u64::try_from(entry).ok()?;
        let exact = entries.get(entry)?.exact(number);
        let before = find_sync_start(entries.get(..entry)?, 0, exact.start)?;
        let second = CodedPos::new(exact.start.get().saturating_add(SECOND));
        let samples = exact.start..second.min(exact.end).min(before.until).min(end);
        let start = CodedPos::new(number.checked_mul(SYNC_SPACING)?);
        let is_near = exact.start.get() - before.start.get() <= FAR;
        let pair = Self { starts: [before.start, start], samples };
        (is_near && !pair.samples.is_empty()).then_some(pair)
    }
}

struct Decoding<'a> {
    reader: &'a RecordingReader,
    decoder: LibopusDecoder,
}

impl Decoding<'_> {
    fn are_the_same(&mut self, pair: &Pair) -> Result<bool, String> {
        let [before, start] = pair.starts;
        Ok(self.output(before, &pair.samples)? == self.output(start, &pair.samples)?)
    }

    /// The bits of what a decoder that begins with the packet at `start` gives.
    fn output(&mut self, start: CodedPos, samples: &Range<CodedPos>) -> Result<Vec<u32>, String> {
        let told = |error: &dyn std::error::Error| error.to_string();
        let span = self.reader.span(start..samples.end).map_err(|error| told(&error))?;
        let plan = SegmentPlan::new(span, samples.clone()).map_err(|error| told(&error))?;
        let mut bytes = Vec::new();
        self.reader.read(plan.bytes(), &mut bytes).map_err(|error| told(&error))?;
        let decoded: Result<Vec<f32>, _> = plan.decode(&bytes, &mut self.decoder);
        Ok(decoded.map_err(|error| told(&error))?.into_iter().map(f32::to_bits).collect())
    }
}

const SECOND: u64 = 48_000;

/// Who decodes from farther back than a minute to check an entry might as well measure all.
const FAR: u64 = 60 * 48_000;
