use crate::{Options, SampleSource};

/// The samples of a source as whole frames, with as much silence behind that all of them come
/// out of a decoder, which gives them late.
///
/// Silence is as good as a linear prediction of what might follow: the project's
/// `docs/benchmarks.md`.
pub(crate) struct Frames<S> {
    source: S,
    channels: usize,
    /// Of all channels, as all lengths here but that of the source.
    frame: usize,
    /// Silence that is still to be given.
    silence: usize,
    /// Samples per channel that the source has given.
    source_len: u64,
    is_at_end: bool,
}

impl<S: SampleSource> Frames<S> {
    pub(crate) fn new(source: S, options: &Options, lookahead: usize) -> Self {
        let channels = usize::from(options.channels.count());
        Self {
            source,
            channels,
            frame: options.frame_len() * channels,
            silence: lookahead * channels,
            source_len: 0,
            is_at_end: false,
        }
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// Samples per channel that the source has given.
    pub(crate) fn source_len(&self) -> u64 {
        self.source_len
    }

    /// Fills `frames`, which has room for whole frames, from the front; gives how many
    /// samples of all channels, whole frames. Fewer than asked only at the end.
    pub(crate) fn read(&mut self, frames: &mut [f32]) -> Result<usize, S::Error> {
        let filled = self.read_source(frames)?;
        let room = frames.get_mut(filled..).unwrap_or_default();
        let silence = self.silence.min(room.len());
        // The rest of the last frame is silence as well.
        room.fill(0.0);
        self.silence -= silence;
        Ok((filled + silence).next_multiple_of(self.frame).min(frames.len()))
    }

    fn read_source(&mut self, frames: &mut [f32]) -> Result<usize, S::Error> {
        let mut filled = 0;
        while !self.is_at_end && filled < frames.len() {
            let room = frames.get_mut(filled..).unwrap_or_default();
            let samples = self.source.read(room)?.min(room.len() / self.channels);
            // Lossless: no platform has more than 64 bits.
            self.source_len += u64::try_from(samples).unwrap_or_default();
            filled += samples * self.channels;
            self.is_at_end = samples == 0;
        }
        Ok(filled)
    }
}
