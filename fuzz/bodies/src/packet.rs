//! Opus packets.

use std::num::NonZeroU8;

use opus_packet::{
    Concealment, MAX_PACKET_DURATION, Toc, duration, multistream_duration, split_self_delimited,
    write_self_delimited,
};

/// Parses arbitrary bytes as a packet: 2.5 to 120 ms, or an error.
pub fn packet(bytes: &[u8]) {
    let Some(toc) = bytes.first().map(|&byte| Toc::new(byte)) else { return };
    assert!(matches!(toc.frame_duration(), 120 | 240 | 480 | 960 | 1920 | 2880));
    assert!(!format!("{toc:?}").is_empty());
    match duration(bytes) {
        Ok(samples) => {
            assert_eq!(samples % 120, 0);
            assert!((120..=MAX_PACKET_DURATION).contains(&samples));
            assert_eq!(samples % toc.frame_duration(), 0, "whole frames");
            assert!(samples / toc.frame_duration() <= 48);
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1),
    }
    check_several(bytes);
}

/// As a packet of several streams: a packet that was split off can be joined again.
fn check_several(bytes: &[u8]) {
    let Ok((first, rest)) = split_self_delimited(bytes) else { return };
    let (mut ordinary, mut again) = (vec![], vec![]);
    first.write_ordinary(&mut ordinary);
    assert_eq!(duration(&ordinary), Ok(first.duration()));
    write_self_delimited(&ordinary, &mut again).unwrap();
    assert_eq!(split_self_delimited(&again).unwrap().0.duration(), first.duration());
    let both = multistream_duration(bytes, NonZeroU8::new(2).unwrap());
    assert_eq!(both.is_ok(), duration(rest) == Ok(first.duration()));
    check_concealment(bytes, 2);
    check_concealment(bytes, 1);
}

/// Whatever packet precedes it, the gap is filled.
fn check_concealment(before: &[u8], streams: u8) {
    let (lost, mut filled) = (12_345, 0);
    let mut concealment = Concealment::new(before, streams, lost);
    while let Some(packet) = concealment.next_packet() {
        let duration = multistream_duration(packet.data, NonZeroU8::new(streams).unwrap());
        assert_eq!(duration, Ok(packet.duration));
        filled += u64::from(packet.duration);
    }
    assert_eq!(filled, lost - lost % 120);
}
