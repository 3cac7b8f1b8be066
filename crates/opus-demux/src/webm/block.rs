//! Blocks and their lacing (RFC 9559 section 10).

use std::{fmt, ops::Range};

use opus_packet::wide;

use crate::webm::ebml::{Number, number};

/// The head of a Block or SimpleBlock, without its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockHead {
    /// Ticks after the Timestamp of the Cluster.
    pub(crate) relative_time: i16,
}

/// Why bytes are not a block. `Debug` shows the message.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidBlock {
    #[error("it ends inside its header")]
    TooShort,
    #[error("it ends inside its lacing")]
    LacingTooShort,
    #[error("frame {frame} claims {found} bytes")]
    FrameLength { frame: u16, found: i64 },
    #[error("{bytes} bytes for {frames} equal frames, expected a multiple of {frames}")]
    UnequalFrames { frames: u16, bytes: usize },
    #[error("the frames before the last claim {claimed} bytes, but only {available} are left")]
    BeyondEnd { claimed: u64, available: usize },
}

/// The track number at the start of a block.
pub(crate) fn track_number(block: &[u8]) -> Option<u64> {
    Some(number(block)?.0.value)
}

/// The time of a block, in ticks after the Timestamp of its Cluster.
pub(crate) fn relative_time(block: &[u8]) -> Option<i16> {
    let (_, rest) = number(block)?;
    rest.first_chunk().copied().map(i16::from_be_bytes)
}

/// Finds the frames of a block, as ranges of its bytes.
pub(crate) fn parse(
    block: &[u8],
    frames: &mut Vec<Range<usize>>,
) -> Result<BlockHead, InvalidBlock> {
    frames.clear();
    let (_, rest) = number(block).ok_or(InvalidBlock::TooShort)?;
    let (&[high, low, flags], mut rest) = rest.split_first_chunk().ok_or(InvalidBlock::TooShort)?;
    let mut lengths = Vec::new();
    if let Some(lacing) = Lacing::from_flags(flags) {
        let (&more, body) = rest.split_first().ok_or(InvalidBlock::LacingTooShort)?;
        rest = lacing.lengths(u16::from(more) + 1, body, &mut lengths)?;
    }
    let mut start = block.len() - rest.len();
    let available = rest.len();
    let claimed = lengths.iter().sum::<u64>();
    if usize::try_from(claimed).map_or(true, |claimed| claimed > available) {
        return Err(InvalidBlock::BeyondEnd { claimed, available });
    }
    for length in lengths {
        // No more than `available`.
        let end = start + usize::try_from(length).unwrap_or_default();
        frames.push(start..end);
        start = end;
    }
    frames.push(start..block.len());
    Ok(BlockHead { relative_time: i16::from_be_bytes([high, low]) })
}

#[derive(Clone, Copy)]
enum Lacing {
    Xiph,
    Fixed,
    Ebml,
}

impl Lacing {
    fn from_flags(flags: u8) -> Option<Self> {
        match flags >> 1 & 0b11 {
            0b01 => Some(Self::Xiph),
            0b10 => Some(Self::Fixed),
            0b11 => Some(Self::Ebml),
            _ => None,
        }
    }

    /// Reads the lengths of all frames but the last, and returns the bytes after the lacing.
    fn lengths<'a>(
        self,
        frames: u16,
        body: &'a [u8],
        lengths: &mut Vec<u64>,
    ) -> Result<&'a [u8], InvalidBlock> {
        match self {
            Self::Xiph => xiph(frames, body, lengths),
            Self::Ebml => ebml(frames, body, lengths),
            Self::Fixed => fixed(frames, body, lengths).map(|()| body),
        }
    }
}

/// A byte below 255 ends each length (section 10.3.2).
fn xiph<'a>(
    frames: u16,
    mut body: &'a [u8],
    lengths: &mut Vec<u64>,
) -> Result<&'a [u8], InvalidBlock> {
    for _ in 1..frames {
        let mut length = 0;
        loop {
            let (&byte, rest) = body.split_first().ok_or(InvalidBlock::LacingTooShort)?;
            length += u64::from(byte);
            body = rest;
            if byte < 255 {
                break;
            }
        }
        lengths.push(length);
    }
    Ok(body)
}

