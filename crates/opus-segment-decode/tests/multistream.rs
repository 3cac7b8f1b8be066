//! Packets of several Opus streams against one decoder for each stream, bit for bit.

#![cfg(feature = "libopus")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fmt::Debug;

use magnum_opus::{Application, Bitrate, Channels, Decoder, Encoder};
use opus_packet::{
    ChannelMapping, MappingTable, OpusHead, multistream_duration, write_self_delimited,
};
use opus_segment_decode::{LibopusDecoder, LibopusError, PacketDecoder, Sample};
use proptest::prelude::*;

/// Durations of packets, in samples at 48 kHz: of one frame and of many.
const DURATIONS: [usize; 8] = [960, 960, 120, 2880, 5760, 480, 960, 1920];

/// What a stream is decoded to by libopus alone, and how samples are mixed.
trait Reference: Sample + PartialEq + Debug {
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

/// Packets of one Opus stream, different ones for every `seed`.
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
struct Recording {
    head: OpusHead,
    streams: Vec<Vec<Vec<u8>>>,
}

impl Recording {
    fn new(family: u8, channels: u8, (streams, coupled): (u8, u8), table: &[u8]) -> Self {
        let mut bytes = vec![streams, coupled];
        bytes.extend(table);
        let mapping = ChannelMapping::parse(family, channels, &bytes).unwrap();
        let head = OpusHead::new(1, 312, 48_000).unwrap().with_mapping(mapping);
        Self { head, streams: Vec::new() }.with_volume(0.3)
    }

    /// Family 3, of coefficients column after column.
    fn projection(channels: u8, streams: (u8, u8), matrix: &[i16]) -> Self {
        let table: Vec<u8> = matrix.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::new(3, channels, streams, &table)
    }

    fn with_gain(self, gain: i16) -> Self {
        Self { head: self.head.with_output_gain(gain), ..self }
    }

    fn with_volume(self, volume: f32) -> Self {
        let widths = self.widths();
        let streams = widths.iter().enumerate();
        let streams = streams.map(|(seed, &width)| stream(width, seed, volume)).collect();
        Self { streams, ..self }
    }

    /// Channels of each stream.
    fn widths(&self) -> Vec<usize> {
        let mapping = self.head.mapping();
        (0..mapping.streams().get()).map(|n| if n < mapping.coupled() { 2 } else { 1 }).collect()
    }

