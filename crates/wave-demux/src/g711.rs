//! Decodes ITU-T G.711 bytes to 16-bit linear PCM.

pub(crate) const fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = ((byte >> 4) & 7, widen(byte & 15));
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

pub(crate) const fn mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let (exponent, mantissa) = ((byte >> 4) & 7, widen(byte & 15));
    let magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84;
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

/// `From` is not available in constants.
const fn widen(byte: u8) -> i16 {
    i16::from_le_bytes([byte, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and last value of each segment in tables 1a and 2a of G.711. A-law has 13 bits
    /// and mu-law 14, so values are multiplied by 8 and 4.
    #[test]
    fn bytes_decode_to_the_values_of_the_standard() {
        let a: Vec<i16> = [0xd5, 0xda, 0xc5, 0xca, 0xaa, 0x55, 0x2a].map(a_law).to_vec();
        assert_eq!(a, [8, 248, 264, 504, 32_256, -8, -32_256]);
        let mu: Vec<i16> = [0xff, 0xf0, 0xef, 0xe0, 0x80, 0x7f, 0x00].map(mu_law).to_vec();
        assert_eq!(mu, [0, 120, 132, 372, 32_124, 0, -32_124]);
    }
}
