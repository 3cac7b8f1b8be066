//! The "COMM" chunk of AIFF and AIFF-C, and the position of the samples in "SSND".

use std::{
    io::{Read, Seek},
    ops::Range,
};

use crate::{
    ByteOrder, Encoding, Error, FindingKind, Form, Format, error::Reason, finding::Findings,
    header::Header, input::Input,
};

/// The contents of "COMM".
pub(crate) struct Common {
    pub(crate) format: Format,
    /// Samples per channel.
    pub(crate) frames: u32,
}

impl Common {
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Input<R>,
        contents: Range<u64>,
        form: Form,
    ) -> Result<Self, Error> {
        let (offset, found) = (contents.start, contents.end.saturating_sub(contents.start));
        let expected = if form == Form::Aifc { 22 } else { 18 };
        let too_short = Reason::ChunkTooShort { offset, name: "COMM", found, expected };
        let bytes = input.bytes(offset, found, 22)?;
        let fields = Fields::parse(&bytes, form).ok_or(too_short)?;
        Ok(Self { frames: fields.frames, format: fields.format(form, offset)? })
    }
}

/// The raw fields of the chunk.
struct Fields {
    channels: u16,
    frames: u32,
    bits: u16,
    rate: u32,
    compression: [u8; 4],
}

impl Fields {
    fn parse(bytes: &[u8], form: Form) -> Option<Self> {
        let (channels, rest) = bytes.split_first_chunk()?;
        let (frames, rest) = rest.split_first_chunk()?;
        let (bits, rest) = rest.split_first_chunk()?;
        let (rate, rest) = rest.split_first_chunk()?;
        Some(Self {
            channels: u16::from_be_bytes(*channels),
            frames: u32::from_be_bytes(*frames),
            bits: u16::from_be_bytes(*bits),
            rate: nearest(*rate),
            compression: if form == Form::Aifc { *rest.first_chunk()? } else { *b"NONE" },
        })
    }

    fn format(self, form: Form, offset: u64) -> Result<Format, Error> {
        let Self { channels, rate, bits, compression, .. } = self;
        let unsupported = Reason::UnsupportedCompression { offset, compression, bits };
        let (encoding, byte_order) = encoding(compression, bits).ok_or(unsupported)?;
        if channels == 0 || rate == 0 {
            return Err(Reason::NoAudio { offset, channels, rate }.into());
        }
        let whole = u16::from(encoding.bytes()) * 8;
        Ok(Format {
            form,
            encoding,
            byte_order,
            valid_bits: if (1..whole).contains(&bits) { bits } else { whole },
            channels,
            rate,
            channel_mask: None,
            block_align: u32::from(channels) * u32::from(encoding.bytes()),
        })
    }
}

fn encoding(compression: [u8; 4], bits: u16) -> Option<(Encoding, ByteOrder)> {
    let signed = match Encoding::integer(bits.div_ceil(8)) {
        Some(Encoding::U8) => Some(Encoding::I8),
        other => other,
    };
    let encoding = match &compression {
        b"NONE" | b"twos" => signed?,
        b"sowt" => return Some((signed?, ByteOrder::Little)),
        b"raw " if bits.div_ceil(8) == 1 => Encoding::U8,
        b"in24" => Encoding::I24,
        b"in32" => Encoding::I32,
        b"fl32" | b"FL32" => Encoding::F32,
        b"fl64" | b"FL64" => Encoding::F64,
        b"alaw" | b"ALAW" => Encoding::ALaw,
        b"ulaw" | b"ULAW" => Encoding::MuLaw,
        _ => return None,
    };
    Some((encoding, ByteOrder::Big))
}

/// Rounds an 80-bit extended float (Apple SANE) to the nearest integer; 0 if it does not fit.
fn nearest([e0, e1, mantissa @ ..]: [u8; 10]) -> u32 {
    // How often to halve the mantissa, taken as an integer. Negative numbers have the top bit of
    // the exponent set and so end up out of range.
    const ONE: u16 = 16_383 + 63;
    let halvings = ONE.checked_sub(u16::from_be_bytes([e0, e1]));
    let mantissa = u64::from_be_bytes(mantissa);
    let doubled = halvings
        .and_then(|halvings| halvings.checked_sub(1))
        .and_then(|halvings| mantissa.checked_shr(u32::from(halvings)))
        .unwrap_or(0);
    u32::try_from(doubled.saturating_add(1) >> 1).unwrap_or(0)
}

/// Returns a header that starts at the first sample of "SSND", which begins with the samples'
/// offset and a block size.
pub(crate) fn samples<R: Read + Seek>(
    input: &mut Input<R>,
    chunk: &Header,
    findings: &mut Findings,
) -> Result<Header, Error> {
    let claimed = input.array(chunk.start)?.map_or(0, u32::from_be_bytes);
    let room = chunk.size.filter(|size| *size > FIELDS).unwrap_or(u64::MAX);
    let room = room.min(input.left(chunk.start)).saturating_sub(FIELDS);
    let mut offset = u64::from(claimed);
    if offset > room {
        findings.report(chunk.start, FindingKind::SamplesOffset { claimed });
        offset = 0;
    }
    let before = FIELDS.saturating_add(offset);
    Ok(Header {
        id: chunk.id,
        start: chunk.start.saturating_add(before).min(input.len()),
        size: chunk.size.map(|size| size.saturating_sub(before)),
    })
}

const FIELDS: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_round_to_the_nearest_integer() {
        let of = |exponent: u16, mantissa: u64| {
            let [a, b] = exponent.to_be_bytes();
            let mut bytes = [0; 10];
            bytes[..2].copy_from_slice(&[a, b]);
            bytes[2..].copy_from_slice(&mantissa.to_be_bytes());
            nearest(bytes)
        };
        assert_eq!(of(0x400e, 0xac44 << 48), 44_100);
        assert_eq!(of(0x4011, 0xbb80 << 48), 384_000);
        // The rate of the first Macintosh: 22254.5454...
        assert_eq!(of(0x400d, 0xaddd_1745_d174_5d17), 22_255);
        assert_eq!(of(0x400d, 0xaddc_ffff_ffff_ffff), 22_254);
        assert_eq!(of(0x401e, u64::MAX - (1 << 32)), u32::MAX);
        for exponent in [0, 0x3ffd, 0x401f, 0x403e, 0x7fff, 0xc00e] {
            assert_eq!(of(exponent, u64::MAX), 0, "{exponent:#x}");
        }
    }
}
