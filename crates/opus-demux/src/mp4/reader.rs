use std::io::{Read, Seek};

use opus_packet::LocatedPacket;

use crate::{
    AudioFinding, Error,
    input::{Seekable, Window},
    mp4::{
        Finding, FindingKind, Track,
        clock::{Clock, Lag},
        edits::Edit,
        error::Reason,
        extents::Extents,
        finding::Findings,
        movie::Movie,
        open::{Which, choose, open_track, with_pre_skip},
        sample_entry::Descriptions,
        samples::{Next, Sample, Samples},
    },
    stream::{Stream, reader_api},
};

/// How to read: by default tolerantly, and the first Opus track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the first violation is an error. Otherwise it becomes a [`Finding`], and reading
    /// continues.
    pub strict: bool,
    /// The number of the track to read; `None` for the first Opus track with a usable head.
    pub track: Option<u32>,
}

impl Options {
    /// Sets whether the first violation is an error.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Sets the number of the track to read.
    #[must_use]
    pub fn track(self, id: u32) -> Self {
        Self { track: Some(id), ..self }
    }
}

/// Reads the packets of one Opus track of an MP4 file in constant memory, together with its
/// tables.
///
/// [`head`](Self::head) has the pre-skip that applies: that of the edit list, if there is one.
#[derive(Debug)]
pub struct Mp4OpusReader<R> {
    input: Seekable<R>,
    tracks: Vec<Track>,
    usable_tracks: usize,
    descriptions: Descriptions,
    edit: Option<Edit>,
    samples: Samples,
    window: Window,
    used: Extents,
    overlapping: u64,
    clock: Clock,
    has_reported_behind: bool,
    has_reported_description: bool,
    /// Where the last valid packet lies, until it is returned.
    pending: Option<u64>,
    /// Whether a sample was dropped since the last packet.
    has_dropped: bool,
    /// Samples beyond the end of the file: the first one, and how many follow in a row.
    outside: Option<(u64, u64)>,
    /// Samples of packets that were dropped before the first one.
    dropped: u64,
    stream: Stream<FindingKind>,
}

reader_api!(Mp4OpusReader<R: Read + Seek>);

