use std::{fmt, io::Read, mem, ops::Range};

use opus_packet::{
    CodedPos, Concealment, Gap, Ledger, LocatedPacket, OpusHead, OpusTags, Packet, PacketSource,
    Timeline, wide,
};

use crate::{
    AudioFinding, Error,
    audio::timeline,
    webm::{
        Finding, FindingKind, Track, block,
        clock::{BlockClock, Verdict, nearest_samples},
        finding::Findings,
        open::{Opened, open},
        walker::{Block, Discard, Event, Walker},
    },
};

/// How to read: by default tolerantly, and the first Opus track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the first violation is an error. Otherwise it becomes a [`Finding`], and reading
    /// continues.
    pub strict: bool,
    /// The number of the track to read; `None` for the first Opus track.
    pub track: Option<u64>,
}

impl Options {
    /// Sets whether the first violation is an error.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Sets the number of the track to read.
    #[must_use]
    pub fn track(self, number: u64) -> Self {
        Self { track: Some(number), ..self }
    }
}

/// Reads the packets of an Opus track of WebM or Matroska in bounded memory.
///
/// Positions are sums of packet durations. Block times, which are coarse, only show where
/// audio is missing. Packets that ask for concealment (RFC 7845 section 4.1) replace missing
/// audio, so the audio after it does not shift.
pub struct WebmOpusReader<R> {
    walker: Walker<R>,
    head: OpusHead,
    tags: OpusTags,
    tracks: Vec<Track>,
    track: u64,
    clock: BlockClock,
    /// The frames of the current block, as ranges of its bytes.
    frames: Vec<Range<usize>>,
    /// The valid packets among them.
    packets: Vec<Frame>,
    /// Which of the packets is next.
    next: usize,
    /// The packet before the current block.
    before: Vec<u8>,
    concealment: Concealment,
    position: CodedPos,
    /// The samples up to the end of the current block.
    ledger: Ledger,
    /// Duration of the last packet before the current block.
    last_duration: u32,
    /// Samples in the block before the current one.
    last_samples: u64,
    /// DiscardPadding of the last block so far, and the samples of this block.
    discard: Option<(Discard, u64)>,
    has_reported_clusterless: bool,
    has_ended: bool,
    timeline: Option<Timeline>,
}

/// A valid packet of the current block.
struct Frame {
    range: Range<usize>,
    duration: u32,
    /// Samples of invalid packets in this block, between the packet before and this one.
    lost: u64,
}

impl<R: Read> WebmOpusReader<R> {
    /// Reads up to the first Cluster. `inner` needs no `BufReader`.
    ///
    /// # Errors
    ///
    /// The file is not WebM or Matroska, has no readable Opus track, or `inner` failed.
    pub fn new(inner: R) -> Result<Self, Error> {
        Self::with_options(inner, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), or no Opus track has the requested number. A strict reader
    /// also returns the first violation.
    pub fn with_options(inner: R, options: Options) -> Result<Self, Error> {
        let mut walker = Walker::new(inner, Findings::new(options.strict));
        let Opened { head, tags, tracks, track, clock } = open(&mut walker, options)?;
        Ok(Self {
            walker,
            head,
            tags,
            tracks,
            track,
            clock,
            frames: Vec::new(),
            packets: Vec::new(),
            next: 0,
            before: Vec::new(),
            concealment: Concealment::default(),
            position: CodedPos::new(0),
            ledger: Ledger::default(),
            last_duration: 0,
            last_samples: 0,
            discard: None,
            has_reported_clusterless: false,
            has_ended: false,
            timeline: None,
        })
    }

    /// The identification header: CodecPrivate or, if it is missing, one made from the other
    /// fields of the track, which is reported.
    pub fn head(&self) -> &OpusHead {
        &self.head
    }

    /// The comments before the first Cluster: the writing application as the vendor, the title,
    /// and the simple tags of the file and the track.
    pub fn tags(&self) -> &OpusTags {
        &self.tags
    }

    /// The number of the track that is read.
    pub fn track(&self) -> u64 {
        self.track
    }

    /// All tracks of the file, of any kind.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Which samples play. Known once all packets have been read, because the last block states
    /// the end trim.
    pub fn timeline(&self) -> Option<Timeline> {
        self.timeline
    }

    /// Takes the findings since the last call. Beyond the first thousand, they are only
    /// counted.
    pub fn findings(&mut self) -> impl Iterator<Item = Finding> + use<'_, R> {
        self.walker.findings.drain()
    }

