use std::{fmt, io::Read, ops::Range};

use opus_packet::{
    CONCEALMENT_UNIT, CodedPos, Concealment, OpusHead, OpusTags, Packet, PacketSource, Timeline,
};

use crate::webm::{
    Error, Finding, FindingKind, Track, block,
    clock::{BlockClock, Told, nearest_samples},
    ebml::wide,
    finding::Findings,
    open::{Opened, open},
    walker::{Block, Discard, Event, Walker},
};

/// How a file is read.
///
/// By default the first Opus track, and tolerantly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the first violation is an error. Otherwise it is reported as a
    /// [`Finding`], and reading goes on.
    pub strict: bool,
    /// The number of the track to read; none: the first that is Opus.
    pub track: Option<u64>,
}

impl Options {
    /// The same, but the first violation is an error.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// The same, but for the track with this number.
    #[must_use]
    pub fn track(self, number: u64) -> Self {
        Self { track: Some(number), ..self }
    }
}

/// Reads the packets of an Opus track of WebM or Matroska, in bounded memory.
///
/// Positions are sums of packet durations: block times, which are coarse, only show
/// where audio is missing. Missing audio is given as packets that ask for concealment
/// (RFC 7845 section 4.1), so what comes after stays at its place.
pub struct WebmOpusReader<R> {
    walker: Walker<R>,
    head: OpusHead,
    tags: OpusTags,
    tracks: Vec<Track>,
    track: u64,
    clock: BlockClock,
    /// The frames of the current block, as ranges of its bytes.
    frames: Vec<Range<usize>>,
    /// Those that are valid packets, and which of them is next.
    packets: Vec<Frame>,
    next: usize,
    /// The packet before the current block.
    before: Vec<u8>,
    /// Packets to give before the current block, and their samples that are left.
    concealment: Option<Concealment>,
    to_conceal: u64,
    position: CodedPos,
    /// End of the current block in samples.
    end: u64,
    concealed: u64,
    /// Of the last packet before the current block, and of all in the block before.
    last_duration: u32,
    last_samples: u64,
    /// DiscardPadding of the last block so far, and the samples of this block.
    discard: Option<(Discard, u64)>,
    clusterless_is_told: bool,
    timeline: Option<Timeline>,
}

/// A valid packet of the current block.
struct Frame {
    range: Range<usize>,
    duration: u32,
    /// Samples of invalid ones in the same block between the packet before and this.
    lost: u64,
}

/// A packet and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebmPacket<'a> {
    /// The packet.
    pub data: &'a [u8],
    /// Samples per channel at 48 kHz.
    pub duration: u32,
    /// Position of its first sample.
    pub position: CodedPos,
    /// Byte position in the file; none for a packet that stands for lost audio.
    pub offset: Option<u64>,
}

impl<R: Read> WebmOpusReader<R> {
    /// Reads up to the first Cluster. There is no need to wrap `inner` in a `BufReader`.
    pub fn new(inner: R) -> Result<Self, Error> {
        Self::with_options(inner, Options::default())
    }

