use std::{num::NonZeroU8, sync::OnceLock};

use magnum_opus::{Channels, Decoder};
use opus_packet::{OpusHead, SAMPLE_RATE};

use crate::{
    DecoderLayout, Error, OtherLibopus, Output, OutputRate, PacketDecoder, Sample,
    error::LibopusReason, limited::LimitedDecoder, mix::Mix, multistream::Multistream,
    other_libopus::is_fixed_point,
};

/// Decodes with libopus, for every channel mapping that [`OpusHead`] can hold: mono and
/// stereo, surround in Vorbis order (RFC 7845 section 5.1.1), ambisonics with or without a
/// demixing matrix (RFC 8486), and up to 255 discrete channels.
///
/// The decoder applies the output gain of the stream, as RFC 7845 section 5.1 requires of
/// players. R128 gains in the tags are left to the caller.
///
/// With a demixing matrix, `f32` samples are multiplied and added as `f32`, in the order of
/// the decoded channels. For `i16`, each stream is softly limited and rounded first, then each
/// product is rounded, as in the projection decoder of libopus. Sums beyond full scale are
/// clamped, where libopus wraps them around.
///
/// ```
/// use opus_segment_decode::{LibopusDecoder, OpusHead, Output, OutputRate, PacketDecoder};
///
/// let head = OpusHead::new(2, 312, 48_000)?;
/// let output = Output::default().rate(OutputRate::Hz16000);
/// let decoder = LibopusDecoder::with_output(&head, &output)?;
/// let layout = PacketDecoder::<f32>::layout(&decoder);
/// assert_eq!((layout.channels, layout.rate.hz()), (2, 16_000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LibopusDecoder {
    streams: Streams,
    layout: DecoderLayout,
}

#[derive(Debug)]
enum Streams {
    /// The output of one stream, unchanged. The samples are room for decoding.
    One(LimitedDecoder, Vec<f32>),
    Mixed(Box<Multistream>),
}

impl LibopusDecoder {
    /// Creates a decoder for the streams described by `head`, with all channels at 48 kHz.
    pub fn new(head: &OpusHead) -> Result<Self, Error> {
        Self::with_output(head, &Output::default())
    }

    /// Creates a decoder with the given output. It decodes at that rate; nothing is resampled.
    pub fn with_output(head: &OpusHead, output: &Output) -> Result<Self, Error> {
        Self::mixed_by(Mix::new(head.mapping(), &output.channels)?, head, output.rate)
    }

    /// Creates a decoder that returns the channels of the streams in stream order, before they
    /// are mixed or mapped, as [`build_sync_map`](crate::build_sync_map) needs them. Where this
    /// output is equal, the output of [`new`](Self::new) is equal too.
    pub fn unmixed(head: &OpusHead) -> Result<Self, Error> {
        Self::mixed_by(Mix::unmixed(head.mapping()), head, OutputRate::Hz48000)
    }

    fn mixed_by(mix: Mix, head: &OpusHead, rate: OutputRate) -> Result<Self, Error> {
        let (channels, mapping) = (mix.channels(), head.mapping());
        let is_direct = mapping.streams() == NonZeroU8::MIN && mix == Mix::unmixed(mapping);
        let streams = if is_direct {
            let kind = if channels == 1 { Channels::Mono } else { Channels::Stereo };
            Streams::One(new_decoder(kind, rate, head)?, Vec::new())
        } else {
            Streams::Mixed(Box::new(Multistream::new(head, rate, mix)?))
        };
        Ok(Self { streams, layout: DecoderLayout { channels, streams: mapping.streams(), rate } })
    }

    /// Whether the linked libopus computes in fixed point. Its rounding can keep a difference of
    /// CELT's band energies alive for as long as a sound lasts, so measured sync maps do not hold
    /// there.
    pub fn is_fixed_point() -> bool {
        is_fixed_point(magnum_opus::version())
    }

    /// Returns the libopus that this program links, if it is another than the one that this crate
    /// is built with.
    pub fn other_libopus() -> Option<OtherLibopus> {
        OtherLibopus::of(magnum_opus::version())
    }

    /// Identifies this decoder to the last bit: the name of the library and a fingerprint of
    /// its output for packets of every kind. Builds of libopus differ in the last bits of
    /// their output, and one build may differ between processors.
    pub fn identity() -> Result<&'static str, Error> {
        static IDENTITY: OnceLock<String> = OnceLock::new();
        if let Some(identity) = IDENTITY.get() {
            return Ok(identity);
        }
        let fingerprint = fingerprint().map_err(LibopusReason::Decode)?;
        let identity = format!("{}, fingerprint {fingerprint:016x}", magnum_opus::version());
        Ok(IDENTITY.get_or_init(|| identity))
    }
}

/// FNV-1a over the samples of packets of each configuration. Their bytes are pseudo-random,
/// which the decoder accepts: every byte sequence is valid coded audio.
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
) -> Result<LimitedDecoder, Error> {
    let mut decoder = Decoder::new(rate.hz(), channels).map_err(LibopusReason::New)?;
    // Both use dB in Q7.8.
    decoder.set_gain(head.output_gain().into()).map_err(LibopusReason::New)?;
    Ok(LimitedDecoder::new(decoder, channels))
}

impl<S: Sample> PacketDecoder<S> for LibopusDecoder {
    type Error = Error;

    fn layout(&self) -> DecoderLayout {
        self.layout
    }

    fn reset(&mut self) -> Result<(), Error> {
        match &mut self.streams {
            Streams::One(decoder, _) => Ok(decoder.reset().map_err(LibopusReason::Reset)?),
            Streams::Mixed(streams) => streams.reset(),
        }
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [S]) -> Result<usize, Error> {
        match &mut self.streams {
            Streams::One(decoder, raw) => {
                Ok(S::decode(decoder, packet, raw, pcm).map_err(LibopusReason::Decode)?)
            }
            Streams::Mixed(streams) => streams.decode(packet, pcm),
        }
    }

    fn hold(&mut self, is_held: bool) -> bool {
        let is_open = match &mut self.streams {
            Streams::One(decoder, _) => decoder.hold(is_held),
            Streams::Mixed(streams) => streams.hold(is_held),
        };
        S::IS_LIMITED && is_open
    }
}
