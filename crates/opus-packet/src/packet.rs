//! Packet framing (RFC 6716 section 3.2) and its requirements R1 to R7 (section 3.4).

use core::num::NonZeroU8;

use crate::{CodedPos, Toc, split_self_delimited};

/// An Opus packet and its duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The packet, from its TOC byte to its last byte.
    pub data: &'a [u8],
    /// Samples per channel at 48 kHz, as returned by [`duration`].
    pub duration: u32,
}

/// A packet, where its bytes lie in the source, and where its samples lie in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocatedPacket<'a> {
    /// The packet, from its TOC byte to its last byte.
    pub data: &'a [u8],
    /// Samples per channel at 48 kHz, as returned by [`duration`].
    pub duration: u32,
    /// Position of its first sample.
    pub position: CodedPos,
    /// Byte position of `data` in the source. `None` if these bytes do not lie there in one
    /// piece, and for packets that stand in for lost ones.
    pub offset: Option<u64>,
    /// Whether the packet is not in the source but asks a decoder to conceal a loss (RFC 7845
    /// section 4.1).
    pub is_concealment: bool,
}

/// The longest duration of a packet, 120 ms, in samples per channel at 48 kHz.
pub const MAX_PACKET_DURATION: u32 = 5760;

/// The longest frame in bytes (RFC 6716 R2).
const MAX_FRAME_LEN: usize = 1275;

/// Why bytes are not an Opus packet. Each message names the requirement of RFC 6716 section
/// 3.4 that they break.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidPacket {
    #[error("empty packet, expected a TOC byte (RFC 6716 R1)")]
    Empty,
    #[error("frame of {found} bytes, expected at most 1275 (RFC 6716 R2)")]
    FrameTooLong { found: usize },
    #[error("two equal frames in {found} bytes, expected an even number (RFC 6716 R3)")]
    OddPair { found: usize },
    #[error("frame of {claimed} bytes, but only {available} are left (RFC 6716 R4 or R7)")]
    FrameBeyondEnd { claimed: usize, available: usize },
    #[error("packet ends before a frame length (RFC 6716 R4 or R7)")]
    NoFrameLength,
    #[error("packet ends before its frame count (RFC 6716 R6 or R7)")]
    NoFrameCount,
    #[error("{found} frames, expected at least one (RFC 6716 R5)")]
    NoFrames { found: u8 },
    #[error("{found} samples at 48 kHz, expected at most 5760 = 120 ms (RFC 6716 R5)")]
    TooLong { found: u32 },
    #[error("{claimed} bytes of padding, but only {available} are left (RFC 6716 R6 or R7)")]
    PaddingBeyondEnd { claimed: usize, available: usize },
    #[error(
        "{bytes} bytes for {frames} equal frames, expected a multiple of {frames} (RFC 6716 R6)"
    )]
    UnequalFrames { bytes: usize, frames: u8 },
    #[error(
        "{found} samples in stream {stream}, expected {expected} as in those before (RFC 7845 section 3)"
    )]
    UnequalStreams { stream: u8, found: u32, expected: u32 },
}

/// Returns the duration of a packet in samples per channel at 48 kHz.
///
/// Checks the whole framing, not only the TOC: every accepted packet obeys R1 to R7 of
/// RFC 6716 section 3.4 and lasts 2.5 to 120 ms.
///
/// # Errors
///
/// The packet breaks one of these requirements.
///
/// ```
/// // Hybrid, fullband, 20 ms, one frame.
/// assert_eq!(opus_packet::duration(&[0x78, 1, 2, 3]), Ok(960));
/// assert!(opus_packet::duration(&[]).is_err());
/// ```
#[inline]
pub fn duration(packet: &[u8]) -> Result<u32, InvalidPacket> {
    let (&toc, body) = packet.split_first().ok_or(InvalidPacket::Empty)?;
    let toc = Toc::new(toc);
    // Almost every packet in the wild has one frame.
    if toc.frame_count_code() == 0 && body.len() <= MAX_FRAME_LEN {
        return Ok(toc.frame_duration());
    }
    framed_duration(toc, body)
}

