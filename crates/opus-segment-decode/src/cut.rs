use std::ops::Range;

use opus_packet::{CodedPos, MAX_PACKET_DURATION};

use crate::{BoxError, Error, OutputRate, PacketDecoder, error::Reason};

/// Decodes packets in order and cuts a range out of them.
#[derive(Debug)]
pub(crate) struct Cut<S> {
    /// Samples of the output still to be decoded.
    rest: Range<u64>,
    pcm: Vec<S>,
    /// The decoded samples in `pcm` not taken yet.
    ready: Range<usize>,
}

/// A packet with its number and position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) number: u64,
    pub(crate) data: &'a [u8],
    /// In samples per channel at 48 kHz.
    pub(crate) duration: u32,
    pub(crate) position: CodedPos,
}

impl Placed<'_> {
    /// The coded sample after its last one.
    pub(crate) fn end(&self) -> CodedPos {
        CodedPos::new(self.position.get().saturating_add(self.duration.into()))
    }
}

impl<S: Copy + Default> Cut<S> {
    /// Cuts these samples of the output.
    pub(crate) fn new(range: Range<u64>) -> Self {
        Self { rest: range, pcm: Vec::new(), ready: 0..0 }
    }

    /// Samples of the output still to be decoded.
    pub(crate) fn rest(&self) -> Range<u64> {
        self.rest.clone()
    }

    /// Changes where the samples to be decoded end.
    pub(crate) fn end_at(&mut self, end: u64) {
        self.rest.end = end.max(self.rest.start);
    }

    /// Decoded samples of all channels not taken yet.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Takes as many decoded samples as `out` has room for.
    pub(crate) fn take(&mut self, out: &mut [S]) -> usize {
        let ready = self.pcm.get(self.ready.clone()).unwrap_or_default();
        let count = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..count), ready.get(..count)) {
            out.copy_from_slice(ready);
        }
        self.ready.start += count;
        count
    }

    /// Decodes the next packet and takes the wanted samples before `until`, as many as `out`
    /// has room for. The rest stays ready. All samples before it must have been taken.
    pub(crate) fn decode(
        &mut self,
        decoder: &mut impl PacketDecoder<S>,
        packet: Placed<'_>,
        until: u64,
        out: &mut [S],
    ) -> Result<usize, Error> {
        let layout = decoder.layout();
        let held = held(layout.rate, packet);
        let start = self.rest.start;
        let wanted = start..self.rest.end.min(until).min(held.end).max(start);
        let all = count(held.end - held.start) * layout.channels;
        let is_direct = wanted == held && all <= out.len();
        let decoded = match out.get_mut(..all) {
            Some(out) if is_direct => decoder.decode(packet.data, out),
            _ => {
                let room = count(u64::from(MAX_PACKET_DURATION / layout.rate.divisor()));
                self.pcm.resize(room * layout.channels, S::default());
                decoder.decode(packet.data, &mut self.pcm)
            }
        };
        check_length(decoded, packet, layout.rate)?;
        self.rest.start = wanted.end;
        if is_direct {
            return Ok(all);
        }
        let within =
            |number: u64| count(number.clamp(held.start, held.end) - held.start) * layout.channels;
        self.ready = within(wanted.start)..within(wanted.end);
        Ok(self.take(out))
    }
}

/// The samples of the output that a packet holds. Packets begin and end at multiples of 2.5
/// ms, where every output rate has a sample.
fn held(rate: OutputRate, packet: Placed<'_>) -> Range<u64> {
    rate.samples(&(packet.position..packet.end()))
}

fn check_length<E: Into<BoxError>>(
    decoded: Result<usize, E>,
    packet: Placed<'_>,
    rate: OutputRate,
) -> Result<(), Error> {
    let (packet, expected) = (packet.number, packet.duration / rate.divisor());
    match decoded {
        Ok(decoded) if u32::try_from(decoded) == Ok(expected) => Ok(()),
        Ok(decoded) => Err(Reason::DecodedLength { packet, decoded, expected }.into()),
        Err(error) => Err(Reason::Decode { packet, source: error.into() }.into()),
    }
}

fn count(samples: u64) -> usize {
    usize::try_from(samples).unwrap_or(usize::MAX)
}
