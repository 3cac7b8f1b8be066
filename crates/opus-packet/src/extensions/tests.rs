use alloc::{vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::{duration, write_self_delimited};

/// Id, frame and payload.
type Found = (u8, u8, Vec<u8>);

/// A CELT packet of empty frames of 2.5 ms.
fn packet(frames: u8, padding: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xe3, 0x40 | frames];
    let mut left = padding.len();
    while left >= 255 {
        packet.push(255);
        left -= 254;
    }
    packet.push(u8::try_from(left).unwrap());
    packet.extend_from_slice(padding);
    assert_eq!(duration(&packet), Ok(120 * u32::from(frames)));
    packet
}

fn parse(packet: &[u8]) -> (Vec<Found>, Option<InvalidExtension>) {
    let (mut all, mut error) = (vec![], None);
    for extension in extensions(packet) {
        assert_eq!(error, None, "nothing follows an error");
        match extension {
            Ok(Extension { id, frame, data }) => all.push((id, frame, data.to_vec())),
            Err(reason) => error = Some(reason),
        }
    }
    (all, error)
}

fn found(frames: u8, padding: &[u8]) -> Vec<Found> {
    let (all, error) = parse(&packet(frames, padding));
    assert_eq!(error, None, "{padding:?}");
    all
}

fn ids(packet: &[u8]) -> Vec<u8> {
    extension_ids(packet, NonZeroU8::MIN).iter().collect()
}

#[test]
fn ordinary_packets_and_padding_have_none() {
    for packet in [
        &[][..],
        &[0xe0],
        &[0xe0, 0x41, 2, 250, 7],
        &[0xe1, 0x41, 2, 250],
        &[0xe2, 0x41, 2, 250],
        &[0xe3, 1, 250, 250],
        &[0xe3, 0x81, 250, 250],
        &[0xe3, 0x41, 0, 250],
        &[0xe3, 0x41, 9, 250],
        &[0xe3],
    ] {
        assert_eq!((parse(packet), ids(packet)), ((vec![], None), vec![]), "{packet:?}");
    }
    for padding in [&[][..], &[0], &[0; 254], &[0; 255], &[0; 1000], &[1; 300], &[1, 1, 0, 250, 9]]
    {
        assert_eq!(found(1, padding), [], "{padding:?}");
    }
}

/// Any number of frames, equal or not, in either framing.
#[test]
fn frames_before_the_padding_do_not_matter() {
    for frames in 1..=48 {
        let last = frames - 1;
        let of_last = if last > 0 { vec![3, last, 7, 9] } else { vec![7, 9] };
        assert_eq!(found(frames, &of_last), [(3, last, vec![9])]);
        let equal = [&[0xe3, 0x40 | frames, 2][..], &vec![8; 3 * usize::from(frames)], &[7, 9]];
        let lengths = vec![2; usize::from(last)];
        let body = vec![8; 2 * usize::from(last) + 5];
        let vbr = [&[0xe3, 0xc0 | frames, 2][..], &lengths, &body, &[7, 9]];
        for packet in [equal.concat(), vbr.concat()] {
            assert_eq!(duration(&packet), Ok(120 * u32::from(frames)));
            let mut delimited = vec![];
            write_self_delimited(&packet, &mut delimited).unwrap();
            for packet in [packet, delimited] {
                assert_eq!(parse(&packet), (vec![(3, 0, vec![9])], None), "{packet:?}");
            }
        }
    }
}

#[test]
fn short_and_long_extensions() {
    assert_eq!(found(1, &[6]), [(3, 0, vec![])]);
    assert_eq!(found(1, &[63, 9, 62]), [(31, 0, vec![9]), (31, 0, vec![])]);
    assert_eq!(found(1, &[64]), [(32, 0, vec![])], "up to the end");
    assert_eq!(found(1, &[254, 1, 0, 3]), [(127, 0, vec![1, 0, 3])]);
    assert_eq!(found(1, &[249, 2, 1, 2, 1, 252, 5]), [(124, 0, vec![1, 2]), (126, 0, vec![5])]);
    for len in [0_u8, 1, 254] {
        let data = vec![5; usize::from(len)];
        assert_eq!(found(1, &[&[65, len][..], &data, &[7, 9]].concat()).len(), 2);
        let long = [&[65, 255, len][..], &[6; 255], &data].concat();
        assert_eq!(found(1, &long), [(32, 0, [&[6; 255][..], &data].concat())]);
    }
}

#[test]
fn separators_move_to_later_frames() {
    let (a, b) = ((3, 0, vec![]), |frame| (4, frame, vec![]));
    assert_eq!(found(3, &[6, 2, 8]), [a.clone(), b(1)]);
    assert_eq!(found(3, &[6, 2, 2, 8]), [a.clone(), b(2)]);
    assert_eq!(found(48, &[6, 3, 47, 8]), [a.clone(), b(47)]);
    assert_eq!(found(1, &[6, 3, 0, 8]), [a, b(0)]);
}

