use std::ops::Range;

use opus_packet::CodedPos;
use opus_packet_index::SyncDecoder;
use opus_segment_decode::{LibopusDecoder, Need, PreRoll, RangeDecoder, Sample};
use opus_zarr_store::AsyncRecordingReader;

use crate::{Error, ReadMode, error::Reason};

/// The samples of a range, interleaved by channel, decoded as they are taken by async code.
///
/// It holds at most a minute of packets and one packet of samples, however long the range.
/// [`AsyncRecording::stream`](crate::AsyncRecording::stream) creates one.
pub struct AsyncSampleStream<'a, S> {
    reader: &'a AsyncRecordingReader,
    starts: Starts,
    range: RangeDecoder<LibopusDecoder, S>,
}

/// Tells where decoding may begin.
enum Starts {
    Measured(SyncDecoder),
    Assumed(PreRoll),
}

impl<'a, S: Sample> AsyncSampleStream<'a, S> {
    pub(crate) fn new(
        reader: &'a AsyncRecordingReader,
        (mode, sync_decoder): (ReadMode, SyncDecoder),
        target: Range<CodedPos>,
        decoder: LibopusDecoder,
    ) -> Self {
        let starts = match mode {
            ReadMode::Exact => Starts::Measured(sync_decoder),
            ReadMode::Approximate { pre_roll } => {
                Starts::Assumed(PreRoll::new(pre_roll, &reader.timeline()))
            }
        };
        Self { reader, starts, range: RangeDecoder::new(target, decoder) }
    }

    /// Fills `out` with the next samples and returns their number, over all channels. The number is
    /// 0 only at the end of the range or if `out` is empty. It may be smaller than the room in `out`,
    /// because samples that are ready are returned without waiting for more.
    ///
    /// Dropping the future before it is ready loses no samples. On error, a later call retries from
    /// the same position.
    pub async fn read(&mut self, out: &mut [S]) -> Result<usize, Error> {
        loop {
            let count = self.range.read(out).map_err(|reason| self.fault(reason))?;
            match self.range.need() {
                Some(need) if count == 0 && !out.is_empty() => self.supply(need).await?,
                _ => return Ok(count),
            }
        }
    }

    /// Number of samples still to come, over all channels.
    pub fn left(&self) -> usize {
        self.range.left()
    }

    pub(crate) async fn read_to_end(&mut self, samples: &mut Vec<S>) -> Result<(), Error> {
        loop {
            self.range.read_ready(samples).map_err(|reason| self.fault(reason))?;
            match self.range.need() {
                Some(need) => self.supply(need).await?,
                None => return Ok(()),
            }
        }
    }

    pub(crate) fn into_decoder(self) -> LibopusDecoder {
        self.range.into_decoder()
    }

    async fn supply(&mut self, need: Need) -> Result<(), Error> {
        let supplied = match need {
            Need::Start(position) => {
                let start = match &self.starts {
                    Starts::Assumed(pre_roll) => pre_roll.start_at(position),
                    Starts::Measured(decoder) => self.reader.sync_start(position, *decoder).await?,
                };
                self.range.start(start)
            }
            Need::Packets(samples) => {
                let span = self.reader.span(samples).await?;
                self.range.packets(span)
            }
            Need::Bytes(bytes) => {
                let mut blob = Vec::new();
                self.reader.read(bytes, &mut blob).await?;
                self.range.bytes(blob)
            }
        };
        supplied.map_err(|reason| self.fault(reason))
    }

    fn fault(&self, reason: opus_segment_decode::Error) -> Error {
        Error::from(Reason::Read { recording: self.reader.name().clone(), source: reason })
    }
}