    /// The next packet and where it lies; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// Reading failed, or more audio is lost than a recording can lack. A strict reader also
    /// returns the first violation.
    pub fn next_located(&mut self) -> Result<Option<LocatedPacket<'_>>, Error> {
        while !self.concealment.has_more() && self.next >= self.packets.len() {
            if self.has_ended || !self.load_block()? {
                return Ok(None);
            }
        }
        if !self.concealment.has_more() {
            self.conceal_inside();
        }
        if self.concealment.has_more() { Ok(self.concealing_packet()) } else { Ok(self.packet()) }
    }

    fn concealing_packet(&mut self) -> Option<LocatedPacket<'_>> {
        let Packet { data, duration } = self.concealment.next_packet()?;
        let position = advance(&mut self.position, duration);
        Some(LocatedPacket::new(data, duration, position).concealing())
    }

    fn packet(&mut self) -> Option<LocatedPacket<'_>> {
        let Frame { range, duration, .. } = self.packets.get(self.next)?;
        self.next += 1;
        let position = advance(&mut self.position, *duration);
        let (payload, offset) = self.walker.payload();
        let data = payload.get(range.clone())?;
        Some(LocatedPacket::new(data, *duration, position).at(offset + wide(range.start)))
    }

    /// Reads the next block. Returns false at the end of the file.
    fn load_block(&mut self) -> Result<bool, Error> {
        if let Some(Frame { range, .. }) = self.packets.last() {
            self.before.clear();
            let (payload, _) = self.walker.payload();
            self.before.extend_from_slice(payload.get(range.clone()).unwrap_or_default());
        }
        self.packets.clear();
        self.next = 0;
        match self.walker.next_event()? {
            Event::Block(block) => self.take_block(block)?,
            Event::End => {
                self.finish()?;
                self.has_ended = true;
                return Ok(false);
            }
            // These come before blocks only.
            Event::Header(_) | Event::Cluster => {}
        }
        Ok(true)
    }

    fn take_block(&mut self, block: Block) -> Result<(), Error> {
        let Block { offset, cluster_timestamp, discard } = block;
        let head = match block::parse(self.walker.payload().0, &mut self.frames) {
            Ok(head) => head,
            Err(reason) => {
                self.report(offset, FindingKind::InvalidBlock { reason })?;
                return self.take_discard(discard, 0);
            }
        };
        self.take_frames()?;
        match cluster_timestamp {
            Some(timestamp) => {
                let ticks = i128::from(timestamp) + i128::from(head.relative_time);
                self.compare_times(offset, ticks)?;
            }
            None if mem::replace(&mut self.has_reported_clusterless, true) => {}
            None => self.report(offset, FindingKind::NoClusterTimestamp)?,
        }
        let start = self.end().get();
        self.count_packets()?;
        let samples = self.end().get() - start;
        if let Some(Frame { duration, .. }) = self.packets.last() {
            (self.last_duration, self.last_samples) = (*duration, samples);
        }
        self.take_discard(discard, samples)
    }

    /// The end of the current block.
    fn end(&self) -> CodedPos {
        self.ledger.position()
    }

    /// Finds the packets of the current block. An invalid one counts as long as the packet
    /// before. Its time only counts if another packet follows in the block. Otherwise, the time
    /// of the next block shows it.
    fn take_frames(&mut self) -> Result<(), Error> {
        let (mut before, mut lost) = (self.last_duration, 0);
        for frame in &self.frames {
            let (payload, offset) = self.walker.payload();
            let data = payload.get(frame.clone()).unwrap_or_default();
            match self.head.packet_duration(data) {
                Ok(duration) => {
                    let range = frame.clone();
                    self.packets.push(Frame { range, duration, lost: mem::take(&mut lost) });
                    before = duration;
                }
                Err(reason) => {
                    lost += u64::from(before);
                    let (offset, length) = (offset + wide(frame.start), wide(data.len()));
                    let kind = AudioFinding::InvalidPacket { length, reason };
                    self.walker.findings.report(offset, kind)?;
                }
            }
        }
        Ok(())
    }

    /// Counts the samples of the current block, including those lost in it.
    fn count_packets(&mut self) -> Result<(), Error> {
        let (_, offset) = self.walker.payload();
        for Frame { range, duration, lost } in &self.packets {
            if *lost > 0 {
                let offset = offset + wide(range.start);
                let gap = Gap::new(self.ledger.position(), *lost);
                lose(&mut self.ledger, offset, *lost)?;
                self.walker.findings.report(offset, AudioFinding::Gap(gap))?;
            }
            self.ledger.read(*duration);
        }
        Ok(())
    }

    /// Begins to conceal the loss before the next packet within its block.
    fn conceal_inside(&mut self) {
        let before = self.next.checked_sub(1).and_then(|before| self.packets.get(before));
        let before = before.map(|Frame { range, .. }| range.clone());
        let samples = self.packets.get_mut(self.next).map(|one| mem::take(&mut one.lost));
        let Some(samples @ 1..) = samples else { return };
        let before = match before {
            Some(range) => self.walker.payload().0.get(range).unwrap_or_default(),
            None => &self.before,
        };
        let streams = self.head.mapping().streams().get();
        self.concealment = Concealment::new(before, streams, samples);
    }

    fn compare_times(&mut self, offset: u64, ticks: i128) -> Result<(), Error> {
        // A block without packets has no time, and losses before the first packet do not count.
        if self.packets.is_empty() {
            return Ok(());
        }
        let position = self.end();
        match self.clock.block(ticks, position.get(), self.last_duration, self.last_samples) {
            Verdict::Fine => Ok(()),
            Verdict::Backward { samples } => {
                self.report(offset, FindingKind::BackwardTime { position, samples })
            }
            Verdict::Drift { samples } => {
                self.report(offset, AudioFinding::Drift { position, samples })
            }
            Verdict::Gap { samples, is_inferred } => {
                lose(&mut self.ledger, offset, samples)?;
                let streams = self.head.mapping().streams().get();
                self.concealment = Concealment::new(&self.before, streams, samples);
                let gap = Gap::new(position, samples).inferred(is_inferred);
                self.report(offset, AudioFinding::Gap(gap))
            }
        }
    }

    /// Only the last block can trim the end, so the padding of an earlier one is reported when
    /// another block follows.
    fn take_discard(&mut self, discard: Option<Discard>, samples: u64) -> Result<(), Error> {
        let discard = discard.filter(|discard| discard.nanoseconds != 0);
        let earlier = mem::replace(&mut self.discard, discard.map(|one| (one, samples)));
        match earlier {
            None => Ok(()),
            Some((Discard { offset, nanoseconds }, _)) => {
                self.report(offset, FindingKind::DiscardPaddingInside { nanoseconds })
            }
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        let mut end_trim = 0;
        if let Some((Discard { offset, nanoseconds }, samples)) = self.discard {
            let trim = u64::try_from(nanoseconds).map(nearest_samples);
            end_trim = trim.unwrap_or_default().min(samples);
            if trim != Ok(end_trim) {
                self.report(offset, FindingKind::DiscardPadding { nanoseconds, samples })?;
            }
        }
        let lengths = (self.head.pre_skip(), self.end().get(), end_trim);
        let offset = self.walker.offset();
        self.timeline = timeline(lengths, offset, &mut self.walker.findings)?;
        Ok(())
    }

    fn report(&mut self, offset: u64, kind: impl Into<FindingKind>) -> Result<(), Error> {
        Ok(self.walker.findings.report(offset, kind)?)
    }
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

impl<R: Read> PacketSource for WebmOpusReader<R> {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        Ok(self.next_located()?.map(Packet::from))
    }
}

impl<R> fmt::Debug for WebmOpusReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebmOpusReader")
            .field("track", &self.track)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
