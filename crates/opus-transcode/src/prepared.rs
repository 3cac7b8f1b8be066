use opus_encode::{CodingRate, SampleBuffer, SampleSource};

use crate::{AudioFile, Error, Resampled};

/// The audio of a file at the rate and in the channel order in which it is encoded.
pub(crate) struct Prepared {
    audio: Audio,
    rate: u32,
    /// For each channel its index in the file; `None` keeps the order.
    order: Option<&'static [usize]>,
    /// Samples in the order of the file.
    block: Vec<f32>,
}

enum Audio {
    Unchanged(AudioFile),
    Resampled(Box<Resampled<AudioFile>>),
}

impl Prepared {
    /// Resamples the file to `rate`, unless it `is_kept` at a rate of its own. `order` holds for
    /// each channel its index in the file.
    pub(crate) fn new(
        file: AudioFile,
        order: Option<&'static [usize]>,
        rate: CodingRate,
        is_kept: bool,
    ) -> Result<Self, Error> {
        let (rate, channels) = (rate.hz(), file.channels());
        let audio = if is_kept || file.rate() == rate {
            Audio::Unchanged(file)
        } else {
            Audio::Resampled(Box::new(Resampled::new(file, rate)?))
        };
        Ok(Self { audio, rate, order, block: vec![0.0; BLOCK * channels] })
    }

    pub(crate) fn file(&self) -> &AudioFile {
        match &self.audio {
            Audio::Unchanged(file) => file,
            Audio::Resampled(resampled) => resampled.source(),
        }
    }
}

/// Frames to reorder at a time.
const BLOCK: usize = 1024;

impl SampleSource for Prepared {
    type Error = Error;

    fn channels(&self) -> usize {
        self.file().channels()
    }

    fn rate(&self) -> u32 {
        self.rate
    }

    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Error> {
        let channels = self.channels();
        let Some(order) = self.order else { return self.audio.read(buffer) };
        let room = self.block.len().min(buffer.room());
        let block = self.block.get_mut(..room).unwrap_or_default();
        let mut block = SampleBuffer::new(block, channels);
        self.audio.read(&mut block)?;
        for frame in block.samples().chunks_exact(channels) {
            buffer.extend(
                &mut order.iter().map(|&from| frame.get(from).copied().unwrap_or_default()),
            );
        }
        Ok(())
    }
}

impl Audio {
    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Error> {
        match self {
            Self::Unchanged(file) => file.read(buffer),
            Self::Resampled(resampled) => resampled.read(buffer),
        }
    }
}
