use std::{mem, ops::Range, sync::Arc};

use opus_packet::{CodedPos, Packet};

use super::block::{Block, BlockPacket};
use crate::{BoxError, Error, PacketDecoder, error::Reason};

/// A job for an idle worker.
pub(super) enum Job<D> {
    Decode {
        sequential: Sequential<D>,
        block: Block,
    },
    /// Racers that were settled first replay the blocks before it, without comparing.
    Race {
        racers: Vec<Racer<D>>,
        replay: Vec<Arc<Block>>,
        decoded: Arc<Block>,
        block: u64,
    },
}

/// The result of a job.
pub(super) enum Done<D> {
    Decoded { sequential: Sequential<D>, block: Block, result: Result<(), Failure> },
    Raced { racers: Vec<Raced<D>>, block: u64 },
}

/// A racer that has passed through a block.
pub(super) type Raced<D> = (Racer<D>, Result<Outcome, Failure>);

/// An error with the packet and the start it belongs to.
pub(super) struct Failure {
    pub(super) packet: u64,
    pub(super) start: usize,
    pub(super) error: Error,
}

/// The decoder of all packets, which is the one of start 0.
pub(super) struct Sequential<D> {
    decoder: D,
}

/// A decoder that began at the start with number `start`.
pub(super) struct Racer<D> {
    decoder: D,
    start: usize,
    /// The coded sample at which it is given up if not exact.
    deadline: u64,
    /// The packet it begins with, and where that begins.
    first: u64,
    begin: u64,
    /// Where its output began to equal the sequential output.
    exact_from: Option<CodedPos>,
    /// The longest earlier run of equal output.
    longest: Range<CodedPos>,
    /// The first boundary in this block that it passed with equal output.
    passed: Option<CodedPos>,
    /// The boundary for which it runs again although it was settled.
    again_for: Option<CodedPos>,
}

/// What becomes of a racer in a block.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Running,
    /// Exact from `from` on, and for any decoder from `settled` on. `until` is the first boundary
    /// of the block after that, if any; the racer is unknown from there on.
    Exact {
        from: CodedPos,
        settled: Option<CodedPos>,
        until: Option<CodedPos>,
    },
    GivenUp,
}

impl<D: PacketDecoder<f32>> Job<D> {
    /// Runs the job. `room` holds the output of the longest packet. Releases the block of a
    /// race before it returns.
    pub(super) fn run(self, room: &mut [f32]) -> Done<D> {
        match self {
            Self::Decode { mut sequential, mut block } => {
                let result = sequential.run(&mut block, room);
                Done::Decoded { sequential, block, result }
            }
            Self::Race { racers, replay, decoded, block } => {
                Done::Raced { racers: race(racers, &replay, &decoded, room), block }
            }
        }
    }
}

impl<D: PacketDecoder<f32>> Sequential<D> {
    pub(super) fn new(decoder: D) -> Self {
        Self { decoder }
    }

    /// Decodes a block. Cuts off a packet that cannot be decoded and all after it.
    fn run(&mut self, block: &mut Block, room: &mut [f32]) -> Result<(), Failure> {
        let mut place = 0;
        while let Some(packet) = block.packet(place) {
            let pcm = match decode(&mut self.decoder, packet.number, packet.packet, room) {
                Ok(pcm) => pcm,
                Err(error) => {
                    let packet = packet.number;
                    block.truncate(place);
                    return Err(Failure { packet, start: 0, error });
                }
            };
            block.set_output(place, pcm);
            place += 1;
        }
        Ok(())
    }
}

impl<D: PacketDecoder<f32>> Racer<D> {
    /// Creates a racer that begins with packet `first`, which holds start number `start`.
    pub(super) fn new(decoder: D, start: usize, first: &BlockPacket<'_>, deadline: u64) -> Self {
        let (first, begin) = (first.number, first.start().get());
        let (longest, passed, again_for) = (Range::default(), None, None);
        Self {
            decoder,
            start,
            deadline,
            first,
            begin,
            exact_from: None,
            longest,
            passed,
            again_for,
        }
    }

