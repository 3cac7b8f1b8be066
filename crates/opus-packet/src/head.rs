use alloc::vec::Vec;

/// The identification header of an Opus stream (RFC 7845 section 5.1).
///
/// Invariant: a value that exists describes a stream of mapping family 0, one
/// or two channels in one Opus stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpusHead {
    /// Version of the encapsulation. The upper four bits are zero, so it is
    /// readable by every reader of version 1.
    version: u8,
    channels: u8,
    pre_skip: u16,
    input_sample_rate: u32,
    output_gain: i16,
}

/// Why bytes are not an OpusHead that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum InvalidHead {
    #[error("no OpusHead: the packet does not begin with \"OpusHead\"")]
    Magic,
    #[error("OpusHead of {found} bytes, expected at least 19")]
    TooShort { found: usize },
    #[error("OpusHead of version {found}, expected 0 to 15")]
    Version { found: u8 },
    #[error("OpusHead of version 1 with {found} bytes, expected 19 for mapping family 0")]
    ExtraBytes { found: usize },
    #[error("{found} channels, expected 1 or 2 for mapping family 0")]
    Channels { found: u8 },
    #[error(
        "mapping family {family} with {channels} channels: only family 0, mono and stereo, is supported"
    )]
    UnsupportedFamily { family: u8, channels: u8 },
}

impl OpusHead {
    /// A head of version 1 for one or two channels.
    ///
    /// `pre_skip` is in samples at 48 kHz; `input_sample_rate` in Hz is a note
    /// about the source (0: unknown) and has no effect on decoding.
    pub fn new(channels: u8, pre_skip: u16, input_sample_rate: u32) -> Result<Self, InvalidHead> {
        check_channels(channels)?;
        Ok(Self { version: 1, channels, pre_skip, input_sample_rate, output_gain: 0 })
    }

    /// The same head with an output gain: see [`output_gain`](Self::output_gain).
    #[must_use]
    pub fn with_output_gain(self, output_gain: i16) -> Self {
        Self { output_gain, ..self }
    }

    /// Parses the first packet of a stream.
    pub fn parse(packet: &[u8]) -> Result<Self, InvalidHead> {
        if !packet.starts_with(MAGIC) {
            return Err(InvalidHead::Magic);
        }
        let found = packet.len();
        let fields = packet.first_chunk::<FAMILY_0_LEN>().ok_or(InvalidHead::TooShort { found })?;
        let [_, _, _, _, _, _, _, _, version, channels, p0, p1, r0, r1, r2, r3, g0, g1, family] =
            *fields;
        // Section 5.1: minor versions 0 to 15 are compatible, and may append fields.
        if version > 15 {
            return Err(InvalidHead::Version { found: version });
        }
        if family != 0 {
            return Err(InvalidHead::UnsupportedFamily { family, channels });
        }
        if version <= 1 && found > FAMILY_0_LEN {
            return Err(InvalidHead::ExtraBytes { found });
        }
        check_channels(channels)?;
        Ok(Self {
            version,
            channels,
            pre_skip: u16::from_le_bytes([p0, p1]),
            input_sample_rate: u32::from_le_bytes([r0, r1, r2, r3]),
            output_gain: i16::from_le_bytes([g0, g1]),
        })
    }

    /// The packet that [`parse`](Self::parse) reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FAMILY_0_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[self.version, self.channels]);
        bytes.extend_from_slice(&self.pre_skip.to_le_bytes());
        bytes.extend_from_slice(&self.input_sample_rate.to_le_bytes());
        bytes.extend_from_slice(&self.output_gain.to_le_bytes());
        bytes.push(0);
        bytes
    }

    /// Output channels: 1 or 2.
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// Samples at 48 kHz, per channel, to drop from the start of the decoded
    /// audio (section 4.2).
    pub fn pre_skip(&self) -> u16 {
        self.pre_skip
    }

    /// Sample rate of the audio before encoding, in Hz; 0 if unknown. Not the
    /// rate to decode at.
    pub fn input_sample_rate(&self) -> u32 {
        self.input_sample_rate
    }

    /// Gain to apply when decoding, in dB as signed Q7.8: 256 is 1 dB.
    pub fn output_gain(&self) -> i16 {
        self.output_gain
    }
}

fn check_channels(found: u8) -> Result<(), InvalidHead> {
    if matches!(found, 1 | 2) { Ok(()) } else { Err(InvalidHead::Channels { found }) }
}

const MAGIC: &[u8; 8] = b"OpusHead";
const FAMILY_0_LEN: usize = 19;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stereo() -> Vec<u8> {
        OpusHead::new(2, 312, 44_100).unwrap().to_bytes()
    }

    #[test]
    fn version_0_is_accepted_and_16_is_not() {
        let mut bytes = stereo();
        bytes[8] = 0;
        assert_eq!(OpusHead::parse(&bytes).unwrap().to_bytes(), bytes);
        bytes[8] = 16;
        assert_eq!(OpusHead::parse(&bytes), Err(InvalidHead::Version { found: 16 }));
    }

    #[test]
    fn extra_bytes_only_in_later_versions() {
        let mut bytes = stereo();
        bytes.push(0);
        assert_eq!(OpusHead::parse(&bytes), Err(InvalidHead::ExtraBytes { found: 20 }));
        bytes[8] = 2;
        assert!(OpusHead::parse(&bytes).is_ok());
    }

    #[test]
    fn wrong_heads_are_named() {
        assert_eq!(OpusHead::parse(b"OpusTags"), Err(InvalidHead::Magic));
        assert_eq!(OpusHead::parse(&stereo()[..18]), Err(InvalidHead::TooShort { found: 18 }));
        let mut bytes = stereo();
        bytes[9] = 0;
        assert_eq!(OpusHead::parse(&bytes), Err(InvalidHead::Channels { found: 0 }));
        bytes[9] = 6;
        bytes[18] = 1;
        assert_eq!(
            OpusHead::parse(&bytes),
            Err(InvalidHead::UnsupportedFamily { family: 1, channels: 6 })
        );
    }

    proptest! {
        #[test]
        fn round_trip(channels in 1u8..=2, pre_skip: u16, rate: u32, gain: i16) {
            let head = OpusHead::new(channels, pre_skip, rate).unwrap().with_output_gain(gain);
            prop_assert_eq!(OpusHead::parse(&head.to_bytes()), Ok(head));
        }

        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = OpusHead::parse(&bytes);
        }
    }
}
