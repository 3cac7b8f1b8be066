//! Where a FLAC frame belongs, by its own header (RFC 9639 section 9.1). Pages of Ogg say it too,
//! and symphonia reads of them only how long packets are.

use super::crc::is_whole_flac_frame;

/// The samples of a frame in streams whose frames are all as long, by STREAMINFO.
pub(crate) fn block_size(stream_info: &[u8]) -> Option<u64> {
    let [a, b] = *stream_info.first_chunk()?;
    Some(u16::from_be_bytes([a, b]).into())
}

/// The number of the first sample; none if the frame is damaged.
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

/// As UTF-8 writes a letter, and further, to 36 bits.
fn coded_number(bytes: &[u8]) -> Option<u64> {
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
    fn numbers_are_those_of_utf8_and_beyond() {
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
    fn a_damaged_frame_does_not_say_where_it_is() {
        // One of silence, 16 bits, mono, of 192 samples: the fourth.
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
