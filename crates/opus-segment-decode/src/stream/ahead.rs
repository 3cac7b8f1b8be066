use std::{fmt, num::NonZeroUsize, ops::Range, sync::Arc};

use opus_packet::CodedPos;
use opus_packet_index::SyncRead;

use super::{
    piece::Piece,
    plan::{Lengths, Plan, Planned},
    workers::Workers,
};
use crate::{BoxError, PacketDecoder, RangeDecoder, segment::Segment};

/// Decodes what follows the present piece, in threads that are started when there is something to
/// do.
pub(super) struct Ahead<D, S> {
    threads: NonZeroUsize,
    start: fn(NonZeroUsize) -> Option<Workers<D, S>>,
    new_decoder: Box<dyn FnMut() -> Result<D, BoxError> + Send>,
    workers: Option<Workers<D, S>>,
    plan: Option<Plan>,
    /// Before this position, work cannot be divided.
    gap: CodedPos,
    rested: Vec<(D, Vec<S>)>,
}

impl<D: PacketDecoder<S>, S: Copy + Default> Ahead<D, S> {
    pub(super) fn new<E: Into<BoxError>>(
        threads: NonZeroUsize,
        mut new_decoder: impl FnMut() -> Result<D, E> + Send + 'static,
    ) -> Self
    where
        D: Send + 'static,
        S: Send + 'static,
    {
        Self {
            threads,
            start: Workers::start,
            new_decoder: Box::new(move || new_decoder().map_err(Into::into)),
            workers: None,
            plan: None,
            gap: CodedPos::new(0),
            rested: Vec::new(),
        }
    }

    /// Plans pieces for the rest of a range, whose first packets are those of `segment`. Returns
    /// where the first of them begins.
    pub(super) fn plan(
        &mut self,
        segment: &Arc<Segment>,
        until: CodedPos,
        rest: Range<CodedPos>,
        channels: usize,
        starts: &impl SyncRead,
    ) -> Option<CodedPos> {
        if rest.start < self.gap {
            return None;
        }
        let plan = Plan::new(segment, until, rest, Lengths::new(channels), starts)?;
        if let Some(gap) = plan.gap(starts) {
            self.gap = gap;
            return None;
        }
        Some(self.plan.insert(plan).begin())
    }

    /// Keeps the threads busy. `fetch` reads packets.
    pub(super) fn advance(
        &mut self,
        end: CodedPos,
        starts: &impl SyncRead,
        fetch: impl Fn(Range<CodedPos>) -> Option<Segment>,
    ) {
        while let Some(plan) = &mut self.plan {
            if self.workers.as_ref().is_some_and(|workers| !workers.have_room()) {
                return;
            }
            let Some(planned) = plan.next(starts, &fetch) else { break };
            if self.submit(planned, end).is_none() {
                break;
            }
        }
        // Nothing is left to plan, or one decoder must go on.
        self.plan = None;
    }

    /// Waits for the next piece. Returns `None` if the present one must go on.
    pub(super) fn next(&mut self) -> Option<Piece<D, S>> {
        self.workers.as_mut()?.next()
    }

    /// Keeps a decoder and a buffer for another piece.
    pub(super) fn rest(&mut self, piece: Piece<D, S>) {
        self.rested.push(piece.into_parts());
    }

    /// Forgets all pieces and ends the threads.
    pub(super) fn clear(&mut self) {
        (self.plan, self.workers) = (None, None);
    }

    /// Returns `None` if no thread or decoder can be had.
    fn submit(&mut self, planned: Planned, end: CodedPos) -> Option<()> {
        if self.workers.is_none() {
            self.workers = (self.start)(self.threads);
        }
        let workers = self.workers.as_mut()?;
        let rested = self.rested.pop();
        let fresh = || Some(((self.new_decoder)().ok()?, Vec::new()));
        let (decoder, samples) = rested.or_else(fresh)?;
        let mut range = RangeDecoder::new(planned.samples.start..end, decoder);
        range.start(planned.start).ok()?;
        range.segment(planned.segment);
        range.stop_at(planned.samples.end);
        workers.submit(Piece::new(range, samples));
        Some(())
    }
}

impl<D, S> fmt::Debug for Ahead<D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead").field("threads", &self.threads).finish_non_exhaustive()
    }
}
