//! PCM, which `wave-demux` converts whatever the container.

use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, well_known::*};
use wave_demux::{ByteOrder, Encoding};

/// How the samples of a track are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pcm {
    pub(crate) encoding: Encoding,
    pub(crate) byte_order: ByteOrder,
    /// Channels and their loudspeakers, if symphonia knows others.
    pub(crate) layout: Option<(u16, Option<u32>)>,
}

impl Pcm {
    pub(crate) fn new(encoding: Encoding, byte_order: ByteOrder) -> Self {
        Self { encoding, byte_order, layout: None }
    }

    /// Returns the samples of signed integers or floats of this many bits.
    pub(crate) fn of_bits(bits: u32, is_float: bool, byte_order: ByteOrder) -> Option<Self> {
        let encoding = match (bits, is_float) {
            (8, false) => Encoding::I8,
            (16, false) => Encoding::I16,
            (24, false) => Encoding::I24,
            (32, false) => Encoding::I32,
            (64, false) => Encoding::I64,
            (32, true) => Encoding::F32,
            (64, true) => Encoding::F64,
            _ => return None,
        };
        Some(Self::new(encoding, byte_order))
    }

    /// Returns the samples of symphonia's codecs; `None` for those that are not PCM, or unsigned ones
    /// that no file has.
    pub(crate) fn of_codec(codec: AudioCodecId) -> Option<Self> {
        use ByteOrder::{Big, Little};
        let (encoding, byte_order) = match codec {
            CODEC_ID_PCM_U8 => (Encoding::U8, Little),
            CODEC_ID_PCM_S8 => (Encoding::I8, Little),
            CODEC_ID_PCM_S16LE => (Encoding::I16, Little),
            CODEC_ID_PCM_S16BE => (Encoding::I16, Big),
            CODEC_ID_PCM_S24LE => (Encoding::I24, Little),
            CODEC_ID_PCM_S24BE => (Encoding::I24, Big),
            CODEC_ID_PCM_S32LE => (Encoding::I32, Little),
            CODEC_ID_PCM_S32BE => (Encoding::I32, Big),
            CODEC_ID_PCM_F32LE => (Encoding::F32, Little),
            CODEC_ID_PCM_F32BE => (Encoding::F32, Big),
            CODEC_ID_PCM_F64LE => (Encoding::F64, Little),
            CODEC_ID_PCM_F64BE => (Encoding::F64, Big),
            CODEC_ID_PCM_ALAW => (Encoding::ALaw, Little),
            CODEC_ID_PCM_MULAW => (Encoding::MuLaw, Little),
            _ => return None,
        };
        Some(Self::new(encoding, byte_order))
    }

    /// Sets the codec and its bits, which containers state for some codecs only.
    pub(crate) fn apply(self, params: &mut AudioCodecParameters) {
        let bits = u32::from(self.encoding.bytes()) * 8;
        params.codec = match self.encoding {
            Encoding::ALaw => CODEC_ID_PCM_ALAW,
            Encoding::MuLaw => CODEC_ID_PCM_MULAW,
            Encoding::F32 => CODEC_ID_PCM_F32LE,
            Encoding::F64 => CODEC_ID_PCM_F64LE,
            Encoding::U8 | Encoding::I8 => CODEC_ID_PCM_S8,
            Encoding::I16 => CODEC_ID_PCM_S16LE,
            Encoding::I24 => CODEC_ID_PCM_S24LE,
            _ => CODEC_ID_PCM_S32LE,
        };
        (params.bits_per_sample, params.bits_per_coded_sample) = (Some(bits), Some(bits));
    }
}
