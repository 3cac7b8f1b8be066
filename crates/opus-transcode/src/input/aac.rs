//! Detects spectral band replication (SBR) in AAC, without which a decoder outputs half the band at
//! half the rate.

/// Returns whether an AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1) announces SBR.
pub(crate) fn announces_sbr(config: &[u8]) -> bool {
    const SBR: u32 = 5;
    const PS: u32 = 29;
    const SYNC_EXTENSION: u32 = 0x2b7;
    let field = |at, count| bits(config, at, count);
    if matches!(field(0, 5), Some(SBR | PS)) {
        return true;
    }
    // After the object type, rate, channels and the three flags of plain AAC.
    let rate_bits = if field(5, 4) == Some(15) { 28 } else { 4 };
    let extension = 5 + rate_bits + 4 + 3;
    field(extension, 11) == Some(SYNC_EXTENSION)
        && field(extension + 11, 5) == Some(SBR)
        && field(extension + 16, 1) == Some(1)
}

/// Returns whether an AAC packet seems to end in a fill element with SBR data. One in several
/// hundred packets without SBR matches, so check several.
///
/// Only decoding reveals what precedes the element. This searches backwards for an element of type
/// 6 whose length leads exactly to the end mark.
pub(crate) fn seems_to_hold_sbr(packet: &[u8]) -> bool {
    let Some(end) = end_mark(packet) else { return false };
    let short = (2..15).any(|bytes| {
        let head = end.checked_sub(bytes * 8 + 7);
        head.is_some_and(|at| is_sbr(packet, at, bits(packet, at + 3, 4), bytes, at + 7))
    });
    let long = (15..270).any(|bytes| {
        let head = end.checked_sub(bytes * 8 + 15);
        head.is_some_and(|at| {
            let has_escape = bits(packet, at + 3, 4) == Some(15);
            let count = bits(packet, at + 7, 8).map(|escaped| escaped + 14);
            has_escape && is_sbr(packet, at, count, bytes, at + 15)
        })
    });
    short || long
}

/// Returns the bit at which the last three ones before the padding begin.
fn end_mark(packet: &[u8]) -> Option<usize> {
    let zeros = packet.last()?.trailing_zeros();
    let end = (packet.len() * 8).checked_sub(usize::try_from(zeros).ok()?)?.checked_sub(3)?;
    (zeros < 8 && bits(packet, end, 3) == Some(7)).then_some(end)
}

fn is_sbr(packet: &[u8], at: usize, count: Option<u32>, bytes: usize, payload: usize) -> bool {
    const FILL: u32 = 6;
    bits(packet, at, 3) == Some(FILL)
        && count.and_then(|count| usize::try_from(count).ok()) == Some(bytes)
        && matches!(bits(packet, payload, 4), Some(13 | 14))
}

/// Returns `count` bits starting at bit `at`, at most 32.
fn bits(data: &[u8], at: usize, count: usize) -> Option<u32> {
    (at..at + count).try_fold(0, |value, bit| {
        let byte = *data.get(bit / 8)?;
        Some(value << 1 | u32::from(byte >> (7 - bit % 8) & 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_announces_sbr_in_three_ways() {
        assert!(!announces_sbr(&[0x12, 0x10])); // LC, 44,100 Hz, stereo
        assert!(!announces_sbr(&[0x12, 0x10, 0x56, 0xe5, 0x00])); // extension: none
        assert!(!announces_sbr(&[]));
        assert!(announces_sbr(&[0x2b, 0x92, 0x08, 0x00])); // HE-AAC
        assert!(announces_sbr(&[0xeb, 0x8a, 0x08, 0x00])); // HE-AAC v2
        assert!(announces_sbr(&[0x13, 0x90, 0x56, 0xe5, 0xa0])); // LC with an extension
    }

    #[test]
    fn a_fill_element_with_sbr_is_found_backwards() {
        for bytes in [2u32, 14, 15, 40, 269] {
            for shift in 0..8 {
                for kind in [0, 13, 14] {
                    let packet = packet(bytes, shift, kind);
                    let expected = kind > 0;
                    assert_eq!(seems_to_hold_sbr(&packet), expected, "{bytes} {shift} {kind}");
                }
            }
        }
        assert!(!seems_to_hold_sbr(&[]));
        assert!(!seems_to_hold_sbr(&[0; 40]));
    }

    /// Builds some bits, a fill element of this kind, and the end mark.
    fn packet(bytes: u32, shift: u32, kind: u32) -> Vec<u8> {
        let mut bits: Vec<u32> = vec![0; usize::try_from(300 + shift).unwrap()];
        let mut put =
            |value: u32, count: u32| bits.extend((0..count).rev().map(|at| value >> at & 1));
        put(6, 3);
        put(bytes.min(15), 4);
        if bytes >= 15 {
            put(bytes - 14, 8);
        }
        put(kind, 4);
        for _ in 0..bytes * 2 - 1 {
            put(5, 4);
        }
        put(7, 3);
        bits.resize(bits.len().next_multiple_of(8), 0);
        let byte =
            |bits: &[u32]| u8::try_from(bits.iter().fold(0, |all, bit| all << 1 | bit)).unwrap();
        bits.chunks(8).map(byte).collect()
    }
}
