//! The packets of a document.

use std::{io::Read, mem};

use opus_packet::{CodedPos, Concealment, Gap, Ledger, LocatedPacket, OpusHead, Packet, Timeline};

use crate::{
    AudioFinding, Error,
    audio::timeline,
    webm::{
        FindingKind, block,
        clock::{Verdict, nearest_samples},
        open::Opened,
        packets::Packets,
        walker::{Block, Discard, Event, Walker},
    },
};

/// A document of a file and how far it was read.
pub(crate) struct Document {
    pub(crate) opened: Opened,
    /// Those of the current block.
    packets: Packets,
    /// What follows the current block, if it was needed to judge it. A block is the walker's
    /// payload.
    ahead: Option<Event>,
    concealment: Concealment,
    position: CodedPos,
    /// The samples up to the end of the current block.
    ledger: Ledger,
    /// Duration of the last packet before the current block.
    last_duration: u32,
    /// Samples in the block before the current one.
    last_samples: u64,
    /// How many samples later than its time the current block ends because blocks before it could
    /// not be shortened exactly.
    late: i64,
    end_trim: u64,
    has_reported_clusterless: bool,
    has_ended: bool,
    timeline: Option<Timeline>,
}

impl Document {
    pub(crate) fn new(opened: Opened) -> Self {
        Self {
            opened,
            packets: Packets::default(),
            ahead: None,
            concealment: Concealment::default(),
            position: CodedPos::new(0),
            ledger: Ledger::default(),
            last_duration: 0,
            last_samples: 0,
            late: 0,
            end_trim: 0,
            has_reported_clusterless: false,
            has_ended: false,
            timeline: None,
        }
    }

    pub(crate) fn head(&self) -> &OpusHead {
        &self.opened.head
    }

    pub(crate) fn timeline(&self) -> Option<Timeline> {
        self.timeline
    }

    pub(crate) fn position(&self) -> CodedPos {
        self.position
    }

