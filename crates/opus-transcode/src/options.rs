use std::num::NonZeroUsize;

use opus_encode::{
    Application, Bitrate, Channels, CodingRate, Complexity, FrameDuration, RateControl,
    SyncInterval,
};

/// How audio becomes Opus.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TranscodeOptions {
    /// None: [`Bitrate::default_for`] as many channels as there are.
    pub bitrate: Option<Bitrate>,
    /// Variable by default.
    pub rate_control: RateControl,
    /// The most by default.
    pub complexity: Complexity,
    /// [`Application::Audio`] by default.
    pub application: Application,
    /// 20 ms by default.
    pub frame_duration: FrameDuration,
    /// Every second by default. None: no packets on purpose from which a decoder is soon exact.
    pub sync_interval: Option<SyncInterval>,
    /// What becomes of audio above 24 kHz.
    pub ultrasound: Ultrasound,
    /// How many threads encode. All there are by default; the packets are the same with any
    /// number.
    pub threads: NonZeroUsize,
}

/// What becomes of audio that is sampled faster than Opus can say, which is 48 kHz.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ultrasound {
    /// It is resampled to 48 kHz. What was above 24 kHz is lost, and a warning says so.
    #[default]
    Downsample,
    /// Its samples are encoded one for one, as if their rate was 48 kHz: slower and lower, by
    /// the same factor, and nothing is lost but what Opus leaves out, which is what lies above 20/48
    /// of the true rate.
    Keep,
    /// It is an error.
    Reject,
}

impl Default for TranscodeOptions {
    fn default() -> Self {
        let encoder = opus_encode::Options::new(Channels::MONO);
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
    pub(crate) fn encoder(&self, channels: Channels, rate: CodingRate) -> opus_encode::Options {
        let mut options = opus_encode::Options::new(channels);
        options.rate = rate;
        options.bitrate = self.bitrate.unwrap_or(options.bitrate);
        options.rate_control = self.rate_control;
        options.complexity = self.complexity;
        options.application = self.application;
        options.frame_duration = self.frame_duration;
        options.sync_interval = self.sync_interval;
        options
    }
}
