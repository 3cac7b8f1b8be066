//! How finely samples were quantized.
//!
//! The bits that symphonia reports are those in the container, which some writers leave 0, or set
//! to 16 for any codec. A depth that is too low would lose quiet audio, so each codec is asked
//! itself.

use opus_encode::SampleDepth;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, well_known::*};

/// Returns [`SampleDepth::MAX`] for lossy codecs, floating point, and whatever is unknown.
pub(crate) fn depth(params: &AudioCodecParameters) -> SampleDepth {
    let config = params.extra_data.as_deref().unwrap_or_default();
    let bits = match params.codec {
        CODEC_ID_FLAC => flac_bits(config),
        CODEC_ID_ALAC => alac_bits(config),
        codec => decoded_bits(codec),
    };
    bits.map_or(SampleDepth::MAX, SampleDepth::of_bits)
}

/// Reads STREAMINFO (RFC 9639 section 8.2).
fn flac_bits(stream_info: &[u8]) -> Option<u32> {
    let [a, b] = *stream_info.get(12..)?.first_chunk()?;
    Some((u32::from(u16::from_be_bytes([a, b])) >> 4 & 0x1f) + 1)
}

/// Reads the ALACSpecificConfig, which two atoms may precede.
fn alac_bits(cookie: &[u8]) -> Option<u32> {
    let skip = |bytes: &mut &[u8], name: &[u8; 4]| -> Option<()> {
        if bytes.get(4..8)? == name {
            *bytes = bytes.get(12..)?;
        }
        Some(())
    };
    let mut config = cookie;
    skip(&mut config, b"frma")?;
    skip(&mut config, b"alac")?;
    config.get(5).map(|bits| u32::from(*bits)).filter(|bits| (16..=32).contains(bits))
}

/// Returns the bits of codecs that decode to fewer than 24.
fn decoded_bits(codec: AudioCodecId) -> Option<u32> {
    match codec {
        CODEC_ID_PCM_S8 | CODEC_ID_PCM_S8_PLANAR | CODEC_ID_PCM_U8 | CODEC_ID_PCM_U8_PLANAR => {
            Some(8)
        }
        CODEC_ID_PCM_S16LE
        | CODEC_ID_PCM_S16LE_PLANAR
        | CODEC_ID_PCM_S16BE
        | CODEC_ID_PCM_S16BE_PLANAR
        | CODEC_ID_PCM_U16LE
        | CODEC_ID_PCM_U16LE_PLANAR
        | CODEC_ID_PCM_U16BE
        | CODEC_ID_PCM_U16BE_PLANAR
        | CODEC_ID_PCM_ALAW
        | CODEC_ID_PCM_MULAW
        | CODEC_ID_ADPCM_IMA_QT
        | CODEC_ID_ADPCM_IMA_WAV
        | CODEC_ID_ADPCM_MS => Some(16),
        _ => None,
    }
}
