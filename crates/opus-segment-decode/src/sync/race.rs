use std::{
    collections::VecDeque,
    mem,
    num::{NonZeroU64, NonZeroUsize},
    sync::Arc,
};

use opus_packet::{CodedPos, MAX_PACKET_DURATION, PacketSource};
use opus_packet_index::{SYNC_SPACING, SyncEntry};

use super::{
    block::{Block, BlockPacket, Blocks},
    racer::{Done, Fault, Job, Outcome, Raced, Racer, Sequential},
    workers::Workers,
};
use crate::{DecoderLayout, Error, PacketDecoder};

/// The decoder that has heard all packets, and those that run beside it.
///
/// Packets go through in blocks: short ones with one thread, for which that is faster. The
/// sequential decoder is one block ahead or more; racers go through a block in groups, when it
/// is decoded and they are through the one before.
pub(super) struct Race<P, M, D> {
    source: Blocks<P>,
    make: M,
    layout: DecoderLayout,
    sync_interval: Option<NonZeroU64>,
    threads: NonZeroUsize,
    /// Where it is no more at work.
    sequential: Option<Sequential<D>>,
    /// Blocks that are decoded and not behind all racers yet; the number of the first.
    blocks: VecDeque<Decoded>,
    first: u64,
    /// Racers that wait for the next block.
    waiting: Vec<Racer<D>>,
    rested: Vec<D>,
    spare: Vec<Block>,
    entries: Vec<SyncEntry>,
    /// Entries that are exact without an end so far.
    open: Vec<usize>,
    is_at_end: bool,
    fault: Option<Fault>,
}

/// A block behind the sequential decoder.
struct Decoded {
    block: Arc<Block>,
    /// Groups of racers that are at it.
    groups: usize,
    /// Entries that are exact up to its end at least.
    open: Vec<usize>,
}

