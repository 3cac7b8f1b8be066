//! The packets of a block.

use std::{io::Read, mem, ops::Range};

use opus_packet::{CONCEALMENT_UNIT, OpusHead, wide};

use crate::{
    AudioFinding, Error,
    webm::{InvalidBlock, block, walker::Walker},
};

/// The packets of the current block that were not returned yet.
#[derive(Default)]
pub(crate) struct Packets {
    /// The data of the block and its byte position.
    payload: Vec<u8>,
    offset: u64,
    /// Its frames, as ranges of the data.
    frames: Vec<Range<usize>>,
    /// The valid packets among them.
    list: Vec<Frame>,
    /// Which of the packets is next.
    next: usize,
    /// Samples to conceal after the last packet.
    tail: u64,
    /// The packet before the block.
    before: Vec<u8>,
}

/// A valid packet.
struct Frame {
    range: Range<usize>,
    duration: u32,
    /// Samples of invalid packets in this block, between the packet before and this one.
    lost: u64,
}

impl Packets {
    /// Takes the walker's block instead of the one before, and returns its relative time.
    pub(crate) fn load<R: Read>(&mut self, walker: &mut Walker<R>) -> Result<i16, InvalidBlock> {
        if let Some(last) = self.list.last().and_then(|last| self.payload.get(last.range.clone())) {
            self.before.clear();
            self.before.extend_from_slice(last);
        }
        self.clear();
        let buffer = mem::take(&mut self.payload);
        (self.payload, self.offset) = walker.take_payload(buffer);
        Ok(block::parse(&self.payload, &mut self.frames)?.relative_time)
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        (self.next, self.tail) = (0, 0);
    }

    /// Finds the packets. An invalid one counts as long as the packet before. Its time only counts
    /// if another packet follows in the block. Otherwise, the time of the next block shows it.
    pub(crate) fn take_frames<R: Read>(
        &mut self,
        head: &OpusHead,
        mut before: u32,
        walker: &mut Walker<R>,
    ) -> Result<(), Error> {
        let mut lost = 0;
        for frame in &self.frames {
            let data = self.payload.get(frame.clone()).unwrap_or_default();
            match head.packet_duration(data) {
                Ok(duration) => {
                    let range = frame.clone();
                    self.list.push(Frame { range, duration, lost: mem::take(&mut lost) });
                    before = duration;
                }
                Err(reason) => {
                    lost += u64::from(before);
                    let (offset, length) = (self.offset + wide(frame.start), wide(data.len()));
                    walker
                        .findings
                        .report(offset, AudioFinding::InvalidPacket { length, reason })?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.next >= self.list.len() && self.tail == 0
    }

    /// The packet before the block.
    pub(crate) fn before(&self) -> &[u8] {
        &self.before
    }

    pub(crate) fn last_duration(&self) -> Option<u32> {
        self.list.last().map(|last| last.duration)
    }

    /// Their byte positions, the samples lost before each, and their durations. The samples lost
    /// after the last one come with a duration of 0.
    pub(crate) fn durations(&self) -> impl Iterator<Item = (u64, u64, u32)> {
        let packets = self.list.iter().map(|one| {
            let Frame { range, duration, lost } = one;
            (self.offset + wide(range.start), *lost, *duration)
        });
        packets.chain([(self.offset, self.tail, 0)])
    }

    /// The samples of the block, including those lost in it.
    pub(crate) fn samples(&self) -> u64 {
        self.durations().map(|(_, lost, duration)| lost + u64::from(duration)).sum()
    }

    /// Returns whether no packet of the block is lost.
    pub(crate) fn are_contiguous(&self) -> bool {
        self.list.iter().all(|packet| packet.lost == 0)
    }

    /// Removes samples at the end of the block, of which no packet was returned. Packets of which
    /// nothing is left are dropped. One that is left in part is replaced by concealment, which can
    /// last any multiple of 2.5 ms. Shorter differences are carried on: `late` is what the blocks
    /// before had too many. Returns what there is too much now.
    pub(crate) fn shorten(&mut self, samples: u64, late: i64) -> i64 {
        let mut left = i64::try_from(samples).unwrap_or(i64::MAX);
        let mut late = late.saturating_add(left);
        let unit = i64::from(CONCEALMENT_UNIT);
        while let Some(duration) = self.last_duration().map(i64::from) {
            let is_whole = duration <= left;
            if left == 0 || (!is_whole && late < unit) {
                break;
            }
            self.list.pop();
            late -= duration;
            left -= duration.min(left);
            if !is_whole {
                let concealed = ((unit / 2 - late) / unit).max(0) * unit;
                self.tail = u64::try_from(concealed).unwrap_or_default();
                late += concealed;
            }
        }
        late
    }

    /// Takes the loss that comes next: the packet before it, and how many samples are lost.
    pub(crate) fn take_lost(&mut self) -> Option<(&[u8], u64)> {
        let lost = match self.list.get_mut(self.next) {
            Some(packet) => mem::take(&mut packet.lost),
            None => mem::take(&mut self.tail),
        };
        let before = self.next.checked_sub(1).and_then(|before| self.list.get(before));
        let before = before.and_then(|before| self.payload.get(before.range.clone()));
        (lost > 0).then(|| (before.unwrap_or(&self.before), lost))
    }

    /// The next packet, its duration and its byte position.
    pub(crate) fn next(&mut self) -> Option<(&[u8], u32, u64)> {
        let Frame { range, duration, .. } = self.list.get(self.next)?;
        self.next += 1;
        let data = self.payload.get(range.clone())?;
        Some((data, *duration, self.offset + wide(range.start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of one packet that end too late by `samples` each.
    fn shortened(duration: u32, samples: u64, blocks: usize) -> Vec<(u64, i64)> {
        let mut late = 0;
        (0..blocks)
            .map(|_| {
                let frame = Frame { range: 0..1, duration, lost: 0 };
                let mut packets = Packets { list: vec![frame], ..Packets::default() };
                late = packets.shorten(samples, late);
                (packets.samples(), late)
            })
            .collect()
    }

    #[test]
    fn differences_do_not_add_up() {
        assert_eq!(shortened(960, 648, 3), [(360, 48), (240, -24), (360, 24)]);
        assert_eq!(shortened(960, 960, 2), [(0, 0), (0, 0)]);
        assert_eq!(shortened(960, 100, 3), [(960, 100), (720, -40), (960, 60)]);
        assert_eq!(shortened(120, 119, 2), [(120, 119), (0, 118)]);
        for samples in 0..=2880 {
            assert!(shortened(2880, samples, 20).iter().all(|(_, late)| late.abs() < 120));
        }
    }
}