    /// The same, but strictly or for a chosen track.
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
            concealment: None,
            to_conceal: 0,
            position: CodedPos::new(0),
            end: 0,
            concealed: 0,
            last_duration: 0,
            last_samples: 0,
            discard: None,
            clusterless_is_told: false,
            timeline: None,
        })
    }

    /// The identification header: CodecPrivate, or what the other fields of the track
    /// tell if there is none, which is reported.
    pub fn head(&self) -> &OpusHead {
        &self.head
    }

    /// Comments: the writing application as the vendor, the title, and the simple tags of
    /// the file and the track, as far as they come before the first Cluster.
    pub fn tags(&self) -> &OpusTags {
        &self.tags
    }

    /// The number of the track that is read.
    pub fn track(&self) -> u64 {
        self.track
    }

    /// All tracks of the file.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Which samples play; known once all packets have been read, because the end trim
    /// stands in the last block.
    pub fn timeline(&self) -> Option<Timeline> {
        self.timeline
    }

    /// Takes what has been found since the last call. Of more than 1,000 findings the
    /// others are only counted, in a last one.
    pub fn findings(&mut self) -> impl Iterator<Item = Finding> {
        self.walker.findings.drain()
    }

    /// The next packet and where it lies; `None` at the end of the file.
    pub fn next_webm_packet(&mut self) -> Result<Option<WebmPacket<'_>>, Error> {
        while self.to_conceal == 0 && self.next >= self.packets.len() {
            if self.timeline.is_some() || !self.load_block()? {
                return Ok(None);
            }
        }
        if self.to_conceal == 0 {
            self.conceal_inside();
        }
        if self.to_conceal > 0 { Ok(self.concealing_packet()) } else { Ok(self.packet()) }
    }

    fn concealing_packet(&mut self) -> Option<WebmPacket<'_>> {
        // Gives as many samples as were asked for: a multiple of its unit.
        let Packet { data, duration } = self.concealment.as_mut()?.next_packet()?;
        self.to_conceal = self.to_conceal.saturating_sub(u64::from(duration));
        let position = advance(&mut self.position, duration);
        Some(WebmPacket { data, duration, position, offset: None })
    }

    fn packet(&mut self) -> Option<WebmPacket<'_>> {
        let Frame { range, duration, .. } = self.packets.get(self.next)?;
        self.next += 1;
        let position = advance(&mut self.position, *duration);
        let (payload, offset) = self.walker.payload();
        let data = payload.get(range.clone())?;
        let offset = Some(offset + wide(range.start));
        Some(WebmPacket { data, duration: *duration, position, offset })
    }

    /// Takes in the next block; false at the end of the file.
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
                self.timeline = Some(self.finish()?);
                return Ok(false);
            }
            // Only before blocks.
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
            None if std::mem::replace(&mut self.clusterless_is_told, true) => {}
            None => self.report(offset, FindingKind::NoClusterTimestamp)?,
        }
        let start = self.end;
        self.count_packets()?;
        let samples = self.end - start;
        if let Some(Frame { duration, .. }) = self.packets.last() {
            (self.last_duration, self.last_samples) = (*duration, samples);
        }
        self.take_discard(discard, samples)
    }

    /// Finds the packets of the current block. An invalid one is taken to be as long as
    /// the packet before. Its time is only counted if another follows in the block: else
    /// the time of the next block tells.
    fn take_frames(&mut self) -> Result<(), Error> {
        let (mut before, mut lost) = (self.last_duration, 0);
        for frame in &self.frames {
            let (payload, offset) = self.walker.payload();
            let data = payload.get(frame.clone()).unwrap_or_default();
            match self.head.packet_duration(data) {
                Ok(duration) => {
                    let range = frame.clone();
                    self.packets.push(Frame { range, duration, lost: std::mem::take(&mut lost) });
                    before = duration;
                }
                Err(reason) => {
                    lost += u64::from(before);
                    let kind = FindingKind::InvalidPacket { reason };
                    self.walker.findings.report(offset + wide(frame.start), kind)?;
                }
            }
        }
        Ok(())
    }

    /// Counts the samples of the current block, with what is lost in it.
    fn count_packets(&mut self) -> Result<(), Error> {
        let (_, offset) = self.walker.payload();
        for Frame { range, duration, lost: samples } in &self.packets {
            if let (samples @ 1.., offset) = (*samples, offset + wide(range.start)) {
                let position = CodedPos::new(self.end);
                let kind = FindingKind::Gap { position, samples, is_inferred: false };
                count_lost(offset, samples, &mut self.concealed, &mut self.end)?;
                self.walker.findings.report(offset, kind)?;
            }
            self.end += u64::from(*duration);
        }
        Ok(())
    }

    /// Conceals what is lost before the next packet, but in its block.
    fn conceal_inside(&mut self) {
        let before = self.next.checked_sub(1).and_then(|before| self.packets.get(before));
        let before = before.map(|Frame { range, .. }| range.clone());
        let samples = self.packets.get_mut(self.next).map(|one| std::mem::take(&mut one.lost));
        let Some(samples @ 1..) = samples else { return };
        let before = match before {
            Some(range) => self.walker.payload().0.get(range).unwrap_or_default(),
            None => &self.before,
        };
        let streams = self.head.mapping().streams().get();
        self.concealment = Some(Concealment::new(before, streams, samples));
        self.to_conceal = samples;
    }

    fn compare_times(&mut self, offset: u64, ticks: i128) -> Result<(), Error> {
        // Nothing follows a time without packets; and lost ones before the first packet
        // are lost from no timeline.
        if self.packets.is_empty() {
            return Ok(());
        }
        let position = CodedPos::new(self.end);
        match self.clock.block(ticks, self.end, self.last_duration, self.last_samples) {
            Told::Nothing => Ok(()),
            Told::Backward { samples } => {
                self.report(offset, FindingKind::BackwardTime { position, samples })
            }
            Told::Drift { samples } => {
                self.report(offset, FindingKind::Drift { position, samples })
            }
            Told::Gap { samples, is_inferred } => {
                self.conceal(offset, samples)?;
                self.report(offset, FindingKind::Gap { position, samples, is_inferred })
            }
        }
    }

    fn conceal(&mut self, offset: u64, samples: u64) -> Result<(), Error> {
        count_lost(offset, samples, &mut self.concealed, &mut self.end)?;
        let streams = self.head.mapping().streams().get();
        self.concealment = Some(Concealment::new(&self.before, streams, samples));
        self.to_conceal = samples - samples % u64::from(CONCEALMENT_UNIT);
        Ok(())
    }

    /// Only the last block can trim the end: what stands in another is reported once a
    /// block follows.
    fn take_discard(&mut self, discard: Option<Discard>, samples: u64) -> Result<(), Error> {
        let discard = discard.filter(|discard| discard.nanoseconds != 0);
        let earlier = std::mem::replace(&mut self.discard, discard.map(|one| (one, samples)));
        match earlier {
            None => Ok(()),
            Some((Discard { offset, nanoseconds }, _)) => {
                self.report(offset, FindingKind::DiscardPaddingInside { nanoseconds })
            }
        }
    }

    fn finish(&mut self) -> Result<Timeline, Error> {
        let mut end_trim = 0;
        if let Some((Discard { offset, nanoseconds }, samples)) = self.discard {
            let trim = u64::try_from(nanoseconds).map(nearest_samples);
            end_trim = trim.unwrap_or_default().min(samples);
            if trim != Ok(end_trim) {
                self.report(offset, FindingKind::DiscardPadding { nanoseconds, samples })?;
            }
        }
        let (offset, pre_skip, coded_length) =
            (self.walker.offset(), self.head.pre_skip(), self.end);
        Timeline::new(pre_skip, coded_length, end_trim).or_else(|_| {
            self.report(offset, FindingKind::NothingPlays { pre_skip, end_trim, coded_length })?;
            let pre_skip = u16::try_from(coded_length).map_or(pre_skip, |len| pre_skip.min(len));
            let end_trim = coded_length.saturating_sub(u64::from(pre_skip));
            Timeline::new(pre_skip, coded_length, end_trim)
                .map_err(|reason| Error::Timeline { offset, reason })
        })
    }

    fn report(&mut self, offset: u64, kind: FindingKind) -> Result<(), Error> {
        self.walker.findings.report(offset, kind)
    }
}

/// A hostile time must not cause packets without end.
fn count_lost(offset: u64, samples: u64, concealed: &mut u64, end: &mut u64) -> Result<(), Error> {
    let missing = concealed.saturating_add(samples);
    let present = *end - *concealed;
    if missing > MAX_CONCEALED.saturating_add(present) {
        return Err(Error::GapTooLong { offset, missing, present });
    }
    *concealed = missing;
    *end += samples;
    Ok(())
}

/// Cannot overflow: a byte gives at most 5,760 samples, and gaps are bounded.
fn advance(position: &mut CodedPos, duration: u32) -> CodedPos {
    let before = *position;
    *position = CodedPos::new(before.get() + u64::from(duration));
    before
}

impl<R: Read> PacketSource for WebmOpusReader<R> {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let packet = self.next_webm_packet()?;
        Ok(packet.map(|WebmPacket { data, duration, .. }| Packet { data, duration }))
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

/// 24 hours. Under a fuzzer little, as it costs time and finds nothing.
const MAX_CONCEALED: u64 = if cfg!(fuzzing) { 48_000 * 60 } else { 48_000 * 3600 * 24 };
