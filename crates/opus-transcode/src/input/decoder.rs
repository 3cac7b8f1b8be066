//! Packets to samples.

use symphonia::core::{
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions, CODEC_ID_NULL_AUDIO, well_known::*,
    },
    errors::Error as SymphoniaError,
    packet::Packet,
};

use super::{
    crc,
    delay::is_mpeg,
    format::{channel_mask, codec_name},
    guard::{Fault, guarded},
};
use crate::Error;

/// A decoder and the samples of the last packet.
pub(crate) struct Decoder {
    decoder: Box<dyn AudioDecoder>,
    kind: Kind,
    is_fresh: bool,
    /// Interleaved.
    pub(crate) samples: Vec<f32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing comes of its first packet; symphonia gives something all the same.
    Vorbis,
    /// symphonia's parser cuts it by a length that it guesses.
    Mpeg,
    /// symphonia compares its checksums only where it is in no other container.
    Flac,
    Other,
}

/// What a packet became.
pub(crate) struct Decoded {
    /// Of the packet, trimmed ones and all.
    pub(crate) frames: u64,
    /// Do not play if this was the last packet. symphonia says so of others as well, where the
    /// granule position of a page in the middle is off.
    pub(crate) padding: u64,
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    pub(crate) channel_mask: Option<u32>,
}

impl Decoder {
    pub(crate) fn new(
        params: &AudioCodecParameters,
        container: &'static str,
    ) -> Result<Self, Error> {
        let kind = match params.codec {
            CODEC_ID_VORBIS => Kind::Vorbis,
            CODEC_ID_FLAC => Kind::Flac,
            codec if is_mpeg(codec) => Kind::Mpeg,
            _ => Kind::Other,
        };
        // Not all of its decoders trim.
        let options = AudioDecoderOptions::default().gapless(false);
        let codecs = symphonia::default::get_codecs();
        let decoder = guarded(|| codecs.make_audio_decoder(params, &options));
        let decoder = decoder.map_err(|fault| match fault {
            Fault::Error(error) => Error::Unsupported {
                container,
                codec: codec_name(params.codec).into(),
                reason: reason(params, &error),
            },
            Fault::Panic(reason) => Error::Panicked { frame: 0, reason },
        })?;
        Ok(Self { decoder, kind, is_fresh: true, samples: Vec::new() })
    }

    /// Decodes a packet; what of it plays is then in `samples`, with what is padding.
    pub(crate) fn decode(&mut self, packet: &Packet) -> Result<Decoded, Fault> {
        let Self { decoder, kind, is_fresh, samples } = self;
        if *kind == Kind::Flac && !crc::is_whole_flac_frame(&packet.data) {
            return Err(Fault::Error(SymphoniaError::DecodeError("the checksum is wrong")));
        }
        let (rate, channels, mask) = guarded(|| {
            let block = decoder.decode(packet)?;
            block.copy_to_vec_interleaved(samples);
            let spec = block.spec();
            Ok((spec.rate(), spec.channels().count(), channel_mask(spec.channels())))
        })?;
        if *kind == Kind::Vorbis && *is_fresh {
            samples.clear();
        }
        let count = u64::try_from(samples.len() / channels.max(1)).unwrap_or(u64::MAX);
        // Counted in frames by those who state it.
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
        Ok(Decoded { frames, padding, rate, channels, channel_mask: mask })
    }
}

/// Why there is no decoder, in words that say more than symphonia's.
fn reason(params: &AudioCodecParameters, error: &SymphoniaError) -> String {
    match params.codec {
        CODEC_ID_AAC => "only AAC-LC of one or two channels is".into(),
        CODEC_ID_OPUS => "it needs no transcoding".into(),
        CODEC_ID_NULL_AUDIO => "its codec is not known".into(),
        _ => error.to_string(),
    }
}
