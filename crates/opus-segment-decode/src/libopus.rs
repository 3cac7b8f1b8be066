use std::{num::NonZeroU8, sync::OnceLock};

use magnum_opus::{Channels, Decoder};
use opus_packet::{InvalidPacket, OpusHead, SAMPLE_RATE};

use crate::{
    DecoderLayout, Output, OutputRate, PacketDecoder, Sample, mix::Mix, multistream::Multistream,
};

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
    #[error("no channel asked for, expected at least one")]
    NoChannels,
    #[error("channel {channel} asked for of {count}, which are counted from 0")]
    NoSuchChannel { channel: u8, count: usize },
    #[error("the packet does not hold the streams that it should: {0}")]
    Split(#[from] InvalidPacket),
    #[error("room for {found} samples of all channels, expected at least {expected}")]
    NoRoom { found: usize, expected: usize },
    #[error("{found} samples in stream {stream}, expected {expected}")]
    StreamLength { stream: usize, found: usize, expected: usize },
}

impl LibopusDecoder {
    /// A decoder for the streams that this head describes, of all channels at 48 kHz.
    pub fn new(head: &OpusHead) -> Result<Self, LibopusError> {
        Self::with_output(head, &Output::default())
    }

    /// A decoder for the streams that this head describes.
    ///
    /// It decodes at the rate of the output: nothing is resampled.
    pub fn with_output(head: &OpusHead, output: &Output) -> Result<Self, LibopusError> {
        Self::mixed_by(Mix::new(head.mapping(), &output.channels)?, head, output.rate)
    }

    /// A decoder whose output are the channels of the streams, one after the other, before
    /// they are mixed or mapped: [`build_sync_map`](crate::build_sync_map) wants it. What
    /// is the same here is the same in what [`new`](Self::new) gives.
    pub fn unmixed(head: &OpusHead) -> Result<Self, LibopusError> {
        Self::mixed_by(Mix::unmixed(head.mapping()), head, OutputRate::Hz48000)
    }

    fn mixed_by(mix: Mix, head: &OpusHead, rate: OutputRate) -> Result<Self, LibopusError> {
        let (channels, mapping) = (mix.channels(), head.mapping());
        let is_direct = mapping.streams() == NonZeroU8::MIN && mix == Mix::unmixed(mapping);
        let streams = match is_direct {
            true if channels == 1 => Streams::One(new_decoder(Channels::Mono, rate, head)?),
            true => Streams::One(new_decoder(Channels::Stereo, rate, head)?),
            false => Streams::Mixed(Box::new(Multistream::new(head, rate, mix)?)),
        };
        Ok(Self { streams, layout: DecoderLayout { channels, streams: mapping.streams(), rate } })
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

pub(crate) fn new_decoder(
    channels: Channels,
    rate: OutputRate,
    head: &OpusHead,
) -> Result<Decoder, LibopusError> {
    let mut decoder = Decoder::new(rate.hz(), channels).map_err(LibopusError::Libopus)?;
    // In dB, Q7.8, both here and there.
    decoder.set_gain(head.output_gain().into()).map_err(LibopusError::Libopus)?;
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
