use opus_encode::SampleDepth;
use symphonia::core::{
    audio::Channels,
    codecs::audio::{AudioCodecId, AudioCodecParameters, CODEC_ID_NULL_AUDIO, well_known::*},
    formats::{FormatId, well_known::*},
};

/// The format of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Format {
    /// The container, such as "MP4".
    pub container: &'static str,
    /// The codec, such as "AAC".
    pub codec: &'static str,
    /// Sample rate in Hz.
    pub rate: u32,
    /// Number of channels.
    pub channels: usize,
    /// The loudspeakers of the channels, if the file states them: the bits of WAVE's
    /// `dwChannelMask`. Channels are in the order of the bits, lowest first.
    pub channel_mask: Option<u32>,
    /// Bits of an original sample, for lossless codecs.
    pub bits_per_sample: Option<u32>,
    /// How finely the samples were quantized; [`SampleDepth::MAX`] for lossy codecs.
    pub depth: SampleDepth,
    /// Number of audio tracks.
    pub tracks: usize,
    /// Whether the track begins where the file does. Later links of an Ogg chain and later documents
    /// of a Matroska file do not.
    pub begins_with_file: bool,
}

/// Returns the mask, if WAVE has a bit for every channel.
pub(crate) fn channel_mask(channels: &Channels) -> Option<u32> {
    const WAVE_POSITIONS: u32 = 0x3_ffff;
    let Channels::Positioned(positions) = channels else { return None };
    u32::try_from(positions.bits()).ok().filter(|mask| mask & !WAVE_POSITIONS == 0)
}

/// Returns the bits per sample; `None` for lossy codecs.
pub(crate) fn bits_per_sample(params: &AudioCodecParameters) -> Option<u32> {
    let is_lossless = !matches!(
        params.codec,
        CODEC_ID_AAC | CODEC_ID_MP1 | CODEC_ID_MP2 | CODEC_ID_MP3 | CODEC_ID_VORBIS
    );
    params.bits_per_coded_sample.or(params.bits_per_sample).filter(|_| is_lossless)
}

pub(crate) fn container_name(id: FormatId) -> &'static str {
    match id {
        FORMAT_ID_WAVE => "WAV",
        FORMAT_ID_AIFF => "AIFF",
        FORMAT_ID_CAF => "CAF",
        FORMAT_ID_MP1 | FORMAT_ID_MP2 | FORMAT_ID_MP3 => "MPEG audio",
        FORMAT_ID_ADTS => "ADTS",
        FORMAT_ID_OGG => "Ogg",
        FORMAT_ID_FLAC => "FLAC",
        FORMAT_ID_ISOMP4 => "MP4",
        FORMAT_ID_MKV => "Matroska",
        _ => "unknown",
    }
}

pub(crate) fn codec_name(id: AudioCodecId) -> &'static str {
    match id {
        CODEC_ID_AAC => "AAC",
        CODEC_ID_AC3 => "AC-3",
        CODEC_ID_AC4 => "AC-4",
        CODEC_ID_ADPCM_IMA_QT => "ADPCM (IMA, QuickTime)",
        CODEC_ID_ADPCM_IMA_WAV => "ADPCM (IMA)",
        CODEC_ID_ADPCM_MS => "ADPCM (Microsoft)",
        CODEC_ID_ALAC => "ALAC",
        CODEC_ID_DCA => "DTS",
        CODEC_ID_EAC3 => "E-AC-3",
        CODEC_ID_FLAC => "FLAC",
        CODEC_ID_MP1 => "MP1",
        CODEC_ID_MP2 => "MP2",
        CODEC_ID_MP3 => "MP3",
        CODEC_ID_NULL_AUDIO => "an unknown codec",
        CODEC_ID_OPUS => "Opus",
        CODEC_ID_PCM_ALAW => "PCM (A-law)",
        CODEC_ID_PCM_MULAW => "PCM (mu-law)",
        CODEC_ID_SPEEX => "Speex",
        CODEC_ID_TRUEHD => "TrueHD",
        CODEC_ID_TTA => "TTA",
        CODEC_ID_VORBIS => "Vorbis",
        CODEC_ID_WAVPACK => "WavPack",
        CODEC_ID_WMA => "WMA",
        _ if is_pcm(id) => "PCM",
        _ => "another codec",
    }
}

fn is_pcm(id: AudioCodecId) -> bool {
    symphonia::default::get_codecs()
        .get_audio_decoder(id)
        .is_some_and(|decoder| decoder.codec.info.short_name.starts_with("pcm"))
}
