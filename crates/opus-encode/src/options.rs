use std::time::Duration;

use opus_packet::SAMPLE_RATE;

use crate::{Channels, InvalidOption};

/// How to encode. [`new`](Self::new) returns defaults for audio of any kind.
///
/// ```
/// use std::time::Duration;
///
/// use opus_encode::{Bitrate, Channels, Complexity, Encoder, Options, SyncInterval};
///
/// let options = Options::new(Channels::MONO)
///     .bitrate(Bitrate::bits_per_second(64_000))
///     .complexity(Complexity::new(5)?)
///     .sync_interval(SyncInterval(Duration::from_secs(10)));
/// assert!(Encoder::new(&options).is_ok());
/// # Ok::<(), opus_encode::InvalidOption>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Number of channels.
    pub channels: Channels,
    /// Sample rate of the input, 48 kHz by default.
    pub rate: CodingRate,
    /// Bit rate, [`Bitrate::default_for`] the channels by default.
    pub bitrate: Bitrate,
    /// How to keep the bit rate, variable by default.
    pub rate_control: RateControl,
    /// Encoder effort, [`Complexity::MAX`] by default.
    pub complexity: Complexity,
    /// Kind of audio, [`Application::Audio`] by default.
    pub application: Application,
    /// Duration of a packet, 20 ms by default.
    pub frame_duration: FrameDuration,
    /// Distance of sync points, 0.4 seconds by default; `None` disables them.
    pub sync_interval: Option<SyncInterval>,
    /// Depth of the source, [`SampleDepth::MAX`] by default.
    pub depth: SampleDepth,
}

/// Bits per second of all channels together.
///
/// Encoders accept at least 6 kb/s per Opus stream and 40 bits per frame and channel, which libopus
/// needs to code the energy of the bands; with less it would exceed the rate or code nothing. They
/// accept at most 300 kb/s per channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bitrate(u32);

/// How to keep the bit rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RateControl {
    /// Variable: packets take what the audio needs, and the average meets the bit rate.
    #[default]
    Vbr,
    /// Variable, within what a buffer of one second evens out.
    ConstrainedVbr,
    /// Constant: all packets have the same length.
    Cbr,
}

/// Encoder effort from 0 to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Complexity(u8);

/// The purpose of the audio, which determines which of the two codecs in Opus is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Application {
    /// Faithful reproduction. libopus chooses the mode of each packet: CELT from about 54 kb/s,
    /// below that depending on whether it hears speech.
    #[default]
    Audio,
    /// Intelligible speech at low rates. libopus chooses the mode of each packet, mostly SILK and
    /// hybrid below 72 kb/s.
    Voip,
    /// Always CELT, with 4 ms less pre-skip.
    LowDelay,
}

/// Duration of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub enum FrameDuration {
    Ms2_5,
    Ms5,
    Ms10,
    #[default]
    Ms20,
    Ms40,
    Ms60,
    Ms80,
    Ms100,
    Ms120,
}

/// A sample rate that libopus accepts. Packet durations count at 48 kHz regardless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub enum CodingRate {
    Hz8000,
    Hz12000,
    Hz16000,
    Hz24000,
    #[default]
    Hz48000,
}

/// The distance of sync points, from which a decoder is soon exact: see
/// [`SyncPoint`](crate::SyncPoint).
///
/// Rounded down to whole packets, but at least one. The default is 0.4 seconds, with which an exact
/// read of any second decodes at most a quarter more packets in the median.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncInterval(pub Duration);

/// How finely the source was quantized, in bits of a sample: 8 to 24.
///
/// libopus spends no bits on what lies below this depth. In near silence, most bits of a 16-bit
/// recording would otherwise describe its quantization. It is a property of the recording, which
/// mixing and resampling to another format do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleDepth(u8);

