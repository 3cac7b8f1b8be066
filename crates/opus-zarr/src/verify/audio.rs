use std::{
    collections::BTreeMap,
    mem,
    num::NonZeroUsize,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use opus_packet::MAX_PACKET_DURATION;
use opus_packet_index::{BlobRead, IndexRow, Span};
use opus_segment_decode::{LibopusDecoder, PacketDecoder};
use opus_zarr_store::{ArrayKind, Error as StoreError, RecordingReader};

use super::{FaultKind, Verification, VerifyOptions};
use crate::{Error, progress::Watch};

/// Decodes the chosen packets in several threads, batch by batch.
///
/// The decoder starts anew with every batch. Whether a packet decodes, and to how many samples, does
/// not depend on what the decoder has heard, so all packets count whether or not a start is exact.
pub(super) fn check(
    reader: &RecordingReader,
    decoder: LibopusDecoder,
    options: &VerifyOptions,
    threads: NonZeroUsize,
    found: &mut Verification,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    // Packets are found through the index, whose faults are known by now.
    let Ok(chunks) = reader.index_chunks() else { return Ok(()) };
    let work = Work {
        source: Mutex::new(Source::new(reader, options, Box::new(chunks))),
        results: Mutex::new(Results::new(reader, found)),
        is_cancelled: AtomicBool::new(false),
    };
    let longest = usize::try_from(reader.info().coded_length / BATCH).unwrap_or(usize::MAX);
    let helper = || {
        // Without a decoder, the other threads do the work.
        LibopusDecoder::new(reader.head()).map(|decoder| work.run(decoder, || Ok(())))
    };
    let mut report = || {
        let done = mem::take(&mut lock(&work.results).done);
        done.into_iter().try_for_each(|(bytes, samples)| watch.packet(bytes, samples))
    };
    thread::scope(|scope| {
        for _ in 1..threads.get().min(longest) {
            // If no thread starts, this one does all the work.
            let _ = thread::Builder::new().spawn_scoped(scope, helper);
        }
        work.run(decoder, &mut report)
    })?;
    report()?;
    let failed = lock(&work.source).failed.take();
    if let Some((array, error)) = failed {
        lock(&work.results).found.note_unreadable(array, reader, &error);
    }
    Ok(())
}

/// What the threads share.
struct Work<'a> {
    source: Mutex<Source<'a>>,
    results: Mutex<Results<'a>>,
    is_cancelled: AtomicBool,
}

/// Bytes and samples of packets.
type Amount = (usize, u32);

impl Work<'_> {
    /// Decodes batches until there are none, and reports after each.
    fn run(
        &self,
        decoder: LibopusDecoder,
        mut report: impl FnMut() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut run = Run::new(decoder);
        while !self.is_cancelled.load(Ordering::Relaxed) {
            let Some(batch) = lock(&self.source).next() else { break };
            let faults = batch.decode(&mut run);
            lock(&self.results).add(batch, faults);
            if let Err(error) = report() {
                self.is_cancelled.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the chosen packets.
struct Source<'a> {
    options: &'a VerifyOptions,
    spans: Spans<'a>,
    span: Option<Span>,
    /// The next row of the span.
    row: usize,
    ahead: Ahead<'a>,
    batches: u64,
    /// What cannot be read right now, which ends the work.
    failed: Option<(ArrayKind, StoreError)>,
}

type Spans<'a> = Box<dyn Iterator<Item = Result<Span, StoreError>> + Send + 'a>;

impl<'a> Source<'a> {
    fn new(reader: &'a RecordingReader, options: &'a VerifyOptions, spans: Spans<'a>) -> Self {
        let blob_bytes = reader.info().blob_bytes;
        let ahead = Ahead { reader, blob_bytes, start: 0, bytes: Vec::new() };
        Self { options, spans, span: None, row: 0, ahead, batches: 0, failed: None }
    }

    fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch { number: self.batches, ..Batch::default() };
        while u64::from(batch.amount.1) < BATCH && self.failed.is_none() {
            let Some((packet, row)) = self.next_row() else { break };
            if !self.options.includes_byte(row.offset, self.ahead.blob_bytes) {
                continue;
            }
            match self.ahead.packet(&row) {
                Ok(data) => {
                    batch.bytes.extend_from_slice(data);
                    batch.packets.push((packet, row.duration, batch.bytes.len()));
                }
                Err(error) if error.is_unreadable() => {
                    self.failed = Some((ArrayKind::Blob, error));
                    break;
                }
                // It lies in a chunk that is known to be damaged.
                Err(_) => {}
            }
            batch.amount.0 += usize::try_from(row.length).unwrap_or(usize::MAX);
            // At most 5760, an invariant of the span.
            batch.amount.1 += u32::try_from(row.duration).unwrap_or(u32::MAX);
        }
        self.batches += 1;
        (batch.amount.1 > 0).then_some(batch)
    }

    fn next_row(&mut self) -> Option<(u64, IndexRow)> {
        loop {
            let span = self.span.as_ref();
            if let Some((span, row)) =
                span.and_then(|span| Some((span, span.rows().get(self.row)?)))
            {
                let number = u64::try_from(self.row).unwrap_or(u64::MAX);
                self.row += 1;
                return Some((span.packets().start.saturating_add(number), *row));
            }
            match self.spans.next()? {
                Ok(span) => (self.span, self.row) = (Some(span), 0),
                Err(error) => {
                    self.failed = error.is_unreadable().then_some((ArrayKind::Index, error));
                    return None;
                }
            }
        }
    }
}

/// Reads ahead in the blob, because packets follow one another.
struct Ahead<'a> {
    reader: &'a RecordingReader,
    blob_bytes: u64,
    /// The position of `bytes` in the blob.
    start: u64,
    bytes: Vec<u8>,
}

