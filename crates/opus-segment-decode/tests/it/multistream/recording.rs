//! Recordings of several Opus streams, and their expected output from libopus and the tables.

use std::fmt::Debug;

use magnum_opus::{Application, Bitrate, Channels, Decoder, Encoder};
use opus_packet::{ChannelMapping, MappingTable, OpusHead, write_self_delimited};
use opus_segment_decode::{LibopusDecoder, PacketDecoder, Sample};

/// Durations of packets in samples at 48 kHz, with one frame and with many.
pub(crate) const DURATIONS: [usize; 8] = [960, 960, 120, 2880, 5760, 480, 960, 1920];

/// Decodes a stream with libopus directly, and mixes samples.
pub(crate) trait Reference: Sample + PartialEq + Debug {
    fn decode_alone(decoder: &mut Decoder, packet: &[u8], pcm: &mut [Self]) -> usize;
    fn mix(samples: &[(i16, Self)]) -> Self;
}

impl Reference for i16 {
    fn decode_alone(decoder: &mut Decoder, packet: &[u8], pcm: &mut [i16]) -> usize {
        decoder.decode(packet, pcm, false).unwrap()
    }

    fn mix(samples: &[(i16, i16)]) -> i16 {
        let rounded = |&(coefficient, sample): &(i16, i16)| {
            let product = i64::from(coefficient) * i64::from(sample);
            (product + 16_384).div_euclid(32_768)
        };
        let sum: i64 = samples.iter().map(rounded).sum();
        i16::try_from(sum.clamp(-32_768, 32_767)).unwrap()
    }
}

impl Reference for f32 {
    fn decode_alone(decoder: &mut Decoder, packet: &[u8], pcm: &mut [f32]) -> usize {
        decoder.decode_float(packet, pcm, false).unwrap()
    }

    fn mix(samples: &[(i16, f32)]) -> f32 {
        let product =
            |&(coefficient, sample): &(i16, f32)| f32::from(coefficient) / 32_768.0 * sample;
        samples.iter().map(product).fold(0.0, |sum, product| sum + product)
    }
}

/// Packets of one Opus stream, different for every `seed`.
fn stream(channels: usize, seed: usize, volume: f32) -> Vec<Vec<u8>> {
    let (kind, application) = match channels {
        1 => (Channels::Mono, [Application::Voip, Application::Audio][seed % 2]),
        _ => (Channels::Stereo, [Application::Audio, Application::LowDelay][seed % 2]),
    };
    let mut encoder = Encoder::new(48_000, kind, application).unwrap();
    let bits = 14_000 + 9_000 * i32::try_from(seed % 8).unwrap();
    encoder.set_bitrate(Bitrate::Bits(bits)).unwrap();
    let mut random = u32::try_from(seed).unwrap() + 1;
    let mut sample = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f32::from(u16::try_from(random >> 16).unwrap()) / 32_768.0 - 1.0;
        volume * noise
    };
    let mut packet = |samples: usize| {
        let pcm: Vec<f32> = (0..samples * channels).map(|_| sample()).collect();
        encoder.encode_vec_float(&pcm, 8000).unwrap()
    };
    DURATIONS.iter().map(|&samples| packet(samples)).collect()
}

/// A recording of several streams and the head that describes it.
pub(crate) struct Recording {
    pub(crate) head: OpusHead,
    pub(crate) streams: Vec<Vec<Vec<u8>>>,
}

impl Recording {
    pub(crate) fn new(
        family: u8,
        channels: u8,
        (streams, coupled): (u8, u8),
        table: &[u8],
    ) -> Self {
        let mut bytes = vec![streams, coupled];
        bytes.extend(table);
        let mapping = ChannelMapping::parse(family, channels, &bytes).unwrap();
        let head = OpusHead::new(1, 312, 48_000).unwrap().with_mapping(mapping);
        Self { head, streams: Vec::new() }.with_volume(0.3)
    }

    /// Family 3, with coefficients column by column.
    pub(crate) fn projection(channels: u8, streams: (u8, u8), matrix: &[i16]) -> Self {
        let table: Vec<u8> = matrix.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::new(3, channels, streams, &table)
    }

    pub(crate) fn with_gain(self, gain: i16) -> Self {
        Self { head: self.head.with_output_gain(gain), ..self }
    }

