//! Packets to samples.

use symphonia::core::{
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions, CODEC_ID_NULL_AUDIO, well_known::*,
    },
    errors::Error as SymphoniaError,
    packet::Packet,
};

use super::{
    delay::is_mpeg,
    format::{channel_mask, codec_name},
    guard::{Fault, guarded},
};
use crate::Error;

/// A decoder and the samples of the last packet.
pub(crate) struct Decoder {
    decoder: Box<dyn AudioDecoder>,
    trims: Trims,
    /// Interleaved.
    pub(crate) samples: Vec<f32>,
}

/// Who cuts what a packet says does not play.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trims {
    Decoder,
    Us,
    /// For MPEG audio symphonia's parser cuts by a length that it guesses.
    Nobody,
}

/// What a packet became.
pub(crate) struct Decoded {
    /// Of the packet, trimmed ones and all.
    pub(crate) frames: u64,
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    pub(crate) channel_mask: Option<u32>,
}

impl Decoder {
    pub(crate) fn new(
        params: &AudioCodecParameters,
        container: &'static str,
    ) -> Result<Self, Error> {
        let trims = match params.codec {
            CODEC_ID_VORBIS => Trims::Decoder,
            codec if is_mpeg(codec) => Trims::Nobody,
            _ => Trims::Us,
        };
        let options = AudioDecoderOptions::default().gapless(trims == Trims::Decoder);
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
        Ok(Self { decoder, trims, samples: Vec::new() })
    }

    /// Decodes a packet; what of it plays is then in `samples`.
    pub(crate) fn decode(&mut self, packet: &Packet) -> Result<Decoded, Fault> {
        let Self { decoder, trims, samples } = self;
        guarded(|| {
            let block = decoder.decode(packet)?;
            block.copy_to_vec_interleaved(samples);
            let channels = block.spec().channels().count();
            let frames = u64::try_from(block.frames()).unwrap_or(u64::MAX);
            // Counted in frames by those who state it.
            let (start, end) = (packet.trim_start.get(), packet.trim_end.get());
            if *trims == Trims::Us {
                let at = |frame: u64| {
                    usize::try_from(frame).unwrap_or(usize::MAX).saturating_mul(channels)
                };
                samples.truncate(at(frames.saturating_sub(end)));
                samples.drain(..at(start).min(samples.len()));
            }
            let trimmed = if *trims == Trims::Decoder { start.saturating_add(end) } else { 0 };
            Ok(Decoded {
                frames: frames.saturating_add(trimmed),
                rate: block.spec().rate(),
                channels,
                channel_mask: channel_mask(block.spec().channels()),
            })
        })
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
