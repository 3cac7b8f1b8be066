use std::fmt;

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

    /// Which libopus it is, on which kind of machine: another may decode the same packet
    /// to samples that differ in the last bit.
    pub fn version() -> String {
        format!("{}, {}", magnum_opus::version(), std::env::consts::ARCH)
    }
}

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
