use std::io::{Read, Seek};

use crate::{
    Error,
    chunk::{RIFF_TAIL, WAVE_TAIL},
    error::Reason,
    input::Input,
};

/// The form of a WAVE, AIFF or AU file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// RIFF/WAVE: 32-bit sizes.
    Riff,
    /// RIFX/WAVE: RIFF with big-endian sizes, fields and samples.
    Rifx,
    /// RF64 (EBU Tech 3306): RIFF with 64-bit sizes in a "ds64" chunk.
    Rf64,
    /// BW64 (ITU-R BS.2088), read like RF64.
    Bw64,
    /// Sony Wave64: GUIDs and 64-bit sizes.
    W64,
    /// AIFF: 32-bit big-endian sizes.
    Aiff,
    /// AIFF-C, which names its encoding.
    Aifc,
    /// AU (Sun, NeXT): no chunks.
    Au,
}

impl Form {
    /// Returns the form of the file that begins at `at`, and the position of its first chunk.
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Input<R>,
        at: u64,
    ) -> Result<(Self, u64), Error> {
        let start = input.bytes(at, W64_HEADER, 40)?;
        let form = Self::of(&start).ok_or_else(|| Reason::NotWave {
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
        if start.starts_with(b".snd") {
            return Some(Self::Au);
        }
        match (start.first_chunk()?, start.get(8..12)?) {
            (b"RIFF", b"WAVE") => Some(Self::Riff),
            (b"RIFX", b"WAVE") => Some(Self::Rifx),
            (b"RF64", b"WAVE") => Some(Self::Rf64),
            (b"BW64", b"WAVE") => Some(Self::Bw64),
            (b"FORM", b"AIFF") => Some(Self::Aiff),
            (b"FORM", b"AIFC") => Some(Self::Aifc),
            _ => None,
        }
    }

    /// Returns the usual short name: "wav", "rifx", "rf64", "bw64", "w64", "aiff", "aifc"
    /// or "au".
    pub fn name(self) -> &'static str {
        match self {
            Self::Riff => "wav",
            Self::Rifx => "rifx",
            Self::Rf64 => "rf64",
            Self::Bw64 => "bw64",
            Self::W64 => "w64",
            Self::Aiff => "aiff",
            Self::Aifc => "aifc",
            Self::Au => "au",
        }
    }

    pub(crate) fn has_ds64(self) -> bool {
        matches!(self, Self::Rf64 | Self::Bw64)
    }

    pub(crate) fn is_aiff(self) -> bool {
        matches!(self, Self::Aiff | Self::Aifc)
    }

    /// Returns whether sizes and fields are big-endian.
    pub(crate) fn is_big_endian(self) -> bool {
        self == Self::Rifx || self.is_aiff()
    }

    /// Returns the name of the chunk that describes the samples.
    pub(crate) fn format_id(self) -> &'static str {
        if self.is_aiff() { "COMM" } else { "fmt " }
    }

    /// Returns the name of the chunk that holds the samples.
    pub(crate) fn data_id(self) -> &'static str {
        if self.is_aiff() { "SSND" } else { "data" }
    }

    /// Returns the length in bytes of a chunk header.
    pub(crate) fn header_len(self) -> u64 {
        if self == Self::W64 { 24 } else { 8 }
    }

    /// Returns how many padding bytes follow contents of `len` bytes.
    pub(crate) fn padding(self, len: u64) -> u64 {
        let unit = if self == Self::W64 { 8 } else { 2 };
        (unit - len % unit) % unit
    }
}

/// Returns whether a file that begins with these bytes is WAVE, AIFF or AU. Needs 12 bytes, for W64
/// 40. Does not recognise a file after an ID3 tag, which
/// [`WaveReader`](crate::WaveReader) reads.
///
/// ```
/// use wave_demux::is_wave;
///
/// assert!(is_wave(b"RIFF\x24\0\0\0WAVEfmt "));
/// assert!(!is_wave(b"OggS"));
/// ```
pub fn is_wave(start: &[u8]) -> bool {
    Form::of(start).is_some()
}

const RIFF_HEADER: u64 = 12;
const W64_HEADER: u64 = 40;
