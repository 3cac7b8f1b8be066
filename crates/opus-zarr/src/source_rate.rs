//! Samples at the rate of the source.

use std::{cell::RefCell, ops::Range, rc::Rc};

use opus_encode::{SampleBuffer, SampleSource};
use opus_packet::SAMPLE_RATE;
use opus_segment_decode::OutputRate;
use opus_transcode::{Resampled, resampled_len};
use opus_zarr_store::RecordingInfo;

use crate::{Error, Exactness, NotExact, ReadMode, Recording, SampleStream, error::Reason};

impl Recording {
    /// Returns the rate of the source in Hz, at which it played: that of the file which was encoded, or
    /// what an Opus stream says about its input. It is 48,000 if that is unknown, and for ultrasound of
    /// which every sample was kept.
    pub fn source_rate(&self) -> u32 {
        source_rate(self.info())
    }

    /// Streams a range of play samples, resampled from 48 kHz to the [rate of the
    /// source](Self::source_rate). All of an encoded recording has as many samples as its source.
    ///
    /// Sample `k` of the whole is the audio at `k / rate`, and a range has those whose times it
    /// contains, so adjacent ranges give adjacent samples. They are those of the whole up to rounding.
    ///
    /// ```no_run
    /// use opus_zarr::{Recording, Store};
    ///
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// let recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
    /// let all = 0..recording.info().play_length;
    /// let mut stream = recording.stream_at_source_rate(recording.read_mode(), all)?;
    /// let mut samples = vec![0.0; 65_536];
    /// let count = stream.read(&mut samples)?;
    /// println!("{count} samples at {} Hz", recording.source_rate());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`set_output`](Self::set_output) chose another rate than 48 kHz, the rate of the source is 0 or
    /// beyond 1 MHz, or what [`stream_as`](Self::stream_as) refuses.
    pub fn stream_at_source_rate(
        &self,
        mode: ReadMode,
        range: Range<u64>,
    ) -> Result<ResampledStream<'_>, Error> {
        let rate = self.source_rate();
        let refused =
            || Error::from(Reason::SourceRate { recording: self.reader().name().clone(), rate });
        if self.output().rate != OutputRate::Hz48000 {
            return Err(refused());
        }
        let wanted = samples_at(self.info(), &range);
        // The filter needs what surrounds the range; from a sample that exists at both rates.
        let unit = u64::from(SAMPLE_RATE / gcd(SAMPLE_RATE, rate));
        let begin = range.start.saturating_sub(MARGIN) / unit * unit;
        let end = range.end.saturating_add(MARGIN).min(self.info().play_length).max(range.end);
        let first = resampled_len(begin, SAMPLE_RATE.into(), rate.into());
        let channels = self.output().channels.count(self.info().channels).max(1);
        let failed = Rc::default();
        let decoded = Decoded {
            stream: self.stream_as(mode, begin..end)?,
            channels,
            piece: Vec::new(),
            failed: Rc::clone(&failed),
        };
        let resampled = Resampled::new(decoded, rate).map_err(|_| refused())?;
        let mut stream = ResampledStream { resampled, channels, failed, left: 0 };
        stream.skip(wanted.start.saturating_sub(first))?;
        stream.left = wanted.end - wanted.start;
        Ok(stream)
    }

    /// Returns how many samples per channel a range has at the [rate of the source](Self::source_rate).
    pub fn count_at_source_rate(&self, range: Range<u64>) -> u64 {
        let samples = samples_at(self.info(), &range);
        samples.end - samples.start
    }
}

/// Samples of a range at the rate of the source, interleaved by channel, decoded as they are taken.
/// [`Recording::stream_at_source_rate`] creates one.
pub struct ResampledStream<'a> {
    resampled: Resampled<Decoded<'a>>,
    channels: usize,
    /// Why decoding failed.
    failed: Rc<RefCell<Option<Error>>>,
    /// Samples per channel still to come.
    left: u64,
}

