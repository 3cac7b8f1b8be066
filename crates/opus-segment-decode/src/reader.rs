use std::ops::Range;

use opus_packet::{CodedPos, PlayPos, Timeline};
use opus_packet_index::{BlobRead, IndexRead, SyncRead};

use crate::{Error, PacketDecoder, SegmentStream};

/// Reads sample ranges of one recording through its index.
///
/// The [crate documentation](crate) has an example.
#[derive(Clone, Debug)]
pub struct SegmentReader<I, B> {
    pub(crate) index: I,
    pub(crate) blob: B,
    timeline: Timeline,
}

impl<I: IndexRead, B: BlobRead> SegmentReader<I, B> {
    /// Creates a reader of the recording that `index`, `blob` and `timeline` describe.
    pub fn new(index: I, blob: B, timeline: Timeline) -> Self {
        Self { index, blob, timeline }
    }

    /// Reads a half-open range of play samples, counted at 48 kHz per channel. Returns the
    /// decoder's output samples in that range, interleaved, at the decoder's rate.
    ///
    /// `starts` tells where decoding may begin. With a correct sync map, samples are exact: bit
    /// for bit the same range of a full decode by the decoder with which the map was measured.
    /// With a [`PreRoll`](crate::PreRoll), they are approximate: position and length are exact,
    /// but values may differ from a full decode. Where a start is exact for only part of the
    /// range, decoding restarts within it.
    pub fn read<S: Copy + Default, D: PacketDecoder<S>>(
        &self,
        play: Range<PlayPos>,
        starts: &(impl SyncRead + ?Sized),
        decoder: D,
    ) -> Result<Vec<S>, Error> {
        let reader = SegmentReader::new(&self.index, &self.blob, self.timeline);
        let mut samples = Vec::new();
        reader.stream(play, starts, decoder)?.read_to_end(&mut samples)?;
        Ok(samples)
    }

    /// Reads a range like [`read`](Self::read), but decodes as the samples are taken.
    pub fn stream<S: Copy + Default, D: PacketDecoder<S>, Y: SyncRead>(
        self,
        play: Range<PlayPos>,
        starts: Y,
        decoder: D,
    ) -> Result<SegmentStream<I, B, Y, D, S>, Error> {
        let target = self.timeline.coded(play)?;
        Ok(self.stream_coded(target, starts, decoder))
    }

    /// Reads a range of coded samples like [`stream`](Self::stream).
    pub fn stream_coded<S: Copy + Default, D: PacketDecoder<S>, Y: SyncRead>(
        self,
        range: Range<CodedPos>,
        starts: Y,
        decoder: D,
    ) -> SegmentStream<I, B, Y, D, S> {
        SegmentStream::new(self, range, starts, decoder)
    }
}
