use std::{num::NonZeroU8, ops::Range, sync::Arc};

use opus_packet::CodedPos;
use opus_packet_index::{IndexRow, Span, SyncStart};

use crate::{
    Error, PacketDecoder,
    cut::Cut,
    error::Reason,
    lead::Lead,
    segment::{Segment, check_covered},
};

/// Decodes the samples of a range from packets that its caller supplies. It does no I/O.
///
/// Alternate between two steps until [`left`](Self::left) is 0: [`read`](Self::read) the samples
/// that can be decoded now, then read what [`need`](Self::need) names, in any way you like, and
/// supply it. [`SegmentStream`](crate::SegmentStream) does this through the ports of
/// `opus-packet-index`; async code does it with `await`. Dropping a read halfway is harmless,
/// since nothing changes before its result is supplied.
///
/// It holds at most a minute of packets and one packet of samples, however long the range.
#[derive(Debug)]
pub struct RangeDecoder<D, S> {
    decoder: D,
    cut: Cut<S>,
    end: CodedPos,
    /// The end of the range in samples of the output. `cut` may end sooner.
    last: u64,
    /// Where the decoder, in its present state, stops being exact.
    until: CodedPos,
    lead: Lead,
    /// The packets to decode next, while their bytes are missing.
    span: Option<Span>,
    /// The packets to decode; `next_row` is the next one.
    segment: Option<Arc<Segment>>,
    next_row: usize,
    /// Where the next lookup of packets begins.
    next: CodedPos,
    /// An error that follows samples already returned.
    failed: Option<Error>,
}

/// What a [`RangeDecoder`] needs to decode on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The start for output from this position on, or from an earlier one than before, if output also
    /// depends on memory that was unknown there. Supply it with
    /// [`start`](RangeDecoder::start).
    Start(CodedPos),
    /// The packets that hold these samples, from the index. Supply them with
    /// [`packets`](RangeDecoder::packets).
    Packets(Range<CodedPos>),
    /// These bytes of the blob. Supply them with [`bytes`](RangeDecoder::bytes).
    Bytes(Range<u64>),
}

impl<D: PacketDecoder<S>, S: Copy + Default> RangeDecoder<D, S> {
    /// Decodes a range of coded samples. [`Timeline::coded`](crate::Timeline::coded) converts
    /// play positions.
    pub fn new(range: Range<CodedPos>, decoder: D) -> Self {
        let nothing = CodedPos::new(0);
        let samples = decoder.layout().rate.samples(&range);
        Self {
            last: samples.end,
            cut: Cut::new(samples),
            decoder,
            end: range.end,
            until: nothing,
            lead: Lead::default(),
            span: None,
            segment: None,
            next_row: 0,
            next: nothing,
            failed: None,
        }
    }

    /// Fills `out` with samples, interleaved, and returns their number over all channels. If it
    /// is smaller than the room in `out`, the range has ended or [`need`](Self::need) tells what
    /// is missing.
    ///
    /// On error, no samples precede the packet at fault. Decoding then starts again at the same
    /// position.
    pub fn read(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let mut filled = self.cut.take(out);
        while filled < out.len() {
            if let Some(error) = self.failed.take() {
                if filled == 0 {
                    return Err(error);
                }
                self.failed = Some(error);
                break;
            }
            if self.need().is_some() || self.cut.rest().is_empty() {
                break;
            }
            match self.decode_next(out.get_mut(filled..).unwrap_or_default()) {
                Ok(written) => filled += written,
                Err(error) => {
                    // The state of the decoder is unknown now: start again.
                    self.until = CodedPos::new(0);
                    self.lead.forget();
                    self.failed = Some(error);
                }
            }
        }
        Ok(filled)
    }

    /// Appends all samples that can be decoded now to `samples`. On error, appends those before the
    /// packet at fault.
    pub fn read_ready(&mut self, samples: &mut Vec<S>) -> Result<(), Error> {
        while self.append(samples)? > 0 {}
        Ok(())
    }

    /// Appends up to a second of the samples that can be decoded now and returns their number. A
    /// range may exceed memory, so room is made only as packets turn up.
    pub(crate) fn append(&mut self, samples: &mut Vec<S>) -> Result<usize, Error> {
        let room = self.left().min(SECOND.saturating_mul(self.channels()));
        append(samples, room, |out| self.read(out))
    }

    /// What is needed before the next sample can be decoded. None if samples can be read now or
    /// the range has ended.
    pub fn need(&self) -> Option<Need> {
        if self.cut.rest().is_empty() || self.failed.is_some() {
            return None;
        }
        let goal = self.lead.goal(self.position());
        if goal >= self.until {
            return Some(Need::Start(goal));
        }
        match (&self.span, &self.segment) {
            (Some(span), _) => Some(Need::Bytes(span.bytes())),
            (None, Some(segment)) if self.next_row < segment.rows().len() => None,
            _ => Some(Need::Packets(self.wanted())),
        }
    }

    /// Supplies [`Need::Start`].
    pub fn start(&mut self, found: SyncStart) -> Result<(), Error> {
        let SyncStart { start, exact_from, until } = found;
        let position = self.lead.goal(self.position());
        if start.max(exact_from) > position || until <= position {
            return Err(Reason::SyncStart { position, start, exact_from, until }.into());
        }
        self.decoder.hold(self.lead.start(found, position));
        let reset = self.decoder.reset();
        self.decoder.hold(false);
        reset.map_err(|error| Reason::Reset(error.into()))?;
        (self.span, self.segment, self.next, self.until) = (None, None, start, until);
        Ok(())
    }

