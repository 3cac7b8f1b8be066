use std::ops::Range;

use opus_packet::{CodedPos, MAX_PACKET_DURATION};

use crate::{Error, PacketDecoder};

/// Decodes packets one after the other and keeps the samples of one range.
#[derive(Debug)]
pub(crate) struct Window<S> {
    target: Range<CodedPos>,
    kept: Vec<S>,
    pcm: Vec<S>,
}

impl<S: Copy + Default> Window<S> {
    /// `target` are the coded samples to keep, behind those that are `kept` already.
    pub(crate) fn new(target: Range<CodedPos>, kept: Vec<S>) -> Self {
        Self { target, kept, pcm: Vec::new() }
    }

    /// Decodes the packet with this number, whose first sample is at `position`.
    pub(crate) fn decode(
        &mut self,
        decoder: &mut impl PacketDecoder<S>,
        (packet, data, duration): (u64, &[u8], u32),
        position: CodedPos,
    ) -> Result<(), Error> {
        let channels = decoder.layout().channels;
        self.pcm.resize(samples(MAX_PACKET_DURATION) * channels, S::default());
        let decoded = decoder
            .decode(data, &mut self.pcm)
            .map_err(|error| Error::Decode { packet, source: error.into() })?;
        if decoded != samples(duration) {
            return Err(Error::DecodedLength { packet, decoded, expected: duration });
        }
        // Positions relative to the packet: at most its duration, so they fit.
        let within = |wanted: CodedPos| {
            let samples = wanted.get().saturating_sub(position.get());
            usize::try_from(samples).map_or(decoded, |samples| samples.min(decoded))
        };
        let wanted = within(self.target.start) * channels..within(self.target.end) * channels;
        self.kept.extend_from_slice(self.pcm.get(wanted).unwrap_or_default());
        Ok(())
    }

    /// The samples of the range, interleaved.
    pub(crate) fn into_samples(self) -> Vec<S> {
        self.kept
    }
}

fn samples(duration: u32) -> usize {
    usize::try_from(duration).unwrap_or(usize::MAX)
}
