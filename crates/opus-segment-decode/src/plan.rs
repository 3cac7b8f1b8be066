use std::{num::NonZeroU8, ops::Range};

use opus_packet::{CodedPos, Timeline, multistream_duration};
use opus_packet_index::{IndexRow, InvalidIndex, Span};

use crate::{Error, PacketDecoder, window::Window};

/// Samples to decode and drop before the first one that is wanted, so that a
/// decoder which did not hear the packets before has settled: 80 ms at 48 kHz
/// (RFC 7845 section 4.6).
///
/// This is a rule for listening. The samples are at the right place and sound
/// right, but they are not bit for bit those of a decoder that heard all.
pub const APPROXIMATE_PRE_ROLL: u32 = 3840;

/// What to read, to decode and to drop for one range of samples.
///
/// Pure: a caller reads [`bytes`](Self::bytes) in whatever way it likes and gives
/// them to [`decode`](Self::decode).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPlan {
    span: Span,
    target: Range<CodedPos>,
}

impl SegmentPlan {
    /// The coded samples to look up in the index for `target`, those of a range of play
    /// samples: the same, with `pre_roll` samples before them. A range that begins within
    /// the first pre-roll is decoded from the first packet on, as players do, so its
    /// samples are exact.
    pub fn approximate_lookup(
        timeline: &Timeline,
        target: &Range<CodedPos>,
        pre_roll: u32,
    ) -> Range<CodedPos> {
        let pre_roll = u64::from(pre_roll);
        let from_first_packet = target.start.get() <= timeline.pre_skip() + pre_roll;
        let start = match from_first_packet {
            true => CodedPos::new(0),
            false => target.start.saturating_sub(pre_roll),
        };
        start..target.end
    }

    /// A plan to decode all packets of `span` and to keep the samples of `target`.
    pub fn new(span: Span, target: Range<CodedPos>) -> Result<Self, InvalidIndex> {
        let covered = span.samples();
        if target.start < covered.start || target.end > covered.end {
            return Err(InvalidIndex::not_covered(&target, &covered));
        }
        Ok(Self { span, target })
    }

    /// The bytes of the blob to read.
    pub fn bytes(&self) -> Range<u64> {
        self.span.bytes()
    }

    /// Numbers of the packets to decode.
    pub fn packets(&self) -> Range<u64> {
        self.span.packets()
    }

    /// Decodes. `blob` must hold what [`bytes`](Self::bytes) names; the samples
    /// are interleaved. The decoder is reset first.
    pub fn decode<S: Copy + Default, D: PacketDecoder<S>>(
        &self,
        blob: &[u8],
        mut decoder: D,
    ) -> Result<Vec<S>, Error> {
        decoder.reset().map_err(|error| Error::Decode {
            packet: self.packets().start,
            source: error.into(),
        })?;
        // The rows hold these samples, so the length is one that memory can bear.
        let len = usize::try_from(self.target.end.get() - self.target.start.get()).unwrap_or(0);
        let kept = Vec::with_capacity(len * decoder.layout().channels);
        let mut window = Window::new(self.target.clone(), kept);
        decode_span(&self.span, blob, &mut decoder, &mut window)?;
        Ok(window.into_samples())
    }
}

/// Decodes the packets of `span`, whose bytes `blob` holds.
pub(crate) fn decode_span<S: Copy + Default>(
    span: &Span,
    blob: &[u8],
    decoder: &mut impl PacketDecoder<S>,
    window: &mut Window<S>,
) -> Result<(), Error> {
    let streams = decoder.layout().streams;
    for (packet, row) in span.packets().zip(span.rows()) {
        let data = packet_bytes(row, span.bytes().start, blob);
        let duration = check_duration(packet, row, data, streams)?;
        window.decode(decoder, (packet, data, duration), CodedPos::new(row.first))?;
    }
    Ok(())
}

fn packet_bytes<'a>(row: &IndexRow, blob_start: u64, blob: &'a [u8]) -> &'a [u8] {
    let start = row.offset - blob_start;
    usize::try_from(start)
        .ok()
        .zip(usize::try_from(row.length).ok())
        .and_then(|(start, length)| blob.get(start..)?.get(..length))
        .unwrap_or_default()
}

/// An index of another blob may be valid in itself; its durations give it away.
fn check_duration(
    packet: u64,
    row: &IndexRow,
    data: &[u8],
    streams: NonZeroU8,
) -> Result<u32, Error> {
    let found = multistream_duration(data, streams)
        .map_err(|reason| Error::IndexedPacket { packet, reason })?;
    if u64::from(found) != row.duration {
        return Err(Error::IndexedDuration { packet, indexed: row.duration, found });
    }
    Ok(found)
}
