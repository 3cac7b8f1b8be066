//! Reads the frames of FLAC files, whatever lies between and after them. symphonia drops a frame along
//! with bytes after it that are not another frame.

use std::io::{self, Cursor, Read};

use super::{
    flac_blocks,
    flac_file::StreamInfo,
    flac_frame::{self, Body, Header},
};

/// The next event in a file.
#[derive(Debug)]
pub(crate) enum Event {
    Frame {
        bytes: Box<[u8]>,
        /// Of the first sample, counted from where the file begins to play.
        position: u64,
        /// Samples per channel.
        samples: u32,
    },
    /// Other bytes before a frame that follows the last one.
    Skipped(u64),
    /// Another file of the same format begins.
    Stream(StreamInfo),
    /// Bytes after the last frame that are not a tag.
    Trailing(u64),
    /// The last frame is incomplete or damaged.
    BrokenOff,
    End,
}

/// The frames of a file, and of files of the same format that follow it.
pub(crate) struct Frames {
    window: Window,
    info: StreamInfo,
    /// The first frame.
    first: Option<Header>,
    /// The position at which the file begins to play.
    origin: Option<u64>,
    /// The position after the last frame.
    next: u64,
    skipped: Skipped,
    /// How many more bytes may be parsed.
    budget: usize,
    /// How many more gaps may be doubted.
    doubts: u32,
    ready: Option<Event>,
}

impl Frames {
    /// Reads from the first byte after the metadata.
    pub(crate) fn new(source: impl Read + Send + Sync + 'static, info: StreamInfo) -> Self {
        Self {
            window: Window { source: Box::new(source), bytes: Vec::new(), at: 0 },
            // A file without a total may be the later part of a stream.
            origin: info.total.map(|_| 0),
            info,
            first: None,
            next: 0,
            skipped: Skipped::default(),
            budget: MAX_PARSED,
            doubts: MAX_DOUBTS,
            ready: None,
        }
    }

    pub(crate) fn next(&mut self) -> io::Result<Event> {
        if let Some(event) = self.ready.take() {
            return Ok(event);
        }
        while !self.window.fill(MAX_HEADER)?.is_empty() {
            if let Some((header, len)) = self.frame()? {
                return Ok(self.take_frame(&header, len));
            }
            if let Some((info, len)) = self.stream()? {
                return Ok(self.take_stream(info, len));
            }
            self.skip()?;
        }
        Ok(self.end())
    }

    /// Returns the frame at the start of the window and its length.
    fn frame(&mut self) -> io::Result<Option<(Header, usize)>> {
        loop {
            let bytes = self.window.rest();
            let header = flac_frame::header(bytes).filter(|header| self.is_next(header));
            let Some(header) = header else { return Ok(None) };
            match flac_frame::body(bytes, &header, self.info.bits, &mut self.budget) {
                Body::Whole(len) if self.is_early(&header, len)? => return Ok(None),
                Body::Whole(len) => return Ok(Some((header, len))),
                Body::Open if self.window.grow()? => {}
                Body::Open | Body::Damaged => return Ok(None),
            }
        }
    }

    /// Returns whether a frame with this header can come next. Others are left from other files, or
    /// look like a frame by chance.
    fn is_next(&self, header: &Header) -> bool {
        let position = self.position(header);
        let is_in_file = self.info.total.is_none_or(|total| position < total);
        let max_gap = u64::from(self.info.rate) * MAX_GAP_SECONDS;
        self.is_ours(header)
            && match self.origin {
                None => true,
                Some(_) if position <= self.next => position == self.next,
                Some(_) => is_in_file && position - self.next <= max_gap,
            }
    }

    /// Returns whether an earlier frame follows this one, which then is a copy in the wrong place.
    fn is_early(&mut self, header: &Header, len: usize) -> io::Result<bool> {
        let position = self.position(header);
        if self.origin.is_none() || position == self.next || self.doubts == 0 {
            return Ok(false);
        }
        self.doubts -= 1;
        self.window.fill(len + MAX_DISPLACED)?;
        let after = self.window.rest().get(len..).unwrap_or_default();
        let mut budget = self.budget;
        let found = (0..after.len().min(MAX_DISPLACED)).any(|at| {
            let bytes = after.get(at..).unwrap_or_default();
            let is_earlier = |one: &Header| self.is_next(one) && self.position(one) < position;
            flac_frame::header(bytes).filter(is_earlier).is_some_and(|one| {
                let body = flac_frame::body(bytes, &one, self.info.bits, &mut budget);
                matches!(body, Body::Whole(_))
            })
        });
        self.budget = budget;
        Ok(found)
    }

    fn is_ours(&self, header: &Header) -> bool {
        let max_block = self.info.max_block.into();
        self.first.is_none_or(|first| header.is_of_stream(&first, max_block))
    }

    fn position(&self, header: &Header) -> u64 {
        let StreamInfo { min_block, max_block, .. } = self.info;
        let stated = (min_block == max_block).then_some(min_block.into());
        let block = stated.unwrap_or(self.first.as_ref().unwrap_or(header).block);
        header.position(block)
    }

    fn take_frame(&mut self, header: &Header, len: usize) -> Event {
        let position = self.position(header);
        let is_gap = self.origin.is_some() && position > self.next;
        let origin = *self.origin.get_or_insert(position);
        self.first.get_or_insert(*header);
        self.next = position.saturating_add(header.block.into());
        let frame = Event::Frame {
            bytes: self.window.rest().get(..len).unwrap_or_default().into(),
            position: position - origin,
            samples: header.block,
        };
        self.consume(len);
        let skipped = std::mem::take(&mut self.skipped).bytes;
        if skipped == 0 || is_gap {
            return frame;
        }
        self.ready = Some(frame);
        Event::Skipped(skipped)
    }

