use crate::{Error, Options, SampleBuffer, SampleSource, error::Reason};

/// The samples of a source as whole Opus frames, followed by enough silence to flush the delay of
/// the codec.
///
/// Silence works as well as a linear prediction of what might follow; see the project's
/// `docs/benchmarks.md`.
pub(crate) struct Frames<S> {
    source: S,
    channels: usize,
    /// Samples of a frame. All lengths here except `source_len` count all channels together.
    frame: usize,
    /// Silence that was not returned yet.
    silence: usize,
    /// Samples per channel that came from the source.
    source_len: u64,
    is_at_end: bool,
}

impl<S: SampleSource> Frames<S> {
    /// Checks that the source has the format that the options state.
    pub(crate) fn new(source: S, options: &Options, lookahead: usize) -> Result<Self, Error> {
        let channels = usize::from(options.channels.count());
        if source.channels() != channels {
            let found = source.channels();
            return Err(Reason::SourceChannels { found, expected: channels }.into());
        }
        if source.rate() != options.rate.hz() {
            let (found, expected) = (source.rate(), options.rate.hz());
            return Err(Reason::SourceRate { found, expected }.into());
        }
        Ok(Self {
            source,
            channels,
            frame: options.frame_len() * channels,
            silence: lookahead * channels,
            source_len: 0,
            is_at_end: false,
        })
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// Returns the samples per channel that came from the source.
    pub(crate) fn source_len(&self) -> u64 {
        self.source_len
    }

    /// Fills `frames`, which has room for whole frames, from the front and returns the length of
    /// the part that it filled, which is shorter only at the end.
    pub(crate) fn read(&mut self, frames: &mut [f32]) -> Result<usize, Error> {
        let filled = self.read_source(frames)?;
        let room = frames.get_mut(filled..).unwrap_or_default();
        let silence = self.silence.min(room.len());
        // Also pads the last frame.
        room.fill(0.0);
        self.silence -= silence;
        Ok((filled + silence).next_multiple_of(self.frame).min(frames.len()))
    }

    fn read_source(&mut self, frames: &mut [f32]) -> Result<usize, Error> {
        if self.is_at_end {
            return Ok(0);
        }
        let mut buffer = SampleBuffer::new(frames, self.channels);
        buffer.fill_from(&mut self.source)?;
        let filled = buffer.samples().len();
        // Lossless: no platform has more than 64 bits.
        self.source_len += u64::try_from(filled / self.channels).unwrap_or_default();
        self.is_at_end = buffer.room() > 0;
        Ok(filled)
    }
}
