//! Reads the data of elements.

use std::io::Read;

use opus_packet::wide;

use super::{Block, Event, MAX_BLOCK_LEN, Place, Walker};
use crate::{
    Error,
    webm::{
        FindingKind,
        block::track_number,
        ebml::MAX_HEADER_LEN,
        error::Reason,
        ids,
        resync::{Stop, advance},
    },
};

impl<R: Read> Walker<R> {
    /// Reads a number of up to 8 bytes.
    pub(super) fn read_number<T>(
        &mut self,
        place: Place,
        parse: fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let bytes = self.input.peek(MAX_HEADER_LEN + 8)?;
        let data = usize::try_from(place.header_len)
            .ok()
            .and_then(|header_len| bytes.get(header_len..))
            .and_then(|data| data.get(..usize::try_from(place.size).ok()?));
        let number = data.and_then(parse);
        if number.is_none() && (place.size > 8 || data.is_some()) {
            self.findings.report(place.offset, FindingKind::InvalidNumber { id: place.id })?;
        }
        self.skip(place)?;
        Ok(number)
    }

    /// Returns whether a block belongs to the track, or to an unknown one.
    pub(super) fn is_ours(&mut self, place: Place) -> Result<bool, Error> {
        let bytes = self.input.peek(MAX_HEADER_LEN + 8)?;
        let header_len = usize::try_from(place.header_len).unwrap_or_default();
        let number = bytes.get(header_len..).and_then(track_number);
        Ok(number.is_none() || number == self.track)
    }

    pub(super) fn is_too_long(&mut self, place: Place) -> Result<bool, Error> {
        Ok(place.size > wide(MAX_BLOCK_LEN) && self.is_ours(place)?)
    }

    pub(super) fn block_too_long(&mut self, place: Place) -> Result<Option<Event>, Error> {
        self.damage(FindingKind::BlockTooLong { size: place.size, limit: wide(MAX_BLOCK_LEN) })
    }

    /// Reads a block if it belongs to the track.
    pub(super) fn read_block(&mut self, place: Place) -> Result<Option<Block>, Error> {
        if !self.is_ours(place)? {
            self.skip(place)?;
            return Ok(None);
        }
        let cluster_timestamp = self.cluster.and_then(|cluster| cluster.timestamp);
        let is_complete = self.read_payload(place, MAX_BLOCK_LEN)?;
        let offset = place.offset;
        Ok(is_complete.then_some(Block { offset, cluster_timestamp, discard: None }))
    }

    /// Reads the data of an element. Returns false if the file ends before, which is reported.
    pub(super) fn read_payload(&mut self, place: Place, limit: usize) -> Result<bool, Error> {
        let len =
            usize::try_from(place.size).ok().filter(|&len| len <= limit).ok_or_else(|| {
                Error::at(place.offset, Reason::TooLong { name: ids::name(place.id), limit })
            })?;
        self.payload.clear();
        // The header of a document is where one begins.
        if place.id == ids::EBML {
            self.input.skip(place.header_len)?;
        } else if !self.advance(place, place.header_len, false)? {
            return Ok(false);
        }
        self.payload_offset = self.input.offset();
        self.advance(place, wide(len), true)
    }

    /// Moves past bytes of an element, and keeps them as the payload if asked to. Returns false if
    /// the file ends or another document begins before, which is reported.
    pub(super) fn advance(
        &mut self,
        place: Place,
        len: u64,
        is_payload: bool,
    ) -> Result<bool, Error> {
        let out = is_payload.then_some(&mut self.payload);
        let Place { id, offset, .. } = place;
        match advance(&mut self.input, len, out)? {
            Stop::Done => return Ok(true),
            Stop::EndOfFile => self.truncated(offset, id)?,
            Stop::Document => {
                self.findings.report(offset, FindingKind::DocumentCut { id })?;
                self.end_document();
            }
        }
        Ok(false)
    }
}
