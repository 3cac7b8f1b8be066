//! The bytes of each frame of a packet (RFC 6716 section 3.2).

use crate::{
    InvalidPacket, Toc,
    packet::{duration, frame_count, frame_length, padding_len},
};

/// The frames of a packet, in order.
#[derive(Clone, Debug)]
pub(crate) struct Frames<'a> {
    left: usize,
    lengths: Lengths<'a>,
    data: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
enum Lengths<'a> {
    Equal(usize),
    /// The length fields of all but the last.
    Stated(&'a [u8]),
}

/// Splits a packet into its TOC and its frames after checking its framing.
pub(crate) fn frames(packet: &[u8]) -> Result<(Toc, Frames<'_>), InvalidPacket> {
    duration(packet)?;
    let (&toc, body) = packet.split_first().ok_or(InvalidPacket::Empty)?;
    let toc = Toc::new(toc);
    let frames = match toc.frame_count_code() {
        code @ 0..=1 => equal(1 + code, body),
        2 => different(2, body)?,
        _ => signalled(body)?,
    };
    Ok((toc, frames))
}

fn signalled(body: &[u8]) -> Result<Frames<'_>, InvalidPacket> {
    let (count, rest) = frame_count(body)?;
    let (padding, rest) = padding_len(count, rest)?;
    let rest = rest.get(..rest.len().saturating_sub(padding)).unwrap_or_default();
    if count.is_vbr { different(count.frames, rest) } else { Ok(equal(count.frames, rest)) }
}

fn equal(count: u8, data: &[u8]) -> Frames<'_> {
    let left = usize::from(count);
    Frames { left, lengths: Lengths::Equal(data.len() / left.max(1)), data }
}

fn different(count: u8, lengths: &[u8]) -> Result<Frames<'_>, InvalidPacket> {
    let mut data = lengths;
    for _ in 1..count {
        (_, data) = frame_length(data)?;
    }
    Ok(Frames { left: usize::from(count), lengths: Lengths::Stated(lengths), data })
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        if self.left == 0 {
            return Some(self.data);
        }
        let length = match &mut self.lengths {
            Lengths::Equal(length) => *length,
            Lengths::Stated(lengths) => {
                let (length, rest) = frame_length(lengths).ok()?;
                *lengths = rest;
                length
            }
        };
        let (frame, rest) = self.data.split_at_checked(length)?;
        self.data = rest;
        Some(frame)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Frames<'_> {}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::shortest_frame;

    fn split(packet: &[u8]) -> Vec<&[u8]> {
        frames(packet).unwrap().1.collect()
    }

    #[test]
    fn the_frames_of_every_code() {
        assert_eq!(split(&[0xe0, 1, 2]), [[1, 2]]);
        assert_eq!(split(&[0xe1, 1, 2, 3, 4]), [[1, 2], [3, 4]]);
        assert_eq!(split(&[0xe2, 1, 9, 8, 7]), [&[9][..], &[8, 7]]);
        assert_eq!(split(&[0xe3, 2, 1, 2]), [[1], [2]]);
        assert_eq!(split(&[0xe3, 0x42, 1, 1, 2, 0]), [[1], [2]]);
        assert_eq!(split(&[0xe3, 0x83, 1, 0, 7, 8]), [&[7][..], &[], &[8]]);
    }

    proptest! {
        #[test]
        fn agree_with_libopus(mut bytes in proptest::collection::vec(any::<u8>(), 1..80),
                              count in 0u8..=255) {
            if bytes.len() > 1 && bytes[0] & 3 == 3 {
                bytes[1] = count;
            }
            let Ok((_, frames)) = frames(&bytes) else { return Ok(()) };
            let theirs = magnum_opus::packet::parse(&bytes).unwrap();
            prop_assert_eq!(frames.len(), theirs.frames.len());
            let shortest = frames.clone().map(<[u8]>::len).min();
            prop_assert_eq!(shortest, shortest_frame(&bytes).ok());
            for (ours, theirs) in frames.zip(theirs.frames) {
                prop_assert_eq!(ours, theirs);
            }
        }
    }
}