#[test]
fn repeated_extensions() {
    let of = |id, frame, data: &[u8]| (id, frame, data.to_vec());
    // A short one in each of three frames, then another in the last.
    let expected =
        [of(3, 0, &[10]), of(3, 1, &[11]), of(3, 2, &[12]), of(4, 1, &[]), of(4, 2, &[])];
    assert_eq!(found(3, &[7, 10, 5, 11, 12, 2, 8, 2, 8]), expected);
    assert_eq!(found(3, &[7, 10, 4, 11, 12, 8, 4]), expected, "after it comes the next frame");
    // The last long one states no length, and leaves room for the short one that follows.
    let long = [of(40, 0, &[1, 2]), of(5, 0, &[9])];
    let again = [of(40, 1, &[3, 4, 5]), of(5, 1, &[8])];
    assert_eq!(found(2, &[81, 2, 1, 2, 11, 9, 4, 3, 4, 5, 8]), [&long[..], &again].concat());
    assert_eq!(found(2, &[81, 2, 1, 2, 11, 9, 5, 3, 3, 4, 5, 8]), [long, again].concat());
    // Padding and separators of 0 frames are not repeated, nor is what preceded a separator.
    let expected = [of(3, 0, &[]), of(4, 1, &[7]), of(4, 2, &[8])];
    assert_eq!(found(3, &[6, 2, 1, 3, 0, 9, 7, 4, 8]), expected);
    assert_eq!(found(1, &[6, 4, 250, 9]), [of(3, 0, &[])], "no frame is left");
    assert_eq!(found(1, &[6, 5, 250, 9]), [of(3, 0, &[]), of(125, 0, &[9])]);
}

#[test]
fn truncated_extensions_end_the_list() {
    let truncated = |id| Some(InvalidExtension::Truncated { id });
    for (frames, padding, id, before) in [
        (1, &[7][..], 3, 0),
        (1, &[6, 249], 124, 1),
        (1, &[249, 3, 1, 2], 124, 0),
        (1, &[249, 255], 124, 0),
        (1, &[249, 255, 0, 1], 124, 0),
        (2, &[3], 1, 0),
        (3, &[7, 1, 5, 2], 3, 2),
        (2, &[81, 1, 0, 11, 9, 4], 40, 2),
    ] {
        let (all, error) = parse(&packet(frames, padding));
        assert_eq!((all.len(), error), (before, truncated(id)), "{padding:?}");
    }
    let beyond = |frame, frames| Some(InvalidExtension::NoSuchFrame { frame, frames });
    assert_eq!(parse(&packet(1, &[6, 2, 6])), (vec![(3, 0, vec![])], beyond(1, 1)));
    assert_eq!(parse(&packet(48, &[3, 255])), (vec![], beyond(255, 48)));
    assert_eq!(ids(&packet(1, &[6, 249, 9])), [3], "what was whole counts");
}

#[test]
fn every_stream_of_a_packet_counts() {
    let (hd, dred) = (packet(1, &[248, 1]), packet(1, &[252, 1]));
    let mut several = vec![];
    write_self_delimited(&hd, &mut several).unwrap();
    write_self_delimited(&[0xe0, 1], &mut several).unwrap();
    several.extend_from_slice(&dred);
    let found = |streams| extension_ids(&several, NonZeroU8::new(streams).unwrap());
    assert!(found(3).iter().eq([ExtensionIds::OPUS_HD, ExtensionIds::DRED]));
    assert!(found(2).iter().eq([ExtensionIds::OPUS_HD]));
    assert!(found(200).iter().eq([ExtensionIds::OPUS_HD]), "invalid, but does no harm");
}

/// Writes extensions, which are in the order of their frames.
fn write(all: &[Found]) -> Vec<u8> {
    let (mut out, mut at) = (vec![], 0);
    for (number, (id, frame, data)) in all.iter().enumerate() {
        if *frame > at {
            out.extend([3, frame - at]);
            at = *frame;
        }
        let is_last = number + 1 == all.len();
        match id {
            3..32 => out.push(id << 1 | u8::from(!data.is_empty())),
            _ if is_last => out.push(id << 1),
            _ => {
                out.push(id << 1 | 1);
                out.extend(vec![255; data.len() / 255]);
                out.push(u8::try_from(data.len() % 255).unwrap());
            }
        }
        out.extend_from_slice(data);
    }
    out
}

fn any_extension() -> impl Strategy<Value = Found> {
    let data = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        prop::collection::vec(any::<u8>(), 250..600),
    ];
    (3..=127_u8, 0..6_u8, data).prop_map(|(id, frame, mut data)| {
        data.truncate(if id < 32 { 1 } else { usize::MAX });
        (id, frame, data)
    })
}

proptest! {
    #[test]
    fn what_was_written_is_found(mut all in prop::collection::vec(any_extension(), 0..6)) {
        all.sort_by_key(|(_, frame, _)| *frame);
        let packet = packet(6, &write(&all));
        let set = ExtensionIds::from_iter(all.iter().map(|(id, ..)| *id));
        prop_assert_eq!(extension_ids(&packet, NonZeroU8::MIN), set);
        prop_assert_eq!(parse(&packet), (all, None));
    }

    /// Whatever the padding holds: extensions of the packet's frames, whose payloads lie in the
    /// padding in order and do not overlap.
    #[test]
    fn any_padding(frames in 1..=48_u8, bytes in prop::collection::vec(0..=130_u8, 0..60)) {
        let packet = packet(frames, &bytes);
        let mut end = packet.len() - bytes.len();
        for extension in extensions(&packet).flatten() {
            prop_assert!(extension.id >= 3 && extension.frame < frames);
            let start = extension.data.as_ptr().addr() - packet.as_ptr().addr();
            prop_assert!(start >= end && start + extension.data.len() <= packet.len());
            end = start + extension.data.len();
        }
    }
}
