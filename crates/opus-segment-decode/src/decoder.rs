use std::{error::Error, num::NonZeroU8};

use crate::OutputRate;

/// Turns Opus packets into samples of type `S`.
///
/// Generic over the sample because a codec's 16-bit output is not its rounded
/// float output: libopus limits peaks softly before it rounds.
///
/// Contract for implementers:
///
/// - Samples are interleaved by channel, at the rate and of the channels that the layout
///   names; of a packet as many as its duration is long at that rate.
/// - Packets are given in their order; the decoder remembers what it needs of
///   earlier ones. `reset` makes it forget: after it, the output is that of a
///   new decoder.
/// - `decode` fails, and does not write beyond `pcm`, if `pcm` is too short.
pub trait PacketDecoder<S> {
    /// Why a packet could not be decoded.
    type Error: Error + Send + Sync + 'static;

    /// What the decoder takes and gives: always the same.
    fn layout(&self) -> DecoderLayout;

    /// Forgets all packets.
    fn reset(&mut self) -> Result<(), Self::Error>;

    /// Decodes one packet to the start of `pcm` and gives the number of samples
    /// per channel.
    fn decode(&mut self, packet: &[u8], pcm: &mut [S]) -> Result<usize, Self::Error>;
}

/// What a decoder takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoderLayout {
    /// Interleaved channels of the output.
    pub channels: usize,
    /// Opus streams in each packet: with more than one, all but the last are
    /// self-delimited (RFC 7845 section 3).
    pub streams: NonZeroU8,
    /// Samples per second.
    pub rate: OutputRate,
}

impl<S, D: PacketDecoder<S> + ?Sized> PacketDecoder<S> for &mut D {
    type Error = D::Error;

    fn layout(&self) -> DecoderLayout {
        (**self).layout()
    }

    fn reset(&mut self) -> Result<(), Self::Error> {
        (**self).reset()
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [S]) -> Result<usize, Self::Error> {
        (**self).decode(packet, pcm)
    }
}
