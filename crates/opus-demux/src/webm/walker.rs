//! Walks over the elements of a file. At most Segment, Cluster and BlockGroup are open at a
//! time, so it needs no recursion.

use std::{io::Read, mem};

use opus_packet::wide;

use crate::{
    Error,
    input::Forward,
    webm::{
        FindingKind,
        ebml::{Element, Header, MAX_HEADER_LEN, NoHeader, signed, unsigned},
        finding::Findings,
        ids,
        resync::{MAX_PEEK, find_document, find_start, starts_document},
    },
};

mod data;
mod document;

#[derive(Debug)]
pub(crate) struct Walker<R> {
    input: Forward<R>,
    /// The data of the last element that was read.
    payload: Vec<u8>,
    /// Byte position of the payload.
    payload_offset: u64,
    /// The end of the Segment, if it states its size.
    segment_end: Option<u64>,
    /// Whether the Segment has ended.
    is_after_segment: bool,
    cluster: Option<Cluster>,
    /// Timestamp of the Cluster before.
    last_timestamp: Option<u64>,
    group: Option<Group>,
    /// `None` while headers are read.
    track: Option<u64>,
    /// Bytes of Info, Tracks and Tags that may still be kept in memory.
    room_for_headers: usize,
    /// Whether the document has ended.
    is_over: bool,
    /// Whether it ended because another one begins here.
    has_next: bool,
    /// Whether the document is the first of the file.
    is_first: bool,
    pub(crate) findings: Findings,
}

#[derive(Clone, Copy, Debug)]
struct Cluster {
    end: Option<u64>,
    timestamp: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    end: u64,
    block: Option<Block>,
    discard: Option<Discard>,
}

/// A block of the track, whose bytes are the payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// Byte position of the element.
    pub(crate) offset: u64,
    pub(crate) cluster_timestamp: Option<u64>,
    pub(crate) discard: Option<Discard>,
}

/// A DiscardPadding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Discard {
    pub(crate) offset: u64,
    pub(crate) nanoseconds: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// Info, Tracks or Tags, whose data is the payload.
    Header(u32),
    /// A Cluster begins.
    Cluster,
    Block(Block),
    End,
}

/// An element header and its position.
#[derive(Clone, Copy)]
struct Place {
    id: u32,
    offset: u64,
    header_len: u64,
    /// Size of the data, or 0 if unknown.
    size: u64,
    end: Option<u64>,
}

impl<R: Read> Walker<R> {
    pub(crate) fn new(inner: R, findings: Findings) -> Self {
        Self {
            input: Forward::new(inner, CAPACITY),
            payload: Vec::new(),
            payload_offset: 0,
            segment_end: None,
            is_after_segment: false,
            cluster: None,
            last_timestamp: None,
            group: None,
            track: None,
            room_for_headers: MAX_HEADERS_LEN,
            is_over: false,
            has_next: false,
            is_first: true,
            findings,
        }
    }

    /// Byte position up to which the file was read.
    pub(crate) fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// The data of the last block.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Takes the data of the last block and its byte position, in exchange for a buffer.
    pub(crate) fn take_payload(&mut self, buffer: Vec<u8>) -> (Vec<u8>, u64) {
        (mem::replace(&mut self.payload, buffer), self.payload_offset)
    }

    /// The data of the last element that was read.
    pub(crate) fn element(&mut self, id: u32) -> (Element<'_>, &mut Findings) {
        (Element { id, data: &self.payload, offset: self.payload_offset }, &mut self.findings)
    }

    /// Returns the blocks of this track from now on.
    pub(crate) fn follow(&mut self, track: u64) {
        self.track = Some(track);
    }

    pub(crate) fn next_event(&mut self) -> Result<Event, Error> {
        while !self.is_over {
            if let Some(event) = self.step()? {
                return Ok(event);
            }
        }
        // The file may end inside a group after its block.
        Ok(self.close_group().unwrap_or(Event::End))
    }

    /// Reads one element or its header. Always advances in the file, closes an element, or ends.
    fn step(&mut self) -> Result<Option<Event>, Error> {
        let offset = self.input.offset();
        if self.group.is_some_and(|group| offset >= group.end) {
            return Ok(self.close_group());
        }
        if self.cluster.and_then(|cluster| cluster.end).is_some_and(|end| offset >= end) {
            self.end_cluster();
        }
        if self.cluster.is_none() && self.segment_end.is_some_and(|end| offset >= end) {
            self.segment_end = None;
            self.is_after_segment = true;
        }
        let bytes = self.input.peek(MAX_HEADER_LEN + MAX_PEEK)?;
        if bytes.is_empty() {
            return self.end_of_input();
        }
        if starts_document(bytes) {
            return self.document_begins();
        }
        match Header::parse(bytes) {
            Ok(Header { id, len, .. })
                if find_document(bytes.get(1..).unwrap_or_default(), usize::from(len) - 1)
                    .is_some() =>
            {
                self.header_is_cut(id)
            }
            Ok(header) => self.element_begins(header),
            Err(NoHeader::Incomplete) if self.is_after_segment => self.trailing_bytes(),
            Err(NoHeader::Incomplete) => {
                let len = wide(bytes.len());
                self.input.skip(len)?;
                self.truncated(offset, self.innermost())?;
                Ok(None)
            }
            Err(NoHeader::InvalidId(byte)) => self.damage(FindingKind::InvalidId { byte }),
            Err(NoHeader::InvalidSize(id)) => self.damage(FindingKind::InvalidSize { id }),
        }
    }

