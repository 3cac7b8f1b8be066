use std::{ops::Range, sync::LazyLock};

use crc_fast::{CrcParams, checksum_with_params};

/// The checksum of a page whose checksum field counts as zero (RFC 3533 section 6, field 7).
/// `None` if the page is too short for this field.
#[inline]
pub(crate) fn page_checksum(page: &[u8]) -> Option<u32> {
    // The field lies in the first bytes. A short page is copied whole, since starting a second
    // checksum takes longer than copying.
    let mut copy = [0; COPIED];
    let (start, rest) = page.split_at_checked(COPIED).unwrap_or((page, &[]));
    let start_copy = copy.get_mut(..start.len())?;
    start_copy.copy_from_slice(start);
    start_copy.get_mut(FIELD)?.fill(0);
    let mut sum = checksum(0, start_copy);
    if !rest.is_empty() {
        sum = checksum(sum, rest);
    }
    // A 32-bit checksum: the upper half of the u64 is zero.
    u32::try_from(sum).ok()
}

/// Continues from the checksum of the bytes before.
#[inline]
fn checksum(before: u64, bytes: &[u8]) -> u64 {
    let mut params = *OGG;
    params.init_algorithm = before;
    checksum_with_params(params, bytes)
}

static OGG: LazyLock<CrcParams> =
    LazyLock::new(|| CrcParams::new("OGG", 32, 0x04c1_1db7, 0, false, 0, 0x89a1_897f));
const FIELD: Range<usize> = 22..26;
const COPIED: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_check_value() {
        assert_eq!(checksum(0, b"123456789"), 0x89a1_897f);
        assert_eq!(checksum(checksum(0, b"1234"), b"56789"), 0x89a1_897f);
    }

    #[test]
    fn the_field_counts_as_zero_whatever_the_length() {
        for len in [26, 27, 255, 256, 257, 65_307] {
            let mut page: Vec<u8> = (0..=255).cycle().take(len).collect();
            let sum = page_checksum(&page).unwrap();
            page[FIELD].fill(0);
            assert_eq!(u64::from(sum), checksum(0, &page), "{len}");
        }
        assert_eq!(page_checksum(&[1; 25]), None);
    }
}
