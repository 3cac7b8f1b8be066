use std::ops::Range;

use opus_packet::CodedPos;
use opus_packet_index::{BlobRead, IndexRead, SyncRead};

use crate::{Error, Need, PacketDecoder, RangeDecoder, SegmentReader, error::Reason};

/// The samples of a range, interleaved and decoded as they are taken.
///
/// It holds at most a minute of packets and one packet of samples, however long the range.
/// [`SegmentReader::stream`] creates one.
#[derive(Debug)]
pub struct SegmentStream<I, B, Y, D, S> {
    reader: SegmentReader<I, B>,
    starts: Y,
    range: RangeDecoder<D, S>,
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
        Self { reader, starts, range: RangeDecoder::new(target, decoder) }
    }

    /// Fills `out` with the next samples and returns their number, over all channels. The
    /// number is smaller than the room in `out` only at the end of the range or before an
    /// unreadable packet.
    ///
    /// On error, no samples precede the unreadable part. A later call retries from the same
    /// position.
    pub fn read(&mut self, out: &mut [S]) -> Result<usize, Error> {
        let mut filled = 0;
        loop {
            let read = self.range.read(out.get_mut(filled..).unwrap_or_default());
            filled += *read.as_ref().unwrap_or(&0);
            let supplied = read.and_then(|_| match self.range.need() {
                Some(need) if filled < out.len() => self.supply(need).map(|()| true),
                _ => Ok(false),
            });
            match supplied {
                Ok(true) => {}
                Err(error) if filled == 0 => return Err(error),
                _ => return Ok(filled),
            }
        }
    }

    /// Appends all remaining samples to `samples`. On error, appends those before the
    /// unreadable part.
    pub fn read_to_end(&mut self, samples: &mut Vec<S>) -> Result<(), Error> {
        loop {
            self.range.read_ready(samples)?;
            match self.range.need() {
                Some(need) => self.supply(need)?,
                None => return Ok(()),
            }
        }
    }

    /// Number of samples still to come, over all channels.
    pub fn left(&self) -> usize {
        self.range.left()
    }

    /// The index. After an [index fault](Error::is_index_fault) it may be replaced by another
    /// index of the same recording.
    pub fn index_mut(&mut self) -> &mut I {
        &mut self.reader.index
    }

    /// Returns the decoder, in its present state.
    pub fn into_decoder(self) -> D {
        self.range.into_decoder()
    }

    fn supply(&mut self, need: Need) -> Result<(), Error> {
        match need {
            Need::Start(position) => {
                let found = self.starts.start(position);
                self.range.start(found.map_err(|error| Reason::SyncRead(error.into()))?)
            }
            Need::Packets(samples) => {
                let found = self.reader.index.span(samples);
                self.range.packets(found.map_err(|error| Reason::IndexRead(error.into()))?)
            }
            Need::Bytes(bytes) => {
                let mut blob = Vec::new();
                let read = self.reader.blob.read(bytes, &mut blob);
                read.map_err(|error| Reason::BlobRead(error.into()))?;
                self.range.bytes(blob)
            }
        }
    }
}