    fn element_begins(&mut self, header: Header) -> Result<Option<Event>, Error> {
        let Header { id, size, len } = header;
        let (offset, header_len) = (self.input.offset(), u64::from(len));
        if size.is_none() && !matches!(id, ids::SEGMENT | ids::CLUSTER) {
            return self.damage(FindingKind::UnknownSize { id });
        }
        // Sizes are below 2^56.
        let end = size.map(|size| offset.saturating_add(header_len + size));
        let place = Place { id, offset, header_len, size: size.unwrap_or_default(), end };
        if ids::is_above_cluster(id) && self.cluster.is_some() {
            return self.parent_ends(place);
        }
        if let (Some(end), Some(parent_end)) = (end, self.parent_end())
            && end > parent_end
        {
            return self.beyond_parent(place, parent_end);
        }
        if self.group.is_some() {
            self.in_group(place)
        } else if self.cluster.is_some() {
            self.in_cluster(place)
        } else {
            self.in_segment(place)
        }
    }

    fn in_group(&mut self, place: Place) -> Result<Option<Event>, Error> {
        match place.id {
            ids::BLOCK if self.group.is_some_and(|group| group.block.is_some()) => {
                self.findings.report(place.offset, FindingKind::ExtraBlock)?;
                self.skip(place)
            }
            ids::BLOCK if self.is_too_long(place)? => self.block_too_long(place),
            ids::BLOCK => {
                let block = self.read_block(place)?;
                if let Some(group) = &mut self.group {
                    group.block = block;
                }
                Ok(None)
            }
            ids::DISCARD_PADDING => {
                let offset = place.offset;
                let discard = self.read_number(place, signed)?;
                if let (Some(group), Some(nanoseconds)) = (&mut self.group, discard) {
                    group.discard = Some(Discard { offset, nanoseconds });
                }
                Ok(None)
            }
            _ => self.skip(place),
        }
    }

    fn in_cluster(&mut self, place: Place) -> Result<Option<Event>, Error> {
        match place.id {
            ids::TIMESTAMP => {
                let timestamp = self.read_number(place, unsigned)?;
                if let Some(cluster) = &mut self.cluster {
                    cluster.timestamp = timestamp;
                }
                Ok(None)
            }
            ids::SIMPLE_BLOCK if self.is_too_long(place)? => self.block_too_long(place),
            ids::SIMPLE_BLOCK => Ok(self.read_block(place)?.map(Event::Block)),
            ids::BLOCK_GROUP => {
                let end = place.end.unwrap_or(u64::MAX);
                self.group = Some(Group { end, block: None, discard: None });
                self.input.skip(place.header_len)?;
                Ok(None)
            }
            id if ids::is_child_of_cluster(id) => self.skip(place),
            _ => self.skip_unknown(place),
        }
    }

    fn in_segment(&mut self, place: Place) -> Result<Option<Event>, Error> {
        match place.id {
            ids::SEGMENT => {
                self.findings.report(place.offset, FindingKind::SecondSegment)?;
                self.document_begins()
            }
            ids::EBML => {
                self.damage(FindingKind::UnexpectedElement { id: place.id, size: place.size })
            }
            ids::VOID | ids::CRC_32 => self.skip(place),
            id if ids::is_child_of_segment(id) => self.child_of_segment(place),
            _ if self.is_after_segment => self.trailing_bytes(),
            // The Cluster before states too small a size.
            id @ (ids::SIMPLE_BLOCK | ids::BLOCK_GROUP) if self.track.is_some() => {
                self.findings.report(place.offset, FindingKind::OutsideCluster { id })?;
                self.cluster = Some(Cluster { end: None, timestamp: self.last_timestamp });
                Ok(None)
            }
            _ => self.skip_unknown(place),
        }
    }

    fn child_of_segment(&mut self, place: Place) -> Result<Option<Event>, Error> {
        if mem::take(&mut self.is_after_segment) {
            self.findings.report(place.offset, FindingKind::AfterSegment { id: place.id })?;
        }
        match place.id {
            ids::CLUSTER => {
                self.cluster = Some(Cluster { end: place.end, timestamp: None });
                self.input.skip(place.header_len)?;
                Ok(self.track.is_none().then_some(Event::Cluster))
            }
            ids::TRACKS if self.track.is_none() => self.read_header(place),
            // Skipped rather than refused if they are too long.
            ids::INFO | ids::TAGS
                if self.track.is_none() && place.size <= wide(self.room_for_headers) =>
            {
                self.read_header(place)
            }
            _ => self.skip(place),
        }
    }

