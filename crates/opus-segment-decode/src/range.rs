use std::ops::Range;

use opus_packet::CodedPos;
use opus_packet_index::{Span, SyncStart};

use crate::{
    Error, PacketDecoder,
    checked::{check_covered, check_packets, packet},
    cut::Cut,
    error::Reason,
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
    /// Where the decoder, in its present state, stops being exact.
    until: CodedPos,
    /// The packets to decode; `next_row` is the next one.
    span: Option<Span>,
    /// Their bytes, once supplied.
    blob: Option<Vec<u8>>,
    next_row: usize,
    /// Where the next lookup of packets begins.
    next: CodedPos,
    /// An error that follows samples already returned.
    failed: Option<Error>,
}

/// What a [`RangeDecoder`] needs to decode on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The start for output from this position on. Supply it with
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
        Self {
            cut: Cut::new(decoder.layout().rate.samples(&range)),
            decoder,
            end: range.end,
            until: nothing,
            span: None,
            blob: None,
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
                    self.failed = Some(error);
                }
            }
        }
        Ok(filled)
    }

    /// Appends all samples that can be decoded now to `samples`. On error, appends those before the
    /// packet at fault.
    pub fn read_ready(&mut self, samples: &mut Vec<S>) -> Result<(), Error> {
        let second = SECOND.saturating_mul(self.channels());
        loop {
            // A range may exceed memory, so room is made only as packets turn up.
            let filled = samples.len();
            samples.resize(filled.saturating_add(self.left().min(second)), S::default());
            let read = self.read(samples.get_mut(filled..).unwrap_or_default());
            let count = *read.as_ref().unwrap_or(&0);
            samples.truncate(filled.saturating_add(count));
            if read? == 0 {
                return Ok(());
            }
        }
    }

    /// What is needed before the next sample can be decoded. None if samples can be read now or
    /// the range has ended.
    pub fn need(&self) -> Option<Need> {
        if self.cut.rest().is_empty() || self.failed.is_some() {
            return None;
        }
        let position = self.position();
        if position >= self.until {
            return Some(Need::Start(position));
        }
        match &self.span {
            Some(span) if self.blob.is_none() => Some(Need::Bytes(span.bytes())),
            Some(span) if self.next_row < span.rows().len() => None,
            _ => Some(Need::Packets(self.wanted())),
        }
    }

    /// Supplies [`Need::Start`].
    pub fn start(&mut self, found: SyncStart) -> Result<(), Error> {
        let SyncStart { start, until } = found;
        let position = self.position();
        if start > position || until <= position {
            return Err(Reason::SyncStart { position, start, until }.into());
        }
        self.decoder.reset().map_err(|error| Reason::Reset(error.into()))?;
        (self.span, self.blob, self.next, self.until) = (None, None, start, until);
        Ok(())
    }

    /// Supplies [`Need::Packets`].
    pub fn packets(&mut self, span: Span) -> Result<(), Error> {
        check_covered(&span, &self.wanted())?;
        if span.rows().is_empty() {
            return Err(Reason::IndexRows.into());
        }
        (self.span, self.blob, self.next_row) = (Some(span), None, 0);
        Ok(())
    }

    /// Supplies [`Need::Bytes`].
    ///
    /// On error, the packets of the index are not those of the blob, and are needed again.
    pub fn bytes(&mut self, blob: Vec<u8>) -> Result<(), Error> {
        let Some(span) = &self.span else { return Ok(()) };
        if let Err(error) = check_packets(span, &blob, self.decoder.layout().streams) {
            self.span = None;
            return Err(error);
        }
        tracing::trace!(
            bytes = span.bytes().end - span.bytes().start,
            packets = span.packets().end - span.packets().start,
            "decode segment"
        );
        (self.next, self.blob) = (span.samples().end, Some(blob));
        Ok(())
    }

    /// Number of samples still to come, over all channels.
    pub fn left(&self) -> usize {
        let rest = self.cut.rest();
        let rest = usize::try_from(rest.end - rest.start).unwrap_or(usize::MAX);
        rest.saturating_mul(self.channels()).saturating_add(self.cut.ready())
    }

    /// Interleaved channels of the samples.
    pub fn channels(&self) -> usize {
        self.decoder.layout().channels
    }

    /// Returns the decoder, in its present state.
    pub fn into_decoder(self) -> D {
        self.decoder
    }

    /// The coded position of the next sample to decode.
    fn position(&self) -> CodedPos {
        let divisor = u64::from(self.decoder.layout().rate.divisor());
        CodedPos::new(self.cut.rest().start.saturating_mul(divisor))
    }

    /// The next minute of packets. The start may lie far before the range.
    fn wanted(&self) -> Range<CodedPos> {
        let end = CodedPos::new(self.next.get().saturating_add(STEP));
        self.next..self.end.min(self.until).min(end)
    }

    fn decode_next(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let (Some(span), Some(blob)) = (&self.span, &self.blob) else { return Ok(0) };
        let until = self.decoder.layout().rate.samples(&(self.position()..self.until)).end;
        let packet = packet(span, self.next_row, blob)?;
        let written = self.cut.decode(&mut self.decoder, packet, until, out)?;
        self.next_row += 1;
        Ok(written)
    }
}

/// Samples per lookup at 48 kHz: a minute.
const STEP: u64 = 60 * 48_000;
/// Samples per channel for which room is made at a time: a second at 48 kHz.
const SECOND: usize = 48_000;