impl ResampledStream<'_> {
    /// Fills `out` with the next samples and returns their number, over all channels. It is smaller than
    /// the room in `out` only at the end of the range, and a multiple of the number of channels.
    pub fn read(&mut self, out: &mut [f32]) -> Result<usize, Error> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let room = (out.len() / self.channels).min(left) * self.channels;
        let out = out.get_mut(..room).unwrap_or_default();
        let found = self.fill(out)?;
        // A source rate that is not true may promise a sample more than there are.
        out.get_mut(found..).unwrap_or_default().fill(0.0);
        self.left -= u64::try_from(room / self.channels).unwrap_or(self.left);
        Ok(room)
    }

    /// What makes all samples decoded so far exact, before they were resampled, or why they may not be.
    pub fn exactness(&self) -> Result<Exactness, NotExact> {
        self.resampled.source().stream.exactness()
    }

    fn skip(&mut self, mut frames: u64) -> Result<(), Error> {
        let mut dropped = vec![0.0; PIECE * self.channels];
        while frames > 0 {
            let now = usize::try_from(frames).unwrap_or(usize::MAX).min(PIECE);
            let found = self.fill(dropped.get_mut(..now * self.channels).unwrap_or_default())?;
            if found == 0 {
                break;
            }
            frames -= u64::try_from(found / self.channels).unwrap_or(frames);
        }
        Ok(())
    }

    /// Returns how many samples were found.
    fn fill(&mut self, out: &mut [f32]) -> Result<usize, Error> {
        let mut buffer = SampleBuffer::new(out, self.channels);
        let filled = buffer.fill_from(&mut self.resampled);
        let found = buffer.samples().len();
        match (self.failed.borrow_mut().take(), filled) {
            (Some(error), _) => Err(error),
            // Nothing else can fail: the number of channels is the same.
            (None, _) => Ok(found),
        }
    }
}

/// The samples to resample.
struct Decoded<'a> {
    stream: SampleStream<'a, f32>,
    channels: usize,
    piece: Vec<f32>,
    failed: Rc<RefCell<Option<Error>>>,
}

/// Decoding failed; why is kept elsewhere.
#[derive(Debug, thiserror::Error)]
#[error("the recording cannot be decoded")]
struct Failed;

impl SampleSource for Decoded<'_> {
    type Error = Failed;

    fn channels(&self) -> usize {
        self.channels
    }

    fn rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Failed> {
        self.piece.resize(buffer.room().min(PIECE * self.channels), 0.0);
        let count = self.stream.read(&mut self.piece).map_err(|error| {
            *self.failed.borrow_mut() = Some(error);
            Failed
        })?;
        // No more was read than fits.
        let _ = buffer.write(self.piece.get(..count).unwrap_or_default());
        Ok(())
    }
}

fn source_rate(info: &RecordingInfo) -> u32 {
    match &info.source.transcoding {
        Some(made) if made.is_kept => SAMPLE_RATE,
        Some(made) => made.rate,
        // An Opus stream need not say.
        None if info.input_sample_rate == 0 => SAMPLE_RATE,
        None => info.input_sample_rate,
    }
}

/// Returns which samples at the rate of the source a range of play samples has.
fn samples_at(info: &RecordingInfo, range: &Range<u64>) -> Range<u64> {
    let rate = source_rate(info);
    let at = |sample| resampled_len(sample, SAMPLE_RATE.into(), rate.into());
    // The end of the last play sample may be later than that of the last one of the source.
    let made = info.source.transcoding.as_ref().filter(|made| !made.is_kept);
    let most = made.map_or(u64::MAX, |made| made.samples);
    let start = at(range.start).min(most);
    start..at(range.end).min(most).max(start)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// How much is decoded around a range, in play samples: more than the longest filter.
const MARGIN: u64 = 144_000;

/// Samples per channel that are read at a time.
const PIECE: usize = 8192;
