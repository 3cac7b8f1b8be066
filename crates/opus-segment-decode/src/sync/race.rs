use std::{collections::VecDeque, mem, num::NonZeroUsize, sync::Arc};

use opus_packet::{MAX_PACKET_DURATION, PacketSource};
use opus_packet_index::{SYNC_SPACING, SyncDecoder, SyncEntry};

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
    /// The packets before the first block, as far back as a racer may have to start again.
    past: VecDeque<Arc<Block>>,
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
    /// Whether a racer has passed its first boundary with equal output, or nothing more is to be
    /// done for that.
    is_passed: bool,
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
            past: VecDeque::new(),
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
            self.let_go(workers);
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
        let (block, open) = (Arc::new(block), Vec::new());
        self.blocks.push_back(Decoded { block, groups: 0, open, is_passed: false });
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
                workers.give(Job::Race { racers, replay: Vec::new(), decoded, block });
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
        for (mut racer, result) in racers {
            if let (Some(boundary), Some(found)) = (racer.passed(), self.block(block)) {
                let first = found.block.boundary().map(|packet| packet.start());
                found.is_passed |= first == Some(boundary);
            }
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
    fn let_go(&mut self, workers: &mut Workers<D>) {
        while self.blocks.front().is_some_and(|decoded| decoded.groups == 0) {
            if self.start_again(workers) {
                return;
            }
            let Some(decoded) = self.blocks.pop_front() else { return };
            self.first += 1;
            if let Some(until) = decoded.block.boundary().map(|packet| packet.start()) {
                for start in mem::take(&mut self.open) {
                    let Some(entry) = self.entries.get_mut(start) else { continue };
                    *entry = entry.ending(wide(start), until);
                }
            }
            self.open.extend(decoded.open);
            self.keep(decoded.block);
        }
    }

    /// Keeps the packets of a block for racers that start again.
    fn keep(&mut self, block: Arc<Block>) {
        self.past.extend(Arc::into_inner(block).map(Block::without_output).map(Arc::new));
        let end = self.past.back().and_then(|block| block.packets().last()).map_or(0, |it| it.end);
        let is_old = |block: &Arc<Block>| {
            block.packets().last().is_none_or(|packet| packet.end + 2 * AGAIN[0] < end)
        };
        while self.past.front().is_some_and(is_old) {
            let old = self.past.pop_front();
            self.spare.extend(old.and_then(Arc::into_inner).map(Block::cleared));
        }
    }

    /// Makes settled racers run again if all racers fail at the first boundary of the first block:
    /// those that still run began too short a time before it. Returns whether there are any.
    fn start_again(&mut self, workers: &mut Workers<D>) -> bool {
        let Some(first) = self.blocks.front_mut().filter(|first| !first.is_passed) else {
            return false;
        };
        first.is_passed = true;
        let decoded = first.block.clone();
        let Some(boundary) = decoded.boundary() else { return false };
        let mut starts: Vec<usize> =
            AGAIN.iter().filter_map(|&apart| self.settled_before(&boundary, apart)).collect();
        starts.dedup();
        let racers: Vec<_> =
            starts.into_iter().filter_map(|start| self.racer_again(start, &boundary)).collect();
        if racers.is_empty() {
            return false;
        }
        if let Some(first) = self.blocks.front_mut() {
            first.groups += 1;
        }
        let replay = self.past.iter().cloned().collect();
        workers.give(Job::Race { racers, replay, decoded, block: self.first });
        true
    }

    /// The last start at least this far before a boundary that is settled and can be equal beyond it.
    fn settled_before(&self, boundary: &BlockPacket<'_>, apart: u64) -> Option<usize> {
        let position = boundary.start().get();
        let latest = position.checked_sub(apart)?.min(boundary.memory.made_up_from);
        let settled = |start| {
            let entry = self.entries.get(start).copied().unwrap_or(SyncEntry::NONE);
            entry.exact_for(SyncDecoder::Any, wide(start)).start.get().saturating_add(CALM)
        };
        let fits = |start: &usize| {
            let begin = wide(*start) * SYNC_SPACING;
            (position - 2 * apart.min(position / 2)..=latest).contains(&begin)
                && settled(*start) <= position
        };
        self.open.iter().copied().filter(fits).max()
    }

    /// A racer for a start whose racer no longer runs.
    fn racer_again(&mut self, start: usize, boundary: &BlockPacket<'_>) -> Option<Racer<D>> {
        let position = wide(start) * SYNC_SPACING;
        let entry = *self.entries.get(start)?;
        let exact = entry.exact(wide(start));
        let decoder = self.rested.pop().map_or_else(&mut self.make, Ok);
        let failure = |error| Failure { packet: boundary.number, start, error };
        let decoder = self.note(decoder.map_err(failure))?;
        let past = self.past.iter().flat_map(|block| block.packets());
        let first = past.into_iter().find(|packet| packet.end > position)?;
        let racer = Racer::new(decoder, start, &first, position + limit(self.layout));
        self.open.retain(|&open| open != start);
        self.set(start, entry.ending(wide(start), boundary.start()));
        Some(racer.again(exact.start, boundary.start()))
    }

    /// Racers that are exact now are exact up to the end of the recording.
    fn finish(mut self) -> Result<Vec<SyncEntry>, Error> {
        if let Some(failure) = self.failure {
            return Err(failure.error);
        }
        for racer in mem::take(&mut self.waiting) {
            let start = racer.start();
            let Some((from, until)) = racer.measured() else { continue };
            self.set(start, SyncEntry::new(wide(start), from, until));
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

/// How far before a boundary racers start again: 8 and 3 seconds. What CELT remembers only to make up
/// audio, mostly the loudness of the background, takes up to 6 seconds to become equal.
const AGAIN: [u64; 2] = [8 * 48_000, 3 * 48_000];
/// Racers that settled later than this before a boundary may belong to its block.
const CALM: u64 = 2 * 48_000;

/// A racer that is not exact is given up after 30 seconds. With more than `STREAMS` streams this
/// is shortened to bound the memory of all racers, but not so far that no racer could become
/// exact.
const LIMIT: u64 = 30 * 48_000;
const STREAMS: u64 = 16;
const LEAST_LIMIT: u64 = 3 * 48_000;
