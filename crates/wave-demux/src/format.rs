use std::{
    io::{Read, Seek},
    ops::Range,
};

use crate::{
    Error, FindingKind, Form, chunk::Guid, error::Reason, finding::Findings, input::Input,
};

/// How the samples of a file are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Format {
    /// The form of the file.
    pub form: Form,
    /// The encoding of one sample.
    pub encoding: Encoding,
    /// The order of the bytes in a sample.
    pub byte_order: ByteOrder,
    /// How many upper bits of a sample carry the signal; most files leave the lower ones 0. Does
    /// not change the scale.
    pub valid_bits: u16,
    /// Number of channels, at least 1.
    pub channels: u16,
    /// Frames (samples per channel) per second, at least 1.
    pub rate: u32,
    /// The loudspeaker of each channel (`dwChannelMask`), if the format is extensible.
    pub channel_mask: Option<u32>,
    /// Bytes of a frame, which holds one sample of each channel. If it exceeds what the samples
    /// need, each sample is followed by padding.
    pub block_align: u32,
}

/// Which byte of a sample comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The lowest: WAVE except RIFX, and "sowt" in AIFF-C.
    Little,
    /// The highest: RIFX, AU, and all other AIFF and AIFF-C.
    Big,
}

/// The encoding of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub enum Encoding {
    /// Unsigned: 128 is silence.
    U8,
    /// Signed, found in AIFF and AU.
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
    /// Returns the bytes of a sample.
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

    fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "s8",
            Self::I16 => "s16",
            Self::I24 => "s24",
            Self::I32 => "s32",
            Self::I40 => "s40",
            Self::I48 => "s48",
            Self::I56 => "s56",
            Self::I64 => "s64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::ALaw => "alaw",
            Self::MuLaw => "mulaw",
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

    /// Returns the integer encoding of WAVE, which is unsigned at 8 bits.
    pub(crate) fn integer(bytes: u16) -> Option<Self> {
        let all =
            [Self::U8, Self::I16, Self::I24, Self::I32, Self::I40, Self::I48, Self::I56, Self::I64];
        all.into_iter().find(|one| u16::from(one.bytes()) == bytes)
    }
}

impl Format {
    /// Reads the contents of the "fmt " chunk.
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Input<R>,
        contents: Range<u64>,
        form: Form,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let (offset, found) = (contents.start, contents.end.saturating_sub(contents.start));
        let too_short = Reason::ChunkTooShort { offset, name: "fmt ", found, expected: 16 };
        let mut bytes = input.bytes(offset, found, 40)?;
        let mut byte_order = ByteOrder::Little;
        if form.is_big_endian() {
            (byte_order, bytes) = (ByteOrder::Big, swapped(&bytes));
        }
        let fields = Fields::parse(&bytes).ok_or(too_short)?;
        Ok(Self { byte_order, ..fields.format(form, offset, findings)? })
    }

    /// Returns the name that ffmpeg uses for the encoding, such as "pcm_s16le".
    pub fn codec_name(&self) -> String {
        let order = match self.byte_order {
            _ if self.encoding.bytes() == 1 => "",
            ByteOrder::Little => "le",
            ByteOrder::Big => "be",
        };
        format!("pcm_{}{order}", self.encoding.name())
    }

    /// Returns the distance in bytes from one sample to the next.
    pub(crate) fn stride(&self) -> usize {
        let stride = self.block_align / u32::from(self.channels.max(1));
        usize::try_from(stride).unwrap_or(1)
    }
}

/// The raw fields of the chunk.
struct Fields {
    tag: u16,
    channels: u16,
    rate: u32,
    byte_rate: u32,
    block_align: u16,
    bits: u16,
    extension: Option<Extension>,
}

/// The additional fields of an extensible format.
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
        let guid = extension.map(|extension| Guid(extension.guid));
        let encoding = Encoding::of(tag, bits).ok_or(Reason::UnsupportedEncoding {
            offset,
            tag,
            bits,
            guid,
        })?;
        if channels == 0 || rate == 0 {
            return Err(Reason::NoAudio { offset, channels, rate }.into());
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

    /// Returns the bytes of a frame. Many programs write nonsense into the field. Others pad each
    /// sample, and write a matching byte rate.
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

    /// Returns the format tag from which the GUID was derived.
    fn tag(&self) -> Option<u16> {
        let (tag, rest) = self.guid.split_first_chunk()?;
        [MEDIA_TAIL, AMBISONIC_TAIL]
            .iter()
            .any(|tail| rest == tail)
            .then_some(u16::from_le_bytes(*tag))
    }
}

/// Turns a big-endian "fmt " into a little-endian one.
fn swapped(bytes: &[u8]) -> Vec<u8> {
    // The fields of `Fields`, the size of the extension, and those of `Extension`, whose GUID has
    // three fields and eight bytes.
    const FIELDS: [usize; 20] = [2, 2, 4, 4, 2, 2, 2, 2, 4, 4, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1];
    let (mut swapped, mut rest) = (Vec::new(), bytes);
    for len in FIELDS {
        let Some((field, others)) = rest.split_at_checked(len) else { break };
        swapped.extend(field.iter().rev());
        rest = others;
    }
    swapped
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
/// What follows the format tag in the GUIDs of Microsoft and of ambisonic B-format.
const MEDIA_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
const AMBISONIC_TAIL: [u8; 14] =
    [0, 0, 0x21, 0x07, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0];
