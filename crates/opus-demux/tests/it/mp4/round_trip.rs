//! Packets are read back, and damage never becomes audio.

use super::common::{
    Layout, Mp4,
    outcome::{read, read_strict},
};
use opus_demux::mp4::FindingKind;
use proptest::{collection::vec, prelude::*, sample::Index};

/// Valid packets of 20 ms.
fn packets(longest: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 1..longest), 1..40).prop_map(|mut packets| {
        packets.iter_mut().for_each(|packet| packet[0] = 0x78);
        packets
    })
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![
        Just(Layout::MovieFirst),
        Just(Layout::MovieLast),
        Just(Layout::Compact(8)),
        Just(Layout::Compact(16)),
        any::<bool>().prop_map(|absolute| Layout::Fragments { absolute }),
        Just(Layout::Runs),
    ]
}

fn file() -> impl Strategy<Value = Mp4> {
    let parts = (packets(250), layout(), vec(1usize..9, 1..5), any::<[bool; 3]>());
    parts.prop_map(|(packets, layout, division, [has_video, is_long, has_edit])| {
        let mut mp4 = Mp4::new(packets);
        (mp4.layout, mp4.division) = (layout, division);
        (mp4.has_video, mp4.is_long) = (has_video, is_long);
        if has_edit {
            mp4.edits = vec![(0, 312, 0x1_0000)];
        }
        mp4
    })
}

proptest! {
    #[test]
    fn packets_are_read_back(mp4 in file()) {
        let outcome = read_strict(&mp4.bytes());
        prop_assert!(outcome.error.is_none(), "{:?}", outcome.error);
        prop_assert_eq!(&outcome.packets, &mp4.packets);
        prop_assert_eq!(outcome.concealed, 0);
        let timeline = outcome.timeline.unwrap();
        prop_assert_eq!((timeline.pre_skip(), timeline.end_trim()), (312, 0));
    }

    #[test]
    fn sizes_of_four_bits(packets in packets(16)) {
        let mut mp4 = Mp4::new(packets.clone());
        mp4.layout = Layout::Compact(4);
        prop_assert_eq!(read_strict(&mp4.bytes()).packets, packets);
    }

    #[test]
    fn flipped_bits_invent_no_packets(mp4 in file(), at: Index, bit in 0u8..8) {
        let mut file = mp4.bytes();
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        read(&file);
        read_strict(&file);
    }

    #[test]
    fn any_bytes(bytes: Vec<u8>, mp4 in file(), at: Index) {
        read(&bytes);
        let mut file = mp4.bytes();
        let at = at.index(file.len());
        file.splice(at..file.len().min(at + bytes.len()), bytes);
        read(&file);
    }
}

/// A file with the movie first returns all complete packets.
#[test]
fn a_cut_file_returns_its_complete_packets() {
    let packets: Vec<Vec<u8>> = (0..6).map(|i| vec![0x78, i, i]).collect();
    let layouts = [Layout::MovieFirst, Layout::Fragments { absolute: false }, Layout::Runs];
    for layout in layouts {
        let mut mp4 = Mp4::new(packets.clone());
        mp4.layout = layout;
        let file = mp4.bytes();
        for cut in 0..file.len() {
            let outcome = read(&file[..cut]);
            assert!(packets.starts_with(&outcome.packets), "{layout:?} cut at {cut}");
            if outcome.error.is_none() && layout == Layout::MovieFirst {
                let expected = (cut + 18).saturating_sub(file.len()) / 3;
                assert_eq!(outcome.packets.len(), expected, "cut at {cut}");
                assert!(outcome.findings.iter().any(|finding| finding.is_violation()));
            }
        }
        let outcome = read(&file[..file.len() - 1]);
        assert_eq!(outcome.packets.len(), 5);
        assert!(outcome.reports(|kind| matches!(kind, FindingKind::Outside { count: 1 })));
    }
}
