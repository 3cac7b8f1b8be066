use alloc::boxed::Box;
use core::error::Error;

use crate::Packet;

/// A stream of Opus packets in decoding order: a demuxer, an encoder, a test.
///
/// Contract for implementers:
///
/// - Every packet is valid: [`duration`](crate::duration) returned its `duration`, or
///   [`multistream_duration`](crate::multistream_duration) if it has several Opus streams.
/// - Packets follow one another without a gap. Lost audio is an error, or comes as packets
///   that ask for concealment (RFC 7845 section 4.1, [`Concealment`](crate::Concealment)).
/// - After `Ok(None)`, every further call returns `Ok(None)`. After an error, callers must not
///   call again.
/// - The largest packet and page bound the memory, not the length of the stream.
///
/// ```
/// use opus_packet::{InvalidPacket, Packet, PacketSource, duration};
///
/// struct Packets(std::vec::IntoIter<Vec<u8>>, Vec<u8>);
///
/// impl PacketSource for Packets {
///     type Error = InvalidPacket;
///
///     fn next_packet(&mut self) -> Result<Option<Packet<'_>>, InvalidPacket> {
///         let Some(packet) = self.0.next() else { return Ok(None) };
///         self.1 = packet;
///         Ok(Some(Packet { data: &self.1, duration: duration(&self.1)? }))
///     }
/// }
///
/// let mut packets = Packets(vec![vec![0x78, 1, 2, 3]].into_iter(), vec![]);
/// assert_eq!(packets.next_packet()?.unwrap().duration, 960);
/// assert_eq!(packets.next_packet()?, None);
/// # Ok::<(), InvalidPacket>(())
/// ```
pub trait PacketSource {
    /// Why the next packet could not be read.
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
