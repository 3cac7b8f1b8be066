use std::{collections::VecDeque, mem, num::NonZeroUsize, sync::Arc};

use opus_packet::{MAX_PACKET_DURATION, PacketSource};
use opus_packet_index::{SYNC_SPACING, SyncEntry};

use super::{
    block::{Block, BlockPacket, Blocks},
    racer::{Done, Failure, Job, Outcome, Raced, Racer, Sequential},
    workers::Workers,
};
use crate::{DecoderLayout, Error, PacketDecoder};

/// The sequential decoder of all packets, and the racers that run beside it.
///
/// Packets pass in blocks. With one thread blocks are short, which is faster there. The
/// sequential decoder is at least one block ahead. Racers pass through a block in groups, once
/// it is decoded and they are through the previous one.
pub(super) struct Race<P, M, D> {
    source: Blocks<P>,
    make: M,
    layout: DecoderLayout,
    threads: NonZeroUsize,
    /// The sequential decoder while it is idle.
    sequential: Option<Sequential<D>>,
    /// Decoded blocks that racers still need; `first` is the number of the first of them.
    blocks: VecDeque<Decoded>,
    first: u64,
    /// Racers waiting for the next block.
    waiting: Vec<Racer<D>>,
    rested: Vec<D>,
    spare: Vec<Block>,
    entries: Vec<SyncEntry>,
    /// Entries that are exact without a known end so far.
    open: Vec<usize>,
    is_at_end: bool,
    failure: Option<Failure>,
}

/// A block that the sequential decoder has decoded.
struct Decoded {
    block: Arc<Block>,
    /// Number of groups of racers working on it.
    groups: usize,
    /// Entries that are exact at least up to its end.
    open: Vec<usize>,
}

impl<P, M, D> Race<P, M, D>
where
    P: PacketSource,
    M: FnMut() -> Result<D, Error>,
    D: PacketDecoder<f32> + Send,
{
    pub(super) fn new(source: P, threads: NonZeroUsize, mut make: M) -> Result<Self, Error> {
        let decoder = make()?;
        let layout = decoder.layout();
        // More threads would idle: no more decoders run at the same time.
        let decoders = usize::try_from(limit(layout) / SYNC_SPACING).unwrap_or(usize::MAX);
        let threads = threads.min(NonZeroUsize::MIN.saturating_add(decoders));
        Ok(Self {
            source: Blocks::new(source, layout, threads == NonZeroUsize::MIN),
            make,
            layout,
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
            failure: None,
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

    /// Gives the next block to the sequential decoder if it is idle and not too far ahead.
    fn read(&mut self, workers: &mut Workers<D>) {
        if self.is_at_end || self.failure.is_some() || self.blocks.len() >= MOST_BLOCKS {
            return;
        }
        let Some(sequential) = self.sequential.take() else { return };
        let mut block = self.spare.pop().unwrap_or_default();
        let result = self.source.read(&mut block);
        let packet = self.source.packets();
        self.note(result.map_err(|error| Failure { packet, start: 0, error }));
        let result = self.start_racers(&mut block);
        self.note(result);
        self.is_at_end = block.is_empty();
        if !self.is_at_end {
            workers.give(Job::Decode { sequential, block });
        }
    }

    /// Creates racers for the starts in the block. Where one cannot be created, the block ends.
    fn start_racers(&mut self, block: &mut Block) -> Result<(), Failure> {
        let mut place = 0;
        while let Some(packet) = block.packet(place) {
            let (start, first) = (self.entries.len(), packet.number);
            // Packets are shorter than the distance of starts, so each holds one start at most.
            if wide(start) * SYNC_SPACING < packet.end {
                if let Err(error) = self.start_racer(start, &packet) {
                    block.truncate(place);
                    return Err(Failure { packet: first, start, error });
                }
                self.entries.push(SyncEntry::NONE);
            }
            place += 1;
        }
        Ok(())
    }

    fn start_racer(&mut self, start: usize, first: &BlockPacket<'_>) -> Result<(), Error> {
        let decoder = self.rested.pop().map_or_else(&mut self.make, Ok)?;
        let deadline = wide(start) * SYNC_SPACING + limit(self.layout);
        self.waiting.push(Racer::new(decoder, start, first, deadline));
        Ok(())
    }

    /// Sends the waiting racers through the block, divided among the threads.
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

    /// Sends racers through a block now, or once it is decoded.
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

    /// Takes racers back that have passed through a block.
    fn raced(&mut self, racers: Vec<Raced<D>>, block: u64, workers: &mut Workers<D>) {
        let mut running = Vec::new();
        for (racer, result) in racers {
            match self.note(result).unwrap_or(Outcome::GivenUp) {
                Outcome::Running => {
                    running.push(racer);
                    continue;
                }
                Outcome::GivenUp => {}
                Outcome::Exact { from, settled, until } => {
                    let mut entry = SyncEntry::new(wide(racer.start()), from, until);
                    if let Some(settled) = settled {
                        entry = entry.settled(wide(racer.start()), settled);
                    }
                    self.exact(racer.start(), block, entry, until.is_none());
                }
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

    fn exact(&mut self, start: usize, block: u64, entry: SyncEntry, is_open: bool) {
        self.set(start, entry);
        if let (true, Some(found)) = (is_open, self.block(block)) {
            found.open.push(start);
        }
    }

    /// Drops blocks that all racers have passed. Starts whose racers no longer run are unknown
    /// from a boundary on, so their entries end there.
    fn let_go(&mut self) {
        while self.blocks.front().is_some_and(|decoded| decoded.groups == 0) {
            let Some(decoded) = self.blocks.pop_front() else { return };
            self.first += 1;
            if let Some(until) = decoded.block.boundary() {
                for start in mem::take(&mut self.open) {
                    let Some(entry) = self.entries.get_mut(start) else { continue };
                    *entry = entry.ending(wide(start), until);
                }
            }
            self.open.extend(decoded.open);
            self.spare.extend(Arc::into_inner(decoded.block).map(Block::cleared));
        }
    }

    /// Racers that are exact now are exact up to the end of the recording.
    fn finish(mut self) -> Result<Vec<SyncEntry>, Error> {
        if let Some(failure) = self.failure {
            return Err(failure.error);
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

    /// Keeps the error that would come first if everything ran in order. No further blocks are
    /// read after an error, but earlier blocks are finished because they may hold an earlier one.
    fn note<T>(&mut self, result: Result<T, Failure>) -> Option<T> {
        let failure = match result {
            Ok(value) => return Some(value),
            Err(failure) => failure,
        };
        let place = |failure: &Failure| (failure.packet, failure.start);
        if self.failure.as_ref().is_none_or(|before| place(&failure) < place(before)) {
            self.failure = Some(failure);
        }
        None
    }
}

/// How many samples a racer runs before it is given up.
fn limit(layout: DecoderLayout) -> u64 {
    (LIMIT * STREAMS / u64::from(layout.streams.get())).clamp(LEAST_LIMIT, LIMIT)
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The most blocks in memory at the same time.
const MOST_BLOCKS: usize = 4;

/// A racer that is not exact is given up after 30 seconds. With more than `STREAMS` streams this
/// is shortened to bound the memory of all racers, but not so far that no racer could become
/// exact.
const LIMIT: u64 = 30 * 48_000;
const STREAMS: u64 = 16;
const LEAST_LIMIT: u64 = 3 * 48_000;
