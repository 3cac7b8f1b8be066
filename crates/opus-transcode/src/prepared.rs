use opus_encode::{CodingRate, SampleSource};

use crate::{AudioFile, Error, Resampled};

/// The audio of a file at the rate, and with the channels in the order, in which it is encoded.
pub(crate) struct Prepared {
    audio: Audio,
    /// For each channel its place in the file; none: they stay where they are.
    order: Option<&'static [usize]>,
    frame: Vec<f32>,
}

enum Audio {
    AsItIs(AudioFile),
    Resampled(Box<Resampled<AudioFile>>),
}

impl Prepared {
    /// Takes the file to be sampled at `taken_as` Hz. In `order` stands for each channel its place in
    /// the file.
    pub(crate) fn new(
        file: AudioFile,
        order: Option<&'static [usize]>,
        taken_as: u32,
        rate: CodingRate,
    ) -> Result<Self, Error> {
        let count = file.format().channels;
        let audio = match taken_as == rate.hz() {
            true => Audio::AsItIs(file),
            false => Audio::Resampled(Box::new(Resampled::new(file, count, taken_as, rate.hz())?)),
        };
        Ok(Self { audio, order, frame: vec![0.0; count] })
    }

    pub(crate) fn file(&self) -> &AudioFile {
        match &self.audio {
            Audio::AsItIs(file) => file,
            Audio::Resampled(resampled) => resampled.source(),
        }
    }
}

impl SampleSource for Prepared {
    type Error = Error;

    fn read(&mut self, samples: &mut [f32]) -> Result<usize, Error> {
        let frames = match &mut self.audio {
            Audio::AsItIs(file) => file.read(samples),
            Audio::Resampled(resampled) => resampled.read(samples),
        }?;
        if let Some(order) = self.order {
            for frame in samples.chunks_exact_mut(self.frame.len()).take(frames) {
                self.frame.copy_from_slice(frame);
                for (sample, &from) in frame.iter_mut().zip(order) {
                    *sample = self.frame.get(from).copied().unwrap_or_default();
                }
            }
        }
        Ok(frames)
    }
}