    pub(crate) fn with_volume(self, volume: f32) -> Self {
        let widths = self.widths();
        let streams = widths.iter().enumerate();
        let streams = streams.map(|(seed, &width)| stream(width, seed, volume)).collect();
        Self { streams, ..self }
    }

    /// The number of channels of each stream.
    fn widths(&self) -> Vec<usize> {
        let mapping = self.head.mapping();
        (0..mapping.streams().get()).map(|n| if n < mapping.coupled() { 2 } else { 1 }).collect()
    }

    pub(crate) fn packets(&self) -> Vec<Vec<u8>> {
        let (last, first) = self.streams.split_last().unwrap();
        let packet = |number: usize| {
            let mut packet = Vec::new();
            for stream in first {
                write_self_delimited(&stream[number], &mut packet).unwrap();
            }
            packet.extend(&last[number]);
            packet
        };
        (0..DURATIONS.len()).map(packet).collect()
    }

    /// The samples of every channel of every stream.
    pub(crate) fn decoded<S: Reference>(&self) -> Vec<Vec<S>> {
        let mut channels = Vec::new();
        for (packets, width) in self.streams.iter().zip(self.widths()) {
            let kind = if width == 1 { Channels::Mono } else { Channels::Stereo };
            let mut decoder = Decoder::new(48_000, kind).unwrap();
            decoder.set_gain(i32::from(self.head.output_gain())).unwrap();
            let (mut pcm, mut all) = (vec![S::default(); 5760 * width], Vec::new());
            for packet in packets {
                let samples = S::decode_alone(&mut decoder, packet, &mut pcm);
                all.extend_from_slice(&pcm[..samples * width]);
            }
            let channel = |n| all.iter().skip(n).step_by(width).copied().collect();
            channels.extend((0..width).map(channel));
        }
        channels
    }

    /// The output that the table makes of them, interleaved.
    pub(crate) fn expected<S: Reference>(&self) -> Vec<S> {
        let decoded = self.decoded::<S>();
        let channels = usize::from(self.head.channels());
        let output = |place: usize, channel: usize| match self.head.mapping().table() {
            MappingTable::Indices(table) => match table[channel] {
                255 => S::default(),
                index => decoded[usize::from(index)][place],
            },
            MappingTable::Matrix(matrix) => {
                let coefficient = |column: usize| {
                    let at = 2 * (column * channels + channel);
                    i16::from_le_bytes([matrix[at], matrix[at + 1]])
                };
                let samples = decoded.iter().enumerate();
                let samples: Vec<(i16, S)> = samples
                    .map(|(column, samples)| (coefficient(column), samples[place]))
                    .collect();
                S::mix(&samples)
            }
            table => panic!("{table:?}"),
        };
        (0..decoded[0].len())
            .flat_map(|place| (0..channels).map(move |channel| (place, channel)))
            .map(|(place, channel)| output(place, channel))
            .collect()
    }

    pub(crate) fn decoder(&self) -> LibopusDecoder {
        LibopusDecoder::new(&self.head).unwrap()
    }

    pub(crate) fn check_as<S: Reference>(&self) -> Vec<S> {
        let expected = self.expected::<S>();
        let mut decoder = self.decoder();
        let heard = decode_all::<S>(&mut decoder, &self.packets());
        assert!(heard == expected, "{:?}", self.head);
        PacketDecoder::<S>::reset(&mut decoder).unwrap();
        assert!(decode_all::<S>(&mut decoder, &self.packets()) == expected, "after a reset");
        expected
    }

    pub(crate) fn check(&self) {
        let floats = self.check_as::<f32>();
        assert!(floats.iter().any(|sample| sample.abs() > 0.01), "expected more than silence");
        self.check_as::<i16>();
    }
}

pub(crate) fn decode_all<S: Sample>(decoder: &mut LibopusDecoder, packets: &[Vec<u8>]) -> Vec<S> {
    let channels = PacketDecoder::<S>::layout(decoder).channels;
    let (mut pcm, mut all) = (vec![S::default(); 5760 * channels], Vec::new());
    for (packet, duration) in packets.iter().zip(DURATIONS) {
        assert_eq!(decoder.decode(packet, &mut pcm).unwrap(), duration);
        all.extend_from_slice(&pcm[..duration * channels]);
    }
    all
}
