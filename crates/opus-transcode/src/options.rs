use std::num::NonZeroUsize;

use opus_encode::{
    Application, Bitrate, Channels, CodingRate, Complexity, FrameDuration, Options, RateControl,
    SyncInterval,
};
use opus_packet::SAMPLE_RATE;

use crate::{AudioFormat, Error, error::Reason, transcoder};

/// How to transcode audio to Opus.
///
/// ```
/// use opus_transcode::{Bitrate, ErrorKind, TranscodeOptions, Ultrasound};
///
/// let options = TranscodeOptions::default()
///     .bitrate(Bitrate::bits_per_second(64_000))
///     .ultrasound(Ultrasound::Reject);
/// assert_eq!(options.check_rate(250_000).unwrap_err().kind(), ErrorKind::Ultrasound);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TranscodeOptions {
    /// Bit rate. `None` means [`Bitrate::default_for`] the channels of the file.
    pub bitrate: Option<Bitrate>,
    /// How to keep the bit rate, variable by default.
    pub rate_control: RateControl,
    /// Encoder effort, the most by default.
    pub complexity: Complexity,
    /// Kind of audio, [`Application::Audio`] by default.
    pub application: Application,
    /// Duration of a packet, 20 ms by default.
    pub frame_duration: FrameDuration,
    /// Distance of sync points, 0.4 seconds by default; `None` disables them.
    pub sync_interval: Option<SyncInterval>,
    /// How to handle sample rates above 48 kHz.
    pub ultrasound: Ultrasound,
    /// Number of encoding threads, by default all available. Does not affect the packets.
    pub threads: NonZeroUsize,
}

/// How to handle audio sampled faster than 48 kHz, the highest rate of Opus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ultrasound {
    /// Resample to 48 kHz. Everything above 24 kHz is lost, and a warning says so.
    #[default]
    Downsample,
    /// Encode the samples one for one, as if their rate was 48 kHz. The audio plays slower and
    /// lower by the same factor. It loses only what Opus drops: everything above 20/48 of the true
    /// rate.
    Keep,
    /// Return an error.
    Reject,
}

impl Default for TranscodeOptions {
    fn default() -> Self {
        let encoder = Options::new(Channels::MONO);
        Self {
            bitrate: None,
            rate_control: encoder.rate_control,
            complexity: encoder.complexity,
            application: encoder.application,
            frame_duration: encoder.frame_duration,
            sync_interval: encoder.sync_interval,
            ultrasound: Ultrasound::default(),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

impl TranscodeOptions {
    /// Sets the bit rate; `None` means [`Bitrate::default_for`] the channels of the file.
    pub fn bitrate(mut self, bitrate: impl Into<Option<Bitrate>>) -> Self {
        self.bitrate = bitrate.into();
        self
    }

    /// Sets how to keep the bit rate.
    pub fn rate_control(mut self, rate_control: RateControl) -> Self {
        self.rate_control = rate_control;
        self
    }

    /// Sets the encoder effort.
    pub fn complexity(mut self, complexity: Complexity) -> Self {
        self.complexity = complexity;
        self
    }

    /// Sets the kind of audio.
    pub fn application(mut self, application: Application) -> Self {
        self.application = application;
        self
    }

    /// Sets the duration of a packet.
    pub fn frame_duration(mut self, frame_duration: FrameDuration) -> Self {
        self.frame_duration = frame_duration;
        self
    }

    /// Sets the distance of sync points; `None` disables them.
    pub fn sync_interval(mut self, interval: impl Into<Option<SyncInterval>>) -> Self {
        self.sync_interval = interval.into();
        self
    }

    /// Sets how to handle sample rates above 48 kHz.
    pub fn ultrasound(mut self, ultrasound: Ultrasound) -> Self {
        self.ultrasound = ultrasound;
        self
    }

    /// Sets the number of encoding threads.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Returns an error if these options reject audio sampled at `rate` Hz.
    pub fn check_rate(&self, rate: u32) -> Result<(), Error> {
        if rate > SAMPLE_RATE && self.ultrasound == Ultrasound::Reject {
            return Err(Reason::Ultrasound { rate }.into());
        }
        Ok(())
    }

    /// Returns what a recording of a file of this format would lose, one line each.
    pub fn warnings(&self, format: &AudioFormat) -> Vec<String> {
        transcoder::warnings(format, self.ultrasound)
    }

    pub(crate) fn encoder(&self, channels: Channels, rate: CodingRate) -> Options {
        Options::new(channels)
            .rate(rate)
            .bitrate(self.bitrate.unwrap_or(Bitrate::default_for(channels)))
            .rate_control(self.rate_control)
            .complexity(self.complexity)
            .application(self.application)
            .frame_duration(self.frame_duration)
            .sync_interval(self.sync_interval)
    }
}
