use std::{convert::Infallible, error::Error as StdError};

use crate::{Error, error::Reason};

/// Audio to encode: interleaved `f32` samples with a full scale of -1 to 1.
///
/// # Contract
///
/// - [`channels`](Self::channels) and [`rate`](Self::rate) never change, and match the samples.
/// - [`read`](Self::read) appends the next samples of all channels to the buffer. It may append
///   less than fits, but nothing only at the end of the audio. After that it never appends
///   anything again.
/// - The audio ends with a whole frame, which is one sample of each channel.
/// - Samples do not depend on the size of the buffers.
/// - After an error, callers stop reading.
///
/// Implementations never count samples: the buffer does. A source that ends within a frame, or
/// whose format differs from the options, is an error. [`check_source`] checks the
/// contract in tests.
///
/// ```
/// use std::{convert::Infallible, ops::Range};
///
/// use opus_encode::{SampleBuffer, SampleSource, check_source};
///
/// /// A stereo signal that counts its samples.
/// struct Ramp(Range<u16>);
///
/// impl SampleSource for Ramp {
///     type Error = Infallible;
///
///     fn channels(&self) -> usize {
///         2
///     }
///
///     fn rate(&self) -> u32 {
///         48_000
///     }
///
///     fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Infallible> {
///         buffer.extend(&mut self.0.by_ref().map(|number| f32::from(number) / 65_536.0));
///         Ok(())
///     }
/// }
///
/// assert!(check_source(|| Ramp(0..1000)).is_ok());
/// let error = check_source(|| Ramp(0..1001)).unwrap_err();
/// assert_eq!(error.to_string(), "expected whole frames of 2 samples, found 1 sample after the last");
/// ```
pub trait SampleSource {
    /// The error of a failed read.
    type Error: StdError + Send + Sync + 'static;

    /// Returns the number of channels, at least 1.
    fn channels(&self) -> usize;

    /// Returns the sample rate in Hz.
    fn rate(&self) -> u32;

    /// Appends the next samples to `buffer`, and nothing at the end of the audio.
    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Self::Error>;
}

impl<S: SampleSource + ?Sized> SampleSource for &mut S {
    type Error = S::Error;

    fn channels(&self) -> usize {
        (**self).channels()
    }

    fn rate(&self) -> u32 {
        (**self).rate()
    }

    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Self::Error> {
        (**self).read(buffer)
    }
}

impl<S: SampleSource + ?Sized> SampleSource for Box<S> {
    type Error = S::Error;

    fn channels(&self) -> usize {
        (**self).channels()
    }

    fn rate(&self) -> u32 {
        (**self).rate()
    }

    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Self::Error> {
        (**self).read(buffer)
    }
}

/// Samples in memory.
///
/// ```
/// use opus_encode::{SampleSource, SliceSource, check_source};
///
/// let stereo = [0.1, -0.1, 0.2, -0.2];
/// assert!(check_source(|| SliceSource::new(&stereo, 2, 48_000)).is_ok());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SliceSource<'a> {
    rest: &'a [f32],
    channels: usize,
    rate: u32,
}

impl<'a> SliceSource<'a> {
    /// Wraps interleaved samples of this many channels at this rate in Hz.
    pub fn new(samples: &'a [f32], channels: usize, rate: u32) -> Self {
        Self { rest: samples, channels, rate }
    }
}

impl SampleSource for SliceSource<'_> {
    type Error = Infallible;

    fn channels(&self) -> usize {
        self.channels
    }

    fn rate(&self) -> u32 {
        self.rate
    }

    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Infallible> {
        self.rest = buffer.write(self.rest);
        Ok(())
    }
}

/// Room for interleaved samples that a [`SampleSource`] fills from the front.
///
/// All lengths count samples of all channels together.
///
/// ```
/// use opus_encode::SampleBuffer;
///
/// let mut memory = [0.0; 4];
/// let mut buffer = SampleBuffer::new(&mut memory, 2);
/// let rest = buffer.write(&[0.1, -0.1]);
/// assert!(rest.is_empty());
/// buffer.extend(&mut std::iter::repeat(0.5));
/// assert_eq!(buffer.room(), 0);
/// assert_eq!(buffer.samples(), [0.1, -0.1, 0.5, 0.5]);
/// ```
#[derive(Debug)]
pub struct SampleBuffer<'a> {
    /// Whole frames.
    memory: &'a mut [f32],
    channels: usize,
    len: usize,
}

impl<'a> SampleBuffer<'a> {
    /// Wraps `memory`. Uses only the whole frames that fit.
    pub fn new(memory: &'a mut [f32], channels: usize) -> Self {
        let frames = memory.len().checked_div(channels).unwrap_or_default();
        let memory = memory.get_mut(..frames * channels).unwrap_or_default();
        Self { memory, channels, len: 0 }
    }

    /// Returns the number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Returns how many samples still fit.
    pub fn room(&self) -> usize {
        self.memory.len() - self.len
    }

    /// Returns the samples appended so far.
    pub fn samples(&self) -> &[f32] {
        self.memory.get(..self.len).unwrap_or_default()
    }