impl Ahead<'_> {
    /// Returns the bytes of a packet.
    fn packet(&mut self, row: &IndexRow) -> Result<&[u8], StoreError> {
        let end = row.offset + row.length;
        if self.at_hand(row).is_none() {
            self.start = row.offset;
            let far = row.offset.saturating_add(READ_AHEAD).min(self.blob_bytes).max(end);
            let mut read = |end| self.reader.read(row.offset..end, &mut self.bytes);
            let read = match read(far) {
                Err(error) if !error.is_unreadable() => read(end),
                read => read,
            };
            read.inspect_err(|_| self.bytes.clear())?;
        }
        Ok(self.at_hand(row).unwrap_or_default())
    }

    fn at_hand(&self, row: &IndexRow) -> Option<&[u8]> {
        let start = usize::try_from(row.offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(start..)?.get(..usize::try_from(row.length).ok()?)
    }
}

/// Packets that a thread decodes at a time.
#[derive(Default)]
struct Batch {
    number: u64,
    bytes: Vec<u8>,
    /// The number and duration of each packet, and where it ends in the bytes.
    packets: Vec<(u64, u64, usize)>,
    /// What was read, including packets that cannot be.
    amount: Amount,
}

type PacketFaults = Vec<(u64, FaultKind)>;

impl Batch {
    fn decode(&self, run: &mut Run) -> PacketFaults {
        let (mut faults, mut start) = (Vec::new(), 0);
        run.next = None;
        for &(packet, duration, end) in &self.packets {
            let data = self.bytes.get(start..end).unwrap_or_default();
            run.packet(packet, duration, data, |kind| faults.push((packet, kind)));
            start = end;
        }
        faults
    }
}

/// Collects the faults in the order of the packets.
struct Results<'a> {
    reader: &'a RecordingReader,
    found: &'a mut Verification,
    /// The next batch.
    next: u64,
    /// Faults of later ones.
    early: BTreeMap<u64, PacketFaults>,
    /// The batches done since the last report.
    done: Vec<Amount>,
}

impl<'a> Results<'a> {
    fn new(reader: &'a RecordingReader, found: &'a mut Verification) -> Self {
        Self { reader, found, next: 0, early: BTreeMap::new(), done: Vec::new() }
    }

    fn add(&mut self, batch: Batch, faults: PacketFaults) {
        self.done.push(batch.amount);
        self.found.decoded += u64::try_from(batch.packets.len()).unwrap_or(u64::MAX);
        self.early.insert(batch.number, faults);
        while let Some(faults) = self.early.remove(&self.next) {
            for (packet, kind) in faults {
                self.found.fault(self.reader, Some(packet), kind);
            }
            self.next += 1;
        }
    }
}

/// A decoder and its position.
struct Run {
    decoder: LibopusDecoder,
    pcm: Vec<f32>,
    next: Option<u64>,
}

impl Run {
    fn new(decoder: LibopusDecoder) -> Self {
        let channels = PacketDecoder::<f32>::layout(&decoder).channels;
        let longest = usize::try_from(MAX_PACKET_DURATION).unwrap_or_default();
        Self { decoder, pcm: vec![0.0; longest * channels], next: None }
    }

    fn packet(&mut self, packet: u64, duration: u64, data: &[u8], fault: impl FnOnce(FaultKind)) {
        if self.next != Some(packet)
            && let Err(error) = PacketDecoder::<f32>::reset(&mut self.decoder)
        {
            return fault(FaultKind::Decode { reason: format!("{error:?}") });
        }
        self.next = packet.checked_add(1);
        match self.decoder.decode(data, &mut self.pcm) {
            Ok(found) if u64::try_from(found) == Ok(duration) => {}
            Ok(found) => fault(FaultKind::Decoded { found, expected: duration }),
            Err(error) => fault(FaultKind::Decode { reason: format!("{error:?}") }),
        }
    }
}

/// Bytes read ahead: a chunk of the blob.
const READ_AHEAD: u64 = 64 * 1024;
/// Samples of a batch, at 48 kHz: two seconds.
const BATCH: u64 = 2 * 48_000;