    fn read_header(&mut self, place: Place) -> Result<Option<Event>, Error> {
        let is_complete = self.read_payload(place, self.room_for_headers)?;
        self.room_for_headers -= self.payload.len();
        Ok(is_complete.then_some(Event::Header(place.id)))
    }

    /// Ends a Cluster where an element begins that cannot lie in it. This is how a Cluster of
    /// unknown size ends.
    fn parent_ends(&mut self, place: Place) -> Result<Option<Event>, Error> {
        let Place { id, offset, .. } = place;
        let is_known = self.cluster.is_some_and(|cluster| cluster.end.is_some());
        if is_known || self.group.is_some() {
            let parent = self.innermost();
            self.findings.report(offset, FindingKind::ParentNotEnded { id, parent })?;
        }
        self.end_cluster();
        Ok(self.close_group())
    }

    fn end_cluster(&mut self) {
        self.last_timestamp = self.cluster.take().and_then(|cluster| cluster.timestamp);
    }

    fn beyond_parent(&mut self, place: Place, parent_end: u64) -> Result<Option<Event>, Error> {
        let Place { id, size, .. } = place;
        let kind = FindingKind::BeyondParent { id, size, parent_end };
        if ids::is_child_of_segment(id) {
            // Interrupted writers leave a Segment with too small a size.
            self.findings.report(place.offset, kind)?;
            self.segment_end = None;
            return Ok(None);
        }
        self.damage(kind)
    }

    fn parent_end(&self) -> Option<u64> {
        match (self.group, self.cluster) {
            (Some(group), _) => Some(group.end),
            (None, Some(cluster)) => cluster.end,
            (None, None) => self.segment_end,
        }
    }

    fn innermost(&self) -> u32 {
        match (self.group, self.cluster) {
            (Some(_), _) => ids::BLOCK_GROUP,
            (None, Some(_)) => ids::CLUSTER,
            (None, None) => ids::SEGMENT,
        }
    }

    fn close_group(&mut self) -> Option<Event> {
        let Group { block, discard, .. } = self.group.take()?;
        Some(Event::Block(Block { discard, ..block? }))
    }

    fn skip(&mut self, place: Place) -> Result<Option<Event>, Error> {
        let len = place.header_len + place.size;
        if place.id != ids::ATTACHMENTS {
            self.advance(place, len, false)?;
        } else if !self.input.skip(len)? {
            // An attached file may be Matroska too.
            self.truncated(place.offset, place.id)?;
        }
        Ok(None)
    }

    /// Skips an element that Matroska does not define. A long one is more likely a damaged size.
    fn skip_unknown(&mut self, place: Place) -> Result<Option<Event>, Error> {
        let Place { id, size, .. } = place;
        if size > MAX_UNKNOWN_LEN {
            return self.damage(FindingKind::UnexpectedElement { id, size });
        }
        self.skip(place)
    }

    fn end_of_input(&mut self) -> Result<Option<Event>, Error> {
        let offset = self.input.offset();
        let is_incomplete = self.is_incomplete();
        self.is_over = true;
        if is_incomplete {
            self.truncated(offset, self.innermost())?;
        }
        Ok(None)
    }

    /// Ends the file inside this element.
    fn truncated(&mut self, offset: u64, id: u32) -> Result<(), Error> {
        self.is_over = true;
        Ok(self.findings.report(offset, FindingKind::Truncated { id })?)
    }

    /// Skips damage at the current position up to the next Cluster.
    fn damage(&mut self, kind: FindingKind) -> Result<Option<Event>, Error> {
        if self.is_after_segment {
            return self.trailing_bytes();
        }
        let from = self.input.offset();
        self.findings.report(from, kind)?;
        let block = self.close_group();
        self.cluster = None;
        self.input.skip(1)?;
        let found = find_start(&mut self.input, self.track.is_none())?;
        self.is_over = !found;
        let skipped = self.input.offset() - from;
        self.findings.report(from, FindingKind::Resynchronised { skipped, found })?;
        Ok(block)
    }
}

/// Far more than an Opus block of the most frames and streams in use.
const MAX_BLOCK_LEN: usize = 4 * 1024 * 1024;
const MAX_HEADERS_LEN: usize = 4 * 1024 * 1024;
const MAX_UNKNOWN_LEN: u64 = 1024 * 1024;
/// Few system calls. Fuzzing uses a buffer so small that elements often cross its end.
const CAPACITY: usize = if cfg!(fuzzing) { 2 * MAX_PEEK } else { 64 * 1024 };
