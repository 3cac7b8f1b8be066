use std::{mem, num::NonZeroU8, ops::Range};

use opus_packet::{CodedPos, MAX_PACKET_DURATION, Packet};
use opus_packet_index::{Span, SyncDecoder, SyncStart};

use super::{
    block::pass,
    memory::{Memory, StreamMemory, WINDOW},
    racer::{are_the_same, decode},
};
use crate::{
    Error, PacketDecoder,
    error::Reason,
    range::step_from,
    segment::{Segment, check_covered},
};

/// Looks for a start that is exact at a position of a recording without a sync map.
///
/// Two decoders begin at different packets before the position. Neither knows what came before, so
/// equal output alone proves nothing: both may be wrong in the same way. In CELT, what the packets
/// say completes the proof. Output must be equal for half a second, which makes band energies equal,
/// and then two frames must follow that are not transient: they overwrite all that CELT remembers of
/// earlier energies. Until then only frames that are not transient are exact, since transient ones
/// may read those. A change of mode within the look-back wipes all memory. Nothing else
/// makes a start in SILK or hybrid exact, so there the attempt fails. The project's `docs/exactness.md`
/// derives this.
///
/// The search looks back 1.7 seconds, then 6 seconds, and decodes up to a second beyond the position.
/// If it reaches the beginning of the recording, the first decoder knows everything, and the search
/// always succeeds.
///
/// It does no I/O: read what [`need`](Self::need) names and [`supply`](Self::supply) it, until nothing
/// is needed. The result is that of all positions in the same tenth of a second
/// ([`cell`](Self::cell)), so that it can be remembered for later reads.
#[derive(Debug)]
pub struct Agreement {
    /// The first position of the tenth of a second.
    position: CodedPos,
    decoder: SyncDecoder,
    /// Up to here, boundaries are looked for.
    scanned: CodedPos,
    /// Where the recording ends.
    end: CodedPos,
    attempt: usize,
    found: Option<AgreedStart>,
}

/// A start on which two decoders agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgreedStart {
    start: SyncStart,
    /// From where on it is exact for any decoder.
    settled: CodedPos,
}

impl Agreement {
    /// Begins the search for the first sample of `range`. A start that is found is followed to the end of
    /// the range, or for a minute, if nothing ends it before. The recording ends at `end`. With
    /// [`SyncDecoder::Any`], the start holds for any decoder at any rate.
    pub fn new(range: Range<CodedPos>, end: CodedPos, decoder: SyncDecoder) -> Self {
        let position = CodedPos::new(Self::cell(range.start) * CELL);
        let beyond = CodedPos::new(position.get().saturating_add(BEYOND));
        let scanned = range.end.min(step_from(position)).max(beyond).min(end);
        let [[_, nearest], _] = LOOK_BACK;
        let found = (position.get() <= nearest).then_some(AgreedStart::BEGINNING);
        Self { position, decoder, scanned, end, attempt: 0, found }
    }

    /// The number of the tenth of a second that holds a position. The search has the same result for
    /// all positions in it.
    pub fn cell(position: CodedPos) -> u64 {
        position.get() / CELL
    }

    /// The samples whose packets are needed for the next attempt. None if a start was found, or nothing
    /// is left to try.
    pub fn need(&self) -> Option<Range<CodedPos>> {
        let [first, _] = self.starts()?;
        self.found.is_none().then_some(first..self.scanned)
    }

    /// The start that is exact at the position, once nothing is needed. None if decoders do not agree.
    pub fn found(&self) -> Option<AgreedStart> {
        self.found
    }

    /// Supplies packets from the index and their bytes. The decoders must return the channels of the
    /// streams before mixing, as `LibopusDecoder::unmixed` does.
    ///
    /// # Errors
    ///
    /// The packets are not those of the blob, or one of them cannot be decoded.
    pub fn supply<D: PacketDecoder<f32>>(
        &mut self,
        span: Span,
        blob: Vec<u8>,
        decoders: &mut [D; 2],
    ) -> Result<(), Error> {
        let Some([first, second]) = self.starts() else { return Ok(()) };
        check_covered(&span, &(first..self.scanned))?;
        self.attempt += 1;
        let is_from_beginning = first == CodedPos::new(0);
        let segment = Segment::new(span, blob, decoders[0].layout().streams)?;
        let found = self.race(&segment, second, is_from_beginning, decoders)?;
        let beginning = is_from_beginning.then_some(AgreedStart::BEGINNING);
        self.found = found.or(beginning.filter(|_| self.is_last()));
        Ok(())
    }

