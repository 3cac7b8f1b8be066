use std::io::{Read, Seek};

use opus_packet::{CodedPos, OpusHead, OpusTags, Packet, PacketSource, Timeline};

use crate::mp4::{
    Error, Finding, FindingKind, Track,
    clock::{Clock, Lag},
    edits::Edit,
    extents::Extents,
    finding::Findings,
    fragments::Fragments,
    input::{Input, Window},
    ledger::{Filler, Ledger},
    movie::Movie,
    sample_entry::Descriptions,
    sample_table::SampleTable,
    samples::{Next, Sample, Samples},
};

/// How to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the first violation is an error. If not, it is reported, and reading
    /// goes on.
    pub strict: bool,
    /// The number of the track to read; none: the first that holds Opus.
    pub track: Option<u32>,
}

/// A packet and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mp4Packet<'a> {
    /// The packet.
    pub data: &'a [u8],
    /// Samples per channel at 48 kHz.
    pub duration: u32,
    /// Position of its first sample.
    pub position: CodedPos,
    /// Byte position in the file; none for a packet in place of a lost one.
    pub offset: Option<u64>,
}

/// Reads the packets of one Opus track of an MP4 file in constant memory: the tables are
/// read as the packets are.
#[derive(Debug)]
pub struct Mp4OpusReader<R> {
    input: Input<R>,
    findings: Findings,
    tracks: Vec<Track>,
    descriptions: Descriptions,
    head: OpusHead,
    tags: OpusTags,
    edit: Option<Edit>,
    samples: Samples,
    window: Window,
    used: Extents,
    overlapping: u64,
    clock: Clock,
    has_told_behind: bool,
    has_told_description: bool,
    ledger: Ledger,
    filler: Filler,
    /// The last valid packet, and its duration.
    packet: Vec<u8>,
    duration: u32,
    /// Where it lies, if it was not given out yet.
    pending: Option<u64>,
    /// Whether a sample was dropped since the last packet.
    has_dropped: bool,
    /// Samples beyond the end of the file: the first one, and how many in a row.
    outside: Option<(u64, u64)>,
    has_ended: bool,
    timeline: Option<Timeline>,
}

impl<R: Read + Seek> Mp4OpusReader<R> {
    /// Reads what comes before the packets. There is no need to wrap `inner` in a
    /// `BufReader`.
    pub fn new(inner: R) -> Result<Self, Error> {
        Self::with_options(inner, Options::default())
    }

    /// Like [`new`](Self::new).
    pub fn with_options(inner: R, options: Options) -> Result<Self, Error> {
        let mut input = Input::new(inner)?;
        let mut findings = Findings::new(options.strict);
        let movie = Movie::read(&mut input, &mut findings)?;
        let track = open_track(&movie, options.track, &mut input, &mut findings)?;
        Ok(Self {
            input,
            findings,
            tracks: movie.tracks(),
            descriptions: track.descriptions,
            head: track.head,
            tags: movie.tags,
            edit: track.edit,
            samples: track.samples,
            window: Window::new(DATA_AHEAD),
            used: Extents::default(),
            overlapping: 0,
            clock: track.clock,
            has_told_behind: false,
            has_told_description: false,
            ledger: Ledger::default(),
            filler: Filler::default(),
            packet: Vec::new(),
            duration: 0,
            pending: None,
            has_dropped: false,
            outside: None,
            has_ended: false,
            timeline: None,
        })
    }

    /// The head of the track, with the pre-skip that is applied: that of the edit list, if
    /// there is one.
    pub fn head(&self) -> &OpusHead {
        &self.head
    }

    /// The texts of the file as comments.
    pub fn tags(&self) -> &OpusTags {
        &self.tags
    }

    /// All tracks of the file, of whatever kind.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Which samples play; known once all packets have been read.
    pub fn timeline(&self) -> Option<Timeline> {
        self.timeline
    }

    /// Takes out what was found since the last call: the first 1,000, and how many more.
    pub fn findings(&mut self) -> impl Iterator<Item = Finding> {
        self.findings.drain()
    }

