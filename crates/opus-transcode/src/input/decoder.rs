//! Decodes packets to samples.

use symphonia::core::{
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions, CODEC_ID_NULL_AUDIO, well_known::*,
    },
    errors::Error as SymphoniaError,
    packet::Packet,
};
use wave_demux::decode_samples;

use super::{
    crc,
    delay::is_mpeg,
    format::{channel_mask, codec_name},
    guard::{Fault, guarded},
    pcm::Pcm,
};
use crate::{Error, error::Reason};

/// A decoder and the samples of the last packet.
pub(crate) struct Decoder {
    by: By,
    kind: Kind,
    is_fresh: bool,
    /// Interleaved.
    pub(crate) samples: Vec<f32>,
}

enum By {
    Symphonia(Box<dyn AudioDecoder>),
    Pcm { pcm: Pcm, rate: u32, channels: usize, channel_mask: Option<u32> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The first packet decodes to nothing, but symphonia returns samples.
    Vorbis,
    /// symphonia's parser trims to a length that it guesses.
    Mpeg,
    /// symphonia verifies checksums only outside other containers.
    Flac,
    Other,
}

/// The result of decoding a packet.
pub(crate) struct Decoded {
    /// Frames of the packet, including trimmed ones.
    pub(crate) frames: u64,
    /// Frames that do not play if this was the last packet. symphonia also reports them for other
    /// packets if the granule position of a page in the middle is off.
    pub(crate) padding: u64,
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    pub(crate) channel_mask: Option<u32>,
}

impl Decoder {
    pub(crate) fn new(
        params: &AudioCodecParameters,
        pcm: Option<Pcm>,
        container: &'static str,
    ) -> Result<Self, Error> {
        let kind = match params.codec {
            CODEC_ID_VORBIS => Kind::Vorbis,
            CODEC_ID_FLAC => Kind::Flac,
            codec if is_mpeg(codec) => Kind::Mpeg,
            _ => Kind::Other,
        };
        let by = match pcm.or_else(|| Pcm::of_codec(params.codec)) {
            Some(pcm) => By::pcm(pcm, params),
            None => By::symphonia(params, container)?,
        };
        Ok(Self { by, kind, is_fresh: true, samples: Vec::new() })
    }

    /// Decodes a packet and leaves the part that plays, with padding, in `samples`.
    pub(crate) fn decode(&mut self, packet: &Packet) -> Result<Decoded, Fault> {
        let Self { by, kind, is_fresh, samples } = self;
        if *kind == Kind::Flac && !crc::is_whole_flac_frame(&packet.data) {
            return Err(Fault::Error(SymphoniaError::DecodeError("the checksum is wrong")));
        }
        let (rate, channels, channel_mask) = by.decode(packet, samples)?;
        if *kind == Kind::Vorbis && *is_fresh {
            samples.clear();
        }
        let count = u64::try_from(samples.len() / channels.max(1)).unwrap_or(u64::MAX);
        // Formats that state these count them in frames.
        let mut start = packet.trim_start.get();
        let mut padding = packet.trim_end.get();
        if *kind == Kind::Mpeg {
            (start, padding) = (0, 0);
        }
        let frames = if *is_fresh && *kind == Kind::Vorbis { start } else { count };
        let start = start.min(count);
        let dropped = usize::try_from(start).unwrap_or(usize::MAX).saturating_mul(channels);
        samples.drain(..dropped.min(samples.len()));
        *is_fresh = false;
        let padding = padding.min(count - start);
        Ok(Decoded { frames, padding, rate, channels, channel_mask })
    }
}

impl By {
    fn pcm(pcm: Pcm, params: &AudioCodecParameters) -> Self {
        let stated = params.channels.as_ref();
        let stated = stated.map(|stated| (stated.count(), channel_mask(stated)));
        let own = pcm.layout.map(|(channels, mask)| (channels.into(), mask));
        let (channels, channel_mask) = own.or(stated).unwrap_or_default();
        Self::Pcm { pcm, rate: params.sample_rate.unwrap_or(0), channels, channel_mask }
    }

    fn symphonia(params: &AudioCodecParameters, container: &'static str) -> Result<Self, Error> {
        if params.codec == CODEC_ID_OPUS {
            return Err(Reason::Opus { container }.into());
        }
        // Not all decoders trim, so none should.
        let options = AudioDecoderOptions::default().gapless(false);
        let codecs = symphonia::default::get_codecs();
        let decoder = guarded(|| codecs.make_audio_decoder(params, &options));
        let decoder = decoder.map_err(|fault| match fault {
            Fault::Error(source) => {
                let codec = codec_name(params.codec);
                match reason(params) {
                    Some(reason) => Reason::Unsupported { container, codec, reason },
                    None => Reason::NoDecoder { container, codec, source },
                }
            }
            Fault::Panic(reason) => Reason::Panicked { frame: 0, reason },
        })?;
        Ok(Self::Symphonia(decoder))
    }

    /// Decodes a packet into `samples`; returns rate, channels and their loudspeakers.
    fn decode(
        &mut self,
        packet: &Packet,
        samples: &mut Vec<f32>,
    ) -> Result<(u32, usize, Option<u32>), Fault> {
        match self {
            Self::Symphonia(decoder) => guarded(|| {
                let block = decoder.decode(packet)?;
                block.copy_to_vec_interleaved(samples);
                let spec = block.spec();
                Ok((spec.rate(), spec.channels().count(), channel_mask(spec.channels())))
            }),
            Self::Pcm { pcm, rate, channels, channel_mask } => {
                decode_samples(&packet.data, pcm.encoding, pcm.byte_order, samples);
                samples.truncate(samples.len() - samples.len() % (*channels).max(1));
                Ok((*rate, *channels, *channel_mask))
            }
        }
    }
}

/// Returns why no decoder exists, where we know more than symphonia says.
fn reason(params: &AudioCodecParameters) -> Option<&'static str> {
    match params.codec {
        CODEC_ID_AAC => Some("expected AAC-LC of one or two channels"),
        CODEC_ID_NULL_AUDIO => Some("expected a known codec"),
        _ => None,
    }
}
