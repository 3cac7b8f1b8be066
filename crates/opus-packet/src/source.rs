use alloc::boxed::Box;
use core::error::Error;

use crate::Packet;

/// A stream of Opus packets in decoding order: a demuxer, an encoder, a test.
///
/// Contract for implementers:
///
/// - Every packet has been through [`duration`](crate::duration), and its
///   `duration` is what that gave.
/// - Packets follow one another without a gap: lost audio is given as packets
///   that ask for concealment (RFC 7845 section 4.1), or it is an error.
/// - After `Ok(None)` every further call gives `Ok(None)`. After an error the
///   stream is not usable; callers must not go on.
/// - Memory is bounded by the largest packet (and page) and not by the stream.
pub trait PacketSource {
    /// Why no packet could be given.
    type Error: Error + Send + Sync + 'static;

    /// The next packet, or `None` at the end of the stream.
    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Self::Error>;
}

impl<S: PacketSource + ?Sized> PacketSource for &mut S {
    type Error = S::Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Self::Error> {
        (**self).next_packet()
    }
}

impl<S: PacketSource + ?Sized> PacketSource for Box<S> {
    type Error = S::Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Self::Error> {
        (**self).next_packet()
    }
}