impl<P, M, D> Race<P, M, D>
where
    P: PacketSource,
    M: FnMut() -> Result<D, Error>,
    D: PacketDecoder<f32> + Send,
{
    pub(super) fn new(
        source: P,
        sync_interval: Option<NonZeroU64>,
        threads: NonZeroUsize,
        mut make: M,
    ) -> Result<Self, Error> {
        let decoder = make()?;
        let layout = decoder.layout();
        // More would have nothing to do: there are not more decoders at once.
        let decoders = usize::try_from(limit(layout) / SYNC_SPACING).unwrap_or(usize::MAX);
        let threads = threads.min(NonZeroUsize::MIN.saturating_add(decoders));
        Ok(Self {
            source: Blocks::new(source, layout, threads == NonZeroUsize::MIN),
            make,
            layout,
            sync_interval,
            threads,
            sequential: Some(Sequential::new(decoder)),
            blocks: VecDeque::new(),
            first: 0,
            waiting: Vec::new(),
            rested: Vec::new(),
            spare: Vec::new(),
            entries: vec![SyncEntry::ALL],
            open: Vec::new(),
            is_at_end: false,
            fault: None,
        })
    }

    /// Samples of the longest packet.
    pub(super) fn room(&self) -> usize {
        usize::try_from(MAX_PACKET_DURATION).unwrap_or(usize::MAX) * self.layout.channels
    }

    pub(super) fn threads(&self) -> NonZeroUsize {
        self.threads
    }

    pub(super) fn run(mut self, workers: &mut Workers<D>) -> Result<Vec<SyncEntry>, Error> {
        loop {
            self.read(workers);
            match workers.next() {
                Some(Done::Decoded { sequential, block, result }) => {
                    self.sequential = Some(sequential);
                    self.note(result);
                    self.decoded(block, workers);
                }
                Some(Done::Raced { racers, block }) => self.raced(racers, block, workers),
                None => return self.finish(),
            }
            self.let_go();
        }
    }

    /// The next block is for the sequential decoder, if that is idle and not too far ahead.
    fn read(&mut self, workers: &mut Workers<D>) {
        if self.is_at_end || self.fault.is_some() || self.blocks.len() >= MOST_BLOCKS {
            return;
        }
        let Some(sequential) = self.sequential.take() else { return };
        let mut block = self.spare.pop().unwrap_or_default();
        let result = self.source.read(&mut block);
        let packet = self.source.packets();
        self.note(result.map_err(|error| Fault { packet, start: 0, error }));
        let result = self.start_racers(&mut block);
        self.note(result);
        self.is_at_end = block.is_empty();
        if !self.is_at_end {
            workers.give(Job::Decode { sequential, block });
        }
    }

    /// Decoders for the starts in the block. Where one cannot be had, the block ends.
    fn start_racers(&mut self, block: &mut Block) -> Result<(), Fault> {
        let mut place = 0;
        while let Some(packet) = block.packet(place) {
            let (start, first) = (self.entries.len(), packet.number);
            // No packet is as long as half a second.
            if wide(start) * SYNC_SPACING < packet.end {
                if self.holds_sync_point(start, &packet) {
                    self.start_racer(start, first).map_err(|error| {
                        block.truncate(place);
                        Fault { packet: first, start, error }
                    })?;
                }
                self.entries.push(SyncEntry::NONE);
            }
            place += 1;
        }
        Ok(())
    }

    fn start_racer(&mut self, start: usize, first: u64) -> Result<(), Error> {
        let decoder = self.rested.pop().map_or_else(&mut self.make, Ok)?;
        let deadline = wide(start) * SYNC_SPACING + limit(self.layout);
        self.waiting.push(Racer::new(decoder, start, first, deadline));
        Ok(())
    }

    /// Whether there is a sync point from the packet that holds a start to the one that holds the
    /// next, if packets are all as long as this one. If not, the start would be exact only behind
    /// the next, which serves as well from there.
    fn holds_sync_point(&self, start: usize, packet: &BlockPacket<'_>) -> bool {
        let Some(interval) = self.sync_interval else { return true };
        let duration = u64::from(packet.packet.duration);
        let next = (wide(start) + 1) * SYNC_SPACING / duration * duration;
        packet.start().get().next_multiple_of(interval.get()) < next
    }

    /// Racers that have waited for the block go through it, shared out among the threads.
    fn decoded(&mut self, block: Block, workers: &mut Workers<D>) {
        self.blocks.push_back(Decoded { block: Arc::new(block), groups: 0, open: Vec::new() });
        let number = self.first + wide(self.blocks.len()) - 1;
        let mut racers = mem::take(&mut self.waiting);
        let group = racers.len().div_ceil(self.threads.get());
        while !racers.is_empty() {
            let rest = racers.split_off(group.min(racers.len()));
            self.go_on(mem::replace(&mut racers, rest), number, workers);
        }
    }

    /// Racers go through the block with this number, at once or when it is decoded.
    fn go_on(&mut self, mut racers: Vec<Racer<D>>, block: u64, workers: &mut Workers<D>) {
        match self.block(block) {
            Some(found) => {
                found.groups += 1;
                let decoded = found.block.clone();
                workers.give(Job::Race { racers, decoded, block });
            }
            None => self.waiting.append(&mut racers),
        }
    }

    fn block(&mut self, number: u64) -> Option<&mut Decoded> {
        let place = number.checked_sub(self.first)?;
        self.blocks.get_mut(usize::try_from(place).ok()?)
    }

    /// Racers have gone through a block.
    fn raced(&mut self, racers: Vec<Raced<D>>, block: u64, workers: &mut Workers<D>) {
        let mut running = Vec::new();
        for (racer, result) in racers {
            match self.note(result).unwrap_or(Outcome::GivenUp) {
                Outcome::Running => {
                    running.push(racer);
                    continue;
                }
                Outcome::GivenUp => {}
                Outcome::Exact { from, until } => self.exact(racer.start(), block, from, until),
            }
            self.rested.push(racer.into_decoder());
        }
        if let Some(found) = self.block(block) {
            found.groups -= 1;
        }
        if !running.is_empty() {
            self.go_on(running, block + 1, workers);
        }
    }

    fn exact(&mut self, start: usize, block: u64, from: CodedPos, until: Option<CodedPos>) {
        self.set(start, SyncEntry::new(wide(start), from, until));
        if let (None, Some(found)) = (until, self.block(block)) {
            found.open.push(start);
        }
    }

    /// Blocks that all racers are through are needed no more. Nothing is known behind a packet
    /// that is made up about the starts that do not run any more.
    fn let_go(&mut self) {
        while self.blocks.front().is_some_and(|decoded| decoded.groups == 0) {
            let Some(decoded) = self.blocks.pop_front() else { return };
            self.first += 1;
            if let Some(until) = decoded.block.made_up() {
                for start in mem::take(&mut self.open) {
                    let Some(entry) = self.entries.get_mut(start) else { continue };
                    *entry = entry.ending(wide(start), until);
                }
            }
            self.open.extend(decoded.open);
            self.spare.extend(Arc::into_inner(decoded.block).map(Block::cleared));
        }
    }

    /// Racers that are exact at the end have been so up to the end.
    fn finish(mut self) -> Result<Vec<SyncEntry>, Error> {
        if let Some(fault) = self.fault {
            return Err(fault.error);
        }
        for racer in mem::take(&mut self.waiting) {
            let (start, exact_from) = (racer.start(), racer.exact_from());
            let Some(from) = exact_from else { continue };
            self.set(start, SyncEntry::new(wide(start), from, None));
        }
        Ok(self.entries)
    }

    fn set(&mut self, start: usize, entry: SyncEntry) {
        if let Some(place) = self.entries.get_mut(start) {
            *place = entry;
        }
    }

    /// Keeps the error that would come first if everything was done in order. No more blocks
    /// are read behind one, but those before it go through to the end: there may be an earlier
    /// one in them.
    fn note<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        let fault = match result {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        let place = |fault: &Fault| (fault.packet, fault.start);
        if self.fault.as_ref().is_none_or(|before| place(&fault) < place(before)) {
            self.fault = Some(fault);
        }
        None
    }
}

/// For how many samples a racer runs that is not exact.
fn limit(layout: DecoderLayout) -> u64 {
    (LIMIT * STREAMS / u64::from(layout.streams.get())).clamp(LEAST_LIMIT, LIMIT)
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Blocks that are decoded at once, or gone through.
const MOST_BLOCKS: usize = 4;

/// A racer that is not exact is given up after 30 seconds. Where there are more than so many
/// streams it is sooner, so that the decoders of all racers do not take ever more memory, but
/// not so soon that no racer could be exact.
const LIMIT: u64 = 30 * 48_000;
const STREAMS: u64 = 16;
const LEAST_LIMIT: u64 = 3 * 48_000;