/// Returns the length of the shortest frame of a packet in bytes. Decoders invent the audio
/// of an empty frame (DTX or a loss: RFC 6716 section 3.2.1, RFC 7845 section 4.1), and
/// libopus also that of a frame of one byte.
///
/// # Errors
///
/// The packet breaks a requirement of RFC 6716 section 3.4.
///
/// ```
/// assert_eq!(opus_packet::shortest_frame(&[0x78, 1, 2, 3]), Ok(3));
/// assert_eq!(opus_packet::shortest_frame(&[0x78]), Ok(0));
/// ```
pub fn shortest_frame(packet: &[u8]) -> Result<usize, InvalidPacket> {
    let (&toc, body) = packet.split_first().ok_or(InvalidPacket::Empty)?;
    let toc = Toc::new(toc);
    let frames = frames(toc, body)?;
    total_duration(toc, frames.count)?;
    Ok(frames.shortest)
}

/// Returns the duration of a packet of `streams` Opus streams in samples per channel at
/// 48 kHz. All but the last stream are self-delimited (RFC 6716 appendix B), and all have the
/// same duration (RFC 7845 section 3).
///
/// # Errors
///
/// A stream breaks a requirement of RFC 6716 section 3.4, or the durations differ.
///
/// ```
/// use core::num::NonZeroU8;
/// use opus_packet::multistream_duration;
///
/// let two = NonZeroU8::new(2).unwrap();
/// // A stream that states the 3 bytes of its frame, then one that does not.
/// assert_eq!(multistream_duration(&[0x78, 3, 1, 2, 3, 0x78, 9], two), Ok(960));
/// assert!(multistream_duration(&[0x78, 3, 1, 2, 3, 0x70, 9], two).is_err(), "20 and 10 ms");
/// ```
pub fn multistream_duration(packet: &[u8], streams: NonZeroU8) -> Result<u32, InvalidPacket> {
    let (mut rest, mut expected) = (packet, None);
    for stream in 1..streams.get() {
        let (first, after) = split_self_delimited(rest)?;
        check_equal(stream - 1, first.duration(), &mut expected)?;
        rest = after;
    }
    let last = duration(rest)?;
    check_equal(streams.get() - 1, last, &mut expected)?;
    Ok(last)
}

fn check_equal(stream: u8, found: u32, expected: &mut Option<u32>) -> Result<(), InvalidPacket> {
    match *expected.get_or_insert(found) {
        expected if expected == found => Ok(()),
        expected => Err(InvalidPacket::UnequalStreams { stream, found, expected }),
    }
}

fn framed_duration(toc: Toc, body: &[u8]) -> Result<u32, InvalidPacket> {
    total_duration(toc, frames(toc, body)?.count)
}

impl<'a> LocatedPacket<'a> {
    /// A packet that does not lie in the source in one piece.
    #[inline]
    pub fn new(data: &'a [u8], duration: u32, position: CodedPos) -> Self {
        Self { data, duration, position, offset: None, is_concealment: false }
    }

    /// Sets the byte position of `data` in the source.
    #[inline]
    #[must_use]
    pub fn at(self, offset: u64) -> Self {
        Self { offset: Some(offset), ..self }
    }

    /// Marks the packet as one that stands in for a lost one.
    #[inline]
    #[must_use]
    pub fn concealing(self) -> Self {
        Self { is_concealment: true, ..self }
    }
}

impl<'a> From<LocatedPacket<'a>> for Packet<'a> {
    #[inline]
    fn from(LocatedPacket { data, duration, .. }: LocatedPacket<'a>) -> Self {
        Self { data, duration }
    }
}

/// The frames of a packet.
struct Frames {
    count: u8,
    /// Bytes of the shortest.
    shortest: usize,
}

fn frames(toc: Toc, body: &[u8]) -> Result<Frames, InvalidPacket> {
    match toc.frame_count_code() {
        0 => equal_frames(body.len(), 1),
        1 => two_equal_frames(body),
        2 => different_frames(body, 2),
        _ => signalled_frames(body),
    }
}

/// The duration of `frames` frames: at most 120 ms (R5).
pub(crate) fn total_duration(toc: Toc, frames: u8) -> Result<u32, InvalidPacket> {
    match u32::from(frames) * toc.frame_duration() {
        total @ ..=MAX_PACKET_DURATION => Ok(total),
        found => Err(InvalidPacket::TooLong { found }),
    }
}

fn two_equal_frames(body: &[u8]) -> Result<Frames, InvalidPacket> {
    if body.len() % 2 != 0 {
        return Err(InvalidPacket::OddPair { found: body.len() });
    }
    equal_frames(body.len(), 2)
}

