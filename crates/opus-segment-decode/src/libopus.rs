use std::{fmt, sync::OnceLock};

use magnum_opus::{Channels, Decoder};
use opus_packet::{OpusHead, SAMPLE_RATE};

use crate::PacketDecoder;

/// A decoder over libopus.
///
/// It applies the output gain of the stream, as RFC 7845 section 5.1 asks of
/// every player; R128 gains in the tags are left to the caller.
#[derive(Debug)]
pub struct LibopusDecoder {
    decoder: Decoder,
    channels: usize,
}

/// Why there is no decoder, or it refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum LibopusError {
    #[error("libopus: {0}")]
    Libopus(magnum_opus::Error),
    #[error(
        "cannot decode mapping family {family} ({channels} channels in {streams} streams) yet, only family 0: mono and stereo"
    )]
    UnsupportedFamily { family: u8, channels: u8, streams: u8 },
}

/// A kind of sample that libopus decodes to: `i16`, which it limits softly and
/// rounds itself, or `f32`, in which full scale is -1 to 1.
pub trait Sample: sealed::Sealed + Copy + Default + fmt::Debug + Send + 'static {}

impl Sample for i16 {}
impl Sample for f32 {}

impl LibopusDecoder {
    /// A decoder for the streams that this head describes.
    pub fn new(head: &OpusHead) -> Result<Self, LibopusError> {
        let mapping = head.mapping();
        if mapping.family() != 0 {
            let (family, channels, streams) =
                (mapping.family(), mapping.channels(), mapping.streams().get());
            return Err(LibopusError::UnsupportedFamily { family, channels, streams });
        }
        let channels = if head.channels() == 1 { Channels::Mono } else { Channels::Stereo };
        let mut decoder = Decoder::new(SAMPLE_RATE, channels).map_err(LibopusError::Libopus)?;
        decoder.set_gain(i32::from(head.output_gain())).map_err(LibopusError::Libopus)?;
        Ok(Self { decoder, channels: usize::from(head.channels()) })
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

impl<S: Sample> PacketDecoder<S> for LibopusDecoder {
    type Error = LibopusError;

    fn channels(&self) -> usize {
        self.channels
    }

    fn reset(&mut self) -> Result<(), LibopusError> {
        self.decoder.reset_state().map_err(LibopusError::Libopus)
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [S]) -> Result<usize, LibopusError> {
        S::decode(&mut self.decoder, packet, pcm).map_err(LibopusError::Libopus)
    }
}

mod sealed {
    use magnum_opus::{Decoder, Error};

    pub trait Sealed: Sized {
        fn decode(decoder: &mut Decoder, packet: &[u8], pcm: &mut [Self]) -> Result<usize, Error>;
    }

    impl Sealed for i16 {
        fn decode(decoder: &mut Decoder, packet: &[u8], pcm: &mut [i16]) -> Result<usize, Error> {
            decoder.decode(packet, pcm, false)
        }
    }

    impl Sealed for f32 {
        fn decode(decoder: &mut Decoder, packet: &[u8], pcm: &mut [f32]) -> Result<usize, Error> {
            decoder.decode_float(packet, pcm, false)
        }
    }
}
