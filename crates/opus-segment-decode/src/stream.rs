use std::ops::Range;

use opus_packet::CodedPos;
use opus_packet_index::{BlobRead, IndexRead, Span, SyncRead, SyncStart};

use crate::{
    Error, PacketDecoder, SegmentReader,
    cut::Cut,
    plan::{check_covered, check_packets, packet},
};

/// The samples of a range, decoded as they are taken, interleaved.
///
/// Of a long range it holds a minute of packets at a time, and of samples one packet.
/// [`SegmentReader::stream`] makes one.
#[derive(Debug)]
pub struct SegmentStream<I, B, Y, D, S> {
    reader: SegmentReader<I, B>,
    starts: Y,
    decoder: D,
    cut: Cut<S>,
    end: CodedPos,
    /// Up to where the output of the decoder counts, as it stands.
    until: CodedPos,
    /// The packets at hand, and the next of them.
    span: Option<Span>,
    blob: Vec<u8>,
    next_row: usize,
    /// From where on packets are looked up next.
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

    /// Fills `out` with the samples that come next, and gives how many it has written, of
    /// all channels: fewer than there is room for only at the end of the range, or where the
    /// next cannot be read.
    ///
    /// An error tells that there is nothing before what cannot be read. A later call
    /// tries again from the same place.
    pub fn read(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let mut filled = self.cut.take(out);
        while filled < out.len() && !self.cut.rest().is_empty() {
            let room = out.get_mut(filled..).unwrap_or_default();
            match self.decode_next(room) {
                Ok(written) => filled += written,
                Err(error) => {
                    // Nobody knows what the decoder remembers now.
                    self.until = CodedPos::new(0);
                    return if filled > 0 { Ok(filled) } else { Err(error) };
                }
            }
        }
        Ok(filled)
    }

    /// Adds all samples that are left to `samples`; with an error, those before what cannot
    /// be read.
    pub fn read_to_end(&mut self, samples: &mut Vec<S>) -> Result<(), Error> {
        // A range may be longer than memory: what it asks for is there as far as packets are.
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

    /// Samples of all channels that are still to come.
    pub fn left(&self) -> usize {
        let rest = self.cut.rest();
        let rest = usize::try_from(rest.end - rest.start).unwrap_or(usize::MAX);
        rest.saturating_mul(self.decoder.layout().channels).saturating_add(self.cut.ready())
    }

    /// Where packets are looked up. It may be exchanged for another index of the recording
    /// after an error that was [its fault](Error::is_index_fault).
    pub fn index_mut(&mut self) -> &mut I {
        &mut self.reader.index
    }

    /// The decoder, which remembers what it has decoded.
    pub fn into_decoder(self) -> D {
        self.decoder
    }

    fn decode_next(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let layout = self.decoder.layout();
        let divisor = u64::from(layout.rate.divisor());
        let position = CodedPos::new(self.cut.rest().start.saturating_mul(divisor));
        if position >= self.until {
            self.begin_anew(position)?;
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

    fn begin_anew(&mut self, position: CodedPos) -> Result<(), Error> {
        let found = self.starts.start(position);
        let SyncStart { start, until } =
            found.map_err(|error| Error::Sync { source: error.into() })?;
        if start > position || until <= position {
            return Err(Error::SyncStart { position, start, until });
        }
        self.decoder.reset().map_err(|error| Error::Reset { source: error.into() })?;
        (self.span, self.next, self.until) = (None, start, until);
        Ok(())
    }

    /// Reads the packets that come next, a minute of them: the start may be far away.
    fn look_up(&mut self) -> Result<Span, Error> {
        let end = self.next.get().saturating_add(STEP);
        let wanted = self.next..self.end.min(self.until).min(CodedPos::new(end));
        let found = self.reader.index.span(wanted.clone());
        let span = found.map_err(|error| Error::Index { source: error.into() })?;
        check_covered(&span, &wanted).map_err(|reason| Error::IndexRange { reason })?;
        tracing::trace!(
            bytes = span.bytes().end - span.bytes().start,
            packets = span.packets().end - span.packets().start,
            "decode segment"
        );
        let read = self.reader.blob.read(span.bytes(), &mut self.blob);
        read.map_err(|error| Error::Blob { source: error.into() })?;
        check_packets(&span, &self.blob, self.decoder.layout().streams)?;
        (self.next, self.next_row) = (span.samples().end, 0);
        Ok(span)
    }
}

/// How much is looked up at once, in samples at 48 kHz: a minute.
const STEP: u64 = 60 * 48_000;
/// What is made room for at first, in samples per channel at 48 kHz.
const SECOND: usize = 48_000;
