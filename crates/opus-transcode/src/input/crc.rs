//! The checksum of a FLAC frame (RFC 9639 section 9.3).

/// Returns whether the last two bytes are the CRC-16 of those before.
pub(crate) fn is_whole_flac_frame(frame: &[u8]) -> bool {
    // Data followed by its own checksum has a checksum of zero.
    frame.len() > 2 && crc16(frame) == 0
}

pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let [high, low] = u16::to_be_bytes(crc);
        let step = TABLE.get(usize::from(high ^ byte)).copied().unwrap_or(0);
        u16::from_be_bytes([low, 0]) ^ step
    })
}

/// The contribution of each byte.
static TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    const POLYNOMIAL: u16 = 0x8005;
    let mut table = [0; 256];
    let (mut value, mut index) = (0_u16, 0);
    while index < table.len() {
        let (mut crc, mut bit) = (value << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ POLYNOMIAL };
            bit += 1;
        }
        #[allow(clippy::indexing_slicing, reason = "the index is below the length")]
        {
            table[index] = crc;
        }
        (value, index) = (value + 1, index + 1);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_matches_the_catalogue() {
        assert_eq!(crc16(b"123456789"), 0xfee8); // CRC-16/UMTS
        assert!(is_whole_flac_frame(b"123456789\xfe\xe8"));
        assert!(!is_whole_flac_frame(b"123456788\xfe\xe8"));
        assert!(!is_whole_flac_frame(b"\0\0"));
    }
}
