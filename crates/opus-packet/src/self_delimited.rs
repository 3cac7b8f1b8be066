//! Self-delimited framing (RFC 6716 appendix B).

use alloc::vec::Vec;
use core::ops::Range;

use crate::{
    InvalidPacket, Toc,
    packet::{duration, frame_count, frame_length, padding_len, total_duration},
};

/// A packet that states its own length: an ordinary packet with one more length field
/// (RFC 6716 appendix B).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfDelimitedPacket<'a> {
    bytes: &'a [u8],
    /// The length field that an ordinary packet does not have.
    extra_length: Range<usize>,
    duration: u32,
}

/// Splits the self-delimited packet off the start of `bytes` after checking its framing.
/// Returns it and the bytes after it.
///
/// # Errors
///
/// The bytes do not begin with a complete, valid self-delimited packet.
///
/// ```
/// let (packet, rest) = opus_packet::split_self_delimited(&[0x78, 2, 8, 9, 7, 7])?;
/// let mut ordinary = Vec::new();
/// packet.write_ordinary(&mut ordinary);
/// assert_eq!((ordinary.as_slice(), packet.duration(), rest), (&[0x78, 8, 9][..], 960, &[7, 7][..]));
/// # Ok::<(), opus_packet::InvalidPacket>(())
/// ```
pub fn split_self_delimited(
    bytes: &[u8],
) -> Result<(SelfDelimitedPacket<'_>, &[u8]), InvalidPacket> {
    let (&toc, body) = bytes.split_first().ok_or(InvalidPacket::Empty)?;
    let toc = Toc::new(toc);
    let Extent { frames, before_length, length_len, after_length } = match toc.frame_count_code() {
        code @ 0..=1 => equal_frames(body, code + 1, 0)?,
        2 => two_frames(body)?,
        _ => signalled_frames(body)?,
    };
    let extra_length = 1 + before_length..1 + before_length + length_len;
    let available = bytes.len().saturating_sub(extra_length.end);
    let (bytes, rest) = bytes
        .split_at_checked(extra_length.end + after_length)
        .ok_or(InvalidPacket::FrameBeyondEnd { claimed: after_length, available })?;
    let duration = total_duration(toc, frames)?;
    Ok((SelfDelimitedPacket { bytes, extra_length, duration }, rest))
}

