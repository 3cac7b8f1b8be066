use std::{collections::VecDeque, num::NonZeroU8};

use opus_packet::{CodedPos, InvalidPacket, SyncPoint, SyncTracker};
use opus_packet_index::{SYNC_SPACING, SyncEntry};

use super::{block::pass, memory::StreamMemory};

/// Builds the sync map of packets that were encoded with sync points, from the packets alone.
///
/// No decoder takes part, so the map holds for every decoder at every rate. The packets of other
/// encoders hardly ever give up prediction, and their starts remain unknown.
///
/// ```
/// use std::num::NonZeroU8;
///
/// use opus_segment_decode::{Packet, SyncConstruction, SyncEntry};
///
/// // A second of digital silence, whose packets do not depend on each other.
/// let mut construction = SyncConstruction::new(NonZeroU8::MIN);
/// for _ in 0..50 {
///     construction.packet(Packet { data: &[0xf8, 0xff, 0xfe], duration: 960 })?;
/// }
/// let map = construction.finish().unwrap();
/// assert_eq!(map[0], SyncEntry::ALL);
/// assert_eq!(map[1].exact(1).start.get(), 19_200 + 1920);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SyncConstruction {
    streams: NonZeroU8,
    position: u64,
    entries: Vec<SyncEntry>,
    /// Starts that are not known to be exact so far, oldest first.
    pending: VecDeque<Pending>,
    memories: Vec<StreamMemory>,
    /// Whether there is a packet in and after which earlier starts cannot be trusted.
    has_boundary: bool,
    stream: Vec<u8>,
}

#[derive(Debug)]
struct Pending {
    entry: u64,
    tracker: SyncTracker,
}

impl SyncConstruction {
    /// Begins before the first packet. Packets have this many Opus streams.
    pub fn new(streams: NonZeroU8) -> Self {
        Self {
            streams,
            position: 0,
            entries: vec![SyncEntry::ALL],
            pending: VecDeque::new(),
            memories: vec![StreamMemory::default(); streams.get().into()],
            has_boundary: false,
            stream: Vec::new(),
        }
    }

    /// Takes the next packet.
    ///
    /// # Errors
    ///
    /// The packet cannot be split into streams and frames (RFC 6716 section 3.4).
    pub fn packet(&mut self, packet: opus_packet::Packet<'_>) -> Result<(), InvalidPacket> {
        let end = self.position + u64::from(packet.duration);
        let memory = pass(packet.data, self.position, &mut self.memories, &mut self.stream);
        self.has_boundary |= memory.is_boundary && self.position > 0;
        self.begin(end);
        for _ in 0..self.pending.len() {
            let Some(mut pending) = self.pending.pop_front() else { break };
            match pending.tracker.packet(packet.data)? {
                Some(point) => self.exact(pending.entry, point),
                None => self.pending.push_back(pending),
            }
        }
        self.position = end;
        Ok(())
    }

    /// Returns the map. None if audio is made up somewhere, such as for a loss or where the mode
    /// changes without a redundant frame: what a decoder invents depends on more than is known
    /// here, so the map must be measured ([`build_sync_map`](crate::build_sync_map)).
    pub fn finish(self) -> Option<Vec<SyncEntry>> {
        (!self.has_boundary).then_some(self.entries)
    }

    /// Begins the entry whose start lies in the packet that ends here, if any, and gives up those
    /// that wait for too long.
    fn begin(&mut self, end: u64) {
        let entry = opus_packet::wide(self.entries.len());
        // Packets are shorter than the distance of starts, so each holds one start at most.
        if entry * SYNC_SPACING < end {
            let tracker = SyncTracker::new(CodedPos::new(self.position), self.streams);
            self.pending.push_back(Pending { entry, tracker });
            self.entries.push(SyncEntry::NONE);
        }
        let is_late = |pending: &Pending| pending.entry * SYNC_SPACING + PATIENCE < end;
        while self.pending.front().is_some_and(is_late) {
            self.pending.pop_front();
        }
    }

    fn exact(&mut self, entry: u64, point: SyncPoint) {
        let place = usize::try_from(entry).ok().and_then(|entry| self.entries.get_mut(entry));
        if let Some(place) = place {
            *place = SyncEntry::new(entry, point.exact_from, None).settled(entry, point.exact_from);
        }
    }
}

/// A start that is not exact after 30 seconds is given up.
const PATIENCE: u64 = 30 * 48_000;