    /// Where the two decoders of the next attempt begin.
    fn starts(&self) -> Option<[CodedPos; 2]> {
        let back = LOOK_BACK.get(self.attempt)?;
        Some(back.map(|back| self.position.saturating_sub(back)))
    }

    /// Whether the last attempt was made, or it would begin no earlier than the one before.
    fn is_last(&self) -> bool {
        self.starts().is_none_or(|[first, _]| first == CodedPos::new(0))
    }

    /// Runs both decoders, unless the flags of the packets show already that it would be in vain.
    fn race<D: PacketDecoder<f32>>(
        &self,
        segment: &Segment,
        second: CodedPos,
        is_from_beginning: bool,
        decoders: &mut [D; 2],
    ) -> Result<Option<AgreedStart>, Error> {
        let memories = memories(segment, decoders[0].layout().streams)?;
        let begin = segment.row_at(second);
        let trial = || Trial::new(segment, begin, is_from_beginning);
        let at_best = self.try_all(segment, &memories, trial(), |_| Ok(true))?;
        if at_best.is_none() {
            return Ok(None);
        }
        let mut pair = Pair::new(decoders, begin)?;
        self.try_all(segment, &memories, trial(), |row| pair.is_equal(segment, row))
    }

    fn try_all(
        &self,
        segment: &Segment,
        memories: &[Memory],
        mut trial: Trial,
        mut is_equal: impl FnMut(usize) -> Result<bool, Error>,
    ) -> Result<Option<AgreedStart>, Error> {
        for (row, memory) in memories.iter().enumerate() {
            let packet = segment.packet(row)?;
            let packet = packet.position..packet.end();
            if let Some(found) = trial.found {
                if memory.is_boundary {
                    return Ok(self.exact(found.ending(packet.start)));
                }
            } else if packet.start.get() >= self.position.get().saturating_add(BEYOND) {
                return Ok(None);
            } else {
                trial.pass(packet, memory, is_equal(row)?);
            }
        }
        let end = segment.samples().end;
        let until = if end >= self.end { CodedPos::new(u64::MAX) } else { end };
        Ok(trial.found.and_then(|found| self.exact(found.ending(until))))
    }

    /// Returns the start if it is exact at the position.
    fn exact(&self, found: AgreedStart) -> Option<AgreedStart> {
        found.start_at(self.position, self.decoder).map(|_| found)
    }
}

impl AgreedStart {
    /// Decoding from the first packet.
    pub const BEGINNING: Self = Self { start: SyncStart::BEGINNING, settled: CodedPos::new(0) };

    /// The start for a decoder at a position, if it is exact there. [`SyncDecoder::Measuring`] is the one
    /// that found it.
    pub fn start_at(&self, position: CodedPos, decoder: SyncDecoder) -> Option<SyncStart> {
        let exact_from = match decoder {
            SyncDecoder::Measuring => self.start.exact_from,
            SyncDecoder::Any => self.settled,
        };
        let is_exact = exact_from <= position && position < self.start.until;
        is_exact.then_some(SyncStart { exact_from, ..self.start })
    }

    fn ending(self, until: CodedPos) -> Self {
        Self { start: SyncStart { until, ..self.start }, ..self }
    }
}

/// What is known about the later of two decoders.
struct Trial {
    begin: u64,
    /// Whether the earlier one decodes all packets.
    is_from_beginning: bool,
    /// Since when output was equal and could be proved to be exact.
    equal_from: Option<u64>,
    /// Where the last transient frame ended since then.
    transient_until: u64,
    /// Whether a change of mode wiped all memory before the last packet.
    is_wiped: bool,
    /// Without its end.
    found: Option<AgreedStart>,
}