impl<R: Read + Seek> Mp4OpusReader<R> {
    /// Reads everything before the packets. `inner` needs no `BufReader`.
    ///
    /// # Errors
    ///
    /// The file is not MP4, has no readable Opus track, or `inner` failed.
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
        let which = options.track.map_or(Which::Nth(0), Which::Number);
        Self::open(Seekable::new(inner)?, options.strict, which)
    }

    /// Reads one of the Opus tracks with a usable head, counted from 0.
    pub(crate) fn nth(inner: R, strict: bool, track: usize) -> Result<Self, Error> {
        Self::open(Seekable::new(inner)?, strict, Which::Nth(track))
    }

    fn open(input: Seekable<R>, strict: bool, which: Which) -> Result<Self, Error> {
        let (mut reader, late_start) = Self::open_edited(input, strict, which, true)?;
        match late_start {
            Some(start) if !reader.skip_to(start)? => {
                let (mut reader, _) = Self::open_edited(reader.input, strict, which, false)?;
                reader.stream.report(0, FindingKind::EditAfterEnd { start })?;
                Ok(reader)
            }
            _ => Ok(reader),
        }
    }

    /// Opens a track, with or without its edit list. Returns where the edit begins, if that is later
    /// than a pre-skip can be.
    fn open_edited(
        mut input: Seekable<R>,
        strict: bool,
        which: Which,
        is_edited: bool,
    ) -> Result<(Self, Option<u64>), Error> {
        let mut findings = Findings::new(strict);
        let movie = Movie::read(&mut input, &mut findings)?;
        let chosen = choose(&movie, which, &mut input, &mut findings)?;
        let track = open_track(&movie, &chosen, is_edited, &mut input, &mut findings)?;
        let reader = Self {
            input,
            tracks: movie.tracks(),
            usable_tracks: chosen.usable,
            descriptions: track.descriptions,
            edit: track.edit,
            samples: track.samples,
            window: Window::new(DATA_AHEAD),
            used: Extents::default(),
            overlapping: 0,
            clock: track.clock,
            has_reported_behind: false,
            has_reported_description: false,
            pending: None,
            has_dropped: false,
            outside: None,
            dropped: 0,
            stream: Stream::new(track.head, movie.tags, findings),
        };
        Ok((reader, track.late_start))
    }

    /// Drops packets until a pre-skip can reach the sample that plays first. The packets that are
    /// left before it prepare a decoder. Returns false if the media ends before.
    fn skip_to(&mut self, start: u64) -> Result<bool, Error> {
        let pre_skip = loop {
            let position = self.stream.ledger.position().get().saturating_add(self.clock.origin());
            if let Ok(pre_skip) = u16::try_from(start.saturating_sub(position)) {
                break pre_skip;
            }
            if self.stream.is_concealing() {
                self.stream.concealed();
            } else if self.pending.take().is_some() {
                self.stream.located();
            } else if !self.read_sample()? {
                return Ok(false);
            }
        };
        let offset = self.edit.map_or(0, |edit| edit.offset);
        let head = with_pre_skip(&self.stream.head, pre_skip);
        let head = head.map_err(|reason| Error::at(offset, reason))?;
        self.dropped = self.stream.ledger.position().get();
        self.stream.restart(head);
        // What is lost among the dropped packets does not concern anyone.
        let findings: Vec<_> = self.stream.findings.drain().collect();
        for finding in findings {
            if !matches!(finding.kind, FindingKind::Audio(AudioFinding::Gap(_))) {
                self.stream.report(finding.offset, finding.kind)?;
            }
        }
        let dropped = self.dropped;
        self.stream.report(offset, FindingKind::EditStart { start, dropped })?;
        Ok(true)
    }

    /// All tracks of the file, of any kind.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The number of Opus tracks with a usable head.
    pub(crate) fn usable_tracks(&self) -> usize {
        self.usable_tracks
    }

    /// The next packet and where it lies; `None` at the end of the track.
    ///
    /// # Errors
    ///
    /// Reading failed, the sample table is impossible, or more audio is lost than a recording
    /// can lack. A strict reader also returns the first violation.
    pub fn next_located(&mut self) -> Result<Option<LocatedPacket<'_>>, Error> {
        if !self.stream.begin() {
            return Ok(None);
        }
        while self.pending.is_none() {
            if !self.read_sample()? {
                self.finish()?;
                return Ok(None);
            }
        }
        if self.stream.is_concealing() {
            return Ok(self.stream.concealed());
        }
        let offset = self.pending.take();
        Ok(offset.map(|offset| self.stream.located().at(offset)))
    }

    /// Reads the next item of the tables. Returns false at the end.
    fn read_sample(&mut self) -> Result<bool, Error> {
        match self.samples.next(&mut self.input, &mut self.stream.findings)? {
            Next::Sample(sample) => {
                self.report_outside()?;
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
                self.stream.report(offset, FindingKind::NoBytes { count })?;
            }
            Next::End => {
                self.report_outside()?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn report_outside(&mut self) -> Result<(), Error> {
        match self.outside.take() {
            Some((offset, count)) => self.stream.report(offset, FindingKind::Outside { count }),
            None => Ok(()),
        }
    }

    /// Makes a sample the next packet. Returns false if it is dropped.
    fn take(&mut self, sample: Sample) -> Result<bool, Error> {
        if let Some(time) = sample.time {
            let is_first = self.clock.see(time, sample.duration);
            let samples = self.clock.origin();
            if is_first && samples > 0 {
                self.stream.report(sample.offset, FindingKind::StartsLater { samples })?;
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
        let duration = match self.stream.head.packet_duration(data) {
            Ok(duration) => duration,
            Err(reason) => {
                self.stream.drop_invalid(offset, u64::from(sample.size), reason)?;
                return Ok(false);
            }
        };
        if let Some(time) = sample.time {
            self.keep_time(offset, time, duration)?;
        }
        // Concealment continues the packet before, so this one replaces it only now.
        let data = self.window.get(&mut self.input, offset, len, end)?;
        self.stream.keep_valid(data, duration);
        (self.pending, self.has_dropped) = (Some(offset), false);
        Ok(true)
    }

    /// Returns whether a sample may be read at all.
    fn is_readable(&mut self, sample: Sample) -> Result<bool, Error> {
        let Sample { offset, description: index, .. } = sample;
        let length = u64::from(sample.size);
        if !self.descriptions.is_usable(index) {
            if !self.has_reported_description {
                self.stream.report(offset, FindingKind::Description { index })?;
            }
            self.has_reported_description = true;
            return Ok(false);
        }
        if !self.stream.allows(offset, length)? {
            return Ok(false);
        }
        // An empty sample overlaps none, and is not a valid packet.
        if length > 0 && !self.used.claim(offset, offset.saturating_add(length)) {
            self.overlapping = self.overlapping.saturating_add(length);
            if self.overlapping > self.input.len() {
                return Err(Error::at(offset, Reason::Overlap));
            }
            self.stream.report(offset, FindingKind::Overlap { length })?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Conceals audio that is missing before a packet, according to the times of the file.
    fn keep_time(&mut self, offset: u64, time: u64, duration: u32) -> Result<(), Error> {
        let position = self.stream.ledger.position();
        match self.clock.lag(time, position.get().saturating_add(self.dropped), duration) {
            Lag::None => Ok(()),
            Lag::Gap(samples) => self.stream.lose(offset, samples, !self.has_dropped),
            Lag::Drift(samples) => {
                self.stream.report(offset, AudioFinding::Drift { position, samples })
            }
            Lag::Behind(_) if self.has_reported_behind => Ok(()),
            Lag::Behind(samples) => {
                self.has_reported_behind = true;
                self.stream.report(offset, FindingKind::Behind { position, samples })
            }
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        let end = self.stream.ledger.position().get().saturating_add(self.dropped);
        let (mut end_trim, mut offset) = (0, self.input.len());
        if let Some(edit) = self.edit {
            offset = edit.offset;
            let origin = self.clock.origin();
            // Usually that of the edit.
            let first = self.dropped.saturating_add(self.stream.head.pre_skip().into());
            let start = first.min(edit.start);
            let available = end.saturating_sub(start);
            // If the recording continues an earlier file, so does its edit.
            let by_media = self.clock.media_len().map(|len| len.saturating_sub(start));
            let play = edit.play_length(by_media, origin);
            let play = play.map_or(available, |play| self.clock.without_drift(play));
            // Tolerates rounding.
            if play > available.saturating_add(48) {
                self.stream.report(offset, FindingKind::EditBeyondEnd { play, available })?;
            }
            end_trim = available.saturating_sub(play);
        } else if let Some(samples) = self.clock.shortened(self.stream.duration()) {
            // Opus in ISOBMFF section 4.3.4: the last duration may be shorter than its packet.
            if samples < u64::from(self.stream.duration()) {
                end_trim = samples;
            } else {
                self.stream.report(offset, FindingKind::ShortEnd { samples })?;
            }
        }
        self.stream.finish(offset, end_trim)
    }
}

/// Bytes read at a time: not much more than a chunk of audio between pictures.
const DATA_AHEAD: usize = 16 * 1024;
