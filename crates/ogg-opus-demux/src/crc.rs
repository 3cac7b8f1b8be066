use std::sync::LazyLock;

use crc_fast::{CrcParams, Digest};

/// The checksum of a page, with its checksum field taken as zero
/// (RFC 3533 section 6, field 7).
pub(crate) fn page_checksum(before_field: &[u8], after_field: &[u8]) -> u32 {
    let mut digest = Digest::new_with_params(*OGG);
    digest.update(before_field);
    digest.update(&[0; 4]);
    digest.update(after_field);
    // A 32-bit checksum: the upper half of the u64 is zero.
    u32::try_from(digest.finalize()).unwrap_or_default()
}

static OGG: LazyLock<CrcParams> =
    LazyLock::new(|| CrcParams::new("OGG", 32, 0x04c1_1db7, 0, false, 0, 0x89a1_897f));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value() {
        let mut digest = Digest::new_with_params(*OGG);
        digest.update(b"123456789");
        assert_eq!(digest.finalize(), 0x89a1_897f);
    }
}
