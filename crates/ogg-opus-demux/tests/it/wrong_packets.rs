//! An invalid packet among others, divided by pages anywhere: the packets after it do not
//! shift.

use crate::common::{outcome::read, paginate, to_stream};
use proptest::{collection::vec, prelude::*, sample::Index};

/// A packet of 20 ms, identified by its second byte.
fn packet(n: usize, len: usize) -> Vec<u8> {
    let mut packet = vec![0x78, u8::try_from(n).unwrap()];
    packet.resize(2 + len, 0);
    packet
}

/// Too long, empty, or of two equal frames in an odd number of bytes.
fn wrong() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (61_441usize..130_000).prop_map(|len| vec![0x78; len]),
        Just(vec![]),
        (1usize..800).prop_map(|len| vec![0x79; 2 * len]),
    ]
}

proptest! {
    #[test]
    fn rule_18_packets_after_an_invalid_one_do_not_shift(
        lens in vec(prop_oneof![4 => 0usize..300, 1 => 0usize..1270], 6..20),
        segments in vec(prop_oneof![1usize..9, Just(255)], 1..6),
        wrong in wrong(), place: Index,
    ) {
        let mut packets: Vec<_> =
            lens.iter().enumerate().map(|(n, &len)| (packet(n, len), 960)).collect();
        let place = 1 + place.index(packets.len() - 2);
        packets[place].0 = wrong;
        let pages = paginate(&packets, &segments);
        // A loss on the first page with audio, or on the last, cannot be detected.
        let ends = |page: &crate::common::RawPage| page.lacing.iter().any(|&value| value < 255);
        let first = pages[2..].iter().find(|page| ends(page)).unwrap();
        let ended = first.granule / 960;
        prop_assume!(usize::try_from(ended).unwrap() <= place);
        let outcome = read(&to_stream(&pages)).unwrap();
        let mut expected: Vec<_> = (0..packets.len()).filter(|&n| n != place).collect();
        for packet in outcome.link().packets.iter().filter(|packet| !packet.is_concealment) {
            prop_assert_eq!(packet.position, 960 * u64::from(packet.data[1]));
            prop_assert_eq!(usize::from(packet.data[1]), expected.remove(0));
        }
        prop_assert_eq!(expected, Vec::<usize>::new());
        prop_assert_eq!(outcome.link().lengths(), (960 * u64::try_from(packets.len()).unwrap(), 0));
    }
}