/// Code 3: a byte with the number of frames and two flags, for padding and for frames of
/// different lengths.
fn signalled_frames(body: &[u8]) -> Result<Frames, InvalidPacket> {
    let (count, rest) = frame_count(body)?;
    let (padding, rest) = padding_len(count, rest)?;
    let available = rest.len();
    let rest = available
        .checked_sub(padding)
        .and_then(|kept| rest.get(..kept))
        .ok_or(InvalidPacket::PaddingBeyondEnd { claimed: padding, available })?;
    if count.is_vbr {
        different_frames(rest, count.frames)
    } else {
        equal_frames(rest.len(), count.frames)
    }
}

/// The frame count byte of code 3 (RFC 6716 figure 5).
#[derive(Clone, Copy)]
pub(crate) struct FrameCount {
    /// At least 1.
    pub(crate) frames: u8,
    pub(crate) is_vbr: bool,
    pub(crate) is_padded: bool,
}

/// Reads the frame count byte and returns the bytes after it.
pub(crate) fn frame_count(body: &[u8]) -> Result<(FrameCount, &[u8]), InvalidPacket> {
    let (&byte, rest) = body.split_first().ok_or(InvalidPacket::NoFrameCount)?;
    let frames = byte & 0x3f;
    if frames == 0 {
        return Err(InvalidPacket::NoFrames { found: frames });
    }
    let (is_vbr, is_padded) = (byte & 0x80 != 0, byte & 0x40 != 0);
    Ok((FrameCount { frames, is_vbr, is_padded }, rest))
}

/// Reads the length of the padding and returns the bytes after it.
pub(crate) fn padding_len(
    count: FrameCount,
    mut rest: &[u8],
) -> Result<(usize, &[u8]), InvalidPacket> {
    let mut padding = 0;
    let mut goes_on = count.is_padded;
    while goes_on {
        let (&byte, after) = rest
            .split_first()
            .ok_or(InvalidPacket::PaddingBeyondEnd { claimed: padding + 1, available: 0 })?;
        goes_on = byte == 255;
        padding += if goes_on { 254 } else { usize::from(byte) };
        rest = after;
    }
    Ok((padding, rest))
}

fn equal_frames(bytes: usize, count: u8) -> Result<Frames, InvalidPacket> {
    if bytes % usize::from(count) != 0 {
        return Err(InvalidPacket::UnequalFrames { bytes, frames: count });
    }
    let shortest = bytes / usize::from(count);
    check_frame(shortest)?;
    Ok(Frames { count, shortest })
}

/// Frames preceded by the lengths of all but the last.
fn different_frames(mut body: &[u8], count: u8) -> Result<Frames, InvalidPacket> {
    let (mut claimed, mut shortest) = (0, usize::MAX);
    for _ in 1..count {
        let (length, rest) = frame_length(body)?;
        (claimed, shortest, body) = (claimed + length, shortest.min(length), rest);
    }
    let available = body.len();
    let last = available
        .checked_sub(claimed)
        .ok_or(InvalidPacket::FrameBeyondEnd { claimed, available })?;
    check_frame(last)?;
    Ok(Frames { count, shortest: shortest.min(last) })
}

/// The one- or two-byte frame length of RFC 6716 section 3.2.1, at most 1275.
pub(crate) fn frame_length(body: &[u8]) -> Result<(usize, &[u8]), InvalidPacket> {
    match body {
        [short @ 0..=251, rest @ ..] => Ok((usize::from(*short), rest)),
        [low, high, rest @ ..] => Ok((usize::from(*low) + 4 * usize::from(*high), rest)),
        _ => Err(InvalidPacket::NoFrameLength),
    }
}

