//! Finds the position of a FLAC frame in its header (RFC 9639 section 9.1). Ogg pages state it too,
//! but symphonia uses them only for the duration of packets.

use super::crc::is_whole_flac_frame;

/// Returns the samples of a frame in streams of constant frame length, from STREAMINFO.
pub(crate) fn block_size(stream_info: &[u8]) -> Option<u64> {
    let [a, b] = *stream_info.first_chunk()?;
    Some(u16::from_be_bytes([a, b]).into())
}

/// Returns the number of the first sample; `None` if the frame is damaged.
pub(crate) fn first_sample(frame: &[u8], block_size: u64) -> Option<u64> {
    let [0xff, second, _, _, coded @ ..] = frame else { return None };
    let is_variable = match second {
        0xf8 => false,
        0xf9 => true,
        _ => return None,
    };
    let number = coded_number(coded).filter(|_| is_whole_flac_frame(frame))?;
    if is_variable { Some(number) } else { number.checked_mul(block_size) }
}

/// Decodes a number like a letter in UTF-8, extended to 36 bits.
pub(super) fn coded_number(bytes: &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    let len = usize::try_from(first.leading_ones()).ok()?;
    let following = match len {
        0 => return Some(u64::from(*first)),
        2..=7 => rest.get(..len - 1)?,
        _ => return None,
    };
    let start = u64::from(first & 0x7f_u8.checked_shr(first.leading_ones()).unwrap_or(0));
    following.iter().try_fold(start, |number, byte| {
        (byte & 0xc0 == 0x80).then_some(number << 6 | u64::from(byte & 0x3f))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_coded_like_utf8_and_beyond() {
        for letter in ['\0', 'z', '\u{80}', 'ß', '水', '𝄞'] {
            let mut bytes = [0; 5];
            letter.encode_utf8(&mut bytes);
            assert_eq!(coded_number(&bytes), Some(u64::from(u32::from(letter))));
        }
        assert_eq!(coded_number(b"\xfe\xbf\xbf\xbf\xbf\xbf\xbf"), Some((1 << 36) - 1));
        assert_eq!(coded_number(b"\xfc\x84\x80\x80\x80\x80"), Some(1 << 26));
        for bytes in [b"".as_slice(), b"\x80", b"\xff\x80", b"\xc3", b"\xc3\x20", b"\xe6\xb0"] {
            assert_eq!(coded_number(bytes), None);
        }
    }

    #[test]
    fn a_damaged_frame_has_no_position() {
        // The fourth frame: silence, 16 bits, mono, 192 samples.
        let mut frame = b"\xff\xf8\x19\x08\x03\0\0\0\0".to_vec();
        let crc = super::super::crc::crc16(&frame);
        frame.extend_from_slice(&crc.to_be_bytes());
        assert_eq!(first_sample(&frame, 192), Some(576));
        frame[1] = 0xf9;
        assert_eq!(first_sample(&frame, 192), None);
        frame[1] = 0xf8;
        frame[4] = 4;
        assert_eq!(first_sample(&frame, 192), None);
    }
}