    /// Makes it run again for a boundary, up to which it is exact from `exact_from` on.
    pub(super) fn again(self, exact_from: CodedPos, boundary: CodedPos) -> Self {
        Self { exact_from: Some(exact_from), again_for: Some(boundary), ..self }
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// What was measured when packets end, or it is given up: the run of equal output that goes on,
    /// or else the longest one.
    pub(super) fn measured(&self) -> Option<(CodedPos, Option<CodedPos>)> {
        let earlier =
            || (!self.longest.is_empty()).then_some((self.longest.start, Some(self.longest.end)));
        self.exact_from.map(|from| (from, None)).or_else(earlier)
    }

    /// Takes note of the boundary that it has passed, if any.
    pub(super) fn passed(&mut self) -> Option<CodedPos> {
        self.passed.take()
    }

    pub(super) fn into_decoder(self) -> D {
        self.decoder
    }

    /// Passes through a packet, unless it lies before the start.
    fn run(&mut self, packet: &BlockPacket<'_>, room: &mut [f32]) -> Result<Outcome, Failure> {
        if packet.number < self.first {
            return Ok(Outcome::Running);
        }
        let is_equal = are_the_same(self.decode(packet, room)?, packet.pcm);
        let start = packet.start();
        if !is_equal {
            return Ok(self.differ(start));
        }
        let from = *self.exact_from.get_or_insert(start);
        if packet.memory.is_boundary && from < start {
            self.passed.get_or_insert(start);
        }
        let is_tested = self.again_for.is_none_or(|boundary| boundary <= start);
        Ok(if is_tested && packet.memory.is_settled(self.begin, from.get()) {
            let is_for_any = packet.memory.is_settled_for_any(self.begin, from.get());
            let settled = is_for_any.then(|| CodedPos::new(packet.end));
            Outcome::Exact { from, settled, until: None }
        } else if packet.end > self.deadline {
            self.end_run(CodedPos::new(packet.end));
            self.given_up()
        } else {
            Outcome::Running
        })
    }

    /// Output differs from here on.
    fn differ(&mut self, start: CodedPos) -> Outcome {
        self.end_run(start);
        if self.again_for.is_some() || start.get() >= self.deadline {
            self.given_up()
        } else {
            Outcome::Running
        }
    }

    fn end_run(&mut self, end: CodedPos) {
        let Some(from) = self.exact_from.take() else { return };
        let length = |run: &Range<CodedPos>| run.end.get() - run.start.get();
        if length(&(from..end)) > length(&self.longest) {
            self.longest = from..end;
        }
    }

    /// Output that was equal is exact even if it is unknown what follows.
    fn given_up(&mut self) -> Outcome {
        let Range { start, end } = mem::take(&mut self.longest);
        // Before the boundary for which it ran again, more is known.
        let is_new = self.again_for.is_none_or(|boundary| boundary < end);
        if is_new && start < end {
            Outcome::Exact { from: start, settled: None, until: Some(end) }
        } else {
            Outcome::GivenUp
        }
    }

    fn decode<'a>(
        &mut self,
        packet: &BlockPacket<'_>,
        room: &'a mut [f32],
    ) -> Result<&'a [f32], Failure> {
        let (number, start) = (packet.number, self.start);
        let failure = |error| Failure { packet: number, start, error };
        if number == self.first {
            self.decoder.reset().map_err(decode_error(number)).map_err(failure)?;
        }
        decode(&mut self.decoder, number, packet.packet, room).map_err(failure)
    }

    fn replay(&mut self, blocks: &[Arc<Block>], room: &mut [f32]) -> Result<(), Failure> {
        let first = self.first;
        let packets = blocks.iter().flat_map(|block| block.packets());
        for packet in packets.filter(|packet| packet.number >= first) {
            self.decode(&packet, room)?;
        }
        Ok(())
    }
}

/// Sends racers through a block together, packet by packet: a decoder is faster with a packet
/// that another has just decoded. With blocks of one packet, a map of CELT took a sixth less
/// processor time than with each racer on its own in blocks of a second.
fn race<D: PacketDecoder<f32>>(
    racers: Vec<Racer<D>>,
    replay: &[Arc<Block>],
    block: &Block,
    room: &mut [f32],
) -> Vec<Raced<D>> {
    let mut replayed = |mut racer: Racer<D>| {
        let result = racer.replay(replay, room).map(|()| Outcome::Running);
        (racer, result)
    };
    let mut racers: Vec<_> = racers.into_iter().map(&mut replayed).collect();
    for packet in block.packets() {
        for (racer, result) in &mut racers {
            match result {
                Ok(Outcome::Running) => *result = racer.run(&packet, room),
                Ok(Outcome::Exact { until, .. }) if packet.memory.is_boundary => {
                    until.get_or_insert(packet.start());
                }
                _ => {}
            }
        }
    }
    racers
}

/// Decodes packet `number` into `room` and returns its samples.
pub(super) fn decode<'a, D: PacketDecoder<f32>>(
    decoder: &mut D,
    number: u64,
    packet: Packet<'_>,
    room: &'a mut [f32],
) -> Result<&'a [f32], Error> {
    let decoded = decoder.decode(packet.data, room).map_err(decode_error(number))?;
    let expected = packet.duration;
    if u32::try_from(decoded) != Ok(expected) {
        return Err(Reason::DecodedLength { packet: number, decoded, expected }.into());
    }
    Ok(room.get(..decoded * decoder.layout().channels).unwrap_or_default())
}

fn decode_error<E: Into<BoxError>>(packet: u64) -> impl Fn(E) -> Error {
    move |error| Reason::Decode { packet, source: error.into() }.into()
}

/// Compares bit for bit, in pieces that compile to vector instructions.
pub(super) fn are_the_same(ours: &[f32], theirs: &[f32]) -> bool {
    let differ = |bits, (one, other): (&f32, &f32)| bits | (one.to_bits() ^ other.to_bits());
    let mut pieces = ours.chunks(PIECE).zip(theirs.chunks(PIECE));
    ours.len() == theirs.len()
        && pieces.all(|(ours, theirs)| ours.iter().zip(theirs).fold(0, differ) == 0)
}

const PIECE: usize = 64;
