use std::io::{Read, Seek};

use crate::{
    Error,
    chunk::{RIFF_TAIL, WAVE_TAIL},
    input::Input,
};

/// Which of its forms a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// RIFF/WAVE: sizes of 32 bits.
    Riff,
    /// RF64 (EBU Tech 3306): RIFF, with sizes of 64 bits in the chunk "ds64".
    Rf64,
    /// BW64 (ITU-R BS.2088), which is read as RF64 is.
    Bw64,
    /// Sony Wave64: GUIDs and sizes of 64 bits.
    W64,
    /// AIFF: sizes of 32 bits, big-endian.
    Aiff,
    /// AIFF-C, which names its encoding.
    Aifc,
}

impl Form {
    /// The form of the file that begins at `at`, and where its first chunk is.
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Input<R>,
        at: u64,
    ) -> Result<(Self, u64), Error> {
        let start = input.bytes(at, W64_HEADER, 40)?;
        let form = Self::of(&start).ok_or_else(|| Error::NotWave {
            offset: at,
            found: start.iter().take(12).copied().collect(),
        })?;
        let header = if form == Self::W64 { W64_HEADER } else { RIFF_HEADER };
        Ok((form, at.saturating_add(header)))
    }

    fn of(start: &[u8]) -> Option<Self> {
        if let [b'r', b'i', b'f', b'f', rest @ ..] = start {
            let wave = rest.strip_prefix(&RIFF_TAIL)?.get(8..)?.strip_prefix(b"wave")?;
            return wave.starts_with(&WAVE_TAIL).then_some(Self::W64);
        }
        match (start.first_chunk()?, start.get(8..12)?) {
            (b"RIFF", b"WAVE") => Some(Self::Riff),
            (b"RF64", b"WAVE") => Some(Self::Rf64),
            (b"BW64", b"WAVE") => Some(Self::Bw64),
            (b"FORM", b"AIFF") => Some(Self::Aiff),
            (b"FORM", b"AIFC") => Some(Self::Aifc),
            _ => None,
        }
    }

    pub(crate) fn has_ds64(self) -> bool {
        matches!(self, Self::Rf64 | Self::Bw64)
    }

    pub(crate) fn is_aiff(self) -> bool {
        matches!(self, Self::Aiff | Self::Aifc)
    }

    /// What the chunk is called that says what the samples are.
    pub(crate) fn format_id(self) -> &'static str {
        if self.is_aiff() { "COMM" } else { "fmt " }
    }

    /// What the chunk of the samples is called.
    pub(crate) fn data_id(self) -> &'static str {
        if self.is_aiff() { "SSND" } else { "data" }
    }

    /// Bytes of the header of a chunk.
    pub(crate) fn header_len(self) -> u64 {
        if self == Self::W64 { 24 } else { 8 }
    }

    /// Bytes that stand behind contents of `len` bytes to fill them up.
    pub(crate) fn padding(self, len: u64) -> u64 {
        let unit = if self == Self::W64 { 8 } else { 2 };
        (unit - len % unit) % unit
    }
}

/// Whether a file that begins with these 12 bytes (of W64 40) is one that
/// [`WaveReader`](crate::WaveReader) knows. One with an ID3 tag before it is not told.
pub fn is_wave(start: &[u8]) -> bool {
    Form::of(start).is_some()
}

const RIFF_HEADER: u64 = 12;
const W64_HEADER: u64 = 40;