    /// The next packet; `None` at the end of the track.
    pub fn next_mp4_packet(&mut self) -> Result<Option<Mp4Packet<'_>>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        // Unless a packet is found, this was the last call that reads.
        self.has_ended = true;
        while self.pending.is_none() {
            if !self.read_sample()? {
                self.timeline = self.finish()?;
                return Ok(None);
            }
        }
        self.has_ended = false;
        if self.filler.has_more() {
            let packet = self.filler.next_packet();
            return Ok(packet.map(|Packet { data, duration }| {
                let position = self.ledger.lose(duration);
                Mp4Packet { data, duration, position, offset: None }
            }));
        }
        let (offset, duration) = (self.pending.take(), self.duration);
        let position = self.ledger.read(duration);
        Ok(Some(Mp4Packet { data: &self.packet, duration, position, offset }))
    }

    /// Takes in what the tables say next; false at the end.
    fn read_sample(&mut self) -> Result<bool, Error> {
        match self.samples.next(&mut self.input, &mut self.findings)? {
            Next::Sample(sample) => {
                self.tell_outside()?;
                if !self.take(sample)? {
                    self.has_dropped = true;
                }
            }
            Next::Outside { offset, count } => {
                self.has_dropped = true;
                let (first, before) = self.outside.unwrap_or((offset, 0));
                self.outside = Some((first, before.saturating_add(count)));
            }
            Next::NoBytes { offset, count } => {
                self.has_dropped = true;
                self.findings.report(offset, FindingKind::NoBytes { count })?;
            }
            Next::End => {
                self.tell_outside()?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn tell_outside(&mut self) -> Result<(), Error> {
        match self.outside.take() {
            Some((offset, count)) => self.findings.report(offset, FindingKind::Outside { count }),
            None => Ok(()),
        }
    }

    /// Makes a sample the packet that is next; false if it is dropped.
    fn take(&mut self, sample: Sample) -> Result<bool, Error> {
        if let Some(time) = sample.time {
            let is_first = self.clock.see(time, sample.duration);
            let samples = self.clock.origin();
            if is_first && samples > 0 {
                self.findings.report(sample.offset, FindingKind::StartsLater { samples })?;
            }
        } else {
            self.clock.pass();
        }
        if !self.is_readable(sample)? {
            return Ok(false);
        }
        let (offset, len) = (sample.offset, usize::try_from(sample.size).unwrap_or(usize::MAX));
        let end = self.input.len();
        let data = self.window.get(&mut self.input, offset, len, end)?;
        let duration = match self.head.packet_duration(data) {
            Ok(duration) => duration,
            Err(reason) => {
                let length = u64::from(sample.size);
                self.findings.report(offset, FindingKind::Packet { length, reason })?;
                return Ok(false);
            }
        };
        if let Some(time) = sample.time {
            self.keep_time(offset, time, duration)?;
        }
        // Only now, because what is lost is filled after the packet before.
        let data = self.window.get(&mut self.input, offset, len, end)?;
        self.packet.clear();
        self.packet.extend_from_slice(data);
        (self.duration, self.pending, self.has_dropped) = (duration, Some(offset), false);
        Ok(true)
    }

    /// Whether a sample may be read at all.
    fn is_readable(&mut self, sample: Sample) -> Result<bool, Error> {
        let Sample { offset, description: index, .. } = sample;
        let (length, limit) = (u64::from(sample.size), max_packet_len(&self.head));
        if !self.descriptions.is_usable(index) {
            if !self.has_told_description {
                self.findings.report(offset, FindingKind::Description { index })?;
            }
            self.has_told_description = true;
            return Ok(false);
        }
        if length > limit {
            self.findings.report(offset, FindingKind::PacketTooLong { length, limit })?;
            return Ok(false);
        }
        // A sample of no bytes overlaps none, and is refused as a packet.
        if length > 0 && !self.used.claim(offset, offset.saturating_add(length)) {
            self.overlapping = self.overlapping.saturating_add(length);
            if self.overlapping > self.input.len() {
                return Err(Error::Overlap { offset });
            }
            self.findings.report(offset, FindingKind::Overlap { length })?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Fills what is missing before a packet, by the times of the file.
    fn keep_time(&mut self, offset: u64, time: u64, duration: u32) -> Result<(), Error> {
        let position = self.ledger.position();
        match self.clock.lag(time, position.get(), duration) {
            Lag::None => Ok(()),
            Lag::Gap(samples) => {
                self.ledger.check_loss(offset, samples)?;
                self.filler = Filler::new(&self.packet, &self.head, samples);
                let is_inferred = !self.has_dropped;
                self.findings.report(offset, FindingKind::Gap { position, samples, is_inferred })
            }
            Lag::Drift(samples) => {
                self.findings.report(offset, FindingKind::Drift { position, samples })
            }
            Lag::Behind(_) if self.has_told_behind => Ok(()),
            Lag::Behind(samples) => {
                self.has_told_behind = true;
                self.findings.report(offset, FindingKind::Behind { position, samples })
            }
        }
    }

    fn finish(&mut self) -> Result<Option<Timeline>, Error> {
        let (mut end_trim, mut offset) = (0, self.input.len());
        if let Some(edit) = self.edit {
            offset = edit.offset;
            let (start, origin) = (u64::from(edit.start), self.clock.origin());
            let available = self.ledger.position().get().saturating_sub(start);
            // Where the recording goes on from an earlier file, so does the edit.
            let by_media = self.clock.media_len().map(|len| len.saturating_sub(start));
            let play = edit.play_length(by_media, origin);
            let play = play.map_or(available, |play| self.clock.without_drift(play));
            // Rounding is no fault.
            if play > available.saturating_add(48) {
                self.findings.report(offset, FindingKind::EditBeyondEnd { play, available })?;
            }
            end_trim = available.saturating_sub(play);
        } else if let Some(samples) = self.clock.shortened(self.duration) {
            self.findings.report(offset, FindingKind::ShortEnd { samples })?;
        }
        self.ledger.finish(&self.head, end_trim, offset, &mut self.findings)
    }
}

impl<R: Read + Seek> PacketSource for Mp4OpusReader<R> {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let packet = self.next_mp4_packet()?;
        Ok(packet.map(|Mp4Packet { data, duration, .. }| Packet { data, duration }))
    }
}

/// What is needed of the track that is read.
struct OpenTrack {
    descriptions: Descriptions,
    head: OpusHead,
    edit: Option<Edit>,
    samples: Samples,
    clock: Clock,
}

fn open_track<R: Read + Seek>(
    movie: &Movie,
    wanted: Option<u32>,
    input: &mut Input<R>,
    findings: &mut Findings,
) -> Result<OpenTrack, Error> {
    let boxes = movie.choose(wanted)?;
    let descriptions = match &boxes.descriptions {
        Some(descriptions) => Descriptions::read(descriptions, input, findings)?,
        None => None,
    };
    let descriptions = descriptions.ok_or_else(|| movie.no_opus())?;
    if boxes.timescale == 0 {
        findings.report(boxes.at.start, FindingKind::NoTimescale)?;
    }
    let edit = match &boxes.edits {
        Some(list) => Edit::read(list, movie.timescale, boxes.timescale, input, findings)?,
        None => None,
    };
    let head = apply_start(&descriptions, edit, findings)?;
    let table = SampleTable::new(boxes, input, findings)?;
    let track = boxes.track.id;
    let defaults = movie.defaults(track, input, findings)?;
    let samples = Samples::new(table, Fragments::new(movie.what_follows(input), track, defaults));
    Ok(OpenTrack { descriptions, head, edit, samples, clock: Clock::new(boxes.timescale) })
}

/// The head with the pre-skip of the edit list.
fn apply_start(
    descriptions: &Descriptions,
    edit: Option<Edit>,
    findings: &mut Findings,
) -> Result<OpusHead, Error> {
    let (head, offset) = (&descriptions.head, descriptions.offset);
    let pre_skip = head.pre_skip();
    let Some(Edit { start: edit, .. }) = edit.filter(|edit| edit.start != pre_skip) else {
        return Ok(head.clone());
    };
    findings.report(offset, FindingKind::PreSkip { edit, pre_skip })?;
    let applied = OpusHead::new(1, edit, head.input_sample_rate());
    let applied = applied.map_err(|reason| Error::Head { offset, reason })?;
    Ok(applied.with_mapping(head.mapping().clone()).with_output_gain(head.output_gain()))
}

/// More is no audio (RFC 7845 section 6).
fn max_packet_len(head: &OpusHead) -> u64 {
    (7680 * u64::from(head.mapping().streams().get())).max(61_440)
}

/// Bytes read at once: not much more than a chunk of audio between pictures.
const DATA_AHEAD: usize = 16 * 1024;
