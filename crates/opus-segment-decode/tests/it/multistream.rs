//! Packets of several Opus streams, bit for bit against one libopus decoder per stream.

mod recording;
mod selection;

use std::error::Error as _;

use opus_packet::{InvalidPacket, multistream_duration};
use opus_segment_decode::{Error, ErrorKind, LibopusDecoder, PacketDecoder};
use proptest::prelude::*;
use recording::{DURATIONS, Recording, decode_all};

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
    // In any order, repeated, omitted, and silent.
    Recording::new(255, 7, (4, 1), &[4, 255, 1, 1, 0, 255, 3]).check();
    Recording::new(1, 3, (2, 1), &[0, 255, 2]).check();
}

#[test]
fn a_single_stream_can_be_mapped_too() {
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
    // Q15 has no 1, but it has -1.
    let negative = Recording::projection(4, (3, 1), &identity(i16::MIN));
    let floats = negative.check_as::<f32>();
    let plain = Recording { head: Recording::new(2, 4, (3, 1), &[0, 1, 2, 3]).head, ..negative };
    assert!(plain.expected::<f32>().iter().zip(&floats).all(|(one, other)| *one == -other));
    // More decoded channels than output channels, and fewer.
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
    assert!(loud.check_as::<f32>().iter().any(|sample| sample.abs() > 1.0), "f32 is not clamped");
}

#[test]
fn gain_is_applied_to_every_stream() {
    let louder = surround().with_gain(1536);
    louder.check();
    assert!(louder.expected::<f32>() != surround().expected::<f32>());
    Recording::projection(4, (2, 2), &[-7000; 16]).with_gain(-700).check();
}

#[test]
fn the_most_possible_channels() {
    let table: Vec<u8> = (0..255).rev().collect();
    Recording::new(255, 255, (255, 0), &table).check();
    let table: Vec<u8> = (0..=255).filter(|index| *index != 200).collect();
    Recording::new(255, 255, (128, 127), &table).check();
}

#[test]
fn unmixed_output_is_the_channels_of_the_streams() {
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
fn a_rejected_packet_leaves_the_decoder_unchanged() {
    let recording = surround();
    let (packets, expected) = (recording.packets(), recording.expected::<i16>());
    let mut decoder = recording.decoder();
    let (mut heard, mut pcm) = (Vec::new(), vec![7i16; 5760 * 6]);
    for (packet, duration) in packets.iter().zip(DURATIONS) {
        let shorter = &mut pcm[..duration * 6 - 1];
        let error = decoder.decode(packet, shorter).unwrap_err();
        assert!(error.to_string().starts_with("room for "), "{error}");
        // This cuts off the second stream or a later one.
        let error = decoder.decode(&packet[..packet.len() / 2], &mut pcm).unwrap_err();
        assert!(split_error(&error).is_some(), "{error}");
        decoder.decode(packet, &mut pcm).unwrap();
        heard.extend_from_slice(&pcm[..duration * 6]);
    }
    assert!(heard == expected);
}

#[test]
fn streams_of_different_lengths_are_rejected() {
    let mut recording = surround();
    recording.streams[2].swap(0, 2);
    let error = recording.decoder().decode(&recording.packets()[0], &mut [0i16; 5760 * 6]);
    let error = format!("{:?}", error.unwrap_err());
    assert!(error.contains("120 samples in stream 2, expected 960 as in those before"), "{error}");
}

/// Why a packet could not be split into its streams.
fn split_error(error: &Error) -> Option<InvalidPacket> {
    error.source()?.downcast_ref().copied()
}

/// Random bytes, and damaged packets.
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
    fn a_damaged_packet_decodes_or_fails(packets in prop::collection::vec(damaged(), 1..6)) {
        let projection = Recording::projection(4, (4, 2), &[9000; 24]);
        for recording in [surround(), projection] {
            let mut decoder = recording.decoder();
            let mut pcm = vec![0f32; 5760 * usize::from(recording.head.channels())];
            for packet in &packets {
                let duration = multistream_duration(packet, recording.head.mapping().streams());
                match (decoder.decode(packet, &mut pcm), duration) {
                    (Ok(found), Ok(expected)) => prop_assert_eq!(u32::try_from(found), Ok(expected)),
                    (Err(error), Err(expected)) => {
                        prop_assert_eq!(split_error(&error), Some(expected));
                    }
                    (Err(error), Ok(_)) => {
                        prop_assert_eq!(error.kind(), ErrorKind::Decode);
                        prop_assert_eq!(split_error(&error), None);
                    }
                    (found, expected) => prop_assert!(false, "{found:?} {expected:?}"),
                }
            }
        }
    }
}
