use std::num::NonZeroU8;

use magnum_opus::{Channels, Decoder};
use opus_packet::{ChannelMapping, MappingTable, multistream_duration};

use crate::{
    LibopusError, Sample,
    libopus::new_decoder,
    sample::sealed::{Scratch, Scratches},
    streams::next_stream,
};

/// A decoder for each Opus stream of a packet, and how their channels become those of the
/// output (RFC 7845 section 5.1.1, RFC 8486 section 3).
#[derive(Debug)]
pub(crate) struct Multistream {
    streams: NonZeroU8,
    layout: Layout,
    decoders: Vec<Decoder>,
    mix: Mix,
    scratches: Scratches,
    ordinary: Vec<u8>,
}

/// Channels of the streams and of the output.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Streams of two channels, which are the first.
    coupled: usize,
    /// Channels of all streams.
    decoded: usize,
    output: usize,
}

#[derive(Debug)]
enum Mix {
    /// For each output channel the decoded one, or [`SILENCE`].
    Copy(Vec<u8>),
    /// Coefficients in Q15: for each decoded channel, what it adds to every output channel.
    Matrix(Vec<i16>),
}

const SILENCE: u8 = 255;

impl Multistream {
    /// Decoders with this output gain in dB, Q7.8.
    pub(crate) fn new(mapping: &ChannelMapping, gain: i16) -> Result<Self, LibopusError> {
        let mix = match mapping.table() {
            MappingTable::Indices(table) => Mix::Copy(table.to_vec()),
            MappingTable::Matrix(bytes) => Mix::Matrix(coefficients(bytes)),
            _ => return Err(LibopusError::UnsupportedFamily { family: mapping.family() }),
        };
        Self::mixed_by(mix, mapping.channels(), mapping, gain)
    }

    /// The same, with the channels of the streams as output.
    pub(crate) fn unmixed(mapping: &ChannelMapping, gain: i16) -> Result<Self, LibopusError> {
        // At most 255: an invariant of the mapping.
        let channels = mapping.streams().get().saturating_add(mapping.coupled());
        Self::mixed_by(Mix::Copy((0..channels).collect()), channels, mapping, gain)
    }

    fn mixed_by(
        mix: Mix,
        channels: u8,
        mapping: &ChannelMapping,
        gain: i16,
    ) -> Result<Self, LibopusError> {
        let streams = mapping.streams();
        let decoder = |stream| match stream < mapping.coupled() {
            true => new_decoder(Channels::Stereo, gain),
            false => new_decoder(Channels::Mono, gain),
        };
        let coupled = usize::from(mapping.coupled());
        let decoded = usize::from(streams.get()) + coupled;
        Ok(Self {
            streams,
            layout: Layout { coupled, decoded, output: usize::from(channels) },
            decoders: (0..streams.get()).map(decoder).collect::<Result<_, _>>()?,
            mix,
            scratches: Scratches::default(),
            ordinary: Vec::new(),
        })
    }

    /// Channels of the output.
    pub(crate) fn channels(&self) -> usize {
        self.layout.output
    }

    pub(crate) fn reset(&mut self) -> Result<(), LibopusError> {
        self.decoders
            .iter_mut()
            .try_for_each(|decoder| decoder.reset_state().map_err(LibopusError::Libopus))
    }

    /// No decoder is touched unless the whole packet can be split and its output has room.
    pub(crate) fn decode<S: Sample>(
        &mut self,
        packet: &[u8],
        pcm: &mut [S],
    ) -> Result<usize, LibopusError> {
        let samples = multistream_duration(packet, self.streams)?;
        let samples = usize::try_from(samples).unwrap_or(usize::MAX);
        let (expected, found) = (samples * self.layout.output, pcm.len());
        let output = pcm.get_mut(..expected).ok_or(LibopusError::NoRoom { found, expected })?;
        self.decode_streams::<S>(packet, samples)?;
        self.mix.mix(self.layout, S::scratch(&mut self.scratches), output);
        Ok(samples)
    }

    fn decode_streams<S: Sample>(
        &mut self,
        packet: &[u8],
        samples: usize,
    ) -> Result<(), LibopusError> {
        let decoded = &mut S::scratch(&mut self.scratches).decoded;
        decoded.resize(samples * self.layout.decoded, S::default());
        let (mut rest, mut start) = (packet, 0);
        for (stream, decoder) in self.decoders.iter_mut().enumerate() {
            let is_last = stream + 1 == usize::from(self.streams.get());
            let packet = next_stream(&mut rest, is_last, &mut self.ordinary)?;
            let end = start + samples * self.layout.width(stream);
            let room = decoded.get_mut(start..end).unwrap_or_default();
            let found = S::decode(decoder, packet, room).map_err(LibopusError::Libopus)?;
            if found != samples {
                return Err(LibopusError::StreamLength { stream, found, expected: samples });
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
    fn decoded_channel<S>(self, index: usize, decoded: &[S]) -> impl Iterator<Item = &S> {
        let samples = decoded.len() / self.decoded;
        let (before, within, width) = match index < 2 * self.coupled {
            true => (index - index % 2, index % 2, 2),
            false => (index, 0, 1),
        };
        let start = before * samples;
        let stream = decoded.get(start..start + width * samples).unwrap_or_default();
        stream.iter().skip(within).step_by(width)
    }

    /// The places of one channel in the output.
    fn output_channel<S>(self, channel: usize, output: &mut [S]) -> impl Iterator<Item = &mut S> {
        output.iter_mut().skip(channel).step_by(self.output)
    }
}

impl Mix {
    fn mix<S: Sample>(&self, layout: Layout, scratch: &mut Scratch<S>, output: &mut [S]) {
        match self {
            Self::Copy(table) => copy(table, layout, &scratch.decoded, output),
            Self::Matrix(matrix) => multiply(matrix, layout, scratch, output),
        }
    }
}

fn copy<S: Sample>(table: &[u8], layout: Layout, decoded: &[S], output: &mut [S]) {
    for (channel, &index) in table.iter().enumerate() {
        let places = layout.output_channel(channel, output);
        if index == SILENCE {
            places.for_each(|place| *place = S::default());
            continue;
        }
        let samples = layout.decoded_channel(usize::from(index), decoded);
        places.zip(samples).for_each(|(place, &sample)| *place = sample);
    }
}

fn multiply<S: Sample>(matrix: &[i16], layout: Layout, scratch: &mut Scratch<S>, output: &mut [S]) {
    let Scratch { decoded, sums } = scratch;
    for channel in 0..layout.output {
        sums.clear();
        sums.resize(decoded.len() / layout.decoded, S::Sum::default());
        let row = matrix.iter().skip(channel).step_by(layout.output);
        for (index, &coefficient) in row.enumerate().filter(|&(_, &coefficient)| coefficient != 0) {
            let samples = layout.decoded_channel(index, decoded);
            sums.iter_mut().zip(samples).for_each(|(sum, x)| *sum += x.scaled(coefficient));
        }
        let places = layout.output_channel(channel, output);
        places.zip(sums.iter()).for_each(|(place, &sum)| *place = S::from_sum(sum));
    }
}

fn coefficients(matrix: &[u8]) -> Vec<i16> {
    let pairs = matrix.chunks_exact(2).filter_map(|pair| pair.first_chunk());
    pairs.map(|&pair| i16::from_le_bytes(pair)).collect()
}