    /// Returns the metadata of a file of the same format at the start of the window, and its length.
    fn stream(&mut self) -> io::Result<Option<(StreamInfo, usize)>> {
        while self.window.rest().starts_with(MARKER) && self.budget > 0 {
            let bytes = self.window.rest();
            self.budget = self.budget.saturating_sub(bytes.len());
            let blocks = flac_blocks::read(&mut Cursor::new(bytes), MARKER_LEN)?;
            let Some(info) = blocks.info.filter(|info| self.is_alike(info)) else { break };
            let end = blocks.end.and_then(|end| usize::try_from(end).ok());
            if let Some(end) = end.filter(|end| *end <= bytes.len()) {
                return Ok(Some((info, end)));
            }
            if !self.window.grow()? {
                break;
            }
        }
        Ok(None)
    }

    fn is_alike(&self, other: &StreamInfo) -> bool {
        let format = |info: &StreamInfo| (info.rate, info.channels, info.bits);
        format(other) == format(&self.info)
    }

    fn take_stream(&mut self, mut info: StreamInfo, len: usize) -> Event {
        self.consume(len);
        info.complete(flac_frame::header(self.window.rest()).as_ref());
        (self.first, self.next, self.origin) = (None, 0, info.total.map(|_| 0));
        self.info = info.clone();
        let Skipped { bytes, kind } = std::mem::take(&mut self.skipped);
        let stream = Event::Stream(info);
        match kind {
            Some(Kind::Frame | Kind::Other) => {
                self.ready = Some(stream);
                Event::Skipped(bytes)
            }
            Some(Kind::Tag) | None => stream,
        }
    }

    /// Skips bytes that are not a frame, up to the next that may begin one.
    fn skip(&mut self) -> io::Result<()> {
        let bytes = self.window.rest();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let step = match zeros {
            0 => {
                let kind = self.skipped.kind.unwrap_or_else(|| self.kind(bytes));
                self.skipped.kind = Some(kind);
                let may_begin = |byte: &u8| matches!(byte, 0xff | b'f');
                let next = bytes.iter().skip(1).position(may_begin);
                next.map_or(bytes.len(), |next| next + 1)
            }
            zeros => zeros,
        };
        self.skipped.bytes += u64::try_from(step).unwrap_or(0);
        self.consume(step);
        Ok(())
    }

    fn kind(&self, bytes: &[u8]) -> Kind {
        if flac_frame::header(bytes).is_some_and(|header| self.is_next(&header)) {
            Kind::Frame
        } else if TAGS.iter().any(|tag| bytes.starts_with(tag)) {
            Kind::Tag
        } else {
            Kind::Other
        }
    }

    fn consume(&mut self, len: usize) {
        self.window.at += len;
        self.budget = self.budget.saturating_add(PARSED_PER_BYTE * len).min(MAX_PARSED);
    }

    fn end(&mut self) -> Event {
        let Skipped { bytes, kind } = std::mem::take(&mut self.skipped);
        match kind {
            Some(Kind::Frame) => Event::BrokenOff,
            Some(Kind::Other) => {
                self.ready = Some(Event::End);
                Event::Trailing(bytes)
            }
            Some(Kind::Tag) | None => Event::End,
        }
    }
}

/// Bytes since the last frame.
#[derive(Debug, Default)]
struct Skipped {
    bytes: u64,
    /// What they begin with, zeros aside.
    kind: Option<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The header of a frame that may come next.
    Frame,
    Tag,
    Other,
}

/// A part of a file.
struct Window {
    source: Box<dyn Read + Send + Sync>,
    bytes: Vec<u8>,
    /// How many bytes are consumed.
    at: usize,
}

impl Window {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Returns the rest after reading until it has `len` bytes or the file ends.
    fn fill(&mut self, len: usize) -> io::Result<&[u8]> {
        let missing = len.saturating_sub(self.rest().len());
        if missing > 0 {
            self.read(missing.max(MIN_WINDOW))?;
        }
        Ok(self.rest())
    }

    /// Doubles the rest; returns whether there was more to read.
    fn grow(&mut self) -> io::Result<bool> {
        let len = self.rest().len();
        let more = len.max(MIN_WINDOW).min(MAX_WINDOW.saturating_sub(len));
        Ok(self.read(more)? > 0)
    }

    fn read(&mut self, count: usize) -> io::Result<usize> {
        self.bytes.drain(..self.at.min(self.bytes.len()));
        self.at = 0;
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.source.by_ref().take(count).read_to_end(&mut self.bytes)
    }
}

const MARKER: &[u8] = b"fLaC";
const MARKER_LEN: u64 = 4;
/// Tags that programs append.
const TAGS: [&[u8]; 4] = [b"TAG", b"APETAGEX", b"ID3", b"LYRICSBEGIN"];
const MAX_HEADER: usize = 16;
/// Holds a frame of most files.
const MIN_WINDOW: usize = 128 << 10;
/// Longer than the longest frame or picture (RFC 9639 sections 8.1 and 9).
const MAX_WINDOW: usize = 32 << 20;
/// Bytes of possible frames, in advance and for each byte of the file.
const MAX_PARSED: usize = 64 << 20;
const PARSED_PER_BYTE: usize = 8;
/// How far behind a copy of later frames to look for earlier ones, and how often.
const MAX_DISPLACED: usize = 1 << 20;
const MAX_DOUBTS: u32 = 4096;
/// A frame this much later is not of the same recording.
const MAX_GAP_SECONDS: u64 = 24 * 3600;
