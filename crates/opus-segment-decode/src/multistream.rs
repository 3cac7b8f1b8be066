use std::num::NonZeroU8;

use magnum_opus::Channels;
use opus_packet::{OpusHead, multistream_duration};

use crate::{
    Error, OutputRate, Sample, error::LibopusReason, libopus::new_decoder, limited::LimitedDecoder,
    mix::Mix, sample::sealed::Scratches, streams::next_stream,
};

/// One decoder for each Opus stream of a packet, and the mapping of their channels to those of
/// the output (RFC 7845 section 5.1.1, RFC 8486 section 3).
#[derive(Debug)]
pub(crate) struct Multistream {
    streams: NonZeroU8,
    rate: OutputRate,
    layout: Layout,
    decoders: Vec<LimitedDecoder>,
    mix: Mix,
    scratches: Scratches,
    ordinary: Vec<u8>,
}

/// Counts the channels of the streams and of the output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Number of coupled (two-channel) streams, which come first.
    coupled: usize,
    /// Channels of all streams.
    pub(crate) decoded: usize,
    output: usize,
}

impl Multistream {
    /// Creates decoders for the streams of `head`.
    pub(crate) fn new(head: &OpusHead, rate: OutputRate, mix: Mix) -> Result<Self, Error> {
        let mapping = head.mapping();
        let streams = mapping.streams();
        let decoder = |stream| {
            let is_coupled = stream < mapping.coupled();
            new_decoder(if is_coupled { Channels::Stereo } else { Channels::Mono }, rate, head)
        };
        let coupled = usize::from(mapping.coupled());
        let decoded = usize::from(streams.get()) + coupled;
        Ok(Self {
            streams,
            rate,
            layout: Layout { coupled, decoded, output: mix.channels() },
            decoders: (0..streams.get()).map(decoder).collect::<Result<_, _>>()?,
            mix,
            scratches: Scratches::default(),
            ordinary: Vec::new(),
        })
    }

    pub(crate) fn reset(&mut self) -> Result<(), Error> {
        for decoder in &mut self.decoders {
            decoder.reset().map_err(LibopusReason::Reset)?;
        }
        Ok(())
    }

    /// Holds the limiters or lets them go on, and returns whether the memory of one is unknown.
    pub(crate) fn hold(&mut self, is_held: bool) -> bool {
        self.decoders.iter_mut().fold(false, |is_open, decoder| decoder.hold(is_held) | is_open)
    }

    /// Touches no decoder unless the whole packet can be split and its output fits in `pcm`.
    pub(crate) fn decode<S: Sample>(
        &mut self,
        packet: &[u8],
        pcm: &mut [S],
    ) -> Result<usize, Error> {
        let samples = multistream_duration(packet, self.streams).map_err(LibopusReason::Split)?;
        let samples = samples / self.rate.divisor();
        let samples = usize::try_from(samples).unwrap_or(usize::MAX);
        let (expected, found) = (samples * self.layout.output, pcm.len());
        let output = pcm.get_mut(..expected).ok_or(LibopusReason::NoRoom { found, expected })?;
        self.decode_streams::<S>(packet, samples)?;
        let (_, scratch) = S::scratch(&mut self.scratches);
        self.mix.mix(self.layout, scratch, output);
        Ok(samples)
    }

    fn decode_streams<S: Sample>(&mut self, packet: &[u8], samples: usize) -> Result<(), Error> {
        let (raw, scratch) = S::scratch(&mut self.scratches);
        let decoded = &mut scratch.decoded;
        decoded.resize(samples * self.layout.decoded, S::default());
        let (mut rest, mut start) = (packet, 0);
        for (stream, decoder) in self.decoders.iter_mut().enumerate() {
            let is_last = stream + 1 == usize::from(self.streams.get());
            let packet = next_stream(&mut rest, is_last, &mut self.ordinary)
                .map_err(LibopusReason::Split)?;
            let end = start + samples * self.layout.width(stream);
            let room = decoded.get_mut(start..end).unwrap_or_default();
            let found = S::decode(decoder, packet, raw, room).map_err(LibopusReason::Decode)?;
            if found != samples {
                return Err(LibopusReason::StreamLength { stream, found, expected: samples }.into());
            }
            start = end;
        }
        Ok(())
    }
}

impl Layout {
    /// Channels of a stream.
    fn width(self, stream: usize) -> usize {
        if stream < self.coupled { 2 } else { 1 }
    }

    /// The samples of one channel of the streams.
    pub(crate) fn decoded_channel<S>(
        self,
        index: usize,
        decoded: &[S],
    ) -> impl Iterator<Item = &S> {
        let samples = decoded.len() / self.decoded;
        let is_coupled = index < 2 * self.coupled;
        let (before, within, width) =
            if is_coupled { (index - index % 2, index % 2, 2) } else { (index, 0, 1) };
        let start = before * samples;
        let stream = decoded.get(start..start + width * samples).unwrap_or_default();
        stream.iter().skip(within).step_by(width)
    }

    /// The positions of one channel in the output.
    pub(crate) fn output_channel<S>(
        self,
        channel: usize,
        output: &mut [S],
    ) -> impl Iterator<Item = &mut S> {
        output.iter_mut().skip(channel).step_by(self.output)
    }
}
