use std::{
    io::{Read, Seek},
    ops::Range,
};

use crate::{Error, FindingKind, Form, finding::Findings, input::Input};

/// What the samples of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Of the file.
    pub form: Form,
    /// Of one sample.
    pub encoding: Encoding,
    /// Of the bytes of a sample.
    pub byte_order: ByteOrder,
    /// Bits of a sample that say something, the upper ones; those below are 0 in most files.
    /// They do not change the scale.
    pub valid_bits: u16,
    /// At least 1.
    pub channels: u16,
    /// Frames a second, at least 1.
    pub rate: u32,
    /// Which loudspeaker each channel is for, if the format is extensible.
    pub channel_mask: Option<u32>,
    /// Bytes of a frame, one sample of each channel. It may be more than
    /// the samples take: then each has room behind it.
    pub block_align: u32,
}

/// Which byte of a sample comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The lowest, in all WAVE files and in "sowt" of AIFF-C.
    Little,
    /// The highest, in AIFF.
    Big,
}

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say what they are")]
pub enum Encoding {
    /// Without sign: 128 is silence.
    U8,
    /// With sign, of AIFF.
    I8,
    I16,
    I24,
    I32,
    I40,
    I48,
    I56,
    I64,
    F32,
    F64,
    ALaw,
    MuLaw,
}

impl Encoding {
    /// Bytes of a sample.
    pub fn bytes(self) -> u8 {
        match self {
            Self::U8 | Self::I8 | Self::ALaw | Self::MuLaw => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::I40 => 5,
            Self::I48 => 6,
            Self::I56 => 7,
            Self::I64 | Self::F64 => 8,
        }
    }

    fn of(tag: u16, bits: u16) -> Option<Self> {
        match (tag, bits) {
            (PCM, _) => Self::integer(bits.div_ceil(8)),
            (IEEE_FLOAT, 32) => Some(Self::F32),
            (IEEE_FLOAT, 64) => Some(Self::F64),
            (A_LAW, _) => Some(Self::ALaw),
            (MU_LAW, _) => Some(Self::MuLaw),
            _ => None,
        }
    }

    /// Of WAVE, where one of 8 bits has no sign.
    pub(crate) fn integer(bytes: u16) -> Option<Self> {
        let all =
            [Self::U8, Self::I16, Self::I24, Self::I32, Self::I40, Self::I48, Self::I56, Self::I64];
        all.into_iter().find(|one| u16::from(one.bytes()) == bytes)
    }
}

impl Format {
    /// Reads the contents of the chunk "fmt ".
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Input<R>,
        contents: Range<u64>,
        form: Form,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let (offset, found) = (contents.start, contents.end.saturating_sub(contents.start));
        let too_short = Error::ChunkTooShort { offset, name: "fmt ", found, expected: 16 };
        let bytes = input.bytes(offset, found, 40)?;
        let fields = Fields::parse(&bytes).ok_or(too_short)?;
        fields.format(form, offset, findings)
    }

    /// Bytes from the start of a sample to that of the next.
    pub(crate) fn stride(&self) -> usize {
        let stride = self.block_align / u32::from(self.channels.max(1));
        usize::try_from(stride).unwrap_or(1)
    }
}

/// The chunk as it is.
struct Fields {
    tag: u16,
    channels: u16,
    rate: u32,
    byte_rate: u32,
    block_align: u16,
    bits: u16,
    extension: Option<Extension>,
}

/// Of an extensible format.
struct Extension {
    valid_bits: u16,
    channel_mask: u32,
    guid: [u8; 16],
}

impl Fields {
    fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            tag: le_u16(bytes, 0)?,
            channels: le_u16(bytes, 2)?,
            rate: le_u32(bytes, 4)?,
            byte_rate: le_u32(bytes, 8)?,
            block_align: le_u16(bytes, 12)?,
            bits: le_u16(bytes, 14)?,
            extension: Extension::parse(bytes),
        })
    }

    fn format(self, form: Form, offset: u64, findings: &mut Findings) -> Result<Format, Error> {
        let Self { channels, rate, .. } = self;
        let extension = self.extension.as_ref().filter(|_| self.tag == EXTENSIBLE);
        let bits = match extension {
            Some(extension) if self.bits == 0 => extension.valid_bits,
            _ => self.bits,
        };
        let tag = match extension {
            Some(extension) => extension.tag().unwrap_or(EXTENSIBLE),
            None if self.tag == EXTENSIBLE => {
                findings.report(offset, FindingKind::NoExtension { bits });
                PCM
            }
            None => self.tag,
        };
        let guid = extension.map(|extension| extension.guid);
        let encoding = Encoding::of(tag, bits).ok_or(Error::UnsupportedEncoding {
            offset,
            tag,
            bits,
            guid,
        })?;
        if channels == 0 || rate == 0 {
            return Err(Error::NoAudio { offset, channels, rate });
        }
        let valid_bits = extension.map(|extension| extension.valid_bits);
        Ok(Format {
            form,
            encoding,
            byte_order: ByteOrder::Little,
            valid_bits: valid_bits.filter(|valid| (1..bits).contains(valid)).unwrap_or(bits),
            channels,
            rate,
            channel_mask: extension.map(|extension| extension.channel_mask),
            block_align: self.block_align(encoding, bits, offset, findings),
        })
    }

    /// Bytes of a frame. Many programs write nonsense here, and others give each sample more
    /// room than it needs; the latter have a byte rate that agrees.
    fn block_align(
        &self,
        encoding: Encoding,
        bits: u16,
        offset: u64,
        findings: &mut Findings,
    ) -> u32 {
        let (channels, claimed) = (self.channels, self.block_align);
        let packed = u32::from(channels) * u32::from(encoding.bytes());
        let wide_frame = u32::from(claimed);
        if wide_frame == packed {
            return packed;
        }
        let is_wide = wide_frame > packed
            && wide_frame % u32::from(channels) == 0
            && wide_frame / u32::from(channels) <= 8
            && self.rate.checked_mul(wide_frame) == Some(self.byte_rate);
        let used = if is_wide { wide_frame } else { packed };
        let kind = FindingKind::BlockAlign { claimed, channels, bits, packed, used };
        findings.report(offset, kind);
        used
    }
}

impl Extension {
    fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            valid_bits: le_u16(bytes, 18)?,
            channel_mask: le_u32(bytes, 20)?,
            guid: *bytes.get(24..)?.first_chunk()?,
        })
    }

    /// The format tag that the GUID was made out of.
    fn tag(&self) -> Option<u16> {
        let (tag, rest) = self.guid.split_first_chunk()?;
        [MEDIA_TAIL, AMBISONIC_TAIL]
            .iter()
            .any(|tail| rest == tail)
            .then_some(u16::from_le_bytes(*tag))
    }
}

fn le_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

const PCM: u16 = 1;
const IEEE_FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;
/// What follows the format tag in a GUID of Microsoft, and in one of ambisonic B-format.
const MEDIA_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
const AMBISONIC_TAIL: [u8; 14] =
    [0, 0, 0x21, 0x07, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0];
