use opus_packet::{CodedPos, Packet, PacketSource};

use super::memory::{Memory, StreamMemory};
use crate::{DecoderLayout, Error, error::Reason, streams::next_stream};

/// About a second of packets at most, and the output of the sequential decoder for them.
#[derive(Default)]
pub(super) struct Block {
    pieces: Vec<Piece>,
    bytes: Vec<u8>,
    pcm: Vec<f32>,
}

/// A packet in its block, and its output once decoded.
struct Piece {
    /// The number in the recording.
    number: u64,
    duration: u32,
    /// The coded sample after its last one.
    end: u64,
    memory: Memory,
    /// Where it ends in the bytes and in the output of the block.
    bytes_end: usize,
    pcm_end: usize,
}

/// A packet of a block.
#[derive(Clone, Copy)]
pub(super) struct BlockPacket<'a> {
    pub(super) number: u64,
    pub(super) packet: Packet<'a>,
    pub(super) end: u64,
    /// What is known about the memory of decoders after it.
    pub(super) memory: Memory,
    /// The sequential output; empty until decoded.
    pub(super) pcm: &'a [f32],
}

impl Block {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn packets(&self) -> impl Iterator<Item = BlockPacket<'_>> {
        (0..self.pieces.len()).filter_map(|place| self.packet(place))
    }

    /// The packet at a position in the block.
    pub(super) fn packet(&self, place: usize) -> Option<BlockPacket<'_>> {
        let piece = self.pieces.get(place)?;
        let before = place.checked_sub(1).and_then(|before| self.pieces.get(before));
        let (bytes, pcm) = before.map_or((0, 0), |before| (before.bytes_end, before.pcm_end));
        let data = self.bytes.get(bytes..piece.bytes_end).unwrap_or_default();
        Some(BlockPacket {
            number: piece.number,
            packet: Packet { data, duration: piece.duration },
            end: piece.end,
            memory: piece.memory,
            pcm: self.pcm.get(pcm..piece.pcm_end).unwrap_or_default(),
        })
    }

    /// Sets the sequential output of the packet at a position in the block. Called in order.
    pub(super) fn set_output(&mut self, place: usize, pcm: &[f32]) {
        self.pcm.extend_from_slice(pcm);
        if let Some(piece) = self.pieces.get_mut(place) {
            piece.pcm_end = self.pcm.len();
        }
    }

    /// Drops all but the first `packets` packets.
    pub(super) fn truncate(&mut self, packets: usize) {
        self.pieces.truncate(packets);
    }

    /// Clears the block but keeps its memory.
    pub(super) fn cleared(mut self) -> Self {
        self.pieces.clear();
        self.bytes.clear();
        self.pcm.clear();
        self
    }

    /// The first packet in and after which earlier starts cannot be trusted.
    pub(super) fn boundary(&self) -> Option<BlockPacket<'_>> {
        self.packets().find(|packet| packet.memory.is_boundary)
    }

    /// Drops the sequential output.
    pub(super) fn without_output(mut self) -> Self {
        self.pcm = Vec::new();
        self
    }
}

impl BlockPacket<'_> {
    /// The first coded sample.
    pub(super) fn start(&self) -> CodedPos {
        CodedPos::new(self.end - u64::from(self.packet.duration))
    }
}

/// Reads the packets of a source block by block.
pub(super) struct Blocks<P> {
    source: P,
    /// Samples per block.
    samples: u64,
    packets: u64,
    position: u64,
    memories: Vec<StreamMemory>,
    /// Buffer for the packet of one stream.
    stream: Vec<u8>,
}

impl<P: PacketSource> Blocks<P> {
    /// Reads blocks of one packet if `short` is set.
    pub(super) fn new(source: P, layout: DecoderLayout, short: bool) -> Self {
        let channels = u64::try_from(layout.channels).unwrap_or(u64::MAX).max(1);
        Self {
            source,
            samples: if short { 1 } else { SAMPLES.min(SAMPLES_OF_ALL_CHANNELS / channels) },
            packets: 0,
            position: 0,
            memories: vec![StreamMemory::default(); layout.streams.get().into()],
            stream: Vec::new(),
        }
    }

    pub(super) fn packets(&self) -> u64 {
        self.packets
    }

    /// Fills an empty block, or leaves it empty at the end. On error it holds the packets before
    /// the error.
    pub(super) fn read(&mut self, block: &mut Block) -> Result<(), Error> {
        let start = self.position;
        while self.position - start < self.samples.max(1) {
            let error = |source| Reason::SourceRead { packet: self.packets, source };
            let packet = self.source.next_packet().map_err(|source| error(source.into()))?;
            let Some(packet) = packet else { break };
            let memory = pass(packet.data, self.position, &mut self.memories, &mut self.stream);
            self.position += u64::from(packet.duration);
            block.bytes.extend_from_slice(packet.data);
            block.pieces.push(Piece {
                number: self.packets,
                duration: packet.duration,
                end: self.position,
                memory,
                bytes_end: block.bytes.len(),
                pcm_end: 0,
            });
            self.packets += 1;
        }
        Ok(())
    }
}

/// Passes a packet that begins at coded sample `start` through all streams.
pub(super) fn pass(
    packet: &[u8],
    start: u64,
    memories: &mut [StreamMemory],
    stream: &mut Vec<u8>,
) -> Memory {
    let (mut rest, mut all) = (packet, Memory::OF_NO_STREAM);
    let streams = memories.len();
    for (number, memory) in memories.iter_mut().enumerate() {
        let split = next_stream(&mut rest, number + 1 == streams, stream);
        // A packet that cannot be split cannot be decoded, which is an error later.
        let passed = split.ok().and_then(|packet| memory.pass(packet, start).ok());
        all = all.and(passed.unwrap_or(Memory::UNKNOWN));
    }
    all
}

/// A second per block, or less with many channels, so that a block takes about 2 MB.
const SAMPLES: u64 = 48_000;
const SAMPLES_OF_ALL_CHANNELS: u64 = 480_000;
