//! Damaged and cut files: reading ends without a panic, and invents nothing.

use super::common::{
    self, check,
    packets::{Layout, layout, packet},
    read, read_all,
};
use opus_demux::{
    ErrorKind,
    webm::{FindingKind, WebmOpusReader},
};
use proptest::{collection::vec, prelude::*, sample::Index};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn cut_anywhere_all_complete_packets_are_read(
        packets in vec(packet(), 1..8), layout in layout(),
    ) {
        let (file, clusters) = layout.write(&packets);
        let (_, whole, _) = read(&file);
        for cut in 0..file.len() {
            let short = &file[..cut];
            let Ok(mut reader) = WebmOpusReader::new(short) else {
                prop_assert!(cut < clusters[0].0.start, "the headers are complete");
                continue;
            };
            let (found, error) = read_all(&mut reader);
            prop_assert!(error.is_none(), "{:?}", error);
            prop_assert!(whole.starts_with(&found));
            let is_last = |end: u64| usize::try_from(end).unwrap() > cut;
            let next = whole.get(found.len()).and_then(|next| next.offset);
            // Without lacing, a packet needs only its block.
            prop_assert!(next.is_none_or(|next| is_last(next + 8 * 701)), "cut at {}", cut);
            let findings: Vec<_> = reader.findings().map(|one| one.kind).collect();
            let is_reported =
                findings.iter().any(|kind| matches!(kind, FindingKind::Truncated { .. }));
            prop_assert!(is_reported || found.len() == whole.len() || !layout.sizes_are_known()
                || clusters.iter().any(|(place, _)| place.start == cut));
        }
    }
}

proptest! {
    /// Everything outside of the damaged cluster is read as before.
    #[test]
    fn damage_inside_a_cluster_stays_there(
        packets in vec(packet(), 1..60),
        layout in layout().prop_filter("sizes", Layout::sizes_are_known),
        which in any::<Index>(), damages in vec((any::<Index>(), any::<u8>()), 1..5),
    ) {
        let (mut file, clusters) = layout.write(&packets);
        let (_, whole, _) = read(&file);
        let hit = which.get(&clusters).0.clone();
        for (at, byte) in damages {
            // Spares the header and the Timestamp.
            let body = hit.start + 20..hit.end;
            prop_assume!(!body.is_empty());
            file[body.start + at.index(body.len())] = byte;
        }
        let mut reader = WebmOpusReader::new(file.as_slice()).unwrap();
        let (found, error) = read_all(&mut reader);
        check(&found, &file, reader.head());
        // Damage can look like a time.
        let kind = error.as_ref().map(|error| error.kind());
        prop_assume!(kind != Some(ErrorKind::TooMuchLost));
        prop_assert!(error.is_none(), "{:?}", error);
        let outside = |packets: &[common::Read]| -> Vec<(Vec<u8>, u64)> {
            let places = packets.iter().filter_map(|one| Some((one.data.clone(), one.offset?)));
            places.filter(|(_, at)| !hit.contains(&usize::try_from(*at).unwrap())).collect()
        };
        prop_assert_eq!(outside(&found), outside(&whole));
    }

    #[test]
    fn any_damage_does_no_harm(
        packets in vec(packet(), 1..30), layout in layout(),
        damages in vec((any::<Index>(), any::<u8>()), 1..40), cut in any::<Index>(),
    ) {
        let (mut file, _) = layout.write(&packets);
        for (at, byte) in damages {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(file.len() - cut.index(file.len()) / 8);
        read_anything(&file);
    }

    #[test]
    fn any_bytes_do_no_harm(bytes: Vec<u8>, tail: Vec<u8>) {
        read_anything(&bytes);
        let start = common::opus_file(&[]);
        read_anything(&[start[..start.len()].to_vec(), tail].concat());
    }
}

fn read_anything(file: &[u8]) {
    let mut reader = match WebmOpusReader::new(file) {
        Ok(reader) => reader,
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            return;
        }
    };
    // A damaged time may ask for a day of concealment.
    let mut bytes = 0;
    for _ in 0..10_000 {
        let Ok(Some(packet)) = reader.next_located() else { break };
        bytes += packet.offset.map_or(0, |_| packet.data.len());
    }
    assert!(bytes < file.len());
    for finding in reader.findings() {
        assert_eq!(finding.to_string().lines().count(), 1, "{finding}");
    }
}
