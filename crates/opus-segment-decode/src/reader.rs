use std::ops::Range;

use opus_packet::{CodedPos, PacketSource, PlayPos, Timeline};
use opus_packet_index::{BlobRead, IndexRead, SyncRead, SyncStart};

use crate::{Error, PacketDecoder, SegmentPlan, plan::decode_span, window::Window};

/// Reads sample ranges of one recording through its index.
#[derive(Debug)]
pub struct SegmentReader<I, B> {
    index: I,
    blob: B,
    timeline: Timeline,
}

impl<I: IndexRead, B: BlobRead> SegmentReader<I, B> {
    /// A reader of the recording that `index`, `blob` and `timeline` describe.
    pub fn new(index: I, blob: B, timeline: Timeline) -> Self {
        Self { index, blob, timeline }
    }

    /// What reading a half-open range of play samples takes: one look into the
    /// index.
    pub fn plan_approximate(
        &self,
        play: Range<PlayPos>,
        pre_roll: u32,
    ) -> Result<SegmentPlan, Error> {
        let target = self.timeline.coded(play)?;
        let span = self
            .index
            .span(SegmentPlan::approximate_lookup(&self.timeline, &target, pre_roll))
            .map_err(|error| Error::Index { source: error.into() })?;
        SegmentPlan::new(span, target).map_err(|reason| Error::IndexRange { reason })
    }

    /// Reads a half-open range of play samples, interleaved.
    ///
    /// Approximate: decoding begins `pre_roll` samples at 48 kHz before the range, at least
    /// [`APPROXIMATE_PRE_ROLL`] if it is to sound right. Position and length are exact;
    /// values may differ from those of a full decode, unless the range begins within the
    /// first pre-roll.
    ///
    /// [`APPROXIMATE_PRE_ROLL`]: crate::APPROXIMATE_PRE_ROLL
    pub fn read_approximate<S: Copy + Default, D: PacketDecoder<S>>(
        &self,
        play: Range<PlayPos>,
        pre_roll: u32,
        decoder: D,
    ) -> Result<Vec<S>, Error> {
        let plan = self.plan_approximate(play, pre_roll)?;
        trace(&plan.bytes(), &plan.packets());
        let mut blob = Vec::new();
        self.blob
            .read(plan.bytes(), &mut blob)
            .map_err(|error| Error::Blob { source: error.into() })?;
        plan.decode(&blob, decoder)
    }

    /// Reads a half-open range of play samples, interleaved.
    ///
    /// Exact, as far as `sync` tells the truth: bit for bit that range of a decoding of all
    /// packets by the decoder that `sync` was measured with. Where there is no start that is
    /// exact for all of the range, decoding begins anew within it.
    pub fn read_exact<S: Copy + Default, D: PacketDecoder<S>>(
        &self,
        play: Range<PlayPos>,
        sync: &(impl SyncRead + ?Sized),
        mut decoder: D,
    ) -> Result<Vec<S>, Error> {
        let target = self.timeline.coded(play)?;
        let (mut samples, mut from) = (Vec::new(), target.start);
        while from < target.end {
            let start = sync.start(from).map_err(|error| Error::Sync { source: error.into() })?;
            let SyncStart { start, until } = start;
            let piece = from..until.min(target.end);
            let mut window = Window::new(piece.clone(), samples);
            self.decode_from(start, piece.end, &mut decoder, &mut window)?;
            (samples, from) = (window.into_samples(), piece.end);
        }
        Ok(samples)
    }

    /// Decodes from the packet that holds `start` on, a minute at a time: the start may be
    /// far away.
    fn decode_from<S: Copy + Default>(
        &self,
        start: CodedPos,
        end: CodedPos,
        decoder: &mut impl PacketDecoder<S>,
        window: &mut Window<S>,
    ) -> Result<(), Error> {
        let (mut at, mut blob, mut is_first) = (start, Vec::new(), true);
        while at < end {
            let lookup = at..end.min(CodedPos::new(at.get().saturating_add(STEP)));
            let span =
                self.index.span(lookup).map_err(|error| Error::Index { source: error.into() })?;
            trace(&span.bytes(), &span.packets());
            let packet = span.packets().start;
            if std::mem::take(&mut is_first) {
                decoder.reset().map_err(|error| Error::Decode { packet, source: error.into() })?;
            }
            self.blob
                .read(span.bytes(), &mut blob)
                .map_err(|error| Error::Blob { source: error.into() })?;
            decode_span(&span, &blob, decoder, window)?;
            at = span.samples().end;
        }
        Ok(())
    }
}

fn trace(bytes: &Range<u64>, packets: &Range<u64>) {
    tracing::trace!(
        bytes = bytes.end - bytes.start,
        packets = packets.end - packets.start,
        "decode segment"
    );
}

/// How much is looked up at once, in samples at 48 kHz: a minute.
const STEP: u64 = 60 * 48_000;

/// Reads a range of play samples by walking all packets before it: what to do
/// when there is no index. With a `pre_roll`, packets are passed over, not decoded, up to
/// it, and the samples are those of [`SegmentReader::read_approximate`]; without, all are
/// decoded, and the samples are exact.
///
/// `source` must stand before its first packet.
pub fn read_source<S, P, D>(
    mut source: P,
    timeline: &Timeline,
    play: Range<PlayPos>,
    pre_roll: Option<u32>,
    mut decoder: D,
) -> Result<Vec<S>, Error>
where
    S: Copy + Default,
    P: PacketSource,
    D: PacketDecoder<S>,
{
    let target = timeline.coded(play)?;
    let lookup = match pre_roll {
        Some(pre_roll) => SegmentPlan::approximate_lookup(timeline, &target, pre_roll),
        None => CodedPos::new(0)..target.end,
    };
    decoder.reset().map_err(|error| Error::Decode { packet: 0, source: error.into() })?;
    let mut window = Window::new(target, Vec::new());
    let (mut number, mut position) = (0, CodedPos::new(0));
    while position < lookup.end {
        let Some(packet) = source
            .next_packet()
            .map_err(|error| Error::Source { packet: number, source: error.into() })?
        else {
            return Err(Error::SourceTooShort { end: position.get(), expected: lookup.end.get() });
        };
        let next = CodedPos::new(position.get() + u64::from(packet.duration));
        if next > lookup.start {
            window.decode(&mut decoder, (number, packet.data, packet.duration), position)?;
        }
        (number, position) = (number + 1, next);
    }
    Ok(window.into_samples())
}
