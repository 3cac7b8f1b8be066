use std::time::Duration;

use opus_packet::SAMPLE_RATE;

use crate::{Channels, InvalidOption};

/// How to encode. [`new`](Self::new) gives the defaults, for audio of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Channels of the audio.
    pub channels: Channels,
    /// Sample rate of the audio that is given: 48 kHz by default.
    pub rate: CodingRate,
    /// [`Bitrate::default_for`] the channels by default.
    pub bitrate: Bitrate,
    /// Variable by default.
    pub rate_control: RateControl,
    /// [`Complexity::MAX`] by default.
    pub complexity: Complexity,
    /// [`Application::Audio`] by default.
    pub application: Application,
    /// 20 ms by default.
    pub frame_duration: FrameDuration,
    /// One second by default; `None` turns sync points off.
    pub sync_interval: Option<SyncInterval>,
}

/// Bits per second of all channels together.
///
/// Encoders take at least 6 kb/s for each Opus stream and 40 bits for each frame and channel
/// (what libopus needs to say how loud the bands are: with less it would use more than it is
/// told to, or none), and at most 300 kb/s a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bitrate(u32);

/// How the bit rate is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RateControl {
    /// As the audio needs; the bit rate is met in the long run.
    #[default]
    Vbr,
    /// As the audio needs, within what one second of buffer levels out.
    ConstrainedVbr,
    /// All packets have the same number of bytes.
    Cbr,
}

/// How much work the encoder puts in: 0 to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Complexity(u8);

/// What the audio is for, and so which of the two coders of Opus codes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Application {
    /// Faithful to what goes in. With sync points: always CELT, whose sync points cost nothing
    /// and which several threads can encode. Without: as libopus chooses, which is CELT from
    /// some 54 kb/s on.
    #[default]
    Audio,
    /// Intelligible speech at low rates. libopus chooses the mode packet by packet: mostly SILK
    /// and hybrid below 72 kb/s.
    Voip,
    /// Always CELT, and 4 ms less of pre-skip.
    LowDelay,
}

/// How long a packet lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
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

/// A sample rate that libopus takes. Packets count at 48 kHz all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CodingRate {
    Hz8000,
    Hz12000,
    Hz16000,
    Hz24000,
    #[default]
    Hz48000,
}

/// How far apart sync points are: packets, or pairs of them, that refer to no packet before. A
/// decoder that begins at one is soon exact.
///
/// They lie on packets, so the distance is that of as many whole packets as fit, one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncInterval(pub Duration);

impl Options {
    /// The defaults for so many channels.
    pub fn new(channels: Channels) -> Self {
        Self {
            channels,
            rate: CodingRate::Hz48000,
            bitrate: Bitrate::default_for(channels),
            rate_control: RateControl::Vbr,
            complexity: Complexity::MAX,
            application: Application::Audio,
            frame_duration: FrameDuration::Ms20,
            sync_interval: Some(SyncInterval(Duration::from_secs(1))),
        }
    }

    /// Whether every packet is coded by CELT, so that a recording can be encoded in segments.
    pub fn is_all_celt(&self) -> bool {
        self.application == Application::LowDelay
            || self.frame_duration < FrameDuration::Ms10
            || self.forces_celt()
    }

    /// Samples per channel of a frame, at the coding rate.
    pub fn frame_len(&self) -> usize {
        // At most 5760.
        usize::try_from(self.frame_duration.samples() / self.rate.divisor()).unwrap_or_default()
    }

    /// From one sync point to the next: samples per channel at 48 kHz.
    pub fn sync_samples(&self) -> Option<u64> {
        self.sync_packets()
            .map(|packets| packets.saturating_mul(self.frame_duration.samples().into()))
    }

    pub(crate) fn forces_celt(&self) -> bool {
        self.application == Application::Audio && self.sync_interval.is_some()
    }

    /// Packets from one sync point to the next.
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
    /// So many bits per second. What is too much or too little depends on the other options:
    /// the encoder says.
    pub const fn bits_per_second(bits: u32) -> Self {
        Self(bits)
    }

    /// 96 kb/s mono, 160 kb/s stereo; of more channels 80 kb/s each, which is half of stereo,
    /// and of discrete ones (more than 8) 96 kb/s each, since they share nothing.
    pub fn default_for(channels: Channels) -> Self {
        let count = u32::from(channels.count());
        match count {
            1 => Self(96_000),
            2..=8 => Self(80_000 * count),
            _ => Self(96_000 * count),
        }
    }

    /// Bits per second.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Complexity {
    /// The least work.
    pub const MIN: Self = Self(0);
    /// The most work: the default.
    pub const MAX: Self = Self(10);

    /// 0 to 10.
    pub const fn new(complexity: u8) -> Result<Self, InvalidOption> {
        match complexity {
            0..=10 => Ok(Self(complexity)),
            found => Err(InvalidOption::Complexity { found }),
        }
    }

    /// 0 to 10.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl FrameDuration {
    /// All, from the shortest on.
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

    /// Samples per channel, at 48 kHz.
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

    /// The time.
    pub fn duration(self) -> Duration {
        Duration::from_micros(u64::from(self.samples()) * 1_000 / 48)
    }
}

impl CodingRate {
    /// All, from the lowest on.
    pub const ALL: [Self; 5] =
        [Self::Hz8000, Self::Hz12000, Self::Hz16000, Self::Hz24000, Self::Hz48000];

    /// The rate in Hz, if libopus takes it.
    pub fn from_hz(hz: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|rate| rate.hz() == hz)
    }

    /// Samples per second.
    pub const fn hz(self) -> u32 {
        SAMPLE_RATE / self.divisor()
    }

    /// Samples at 48 kHz for each sample at this rate.
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
