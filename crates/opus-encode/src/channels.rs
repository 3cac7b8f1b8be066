use crate::InvalidOption;

/// Channels of the audio, and so how they become Opus streams (RFC 7845 section 5.1.1):
///
/// | channels | family | order |
/// |---|---|---|
/// | 1, 2 | 0 | mono; left, right |
/// | 3 to 8 | 1 | surround, in the order of Vorbis, which is not that of WAV |
/// | 9 to 255 | 255 | discrete: no order, each a stream of its own |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channels(u8);

impl Channels {
    /// One channel.
    pub const MONO: Self = Self(1);
    /// Left and right.
    pub const STEREO: Self = Self(2);

    /// As many channels: any number but 0.
    pub const fn new(count: u8) -> Result<Self, InvalidOption> {
        match count {
            0 => Err(InvalidOption::NoChannels),
            count => Ok(Self(count)),
        }
    }

    /// How many.
    pub const fn count(self) -> u8 {
        self.0
    }

    /// The channel mapping family.
    pub const fn family(self) -> u8 {
        match self.0 {
            ..=2 => 0,
            3..=8 => 1,
            _ => 255,
        }
    }

    /// For each channel in the order that is encoded, which channel it is in the order of WAV
    /// (by the bits of its channel mask: front left, front right, front centre, LFE, back left,
    /// …) and of FLAC. None where both orders are the same.
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