    /// Returns no packets from now on.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
        self.packets.clear();
        self.concealment = Concealment::default();
    }

    /// The next packet and where it lies; `None` at the end.
    pub(crate) fn next_located<R: Read>(
        &mut self,
        walker: &mut Walker<R>,
    ) -> Result<Option<LocatedPacket<'_>>, Error> {
        while !self.concealment.has_more() && self.packets.is_empty() {
            if self.has_ended || !self.load_block(walker)? {
                return Ok(None);
            }
        }
        if !self.concealment.has_more()
            && let Some((before, samples)) = self.packets.take_lost()
        {
            let streams = self.opened.head.mapping().streams().get();
            self.concealment = Concealment::new(before, streams, samples);
        }
        Ok(if self.concealment.has_more() { self.concealing_packet() } else { self.packet() })
    }

    fn concealing_packet(&mut self) -> Option<LocatedPacket<'_>> {
        let Packet { data, duration } = self.concealment.next_packet()?;
        let position = advance(&mut self.position, duration);
        Some(LocatedPacket::new(data, duration, position).concealing())
    }

    fn packet(&mut self) -> Option<LocatedPacket<'_>> {
        let (data, duration, offset) = self.packets.next()?;
        let position = advance(&mut self.position, duration);
        Some(LocatedPacket::new(data, duration, position).at(offset))
    }

    /// Reads the next block. Returns false at the end of the document.
    fn load_block<R: Read>(&mut self, walker: &mut Walker<R>) -> Result<bool, Error> {
        let event = match self.ahead.take() {
            Some(event) => event,
            None => walker.next_event()?,
        };
        match event {
            Event::Block(block) => self.take_block(block, walker)?,
            Event::End => {
                self.packets.clear();
                self.has_ended = true;
                self.finish(walker)?;
                return Ok(false);
            }
            // These come before blocks only.
            Event::Header(_) | Event::Cluster => {}
        }
        Ok(true)
    }

    fn take_block<R: Read>(&mut self, block: Block, walker: &mut Walker<R>) -> Result<(), Error> {
        let Block { offset, cluster_timestamp, discard } = block;
        let time = self.packets.load(walker);
        let relative_time = match time {
            Ok(time) => time,
            Err(reason) => return report(walker, offset, FindingKind::InvalidBlock { reason }),
        };
        self.packets.take_frames(&self.opened.head, self.last_duration, walker)?;
        match cluster_timestamp {
            Some(timestamp) => {
                let ticks = i128::from(timestamp) + i128::from(relative_time);
                self.compare_times(offset, ticks, walker)?;
            }
            None if mem::replace(&mut self.has_reported_clusterless, true) => {}
            None => report(walker, offset, FindingKind::NoClusterTimestamp)?,
        }
        if let Some(duration) = self.packets.last_duration() {
            self.last_duration = duration;
        }
        if let Some(discard) = discard.filter(|discard| discard.nanoseconds != 0) {
            self.take_discard(discard, walker)?;
        }
        let start = self.end_of_block().get();
        self.count_packets(walker)?;
        let samples = self.end_of_block().get() - start;
        if samples > 0 {
            self.last_samples = samples;
        }
        Ok(())
    }

    fn end_of_block(&self) -> CodedPos {
        self.ledger.position()
    }

    /// Counts the samples of the current block, including those lost in it.
    fn count_packets<R: Read>(&mut self, walker: &mut Walker<R>) -> Result<(), Error> {
        for (offset, lost, duration) in self.packets.durations() {
            if lost > 0 {
                let gap = Gap::new(self.ledger.position(), lost);
                lose(&mut self.ledger, offset, lost)?;
                report(walker, offset, AudioFinding::Gap(gap))?;
            }
            self.ledger.read(duration);
        }
        Ok(())
    }

    fn compare_times<R: Read>(
        &mut self,
        offset: u64,
        ticks: i128,
        walker: &mut Walker<R>,
    ) -> Result<(), Error> {
        // A block without packets has no time, and losses before the first packet do not count.
        if self.packets.is_empty() {
            return Ok(());
        }
        let position = self.end_of_block();
        let due = self.due(position);
        let clock = &mut self.opened.clock;
        match clock.block(ticks, due, self.last_duration, self.last_samples) {
            Verdict::Fine => Ok(()),
            Verdict::Backward { samples } => {
                report(walker, offset, FindingKind::BackwardTime { position, samples })
            }
            Verdict::Drift { samples } => {
                report(walker, offset, AudioFinding::Drift { position, samples })
            }
            Verdict::Gap { samples, is_inferred } => {
                lose(&mut self.ledger, offset, samples)?;
                let streams = self.opened.head.mapping().streams().get();
                self.concealment = Concealment::new(self.packets.before(), streams, samples);
                let gap = Gap::new(position, samples).inferred(is_inferred);
                report(walker, offset, AudioFinding::Gap(gap))
            }
        }
    }

    /// Where a position would be if all blocks had been shortened exactly.
    fn due(&self, position: CodedPos) -> u64 {
        position.get().saturating_add_signed(-self.late)
    }

    /// Applies a DiscardPadding to the current block, before it is counted. In the last block, it
    /// trims the end. Elsewhere it shortens the block, if the next one begins earlier by it.
    fn take_discard<R: Read>(
        &mut self,
        discard: Discard,
        walker: &mut Walker<R>,
    ) -> Result<(), Error> {
        let Discard { offset, nanoseconds } = discard;
        let samples = self.packets.samples();
        let wanted = u64::try_from(nanoseconds).map(nearest_samples);
        let discarded = wanted.unwrap_or_default().min(samples);
        let is_valid = wanted == Ok(discarded);
        let next = walker.next_event()?;
        self.ahead = Some(next);
        let Event::Block(next) = next else {
            if !is_valid {
                report(walker, offset, FindingKind::DiscardPadding { nanoseconds, samples })?;
            }
            self.end_trim = discarded;
            return Ok(());
        };
        let position = CodedPos::new(self.end_of_block().get().saturating_add(samples));
        let time = block::relative_time(walker.payload()).zip(next.cluster_timestamp);
        let is_earlier = time.is_some_and(|(relative, timestamp)| {
            let ticks = i128::from(timestamp) + i128::from(relative);
            self.opened.clock.is_earlier(ticks, self.due(position), discarded)
        });
        if !is_valid || discarded == 0 || !is_earlier || !self.packets.are_contiguous() {
            let kind = FindingKind::DiscardPaddingInside { position, nanoseconds };
            return report(walker, offset, kind);
        }
        self.late = self.packets.shorten(discarded, self.late);
        let samples = samples - self.packets.samples();
        report(walker, offset, FindingKind::Shortened { position, nanoseconds, samples })
    }

    fn finish<R: Read>(&mut self, walker: &mut Walker<R>) -> Result<(), Error> {
        let lengths = (self.opened.head.pre_skip(), self.end_of_block().get(), self.end_trim);
        let offset = walker.offset();
        self.timeline = timeline(lengths, offset, &mut walker.findings)?;
        Ok(())
    }
}

fn report<R: Read>(
    walker: &mut Walker<R>,
    offset: u64,
    kind: impl Into<FindingKind>,
) -> Result<(), Error> {
    Ok(walker.findings.report(offset, kind)?)
}

/// Counts lost samples, which are a multiple of those of a frame.
fn lose(ledger: &mut Ledger, offset: u64, samples: u64) -> Result<(), Error> {
    ledger.check_loss(samples).map_err(|reason| Error::at(offset, reason))?;
    ledger.conceal(samples);
    Ok(())
}

/// Cannot overflow: each byte has at most 5,760 samples, and gaps are bounded.
fn advance(position: &mut CodedPos, duration: u32) -> CodedPos {
    let before = *position;
    *position = CodedPos::new(before.get() + u64::from(duration));
    before
}
