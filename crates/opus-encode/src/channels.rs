use crate::InvalidOption;

/// The number of channels, which determines how they become Opus streams (RFC 7845 section 5.1.1):
///
/// | channels | family | order |
/// |---|---|---|
/// | 1, 2 | 0 | mono; left, right |
/// | 3 to 8 | 1 | surround, in Vorbis order, which differs from that of WAV |
/// | 9 to 255 | 255 | discrete: unordered, one stream each |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channels(u8);

impl Channels {
    /// One channel.
    pub const MONO: Self = Self(1);
    /// Left and right.
    pub const STEREO: Self = Self(2);

    /// Returns this number of channels; 0 is an error.
    pub const fn new(count: u8) -> Result<Self, InvalidOption> {
        match count {
            0 => Err(InvalidOption::NoChannels),
            count => Ok(Self(count)),
        }
    }

    /// Returns the number of channels.
    pub const fn count(self) -> u8 {
        self.0
    }

    /// Returns the channel mapping family.
    pub const fn family(self) -> u8 {
        match self.0 {
            ..=2 => 0,
            3..=8 => 1,
            _ => 255,
        }
    }

    /// Returns, for each channel in encoding order, its index in the order of WAV and FLAC (that of
    /// the bits in the channel mask: front left, front right, front centre, LFE, back left, …).
    /// Returns `None` if both orders are the same.
    ///
    /// ```
    /// use opus_encode::Channels;
    ///
    /// // Left, centre, right, back left, back right, LFE.
    /// assert_eq!(Channels::new(6)?.from_wav(), Some([0, 2, 1, 4, 5, 3].as_slice()));
    /// assert_eq!(Channels::STEREO.from_wav(), None);
    /// # Ok::<(), opus_encode::InvalidOption>(())
    /// ```
    pub const fn from_wav(self) -> Option<&'static [usize]> {
        match self.0 {
            3 => Some(&[0, 2, 1]),
            5 => Some(&[0, 2, 1, 3, 4]),
            6 => Some(&[0, 2, 1, 4, 5, 3]),
            7 => Some(&[0, 2, 1, 5, 6, 4, 3]),
            8 => Some(&[0, 2, 1, 6, 7, 4, 5, 3]),
            _ => None,
        }
    }
}
