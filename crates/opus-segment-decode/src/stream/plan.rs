use std::{ops::Range, sync::Arc};

use opus_packet::CodedPos;
use opus_packet_index::{SyncRead, SyncStart};

use crate::{range::step_from, segment::Segment};

/// Divides the rest of a range into pieces that decode independently of one another.
///
/// The packets are looked up in the same steps as by a single decoder, so damage shows at the same
/// sample.
#[derive(Debug)]
pub(super) struct Plan {
    /// The first coded sample of the next piece, and where decoding begins for it.
    begin: CodedPos,
    start: SyncStart,
    /// The packets from the start on.
    segment: Arc<Segment>,
    /// Where a single decoder would have to start again.
    until: CodedPos,
    /// Each start must be exact up to here. Here another one is near, and so on up to the end.
    relay: CodedPos,
    end: CodedPos,
    lengths: Lengths,
}

/// A piece to decode.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) samples: Range<CodedPos>,
    pub(super) start: SyncStart,
    pub(super) segment: Arc<Segment>,
}

/// Lengths in coded samples. They bound the samples in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// The shortest piece. The longest lasts two and a half times as long.
    shortest: u64,
    /// How far apart are the positions between which the best cut is sought, and how far before it
    /// decoding may begin. The first piece, which the calling thread decodes, lasts at least this
    /// long.
    half: u64,
}

impl Lengths {
    /// Ten seconds, or less with more than four channels.
    pub(super) fn new(channels: usize) -> Self {
        let channels = u64::try_from(channels).unwrap_or(u64::MAX).max(4);
        let shortest = 10 * 48_000 * 4 / channels;
        Self { shortest, half: shortest / 2 }
    }
}

/// A packet border at which decoding can go on with another decoder.
struct Border {
    position: CodedPos,
    start: SyncStart,
}

impl Plan {
    /// Seeks the first border behind `position` in these packets, up to which they are decoded as
    /// their samples are taken. Returns `None` if there is none, or if what follows is too short.
    pub(super) fn new(
        segment: &Arc<Segment>,
        until: CodedPos,
        samples: Range<CodedPos>,
        lengths: Lengths,
        starts: &impl SyncRead,
    ) -> Option<Self> {
        let end = segment.samples().end.min(until).min(samples.end);
        let first = after(samples.start, lengths.half);
        let none = CodedPos::new(0);
        let Border { position, start } = lengths.best_border(segment, first..end, none, starts)?;
        Some(Self {
            begin: position,
            start,
            segment: Arc::clone(segment),
            until,
            relay: start.until,
            end: samples.end,
            lengths,
        })
    }

    pub(super) fn begin(&self) -> CodedPos {
        self.begin
    }

    /// Returns the first position that no near start reaches, if any. A single decoder must run
    /// up to there, so dividing its work would be in vain.
    pub(super) fn gap(&self, starts: &impl SyncRead) -> Option<CodedPos> {
        let mut position = self.relay;
        while position < self.end {
            match self.lengths.near(position, starts) {
                Some(start) => position = start.until,
                None => return Some(position),
            }
        }
        None
    }

    /// Returns the next piece. `fetch` reads the packets of a range. Returns `None` at the end, or
    /// where a decoder must go on that has decoded what precedes.
    pub(super) fn next(
        &mut self,
        starts: &impl SyncRead,
        fetch: impl FnOnce(Range<CodedPos>) -> Option<Segment>,
    ) -> Option<Planned> {
        if self.begin >= self.end {
            return None;
        }
        if self.begin >= self.limit() {
            self.pass_limit(starts, fetch)?;
        }
        let (begin, start, limit) = (self.begin, self.start, self.limit());
        let least = after(begin, self.lengths.shortest);
        let relay = self.relay.min(self.end);
        let border = self.lengths.best_border(&self.segment, least..limit, relay, starts);
        let longest = after(least, self.lengths.half.saturating_mul(3));
        self.begin = border.as_ref().map_or(limit, |border| border.position);
        if let Some(border) = border {
            self.start = border.start;
        } else if limit > longest {
            return None;
        }
        Some(Planned { samples: begin..self.begin, start, segment: Arc::clone(&self.segment) })
    }

    /// Where the next piece ends at the latest.
    fn limit(&self) -> CodedPos {
        self.segment.samples().end.min(self.until).min(self.relay).min(self.end)
    }

    /// Finds the start of a piece that begins at the limit, and fetches the packets behind it.
    fn pass_limit(
        &mut self,
        starts: &impl SyncRead,
        fetch: impl FnOnce(Range<CodedPos>) -> Option<Segment>,
    ) -> Option<()> {
        let start = self.lengths.near(self.begin, starts)?;
        if self.begin >= self.relay {
            self.relay = start.until;
        }
        let mut next = self.begin;
        if self.begin >= self.until {
            (next, self.until) = (start.start, start.until);
        }
        let held = self.segment.samples();
        if next < self.begin || self.begin >= held.end {
            let end = step_from(next).min(self.until).min(self.end);
            self.segment = Arc::new(fetch(start.start..end)?);
        }
        self.start = start;
        let holds = start.until >= self.relay.min(self.end);
        (holds && start.start >= self.segment.samples().start).then_some(())
    }
}

impl Lengths {
    /// Finds the border with the shortest way from its start, so that a whole piece remains
    /// before the end of `range`. Its start must be exact up to `relay`.
    fn best_border(
        self,
        segment: &Segment,
        range: Range<CodedPos>,
        relay: CodedPos,
        starts: &impl SyncRead,
    ) -> Option<Border> {
        let mut best: Option<(u64, Border)> = None;
        let end = range.end.saturating_sub(self.shortest).min(after(range.start, self.half));
        let mut next = range.start;
        while next <= end {
            let row = segment.rows().get(segment.row_at(next))?;
            let position = CodedPos::new(row.last.saturating_add(1));
            next = after(position, STEP);
            let Some(start) = self.near(position, starts) else { continue };
            let distance = position.get() - start.start.get();
            // Output as `i16` depends on a memory that the packet before makes known.
            let is_led_to = start.exact_from.get() <= row.first;
            let is_held = start.start >= segment.samples().start && start.until >= relay;
            let is_held = is_held && is_led_to;
            if is_held && best.as_ref().is_none_or(|(least, _)| distance < *least) {
                best = Some((distance, Border { position, start }));
            }
        }
        best.map(|(_, border)| border)
    }

    /// The start for a position, if it is near.
    fn near(self, position: CodedPos, starts: &impl SyncRead) -> Option<SyncStart> {
        let start = starts.start(position).ok()?;
        let is_valid = start.start <= position && position < start.until;
        (is_valid && position.get() - start.start.get() <= self.half).then_some(start)
    }
}

fn after(position: CodedPos, samples: u64) -> CodedPos {
    CodedPos::new(position.get().saturating_add(samples))
}

/// Distance between the positions tried as borders: a quarter of a second.
const STEP: u64 = 12_000;
