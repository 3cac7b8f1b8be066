//! Finds where a FLAC frame ends (RFC 9639 section 9), which its header does not say.

use super::{crc::is_whole_flac_frame, flac::coded_number};

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether the header numbers samples rather than frames.
    pub(crate) is_variable: bool,
    /// Samples per channel.
    pub(crate) block: u32,
    assignment: u32,
    /// As it is coded: four bits, and what they say follows.
    rate: (u8, u32),
    /// Of the frame, or of its first sample.
    number: u64,
    /// Bits per sample; `None` for those of STREAMINFO.
    bits: Option<u32>,
    len: usize,
}

impl Header {
    /// Returns the position of the first sample, given the samples per frame of a stream whose headers
    /// number frames.
    pub(crate) fn position(&self, fixed_block: u32) -> u64 {
        let unit = if self.is_variable { 1 } else { u64::from(fixed_block) };
        self.number.saturating_mul(unit)
    }

    /// Returns whether a frame with this header can be in the stream of another.
    pub(crate) fn is_of_stream(&self, other: &Self, max_block: u32) -> bool {
        (self.is_variable, self.rate, self.bits) == (other.is_variable, other.rate, other.bits)
            && self.channels() == other.channels()
            && self.block <= max_block
    }

    fn channels(&self) -> u32 {
        if self.assignment < 8 { self.assignment + 1 } else { 2 }
    }
}

/// Parses the header at the start of `bytes` and checks its CRC.
pub(crate) fn header(bytes: &[u8]) -> Option<Header> {
    let [0xff, second @ (0xf8 | 0xf9), sizes, layout, first, ..] = *bytes else { return None };
    let number_len = match first.leading_ones() {
        0 => 1,
        ones @ 2..=7 => usize::try_from(ones).ok()?,
        _ => return None,
    };
    let number = coded_number(bytes.get(4..)?)?;
    let mut at = 4 + number_len;
    let mut field = |len: usize| {
        let field =
            bytes.get(at..at + len)?.iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
        at += len;
        Some(field)
    };
    let block = match sizes >> 4 {
        0 => return None,
        1 => 192,
        code @ 2..=5 => 576 << (code - 2),
        6 => field(1)? + 1,
        7 => field(2)? + 1,
        code => 256 << (code - 8),
    };
    let rate = match sizes & 15 {
        code @ 12 => (code, field(1)?),
        code @ (13 | 14) => (code, field(2)?),
        15 => return None,
        code => (code, 0),
    };
    let bits = match layout >> 1 & 7 {
        0 => None,
        3 => return None,
        code => [0, 8, 12, 0, 16, 20, 24, 32].get(usize::from(code)).copied(),
    };
    let assignment = u32::from(layout >> 4);
    let is_whole = assignment <= 10 && layout & 1 == 0 && crc8(bytes.get(..at + 1)?) == 0;
    let is_variable = second == 0xf9;
    is_whole.then_some(Header { is_variable, block, assignment, rate, number, bits, len: at + 1 })
}

/// What follows a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// The frame has this many bytes, its header included.
    Whole(usize),
    /// Its end lies beyond the bytes at hand.
    Open,
    Damaged,
}

