mod ahead;
mod piece;
mod plan;
mod workers;

use std::{num::NonZeroUsize, ops::Range};

use opus_packet::CodedPos;
use opus_packet_index::{BlobRead, IndexRead, SyncRead};

use self::{ahead::Ahead, piece::Piece};
use crate::{
    BoxError, Error, Need, PacketDecoder, RangeDecoder, SegmentReader,
    error::Reason,
    range::{SECOND, append},
    segment::{Segment, check_covered},
};

/// The samples of a range, interleaved and decoded as they are taken.
///
/// It holds at most a minute of packets and one packet of samples, however long the range; more
/// with [`threads`](Self::threads). [`SegmentReader::stream`] creates one.
#[derive(Debug)]
pub struct SegmentStream<I, B, Y, D, S> {
    reader: SegmentReader<I, B>,
    starts: Y,
    end: CodedPos,
    /// What is being taken.
    piece: Piece<D, S>,
    ahead: Option<Ahead<D, S>>,
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
        let end = target.end;
        let piece = Piece::new(RangeDecoder::new(target, decoder), Vec::new());
        Self { reader, starts, end, piece, ahead: None }
    }

    /// Decodes a long range in this many threads, with decoders from `new_decoder`. The starts must
    /// be exact: then samples and errors are those of one thread. With one, nothing changes.
    ///
    /// The calling thread reads the index and the blob, in the same steps of a minute. It decodes
    /// the first five to ten seconds itself, so that a short range starts no thread. What follows
    /// is divided into pieces of 10 to 25 seconds, wherever a start lies at most five seconds
    /// before. Two pieces more than there are threads are in memory at most, each up to 25 seconds
    /// or, with more than four channels, 4.8 million samples. Where starts are farther away, the
    /// calling thread decodes.
    ///
    /// The threads end when the stream is dropped, which waits at most for a second of audio to be
    /// decoded.
    #[must_use]
    pub fn threads<E: Into<BoxError>>(
        self,
        threads: NonZeroUsize,
        new_decoder: impl FnMut() -> Result<D, E> + Send + 'static,
    ) -> Self
    where
        D: Send + 'static,
        S: Send + 'static,
    {
        let is_several = threads > NonZeroUsize::MIN;
        let ahead = is_several.then(|| Ahead::new(threads, new_decoder));
        Self { ahead, ..self }
    }

    /// Fills `out` with the next samples and returns their number, over all channels. The
    /// number is smaller than the room in `out` only at the end of the range or before an
    /// unreadable packet.
    ///
    /// On error, no samples precede the unreadable part. A later call retries from the same
    /// position.
    ///
    /// # Panics
    ///
    /// Panics if a decoder panics.
    pub fn read(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let mut filled = 0;
        while filled < out.len() {
            match self.read_some(out.get_mut(filled..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if filled == 0 => return Err(error),
                // It occurs again.
                Err(_) => break,
            }
        }
        Ok(filled)
    }

    /// Appends all remaining samples to `samples`. On error, appends those before the
    /// unreadable part.
    pub fn read_to_end(&mut self, samples: &mut Vec<S>) -> Result<(), Error> {
        let second = SECOND.saturating_mul(self.piece.range.channels());
        // A range may exceed memory, so room is made only as packets turn up.
        while append(samples, self.left().min(second), |out| self.read_some(out))? > 0 {}
        Ok(())
    }

    /// Number of samples still to come, over all channels.
    pub fn left(&self) -> usize {
        self.piece.left()
    }

    /// What tells where decoding may begin.
    pub fn starts(&self) -> &Y {
        &self.starts
    }

    /// The index. After an [index fault](Error::is_index_fault) it may be replaced by another
    /// index of the same recording.
    pub fn index_mut(&mut self) -> &mut I {
        &mut self.reader.index
    }

    /// Decodes the rest in the calling thread. An index that is slow to look back in needs this.
    pub fn single_threaded(&mut self) {
        self.one_piece();
        self.ahead = None;
    }

    /// Returns the decoder, in its present state.
    pub fn into_decoder(self) -> D {
        self.piece.range.into_decoder()
    }

    /// Reads at least one sample, unless the range has ended.
    fn read_some(&mut self, out: &mut [S]) -> Result<usize, Error> {
        loop {
            match self.piece.read(out) {
                Ok(0) => {}
                Ok(count) => return Ok(count),
                Err(error) => {
                    self.one_piece();
                    return Err(error);
                }
            }
            match self.piece.range.need() {
                Some(need) => self.supply(need)?,
                None if self.next_piece() => {}
                None => return Ok(0),
            }
        }
    }

    /// Gives up all pieces ahead: the present one extends to the end of the range.
    fn one_piece(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.clear();
        }
        self.piece.range.go_on();
    }

    /// Goes on to the next piece, or with the present one. Returns whether there is more.
    fn next_piece(&mut self) -> bool {
        self.advance();
        match self.ahead.as_mut().and_then(Ahead::next) {
            Some(piece) => {
                let done = std::mem::replace(&mut self.piece, piece);
                if let Some(ahead) = &mut self.ahead {
                    ahead.rest(done);
                }
                self.advance();
                true
            }
            None => self.piece.range.go_on(),
        }
    }

    fn advance(&mut self) {
        let Self { reader, starts, end, piece, ahead } = self;
        let Some(ahead) = ahead else { return };
        let streams = piece.range.streams();
        ahead.advance(*end, starts, |samples| {
            let span = reader.index.span(samples.clone()).ok()?;
            check_covered(&span, &samples).ok()?;
            let mut blob = Vec::new();
            reader.blob.read(span.bytes(), &mut blob).ok()?;
            Segment::new(span, blob, streams).ok()
        });
    }

    /// Plans pieces behind the packets just supplied.
    fn plan(&mut self) {
        let Self { starts, end, piece: Piece { range, .. }, ahead, .. } = self;
        let (Some(ahead), Some((segment, until))) = (ahead, range.supplied()) else { return };
        let (rest, channels) = (range.position()..*end, range.channels());
        if let Some(begin) = ahead.plan(segment, until, rest, channels, starts) {
            range.stop_at(begin);
        }
    }

    fn supply(&mut self, need: Need) -> Result<(), Error> {
        match need {
            Need::Start(position) => {
                let found = self.starts.start(position);
                self.piece.range.start(found.map_err(|error| Reason::SyncRead(error.into()))?)
            }
            Need::Packets(samples) => {
                let found = self.reader.index.span(samples);
                self.piece.range.packets(found.map_err(|error| Reason::IndexRead(error.into()))?)
            }
            Need::Bytes(bytes) => {
                let mut blob = Vec::new();
                let read = self.reader.blob.read(bytes, &mut blob);
                read.map_err(|error| Reason::BlobRead(error.into()))?;
                self.piece.range.bytes(blob)?;
                self.plan();
                Ok(())
            }
        }
    }
}