fn check_frame(len: usize) -> Result<(), InvalidPacket> {
    if len > MAX_FRAME_LEN {
        return Err(InvalidPacket::FrameTooLong { found: len });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    /// CELT fullband 2.5 ms, with the given code.
    fn packet(code: u8, body: &[u8]) -> Vec<u8> {
        let mut packet = vec![0b1110_0000 | code];
        packet.extend_from_slice(body);
        packet
    }

    #[test]
    fn the_shortest_frame_of_every_code() {
        let shortest = |code, body: &[u8]| shortest_frame(&packet(code, body));
        assert_eq!(shortest(0, &[1, 2]), Ok(2));
        assert_eq!(shortest(1, &[1, 2, 3, 4]), Ok(2));
        assert_eq!(shortest(2, &[1, 9, 8, 8]), Ok(1));
        assert_eq!(shortest(2, &[3, 9, 8, 8]), Ok(0));
        assert_eq!(shortest(3, &[2, 1, 2, 3, 4]), Ok(2));
        assert_eq!(shortest(3, &[0x42, 1, 1, 2, 3, 4, 0]), Ok(2), "padding is no frame");
        assert_eq!(shortest(3, &[0x83, 2, 0, 1, 2, 3]), Ok(0));
        assert!(shortest(1, &[1]).is_err());
    }

    #[test]
    fn r1_at_least_one_byte() {
        assert_eq!(duration(&[]), Err(InvalidPacket::Empty));
        assert_eq!(duration(&packet(0, &[])), Ok(120), "an empty frame is valid (DTX)");
    }

    #[test]
    fn r2_frames_of_at_most_1275_bytes() {
        assert_eq!(duration(&packet(0, &[0; 1275])), Ok(120));
        let found = 1276;
        assert_eq!(duration(&packet(0, &[0; 1276])), Err(InvalidPacket::FrameTooLong { found }));
        assert_eq!(duration(&packet(1, &[0; 2552])), Err(InvalidPacket::FrameTooLong { found }));
        let mut second_too_long = vec![0];
        second_too_long.extend([0; 1276]);
        assert_eq!(
            duration(&packet(2, &second_too_long)),
            Err(InvalidPacket::FrameTooLong { found })
        );
    }

    #[test]
    fn r3_code_1_has_an_even_number_of_bytes() {
        assert_eq!(duration(&packet(1, &[0; 4])), Ok(240));
        assert_eq!(duration(&packet(1, &[0; 5])), Err(InvalidPacket::OddPair { found: 5 }));
    }

    #[test]
    fn r4_code_2_first_frame_fits() {
        assert_eq!(duration(&packet(2, &[2, 9, 9])), Ok(240), "second frame empty");
        assert_eq!(
            duration(&packet(2, &[3, 9, 9])),
            Err(InvalidPacket::FrameBeyondEnd { claimed: 3, available: 2 })
        );
        assert_eq!(duration(&packet(2, &[])), Err(InvalidPacket::NoFrameLength));
        assert_eq!(duration(&packet(2, &[252])), Err(InvalidPacket::NoFrameLength));
    }

    #[test]
    fn r5_one_frame_to_120_ms() {
        assert_eq!(duration(&packet(3, &[0])), Err(InvalidPacket::NoFrames { found: 0 }));
        assert_eq!(duration(&packet(3, &[48])), Ok(5760));
        assert_eq!(duration(&packet(3, &[49])), Err(InvalidPacket::TooLong { found: 5880 }));
    }

    #[test]
    fn r6_equal_frames_and_padding() {
        assert_eq!(duration(&packet(3, &[])), Err(InvalidPacket::NoFrameCount));
        assert_eq!(duration(&packet(3, &[3, 1, 1, 1])), Ok(360));
        assert_eq!(
            duration(&packet(3, &[3, 1, 1])),
            Err(InvalidPacket::UnequalFrames { bytes: 2, frames: 3 })
        );
        assert_eq!(duration(&packet(3, &[0x41, 2, 7, 0, 0])), Ok(120));
        assert_eq!(
            duration(&packet(3, &[0x41, 3, 0, 0])),
            Err(InvalidPacket::PaddingBeyondEnd { claimed: 3, available: 2 })
        );
        let mut long_padding = vec![0x41, 255, 1, 7];
        long_padding.extend([0; 255]);
        assert_eq!(duration(&packet(3, &long_padding)), Ok(120));
        assert!(duration(&packet(3, &[0x41, 255])).is_err());
    }

    #[test]
    fn r7_frames_of_different_lengths() {
        assert_eq!(duration(&packet(3, &[0x83, 1, 2, 7, 8, 8, 9])), Ok(360));
        assert_eq!(
            duration(&packet(3, &[0x83, 1, 2, 7, 8])),
            Err(InvalidPacket::FrameBeyondEnd { claimed: 3, available: 2 })
        );
        assert_eq!(duration(&packet(3, &[0x83, 1])), Err(InvalidPacket::NoFrameLength));
    }

    proptest! {
        /// Compares with libopus, which has to parse the frames: its duration function reads
        /// only the TOC.
        #[test]
        fn agrees_with_libopus(mut bytes in proptest::collection::vec(any::<u8>(), 1..80),
                               count in 0u8..=255) {
            if bytes.len() > 1 && bytes[0] & 3 == 3 {
                bytes[1] = count;
            }
            let ours = duration(&bytes).ok();
            let theirs = magnum_opus::packet::parse(&bytes)
                .and_then(|_| magnum_opus::packet::get_nb_samples(&bytes, 48_000))
                .ok()
                .and_then(|samples| u32::try_from(samples).ok());
            prop_assert_eq!(ours, theirs);
        }
    }
}