/// Appends an ordinary packet to `out` in self-delimited framing.
///
/// # Errors
///
/// The packet is invalid: see [`duration`].
pub fn write_self_delimited(packet: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidPacket> {
    duration(packet)?;
    let (before, length) = missing_length(packet)?;
    let (head, tail) = packet.split_at_checked(before).ok_or(InvalidPacket::Empty)?;
    out.extend_from_slice(head);
    push_length(length, out);
    out.extend_from_slice(tail);
    Ok(())
}

impl<'a> SelfDelimitedPacket<'a> {
    /// The packet in self-delimited framing.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its table-of-contents byte.
    pub fn toc(&self) -> Toc {
        // Not empty, since `split_self_delimited` read it.
        Toc::new(self.bytes.first().copied().unwrap_or_default())
    }

    /// Samples per channel at 48 kHz.
    pub fn duration(&self) -> u32 {
        self.duration
    }

    /// Appends the same packet to `out` in the ordinary framing that decoders expect.
    pub fn write_ordinary(&self, out: &mut Vec<u8>) {
        let Range { start, end } = self.extra_length;
        out.extend_from_slice(self.bytes.get(..start).unwrap_or_default());
        out.extend_from_slice(self.bytes.get(end..).unwrap_or_default());
    }
}

/// Sizes of a packet after its TOC: before the extra length, of it, and after it.
struct Extent {
    frames: u8,
    before_length: usize,
    length_len: usize,
    after_length: usize,
}

/// Frames that all have the length at the start of `body`, `before` bytes after the TOC.
fn equal_frames(body: &[u8], frames: u8, before: usize) -> Result<Extent, InvalidPacket> {
    let (length, rest) = frame_length(body)?;
    Ok(Extent {
        frames,
        before_length: before,
        length_len: body.len() - rest.len(),
        after_length: length * usize::from(frames),
    })
}

fn two_frames(body: &[u8]) -> Result<Extent, InvalidPacket> {
    let (first, rest) = frame_length(body)?;
    let second = equal_frames(rest, 1, body.len() - rest.len())?;
    Ok(Extent { frames: 2, after_length: second.after_length + first, ..second })
}

fn signalled_frames(body: &[u8]) -> Result<Extent, InvalidPacket> {
    let (count, rest) = frame_count(body)?;
    let (padding, mut rest) = padding_len(count, rest)?;
    let (mut lengths, mut equal) = (0, count.frames);
    if count.is_vbr {
        for _ in 1..count.frames {
            let (length, after) = frame_length(rest)?;
            (lengths, rest) = (lengths + length, after);
        }
        equal = 1;
    }
    let extent = equal_frames(rest, equal, body.len() - rest.len())?;
    let after_length = extent.after_length + lengths + padding;
    Ok(Extent { frames: count.frames, after_length, ..extent })
}

/// Where the missing length of a valid ordinary packet belongs, and its value.
fn missing_length(packet: &[u8]) -> Result<(usize, usize), InvalidPacket> {
    let (&toc, body) = packet.split_first().ok_or(InvalidPacket::Empty)?;
    let place = |rest: &[u8]| packet.len() - rest.len();
    match Toc::new(toc).frame_count_code() {
        0 => Ok((1, body.len())),
        1 => Ok((1, body.len() / 2)),
        2 => {
            let (first, rest) = frame_length(body)?;
            Ok((place(rest), rest.len().saturating_sub(first)))
        }
        _ => {
            let (count, rest) = frame_count(body)?;
            let (padding, mut rest) = padding_len(count, rest)?;
            if !count.is_vbr {
                let frames = rest.len().saturating_sub(padding);
                return Ok((place(rest), frames / usize::from(count.frames)));
            }
            let mut lengths = padding;
            for _ in 1..count.frames {
                let (length, after) = frame_length(rest)?;
                (lengths, rest) = (lengths + length, after);
            }
            Ok((place(rest), rest.len().saturating_sub(lengths)))
        }
    }
}

/// A length in one byte or two (RFC 6716 section 3.2.1), at most 1275.
fn push_length(length: usize, out: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(short @ 0..=251) => out.push(short),
        _ => {
            let first = 252 + length % 4;
            // The first is 252 to 255, the second at most 255: a valid frame has at most
            // 1275 bytes.
            out.extend([first, (length - first) / 4].into_iter().flat_map(u8::try_from));
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    fn ordinary(bytes: &[u8]) -> (Vec<u8>, u32, &[u8]) {
        let (packet, rest) = split_self_delimited(bytes).unwrap();
        let mut out = vec![];
        packet.write_ordinary(&mut out);
        (out, packet.duration(), rest)
    }

    #[test]
    fn every_code_of_appendix_b() {
        let table: [(&[u8], &[u8], u32); 6] = [
            (&[0x80, 2, 8, 9], &[0x80, 8, 9], 120),
            (&[0x81, 1, 8, 9], &[0x81, 8, 9], 240),
            (&[0x82, 1, 2, 8, 9, 9], &[0x82, 1, 8, 9, 9], 240),
            (&[0x83, 3, 1, 7, 8, 9], &[0x83, 3, 7, 8, 9], 360),
            (&[0x83, 0x82, 1, 2, 8, 9, 9], &[0x83, 0x82, 1, 8, 9, 9], 240),
            (&[0x83, 0x42, 2, 1, 8, 9, 0, 0], &[0x83, 0x42, 2, 8, 9, 0, 0], 240),
        ];
        for (delimited, expected, duration) in table {
            let mut bytes = delimited.to_vec();
            bytes.extend([0xaa; 3]);
            assert_eq!(ordinary(&bytes), (expected.to_vec(), duration, &[0xaa; 3][..]));
            for cut in 0..delimited.len() {
                assert!(
                    split_self_delimited(&delimited[..cut]).is_err(),
                    "{delimited:?} cut at {cut}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn written_and_split_again(mut packet in proptest::collection::vec(any::<u8>(), 1..2600),
                                   count in 0u8..=255, rest: Vec<u8>) {
            if packet.len() > 1 && packet[0] & 3 == 3 {
                packet[1] = count;
            }
            let mut delimited = vec![];
            match duration(&packet) {
                Ok(samples) => {
                    write_self_delimited(&packet, &mut delimited).unwrap();
                    delimited.extend_from_slice(&rest);
                    prop_assert_eq!(ordinary(&delimited), (packet, samples, rest.as_slice()));
                }
                Err(reason) => prop_assert_eq!(write_self_delimited(&packet, &mut delimited), Err(reason)),
            }
        }

        /// Whatever can be split off is a valid ordinary packet of the same duration.
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            if let Ok((packet, rest)) = split_self_delimited(&bytes) {
                prop_assert_eq!(packet.as_bytes().len() + rest.len(), bytes.len());
                let mut out = vec![];
                packet.write_ordinary(&mut out);
                prop_assert_eq!(duration(&out), Ok(packet.duration()));
            }
        }
    }
}
