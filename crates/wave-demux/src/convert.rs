use crate::{ByteOrder, Encoding, g711};

/// Converts packed samples, replacing those in `samples`. Full scale is -1 to 1. Drops bytes that form
/// no whole sample at the end.
///
/// ```
/// use wave_demux::{ByteOrder, Encoding, decode_samples};
///
/// let mut samples = Vec::new();
/// decode_samples(&[0x40, 0, 0x80, 0], Encoding::I16, ByteOrder::Big, &mut samples);
/// assert_eq!(samples, [0.5, -1.0]);
/// ```
pub fn decode_samples(
    bytes: &[u8],
    encoding: Encoding,
    byte_order: ByteOrder,
    samples: &mut Vec<f32>,
) {
    let stride = usize::from(encoding.bytes());
    samples.clear();
    samples.resize(bytes.len() / stride, 0.0);
    match byte_order {
        ByteOrder::Little => convert(bytes, encoding, stride, samples),
        ByteOrder::Big => {
            let mut swapped = bytes.to_vec();
            swapped.chunks_exact_mut(stride).for_each(<[u8]>::reverse);
            convert(&swapped, encoding, stride, samples);
        }
    }
}

/// Converts every `stride` bytes to a sample. Integers that fit the 24 bits of `f32` are exact,
/// all others round once.
pub(crate) fn convert(bytes: &[u8], encoding: Encoding, stride: usize, samples: &mut [f32]) {
    match encoding {
        Encoding::U8 => each(bytes, stride, samples, |[a]| (f32::from(a) - 128.0) / 128.0),
        Encoding::I8 => {
            each(bytes, stride, samples, |[a]| f32::from(i8::from_le_bytes([a])) / 128.0)
        }
        Encoding::I16 => each(bytes, stride, samples, |bytes| from_i16(i16::from_le_bytes(bytes))),
        Encoding::I24 => each(bytes, stride, samples, |[a, b, c]| from_i24(a, [b, c])),
        Encoding::I32 => each(bytes, stride, samples, |[a, b, c, d]| from_i32([a, b], [c, d])),
        Encoding::I40 => each(bytes, stride, samples, from_long::<5>),
        Encoding::I48 => each(bytes, stride, samples, from_long::<6>),
        Encoding::I56 => each(bytes, stride, samples, from_long::<7>),
        Encoding::I64 => each(bytes, stride, samples, from_long::<8>),
        Encoding::F32 => each(bytes, stride, samples, f32::from_le_bytes),
        Encoding::F64 => each(bytes, stride, samples, |bytes| narrow(f64::from_le_bytes(bytes))),
        Encoding::ALaw => each(bytes, stride, samples, |[a]| from_i16(g711::a_law(a))),
        Encoding::MuLaw => each(bytes, stride, samples, |[a]| from_i16(g711::mu_law(a))),
    }
}

fn each<const N: usize>(
    bytes: &[u8],
    stride: usize,
    samples: &mut [f32],
    value: impl Fn([u8; N]) -> f32,
) {
    let convert_one = |(sample, bytes): (&mut f32, &[u8])| {
        if let Some(bytes) = bytes.first_chunk() {
            *sample = value(*bytes);
        }
    };
    // A branch of its own, because the compiler vectorises only a constant stride.
    if stride == N {
        samples.iter_mut().zip(bytes.chunks_exact(N)).for_each(convert_one);
    } else {
        samples.iter_mut().zip(bytes.chunks_exact(stride.max(1))).for_each(convert_one);
    }
}

fn from_i16(value: i16) -> f32 {
    f32::from(value) / 32_768.0
}

fn from_i24(low: u8, high: [u8; 2]) -> f32 {
    from_i16(i16::from_le_bytes(high)) + f32::from(low) / 8_388_608.0
}

/// Converts 32 bits. Both halves are exact, so only the sum rounds.
fn from_i32(low: [u8; 2], high: [u8; 2]) -> f32 {
    let low = f32::from(u16::from_le_bytes(low)) / 2_147_483_648.0;
    from_i16(i16::from_le_bytes(high)) + low
}

