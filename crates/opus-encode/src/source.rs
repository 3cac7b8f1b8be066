use std::error::Error;

/// Audio to be encoded: interleaved `f32`, full scale is -1 to 1.
pub trait SampleSource {
    /// Why no samples could be given.
    type Error: Error + Send + Sync + 'static;

    /// Fills `samples` (whole frames of all channels) from the front as far as there is audio;
    /// gives how many samples per channel. Fewer than asked only at the end; 0 is the end,
    /// then for ever 0.
    fn read(&mut self, samples: &mut [f32]) -> Result<usize, Self::Error>;
}

impl<S: SampleSource + ?Sized> SampleSource for &mut S {
    type Error = S::Error;

    fn read(&mut self, samples: &mut [f32]) -> Result<usize, Self::Error> {
        (**self).read(samples)
    }
}

impl<S: SampleSource + ?Sized> SampleSource for Box<S> {
    type Error = S::Error;

    fn read(&mut self, samples: &mut [f32]) -> Result<usize, Self::Error> {
        (**self).read(samples)
    }
}
