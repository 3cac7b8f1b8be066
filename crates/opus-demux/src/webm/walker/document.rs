//! Documents: where they begin and end. A file may hold several in a row (RFC 8794 section 3).

use std::{io::Read, mem};

use super::{Event, MAX_HEADERS_LEN, Place, Walker};
use crate::{
    Error,
    webm::{
        FindingKind,
        ebml::{Element, Header, MAX_HEADER_LEN},
        error::Reason,
        ids,
        resync::{MAX_EBML_HEADER_LEN, Stop, advance},
    },
};

impl<R: Read> Walker<R> {
    /// Moves to the next document of the file, past the rest of this one; false if there is none.
    pub(crate) fn next_document(&mut self) -> Result<bool, Error> {
        // No block has this number, so all are skipped.
        self.track = Some(u64::MAX);
        while !self.is_over {
            self.step()?;
        }
        (self.segment_end, self.is_after_segment) = (None, false);
        (self.cluster, self.last_timestamp, self.group) = (None, None, None);
        self.track = None;
        self.room_for_headers = MAX_HEADERS_LEN;
        let has_next = mem::take(&mut self.has_next);
        self.is_over = !has_next;
        self.is_first &= !has_next;
        Ok(has_next)
    }

    /// Whether the document is the first of the file.
    pub(crate) fn is_first(&self) -> bool {
        self.is_first
    }

    /// Returns whether a Segment begins here, without an EBML header.
    pub(crate) fn is_at_segment(&mut self) -> Result<bool, Error> {
        Ok(self.input.peek(MAX_HEADER_LEN)?.starts_with(&ids::SEGMENT.to_be_bytes()))
    }

    /// Reads the EBML header at the start of a document.
    pub(crate) fn read_ebml_header(&mut self) -> Result<Element<'_>, Error> {
        let offset = self.input.offset();
        let header = Header::parse(self.input.peek(MAX_HEADER_LEN)?);
        let Ok(Header { id: ids::EBML, size: Some(size), len }) = header else {
            return Err(Error::at(offset, Reason::NotEbml));
        };
        let place = Place { id: ids::EBML, offset, header_len: u64::from(len), size, end: None };
        let limit = usize::try_from(MAX_EBML_HEADER_LEN).unwrap_or(usize::MAX);
        self.read_payload(place, limit)?;
        Ok(self.element(ids::EBML).0)
    }

    /// Goes to the first child of the Segment.
    pub(crate) fn enter_segment(&mut self) -> Result<(), Error> {
        loop {
            let offset = self.input.offset();
            let header = Header::parse(self.input.peek(MAX_HEADER_LEN)?);
            let no_segment = || Error::at(offset, Reason::NoSegment);
            let Ok(Header { id, size, len }) = header else { return Err(no_segment()) };
            let len = u64::from(len);
            match (id, size) {
                (ids::SEGMENT, _) => {
                    self.segment_end = size.and_then(|size| offset.checked_add(len + size));
                    self.input.skip(len)?;
                    return Ok(());
                }
                (ids::VOID | ids::CRC_32, Some(size)) => self.input.skip(len + size)?,
                _ => return Err(no_segment()),
            };
        }
    }

    /// Searches on where another document begins inside the header of an element.
    pub(super) fn header_is_cut(&mut self, id: u32) -> Result<Option<Event>, Error> {
        self.findings.report(self.input.offset(), FindingKind::DocumentCut { id })?;
        self.input.skip(1)?;
        self.end_document();
        advance(&mut self.input, MAX_EBML_HEADER_LEN, None)?;
        Ok(self.close_group())
    }

    /// Ends the document at the start of another one.
    pub(super) fn document_begins(&mut self) -> Result<Option<Event>, Error> {
        let offset = self.input.offset();
        if self.is_incomplete() {
            let id = self.innermost();
            self.findings.report(offset, FindingKind::DocumentCut { id })?;
        }
        self.end_document();
        Ok(self.close_group())
    }

    /// Returns whether an element has not ended here. A Cluster of unknown size may end together
    /// with the Segment.
    pub(super) fn is_incomplete(&self) -> bool {
        self.group.is_some()
            || self.cluster.is_some_and(|cluster| cluster.end.is_some())
            || self.segment_end.is_some_and(|end| self.input.offset() < end)
    }

    /// Ends the document where another one begins.
    pub(super) fn end_document(&mut self) {
        self.cluster = None;
        (self.is_over, self.has_next) = (true, true);
    }

    pub(super) fn trailing_bytes(&mut self) -> Result<Option<Event>, Error> {
        self.findings.report(self.input.offset(), FindingKind::TrailingBytes)?;
        self.is_over = true;
        self.has_next = advance(&mut self.input, u64::MAX, None)? == Stop::Document;
        Ok(None)
    }
}