impl Options {
    /// Returns the defaults for this number of channels.
    pub fn new(channels: Channels) -> Self {
        Self {
            channels,
            rate: CodingRate::Hz48000,
            bitrate: Bitrate::default_for(channels),
            rate_control: RateControl::Vbr,
            complexity: Complexity::MAX,
            application: Application::Audio,
            frame_duration: FrameDuration::Ms20,
            sync_interval: Some(SyncInterval::default()),
            depth: SampleDepth::MAX,
        }
    }

    /// Sets the sample rate of the input.
    pub fn rate(mut self, rate: CodingRate) -> Self {
        self.rate = rate;
        self
    }

    /// Sets the bit rate.
    pub fn bitrate(mut self, bitrate: Bitrate) -> Self {
        self.bitrate = bitrate;
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

    /// Sets the depth of the source.
    pub fn depth(mut self, depth: SampleDepth) -> Self {
        self.depth = depth;
        self
    }

    /// Returns whether every packet uses CELT, so that a recording can be encoded in segments.
    pub fn is_all_celt(&self) -> bool {
        self.application == Application::LowDelay
            || self.frame_duration < FrameDuration::Ms10
            || self.forces_celt()
    }

    /// Returns the samples per channel of a frame, at the coding rate.
    pub fn frame_len(&self) -> usize {
        // At most 5760.
        usize::try_from(self.frame_duration.samples() / self.rate.divisor()).unwrap_or_default()
    }

    /// Returns the distance of sync points in samples per channel at 48 kHz.
    pub fn sync_samples(&self) -> Option<u64> {
        self.sync_packets()
            .map(|packets| packets.saturating_mul(self.frame_duration.samples().into()))
    }

    /// Returns whether to force CELT: for sync points, where libopus would choose it for every
    /// packet anyway, and with several streams, since their modes cannot be set one by one.
    pub(crate) fn forces_celt(&self) -> bool {
        self.sync_interval.is_some() && (self.channels.count() > 2 || self.always_becomes_celt())
    }

    /// Returns whether libopus, left alone, would choose CELT for every packet of one stream, even
    /// for what it takes for speech (`opus_encode_native` in `opus_encoder.c`).
    fn always_becomes_celt(&self) -> bool {
        let least = match self.application {
            Application::Audio => 53_600,
            Application::Voip => 71_200,
            Application::LowDelay => 0,
        };
        self.equivalent_rate() >= least
    }

    /// Returns the bit rate in packets of 20 ms at full complexity that libopus considers equal
    /// (`compute_equiv_rate`).
    fn equivalent_rate(&self) -> u32 {
        let packets_a_second = SAMPLE_RATE / self.frame_duration.samples();
        let overhead = 40 * u32::from(self.channels.count()) + 20;
        let headers = overhead * packets_a_second.saturating_sub(50);
        let rate = self.bitrate.get().saturating_sub(headers);
        let rate = if self.rate_control == RateControl::Cbr { rate - rate / 12 } else { rate };
        rate / 100 * (90 + u32::from(self.complexity.get()))
    }

    /// Returns the distance of sync points in packets.
    pub(crate) fn sync_packets(&self) -> Option<u64> {
        let SyncInterval(interval) = self.sync_interval?;
        let packets = interval.as_nanos() / self.frame_duration.duration().as_nanos();
        Some(u64::try_from(packets).unwrap_or(u64::MAX).max(1))
    }

    pub(crate) fn check_bitrate(&self, streams: u8) -> Result<i32, InvalidOption> {
        let Bitrate(found) = self.bitrate;
        let channels = u32::from(self.channels.count());
        let packets_a_second = SAMPLE_RATE.div_ceil(self.frame_duration.samples()).max(50);
        let least = (6_000 * u32::from(streams)).max(40 * packets_a_second * channels);
        let most = 300_000 * channels;
        i32::try_from(found)
            .ok()
            .filter(|_| (least..=most).contains(&found))
            .ok_or(InvalidOption::Bitrate { found, least, most })
    }
}

impl Bitrate {
    /// Returns this bit rate. Its limits depend on the other options, so the encoder checks them.
    pub const fn bits_per_second(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the default bit rate: 96 kb/s for mono, 160 kb/s for stereo, 80 kb/s per channel for
    /// surround (half of stereo), and 96 kb/s per discrete channel (more than 8), since those share
    /// nothing.
    pub fn default_for(channels: Channels) -> Self {
        let count = u32::from(channels.count());
        match count {
            1 => Self(96_000),
            2..=8 => Self(80_000 * count),
            _ => Self(96_000 * count),
        }
    }

    /// Returns the bits per second.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for SyncInterval {
    fn default() -> Self {
        Self(Duration::from_millis(400))
    }
}

impl Complexity {
    /// The least effort.
    pub const MIN: Self = Self(0);
    /// The most effort, the default.
    pub const MAX: Self = Self(10);

