use std::ops::Range;

use opus_packet::CodedPos;
use opus_packet_index::{BlobRead, IndexRead, Span, SyncRead, SyncStart};

use crate::{
    Error, PacketDecoder, SegmentReader,
    cut::Cut,
    error::Reason,
    plan::{check_covered, check_packets, packet},
};

/// The samples of a range, interleaved and decoded as they are taken.
///
/// It holds at most a minute of packets and one packet of samples, however long the range.
/// [`SegmentReader::stream`] creates one.
#[derive(Debug)]
pub struct SegmentStream<I, B, Y, D, S> {
    reader: SegmentReader<I, B>,
    starts: Y,
    decoder: D,
    cut: Cut<S>,
    end: CodedPos,
    /// Where the decoder, in its present state, stops being exact.
    until: CodedPos,
    /// The packets in memory; `next_row` is the next one to decode.
    span: Option<Span>,
    blob: Vec<u8>,
    next_row: usize,
    /// Where the next lookup of packets begins.
    next: CodedPos,
}

impl<I, B, Y, D, S> SegmentStream<I, B, Y, D, S>
where
    I: IndexRead,
    B: BlobRead,
    Y: SyncRead,
    D: PacketDecoder<S>,
    S: Copy + Default,
{
    pub(crate) fn new(
        reader: SegmentReader<I, B>,
        target: Range<CodedPos>,
        starts: Y,
        decoder: D,
    ) -> Self {
        let nothing = CodedPos::new(0);
        Self {
            cut: Cut::new(decoder.layout().rate.samples(&target)),
            reader,
            starts,
            decoder,
            end: target.end,
            until: nothing,
            span: None,
            blob: Vec::new(),
            next_row: 0,
            next: nothing,
        }
    }

    /// Fills `out` with the next samples and returns their number, over all channels. The
    /// number is smaller than the room in `out` only at the end of the range or before an
    /// unreadable packet.
    ///
    /// On error, no samples precede the unreadable part. A later call retries from the same
    /// position.
    pub fn read(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let mut filled = self.cut.take(out);
        while filled < out.len() && !self.cut.rest().is_empty() {
            let room = out.get_mut(filled..).unwrap_or_default();
            match self.decode_next(room) {
                Ok(written) => filled += written,
                Err(error) => {
                    // The state of the decoder is unknown now: start again.
                    self.until = CodedPos::new(0);
                    return if filled > 0 { Ok(filled) } else { Err(error) };
                }
            }
        }
        Ok(filled)
    }

    /// Appends all remaining samples to `samples`. On error, appends those before the
    /// unreadable part.
    pub fn read_to_end(&mut self, samples: &mut Vec<S>) -> Result<(), Error> {
        // A range may exceed memory, so room grows only as packets turn up.
        let mut room = SECOND.saturating_mul(self.decoder.layout().channels);
        while self.left() > 0 {
            let filled = samples.len();
            samples.resize(filled.saturating_add(self.left().min(room)), S::default());
            let read = self.read(samples.get_mut(filled..).unwrap_or_default());
            samples.truncate(filled + read.as_ref().map_or(0, |count| *count));
            read?;
            room = room.saturating_mul(2);
        }
        Ok(())
    }

    /// Number of samples still to come, over all channels.
    pub fn left(&self) -> usize {
        let rest = self.cut.rest();
        let rest = usize::try_from(rest.end - rest.start).unwrap_or(usize::MAX);
        rest.saturating_mul(self.decoder.layout().channels).saturating_add(self.cut.ready())
    }

    /// The index. After an [index fault](Error::is_index_fault) it may be replaced by another
    /// index of the same recording.
    pub fn index_mut(&mut self) -> &mut I {
        &mut self.reader.index
    }

    /// Returns the decoder, in its present state.
    pub fn into_decoder(self) -> D {
        self.decoder
    }

    fn decode_next(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let layout = self.decoder.layout();
        let divisor = u64::from(layout.rate.divisor());
        let position = CodedPos::new(self.cut.rest().start.saturating_mul(divisor));
        if position >= self.until {
            self.restart(position)?;
        }
        let span = match self.span.take() {
            Some(span) if self.next_row < span.rows().len() => span,
            _ => self.look_up()?,
        };
        let until = layout.rate.samples(&(position..self.until)).end;
        let packet = packet(&span, self.next_row, &self.blob)?;
        let written = self.cut.decode(&mut self.decoder, packet, until, out)?;
        self.next_row += 1;
        self.span = Some(span);
        Ok(written)
    }

    fn restart(&mut self, position: CodedPos) -> Result<(), Error> {
        let found = self.starts.start(position);
        let SyncStart { start, until } = found.map_err(|error| Reason::SyncRead(error.into()))?;
        if start > position || until <= position {
            return Err(Reason::SyncStart { position, start, until }.into());
        }
        self.decoder.reset().map_err(|error| Reason::Reset(error.into()))?;
        (self.span, self.next, self.until) = (None, start, until);
        Ok(())
    }

    /// Reads the next minute of packets. The start may lie far before the range.
    fn look_up(&mut self) -> Result<Span, Error> {
        let end = self.next.get().saturating_add(STEP);
        let wanted = self.next..self.end.min(self.until).min(CodedPos::new(end));
        let found = self.reader.index.span(wanted.clone());
        let span = found.map_err(|error| Reason::IndexRead(error.into()))?;
        check_covered(&span, &wanted)?;
        tracing::trace!(
            bytes = span.bytes().end - span.bytes().start,
            packets = span.packets().end - span.packets().start,
            "decode segment"
        );
        let read = self.reader.blob.read(span.bytes(), &mut self.blob);
        read.map_err(|error| Reason::BlobRead(error.into()))?;
        check_packets(&span, &self.blob, self.decoder.layout().streams)?;
        (self.next, self.next_row) = (span.samples().end, 0);
        Ok(span)
    }
}

/// Samples per lookup at 48 kHz: a minute.
const STEP: u64 = 60 * 48_000;
/// Room reserved at first, in samples per channel: a second at 48 kHz.
const SECOND: usize = 48_000;