impl Trial {
    fn new(segment: &Segment, begin: usize, is_from_beginning: bool) -> Self {
        Self {
            begin: segment.rows().get(begin).map_or(u64::MAX, |row| row.first),
            is_from_beginning,
            equal_from: None,
            transient_until: 0,
            is_wiped: false,
            found: None,
        }
    }

    fn pass(&mut self, packet: Range<CodedPos>, memory: &Memory, is_equal: bool) {
        let (start, end) = (packet.start.get(), packet.end.get());
        if start < self.begin {
            return;
        }
        let was_wiped = mem::replace(&mut self.is_wiped, self.begin <= memory.wiped);
        if !(is_equal && (self.is_from_beginning || self.can_be_proved(memory, was_wiped))) {
            self.equal_from = None;
            return;
        }
        let from = *self.equal_from.get_or_insert(start);
        if memory.has_transient {
            self.transient_until = end;
        }
        let exact_from = match (self.is_from_beginning, was_wiped) {
            (true, _) if memory.is_settled(self.begin, from) => from,
            (true, _) => return,
            (false, true) => from,
            (false, false) if from.saturating_add(WINDOW) <= memory.settles => {
                self.transient_until.max(from)
            }
            (false, false) => return,
        };
        // With other decoders, output from here on is not known to be equal where audio was made up.
        let is_for_any = !self.is_from_beginning || memory.is_settled_for_any(self.begin, from);
        self.found = Some(AgreedStart {
            start: SyncStart {
                start: CodedPos::new(self.begin),
                exact_from: CodedPos::new(exact_from),
                until: packet.end,
            },
            settled: CodedPos::new(if is_for_any { end } else { u64::MAX }),
        });
    }

    /// Whether the memory that decides about the packet is that of CELT, or of a decoder that began anew
    /// in an earlier packet.
    fn can_be_proved(&self, memory: &Memory, was_wiped: bool) -> bool {
        let is_wiping = self.is_wiped && !was_wiped;
        !memory.is_boundary && !is_wiping && (was_wiped || memory.is_celt)
    }
}

/// Two decoders that run beside each other.
struct Pair<'a, D> {
    decoders: &'a mut [D; 2],
    /// The row with which the second one begins.
    begin: usize,
    rooms: [Vec<f32>; 2],
}

impl<'a, D: PacketDecoder<f32>> Pair<'a, D> {
    fn new(decoders: &'a mut [D; 2], begin: usize) -> Result<Self, Error> {
        for decoder in decoders.iter_mut() {
            decoder.reset().map_err(|error| Reason::Reset(error.into()))?;
        }
        let longest = usize::try_from(MAX_PACKET_DURATION).unwrap_or(usize::MAX);
        let rooms = [0, 1].map(|_| vec![0.0; longest * decoders[0].layout().channels]);
        Ok(Self { decoders, begin, rooms })
    }

    fn is_equal(&mut self, segment: &Segment, row: usize) -> Result<bool, Error> {
        let placed = segment.packet(row)?;
        let packet = Packet { data: placed.data, duration: placed.duration };
        let [first, second] = self.decoders;
        let [first_room, second_room] = &mut self.rooms;
        let first = decode(first, placed.number, packet, first_room)?;
        if row < self.begin {
            return Ok(false);
        }
        let second = decode(second, placed.number, packet, second_room)?;
        Ok(are_the_same(first, second))
    }
}

/// What each packet of a segment does to the memory of decoders.
fn memories(segment: &Segment, streams: NonZeroU8) -> Result<Vec<Memory>, Error> {
    let mut memories = vec![StreamMemory::default(); streams.get().into()];
    let mut room = Vec::new();
    (0..segment.rows().len())
        .map(|row| {
            let packet = segment.packet(row)?;
            Ok(pass(packet.data, packet.position.get(), &mut memories, &mut room))
        })
        .collect()
}

/// Where the decoders of each attempt begin, in samples before the position.
const LOOK_BACK: [[u64; 2]; 2] = [[81_600, 38_400], [288_000, 144_000]];

/// How far beyond the position they decode at most.
const BEYOND: u64 = 48_000;

/// Positions that share a result: a tenth of a second.
const CELL: u64 = 4_800;
