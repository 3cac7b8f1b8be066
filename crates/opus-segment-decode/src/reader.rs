use std::ops::Range;

use opus_packet::{PlayPos, Timeline};
use opus_packet_index::{BlobRead, IndexRead, SyncRead};

use crate::{Error, PacketDecoder, SegmentStream};

/// Reads sample ranges of one recording through its index.
#[derive(Clone, Debug)]
pub struct SegmentReader<I, B> {
    pub(crate) index: I,
    pub(crate) blob: B,
    timeline: Timeline,
}

impl<I: IndexRead, B: BlobRead> SegmentReader<I, B> {
    /// A reader of the recording that `index`, `blob` and `timeline` describe.
    pub fn new(index: I, blob: B, timeline: Timeline) -> Self {
        Self { index, blob, timeline }
    }

    /// Reads a half-open range of play samples, interleaved, at the rate of the decoder: those
    /// of its samples that lie in the range.
    ///
    /// `starts` says where decoding may begin. With a sync map, as far as that tells the
    /// truth, the samples are exact: bit for bit that range of a decoding of all packets by
    /// the decoder that it was measured with. With a [`PreRoll`](crate::PreRoll) they are
    /// approximate: position and length are exact, values may differ from those of a full
    /// decode. Where a start counts only for a part of the range, decoding begins anew
    /// within it.
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

    /// The same, decoded as the samples are taken.
    pub fn stream<S: Copy + Default, D: PacketDecoder<S>, Y: SyncRead>(
        self,
        play: Range<PlayPos>,
        starts: Y,
        decoder: D,
    ) -> Result<SegmentStream<I, B, Y, D, S>, Error> {
        let target = self.timeline.coded(play)?;
        Ok(SegmentStream::new(self, target, starts, decoder))
    }
}
