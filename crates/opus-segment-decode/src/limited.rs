use std::num::NonZeroUsize;

use magnum_opus::{Channels, Decoder, Error};
use opus_packet::MAX_PACKET_DURATION;

use crate::{Limiter, to_i16};

/// A decoder of libopus for one stream, and the limiter of its 16-bit output. The limiter of libopus
/// itself goes unused: what is decoded before output becomes exact would leave an unknown mark on it.
#[derive(Debug)]
pub struct LimitedDecoder {
    decoder: Decoder,
    channels: NonZeroUsize,
    limiter: Limiter,
    is_held: bool,
    /// Whether the memory of the limiter follows from the packets since it was new.
    is_known: bool,
}

impl LimitedDecoder {
    pub(crate) fn new(decoder: Decoder, channels: Channels) -> Self {
        let channels = NonZeroUsize::MIN.saturating_add(usize::from(channels == Channels::Stereo));
        let limiter = Limiter::new(channels);
        Self { decoder, channels, limiter, is_held: false, is_known: false }
    }

    pub(crate) fn reset(&mut self) -> Result<(), Error> {
        if !self.is_held {
            self.limiter = Limiter::new(self.channels);
            self.is_known = false;
        }
        self.decoder.reset_state()
    }

    /// Holds the limiter or lets it go on, and returns whether its memory is unknown.
    pub(crate) fn hold(&mut self, is_held: bool) -> bool {
        self.is_held = is_held;
        !self.is_known
    }

    /// Decodes to samples that are neither limited nor rounded.
    pub(crate) fn decode(&mut self, packet: &[u8], pcm: &mut [f32]) -> Result<usize, Error> {
        let samples = self.decoder.decode_float(packet, pcm, false)?;
        // As libopus does, except after lost packets.
        if !packet.is_empty() && !self.is_held {
            self.limiter.clear();
        }
        Ok(samples)
    }

    /// Decodes to limited and rounded samples, through `raw`.
    pub(crate) fn decode_limited(
        &mut self,
        packet: &[u8],
        raw: &mut Vec<f32>,
        pcm: &mut [i16],
    ) -> Result<usize, Error> {
        let channels = self.channels.get();
        // Only concealment of a lost packet fills whatever room there is.
        let longest = usize::try_from(MAX_PACKET_DURATION).unwrap_or(usize::MAX) * channels;
        let room = if packet.is_empty() { pcm.len() } else { pcm.len().min(longest) };
        raw.resize(room, 0.0);
        let samples = self.decoder.decode_float(packet, raw, false)?;
        let decoded = raw.get_mut(..samples * channels).unwrap_or_default();
        if !packet.is_empty() && !self.is_held {
            self.is_known |= Limiter::forgets(decoded, self.channels);
            self.limiter.limit(decoded);
        }
        pcm.iter_mut().zip(decoded).for_each(|(rounded, sample)| *rounded = to_i16(*sample));
        Ok(samples)
    }
}
