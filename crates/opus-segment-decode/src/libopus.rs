use std::{num::NonZeroU8, sync::OnceLock};

use magnum_opus::{Channels, Decoder};
use opus_packet::{ChannelMapping, InvalidPacket, MappingTable, OpusHead, SAMPLE_RATE};

use crate::{DecoderLayout, PacketDecoder, Sample, multistream::Multistream};

/// A decoder over libopus, for every channel mapping that [`OpusHead`] can hold: mono and
/// stereo, surround in the order of Vorbis (RFC 7845 section 5.1.1), ambisonics with or
/// without a demixing matrix (RFC 8486), and up to 255 discrete channels.
///
/// It applies the output gain of the stream, as RFC 7845 section 5.1 asks of
/// every player; R128 gains in the tags are left to the caller.
///
/// With a demixing matrix, `f32` samples are multiplied and added as `f32`, in the order of
/// the decoded channels. For `i16`, as in the projection decoder of libopus, each stream is
/// limited softly and rounded first, then each product is rounded; a sum beyond full scale
/// is clamped, where libopus wraps it around.
#[derive(Debug)]
pub struct LibopusDecoder {
    streams: Streams,
    layout: DecoderLayout,
}

#[derive(Debug)]
enum Streams {
    /// Whose output is that of its decoder.
    One(Decoder),
    Mixed(Box<Multistream>),
}

/// Why there is no decoder, or it refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum LibopusError {
    #[error("libopus: {0}")]
    Libopus(magnum_opus::Error),
    #[error("cannot decode mapping family {family}")]
    UnsupportedFamily { family: u8 },
    #[error("the packet does not hold the streams that it should: {0}")]
    Split(#[from] InvalidPacket),
    #[error("room for {found} samples of all channels, expected at least {expected}")]
    NoRoom { found: usize, expected: usize },
    #[error("{found} samples in stream {stream}, expected {expected}")]
    StreamLength { stream: usize, found: usize, expected: usize },
}

impl LibopusDecoder {
    /// A decoder for the streams that this head describes.
    pub fn new(head: &OpusHead) -> Result<Self, LibopusError> {
        let (mapping, gain) = (head.mapping(), head.output_gain());
        let streams = match is_direct(mapping) {
            true if mapping.coupled() == 0 => Streams::One(new_decoder(Channels::Mono, gain)?),
            true => Streams::One(new_decoder(Channels::Stereo, gain)?),
            false => Streams::Mixed(Box::new(Multistream::new(mapping, gain)?)),
        };
        let channels = usize::from(mapping.channels());
        Ok(Self { streams, layout: DecoderLayout { channels, streams: mapping.streams() } })
    }

    /// A decoder whose output are the channels of the streams, one after the other, before
    /// they are mixed or mapped: [`build_sync_map`](crate::build_sync_map) wants it. What
    /// is the same here is the same in what [`new`](Self::new) gives.
    pub fn unmixed(head: &OpusHead) -> Result<Self, LibopusError> {
        let (mapping, gain) = (head.mapping(), head.output_gain());
        if is_direct(mapping) {
            return Self::new(head);
        }
        let unmixed = Multistream::unmixed(mapping, gain)?;
        let layout = DecoderLayout { channels: unmixed.channels(), streams: mapping.streams() };
        Ok(Self { streams: Streams::Mixed(Box::new(unmixed)), layout })
    }

    /// Which decoder it is, to the last bit: the name of the library, and a fingerprint of
    /// what it makes of packets of every kind. Builds of libopus differ in the last bits
    /// of what they decode, and one build may on different processors.
    pub fn identity() -> Result<&'static str, LibopusError> {
        static IDENTITY: OnceLock<String> = OnceLock::new();
        if let Some(identity) = IDENTITY.get() {
            return Ok(identity);
        }
        let fingerprint = fingerprint().map_err(LibopusError::Libopus)?;
        let identity = format!("{}, fingerprint {fingerprint:016x}", magnum_opus::version());
        Ok(IDENTITY.get_or_init(|| identity))
    }
}

/// FNV-1a of the samples of some packets of each configuration, whose bytes look random:
/// to the decoder all bytes mean something.
fn fingerprint() -> Result<u64, magnum_opus::Error> {
    let mut decoder = Decoder::new(SAMPLE_RATE, Channels::Stereo)?;
    let (mut hash, mut random) = (0xcbf2_9ce4_8422_2325u64, 1u64);
    let mut pcm = [0f32; 2 * 2880];
    for toc in (0..=u8::MAX).step_by(4) {
        for _ in 0..PACKETS_EACH {
            let mut packet = [toc; 73];
            for byte in packet.iter_mut().skip(1) {
                random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                [*byte, ..] = random.to_be_bytes();
            }
            let samples = decoder.decode_float(&packet, &mut pcm, false)?;
            for sample in pcm.iter().take(2 * samples) {
                hash = (hash ^ u64::from(sample.to_bits())).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    Ok(hash)
}

const PACKETS_EACH: usize = 3;

/// Whether the output is that of one decoder as it is.
fn is_direct(mapping: &ChannelMapping) -> bool {
    let is_in_order = match mapping.table() {
        MappingTable::Indices(table) => table.iter().copied().eq(0..=mapping.coupled()),
        _ => false,
    };
    mapping.streams() == NonZeroU8::MIN && is_in_order
}

/// `gain` is in dB, Q7.8.
pub(crate) fn new_decoder(channels: Channels, gain: i16) -> Result<Decoder, LibopusError> {
    let mut decoder = Decoder::new(SAMPLE_RATE, channels).map_err(LibopusError::Libopus)?;
    decoder.set_gain(i32::from(gain)).map_err(LibopusError::Libopus)?;
    Ok(decoder)
}

impl<S: Sample> PacketDecoder<S> for LibopusDecoder {
    type Error = LibopusError;

    fn layout(&self) -> DecoderLayout {
        self.layout
    }

    fn reset(&mut self) -> Result<(), LibopusError> {
        match &mut self.streams {
            Streams::One(decoder) => decoder.reset_state().map_err(LibopusError::Libopus),
            Streams::Mixed(streams) => streams.reset(),
        }
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [S]) -> Result<usize, LibopusError> {
        match &mut self.streams {
            Streams::One(decoder) => S::decode(decoder, packet, pcm).map_err(LibopusError::Libopus),
            Streams::Mixed(streams) => streams.decode(packet, pcm),
        }
    }
}