    /// Returns this complexity, which must be 0 to 10.
    pub const fn new(complexity: u8) -> Result<Self, InvalidOption> {
        match complexity {
            0..=10 => Ok(Self(complexity)),
            found => Err(InvalidOption::Complexity { found }),
        }
    }

    /// Returns the number from 0 to 10.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl SampleDepth {
    /// The least depth that libopus knows.
    pub const MIN: Self = Self(8);
    /// That of `f32` samples, and of any source that is deeper or unknown.
    pub const MAX: Self = Self(24);

    /// Returns the depth of samples with this many bits, or the nearest one that libopus knows.
    ///
    /// ```
    /// use opus_encode::SampleDepth;
    ///
    /// assert_eq!(SampleDepth::of_bits(16).get(), 16);
    /// assert_eq!(SampleDepth::of_bits(32), SampleDepth::MAX);
    /// ```
    pub fn of_bits(bits: u32) -> Self {
        u8::try_from(bits).map_or(Self::MAX, |bits| Self(bits.clamp(Self::MIN.0, Self::MAX.0)))
    }

    /// Returns the number of bits, from 8 to 24.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl FrameDuration {
    /// All durations, shortest first.
    pub const ALL: [Self; 9] = [
        Self::Ms2_5,
        Self::Ms5,
        Self::Ms10,
        Self::Ms20,
        Self::Ms40,
        Self::Ms60,
        Self::Ms80,
        Self::Ms100,
        Self::Ms120,
    ];

    /// Returns the samples per channel, at 48 kHz.
    pub const fn samples(self) -> u32 {
        match self {
            Self::Ms2_5 => 120,
            Self::Ms5 => 240,
            Self::Ms10 => 480,
            Self::Ms20 => 960,
            Self::Ms40 => 1920,
            Self::Ms60 => 2880,
            Self::Ms80 => 3840,
            Self::Ms100 => 4800,
            Self::Ms120 => 5760,
        }
    }

    /// Returns the duration as time.
    pub fn duration(self) -> Duration {
        Duration::from_micros(u64::from(self.samples()) * 1_000 / 48)
    }
}

impl CodingRate {
    /// All rates, lowest first.
    pub const ALL: [Self; 5] =
        [Self::Hz8000, Self::Hz12000, Self::Hz16000, Self::Hz24000, Self::Hz48000];

    /// Returns the rate of `hz`, if libopus accepts it.
    pub fn from_hz(hz: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|rate| rate.hz() == hz)
    }

    /// Returns the rate in Hz.
    pub const fn hz(self) -> u32 {
        SAMPLE_RATE / self.divisor()
    }

    /// Returns how many samples at 48 kHz one sample at this rate lasts.
    pub const fn divisor(self) -> u32 {
        match self {
            Self::Hz8000 => 6,
            Self::Hz12000 => 4,
            Self::Hz16000 => 3,
            Self::Hz24000 => 2,
            Self::Hz48000 => 1,
        }
    }
}
