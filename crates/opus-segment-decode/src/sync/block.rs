use opus_packet::{CodedPos, Mode, Packet, PacketSource, Toc, shortest_frame};

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
    is_concealed: bool,
    /// Whether the sequential output of this packet, and of the previous one, had a peak.
    is_loud: bool,
    was_loud: bool,
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
    pub(super) is_concealed: bool,
    pub(super) is_loud: bool,
    pub(super) was_loud: bool,
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
            is_concealed: piece.is_concealed,
            is_loud: piece.is_loud,
            was_loud: piece.was_loud,
            pcm: self.pcm.get(pcm..piece.pcm_end).unwrap_or_default(),
        })
    }

    /// Sets the sequential output of the packet at a position in the block. Called in order.
    pub(super) fn set_output(&mut self, place: usize, pcm: &[f32], was_loud: bool, is_loud: bool) {
        self.pcm.extend_from_slice(pcm);
        if let Some(piece) = self.pieces.get_mut(place) {
            (piece.was_loud, piece.is_loud) = (was_loud, is_loud);
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

    /// Where the first packet begins in which the decoder conceals audio.
    pub(super) fn concealed(&self) -> Option<CodedPos> {
        self.packets().find(|packet| packet.is_concealed).map(|packet| packet.start())
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
    /// Whether the last packet of each Opus stream was CELT; `None` before the first.
    was_celt: Vec<Option<bool>>,
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
            was_celt: vec![None; layout.streams.get().into()],
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
            let is_concealed = is_concealed(packet.data, &mut self.was_celt, &mut self.stream);
            self.position += u64::from(packet.duration);
            block.bytes.extend_from_slice(packet.data);
            block.pieces.push(Piece {
                number: self.packets,
                duration: packet.duration,
                end: self.position,
                is_concealed,
                is_loud: false,
                was_loud: false,
                bytes_end: block.bytes.len(),
                pcm_end: 0,
            });
            self.packets += 1;
        }
        Ok(())
    }
}

/// Whether the decoder conceals audio in a packet: for a loss, or for a smooth transition
/// between modes.
fn is_concealed(packet: &[u8], was_celt: &mut [Option<bool>], stream: &mut Vec<u8>) -> bool {
    let (mut rest, mut is_concealed) = (packet, false);
    let streams = was_celt.len();
    for (number, was_celt) in was_celt.iter_mut().enumerate() {
        // A packet that cannot be split cannot be decoded.
        let Ok(packet) = next_stream(&mut rest, number + 1 == streams, stream) else {
            return true;
        };
        let is_celt = packet.first().is_some_and(|&toc| Toc::new(toc).mode() == Mode::Celt);
        let was_celt = was_celt.replace(is_celt);
        is_concealed |= was_celt.is_some_and(|was| was != is_celt)
            || !shortest_frame(packet).is_ok_and(|len| len > 1);
    }
    is_concealed
}

/// A second per block, or less with many channels, so that a block takes about 2 MB.
const SAMPLES: u64 = 48_000;
const SAMPLES_OF_ALL_CHANNELS: u64 = 480_000;