/// Finds the end of the frame at the start of `bytes`, which begin with `header`. `bits` are those of a
/// sample in STREAMINFO. `budget` is how many bytes this call and the next ones may parse. Without it,
/// a file full of headers that each claim the rest takes hours.
pub(crate) fn body(bytes: &[u8], header: &Header, bits: u32, budget: &mut usize) -> Body {
    let allowed = bytes.get(..*budget).unwrap_or(bytes);
    let mut reader = Bits { bytes: allowed, at: header.len * 8, is_beyond: false };
    let is_parsed = reader.subframes(header, bits).is_some();
    let len = reader.at.div_ceil(8) + 2;
    *budget = budget.saturating_sub(len);
    match allowed.get(..len).filter(|_| is_parsed) {
        Some(frame) if is_whole_flac_frame(frame) => Body::Whole(len),
        None if (is_parsed || reader.is_beyond) && allowed.len() == bytes.len() => Body::Open,
        _ => Body::Damaged,
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: usize,
    /// Whether a field lies beyond the bytes.
    is_beyond: bool,
}

impl Bits<'_> {
    fn subframes(&mut self, header: &Header, bits: u32) -> Option<()> {
        let bits = header.bits.unwrap_or(bits);
        let (channels, side) = match header.assignment {
            independent @ 0..=7 => (independent + 1, None),
            9 => (2, Some(0)),
            _ => (2, Some(1)),
        };
        for channel in 0..channels {
            self.subframe(header.block, bits + u32::from(side == Some(channel)))?;
        }
        Some(())
    }

    fn subframe(&mut self, block: u32, bits: u32) -> Option<()> {
        if self.take(1)? != 0 {
            return None;
        }
        let kind = self.take(6)?;
        let wasted = if self.take(1)? == 1 { self.zeros()? + 1 } else { 0 };
        let bits = bits.checked_sub(wasted).filter(|bits| *bits > 0)?;
        match kind {
            0 => self.skip(bits.into()),
            1 => self.skip(u64::from(block) * u64::from(bits)),
            8..=12 => {
                self.skip(u64::from(kind - 8) * u64::from(bits))?;
                self.residual(block, kind - 8)
            }
            32..=63 => {
                let order = kind - 31;
                self.skip(u64::from(order) * u64::from(bits))?;
                let precision = self.take(4).filter(|precision| *precision < 15)? + 1;
                self.skip(5 + u64::from(order) * u64::from(precision))?;
                self.residual(block, order)
            }
            _ => None,
        }
    }

    fn residual(&mut self, block: u32, order: u32) -> Option<()> {
        let parameter_bits = match self.take(2)? {
            0 => 4,
            1 => 5,
            _ => return None,
        };
        let partitions = 1_u32 << self.take(4)?;
        let samples = block / partitions;
        let is_even = samples * partitions == block && samples >= order;
        for partition in 0..if is_even { partitions } else { return None } {
            let count = if partition == 0 { samples - order } else { samples };
            let parameter = self.take(parameter_bits)?;
            if parameter == (1 << parameter_bits) - 1 {
                let bits = self.take(5)?;
                self.skip(u64::from(count) * u64::from(bits))?;
                continue;
            }
            for _ in 0..count {
                self.zeros()?;
                self.skip(parameter.into())?;
            }
        }
        Some(())
    }

    /// Skips zeros and the one after them, and returns the number of zeros.
    fn zeros(&mut self) -> Option<u32> {
        let mut zeros = 0;
        loop {
            let byte = self.byte()?;
            let offset = self.at % 8;
            let here = (byte << offset).leading_zeros();
            if here < 8 {
                self.at += usize::try_from(here).ok()? + 1;
                return Some(zeros + here);
            }
            let rest = 8 - offset;
            zeros += u32::try_from(rest).ok()?;
            self.at += rest;
        }
    }

    /// Returns up to 8 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.byte()?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        let at = self.at.checked_add(usize::try_from(count).ok()?)?;
        self.is_beyond = at / 8 > self.bytes.len();
        self.at = Some(at).filter(|_| !self.is_beyond)?;
        Some(())
    }

    /// Returns the byte that holds the next bit.
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at / 8).copied();
        self.is_beyond = byte.is_none();
        byte
    }
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 7 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_silence_has_a_known_length() {
        // The fourth frame: 16 bits, mono, 192 samples, constant 0.
        let mut frame = b"\xff\xf8\x19\x08\x03".to_vec();
        frame.push(crc8(&frame));
        frame.extend_from_slice(b"\0\0\0");
        let crc = super::super::crc::crc16(&frame);
        frame.extend_from_slice(&crc.to_be_bytes());
        let whole = frame.len();
        frame.extend_from_slice(b"TAG");
        let body = |bytes: &[u8]| header(bytes).map(|header| body(bytes, &header, 16, &mut 1000));
        assert_eq!(body(&frame), Some(Body::Whole(whole)));
        assert_eq!(header(&frame).map(|header| header.block), Some(192));
        for at in 0..whole {
            let mut damaged = frame.clone();
            damaged[at] ^= 4;
            assert!(matches!(body(&damaged), None | Some(Body::Damaged)), "{at}");
            assert!(matches!(body(&frame[..at]), None | Some(Body::Open)), "{at}");
        }
    }

    #[test]
    fn frames_are_parsed_within_a_budget() {
        // 8 channels of 65,536 samples, 32 bits each, as they are.
        let mut bytes = b"\xff\xf8\x70\x7e\0\xff\xff".to_vec();
        bytes.push(crc8(&bytes));
        bytes.resize(3 << 20, 2);
        let header = header(&bytes).unwrap();
        let mut budget = 10 << 20;
        assert_eq!(body(&bytes, &header, 16, &mut budget), Body::Damaged);
        assert!((7 << 20..9 << 20).contains(&budget), "{budget}");
        for _ in 0..100 {
            assert_eq!(body(&bytes, &header, 16, &mut budget), Body::Damaged);
        }
        // Not enough for a channel.
        assert!(budget < 256 << 10, "{budget}");
    }
}
