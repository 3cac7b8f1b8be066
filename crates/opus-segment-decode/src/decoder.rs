use std::{error::Error as StdError, num::NonZeroU8};

use crate::OutputRate;

/// Turns Opus packets into samples of type `S`.
///
/// The trait is generic over the sample type because 16-bit output is not rounded float
/// output: libopus limits peaks softly before it rounds.
///
/// Contract for implementers:
///
/// - Samples are interleaved, with the rate and channels of the layout. A packet decodes to as
///   many samples per channel as it lasts at that rate; any other number is an error for the
///   caller.
/// - Packets arrive in order, and the decoder keeps the state it needs from earlier ones.
///   After `reset`, its output equals that of a new decoder.
/// - If `pcm` is too short, `decode` fails and does not write beyond it.
pub trait PacketDecoder<S> {
    /// The error of a packet that cannot be decoded.
    type Error: StdError + Send + Sync + 'static;

    /// The format of packets and samples. It never changes.
    fn layout(&self) -> DecoderLayout;

    /// Forgets all earlier packets.
    fn reset(&mut self) -> Result<(), Self::Error>;

    /// Decodes one packet to the start of `pcm` and returns the number of samples per channel.
    fn decode(&mut self, packet: &[u8], pcm: &mut [S]) -> Result<usize, Self::Error>;

    /// Holds a second memory or lets it go on, and returns whether it is still unknown.
    ///
    /// A sync map tells from which packet on the `f32` output of libopus is exact. Other output may
    /// depend on earlier packets through a memory of its own: `i16` depends on that of the limiter.
    /// While this memory is held, `decode` and `reset` keep it as it is, and `decode` returns as many
    /// samples as ever, of any value. It is known once the packets decoded while it was not held,
    /// without a `reset` between them, determine it whatever it was before. Without such a memory,
    /// nothing is held and nothing is unknown.
    fn hold(&mut self, _is_held: bool) -> bool {
        false
    }
}

/// The format of a decoder's packets and samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoderLayout {
    /// Channels of the output, interleaved.
    pub channels: usize,
    /// Opus streams in each packet. All but the last are self-delimited (RFC 7845 section 3).
    pub streams: NonZeroU8,
    /// Samples per second and channel.
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

    fn hold(&mut self, is_held: bool) -> bool {
        (**self).hold(is_held)
    }
}
