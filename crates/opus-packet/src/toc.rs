use core::fmt;

/// The table-of-contents byte at the start of every packet (RFC 6716 section 3.1).
///
/// ```
/// use opus_packet::{Bandwidth, Mode, Toc};
///
/// let toc = Toc::new(0x78);
/// assert_eq!((toc.mode(), toc.bandwidth()), (Mode::Hybrid, Bandwidth::Full));
/// assert_eq!(toc.frame_duration(), 960); // 20 ms at 48 kHz
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Toc(u8);

/// The coding layers of a packet (RFC 6716 table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Linear prediction, for speech at low bit rates.
    Silk,
    /// SILK below 8 kHz and CELT above.
    Hybrid,
    /// MDCT, for music and low delay.
    Celt,
}

/// The audio bandwidth of a packet (RFC 6716 table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bandwidth {
    /// 4 kHz.
    Narrow,
    /// 6 kHz.
    Medium,
    /// 8 kHz.
    Wide,
    /// 12 kHz.
    SuperWide,
    /// 20 kHz.
    Full,
}

impl Toc {
    /// Wraps a byte. Every byte is a valid TOC.
    pub const fn new(byte: u8) -> Self {
        Self(byte)
    }

    /// The coding mode.
    pub const fn mode(self) -> Mode {
        match self.config() {
            0..=11 => Mode::Silk,
            12..=15 => Mode::Hybrid,
            _ => Mode::Celt,
        }
    }

    /// The audio bandwidth.
    pub const fn bandwidth(self) -> Bandwidth {
        match self.config() {
            0..=3 | 16..=19 => Bandwidth::Narrow,
            4..=7 => Bandwidth::Medium,
            8..=11 | 20..=23 => Bandwidth::Wide,
            12..=13 | 24..=27 => Bandwidth::SuperWide,
            _ => Bandwidth::Full,
        }
    }

    /// Returns whether the packet codes two channels. Decoders return the number of channels
    /// they were made for in any case (RFC 6716 section 3.1).
    pub const fn is_stereo(self) -> bool {
        self.0 & 0b100 != 0
    }

    /// The duration of each frame of the packet in samples per channel at 48 kHz.
    #[inline]
    pub const fn frame_duration(self) -> u32 {
        match self.config() {
            config @ 16.. => 120 << (config & 0b11),
            config @ 12.. => 480 << (config & 1),
            config if config & 0b11 == 3 => 2880,
            config => 480 << (config & 0b11),
        }
    }

    /// The same mode, bandwidth and channels with one frame of another duration. Falls back to
    /// CELT if the mode has no such frame (and to wide band, since CELT has no medium band).
    /// `None` if no mode has such a frame.
    pub(crate) fn with_frame_duration(self, samples: u32) -> Option<Self> {
        let has_it = |config: &u8| Self::from_config(*config, self).frame_duration() == samples;
        let first = self.config() & !if self.mode() == Mode::Hybrid { 0b1 } else { 0b11 };
        let same_mode = first..first + if self.mode() == Mode::Hybrid { 2 } else { 4 };
        let celt = match self.bandwidth() {
            Bandwidth::Narrow => 16..20,
            Bandwidth::Medium | Bandwidth::Wide => 20..24,
            Bandwidth::SuperWide => 24..28,
            Bandwidth::Full => 28..32,
        };
        let config = same_mode.chain(celt).find(has_it)?;
        Some(Self::from_config(config, self))
    }

    /// The same packet with a frame count byte (code 3).
    pub(crate) const fn with_frame_count(self) -> u8 {
        self.0 | 0b11
    }

    pub(crate) const fn byte(self) -> u8 {
        self.0
    }

    const fn from_config(config: u8, channels_of: Self) -> Self {
        Self(config << 3 | channels_of.0 & 0b100)
    }

    /// How the packet states its number of frames: code 0 to 3 (RFC 6716 section 3.2).
    pub(crate) const fn frame_count_code(self) -> u8 {
        self.0 & 0b11
    }

    const fn config(self) -> u8 {
        self.0 >> 3
    }
}

impl fmt::Debug for Toc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Toc")
            .field("mode", &self.mode())
            .field("bandwidth", &self.bandwidth())
            .field("stereo", &self.is_stereo())
            .field("frame_duration", &self.frame_duration())
            .field("code", &self.frame_count_code())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6716 table 2, line by line: (first config, mode, bandwidth, frame durations).
    #[test]
    fn knows_every_configuration_of_table_2() {
        use Bandwidth::{Full, Medium, Narrow, SuperWide, Wide};
        let table: [(u8, Mode, Bandwidth, &[u32]); 10] = [
            (0, Mode::Silk, Narrow, &[480, 960, 1920, 2880]),
            (4, Mode::Silk, Medium, &[480, 960, 1920, 2880]),
            (8, Mode::Silk, Wide, &[480, 960, 1920, 2880]),
            (12, Mode::Hybrid, SuperWide, &[480, 960]),
            (14, Mode::Hybrid, Full, &[480, 960]),
            (16, Mode::Celt, Narrow, &[120, 240, 480, 960]),
            (20, Mode::Celt, Wide, &[120, 240, 480, 960]),
            (24, Mode::Celt, SuperWide, &[120, 240, 480, 960]),
            (28, Mode::Celt, Full, &[120, 240, 480, 960]),
            (32, Mode::Celt, Full, &[]),
        ];
        let mut config = 0;
        for (first, mode, bandwidth, durations) in table {
            assert_eq!(first, config, "the table has no holes");
            for duration in durations {
                let toc = Toc::new(config << 3);
                assert_eq!(
                    (toc.mode(), toc.bandwidth(), toc.frame_duration()),
                    (mode, bandwidth, *duration)
                );
                config += 1;
            }
        }
    }
}
