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
/// let map = construction.finish();
/// assert_eq!(map[0], SyncEntry::ALL);
/// assert_eq!(map[1].exact(1).start.get(), 19_200 + 960);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SyncConstruction {
    streams: NonZeroU8,
    position: u64,
    entries: Vec<SyncEntry>,
    /// Starts that are not known to be exact so far, oldest first.
    pending: VecDeque<Pending>,
    /// Entries that are exact without a known end so far.
    open: Vec<u64>,
    memories: Vec<StreamMemory>,
    /// Where the last packets lie in and after which earlier starts cannot be trusted.
    boundaries: VecDeque<u64>,
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
            open: Vec::new(),
            memories: vec![StreamMemory::default(); streams.get().into()],
            boundaries: VecDeque::new(),
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
        if memory.is_boundary {
            self.boundary();
        }
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

    /// Returns the map.
    pub fn finish(self) -> Vec<SyncEntry> {
        self.entries
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
        while self.boundaries.front().is_some_and(|&boundary| boundary + PATIENCE < end) {
            self.boundaries.pop_front();
        }
    }

    /// Ends the entries that the packet at the present position makes uncertain.
    fn boundary(&mut self) {
        let until = CodedPos::new(self.position);
        for entry in std::mem::take(&mut self.open) {
            self.change(entry, |found| found.ending(entry, until));
        }
        self.boundaries.push_back(self.position);
    }

    fn exact(&mut self, entry: u64, point: SyncPoint) {
        let from = point.exact_from;
        let until = self.boundaries.iter().copied().find(|&boundary| boundary >= from.get());
        let exact = SyncEntry::new(entry, from, until.map(CodedPos::new)).settled(entry, from);
        self.change(entry, |_| exact);
        if until.is_none() {
            self.open.push(entry);
        }
    }

    fn change(&mut self, entry: u64, change: impl FnOnce(SyncEntry) -> SyncEntry) {
        let place = usize::try_from(entry).ok().and_then(|entry| self.entries.get_mut(entry));
        if let Some(found) = place {
            *found = change(*found);
        }
    }
}

/// A start that is not exact after 30 seconds is given up.
const PATIENCE: u64 = 30 * 48_000;
