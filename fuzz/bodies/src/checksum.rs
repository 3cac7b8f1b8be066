//! Checksums of Ogg pages (RFC 3533 section 6), so that changed pages are still read where
//! checksums count.

/// Where the checksum of a page is in its header.
const FIELD: std::ops::Range<usize> = 22..26;

/// Corrects the checksum of every complete page.
pub fn repair_checksums(stream: &mut [u8]) {
    let mut at = 0;
    while at < stream.len() {
        let Some(lens) = page_lens(&stream[at..]) else {
            at += 1;
            continue;
        };
        let (header, rest) = stream[at..].split_at_mut(lens.header);
        set(header, &rest[..lens.body]);
        at += lens.header + lens.body;
    }
}

/// Sets the checksum in the header of a page.
pub(crate) fn set(header: &mut [u8], body: &[u8]) {
    header[FIELD].fill(0);
    let checksum = header.iter().chain(body).fold(0_u32, |checksum, &byte| {
        let [first, ..] = checksum.to_be_bytes();
        (checksum << 8) ^ TABLE[usize::from(first ^ byte)]
    });
    header[FIELD].copy_from_slice(&checksum.to_le_bytes());
}

/// The checksum of each byte.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut bits = (byte as u32) << 24;
        let mut count = 0;
        while count < 8 {
            bits = (bits << 1) ^ (0x04c1_1db7 * (bits >> 31));
            count += 1;
        }
        table[byte] = bits;
        byte += 1;
    }
    table
};

/// The lengths of the parts of a page.
#[derive(Clone, Copy)]
pub(crate) struct Lens {
    pub(crate) header: usize,
    pub(crate) body: usize,
}

/// Returns the lengths of the page at the beginning of these bytes, if one is complete.
pub(crate) fn page_lens(bytes: &[u8]) -> Option<Lens> {
    let header = 27 + usize::from(*bytes.get(26)?);
    let lacing = bytes.get(27..header)?;
    let body = lacing.iter().map(|&value| usize::from(value)).sum();
    let is_whole = bytes.starts_with(b"OggS") && bytes.len() >= header + body;
    is_whole.then_some(Lens { header, body })
}