    /// Supplies [`Need::Packets`].
    pub fn packets(&mut self, span: Span) -> Result<(), Error> {
        check_covered(&span, &self.wanted())?;
        self.check_lead(span.rows());
        (self.span, self.segment) = (Some(span), None);
        Ok(())
    }

    /// Supplies [`Need::Bytes`].
    ///
    /// On error, the packets of the index are not those of the blob, and are needed again.
    pub fn bytes(&mut self, blob: Vec<u8>) -> Result<(), Error> {
        let Some(span) = self.span.take() else { return Ok(()) };
        let segment = Segment::new(span, blob, self.streams())?;
        (self.next, self.next_row) = (segment.samples().end, 0);
        self.segment = Some(Arc::new(segment));
        Ok(())
    }

    /// Number of samples still to come, over all channels.
    pub fn left(&self) -> usize {
        let rest = self.last.saturating_sub(self.cut.rest().start);
        let rest = usize::try_from(rest).unwrap_or(usize::MAX);
        rest.saturating_mul(self.channels()).saturating_add(self.cut.ready())
    }

    /// Interleaved channels of the samples.
    pub fn channels(&self) -> usize {
        self.decoder.layout().channels
    }

    /// Opus streams in each packet.
    pub(crate) fn streams(&self) -> NonZeroU8 {
        self.decoder.layout().streams
    }

    /// Returns the decoder, in its present state.
    pub fn into_decoder(self) -> D {
        self.decoder
    }

    /// The coded position of the next sample to decode.
    pub(crate) fn position(&self) -> CodedPos {
        let divisor = u64::from(self.decoder.layout().rate.divisor());
        CodedPos::new(self.cut.rest().start.saturating_mul(divisor))
    }

    /// Supplies packets from the supplied start on.
    pub(crate) fn segment(&mut self, segment: Arc<Segment>) {
        (self.next_row, self.next) = (segment.row_at(self.next), segment.samples().end);
        self.check_lead(segment.rows().get(self.next_row..).unwrap_or_default());
        self.segment = Some(segment);
    }

    /// The packets supplied last, and where the decoder stops being exact. None if the samples end
    /// early, so that others follow already.
    pub(crate) fn supplied(&self) -> Option<(&Arc<Segment>, CodedPos)> {
        let segment = self.segment.as_ref().filter(|_| self.cut.rest().end >= self.last);
        segment.map(|segment| (segment, self.until))
    }

    /// Ends the samples early, where a packet begins, the decoder stops being exact, or the range
    /// ends.
    pub(crate) fn stop_at(&mut self, position: CodedPos) {
        let stop = self.decoder.layout().rate.samples(&(position..position)).start;
        self.cut.end_at(stop.min(self.last));
    }

    /// Goes on behind the position where the samples were to stop. Returns whether the range
    /// does.
    pub(crate) fn go_on(&mut self) -> bool {
        let is_stopped = self.cut.rest().end < self.last;
        self.cut.end_at(self.last);
        is_stopped
    }

    /// The next minute of packets. The start may lie far before the range.
    fn wanted(&self) -> Range<CodedPos> {
        self.next..self.end.min(self.until).min(step_from(self.next))
    }

    /// Goes back at once if none of the packets from the start on can make the decoder's second memory
    /// known. This spares reading and decoding them in vain.
    fn check_lead(&mut self, rows: &[IndexRow]) {
        let position = self.position();
        let Some(wanted) = rows.iter().find(|row| row.last >= position.get()) else { return };
        let wanted = CodedPos::new(wanted.first);
        let is_in_vain = self.decoder.hold(false) && !self.lead.has_room(rows, wanted);
        if is_in_vain && self.lead.go_back(wanted) {
            self.until = CodedPos::new(0);
        }
    }

    fn decode_next(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let Some(segment) = &self.segment else { return Ok(0) };
        let position = self.position();
        let until = self.decoder.layout().rate.samples(&(position..self.until)).end;
        let packet = segment.packet(self.next_row)?;
        let (end, is_held) = (packet.end(), self.lead.is_held(packet.position));
        let is_unknown = self.decoder.hold(is_held) && end > position;
        // No earlier start is exact for the whole packet: only a wrong map has such ends.
        let is_torn = self.until <= position && end > self.until;
        let written = if is_torn && !self.lead.begin_anew() {
            Err(Reason::SyncEnd { packet: packet.number, until: self.until }.into())
        } else if is_torn || is_unknown && self.lead.go_back(packet.position) {
            self.until = CodedPos::new(0);
            Ok(None)
        } else {
            self.cut.decode(&mut self.decoder, packet, until, out).map(Some)
        };
        self.decoder.hold(false);
        let Some(written) = written? else { return Ok(0) };
        self.next_row += 1;
        if !is_held {
            self.lead.pass(end, self.position());
        }
        Ok(written)
    }
}

/// Appends as many samples as `read` returns, at most `room`.
pub(crate) fn append<S: Copy + Default>(
    samples: &mut Vec<S>,
    room: usize,
    read: impl FnOnce(&mut [S]) -> Result<usize, Error>,
) -> Result<usize, Error> {
    let filled = samples.len();
    samples.resize(filled.saturating_add(room), S::default());
    let read = read(samples.get_mut(filled..).unwrap_or_default());
    samples.truncate(filled.saturating_add(*read.as_ref().unwrap_or(&0)));
    read
}

/// The end of a lookup: a minute of packets.
pub(crate) fn step_from(position: CodedPos) -> CodedPos {
    CodedPos::new(position.get().saturating_add(60 * 48_000))
}

/// Samples per channel for which room is made at a time: a second at 48 kHz.
pub(crate) const SECOND: usize = 48_000;