    fn packets(&self) -> Vec<Vec<u8>> {
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
    fn decoded<S: Reference>(&self) -> Vec<Vec<S>> {
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

    /// What the table makes of them, interleaved.
    fn expected<S: Reference>(&self) -> Vec<S> {
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

    fn decoder(&self) -> LibopusDecoder {
        LibopusDecoder::new(&self.head).unwrap()
    }

    fn check_as<S: Reference>(&self) -> Vec<S> {
        let expected = self.expected::<S>();
        let mut decoder = self.decoder();
        let heard = decode_all::<S>(&mut decoder, &self.packets());
        assert!(heard == expected, "{:?}", self.head);
        PacketDecoder::<S>::reset(&mut decoder).unwrap();
        assert!(decode_all::<S>(&mut decoder, &self.packets()) == expected, "after a reset");
        expected
    }

    fn check(&self) {
        let floats = self.check_as::<f32>();
        assert!(floats.iter().any(|sample| sample.abs() > 0.01), "not all silence");
        self.check_as::<i16>();
    }
}

fn decode_all<S: Sample>(decoder: &mut LibopusDecoder, packets: &[Vec<u8>]) -> Vec<S> {
    let channels = PacketDecoder::<S>::layout(decoder).channels;
    let (mut pcm, mut all) = (vec![S::default(); 5760 * channels], Vec::new());
    for (packet, duration) in packets.iter().zip(DURATIONS) {
        assert_eq!(decoder.decode(packet, &mut pcm).unwrap(), duration);
        all.extend_from_slice(&pcm[..duration * channels]);
    }
    all
}

fn surround() -> Recording {
    Recording::new(1, 6, (4, 2), &[0, 4, 1, 2, 3, 5])
}

#[test]
fn surround_of_every_size() {
    surround().check();
    let layouts: [(u8, (u8, u8), &[u8]); 7] = [
        (1, (1, 0), &[0]),
        (2, (1, 1), &[0, 1]),
        (3, (2, 1), &[0, 2, 1]),
        (4, (2, 2), &[0, 1, 2, 3]),
        (5, (3, 2), &[0, 4, 1, 2, 3]),
        (7, (5, 2), &[0, 4, 1, 2, 3, 5, 6]),
        (8, (5, 3), &[0, 6, 1, 2, 3, 4, 5, 7]),
    ];
    for (channels, streams, table) in layouts {
        Recording::new(1, channels, streams, table).check();
    }
}

#[test]
fn discrete_channels() {
    Recording::new(255, 5, (4, 1), &[0, 1, 2, 3, 4]).check();
    // In any order, more than once, not at all, and silence.
    Recording::new(255, 7, (4, 1), &[4, 255, 1, 1, 0, 255, 3]).check();
    Recording::new(1, 3, (2, 1), &[0, 255, 2]).check();
}

#[test]
fn one_stream_may_be_mapped_as_well() {
    Recording::new(255, 2, (1, 1), &[1, 0]).check();
    Recording::new(255, 3, (1, 0), &[0, 255, 0]).check();
}

#[test]
fn ambisonics() {
    Recording::new(2, 4, (4, 0), &[0, 1, 2, 3]).check();
    Recording::new(2, 6, (5, 1), &[2, 3, 4, 5, 0, 1]).check();
    Recording::new(2, 9, (9, 0), &[0, 1, 2, 3, 4, 5, 6, 7, 8]).check();
}

#[test]
fn ambisonics_with_a_demixing_matrix() {
    let identity = |one: i16| -> Vec<i16> {
        (0..4)
            .flat_map(|column| (0..4).map(move |row| if row == column { one } else { 0 }))
            .collect()
    };
    Recording::projection(4, (2, 2), &identity(32_767)).check();
    // -1 is the only factor of size 1 that Q15 has.
    let negative = Recording::projection(4, (3, 1), &identity(i16::MIN));
    let floats = negative.check_as::<f32>();
    let plain = Recording { head: Recording::new(2, 4, (3, 1), &[0, 1, 2, 3]).head, ..negative };
    assert!(plain.expected::<f32>().iter().zip(&floats).all(|(one, other)| *one == -other));
    // More decoded channels than of output, and fewer.
    let mut random = 7u16;
    let mut matrix = |cells: usize| -> Vec<i16> {
        let mut next = || {
            random = random.wrapping_mul(25_173).wrapping_add(13_849);
            i16::from_le_bytes(random.to_le_bytes())
        };
        (0..cells).map(|_| next()).collect()
    };
    Recording::projection(4, (3, 3), &matrix(6 * 4)).check();
    Recording::projection(6, (3, 1), &matrix(4 * 6)).check();
}

#[test]
fn sums_beyond_full_scale_are_clamped() {
    let loud = Recording::projection(4, (2, 2), &[32_767; 16]).with_volume(1.5);
    let samples = loud.check_as::<i16>();
    assert!(samples.contains(&i16::MAX) && samples.contains(&i16::MIN));
    assert!(loud.check_as::<f32>().iter().any(|sample| sample.abs() > 1.0), "not clamped");
}

#[test]
fn gain_is_applied_to_every_stream() {
    let louder = surround().with_gain(1536);
    louder.check();
    assert!(louder.expected::<f32>() != surround().expected::<f32>());
    Recording::projection(4, (2, 2), &[-7000; 16]).with_gain(-700).check();
}

#[test]
fn as_many_channels_as_there_can_be() {
    let table: Vec<u8> = (0..255).rev().collect();
    Recording::new(255, 255, (255, 0), &table).check();
    let table: Vec<u8> = (0..=255).filter(|index| *index != 200).collect();
    Recording::new(255, 255, (128, 127), &table).check();
}

#[test]
fn unmixed_are_the_channels_of_the_streams() {
    for recording in [
        surround(),
        Recording::projection(4, (3, 3), &[1000; 24]),
        Recording::new(255, 1, (1, 1), &[1]),
        Recording::new(1, 2, (1, 1), &[0, 1]),
    ] {
        let mut decoder = LibopusDecoder::unmixed(&recording.head).unwrap();
        let decoded = recording.decoded::<f32>();
        assert_eq!(PacketDecoder::<f32>::layout(&decoder).channels, decoded.len());
        let all = decode_all::<f32>(&mut decoder, &recording.packets());
        for (number, channel) in decoded.iter().enumerate() {
            assert!(all.iter().skip(number).step_by(decoded.len()).eq(channel), "{number}");
        }
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    let recording = surround();
    let (packets, expected) = (recording.packets(), recording.expected::<i16>());
    let mut decoder = recording.decoder();
    let (mut heard, mut pcm) = (Vec::new(), vec![7i16; 5760 * 6]);
    for (packet, duration) in packets.iter().zip(DURATIONS) {
        let shorter = &mut pcm[..duration * 6 - 1];
        let error = decoder.decode(packet, shorter).unwrap_err();
        assert!(matches!(error, LibopusError::NoRoom { .. }), "{error}");
        // The second stream, or a later one, is cut.
        let error = decoder.decode(&packet[..packet.len() / 2], &mut pcm).unwrap_err();
        assert!(matches!(error, LibopusError::Split(_)), "{error}");
        decoder.decode(packet, &mut pcm).unwrap();
        heard.extend_from_slice(&pcm[..duration * 6]);
    }
    assert!(heard == expected);
}

#[test]
fn streams_of_different_lengths_are_refused() {
    let mut recording = surround();
    recording.streams[2].swap(0, 2);
    let error = recording.decoder().decode(&recording.packets()[0], &mut [0i16; 5760 * 6]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("120 samples in stream 2, 960 in those before"), "{error}");
}

/// Any bytes; and packets that were packets before something happened to them.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let packets = surround().packets();
    let change = (any::<prop::sample::Index>(), any::<u8>());
    let changed =
        (0..packets.len(), prop::collection::vec(change, 0..4), any::<prop::sample::Index>())
            .prop_map(move |(number, changes, length)| {
                let mut packet = packets[number].clone();
                for (place, byte) in changes {
                    let place = place.index(packet.len().min(40));
                    packet[place] = byte;
                }
                packet.truncate(packet.len() - length.index(packet.len()) / 4);
                packet
            });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..200), changed]
}

proptest! {
    #[test]
    fn damage_is_an_error_or_a_packet(packets in prop::collection::vec(damaged(), 1..6)) {
        let projection = Recording::projection(4, (4, 2), &[9000; 24]);
        for recording in [surround(), projection] {
            let mut decoder = recording.decoder();
            let mut pcm = vec![0f32; 5760 * usize::from(recording.head.channels())];
            for packet in &packets {
                let duration = multistream_duration(packet, recording.head.mapping().streams());
                match (decoder.decode(packet, &mut pcm), duration) {
                    (Ok(found), Ok(expected)) => prop_assert_eq!(u32::try_from(found), Ok(expected)),
                    (Err(LibopusError::Split(found)), Err(expected)) => prop_assert_eq!(found, expected),
                    (Err(LibopusError::Libopus(_)), Ok(_)) => {}
                    (found, expected) => prop_assert!(false, "{found:?} {expected:?}"),
                }
            }
        }
    }
}
