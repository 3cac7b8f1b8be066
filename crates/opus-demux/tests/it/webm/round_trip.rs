//! The packets that the test writer wrote are read back.

use super::common::{
    self, check,
    packets::{layout, packet},
    read, read_all,
};
use opus_demux::webm::{Options, WebmOpusReader};
use proptest::{collection::vec, prelude::*, sample};

proptest! {
    #[test]
    fn the_same_packets_whatever_the_layout(
        packets in vec(packet(), 1..60), equal in any::<bool>(), layout in layout(),
    ) {
        // The first is longer than the pre-skip; fixed lacing needs equal lengths.
        let packets: Vec<Vec<u8>> = std::iter::once(common::packet(1))
            .chain(packets)
            .map(|mut packet| {
                packet.resize(if equal { 100 } else { packet.len() }, 7);
                packet
            })
            .collect();
        let (file, _) = layout.write(&packets);
        let mut reader =
            WebmOpusReader::with_options(file.as_slice(), Options::default().strict(true)).unwrap();
        let (found, error) = read_all(&mut reader);
        prop_assert!(error.is_none(), "{:?}", error);
        check(&found, &file, reader.head());
        prop_assert!(found.iter().all(|packet| packet.offset.is_some()));
        let data: Vec<Vec<u8>> = found.into_iter().map(|packet| packet.data).collect();
        prop_assert_eq!(data, packets);
        prop_assert_eq!(reader.findings().count(), 0);
    }

    #[test]
    fn reading_byte_by_byte_makes_no_difference(packets in vec(packet(), 1..20), layout in layout()) {
        let (file, _) = layout.write(&packets);
        let mut slow = WebmOpusReader::new(OneByOne(&file)).unwrap();
        let (_, fast, _) = read(&file);
        prop_assert_eq!(read_all(&mut slow).0, fast);
    }
}

proptest! {
    /// For any losses and any rounding of times.
    #[test]
    fn packets_after_losses_do_not_shift(
        keep in vec(any::<bool>(), 1..200), round_up in vec(any::<bool>(), 200),
        duration in sample::select(vec![480_u64, 960, 1920, 2880]),
        scale in sample::select(vec![1_000_000_u64, 20_833, 500_000]),
    ) {
        let toc = [(480, 0x70), (960, 0x78), (1920, 0x50), (2880, 0x58)];
        let toc = toc.iter().find(|(samples, _)| *samples == duration).unwrap().1;
        let kept = (0_u64..).zip(&keep).filter(|(number, keep)| **keep || *number == 0);
        let kept: Vec<u64> = kept.map(|(number, _)| number).collect();
        let blocks = kept.iter().map(|&number| {
            let nanoseconds = number * duration * 62_500 / 3;
            let up = u64::from(round_up[usize::try_from(number).unwrap()]);
            let ticks = (nanoseconds + up * (scale - 1)) / scale;
            let packet = vec![toc, u8::try_from(number).unwrap()];
            common::cluster(ticks, &[common::simple_block(1, 0, &[packet])])
        });
        let blocks: Vec<u8> = blocks.flatten().collect();
        let tracks = common::element(common::TRACKS, &common::opus_track(1));
        let file = common::file(&[common::info(scale), tracks, blocks]);
        let (_, packets, _) = read(&file);
        let real: Vec<_> = packets.iter().filter(|packet| packet.offset.is_some()).collect();
        prop_assert_eq!(real.len(), kept.len());
        for (packet, number) in real.iter().zip(kept) {
            prop_assert_eq!(u64::from(packet.data[1]), number);
            prop_assert_eq!(packet.position, number * duration);
        }
    }
}

struct OneByOne<'a>(&'a [u8]);

impl std::io::Read for OneByOne<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(1);
        self.0.read(&mut buffer[..len])
    }
}
