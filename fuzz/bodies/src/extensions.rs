//! Extensions in the padding of packets.

use std::num::NonZeroU8;

use opus_packet::{ExtensionIds, duration, extension_ids, write_self_delimited};

/// Takes the first byte as a number of frames and the others as padding: extensions belong to
/// these frames, their payloads lie in the padding in order, and other framings change nothing.
pub fn extensions(bytes: &[u8]) {
    let Some((count, padding)) = bytes.split_first() else { return };
    let frames = count % 48 + 1;
    let packet = padded(frames, padding);
    assert_eq!(duration(&packet), Ok(120 * u32::from(frames)));
    let (mut end, mut found, mut is_over) = (packet.len() - padding.len(), vec![], false);
    for extension in opus_packet::extensions(&packet) {
        assert!(!is_over, "nothing follows an error");
        let Ok(extension) = extension else {
            is_over = true;
            continue;
        };
        assert!((3..=127).contains(&extension.id) && extension.frame < frames);
        let start = extension.data.as_ptr().addr() - packet.as_ptr().addr();
        assert!(start >= end && start + extension.data.len() <= packet.len());
        end = start + extension.data.len();
        found.push(extension);
    }
    assert!(found.len() <= 48 * padding.len(), "bounded work");
    let ids = ExtensionIds::from_iter(found.iter().map(|extension| extension.id));
    assert_eq!(extension_ids(&packet, NonZeroU8::MIN), ids);

    let mut two = vec![];
    write_self_delimited(&packet, &mut two).unwrap();
    assert!(opus_packet::extensions(&two).flatten().eq(found));
    two.push(0xe0);
    assert_eq!(extension_ids(&two, NonZeroU8::new(2).unwrap()), ids);
}

/// A CELT packet of empty frames of 2.5 ms.
fn padded(frames: u8, padding: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xe3, 0x40 | frames];
    packet.extend(vec![255; padding.len() / 254]);
    packet.push((padding.len() % 254) as u8);
    packet.extend_from_slice(padding);
    packet
}