    /// Appends as many samples as fit and returns the others.
    #[must_use = "the samples that did not fit would be lost"]
    pub fn write<'s>(&mut self, samples: &'s [f32]) -> &'s [f32] {
        let (now, later) = samples.split_at(samples.len().min(self.room()));
        if let Some(room) = self.memory.get_mut(self.len..self.len + now.len()) {
            room.copy_from_slice(now);
            self.len += now.len();
        }
        later
    }

    /// Appends as many samples as fit. Leaves the others in the iterator.
    pub fn extend(&mut self, samples: &mut impl Iterator<Item = f32>) {
        for (room, sample) in self.memory.iter_mut().skip(self.len).zip(samples) {
            *room = sample;
            self.len += 1;
        }
    }

    /// Reads `source` until the buffer is full or the source ends.
    ///
    /// # Errors
    ///
    /// [`Source`](crate::ErrorKind::Source) if the source fails, and
    /// [`InvalidSource`](crate::ErrorKind::InvalidSource) if it has another number of channels or
    /// ends within a frame.
    pub fn fill_from<S: SampleSource + ?Sized>(&mut self, source: &mut S) -> Result<(), Error> {
        let (found, expected) = (source.channels(), self.channels);
        if found != expected {
            return Err(Reason::SourceChannels { found, expected }.into());
        }
        while self.room() > 0 {
            let before = self.len;
            source.read(self).map_err(|error| Reason::Source(Box::new(error)))?;
            if self.len == before {
                break;
            }
        }
        match self.len.checked_rem(expected).unwrap_or_default() {
            0 => Ok(()),
            found => Err(Reason::PartialFrame { found, expected }.into()),
        }
    }
}

/// Checks that a source keeps the contract of [`SampleSource`]. Meant for tests: reads the audio of
/// several sources from `new`, which must all hold the same, into memory.
///
/// # Errors
///
/// Those of [`SampleBuffer::fill_from`], and
/// [`InvalidSource`](crate::ErrorKind::InvalidSource) for anything else that breaks the contract.
pub fn check_source<S: SampleSource>(mut new: impl FnMut() -> S) -> Result<(), Error> {
    let expected = read_in_pieces(&mut new(), 4096)?;
    for frames in [1, 7, 1000] {
        let found = read_in_pieces(&mut new(), frames)?;
        let is_same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
        if found.len() != expected.len() || !found.iter().zip(&expected).all(is_same) {
            return Err(Reason::BrokenSource { rule: "samples independent of the buffer" }.into());
        }
    }
    Ok(())
}

/// Returns all samples, read in pieces of `frames`.
fn read_in_pieces<S: SampleSource>(source: &mut S, frames: usize) -> Result<Vec<f32>, Error> {
    let format = (source.channels(), source.rate());
    if format.0 == 0 || format.1 == 0 {
        return Err(Reason::BrokenSource { rule: "at least 1 channel and 1 Hz" }.into());
    }
    let (mut all, mut memory) = (Vec::new(), vec![0.0; frames * format.0]);
    for is_at_end in [false, true] {
        loop {
            let mut buffer = SampleBuffer::new(&mut memory, format.0);
            buffer.fill_from(source)?;
            let samples = buffer.samples();
            if is_at_end && !samples.is_empty() {
                return Err(Reason::BrokenSource { rule: "no samples after the end" }.into());
            }
            all.extend_from_slice(samples);
            if buffer.room() > 0 {
                break;
            }
        }
    }
    if (source.channels(), source.rate()) != format {
        return Err(Reason::BrokenSource { rule: "a constant format" }.into());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_buffer_takes_what_fits_and_returns_the_rest() {
        let mut memory = [9.0; 5];
        let mut buffer = SampleBuffer::new(&mut memory, 2);
        assert_eq!(buffer.room(), 4, "whole frames");
        assert_eq!(buffer.write(&[1.0, 2.0, 3.0]), []);
        let mut more = [4.0, 5.0].into_iter();
        buffer.extend(&mut more);
        assert_eq!((buffer.room(), buffer.samples()), (0, &[1.0, 2.0, 3.0, 4.0][..]));
        assert_eq!(more.next(), Some(5.0), "not taken");
        assert_eq!(buffer.write(&[6.0]), [6.0]);
        let mut none = SampleBuffer::new(&mut memory, 0);
        assert_eq!((none.room(), none.write(&[1.0])), (0, &[1.0][..]));
    }

    /// Breaks the contract in the way that is named.
    struct Broken {
        how: &'static str,
        reads: usize,
    }

    impl SampleSource for Broken {
        type Error = Infallible;

        fn channels(&self) -> usize {
            match self.how {
                "none" => 0,
                "changes" if self.reads > 1 => 1,
                _ => 2,
            }
        }

        fn rate(&self) -> u32 {
            48_000
        }

        fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Infallible> {
            self.reads += 1;
            let samples: &[f32] = match (self.how, self.reads) {
                ("resumes", 3) | (_, 1) => &[0.1, 0.2],
                ("partial", 2) => &[0.3],
                ("size", 2..=4) if buffer.room() > 1000 => &[0.3, 0.4],
                _ => &[],
            };
            let _ = buffer.write(samples);
            Ok(())
        }
    }

    #[test]
    fn every_breach_of_the_contract_is_an_error() {
        let check = |how| check_source(|| Broken { how, reads: 0 });
        assert!(check("").is_ok());
        for (how, expected) in [
            ("none", "at least 1 channel and 1 Hz"),
            ("partial", "found 1 sample after the last"),
            ("resumes", "no samples after the end"),
            ("size", "samples independent of the buffer"),
            ("changes", "expected 2 channels, found a source with 1"),
        ] {
            let error = check(how).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSource);
            assert!(error.to_string().contains(expected), "{how}: {error}");
        }
    }
}
