mod memory;

use alloc::vec::Vec;
use core::num::NonZeroU8;

use crate::{CodedPos, InvalidPacket, split_self_delimited};
use memory::StreamMemory;

/// A packet where a decoder may start, and from where on its output equals, bit for bit, that of a
/// decoder that started with the first packet.
///
/// This follows from the packets and needs no decoder. The flags that each frame begins with say
/// what it takes from earlier frames ([`frame_flags`](crate::frame_flags)). [`SyncTracker`] derives
/// from them which parts of a decoder's memory no longer depend on packets before `start`:
///
/// - CELT: band energies from the first frame that does not predict them; the energies that
///   fill collapsed bands in transient frames, after two more frames that are not transient; the
///   output, which the post-filter reads, once those frames have decoded without any of this.
/// - SILK: all of it, where a packet follows one in CELT mode, since the decoder then starts anew.
///
/// What only serves to conceal lost audio may still differ. So a point holds up to the next packet
/// whose audio is made up, such as one that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SyncPoint {
    /// Position of the first packet to decode.
    pub start: CodedPos,
    /// Position from which all output is exact; within a packet if packets have several frames.
    pub exact_from: CodedPos,
}

/// Follows the packets from a start until a decoder that begins there is known to be exact.
///
/// ```
/// use core::num::NonZeroU8;
///
/// use opus_packet::{CodedPos, SyncTracker};
///
/// // Digital silence in CELT, in packets of 20 ms. A silent frame predicts no energies; the next
/// // one no longer overlaps with what came before.
/// let mut tracker = SyncTracker::new(CodedPos::new(48_000), NonZeroU8::MIN);
/// let silence = [0xf8, 0xff, 0xfe];
/// assert_eq!(tracker.packet(&silence)?, None);
/// let points = (0..5).map(|_| tracker.packet(&silence));
/// let point = points.into_iter().find_map(|point| point.ok()?).unwrap();
/// assert_eq!(point.exact_from.get(), 48_000 + 1920);
/// # Ok::<(), opus_packet::InvalidPacket>(())
/// ```
#[derive(Debug)]
pub struct SyncTracker {
    start: u64,
    streams: Vec<StreamMemory>,
}

impl SyncTracker {
    /// Begins with the packet at this position. Packets have this many Opus streams.
    pub fn new(start: CodedPos, streams: NonZeroU8) -> Self {
        let streams = (0..streams.get()).map(|_| StreamMemory::default()).collect();
        Self { start: start.get(), streams }
    }

    /// Takes the next packet, and returns the sync point once its decoder is known to be exact.
    ///
    /// # Errors
    ///
    /// The packet cannot be split into streams and frames (RFC 6716 section 3.4).
    pub fn packet(&mut self, packet: &[u8]) -> Result<Option<SyncPoint>, InvalidPacket> {
        if let Some((last, others)) = self.streams.split_last_mut() {
            let (mut rest, mut ordinary) = (packet, Vec::new());
            for stream in others {
                let (first, after) = split_self_delimited(rest)?;
                ordinary.clear();
                first.write_ordinary(&mut ordinary);
                stream.packet(&ordinary)?;
                rest = after;
            }
            last.packet(rest)?;
        }
        Ok(self.point())
    }

    fn point(&self) -> Option<SyncPoint> {
        let all = self.streams.iter().map(StreamMemory::exact_from);
        let exact_from = all.collect::<Option<Vec<i64>>>()?.into_iter().max()?;
        let exact_from = self.start.checked_add_signed(exact_from)?;
        Some(SyncPoint { start: CodedPos::new(self.start), exact_from: CodedPos::new(exact_from) })
    }

    /// Returns whether some stream needs a CELT frame without prediction.
    pub fn needs_energies(&self) -> bool {
        self.streams.iter().any(StreamMemory::needs_energies)
    }

    /// Returns whether some stream still needs frames that are not transient after this many
    /// samples.
    pub fn lacks_steady_frames_after(&self, samples: i64) -> bool {
        self.streams.iter().any(|stream| stream.lacks_steady_frames_after(samples))
    }

    /// Returns whether the post-filter of the next frame might read output that is not exact.
    pub fn must_not_filter(&self) -> bool {
        self.streams.iter().any(StreamMemory::must_not_filter)
    }
}