/// Converts integers of more than 32 bits.
fn from_long<const N: usize>(bytes: [u8; N]) -> f32 {
    let mut all = [0; 8];
    for (byte, from) in all.iter_mut().rev().zip(bytes.iter().rev()) {
        *byte = *from;
    }
    let mut value = i64::from_le_bytes(all);
    // f64 has 53 bits. In a longer number the last ones only matter as a sticky bit, which
    // decides between two equally near floats.
    if value.unsigned_abs() >> 53 != 0 {
        value = (value & !0x7ff) | (i64::from(value & 0x7ff != 0) << 11);
    }
    let [a, b, c, d, high @ ..] = value.to_le_bytes();
    let low = f64::from(u32::from_le_bytes([a, b, c, d])) / 9_223_372_036_854_775_808.0;
    narrow(f64::from(i32::from_le_bytes(high)) / 2_147_483_648.0 + low)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "the only conversion from f64 to f32; rounds to the nearest"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "the reference conversion"
    )]

    use proptest::prelude::*;

    use super::*;

    fn one(bytes: &[u8], encoding: Encoding) -> f32 {
        let mut sample = [7.0];
        convert(bytes, encoding, bytes.len(), &mut sample);
        sample[0]
    }

    proptest! {
        #[test]
        fn integers_round_once(value: i64, shift in 0..64) {
            let value = value >> shift;
            let expected = |value: i64, bits: i32| value as f32 * 2f32.powi(1 - bits);
            for (encoding, bits) in [
                (Encoding::I16, 16), (Encoding::I24, 24), (Encoding::I32, 32), (Encoding::I40, 40),
                (Encoding::I48, 48), (Encoding::I56, 56), (Encoding::I64, 64),
            ] {
                let value: i64 = value << (64 - bits) >> (64 - bits);
                let bytes = &value.to_le_bytes()[..usize::from(encoding.bytes())];
                prop_assert_eq!(one(bytes, encoding), expected(value, bits), "{:?}", encoding);
            }
        }

        #[test]
        fn floats_round_once(value: f64) {
            let found = one(&value.to_le_bytes(), Encoding::F64);
            prop_assert_eq!(found.to_bits(), (value as f32).to_bits());
            let value = value as f32;
            let found = one(&value.to_le_bytes(), Encoding::F32);
            prop_assert_eq!(found.to_bits(), value.to_bits());
        }
    }

    #[test]
    fn the_last_bit_of_a_long_integer_breaks_a_tie() {
        let half_way = (1i64 << 62) + (1 << 38);
        for (value, expected) in [(half_way, 0.5), (half_way + 1, 0.5 + 2f32.powi(-24))] {
            assert_eq!(one(&value.to_le_bytes(), Encoding::I64), expected);
        }
    }

    #[test]
    fn full_scale_is_one() {
        assert_eq!(
            [0, 128, 255].map(|byte| one(&[byte], Encoding::U8)),
            [-1.0, 0.0, 127.0 / 128.0]
        );
        assert_eq!(
            [0x80, 0, 0x7f].map(|byte| one(&[byte], Encoding::I8)),
            [-1.0, 0.0, 127.0 / 128.0]
        );
        assert_eq!(one(&[0, 0x80], Encoding::I16), -1.0);
        assert_eq!(one(&[0, 0, 0, 0, 0x80], Encoding::I40), -1.0);
        assert_eq!(one(&[0x2a], Encoding::ALaw), -32_256.0 / 32_768.0);
        assert_eq!(one(&[0x80], Encoding::MuLaw), 32_124.0 / 32_768.0);
    }

    #[test]
    fn padding_after_a_sample_is_skipped() {
        let mut samples = [0.0; 2];
        convert(&[0, 0, 0x40, 9, 0, 0, 0xc0, 9], Encoding::I24, 4, &mut samples);
        assert_eq!(samples, [0.5, -0.5]);
    }
}
