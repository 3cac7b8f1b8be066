//! A stream with what the recordings in `testdata/` lack.

use crate::repair_checksums;

/// Returns a stream with a packet in three pieces, a page without packets and an end trim, after
/// this first page.
pub(super) fn stream(first_page: &[u8]) -> Vec<u8> {
    let mut stream = first_page.to_vec();
    let tags = [&b"OpusTags"[..], &[0; 8]].concat();
    stream.extend(page(0, Some(0), 1, &[16], &tags));
    stream.extend(page(0, Some(960), 2, &[10, 255], &[packet(10), packet(255)].concat()));
    stream.extend(page(1, None, 3, &[255], &[0; 255]));
    stream.extend(page(1, Some(2880), 4, &[7, 255, 0], &[vec![0; 7], packet(255)].concat()));
    stream.extend(page(0, None, 5, &[], &[]));
    stream.extend(page(4, Some(3500), 6, &[20], &packet(20)));
    repair_checksums(&mut stream);
    stream
}

fn page(flags: u8, granule: Option<u64>, number: u32, lacing: &[u8], body: &[u8]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend(granule.unwrap_or(u64::MAX).to_le_bytes());
    page.extend(1_u32.to_le_bytes());
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    page.push(lacing.len() as u8);
    page.extend(lacing);
    page.extend(body);
    page
}

/// A packet of SILK and CELT, 20 ms long.
fn packet(len: usize) -> Vec<u8> {
    let mut packet = vec![0; len];
    packet[0] = 0x78;
    packet
}