/// One length, then the signed difference of each to the one before (section 10.3.3).
fn ebml<'a>(
    frames: u16,
    mut body: &'a [u8],
    lengths: &mut Vec<u64>,
) -> Result<&'a [u8], InvalidBlock> {
    let mut length = 0_i64;
    for frame in 1..frames {
        let (coded, rest) = number(body).ok_or(InvalidBlock::LacingTooShort)?;
        // Each is below 2^56, so their sum is below 2^63.
        length = if frame == 1 { first_length(coded) } else { length + coded.signed() };
        let valid = u64::try_from(length).ok().filter(|&length| length < 1 << 40);
        lengths.push(valid.ok_or(InvalidBlock::FrameLength { frame, found: length })?);
        body = rest;
    }
    Ok(body)
}

fn first_length(coded: Number) -> i64 {
    i64::try_from(coded.value).unwrap_or(i64::MAX)
}

/// All equally long (section 10.3.4).
fn fixed(frames: u16, body: &[u8], lengths: &mut Vec<u64>) -> Result<(), InvalidBlock> {
    let bytes = body.len();
    if !bytes.is_multiple_of(usize::from(frames)) {
        return Err(InvalidBlock::UnequalFrames { frames, bytes });
    }
    let length = wide(bytes / usize::from(frames));
    lengths.extend((1..frames).map(|_| length));
    Ok(())
}

/// `main() -> Result` prints this.
impl fmt::Debug for InvalidBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(block: &[u8]) -> Result<Vec<Range<usize>>, InvalidBlock> {
        let mut frames = vec![];
        parse(block, &mut frames).map(|_| frames)
    }

    /// The example of RFC 9559 section 10.3: frames of 800, 500 and 1,000 bytes.
    #[test]
    fn matches_the_example_of_the_rfc() {
        let expected = |start| {
            Ok(vec![start..start + 800, start + 800..start + 1300, start + 1300..start + 2300])
        };
        let mut block = vec![0x81, 0, 0, 0b010, 2, 255, 255, 255, 35, 255, 245];
        block.resize(11 + 2300, 7);
        assert_eq!(frames(&block), expected(11));
        let mut block = vec![0x81, 0, 0, 0b110, 2, 0x43, 0x20, 0x5e, 0xd3];
        block.resize(9 + 2300, 7);
        assert_eq!(frames(&block), expected(9));
        let mut block = vec![0x81, 0xff, 0xfe, 0b100, 2];
        block.resize(5 + 2400, 7);
        assert_eq!(frames(&block), Ok(vec![5..805, 805..1605, 1605..2405]));
        let head = parse(&block, &mut vec![]).unwrap();
        assert_eq!(head, BlockHead { relative_time: -2 });
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "vectors of ranges")]
    fn impossible_blocks_are_refused() {
        use InvalidBlock::{BeyondEnd, FrameLength, LacingTooShort, TooShort, UnequalFrames};
        assert_eq!(frames(&[0x81, 0, 0]), Err(TooShort));
        assert_eq!(frames(&[0x81, 0, 0, 2]), Err(LacingTooShort));
        assert_eq!(frames(&[0x81, 0, 0, 2, 1, 255]), Err(LacingTooShort));
        let beyond = BeyondEnd { claimed: 3, available: 2 };
        assert_eq!(frames(&[0x81, 0, 0, 2, 1, 3, 0, 0]), Err(beyond));
        let unequal = UnequalFrames { frames: 2, bytes: 3 };
        assert_eq!(frames(&[0x81, 0, 0, 4, 1, 3, 0, 0]), Err(unequal));
        let negative = FrameLength { frame: 2, found: -61 };
        assert_eq!(frames(&[0x81, 0, 0, 6, 2, 0x82, 0x80, 0, 0]), Err(negative));
        assert_eq!(frames(&[0x81, 0, 0, 0]), Ok(vec![4..4]), "an empty frame counts");
        assert_eq!(frames(&[0x81, 0, 0, 6, 0, 9]), Ok(vec![5..6]), "a lace of one");
    }

    proptest! {
        #[test]
        fn frames_of_any_bytes_are_contiguous(mut block: Vec<u8>, flags: u8) {
            if let Some(byte) = block.get_mut(3) {
                *byte = flags;
            }
            if let Ok(frames) = frames(&block) {
                prop_assert!(frames.windows(2).all(|pair| pair[0].end == pair[1].start));
                prop_assert_eq!(frames.last().unwrap().end, block.len());
                prop_assert!(frames.len() <= 256);
            }
        }
    }
}
